//! The search for stores nearby: what is asked, what is found, and in which order.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use uuid::Uuid;

use super::{PublicStore, Rating, StoreProfile, StoreType};
use crate::error::RepositoryError;
use crate::geo::{Coordinates, Radius};
use crate::id::{IdError, StoreId};
use crate::page::{Cursor, PageRequest};

/// What to look for among active stores. Every given condition must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearbyQuery {
    /// From where.
    pub centre: Coordinates,
    /// How far, the edge included.
    pub radius: Radius,
    /// Only of this type.
    pub store_type: Option<StoreType>,
    /// Only rated at least so many tenths of a star, 0 to 50; unrated stores pass only 0.
    pub min_rating: u8,
    /// Only stores that deliver to the centre: not further away than their own radius.
    pub delivers: bool,
}

impl NearbyQuery {
    /// All stores within a radius.
    #[must_use]
    pub const fn within(centre: Coordinates, radius: Radius) -> Self {
        Self { centre, radius, store_type: None, min_rating: 0, delivers: false }
    }

    /// The distance in km of an active store that meets every condition; `None` for one that
    /// does not, or has no coordinates. The definition that every adapter answers to.
    #[must_use]
    pub fn distance_to(&self, profile: &StoreProfile, rating: Rating) -> Option<f64> {
        let distance = self.centre.distance_km(profile.coordinates?);
        let matches = distance <= self.radius.km()
            && self.store_type.is_none_or(|wanted| wanted == profile.store_type)
            && rating.at_least(self.min_rating)
            && (!self.delivers || profile.reaches(distance));
        matches.then_some(distance)
    }
}

impl StoreProfile {
    /// Whether the store delivers to a place that is so many km away; the edge is included.
    #[must_use]
    pub fn reaches(&self, distance_km: f64) -> bool {
        self.delivery_radius_km.to_f64().is_some_and(|radius| distance_km <= radius)
    }
}

/// A store that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct NearbyStore {
    /// The store.
    pub store: PublicStore,
    /// How far away it is, in km over the sphere.
    pub distance_km: f64,
}

impl NearbyStore {
    /// Where it stands in the list.
    #[must_use]
    pub const fn position(&self) -> NearbyPosition {
        NearbyPosition { distance_km: self.distance_km, id: self.store.id }
    }
}

/// A place in a list by distance, then id: what cursors of such lists carry. As text it keeps
/// every bit of the distance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NearbyPosition {
    /// The distance in km.
    pub distance_km: f64,
    /// The store.
    pub id: StoreId,
}

/// Name of the list, in its cursors.
const LIST: &str = "nearby";

impl NearbyPosition {
    /// The cursor of a page that goes on after this place.
    #[must_use]
    pub fn cursor(self) -> Cursor {
        Cursor::new(LIST, self.to_string())
    }

    /// The place after which a page goes on; `None` for the first one.
    ///
    /// # Errors
    /// [`InvalidCursor`](crate::RepositoryErrorKind::InvalidCursor) for a cursor of another list.
    pub fn before(page: &PageRequest) -> Result<Option<Self>, RepositoryError> {
        page.cursor().map(|cursor| cursor.parse_position(LIST)).transpose()
    }
}

impl Eq for NearbyPosition {}
impl Ord for NearbyPosition {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance_km.total_cmp(&other.distance_km).then(self.id.cmp(&other.id))
    }
}
impl PartialOrd for NearbyPosition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NearbyPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x} {}", self.distance_km.to_bits(), self.id.as_uuid().simple())
    }
}

impl FromStr for NearbyPosition {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        let parse = || {
            let (bits, id) = s.split_once(' ')?;
            let distance_km = f64::from_bits(u64::from_str_radix(bits, 16).ok()?);
            let id = Uuid::try_parse(id).ok()?;
            (distance_km >= 0.0).then(|| Self { distance_km, id: StoreId::from_uuid(id) })
        };
        parse().ok_or_else(|| IdError::new(s, "a position in a list by distance"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_keep_every_bit() {
        let at = |distance_km, id| NearbyPosition { distance_km, id: StoreId::from_uuid(Uuid::from_u128(id)) };
        for position in [at(0.0, 0), at(0.1 + 0.2, u128::MAX), at(f64::MIN_POSITIVE, 7)] {
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        assert!(at(1.0, 9) < at(2.0, 1) && at(1.0, 1) < at(1.0, 2));
        for bad in ["", "1 2", "7ff8000000000000 00000000000000000000000000000001", "x"] {
            assert!(bad.parse::<NearbyPosition>().is_err(), "{bad}");
        }
    }
}
