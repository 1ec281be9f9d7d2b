//! What a store's profile may hold, and what is suspicious in it.

use rust_decimal::Decimal;

use super::{StoreError, StoreProfile};
use crate::geo::{Coordinates, CoordinatesWarning};
use crate::india::{Gstin, GstinKind, PinCode, PinWarning};
use crate::text::has_control;

/// Furthest a store delivers, in km.
const MAX_RADIUS_KM: i64 = 500;
/// Largest minimum order or delivery fee, in paise: ₹10,00,000.
const MAX_PAISE: i64 = 100_000_000;
/// Longest preparation: a week.
const MAX_MINUTES: u32 = 7 * 24 * 60;

/// Something in a profile that a person should look at; never a reason to refuse it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreWarning {
    /// The PIN code is unusual for the state.
    #[error("PIN code {pincode}: {warning}")]
    PinCode {
        /// The PIN code.
        pincode: PinCode,
        /// What is unusual.
        warning: PinWarning,
    },
    /// The coordinates are suspicious for a shop in India.
    #[error("the coordinates look wrong: {0:?}")]
    Coordinates(CoordinatesWarning),
    /// A GST number that is given to those who buy or deduct, not to shops.
    #[error("GSTIN {gstin} is of a kind that does not sell: {kind:?}")]
    GstinKind {
        /// The number.
        gstin: Gstin,
        /// Its kind.
        kind: GstinKind,
    },
    /// No weekday and no date has hours.
    #[error("the business hours have no opening")]
    NeverOpen,
    /// The store delivers nowhere but where it stands.
    #[error("the delivery radius is zero: the store only sells to who fetches")]
    NoDelivery,
}

impl StoreProfile {
    /// What a person should look at before the store goes on.
    #[must_use]
    pub fn warnings(&self) -> Vec<StoreWarning> {
        let mut warnings = Vec::new();
        if let Some(warning) = self.pincode.warning(&self.state) {
            warnings.push(StoreWarning::PinCode { pincode: self.pincode.clone(), warning });
        }
        warnings.extend(self.coordinates.and_then(Coordinates::warning).map(StoreWarning::Coordinates));
        if let Some(gstin) = &self.gstin
            && !matches!(gstin.kind(), GstinKind::Taxpayer | GstinKind::TaxCollector)
        {
            warnings.push(StoreWarning::GstinKind { gstin: gstin.clone(), kind: gstin.kind() });
        }
        if self.business_hours.is_never_open() {
            warnings.push(StoreWarning::NeverOpen);
        }
        if self.delivery_radius_km.is_zero() {
            warnings.push(StoreWarning::NoDelivery);
        }
        warnings
    }

    /// The same without blanks around its texts.
    pub(super) fn normalised(mut self) -> Self {
        for text in [&mut self.store_name, &mut self.address, &mut self.city] {
            *text = text.trim().to_owned();
        }
        self
    }

    /// Refuses what cannot be.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        for (field, text, max) in
            [("store_name", &self.store_name, 120), ("address", &self.address, 400), ("city", &self.city, 80)]
        {
            let length = text.trim().chars().count();
            if length == 0 || length > max {
                return Err(StoreError::Text { field, max, length });
            }
            if has_control(text) {
                return Err(StoreError::Control { field });
            }
        }
        let radius = self.delivery_radius_km;
        if radius < Decimal::ZERO || radius > Decimal::from(MAX_RADIUS_KM) || radius.normalize().scale() > 2 {
            let (field, range) = ("delivery_radius_km", "0 to 500 km, two decimals");
            return Err(StoreError::OutOfRange { field, value: radius.to_string(), range });
        }
        for (field, amount) in [("min_order_amount", self.min_order_amount), ("delivery_fee", self.delivery_fee)] {
            if amount.is_negative() || amount.paise() > MAX_PAISE {
                let range = "₹0 to ₹10,00,000";
                return Err(StoreError::OutOfRange { field, value: amount.to_string(), range });
            }
        }
        if self.preparation_minutes > MAX_MINUTES {
            let (field, range) = ("preparation_minutes", "0 to 10080 (a week)");
            return Err(StoreError::OutOfRange { field, value: self.preparation_minutes.to_string(), range });
        }
        match &self.gstin {
            Some(gstin) if gstin.state() != self.state => {
                Err(StoreError::GstinOfAnotherState { gstin: gstin.clone(), state: self.state.clone() })
            }
            _ => Ok(()),
        }
    }
}
