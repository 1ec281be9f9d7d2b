//! What a customer asks for.

use serde::{Deserialize, Serialize};

use crate::contact::{PersonalText, Phone};
use crate::geo::Coordinates;
use crate::id::{AddressId, CustomerId, OrderItemId, ProductId, StoreId};
use crate::india::{PinCode, StateCode};
use crate::money::Money;
use crate::order::{Channel, Fulfilment, PaymentMethod};
use crate::quantity::Quantity;

/// Where an order is delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeliveryAddress {
    /// House, street.
    pub line1: PersonalText,
    /// Area.
    pub line2: Option<PersonalText>,
    /// A landmark nearby.
    pub landmark: Option<PersonalText>,
    /// City.
    pub city: String,
    /// State: the place of supply.
    pub state: StateCode,
    /// PIN code.
    pub pincode: PinCode,
    /// Where that is, if known: then the store's delivery radius is checked.
    pub coordinates: Option<Coordinates>,
}

/// How the goods get to the customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// Brought to this address.
    Delivery(DeliveryAddress),
    /// Brought to one of the customer's saved addresses, as it stands when the order is placed.
    Saved(AddressId),
    /// Fetched at the shop.
    Pickup,
}

impl Destination {
    /// The way of fulfilment.
    #[must_use]
    pub const fn fulfilment(&self) -> Fulfilment {
        match self {
            Self::Delivery(_) | Self::Saved(_) => Fulfilment::Delivery,
            Self::Pickup => Fulfilment::Pickup,
        }
    }
}

/// Who ordered and where it goes, opened; for the customer and the store's members.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderContact {
    /// His name.
    pub customer_name: PersonalText,
    /// His phone.
    pub customer_phone: Phone,
    /// Where it goes; none for pickup.
    pub delivery_address: Option<DeliveryAddress>,
    /// Delivery instructions.
    pub delivery_notes: Option<PersonalText>,
    /// Order notes.
    pub customer_note: Option<PersonalText>,
    /// Why it was called off.
    pub cancel_reason: Option<PersonalText>,
    /// Notes on lines, by line.
    pub line_notes: Vec<(OrderItemId, PersonalText)>,
}

/// One line of a basket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceLine {
    /// The product. Lines of one product are summed before anything else.
    pub product_id: ProductId,
    /// How much: more than zero, no finer than the product's unit.
    pub quantity: Quantity,
    /// Notes on the line.
    pub notes: Option<String>,
}

/// A request to place an order.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceOrder {
    /// The store.
    pub store_id: StoreId,
    /// The customer's own mark of this request, 1 to 128 characters, unique per store and
    /// customer. The same key with the same body is the same order, however often it is
    /// sent; with another body it is refused.
    pub idempotency_key: String,
    /// Whose order: the customer himself, or whom staff places it for.
    pub customer_id: CustomerId,
    /// His name.
    pub customer_name: PersonalText,
    /// His phone.
    pub customer_phone: Phone,
    /// Where the goods go.
    pub destination: Destination,
    /// The basket: at least one line.
    pub lines: Vec<PlaceLine>,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
    /// What the customer was shown; another total is refused before anything is written.
    pub expected_total: Option<Money>,
    /// Delivery instructions.
    pub delivery_notes: Option<PersonalText>,
    /// Order notes.
    pub customer_note: Option<PersonalText>,
    /// Where the order came from.
    pub channel: Channel,
    /// The customer's language (BCP 47, `hi`).
    pub language: String,
}
