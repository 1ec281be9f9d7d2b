//! Checks of the core that need more than one module or data from outside: the order protocol,
//! the map of the workspace, geography, identifiers, contact details and access control against public references.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod areas;
mod casbin;
mod contacts;
mod effective;
mod geography;
mod identifiers;
mod mocks;
mod nearby;
mod policy;
mod protocol;
