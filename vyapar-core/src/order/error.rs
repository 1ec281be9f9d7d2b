//! Why an order was not placed or changed, in words for the person who must act on it.

use std::fmt;

use crate::actor::Party;
use crate::error::RepositoryError;
use crate::id::{AddressId, OrderId, PaymentId, ProductId, RefundId, StoreId};
use crate::money::{Money, MoneyError};
use crate::order::{OrderStatus, PaymentMethod};
use crate::payment::GatewayError;
use crate::quantity::{Quantity, QuantityError};
use crate::secret::SecretError;
use crate::store::{DeliveryRefusal, StoreStatus};
use crate::time::Timestamp;

/// A line that could not be served, with the product's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// Its name.
    pub product_name: String,
    /// How much was asked for.
    pub requested: Quantity,
    /// How much is free.
    pub available: Quantity,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of `{}` requested, {} available", self.requested, self.product_name, self.available)
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

/// Why an order was not placed or changed.
///
/// Refusals write nothing; `Storage`, `InProgress` and `OutcomeUnknown` ask for the same call
/// again, with the same idempotency key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// No such order, or not this actor's to see.
    #[error("no order `{0}`")]
    NotFound(OrderId),
    /// No such store, or one that is not selling.
    #[error("no store `{0}`")]
    NoStore(StoreId),
    /// The actor may see it but not do this.
    #[error("not allowed to {0}")]
    Forbidden(&'static str),
    /// The store exists but does not sell now.
    #[error("the store is {0} and takes no orders")]
    StoreNotActive(StoreStatus),
    /// The store takes no online payments.
    #[error("the store does not take payment by {0}")]
    PaymentNotAccepted(PaymentMethod),
    /// An online payment of nothing, which no gateway makes.
    #[error("there is nothing to pay by {0}: the total is ₹0.00")]
    NothingToPay(PaymentMethod),
    /// The store is closed at this hour.
    #[error("{}", DeliveryRefusal::Closed { opens_at: *opens_at })]
    StoreClosed {
        /// When it opens next, if it does within a year.
        opens_at: Option<Timestamp>,
    },
    /// No such saved address of the customer.
    #[error("the customer has no address `{0}`")]
    NoAddress(AddressId),
    /// The store's delivery radius is zero, and how far the address is is not known.
    #[error("{}", DeliveryRefusal::NoDelivery)]
    NoDelivery,
    /// The address is too far from the store.
    #[error("the address is {distance_km:.1} km away, the store delivers within {radius_km} km")]
    TooFar {
        /// How far it is.
        distance_km: f64,
        /// How far the store goes.
        radius_km: rust_decimal::Decimal,
    },
    /// Less than the store delivers.
    #[error("₹{subtotal} is below the store's smallest order of ₹{minimum}")]
    BelowMinimum {
        /// What the basket costs.
        subtotal: Money,
        /// The store's minimum.
        minimum: Money,
    },
    /// Nothing in the basket.
    #[error("the basket is empty")]
    EmptyBasket,
    /// Too many lines or products.
    #[error("{count} lines in the basket, at most {max} different products are allowed")]
    TooManyLines {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A quantity that the product cannot be sold in.
    #[error("product `{product_id}`: {source}")]
    Quantity {
        /// The product.
        product_id: ProductId,
        /// What is wrong.
        source: QuantityError,
    },
    /// Products that the store does not sell: unknown, another store's, or inactive.
    #[error("the store does not sell {}", list(.0))]
    UnknownProducts(Vec<ProductId>),
    /// A text that is empty or too long.
    #[error("{field} needs {min} to {max} characters, this one has {length}")]
    Text {
        /// Which text.
        field: &'static str,
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// Not a language tag.
    #[error("`{0}` is no language (a BCP 47 tag is needed, such as `hi` or `en-IN`)")]
    Language(String),
    /// An amount beyond what money can hold.
    #[error("the order's amount is too large: {0}")]
    Amount(#[from] MoneyError),
    /// The basket costs something else than the customer was shown.
    #[error("the total is ₹{actual}, not ₹{expected}")]
    PriceChanged {
        /// What was shown.
        expected: Money,
        /// What it is.
        actual: Money,
    },
    /// Not enough stock: every short line.
    #[error("not enough stock: {}", list(.0))]
    InsufficientStock(Vec<Shortage>),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another order")]
    KeyReused,
    /// The hold ran out before the order was complete; the order is cancelled.
    #[error("the stock held for order `{0}` was released before the order was complete")]
    HoldExpired(OrderId),
    /// Another call of the same key is at work.
    #[error("this order is being placed; ask again with the same key")]
    InProgress,
    /// An answer was lost at a point where only asking again tells.
    #[error("the outcome is not known; ask again with the same key")]
    OutcomeUnknown(#[source] RepositoryError),
    /// The order is not where this move begins, or it is not for this side to make.
    #[error("an order that is {from} cannot become {to} by the {by}")]
    NotAllowed {
        /// Where it stands.
        from: OrderStatus,
        /// Where it should go.
        to: OrderStatus,
        /// Who wanted that.
        by: Party,
    },
    /// What was ordered is changed before it is confirmed only.
    #[error("an order that is {0} is no longer changed")]
    TooLate(OrderStatus),
    /// Something else comes first.
    #[error("the order is not ready for this: {0}")]
    NotReady(&'static str),
    /// Cancelling from here needs a reason.
    #[error("cancelling an order that is {0} needs a reason")]
    ReasonNeeded(OrderStatus),
    /// A partial cancel that would leave more than the order has.
    #[error("{requested} of product `{product_id}` should be left, the order has {ordered}")]
    NotInOrder {
        /// The product.
        product_id: ProductId,
        /// How much should be left.
        requested: Quantity,
        /// How much the order has.
        ordered: Quantity,
    },
    /// Someone else changed the order at the same time, again and again.
    #[error("the order changed at the same time; try again")]
    Concurrent,
    /// The payment gateway did not do its part.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// No payment gateway was handed to the library.
    #[error("no payment gateway is configured")]
    NoGateway,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
    /// No such payment in the store.
    #[error("no payment `{0}`")]
    NoPayment(PaymentId),
    /// No such refund of the payment.
    #[error("no refund `{0}`")]
    NoRefund(RefundId),
    /// Stored personal data could not be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Stored data contradicts itself; for `stuck()`.
    #[error("order `{0}` and its stock contradict each other")]
    Inconsistent(OrderId),
    /// A stored instant out of the calendar's range.
    #[error("the instant {0} is out of range")]
    OutOfTime(Timestamp),
}

impl From<DeliveryRefusal> for OrderError {
    fn from(refusal: DeliveryRefusal) -> Self {
        match refusal {
            DeliveryRefusal::NotActive(status) => Self::StoreNotActive(status),
            DeliveryRefusal::Closed { opens_at } => Self::StoreClosed { opens_at },
            DeliveryRefusal::NoDelivery => Self::NoDelivery,
            DeliveryRefusal::TooFar { distance_km, radius_km } => Self::TooFar { distance_km, radius_km },
            DeliveryRefusal::BelowMinimum { subtotal, minimum } => Self::BelowMinimum { subtotal, minimum },
        }
    }
}
