//! The client.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, Proxy, Response, StatusCode, Url, header, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use vyapar_core::geo::geocoder::{GeocodeError, GeocodeHit, GeocodeQuery, Geocoder};

use crate::answer::{self, Failure};
use crate::backoff::pause;
use crate::config::{ConfigError, GoogleConfig};
use crate::question;

/// A [`Geocoder`] that asks the Google Maps platform. Needs a tokio runtime with time and I/O.
/// Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct GoogleGeocoder {
    config: GoogleConfig,
    client: Client,
}

impl fmt::Debug for GoogleGeocoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleGeocoder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// rustls with the same parts as the database adapter, and no provider set for the process.
fn tls() -> Result<ClientConfig, ConfigError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| ConfigError::Client("no version of TLS"))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl GoogleGeocoder {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigError`] for limits that limit nothing, or when the client cannot be set up.
    pub fn new(config: GoogleConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(config.connect_timeout)
            .timeout(config.attempt_timeout)
            // A redirect would carry the key to another place, and so would the referer.
            .redirect(redirect::Policy::none())
            .referer(false)
            // Repetitions are counted here, not in the client too.
            .retry(retry::never())
            .no_proxy();
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(Proxy::all(proxy.clone()).map_err(|_| ConfigError::Proxy)?);
        }
        let client = builder.build().map_err(|_| ConfigError::Client("HTTP"))?;
        Ok(Self { config, client })
    }

    async fn attempt(&self, url: Url, query: &GeocodeQuery) -> Result<Option<GeocodeHit>, Failure> {
        let response = self.client.get(url).send().await.map_err(failure)?;
        if let Some(failure) = refused(&response) {
            return Err(failure);
        }
        answer::read(&self.body(response).await?, query)
    }

    /// The body, as long as it is within the limit: no more than that is ever held.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let too_long = || Failure::lasting(GeocodeError::Malformed("longer than the limit"));
        let limit = self.config.body_limit;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_long());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > limit {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// How long to wait before asking once more, or nothing if that is pointless.
    fn next_pause(&self, failure: Failure, repetition: u32) -> Option<Duration> {
        if !failure.again || repetition >= self.config.retries {
            return None;
        }
        let own = pause(&self.config, repetition);
        match failure.error {
            // The service knows better; but a caller does not wait for minutes in here.
            GeocodeError::QuotaExceeded { retry_after: Some(asked) } => {
                (asked <= self.config.longest_pause).then(|| asked.max(own))
            }
            _ => Some(own),
        }
    }
}

/// What a failed exchange was. The client's error knows the URL, and the URL the key: it is
/// traced without it and goes no further.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut causes = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        causes = format!("{causes}: {cause}");
        source = cause.source();
    }
    tracing::debug!(causes, "an exchange with the geocoding service failed");
    if error.is_timeout() {
        Failure::passing(GeocodeError::TimedOut)
    } else if error.is_builder() {
        Failure::lasting(GeocodeError::InvalidQuery)
    } else {
        Failure::passing(GeocodeError::Unavailable)
    }
}

/// What the HTTP status alone says.
fn refused(response: &Response) -> Option<Failure> {
    let status = response.status();
    // A number of seconds; a date is not worth a parser, since no answer of this service has one.
    let retry_after = || {
        let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    };
    match status {
        _ if status.is_success() => None,
        StatusCode::TOO_MANY_REQUESTS => {
            Some(Failure::passing(GeocodeError::QuotaExceeded { retry_after: retry_after() }))
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Failure::lasting(GeocodeError::Denied)),
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => {
            Some(Failure::lasting(GeocodeError::InvalidQuery))
        }
        StatusCode::REQUEST_TIMEOUT => Some(Failure::passing(GeocodeError::TimedOut)),
        _ if status.is_server_error() => Some(Failure::passing(GeocodeError::Unavailable)),
        _ => Some(Failure::lasting(GeocodeError::Malformed("an HTTP status that is not documented"))),
    }
}

#[async_trait]
impl Geocoder for GoogleGeocoder {
    async fn locate(&self, query: &GeocodeQuery) -> Result<Option<GeocodeHit>, GeocodeError> {
        let url = question::url(&self.config, query).ok_or(GeocodeError::InvalidQuery)?;
        let mut repetition = 0;
        loop {
            let failure = match self.attempt(url.clone(), query).await {
                Ok(hit) => {
                    tracing::debug!(repetition, found = hit.is_some(), "the geocoding service answered");
                    return Ok(hit);
                }
                Err(failure) => failure,
            };
            let Some(pause) = self.next_pause(failure, repetition) else {
                tracing::warn!(repetition, error = %failure.error, "geocoding failed");
                return Err(failure.error);
            };
            tracing::debug!(repetition, error = %failure.error, ?pause, "geocoding failed, asking again");
            tokio::time::sleep(pause).await;
            repetition += 1;
        }
    }
}
