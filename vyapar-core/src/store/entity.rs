//! The store and its lifecycle.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::contact::{PersonalText, Phone};
use crate::error::ParseError;
use crate::geo::Coordinates;
use crate::geo::geocoder::GeocodingDue;
use crate::id::{StoreId, UserId};
use crate::india::{Gstin, PinCode, StateCode};
use crate::money::Money;
use crate::secret::Sealed;
use crate::store::{BusinessHours, Rating};
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

    /// A slug made of a store's name and, where namesakes must be told apart, an ending. Letters
    /// of other scripts than the Latin leave nothing behind; a name of those alone is `store`.
    #[must_use]
    pub fn from_name(name: &str, ending: &str) -> Self {
        let mut slug = plain(name, 48);
        if slug.is_empty() {
            slug.push_str("store");
        }
        let ending = plain(ending, 60_usize.saturating_sub(slug.len() + 1));
        if !ending.is_empty() {
            slug.push('-');
            slug.push_str(&ending);
        }
        if slug.len() < 3 {
            slug.push_str("-store");
        }
        Self(slug)
    }
}

/// Lower-case letters, digits and single dashes of a text, at most `max` characters.
fn plain(text: &str, max: usize) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        // An apostrophe joins what it stands between: "Sharma's" is one word.
        let c = match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => c,
            '\'' | '\u{2019}' => continue,
            c if c.is_alphanumeric() => continue,
            _ => '-',
        };
        if plain.len() >= max {
            break;
        }
        if c != '-' || !(plain.is_empty() || plain.ends_with('-')) {
            plain.push(c);
        }
    }
    plain.truncate(plain.trim_end_matches('-').len());
    plain
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
    /// When it is open.
    pub business_hours: BusinessHours,
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
    /// What its customers gave it; kept by [`StoreCounters`](super::StoreCounters) alone.
    pub rating: Rating,
    /// Orders delivered; kept by [`StoreCounters`](super::StoreCounters) alone.
    pub total_orders: u64,
    /// When to ask for its coordinates again; `None` when they are known, given up or not asked for.
    pub geocoding: Option<GeocodingDue>,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What everyone may see of an active store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublicStore {
    /// Its id.
    pub id: StoreId,
    /// Its readable unique name (`store_id` in the spec).
    pub slug: Slug,
    /// Its profile.
    pub profile: StoreProfile,
    /// Whether the platform has checked it.
    pub verified: bool,
    /// What its customers gave it.
    pub rating: Rating,
}

impl From<Store> for PublicStore {
    fn from(store: Store) -> Self {
        let Store { id, slug, profile, verified, rating, .. } = store;
        Self { id, slug, profile, verified, rating }
    }
}

impl From<&Store> for PublicStore {
    fn from(store: &Store) -> Self {
        let Store { id, slug, profile, verified, rating, .. } = store;
        Self { id: *id, slug: slug.clone(), profile: profile.clone(), verified: *verified, rating: *rating }
    }
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
        let slug = |name: &str, ending: &str| Slug::from_name(name, ending).as_str().to_owned();
        assert_eq!(slug("Sharma & Sons' Kirana!", ""), "sharma-sons-kirana");
        assert_eq!(slug("Gupta\u{2019}s Shop", "New Delhi"), "guptas-shop-new-delhi");
        assert_eq!(slug("शर्मा किराना", "01ab"), "store-01ab");
        assert_eq!((slug("A1", ""), slug("A", "दिल्ली")), ("a1-store".to_owned(), "a-store".to_owned()));
        for name in ["a", &"x".repeat(300), "--", "A  B", "é", "-a-"] {
            for ending in ["", "-", &"y ".repeat(200), "ab"] {
                let slug = Slug::from_name(name, ending);
                assert_eq!(slug.as_str().parse::<Slug>().as_ref(), Ok(&slug), "{name} {ending}");
            }
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
