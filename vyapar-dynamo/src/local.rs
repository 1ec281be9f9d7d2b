//! A client for a server of the DynamoDB protocol on plain HTTP: development and tests.
//!
//! The SDK's own connectors need TLS and a certificate store even for `http://`; this one needs
//! neither. It ignores connect and read timeouts, so it is not for production: hand in a
//! client with your own connector there.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_util::{
    client::legacy::{Client as Hyper, connect::HttpConnector as Tcp},
    rt::TokioExecutor,
};

/// Sends requests as they are, without TLS.
#[derive(Clone, Debug)]
pub struct PlainHttp(Hyper<Tcp, SdkBody>);

impl PlainHttp {
    /// A connector with a pool of connections of its own.
    #[must_use]
    pub fn new() -> Self {
        Self(Hyper::builder(TokioExecutor::new()).build_http())
    }

    /// Sends one request.
    ///
    /// # Errors
    /// A [`ConnectorError`] when the request is none, or the connection fails or breaks.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let response = self.0.request(request).await.map_err(|error| ConnectorError::io(error.into()))?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl Default for PlainHttp {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpConnector for PlainHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.send(request).await })
    }
}

/// A client of the server at `endpoint` (`http://127.0.0.1:8000`), with made-up credentials and
/// the SDK's standard retries.
#[must_use]
pub fn client(endpoint: &str) -> Client {
    client_over(endpoint, SharedHttpConnector::new(PlainHttp::new()), RetryConfig::standard())
}

/// The same through another connector and with other retries: a layer of faults, for one.
#[must_use]
pub fn client_over(endpoint: &str, connector: SharedHttpConnector, retries: RetryConfig) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("ap-south-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .retry_config(retries)
        .build();
    Client::from_conf(config)
}
