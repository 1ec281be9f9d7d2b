//! The latitudes and longitudes that a circle touches.

use std::f64::consts::{FRAC_PI_2, PI};

use super::{Coordinates, Radius};

/// Longitudes from west to east in degrees, `west <= east`, both within ±180.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongitudeRange {
    west: f64,
    east: f64,
}

impl LongitudeRange {
    const ALL: Self = Self { west: -180.0, east: 180.0 };

    /// The western edge.
    #[must_use]
    pub const fn west(self) -> f64 {
        self.west
    }

    /// The eastern edge.
    #[must_use]
    pub const fn east(self) -> f64 {
        self.east
    }

    /// Whether a longitude is in it, edges included.
    #[must_use]
    pub fn contains(self, longitude: f64) -> bool {
        (self.west..=self.east).contains(&longitude)
    }
}

/// Degrees of latitude and longitude that enclose a circle: a first, cheap condition for a
/// database, which every point of the circle meets and few others do.
///
/// Over the antimeridian it has two ranges of longitude; with a pole inside it has all of them.
///
/// ```
/// use vyapar_core::geo::{BoundingBox, Coordinates, Radius};
///
/// let ten = Radius::from_km(10.0).unwrap();
/// let delhi = BoundingBox::of_circle(Coordinates::new(28.6139, 77.2090).unwrap(), ten);
/// assert_eq!(delhi.longitudes().len(), 1);
/// assert!(delhi.contains(Coordinates::new(28.65, 77.25).unwrap()));
/// assert!(!delhi.contains(Coordinates::new(28.80, 77.20).unwrap()));
///
/// let fiji = BoundingBox::of_circle(Coordinates::new(-16.8, 179.99).unwrap(), ten);
/// assert_eq!(fiji.longitudes().len(), 2);
/// assert!(fiji.contains(Coordinates::new(-16.8, -179.99).unwrap()));
///
/// let pole = BoundingBox::of_circle(Coordinates::new(-89.99, 0.0).unwrap(), ten);
/// assert_eq!((pole.south(), pole.longitudes()[0].west()), (-90.0, -180.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoundingBox {
    south: f64,
    north: f64,
    first: LongitudeRange,
    second: Option<LongitudeRange>,
}

impl BoundingBox {
    /// What the edges are moved outwards by, in radians: a tenth of a millimetre. Distance and
    /// box round differently, and a point that the one lets in must be in the other.
    const MARGIN: f64 = 2e-11;
    /// How near to a pole an edge takes it in, in radians (60 cm): there the half-width grows
    /// without bound and its rounding with it.
    const POLE_MARGIN: f64 = 1e-7;

    /// The box of all points at most `radius` from `centre`.
    #[must_use]
    pub fn of_circle(centre: Coordinates, radius: Radius) -> Self {
        let (phi, delta) = (centre.latitude().to_radians(), radius.angle() + Self::MARGIN);
        let (south, north) = (phi - delta, phi + delta);
        let beyond = FRAC_PI_2 - Self::POLE_MARGIN;
        let mut latitudes = Self {
            south: south.to_degrees().max(-90.0),
            north: north.to_degrees().min(90.0),
            first: LongitudeRange::ALL,
            second: None,
        };
        if north >= beyond {
            latitudes.north = 90.0;
        }
        if south <= -beyond {
            latitudes.south = -90.0;
        }
        if north >= beyond || south <= -beyond {
            return latitudes;
        }
        // The meridian that touches the circle makes a right angle with its radius.
        let half = ((delta.sin() / phi.cos()).min(1.0).asin() + Self::MARGIN / phi.cos()).min(PI).to_degrees();
        latitudes.around(centre.longitude(), half)
    }

    fn around(self, longitude: f64, half: f64) -> Self {
        let (west, east) = (longitude - half, longitude + half);
        let (first, second) = if half >= 180.0 {
            (LongitudeRange::ALL, None)
        } else if west <= -180.0 {
            // -180 and 180 are one meridian, so reaching it is enough for two ranges.
            let beyond = LongitudeRange { west: (west + 360.0).min(180.0), east: 180.0 };
            (LongitudeRange { west: -180.0, east }, Some(beyond))
        } else if east >= 180.0 {
            let beyond = LongitudeRange { west: -180.0, east: (east - 360.0).max(-180.0) };
            (LongitudeRange { west, east: 180.0 }, Some(beyond))
        } else {
            (LongitudeRange { west, east }, None)
        };
        Self { first, second, ..self }
    }

    /// One cell of a grid.
    pub(super) const fn cell(south: f64, north: f64, west: f64, east: f64) -> Self {
        Self { south, north, first: LongitudeRange { west, east }, second: None }
    }

    /// The southern edge in degrees.
    #[must_use]
    pub const fn south(&self) -> f64 {
        self.south
    }

    /// The northern edge in degrees.
    #[must_use]
    pub const fn north(&self) -> f64 {
        self.north
    }

    /// One range of longitudes, or two that meet at the antimeridian; together never more than
    /// once around the earth.
    #[must_use]
    pub fn longitudes(&self) -> Vec<LongitudeRange> {
        std::iter::once(self.first).chain(self.second).collect()
    }

    /// Whether a point is inside, edges included.
    #[must_use]
    pub fn contains(&self, point: Coordinates) -> bool {
        (self.south..=self.north).contains(&point.latitude())
            && (self.first.contains(point.longitude())
                || self.second.is_some_and(|range| range.contains(point.longitude())))
    }

    /// The middle of a box of one range.
    pub(super) fn middle(&self) -> Coordinates {
        Coordinates::rounded(f64::midpoint(self.south, self.north), f64::midpoint(self.first.west, self.first.east))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(latitude: f64, longitude: f64, km: f64) -> BoundingBox {
        BoundingBox::of_circle(Coordinates::new(latitude, longitude).unwrap(), Radius::from_km(km).unwrap())
    }

    #[test]
    fn edges_where_geometry_has_them() {
        // One degree of latitude is 111.195 km; at 60 degrees north a degree of longitude is half of it.
        let box_ = around(60.0, 20.0, 111.195_08);
        assert!((box_.south() - 59.0).abs() < 1e-6 && (box_.north() - 61.0).abs() < 1e-6, "{box_:?}");
        let range = box_.longitudes()[0];
        assert!((range.east() - 22.0).abs() < 0.01 && range.east() > 22.0, "{range:?}: wider than at the centre");
        assert!((range.east() + range.west() - 40.0).abs() < 1e-9);
    }

    #[test]
    fn the_antimeridian_itself_is_one_place() {
        for longitude in [180.0, -180.0] {
            let box_ = around(10.0, longitude, 0.0);
            for same in [180.0, -180.0] {
                assert!(box_.contains(Coordinates::new(10.0, same).unwrap()), "{box_:?}");
            }
            assert!(!box_.contains(Coordinates::new(10.0, 0.0).unwrap()));
        }
    }

    #[test]
    fn large_circles_are_the_earth() {
        let box_ = around(0.0, 77.0, super::super::HALF_EARTH_KM);
        assert_eq!((box_.south(), box_.north()), (-90.0, 90.0));
        assert_eq!(box_.longitudes(), [LongitudeRange::ALL]);
        let nearly = around(0.0, 77.0, 10_000.0);
        assert!(nearly.north() < 90.0 && !nearly.contains(Coordinates::new(0.0, -103.0).unwrap()));
    }
}
