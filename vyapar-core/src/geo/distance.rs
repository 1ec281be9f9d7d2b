//! Distances and directions on the sphere.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::Coordinates;

/// Mean radius of the earth in km (IUGG R1).
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Half of the earth's circumference in km: nothing is further away than that.
pub const HALF_EARTH_KM: f64 = EARTH_RADIUS_KM * PI;

/// Why a radius was refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum RadiusError {
    /// NaN.
    #[error("a radius in km is a number")]
    NotANumber,
    /// Below zero.
    #[error("a radius cannot be {0} km")]
    Negative(f64),
    /// Further than anything on earth is, infinity included.
    #[error("a radius of {0} km is more than half around the earth ({HALF_EARTH_KM:.3} km)")]
    BeyondHalfEarth(f64),
}

/// A distance over the earth in km: 0 to [`HALF_EARTH_KM`].
///
/// ```
/// use vyapar_core::geo::{HALF_EARTH_KM, Radius, RadiusError};
///
/// assert_eq!(Radius::from_km(2.5)?.km(), 2.5);
/// assert!(Radius::from_km(0.0).is_ok(), "one point");
/// assert!(Radius::from_km(HALF_EARTH_KM).is_ok(), "the whole earth");
/// assert_eq!(Radius::from_km(-1.0), Err(RadiusError::Negative(-1.0)));
/// assert_eq!(Radius::from_km(f64::NAN), Err(RadiusError::NotANumber));
/// assert_eq!(Radius::from_km(20_100.0), Err(RadiusError::BeyondHalfEarth(20_100.0)));
/// # Ok::<(), RadiusError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Radius(f64);

impl Radius {
    /// A radius of `km` kilometres.
    ///
    /// # Errors
    /// [`RadiusError`] for NaN, a negative number, or more than [`HALF_EARTH_KM`].
    pub fn from_km(km: f64) -> Result<Self, RadiusError> {
        if km.is_nan() {
            Err(RadiusError::NotANumber)
        } else if km < 0.0 {
            Err(RadiusError::Negative(km))
        } else if km > HALF_EARTH_KM {
            Err(RadiusError::BeyondHalfEarth(km))
        } else {
            // -0.0 is not below zero; kept out so that it never shows.
            Ok(Self(km + 0.0))
        }
    }

    /// Kilometres.
    #[must_use]
    pub const fn km(self) -> f64 {
        self.0
    }

    /// The angle it has seen from the middle of the earth, 0 to π.
    pub(super) fn angle(self) -> f64 {
        self.0 / EARTH_RADIUS_KM
    }
}

impl TryFrom<f64> for Radius {
    type Error = RadiusError;
    fn try_from(km: f64) -> Result<Self, RadiusError> {
        Self::from_km(km)
    }
}
impl From<Radius> for f64 {
    fn from(radius: Radius) -> Self {
        radius.0
    }
}

/// A direction that is no number.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a bearing in degrees is a finite number")]
pub struct BearingError;

/// A direction in degrees clockwise from north, 0 up to but without 360.
///
/// ```
/// use vyapar_core::geo::Bearing;
///
/// assert_eq!(Bearing::from_degrees(90.0)?.degrees(), 90.0, "east");
/// assert_eq!(Bearing::from_degrees(-90.0)?.degrees(), 270.0, "west");
/// assert_eq!(Bearing::from_degrees(720.0)?.degrees(), 0.0, "north, the long way");
/// assert!(Bearing::from_degrees(f64::INFINITY).is_err());
/// # Ok::<(), vyapar_core::geo::BearingError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Bearing(f64);

impl Bearing {
    /// The direction at `degrees`, however often it goes around.
    ///
    /// # Errors
    /// [`BearingError`] for NaN and infinities.
    pub fn from_degrees(degrees: f64) -> Result<Self, BearingError> {
        if degrees.is_finite() { Ok(Self::normal(degrees)) } else { Err(BearingError) }
    }

    fn normal(degrees: f64) -> Self {
        let turned = degrees.rem_euclid(360.0);
        // A hair below zero rounds to 360 itself.
        Self(if turned >= 360.0 { 0.0 } else { turned })
    }

    /// Degrees clockwise from north.
    #[must_use]
    pub const fn degrees(self) -> f64 {
        self.0
    }
}

impl Coordinates {
    /// The angle between two points seen from the middle of the earth (Haversine).
    fn angle_to(self, other: Self) -> f64 {
        let (phi1, phi2) = (self.latitude().to_radians(), other.latitude().to_radians());
        let half_phi = (phi2 - phi1) / 2.0;
        let half_lambda = (other.longitude() - self.longitude()).to_radians() / 2.0;
        let h = half_phi.sin().powi(2) + phi1.cos() * phi2.cos() * half_lambda.sin().powi(2);
        // Rounding may push h past 1 for antipodes, where asin has no value.
        2.0 * h.sqrt().min(1.0).asin()
    }

    /// The great-circle distance in km (Haversine, radius [`EARTH_RADIUS_KM`]).
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        EARTH_RADIUS_KM * self.angle_to(other)
    }

    /// The great-circle distance on a sphere of another radius, in the unit of that radius: to
    /// compare with a system that takes the earth for 6371 km or 6378.137 km.
    #[must_use]
    pub fn distance_on_sphere(self, other: Self, sphere_radius: f64) -> f64 {
        sphere_radius * self.angle_to(other)
    }

    /// The direction in which the shortest way to `other` starts. North (0) to the same point,
    /// and any direction to the point on the other side of the earth: every way leads there.
    #[must_use]
    pub fn initial_bearing(self, other: Self) -> Bearing {
        let (phi1, phi2) = (self.latitude().to_radians(), other.latitude().to_radians());
        let lambda = (other.longitude() - self.longitude()).to_radians();
        let y = lambda.sin() * phi2.cos();
        let x = phi1.cos() * phi2.sin() - phi1.sin() * phi2.cos() * lambda.cos();
        Bearing::normal(y.atan2(x).to_degrees())
    }

    /// Where one comes to after `distance` straight ahead in direction `bearing`.
    ///
    /// At a pole a direction means the one it would be a step away along the point's own
    /// longitude.
    ///
    /// ```
    /// use vyapar_core::geo::{Bearing, Coordinates, Radius};
    /// let delhi = Coordinates::new(28.6139, 77.2090).unwrap();
    /// let east = Bearing::from_degrees(90.0).unwrap();
    /// let there = delhi.destination(east, Radius::from_km(10.0).unwrap());
    /// assert!((delhi.distance_km(there) - 10.0).abs() < 1e-9);
    /// assert!((delhi.initial_bearing(there).degrees() - 90.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn destination(self, bearing: Bearing, distance: Radius) -> Self {
        let (phi, theta, delta) = (self.latitude().to_radians(), bearing.0.to_radians(), distance.angle());
        // Components along the axis, and across it: asin alone loses half of the digits at a pole.
        let along = phi.sin() * delta.cos() + phi.cos() * delta.sin() * theta.cos();
        let x = phi.cos() * delta.cos() - phi.sin() * delta.sin() * theta.cos();
        let y = delta.sin() * theta.sin();
        let latitude = along.atan2(x.hypot(y)).to_degrees();
        Self::rounded(latitude, self.longitude() + y.atan2(x).to_degrees())
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
        let quarter = HALF_EARTH_KM / 2.0;
        assert!((at(0.0, 0.0).distance_km(at(90.0, 77.0)) - quarter).abs() < 1e-9);
        assert!((at(0.0, 0.0).distance_km(at(0.0, 180.0)) - 2.0 * quarter).abs() < 1e-9);
        // Across the antimeridian: two degrees apart, not 358.
        assert!((at(0.0, 179.0).distance_km(at(0.0, -179.0)) - quarter / 45.0).abs() < 1e-9);
        assert!(at(28.6, 77.2).distance_km(at(28.6, 77.2)) == 0.0);
        assert!((at(0.0, 0.0).distance_on_sphere(at(0.0, 90.0), 2.0) - PI).abs() < 1e-12);
    }

    #[test]
    fn directions_that_geometry_gives() {
        let bearing = |from: Coordinates, to| from.initial_bearing(to).degrees();
        assert!(bearing(at(0.0, 0.0), at(10.0, 0.0)).abs() < 1e-12);
        assert!((bearing(at(0.0, 0.0), at(0.0, 10.0)) - 90.0).abs() < 1e-12);
        assert!((bearing(at(0.0, 179.0), at(0.0, -179.0)) - 90.0).abs() < 1e-12);
        assert!((bearing(at(0.0, -179.0), at(0.0, 179.0)) - 270.0).abs() < 1e-12);
        assert!((bearing(at(10.0, 5.0), at(-10.0, 5.0)) - 180.0).abs() < 1e-12);
        assert!(bearing(at(10.0, 5.0), at(10.0, 5.0)) == 0.0);
    }

    #[test]
    fn one_can_walk_over_a_pole_and_around_the_earth() {
        let (north, quarter) = (Bearing::from_degrees(0.0).unwrap(), Radius::from_km(HALF_EARTH_KM / 2.0).unwrap());
        let beyond = at(80.0, 30.0).destination(north, Radius::from_km(HALF_EARTH_KM / 9.0).unwrap());
        assert!((beyond.latitude() - 80.0).abs() < 1e-9 && (beyond.longitude() + 150.0).abs() < 1e-9, "{beyond:?}");
        let east = Bearing::from_degrees(90.0).unwrap();
        let there = at(0.0, 170.0).destination(east, quarter);
        assert!((there.longitude() + 100.0).abs() < 1e-9, "{there:?}");
    }
}
