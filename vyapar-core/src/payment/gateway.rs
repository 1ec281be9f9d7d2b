//! The payment gateway port.

use async_trait::async_trait;
use serde_json::Value;

use crate::id::{OrderId, PaymentId, RefundId, StoreId};
use crate::money::Money;

/// A charge to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// Receipt and idempotency key: the same id is charged once.
    pub payment_id: PaymentId,
    /// Whose order it pays. A gateway that keeps a note with the charge gives it back with its
    /// events, and [`payment_event`](crate::order::OrderService::payment_event) asks for it.
    pub store_id: StoreId,
    /// The order, for what the customer is shown.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
}

/// A charge begun: what the customer's app needs to pay it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeStarted {
    /// What the gateway calls it.
    pub transaction_id: String,
    /// Where the customer pays, if the gateway has a page.
    pub pay_url: Option<String>,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq)]
pub enum ChargeState {
    /// Not decided yet.
    Pending,
    /// Captured, all of it: a gateway that captured less reports `Pending` until the rest came, or
    /// gives it back and reports `Failed`.
    Captured {
        /// What the gateway calls it.
        transaction_id: String,
        /// What it says; of it, what [`GATEWAY_FIELDS`] names is stored.
        response: Option<Value>,
    },
    /// Refused, given up, or never heard of.
    Failed,
}

/// What is stored of a gateway's answer: these fields of the object that it is, where they are
/// numbers, truth values, or texts of up to 100 characters. Whoever paid, and from which account,
/// is not among them.
pub const GATEWAY_FIELDS: [&str; 20] = [
    "amount",
    "arn",
    "auth_code",
    "bank",
    "captured",
    "captured_at",
    "created_at",
    "currency",
    "error_code",
    "error_reason",
    "fee",
    "id",
    "international",
    "method",
    "network",
    "order_id",
    "rrn",
    "status",
    "tax",
    "wallet",
];

/// What is kept of a gateway's answer; `None` where nothing is.
pub(crate) fn kept_of_response(response: &Value) -> Option<Value> {
    let short = |text: &str| text.chars().count() <= 100 && !text.chars().any(char::is_control);
    let plain = |value: &Value| match value {
        Value::String(text) => short(text),
        Value::Number(_) | Value::Bool(_) => true,
        _ => false,
    };
    let fields = response.as_object()?;
    let kept: serde_json::Map<_, _> = GATEWAY_FIELDS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), fields.get(*name).filter(|value| plain(value))?.clone())))
        .collect();
    (!kept.is_empty()).then_some(Value::Object(kept))
}

/// A refund to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRequest {
    /// Idempotency key: the same id is given back once.
    pub refund_id: RefundId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// What the gateway calls that payment.
    pub transaction_id: Option<String>,
    /// How much.
    pub amount: Money,
}

/// Why a gateway did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// It could not be reached, or its answer was lost; asking again with the same id is safe.
    #[error("the payment gateway could not be reached: {0}")]
    Unavailable(String),
    /// It refused for good.
    #[error("the payment gateway refused: {0}")]
    Refused(String),
}

/// A payment gateway.
///
/// # Contract
/// Calls are idempotent by their id and never made inside a storage transaction.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Begins a charge.
    async fn charge(&self, charge: Charge) -> Result<ChargeStarted, GatewayError>;

    /// What became of a charge.
    async fn state(&self, payment: PaymentId) -> Result<ChargeState, GatewayError>;

    /// Gives money back. A refund that was refused may be asked for again, with the same id, when
    /// a person has seen to what stood in its way.
    async fn refund(&self, request: RefundRequest) -> Result<(), GatewayError>;
}
