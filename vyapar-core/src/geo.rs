//! Points on earth and the distance between them.

use serde::{Deserialize, Serialize};

/// Mean radius of the earth in km (IUGG R1).
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Why coordinates were refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("latitude {latitude} and longitude {longitude} are not on earth (±90, ±180)")]
pub struct CoordinatesError {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
}

/// A point on earth in degrees (WGS 84), always within ±90 and ±180.
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

    /// The great-circle distance in km (Haversine, radius [`EARTH_RADIUS_KM`]).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (phi1, phi2) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_phi = (phi2 - phi1) / 2.0;
        let half_lambda = (other.longitude - self.longitude).to_radians() / 2.0;
        let h = half_phi.sin().powi(2) + phi1.cos() * phi2.cos() * half_lambda.sin().powi(2);
        // Rounding may push h past 1 for antipodes, where asin has no value.
        2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Coordinates {
        Coordinates::new(latitude, longitude).unwrap()
    }

    #[test]
    fn distances_that_geometry_gives() {
        let quarter = EARTH_RADIUS_KM * std::f64::consts::FRAC_PI_2;
        assert!((at(0.0, 0.0).distance_km(at(90.0, 77.0)) - quarter).abs() < 1e-9);
        assert!((at(0.0, 0.0).distance_km(at(0.0, 180.0)) - 2.0 * quarter).abs() < 1e-9);
        // Across the antimeridian: two degrees apart, not 358.
        assert!((at(0.0, 179.0).distance_km(at(0.0, -179.0)) - quarter / 45.0).abs() < 1e-9);
        assert!(at(28.6, 77.2).distance_km(at(28.6, 77.2)) == 0.0);
    }

    #[test]
    fn nowhere_is_refused() {
        for (lat, lon) in [(90.1, 0.0), (0.0, -180.5), (f64::NAN, 0.0), (0.0, f64::INFINITY)] {
            assert!(Coordinates::new(lat, lon).is_err());
        }
        assert!(serde_json::from_str::<Coordinates>(r#"{"latitude":91.0,"longitude":0.0}"#).is_err());
    }
}
