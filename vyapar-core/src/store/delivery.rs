//! Whether a store serves an order now: the rules that placing an order and "delivers to me" share.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::{Store, StoreStatus};
use crate::geo::Coordinates;
use crate::money::Money;
use crate::time::Timestamp;

/// How fast a delivery moves, for the estimate: km in an hour.
const KM_PER_HOUR: f64 = 15.0;

/// Why a store does not serve an order, with the values that say so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DeliveryRefusal {
    /// It does not sell.
    #[error("the store is {0} and takes no orders")]
    NotActive(StoreStatus),
    /// It is closed at this hour.
    #[error("the store is closed{}", opening(*.opens_at))]
    Closed {
        /// When it opens next, if it does within a year.
        opens_at: Option<Timestamp>,
    },
    /// Its delivery radius is zero, and how far the place is is not known.
    #[error("the store does not deliver")]
    NoDelivery,
    /// The address is too far from it.
    #[error("the address is {distance_km:.1} km away, the store delivers within {radius_km} km")]
    TooFar {
        /// How far it is.
        distance_km: f64,
        /// How far the store goes.
        radius_km: Decimal,
    },
    /// Less than it delivers.
    #[error("₹{subtotal} is below the store's smallest order of ₹{minimum}")]
    BelowMinimum {
        /// What the basket costs.
        subtotal: Money,
        /// The store's minimum.
        minimum: Money,
    },
}

fn opening(opens_at: Option<Timestamp>) -> String {
    opens_at.map_or_else(String::new, |at| format!(" until {}", crate::time::in_ist(at).format("%d %b %Y %H:%M")))
}

/// Whether a store delivers somewhere, and on what terms.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryCheck {
    /// Everything that speaks against it; nothing when it delivers.
    pub refusals: Vec<DeliveryRefusal>,
    /// How far it is, where both ends are known; where not, the distance speaks against nothing
    /// but a radius of zero.
    pub distance_km: Option<f64>,
    /// What delivering costs, tax included.
    pub delivery_fee: Money,
    /// The smallest order it delivers.
    pub min_order_amount: Money,
    /// When goods ordered now would be there.
    pub estimated_delivery: Option<Timestamp>,
}

impl Store {
    /// What speaks against any order now, delivered or fetched: it does not sell, or is closed.
    #[must_use]
    pub fn check_open(&self, now: Timestamp) -> Option<DeliveryRefusal> {
        if self.status != StoreStatus::Active {
            return Some(DeliveryRefusal::NotActive(self.status));
        }
        let hours = &self.profile.business_hours;
        (!hours.is_open(now)).then(|| DeliveryRefusal::Closed { opens_at: hours.opens_at(now) })
    }

    /// What speaks against delivering there: an unknown distance nothing, unless the store delivers
    /// nowhere.
    #[must_use]
    pub fn check_distance(&self, distance_km: Option<f64>) -> Option<DeliveryRefusal> {
        let radius_km = self.profile.delivery_radius_km.normalize();
        match distance_km {
            Some(distance_km) if self.profile.reaches(distance_km) => None,
            Some(distance_km) => Some(DeliveryRefusal::TooFar { distance_km, radius_km }),
            None => radius_km.is_zero().then_some(DeliveryRefusal::NoDelivery),
        }
    }

    /// What speaks against delivering a basket of that price.
    #[must_use]
    pub fn check_amount(&self, subtotal: Money) -> Option<DeliveryRefusal> {
        let minimum = self.profile.min_order_amount;
        (subtotal < minimum).then_some(DeliveryRefusal::BelowMinimum { subtotal, minimum })
    }

    /// How far a place is from the store, where both are known.
    #[must_use]
    pub fn distance_km(&self, to: Option<Coordinates>) -> Option<f64> {
        Some(self.profile.coordinates?.distance_km(to?))
    }

    /// Everything at once, for who asks before he orders.
    #[must_use]
    pub fn check_delivery(&self, to: Option<Coordinates>, subtotal: Option<Money>, now: Timestamp) -> DeliveryCheck {
        let distance_km = self.distance_km(to);
        let refusals =
            [self.check_open(now), self.check_distance(distance_km), subtotal.and_then(|sum| self.check_amount(sum))];
        DeliveryCheck {
            refusals: refusals.into_iter().flatten().collect(),
            distance_km,
            delivery_fee: self.profile.delivery_fee,
            min_order_amount: self.profile.min_order_amount,
            estimated_delivery: self.estimate(distance_km, now),
        }
    }

    /// When goods ordered now would be there: packing, then the way at 15 km an hour, where it
    /// is known.
    #[must_use]
    pub fn estimate(&self, distance_km: Option<f64>, now: Timestamp) -> Option<Timestamp> {
        let packing = TimeDelta::minutes(i64::from(self.profile.preparation_minutes));
        let minutes = distance_km.map_or(0.0, |km| (km / KM_PER_HOUR * 60.0).ceil());
        let way = TimeDelta::try_minutes(minutes.to_i64()?)?;
        now.checked_add_signed(packing)?.checked_add_signed(way)
    }
}
