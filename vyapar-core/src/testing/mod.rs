//! For tests of adapters, of hosts, and of vyapar itself (feature `testing`, which may use
//! tokio).
//!
//! [`conformance`] holds the promises of every storage port; [`crate::conformance!`] turns
//! them into named tests of an adapter. [`env`](mod@env) is a deterministic environment,
//! [`fixtures`] makes stored things.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a promise that is not kept is a failed test"
)]

pub mod conformance;
pub mod env;
pub mod faults;
pub mod fixtures;
pub mod full_search;
pub mod harness;
pub mod mocks;
pub mod property;
pub mod town;

pub use env::{ManualClock, SeededEntropy, TestEnv, test_keys};
pub use fixtures::Fixtures;
pub use harness::{Bench, run};
