//! Checks of the core that need more than one module: the order protocol, and the map of the
//! workspace.
#![allow(missing_docs, clippy::indexing_slicing, clippy::panic, clippy::expect_used, reason = "these are tests")]

mod areas;
mod mocks;
mod protocol;
