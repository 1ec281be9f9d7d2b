//! The payment aggregate: one attempt, and what was given back of it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{OrderId, PaymentId, RefundId, StoreId};
use crate::money::{Money, MoneyError};
use crate::order::{PaymentMethod, PaymentStatus};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// How money came (`payments.method`).
    PaymentMethodKind ("payment method") {
        /// Cash, recorded by staff at delivery.
        Cash = "cash",
        /// UPI.
        Upi = "upi",
        /// Card.
        Card = "card",
        /// Wallet.
        Wallet = "wallet",
        /// Net banking.
        NetBanking = "net_banking",
    }
}

impl From<PaymentMethod> for PaymentMethodKind {
    fn from(method: PaymentMethod) -> Self {
        match method {
            PaymentMethod::Cod => Self::Cash,
            PaymentMethod::Upi => Self::Upi,
            PaymentMethod::Card => Self::Card,
            PaymentMethod::Wallet => Self::Wallet,
        }
    }
}

text_enum! {
    /// Where an attempt stands (`payments.status`): pending → success or failed; failed →
    /// success only from a verified gateway event (late capture); success → refunded when
    /// all of it went back.
    AttemptStatus ("status of a payment") {
        /// Begun.
        Pending = "pending",
        /// Captured.
        Success = "success",
        /// Refused or given up.
        Failed = "failed",
        /// Captured, and all of it given back.
        Refunded = "refunded",
    }
}

text_enum! {
    /// Where a refund stands.
    RefundStatus ("status of a refund") {
        /// Owed; to be asked of the gateway.
        Requested = "requested",
        /// Done.
        Success = "success",
        /// Refused by the gateway: a person must look.
        Failed = "failed",
    }
}

/// Money owed back on a payment, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its id: the gateway's idempotency key.
    pub id: RefundId,
    /// Why it is owed; one refund per payment and cause (`cancelled`, `excess`, `amended:7`).
    pub cause: String,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: RefundStatus,
    /// When it became owed.
    pub created_at: Timestamp,
}

/// One attempt at paying an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Its id: the gateway's receipt and idempotency key.
    pub id: PaymentId,
    /// The store paid.
    pub store_id: StoreId,
    /// The order paid for.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// How.
    pub method: PaymentMethodKind,
    /// Where it stands.
    pub status: AttemptStatus,
    /// The gateway's transaction.
    pub transaction_id: Option<String>,
    /// What the gateway said, as far as [`GATEWAY_FIELDS`](super::GATEWAY_FIELDS) goes.
    pub gateway_response: Option<Value>,
    /// What is owed back, and was given back.
    pub refunds: Vec<Refund>,
    /// Whether its success is booked: on a live order, or as a refund.
    pub applied: bool,
    /// When recovery looks at it: an unapplied success, an old pending attempt, a requested
    /// refund; `None` when there is nothing to do.
    pub recover_at: Option<Timestamp>,
    /// How often recovery failed on it.
    pub failures: u32,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Payment {
    /// What was captured: the amount once it succeeded, else nothing.
    #[must_use]
    pub const fn captured(&self) -> Money {
        match self.status {
            AttemptStatus::Success | AttemptStatus::Refunded => self.amount,
            AttemptStatus::Pending | AttemptStatus::Failed => Money::ZERO,
        }
    }

    /// What is owed back, whether or not it has been given back (failed refunds stay owed).
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for stored amounts that make no sense.
    pub fn owed(&self) -> Result<Money, MoneyError> {
        Money::sum(self.refunds.iter().map(|refund| refund.amount))
    }

    /// What has been given back (`payments.refund_amount`).
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for stored amounts that make no sense.
    pub fn returned(&self) -> Result<Money, MoneyError> {
        let done = self.refunds.iter().filter(|refund| refund.status == RefundStatus::Success);
        Money::sum(done.map(|refund| refund.amount))
    }

    /// Owes `amount` back for `cause`, cut to what is left, once per cause. Says whether
    /// anything changed.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for stored amounts that make no sense.
    pub fn owe(&mut self, id: RefundId, cause: &str, amount: Money, now: Timestamp) -> Result<bool, MoneyError> {
        let left = self.captured().minus(self.owed()?)?;
        let amount = amount.min(left);
        if amount <= Money::ZERO || self.refunds.iter().any(|refund| refund.cause == cause) {
            return Ok(false);
        }
        let cause = cause.to_owned();
        self.refunds.push(Refund { id, cause, amount, status: RefundStatus::Requested, created_at: now });
        Ok(true)
    }

    /// Whether recovery still has something to do with it: an open attempt, a success not
    /// booked, a refund not yet made, or a failure that may still be captured late.
    #[must_use]
    pub fn is_unfinished(&self, now: Timestamp) -> bool {
        match self.status {
            AttemptStatus::Pending => true,
            AttemptStatus::Failed => now < self.created_at + LATE_CAPTURE,
            AttemptStatus::Success | AttemptStatus::Refunded => {
                !self.applied || self.refunds.iter().any(|refund| refund.status == RefundStatus::Requested)
            }
        }
    }
}

/// How long after its beginning a failed attempt may still be captured: until then the
/// gateway is asked, because the event that says so may be lost.
pub const LATE_CAPTURE: TimeDelta = TimeDelta::hours(24);

/// What an order's payments say about it (DOMAIN section 7): refunded when something was
/// captured and all of it is back; partially refunded when some is; paid once captured ≥
/// payable; failed when there are only failures; else pending.
///
/// A surplus payment that went back whole says nothing about an order that another one paid.
///
/// # Errors
/// [`MoneyError::Overflow`] for amounts that make no sense.
pub fn status_of_order(payable: Money, payments: &[Payment]) -> Result<PaymentStatus, MoneyError> {
    let mut kept = Money::ZERO;
    let mut returned_of_kept = Money::ZERO;
    let mut any_captured = false;
    for payment in payments {
        let (captured, returned) = (payment.captured(), payment.returned()?);
        any_captured |= captured > Money::ZERO;
        if captured > returned {
            kept = kept.plus(captured)?.minus(returned)?;
            returned_of_kept = returned_of_kept.plus(returned)?;
        }
    }
    let only_failures = !payments.is_empty() && payments.iter().all(|p| p.status == AttemptStatus::Failed);
    Ok(if any_captured && kept == Money::ZERO {
        PaymentStatus::Refunded
    } else if returned_of_kept > Money::ZERO {
        PaymentStatus::PartiallyRefunded
    } else if any_captured && kept >= payable {
        PaymentStatus::Paid
    } else if only_failures {
        PaymentStatus::Failed
    } else {
        PaymentStatus::Pending
    })
}
