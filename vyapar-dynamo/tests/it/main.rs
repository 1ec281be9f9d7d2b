//! The adapter against a DynamoDB-protocol server in the test process.
//!
//! `plain` and `bad_day` run the conformance suite of the ports, once on the server as it
//! answers, once through a layer of conflicts, throttling and lost answers. The other modules
//! hold what is this adapter's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod audit;
mod bad_day;
mod golden;
mod hot;
mod lost;
mod mixed;
mod nearby;
mod paging;
mod people;
mod personal;
mod plain;
mod post_offices;
mod property;
mod races;
mod stores;
mod support;
mod tables;
