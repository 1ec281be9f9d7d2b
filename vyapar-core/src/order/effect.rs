//! What must follow from a change of an order.
//!
//! Effects are stored by the same conditional write that makes the change, performed at once,
//! cleared by a second write, and finished by recovery if the process died in between. Each
//! is idempotent by (order, version, effect), so performing one twice is performing it once.

use serde::{Deserialize, Serialize};

use crate::id::{PaymentId, ProductId};
use crate::money::Money;
use crate::quantity::Quantity;

/// One thing that must follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Give the cancelled order's held stock back.
    ReleaseStock,
    /// Take the dispatched goods out of `reserved`.
    DispatchStock,
    /// Book the goods of an order cancelled after dispatch as returned, sellable.
    ReturnStock,
    /// Set the hold to what the order now has; the revision is the effect's version.
    AmendStock {
        /// Products and their targets, by product id.
        targets: Vec<(ProductId, Quantity)>,
    },
    /// Give back everything captured for the order, by whichever payments.
    RefundAll,
    /// Give back a part of what this payment captured: a partial cancel of a paid order.
    RefundPart {
        /// The payment that paid the order.
        payment_id: PaymentId,
        /// How much.
        amount: Money,
    },
    /// Record the cash that was paid when the order was delivered.
    RecordCash {
        /// How much.
        amount: Money,
    },
    /// Add the delivered order to its store's count.
    CountForStore,
    /// Add the delivered order to its customer's totals. What it adds is frozen here, so that
    /// another price of points changes no delivered order.
    CreditCustomer {
        /// What was paid.
        spent: Money,
        /// The points it gives.
        points: u64,
    },
}

/// An effect not yet known to be done, and the order's version that asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingEffect {
    /// The version of the order whose write stored it.
    pub version: u64,
    /// What must follow.
    #[serde(flatten)]
    pub effect: Effect,
}
