//! A client for a plain-http server, with an optional layer of faults.

use std::sync::Arc;

use aws_sdk_dynamodb::{Client, config::retry::RetryConfig};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use vyapar_dynamo::local::{self, PlainHttp};

use super::faults::{FaultLayer, Faults};

/// A client that meets no faults but the server's own.
pub fn plain(endpoint: &str) -> Client {
    local::client(endpoint)
}

/// A client whose requests pass through `faults`. The SDK's own retries are
/// off, so that every fault reaches the adapter.
pub fn faulty(endpoint: &str, faults: Arc<Faults>) -> Client {
    retrying(endpoint, faults, RetryConfig::disabled())
}

/// The same with retries of the SDK's own, as a host's client has them.
pub fn retrying(endpoint: &str, faults: Arc<Faults>, retries: RetryConfig) -> Client {
    let layer = FaultLayer::new(PlainHttp::new(), faults);
    local::client_over(endpoint, SharedHttpConnector::new(layer), retries)
}
