//! The order aggregate.

use serde::{Deserialize, Serialize};

use crate::actor::Party;
use crate::id::{
    CustomerId, HistoryId, OrderId, OrderItemId, OrderNumber, PaymentId, ProductId, StoreId, TrackingId, UserId,
};
use crate::india::StateCode;
use crate::inventory::Hold;
use crate::money::Money;
use crate::order::effect::PendingEffect;
use crate::order::status::OrderStatus;
use crate::pricing::{GstRate, TaxSplit};
use crate::quantity::Quantity;
use crate::secret::{Blind, Sealed};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// How goods reach the customer.
    Fulfilment ("way of fulfilment") {
        /// Brought to the address.
        Delivery = "delivery",
        /// Fetched at the shop.
        Pickup = "pickup",
    }
}

text_enum! {
    /// How an order is to be paid (`orders.payment_method`).
    PaymentMethod ("payment method") {
        /// Cash on delivery.
        Cod = "cod",
        /// UPI.
        Upi = "upi",
        /// Debit or credit card.
        Card = "card",
        /// A wallet.
        Wallet = "wallet",
    }
}

impl PaymentMethod {
    /// Whether it is paid before the goods are handed over, through a gateway.
    #[must_use]
    pub const fn is_online(self) -> bool {
        !matches!(self, Self::Cod)
    }
}

text_enum! {
    /// What has been paid (`orders.payment_status`): a function of the order's payments.
    PaymentStatus ("payment status") {
        /// Nothing yet.
        Pending = "pending",
        /// All of it.
        Paid = "paid",
        /// Only failures.
        Failed = "failed",
        /// Some given back.
        PartiallyRefunded = "partially_refunded",
        /// All given back.
        Refunded = "refunded",
    }
}

text_enum! {
    /// Where an order came from (`orders.channel`).
    Channel ("order channel") {
        /// Browser.
        Web = "web",
        /// App.
        App = "app",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// Entered by the store's staff.
        Counter = "counter",
    }
}

/// One line of an order (`order_items`), frozen at placement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    /// Its id.
    pub id: OrderItemId,
    /// The product; each once in an order.
    pub product_id: ProductId,
    /// Its name at the time of order.
    pub product_name: String,
    /// How much was ordered and not cancelled since.
    pub quantity: Quantity,
    /// How much was ordered at first.
    pub ordered_quantity: Quantity,
    /// Price of one unit, tax included.
    pub unit_price: Money,
    /// MRP of one unit.
    pub mrp: Money,
    /// GST contained.
    pub tax_rate: GstRate,
    /// What was taken off.
    pub discount_amount: Money,
    /// What the line costs, tax included.
    pub total_amount: Money,
    /// The tax contained in it.
    pub tax: TaxSplit,
    /// Notes on the line, sealed.
    pub notes: Option<Sealed>,
}

/// An order's amounts: sums of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTotals {
    /// Sum of the lines.
    pub subtotal: Money,
    /// Sum of what was taken off.
    pub discount: Money,
    /// Sum of the tax contained.
    pub tax: Money,
    /// Delivery, tax included.
    pub delivery_fee: Money,
    /// What the customer pays (`orders.total_amount`).
    pub total: Money,
}

/// An order as ports carry it; who ordered and where it goes is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// `ord_…`.
    pub id: OrderId,
    /// `ORD-…`.
    pub order_number: OrderNumber,
    /// `TRK-…`, unique over all stores.
    pub tracking_id: TrackingId,
    /// The store.
    pub store_id: StoreId,
    /// The customer.
    pub customer_id: CustomerId,
    /// His name, sealed.
    pub customer_name: Sealed,
    /// His phone, sealed.
    pub customer_phone: Sealed,
    /// Where it goes (JSON of a [`DeliveryAddress`](super::DeliveryAddress)), sealed; none for pickup.
    pub delivery_address: Option<Sealed>,
    /// Delivery instructions, sealed.
    pub delivery_notes: Option<Sealed>,
    /// Order notes, sealed.
    pub customer_note: Option<Sealed>,
    /// Place of supply: the delivery address's state, or the store's for pickup.
    pub place_of_supply: StateCode,
    /// Delivery or pickup.
    pub fulfilment: Fulfilment,
    /// Where it stands.
    pub status: OrderStatus,
    /// Its lines, in the order asked.
    pub items: Vec<OrderItem>,
    /// Its amounts.
    pub totals: OrderTotals,
    /// How it is to be paid.
    pub payment_method: PaymentMethod,
    /// What has been paid.
    pub payment_status: PaymentStatus,
    /// The payment that pays it: won once, by compare-and-set.
    pub paid_by: Option<PaymentId>,
    /// The gateway's transaction of that payment (`orders.payment_id`).
    pub payment_id: Option<String>,
    /// The stock held for it.
    pub hold: Hold,
    /// The keyed hash of the request.
    pub fingerprint: Blind,
    /// Whether its goods have left the shop (and not come back as returns).
    pub dispatched: bool,
    /// Why it was called off, sealed (free text).
    pub cancel_reason: Option<Sealed>,
    /// On whose side it was called off.
    pub cancelled_by: Option<Party>,
    /// Where it came from.
    pub channel: Channel,
    /// The customer's language (BCP 47, `hi`).
    pub language: String,
    /// When it should arrive.
    pub estimated_delivery: Option<Timestamp>,
    /// What must still follow from its last changes.
    pub effects: Vec<PendingEffect>,
    /// When recovery looks at its effects; `None` when there are none.
    pub recover_at: Option<Timestamp>,
    /// How often recovery failed on them.
    pub failures: u32,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One row of an order's history (`order_status_history`). Never updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusEntry {
    /// Its id; UUIDv7.
    pub id: HistoryId,
    /// The order.
    pub order_id: OrderId,
    /// The version of the order that this move made: rows sort by it.
    pub version: u64,
    /// The new status.
    pub status: OrderStatus,
    /// On whose side.
    pub party: Party,
    /// The user, if a user did it.
    pub changed_by: Option<UserId>,
    /// Notes, sealed (free text).
    pub notes: Option<Sealed>,
    /// When.
    pub created_at: Timestamp,
}
