//! Typed identifiers.
//!
//! Stored things carry UUIDs (version 7, so they sort by creation time); orders carry the
//! spec's string shapes (`ord_…`, `ORD-…`, `TRK-…`). All are minted by a service from its
//! [`Env`](crate::Env), never by an adapter.

mod text;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::text::Text;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not {expected}")]
pub struct IdError {
    /// The refused text, cut at 64 characters.
    pub input: String,
    /// What was expected, in words.
    pub expected: &'static str,
}

impl IdError {
    pub(crate) fn new(input: &str, expected: &'static str) -> Self {
        Self { input: input.chars().take(64).collect(), expected }
    }
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that already identifies such a thing.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self { Self(id) }
            /// The UUID.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(s: &str) -> Result<Self, IdError> {
                Uuid::from_str(s.trim()).map(Self).map_err(|_| IdError::new(s, $what))
            }
        }
    )*};
}

uuid_id! {
    /// A store (`stores.id`). Every store-scoped key carries this, never the readable slug.
    StoreId = "a store id (UUID)";
    /// A user account (`users.id`).
    UserId = "a user id (UUID)";
    /// A customer profile (`customers.id`).
    CustomerId = "a customer id (UUID)";
    /// A delivery address of a customer (`customer_addresses.id`).
    AddressId = "an address id (UUID)";
    /// A customer's review of an order (`reviews.id`).
    ReviewId = "a review id (UUID)";
    /// A product of a store (`store_products.id`).
    ProductId = "a product id (UUID)";
    /// A stock movement (`stock_movements.id`).
    MovementId = "a movement id (UUID)";
    /// One line of an order (`order_items.id`).
    OrderItemId = "an order item id (UUID)";
    /// One row of an order's history (`order_status_history.id`).
    HistoryId = "a history id (UUID)";
    /// A payment attempt (`payments.id`): also the gateway's receipt and idempotency key.
    PaymentId = "a payment id (UUID)";
    /// A refund of a payment.
    RefundId = "a refund id (UUID)";
    /// A session of a user.
    SessionId = "a session id (UUID)";
    /// A one-time code (`otp_verifications.id`).
    OtpId = "a one-time code's id (UUID)";
    /// A user's part in a store (`store_users.id`).
    StoreUserId = "a store member's id (UUID)";
    /// An invitation to work in a store.
    InvitationId = "an invitation's id (UUID)";
    /// An audit entry (`audit_logs.id`).
    AuditId = "an audit id (UUID)";
    /// A stock operation that a caller may repeat (receive, adjust, give back): the same id
    /// is applied once.
    OperationId = "an operation id (UUID)";
    /// The key of a reservation within its store: the keyed hash of (store, customer,
    /// idempotency key), so every retry of one request meets the same row.
    ReservationId = "a reservation id (UUID)";
}

impl CustomerId {
    /// The customer profile of a user account: it has the account's own UUID, so that
    /// nobody has to look it up and it can be made any number of times.
    #[must_use]
    pub const fn of(user: UserId) -> Self {
        Self(user.0)
    }
}

impl MovementId {
    /// The id of a product's `seq`-th movement: the first 16 bytes of SHA-256 over the
    /// product's 16 bytes and `seq` as 8 bytes, big-endian.
    ///
    /// Derived, so that the ledger's key (product, seq) and the row's id can never disagree,
    /// and from a hash that every database has.
    #[must_use]
    pub fn of(product: ProductId, seq: u64) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::new().chain_update(product.0.as_bytes()).chain_update(seq.to_be_bytes()).finalize();
        let mut id = [0_u8; 16];
        for (to, from) in id.iter_mut().zip(digest) {
            *to = from;
        }
        Self(Uuid::from_bytes(id))
    }
}

/// Crockford base 32, lower case: sorts like the number it encodes.
const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of a 128-bit number in base 32.
const BASE32_LEN: usize = 26;

fn base32(value: u128) -> impl Iterator<Item = u8> {
    (0..BASE32_LEN).rev().map(move |place| {
        let digit = usize::try_from((value >> (place * 5)) & 31).unwrap_or(0);
        BASE32.get(digit).copied().unwrap_or(b'0')
    })
}

fn is_base32(text: &str) -> bool {
    text.len() == BASE32_LEN && text.bytes().all(|b| BASE32.contains(&b))
}

/// An order's id: `ord_` and 26 characters.
///
/// The spec's `ord_{timestamp}` collides under load, so the part after `ord_` is a UUIDv7 in
/// base 32: it still begins with the time, sorts by it, and is unique across processes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(Text<30>);

impl OrderId {
    const PREFIX: &'static str = "ord_";

    /// The order id made of a fresh UUIDv7.
    #[must_use]
    pub fn from_uuid(id: Uuid) -> Self {
        Self(Text::of(Self::PREFIX.bytes().chain(base32(id.as_u128()))))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The order number that belongs to this id (`ORD-…`).
    #[must_use]
    pub fn number(&self) -> OrderNumber {
        let tail = self.0.bytes().skip(Self::PREFIX.len()).map(|byte| byte.to_ascii_uppercase());
        OrderNumber(Text::of(OrderNumber::PREFIX.bytes().chain(tail)))
    }
}

impl FromStr for OrderId {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        match s.strip_prefix(Self::PREFIX) {
            Some(tail) if is_base32(tail) => Ok(Self(Text::of(s.bytes()))),
            _ => Err(IdError::new(s, "an order id (`ord_` and 26 characters)")),
        }
    }
}

/// The order number that people read out: `ORD-` and the id's 26 characters in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderNumber(Text<30>);

impl OrderNumber {
    const PREFIX: &'static str = "ORD-";

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for OrderNumber {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        match s.strip_prefix(Self::PREFIX) {
            Some(tail) if is_base32(&tail.to_ascii_lowercase()) => Ok(Self(Text::of(s.bytes()))),
            _ => Err(IdError::new(s, "an order number (`ORD-` and 26 characters)")),
        }
    }
}

/// What a customer follows an order by: `TRK-` and 12 hexadecimal digits.
///
/// 48 bits do collide, so the insert of an order is conditional on it and a new one is
/// minted on a collision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrackingId(Text<16>);

impl TrackingId {
    const PREFIX: &'static str = "TRK-";

    /// The tracking id made of 48 random bits.
    #[must_use]
    pub fn from_bits(bits: [u8; 6]) -> Self {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + (nibble - 10) };
        let digits = bits.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        Self(Text::of(Self::PREFIX.bytes().chain(digits)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for TrackingId {
    type Err = IdError;
    fn from_str(s: &str) -> Result<Self, IdError> {
        match s.strip_prefix(Self::PREFIX) {
            Some(t) if t.len() == 12 && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                Ok(Self(Text::of(s.bytes())))
            }
            _ => Err(IdError::new(s, "a tracking id (`TRK-` and 12 hexadecimal digits)")),
        }
    }
}

macro_rules! string_id {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(s: String) -> Result<Self, IdError> { s.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.as_str().to_owned() }
        }
    )*};
}
string_id!(OrderId OrderNumber TrackingId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_ids_sort_as_their_uuids_and_round_trip() {
        let small = OrderId::from_uuid(Uuid::from_u128(41));
        let large = OrderId::from_uuid(Uuid::from_u128(u128::MAX));
        assert!(small < large);
        for id in [small, large] {
            assert_eq!(id.as_str().parse::<OrderId>().unwrap(), id);
            assert_eq!(id.number().as_str().parse::<OrderNumber>().unwrap(), id.number());
        }
    }

    #[test]
    fn ids_look_as_text_does() {
        let id = OrderId::from_uuid(Uuid::from_u128(0x0199_0a1b_2c3d_7e4f_8051_6273_8495_a6b7));
        assert_eq!(id.to_string(), id.as_str());
        assert_eq!(id.as_str().len(), 30);
        assert_eq!(id.number().as_str(), id.as_str().to_ascii_uppercase().replace('_', "-"));
        assert_eq!(format!("{id:?}"), format!("OrderId({:?})", id.as_str()));
        assert_eq!(TrackingId::from_bits([0, 1, 0x9a, 0xbf, 0xf0, 0xff]).as_str(), "TRK-00019abff0ff");
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{id}\""));
        assert_eq!(String::from(id.clone()).parse::<OrderId>().unwrap(), id);
    }

    #[test]
    fn malformed_ids_are_refused_with_the_text() {
        for bad in ["", "ord_", "ord_1734", "ORD-abc", "ord_0000000000000000000000000u"] {
            let err = bad.parse::<OrderId>().unwrap_err();
            assert_eq!(err.input, bad);
        }
        assert!("TRK-12345678901G".parse::<TrackingId>().is_err());
        assert!("TRK-0123456789ab".parse::<TrackingId>().is_ok());
        assert!("not-a-uuid".parse::<StoreId>().is_err());
    }
}
