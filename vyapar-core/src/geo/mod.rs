//! Points on earth: coordinates, distances, circles and the cells that cover them, and the port
//! that finds the point of an address.
//!
//! | what | where |
//! |---|---|
//! | [`Coordinates`], [`CoordinatesWarning`] | a point, and what makes one suspicious |
//! | [`Radius`], [`Bearing`] | a checked distance and direction; Haversine and destination point |
//! | [`BoundingBox`] | the latitudes and longitudes that a circle touches |
//! | [`geohash`] | short texts for cells, to search nearby where a key is all there is |
//! | [`geocoder`] | the port, and a table of PIN codes that answers without a network |
//!
//! The earth is a sphere here. Against the ellipsoid a distance is off by 0.56 % at most, which
//! is less than the difference between a street and a straight line.

mod bounds;
mod coordinates;
mod distance;
pub mod geocoder;
pub mod geohash;

pub use bounds::{BoundingBox, LongitudeRange};
pub use coordinates::{Coordinates, CoordinatesError, CoordinatesTextError, CoordinatesWarning};
pub use distance::{Bearing, BearingError, EARTH_RADIUS_KM, HALF_EARTH_KM, Radius, RadiusError};
