#![doc = include_str!("../README.md")]

pub use vyapar_core::*;

/// The in-memory adapter.
#[cfg(feature = "memory")]
pub use vyapar_memory as memory;

/// The PostgreSQL adapter.
#[cfg(feature = "postgres")]
pub use vyapar_postgres as postgres;

/// The DynamoDB adapter.
#[cfg(feature = "dynamo")]
pub use vyapar_dynamo as dynamo;

/// Geocoding by the Google Maps platform.
#[cfg(feature = "google")]
pub use vyapar_google as google;
