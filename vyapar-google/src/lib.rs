//! Geocoding for `vyapar` by the Google Maps platform: the port
//! [`Geocoder`](vyapar_core::geo::geocoder::Geocoder) over the Geocoding API (version 3, JSON).
//!
//! - Every question is bounded: a time limit for the connection and for each attempt, a few
//!   repetitions with growing, jittered pauses, and a largest size of an answer.
//! - Only India is searched (`components=country:IN`). The middle of a state or of the country,
//!   which is what the service answers when it knows nothing better, counts as "not found".
//! - The API key and the address are in the URL, because the service wants them there. No error,
//!   `Debug` text or trace has either, redirects are not followed, and plain HTTP is accepted to
//!   this machine only.
//! - TLS is rustls with ring and the Mozilla root certificates, the same as in the PostgreSQL
//!   adapter. The environment is not read: a proxy is set in [`GoogleConfig`] or there is none.
//!
//! ```no_run
//! use vyapar_core::geo::geocoder::{GeocodeQuery, Geocoder};
//! use vyapar_google::{GoogleConfig, GoogleGeocoder};
//!
//! # async fn run(key: String) -> Result<(), Box<dyn std::error::Error>> {
//! let geocoder = GoogleGeocoder::new(GoogleConfig::new(key)?.retries(2))?;
//! match geocoder.locate(&GeocodeQuery::Pin("395003".parse()?)).await {
//!     Ok(Some(hit)) => println!("{} north, {} east", hit.coordinates.latitude(), hit.coordinates.longitude()),
//!     Ok(None) => println!("not known"),
//!     Err(error) if error.is_retryable() => println!("later: {error}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod backoff;
mod config;
mod geocoder;
mod question;

pub use config::{ConfigError, GoogleConfig};
pub use geocoder::GoogleGeocoder;
