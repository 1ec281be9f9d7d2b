//! What the tests and the measurement run against: a DynamoDB-protocol server
//! inside the test process, a client without TLS, and a layer of faults
//! between the two.
//!
//! The server never answers with a transaction conflict or with throttling, so
//! without [`faults::FaultLayer`] the adapter's retry path would never run.
#![allow(dead_code, reason = "each binary that includes this uses its own part of it")]

pub mod bench;
pub mod client;
pub mod faults;
pub mod golden;
pub mod server;
