//! The service's answer as a hit or an error.

use serde::Deserialize;
use vyapar_core::geo::Coordinates;
use vyapar_core::geo::geocoder::{GeocodeError, GeocodeHit, GeocodePrecision, GeocodeQuery};

/// An attempt that gave no answer, and whether another one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: GeocodeError,
    pub(crate) again: bool,
}

impl Failure {
    pub(crate) const fn passing(error: GeocodeError) -> Self {
        Self { error, again: true }
    }

    pub(crate) const fn lasting(error: GeocodeError) -> Self {
        Self { error, again: false }
    }
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    results: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    geometry: Geometry,
    #[serde(default)]
    address_components: Vec<Component>,
    #[serde(default)]
    types: Vec<String>,
    #[serde(default)]
    partial_match: bool,
}

#[derive(Deserialize)]
struct Geometry {
    location: Location,
    #[serde(default)]
    location_type: String,
}

#[derive(Deserialize)]
struct Location {
    lat: f64,
    lng: f64,
}

#[derive(Deserialize)]
struct Component {
    #[serde(default)]
    short_name: String,
    #[serde(default)]
    types: Vec<String>,
}

impl Found {
    fn component(&self, kind: &str) -> Option<&str> {
        let of_kind = |component: &&Component| component.types.iter().any(|found| found == kind);
        self.address_components.iter().find(of_kind).map(|component| component.short_name.as_str())
    }

    /// Whether it answers the query: in India, no larger than a city, and of the PIN asked for.
    fn answers(&self, query: &GeocodeQuery) -> bool {
        let large = |kind: &String| kind == "country" || kind == "administrative_area_level_1";
        let here = self.component("country").is_none_or(|country| country.eq_ignore_ascii_case("IN"));
        let asked = match query {
            GeocodeQuery::Pin(pincode) => self.component("postal_code").is_some_and(|found| {
                // Some are written "395 003".
                found.parse().is_ok_and(|found: vyapar_core::india::PinCode| found == *pincode)
            }),
            GeocodeQuery::Address(_) | GeocodeQuery::Place(_) => true,
        };
        here && asked && !self.types.iter().any(large)
    }

    fn hit(&self) -> Result<GeocodeHit, Failure> {
        let Location { lat, lng } = self.geometry.location;
        let coordinates = Coordinates::new(lat, lng)
            .map_err(|_| Failure::lasting(GeocodeError::Malformed("a location is not on earth")))?;
        let precision = match self.geometry.location_type.as_str() {
            "ROOFTOP" => GeocodePrecision::Rooftop,
            "RANGE_INTERPOLATED" => GeocodePrecision::Interpolated,
            "GEOMETRIC_CENTER" => GeocodePrecision::Centre,
            // APPROXIMATE, and what may be added one day: the least that can be said.
            _ => GeocodePrecision::Area,
        };
        Ok(GeocodeHit { coordinates, precision, partial: self.partial_match })
    }
}

/// The hit in an answer's body. The first result that answers the query counts: the service
/// puts the best one first.
pub(crate) fn read(body: &[u8], query: &GeocodeQuery) -> Result<Option<GeocodeHit>, Failure> {
    // The parser's own words may quote the answer, and with it the address.
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|_| Failure::lasting(GeocodeError::Malformed("not JSON of the documented shape")))?;
    let quota = GeocodeError::QuotaExceeded { retry_after: None };
    match answer.status.as_str() {
        "OK" if answer.results.is_empty() => Err(Failure::lasting(GeocodeError::Malformed("OK without results"))),
        "OK" => {
            let found = answer.results.iter().find(|found| found.answers(query));
            let hit = found.map(Found::hit).transpose()?;
            Ok(hit.filter(|hit| hit.coordinates.warning().is_none()))
        }
        "ZERO_RESULTS" => Ok(None),
        "OVER_QUERY_LIMIT" => Err(Failure::passing(quota)),
        // A limit of the day or of the account: not over in seconds.
        "OVER_DAILY_LIMIT" => Err(Failure::lasting(quota)),
        "REQUEST_DENIED" => Err(Failure::lasting(GeocodeError::Denied)),
        "INVALID_REQUEST" => Err(Failure::lasting(GeocodeError::InvalidQuery)),
        "UNKNOWN_ERROR" => Err(Failure::passing(GeocodeError::Unavailable)),
        _ => Err(Failure::lasting(GeocodeError::Malformed("a status that is not documented"))),
    }
}
