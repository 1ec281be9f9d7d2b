//! The port that finds the point of an address, a PIN code or a landmark.
//!
//! A host gives one: `vyapar-google` asks the Google Maps platform, [`PinTable`] answers from a
//! table in memory. A geocoder that fails must never cost a store or an address: a caller saves
//! without coordinates and asks again later (DOMAIN section 4).

mod lookups;
mod pending;
mod table;

use std::time::Duration;

use async_trait::async_trait;

use super::Coordinates;
use crate::contact::PersonalText;
use crate::india::{PinCode, StateCode};

pub(crate) use lookups::Lookups;
pub(crate) use pending::Asked;
pub use pending::{GeocodedPending, GeocodingDue};
pub(crate) use table::medoid;
pub use table::{MAX_POINTS_PER_PIN, PinRow, PinRowError, PinTable, PinTableLoad, RefusedPinRow};

/// A full postal address in India. Its street part is personal and masked in `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressQuery {
    /// House, street, landmark: what comes before the city.
    pub street: PersonalText,
    /// City, town or village.
    pub city: String,
    /// State, where known.
    pub state: Option<StateCode>,
    /// PIN code.
    pub pincode: PinCode,
}

/// A landmark or another place by its name ("near Gandhi Maidan").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceQuery {
    /// What was typed. Masked in `Debug`: people type their address here too.
    pub text: PersonalText,
    /// City it is in, where known.
    pub city: Option<String>,
    /// State it is in, where known.
    pub state: Option<StateCode>,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeocodeQuery {
    /// A full address.
    Address(AddressQuery),
    /// The area of a PIN code.
    Pin(PinCode),
    /// A landmark.
    Place(PlaceQuery),
}

/// How exact a point is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GeocodePrecision {
    /// Somewhere in the area: a locality, a PIN code.
    Area,
    /// The middle of a street or of a named place.
    Centre,
    /// Between two known house numbers of the street.
    Interpolated,
    /// The building.
    Rooftop,
}

/// A point that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeocodeHit {
    /// Where it is.
    pub coordinates: Coordinates,
    /// How exact that is.
    pub precision: GeocodePrecision,
    /// Only part of what was asked matched (a misspelt street, a house number that does not
    /// exist): worth showing to the person who typed it.
    pub partial: bool,
}

/// Why a geocoder gave no answer.
///
/// No variant carries a text from outside: an error ends in logs, and neither the address nor
/// the key of the service may. Closed on purpose: a caller decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GeocodeError {
    /// Too many questions for now, or for the day.
    #[error("the geocoder's quota is used up")]
    QuotaExceeded {
        /// When to ask again, if the service said so.
        retry_after: Option<Duration>,
    },
    /// The service does not accept the key, the account or the caller's address.
    #[error("the geocoder denied the request: check the key, its restrictions and the account")]
    Denied,
    /// The service cannot be reached, or fails.
    #[error("the geocoder is unavailable")]
    Unavailable,
    /// No answer in time.
    #[error("the geocoder did not answer in time")]
    TimedOut,
    /// An answer that cannot be read; the text says which part.
    #[error("the geocoder's answer cannot be read: {0}")]
    Malformed(&'static str),
    /// The service did not understand the question; asking the same again does not help.
    #[error("the geocoder refused the query")]
    InvalidQuery,
}

impl GeocodeError {
    /// Whether the same question may be answered later. A denial may too, but only after a
    /// person has done something about it; a quota without a time is worth a try the next day.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::QuotaExceeded { .. } | Self::Unavailable | Self::TimedOut)
    }
}

/// Finds points of addresses.
///
/// # Contract
/// - `Ok(None)` means that the place is not known, and asking again does not help.
/// - A hit is in India and no larger than a city: the middle of a state or of the country is no
///   answer, but "not known".
/// - Bounded in time by the implementation; dropping the future stops it. Reading only, so
///   every call may be repeated.
/// - Neither the query nor a key appears in errors or traces.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Geocoder: Send + Sync {
    /// Where that is.
    async fn locate(&self, query: &GeocodeQuery) -> Result<Option<GeocodeHit>, GeocodeError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_typed_is_masked() {
        let street = PersonalText::parse("street", "12 Gandhi Marg, opposite the temple", 200).unwrap();
        let query = GeocodeQuery::Address(AddressQuery {
            street: street.clone(),
            city: "Surat".to_owned(),
            state: "24".parse().ok(),
            pincode: "395003".parse().unwrap(),
        });
        let place = GeocodeQuery::Place(PlaceQuery { text: street, city: None, state: None });
        for text in [format!("{query:?}"), format!("{place:?}")] {
            assert!(!text.contains("Gandhi") && !text.contains("temple"), "{text}");
        }
    }

    #[test]
    fn the_order_of_precision_is_from_coarse_to_fine() {
        assert!(GeocodePrecision::Area < GeocodePrecision::Centre);
        assert!(GeocodePrecision::Interpolated < GeocodePrecision::Rooftop);
    }

    #[test]
    fn what_may_be_asked_again() {
        assert!(GeocodeError::QuotaExceeded { retry_after: None }.is_retryable());
        assert!(GeocodeError::TimedOut.is_retryable() && GeocodeError::Unavailable.is_retryable());
        for lasting in [GeocodeError::Denied, GeocodeError::InvalidQuery, GeocodeError::Malformed("no JSON")] {
            assert!(!lasting.is_retryable());
        }
    }
}
