//! A point on earth, checked once.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why coordinates were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("latitude {latitude} and longitude {longitude} are not on earth (±90, ±180)")]
pub struct CoordinatesError {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// Why a text is no coordinates. The text may say where somebody lives and is not repeated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CoordinatesTextError {
    /// Not two parts with one comma between them, or a bracket without its partner.
    #[error("coordinates are a latitude and a longitude with a comma between them, in brackets or not")]
    Shape,
    /// A part that is no plain decimal number.
    #[error("the {0} is not a plain decimal number such as 28.6139")]
    Number(&'static str),
    /// Two numbers that are not on earth.
    #[error("the numbers are not on earth (±90, ±180)")]
    Range,
}

/// What makes coordinates suspicious although they are on earth. For a person to look at, never
/// a reason to refuse: ships are at 0,0, and a host may serve more than one country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoordinatesWarning {
    /// Exactly 0,0: what forms and programs fill in for "unknown", a place in the Gulf of Guinea.
    NullIsland,
    /// Outside India, but with latitude and longitude exchanged inside it.
    ProbablySwapped,
    /// Outside India and its islands (6 to 38 degrees north, 68 to 98 east).
    OutsideIndia,
}

/// A point on earth in degrees (WGS 84), always within ±90 and ±180.
///
/// ```
/// use vyapar_core::geo::{Coordinates, CoordinatesTextError, CoordinatesWarning};
///
/// let delhi = Coordinates::new(28.6139, 77.2090)?;
/// assert_eq!((delhi.latitude(), delhi.longitude()), (28.6139, 77.2090));
/// // The edges are on earth; beyond them, or without a number, nothing is.
/// assert!(Coordinates::new(-90.0, 180.0).is_ok());
/// assert!(Coordinates::new(90.1, 0.0).is_err());
/// assert!(Coordinates::new(0.0, -180.5).is_err());
/// assert!(Coordinates::new(f64::NAN, 0.0).is_err());
///
/// // Suspicious is not wrong: a warning is a value, not an error.
/// assert_eq!(delhi.warning(), None);
/// assert_eq!(Coordinates::new(0.0, 0.0)?.warning(), Some(CoordinatesWarning::NullIsland));
/// assert_eq!(Coordinates::new(77.2090, 28.6139)?.warning(), Some(CoordinatesWarning::ProbablySwapped));
/// assert_eq!(Coordinates::new(48.8567, 2.3508)?.warning(), Some(CoordinatesWarning::OutsideIndia));
///
/// // As people copy it out of a map.
/// assert_eq!("(28.6139, 77.2090)".parse(), Ok(delhi));
/// assert_eq!("28.6139 77.2090".parse::<Coordinates>(), Err(CoordinatesTextError::Shape));
/// assert_eq!("28.6139, east".parse::<Coordinates>(), Err(CoordinatesTextError::Number("longitude")));
/// assert_eq!("128.6, 77.2".parse::<Coordinates>(), Err(CoordinatesTextError::Range));
/// # Ok::<(), vyapar_core::geo::CoordinatesError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Degrees", into = "Degrees")]
pub struct Coordinates {
    latitude: f64,
    longitude: f64,
}

#[derive(Serialize, Deserialize)]
struct Degrees {
    latitude: f64,
    longitude: f64,
}

impl TryFrom<Degrees> for Coordinates {
    type Error = CoordinatesError;
    fn try_from(d: Degrees) -> Result<Self, CoordinatesError> {
        Self::new(d.latitude, d.longitude)
    }
}
impl From<Coordinates> for Degrees {
    fn from(c: Coordinates) -> Self {
        Self { latitude: c.latitude, longitude: c.longitude }
    }
}

/// India with the Nicobar Islands (6.75 north) and the Andamans, in whole degrees outwards.
fn in_india(latitude: f64, longitude: f64) -> bool {
    (6.0..=38.0).contains(&latitude) && (68.0..=98.0).contains(&longitude)
}

impl Coordinates {
    /// The point at `latitude` degrees north and `longitude` degrees east.
    ///
    /// # Errors
    /// [`CoordinatesError`] outside ±90 / ±180, or for a value that is no number.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, CoordinatesError> {
        if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
            Ok(Self { latitude, longitude })
        } else {
            Err(CoordinatesError { latitude, longitude })
        }
    }

    /// The point nearest to what was computed: rounding may leave the range by a hair, and a
    /// longitude may have gone round once.
    pub(super) fn rounded(latitude: f64, longitude: f64) -> Self {
        let longitude = if (-180.0..=180.0).contains(&longitude) {
            longitude
        } else {
            (longitude + 180.0).rem_euclid(360.0) - 180.0
        };
        Self { latitude: latitude.clamp(-90.0, 90.0), longitude: longitude.clamp(-180.0, 180.0) }
    }

    /// Degrees north.
    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }

    /// What is suspicious about it for a place in India, or `None`.
    #[must_use]
    pub fn warning(self) -> Option<CoordinatesWarning> {
        if in_india(self.latitude, self.longitude) {
            None
            // Exactly 0,0 is what an unset field holds; 0.0001 is a place.
        } else if self.latitude == 0.0 && self.longitude == 0.0 {
            Some(CoordinatesWarning::NullIsland)
        } else if in_india(self.longitude, self.latitude) {
            Some(CoordinatesWarning::ProbablySwapped)
        } else {
            Some(CoordinatesWarning::OutsideIndia)
        }
    }

    /// The same point with latitude and longitude exchanged, if that is on earth: the repair
    /// for [`CoordinatesWarning::ProbablySwapped`] once a person has agreed.
    #[must_use]
    pub fn swapped(self) -> Option<Self> {
        Self::new(self.longitude, self.latitude).ok()
    }
}

/// A sign, one to three digits, and a fraction of at least one digit: no exponent, no `inf`, no
/// padding zeros, all of which a number parser takes.
fn degrees(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let padded = whole.len() > 1 && whole.starts_with('0');
    if digits(whole) && digits(fraction) && !padded { text.parse().ok() } else { None }
}

impl FromStr for Coordinates {
    type Err = CoordinatesTextError;
    fn from_str(s: &str) -> Result<Self, CoordinatesTextError> {
        let s = s.trim();
        let inner = match (s.strip_prefix('('), s.ends_with(')')) {
            (Some(rest), true) => rest.strip_suffix(')').unwrap_or(rest),
            (None, false) => s,
            _ => return Err(CoordinatesTextError::Shape),
        };
        let (latitude, longitude) = inner.split_once(',').ok_or(CoordinatesTextError::Shape)?;
        let latitude = degrees(latitude.trim()).ok_or(CoordinatesTextError::Number("latitude"))?;
        let longitude = degrees(longitude.trim()).ok_or(CoordinatesTextError::Number("longitude"))?;
        Self::new(latitude, longitude).map_err(|_| CoordinatesTextError::Range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nowhere_is_refused() {
        for (lat, lon) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Coordinates::new(lat, lon).is_err());
        }
        assert!(serde_json::from_str::<Coordinates>(r#"{"latitude":91.0,"longitude":0.0}"#).is_err());
    }

    #[test]
    fn the_stored_form_and_the_error_stay_as_they_are() {
        let point = Coordinates::new(28.6, 77.25).unwrap();
        assert_eq!(serde_json::to_string(&point).unwrap(), r#"{"latitude":28.6,"longitude":77.25}"#);
        let error = Coordinates::new(91.0, 0.5).unwrap_err();
        assert_eq!(error.to_string(), "latitude 91 and longitude 0.5 are not on earth (±90, ±180)");
    }

    #[test]
    fn what_a_number_parser_takes_and_a_map_does_not_write() {
        for bad in ["1e1, 2", "inf, 2", "NaN, 2", "1_0, 2", "., 2", "1., 2", ".5, 2", "+-1, 2", "01, 2", "1,2,3"] {
            assert!(matches!(bad.parse::<Coordinates>(), Err(CoordinatesTextError::Number(_))), "{bad}");
        }
        for bad in ["", "1", "(1, 2", "1, 2)", "[1, 2]", "()"] {
            assert!(bad.parse::<Coordinates>().is_err(), "{bad}");
        }
    }

    #[test]
    fn warnings_at_the_edges() {
        let warning = |lat, lon| Coordinates::new(lat, lon).unwrap().warning();
        for (lat, lon) in [(6.76, 93.83), (37.0, 74.9), (23.7, 68.1), (28.2, 97.4), (8.3, 73.0)] {
            assert_eq!(warning(lat, lon), None, "{lat} {lon}");
        }
        assert_eq!(warning(-0.0, 0.0), Some(CoordinatesWarning::NullIsland));
        assert_eq!(warning(0.0, 77.2), Some(CoordinatesWarning::OutsideIndia));
        let back = Coordinates::new(77.2, 28.6).unwrap().swapped().unwrap();
        assert_eq!(back.warning(), None);
        assert_eq!(Coordinates::new(28.6, 177.2).unwrap().swapped(), None);
    }
}
