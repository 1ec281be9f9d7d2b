//! The client against a server in this process, with the service's documented answers.
#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod answers;
mod failures;
mod secrets;
mod server;
