//! The store and its lifecycle.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::contact::{PersonalText, Phone};
use crate::error::ParseError;
use crate::geo::Coordinates;
use crate::id::{StoreId, UserId};
use crate::india::{Gstin, PinCode, StateCode};
use crate::money::Money;
use crate::secret::Sealed;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// Where a store stands (`stores.status`).
    StoreStatus ("store status") {
        /// Registered, not yet let in.
        PendingVerification = "pending_verification",
        /// Sells.
        Active = "active",
        /// Closed by its owner; soft-deleted stores end here.
        Inactive = "inactive",
        /// Closed by the platform.
        Suspended = "suspended",
    }
}

impl StoreStatus {
    /// Whether a store may go from here to `to` (DOMAIN section 4): pending_verification →
    /// active ⇄ inactive; active, inactive → suspended and back.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        use StoreStatus::{Active, Inactive, PendingVerification, Suspended};
        matches!(
            (self, to),
            (PendingVerification, Active | Inactive)
                | (Active, Inactive | Suspended)
                | (Inactive, Active | Suspended)
                | (Suspended, Active | Inactive)
        )
    }

    /// Whether only the platform may make this move: letting in, suspending, taking back.
    #[must_use]
    pub const fn is_platform_move(self, to: Self) -> bool {
        matches!((self, to), (Self::PendingVerification, Self::Active) | (_, Self::Suspended) | (Self::Suspended, _))
    }
}

text_enum! {
    /// What a store sells (`stores.store_type`).
    StoreType ("store type") {
        /// Kirana shop.
        Grocery = "grocery",
        /// Chemist.
        Pharmacy = "pharmacy",
        /// Fruit and vegetables.
        Produce = "produce",
        /// Bakery and sweets.
        Bakery = "bakery",
        /// Milk and its products.
        Dairy = "dairy",
        /// Meat and fish.
        Meat = "meat",
        /// Stationery and books.
        Stationery = "stationery",
        /// Electrical goods and hardware.
        Hardware = "hardware",
        /// Anything else.
        General = "general",
    }
}

/// The readable, unique name of a store (`stores.store_id`): lower-case letters, digits and
/// single dashes, 3 to 60 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A slug made of a store's name and four characters that tell namesakes apart.
    #[must_use]
    pub fn from_name(name: &str, suffix: [u8; 2]) -> Self {
        let mut base = String::new();
        for c in name.chars().filter_map(|c| {
            if c.is_ascii_alphanumeric() { Some(c.to_ascii_lowercase()) } else { (!c.is_alphanumeric()).then_some('-') }
        }) {
            if base.len() >= 48 {
                break;
            }
            if c != '-' || !(base.is_empty() || base.ends_with('-')) {
                base.push(c);
            }
        }
        let base = base.trim_end_matches('-');
        // A name in another script leaves nothing behind.
        let base = if base.is_empty() { "store" } else { base };
        let [a, b] = suffix;
        Self(format!("{base}-{a:02x}{b:02x}"))
    }
}

impl FromStr for Slug {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let well_formed = (3..=60).contains(&s.len())
            && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !s.starts_with('-')
            && !s.ends_with('-')
            && !s.contains("--");
        if well_formed { Ok(Self(s.to_owned())) } else { Err(ParseError::new("store slug", s)) }
    }
}
impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl TryFrom<String> for Slug {
    type Error = ParseError;
    fn try_from(s: String) -> Result<Self, ParseError> {
        s.parse()
    }
}
impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

/// What everyone may see of a store, and what ordering needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoreProfile {
    /// The shop's name, 1 to 120 characters.
    pub store_name: String,
    /// What it sells.
    pub store_type: StoreType,
    /// The shop's street address: a place of business, public.
    pub address: String,
    /// City.
    pub city: String,
    /// State, which decides between CGST + SGST and IGST.
    pub state: StateCode,
    /// PIN code.
    pub pincode: PinCode,
    /// Where it is, once geocoded or given.
    pub coordinates: Option<Coordinates>,
    /// Its GST number, if it has one; of the same state.
    pub gstin: Option<Gstin>,
    /// How far it delivers, in km: 0 to 500, two decimals.
    pub delivery_radius_km: Decimal,
    /// The smallest order it delivers.
    pub min_order_amount: Money,
    /// What it takes for a delivery, tax included.
    pub delivery_fee: Money,
    /// How long it takes to pack an order, in minutes.
    pub preparation_minutes: u32,
    /// Whether it takes online payments.
    pub accepts_online_payment: bool,
}

/// A store as ports carry it; how to reach its owner is sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Store {
    /// Its id.
    pub id: StoreId,
    /// Its readable unique name (`store_id` in the spec).
    pub slug: Slug,
    /// Its profile.
    pub profile: StoreProfile,
    /// The owner's name, sealed.
    pub owner_name: Sealed,
    /// The business phone, sealed.
    pub phone: Sealed,
    /// The business e-mail, sealed.
    pub email: Option<Sealed>,
    /// The number that takes orders by WhatsApp, sealed.
    pub whatsapp_number: Option<Sealed>,
    /// Where it stands.
    pub status: StoreStatus,
    /// Whether the platform has checked it.
    pub verified: bool,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How to reach a store, opened; for its members only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreContact {
    /// The owner's name.
    pub owner_name: PersonalText,
    /// The business phone.
    pub phone: Phone,
    /// The business e-mail.
    pub email: Option<PersonalText>,
    /// The number that takes orders by WhatsApp.
    pub whatsapp_number: Option<Phone>,
}

/// A registration.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStore {
    /// What everyone may see.
    pub profile: StoreProfile,
    /// How to reach its owner.
    pub contact: StoreContact,
    /// Whose it is, where the platform registers it for somebody; else who registers it.
    pub owner: Option<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_come_from_names_in_any_script() {
        assert_eq!(Slug::from_name("Sharma & Sons' Kirana!", [1, 0xab]).as_str(), "sharma-sons-kirana-01ab");
        assert_eq!(Slug::from_name("शर्मा किराना", [0, 1]).as_str(), "store-0001");
        for name in ["a", &"x".repeat(300), "--", "A  B"] {
            let slug = Slug::from_name(name, [9, 9]);
            assert_eq!(slug.as_str().parse::<Slug>().as_ref(), Ok(&slug), "{name}");
        }
    }

    #[test]
    fn every_status_move_is_decided() {
        let allowed: Vec<_> = StoreStatus::ALL
            .iter()
            .flat_map(|from| StoreStatus::ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.may_become(*to))
            .collect();
        assert_eq!(allowed.len(), 8);
        assert!(allowed.iter().all(|(from, to)| from != to && *to != StoreStatus::PendingVerification));
    }
}
