//! Money that is owed back, and what becomes of it.
//!
//! An obligation is stored first, once per cause; then the gateway is asked, again and again until
//! it answers. What it refuses stays owed, for a person: he has it asked again, or gives the money
//! back some other way and says so.

use super::money::saga;
use super::{STUCK_AFTER, Saga};
use crate::actor::Actor;
use crate::id::{PaymentId, RefundId, StoreId};
use crate::money::Money;
use crate::order::{Order, OrderError};
use crate::payment::{AttemptStatus, GatewayError, Payment, Refund, RefundRequest, RefundStatus};

impl Saga {
    /// Owes back whatever was captured for a cancelled order, by whichever attempts.
    pub(super) async fn refund_all(&self, order: &Order) -> Result<(), OrderError> {
        for payment in self.context.ports.payment.payments.list_by_order(order.store_id, &order.id).await? {
            if payment.captured() > Money::ZERO {
                self.refund(order.store_id, payment.id, "cancelled", payment.amount).await?;
            }
        }
        Ok(())
    }

    /// Owes an amount back, once per cause, cut to what is left; then asks the gateway.
    pub(super) async fn refund(
        &self,
        store: StoreId,
        id: PaymentId,
        cause: &str,
        amount: Money,
    ) -> Result<(), OrderError> {
        let payment = self
            .change(&saga(), store, id, |payment, refund_id, now| Ok(payment.owe(refund_id, cause, amount, now)?))
            .await?;
        // The obligation stands; a gateway that does not answer is asked again by recovery.
        self.pay_back(payment).await?;
        Ok(())
    }

    /// Asks the gateway for every refund still owed, and stores what it said.
    pub(super) async fn pay_back(&self, payment: Payment) -> Result<Payment, OrderError> {
        let owed: Vec<_> =
            payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Requested).cloned().collect();
        if owed.is_empty() {
            return Ok(payment);
        }
        let gateway = self.gateway()?;
        let mut settled = Vec::new();
        for refund in owed {
            let request = RefundRequest {
                refund_id: refund.id,
                payment_id: payment.id,
                transaction_id: payment.transaction_id.clone(),
                amount: refund.amount,
            };
            match gateway.refund(request).await {
                Ok(()) => settled.push((refund.id, RefundStatus::Success)),
                Err(GatewayError::Refused(why)) => {
                    tracing::error!(payment = %payment.id, why, "the gateway refused a refund that is owed");
                    settled.push((refund.id, RefundStatus::Failed));
                }
                Err(error @ GatewayError::Unavailable(_)) => {
                    tracing::warn!(payment = %payment.id, %error, "a refund is left to recovery");
                }
            }
        }
        let payment = self
            .change(&saga(), payment.store_id, payment.id, |payment, _, _| {
                let mut changed = false;
                for (id, status) in &settled {
                    // What the gateway has made is made, whatever another node was told of it before.
                    let open = |refund: &&mut Refund| {
                        let news = *status == RefundStatus::Success && refund.status == RefundStatus::Failed;
                        refund.id == *id && (refund.status == RefundStatus::Requested || news)
                    };
                    for refund in payment.refunds.iter_mut().filter(open) {
                        changed = true;
                        refund.status = *status;
                    }
                }
                if payment.returned()? == payment.amount {
                    payment.status = AttemptStatus::Refunded;
                }
                if changed {
                    let refused = payment.refunds.iter().any(|refund| refund.status == RefundStatus::Failed);
                    payment.failures = if refused { STUCK_AFTER } else { 0 };
                }
                Ok(changed)
            })
            .await?;
        self.refresh_payment_status(payment.store_id, &payment.order_id).await?;
        Ok(payment)
    }

    /// Asks the gateway once more for what it refused.
    pub(in crate::order) async fn retry_refunds(
        &self,
        actor: &Actor,
        store: StoreId,
        id: PaymentId,
    ) -> Result<Payment, OrderError> {
        // Without one nothing would ask for what is open again.
        self.gateway()?;
        let payment = self
            .change(actor, store, id, |payment, _, _| {
                let mut changed = false;
                for refund in payment.refunds.iter_mut().filter(|refund| refund.status == RefundStatus::Failed) {
                    refund.status = RefundStatus::Requested;
                    changed = true;
                }
                if changed {
                    payment.failures = 0;
                    // Soon, if the gateway is away now.
                    payment.recover_at = None;
                }
                Ok(changed)
            })
            .await?;
        self.pay_back(payment).await
    }

    /// Notes that a refused refund was made some other way.
    pub(in crate::order) async fn settle_refund(
        &self,
        actor: &Actor,
        store: StoreId,
        id: PaymentId,
        refund_id: RefundId,
        reference: &str,
    ) -> Result<Payment, OrderError> {
        let payment = self
            .change_noting(actor, store, id, Some(reference), |payment, _, _| {
                let refund = payment.refunds.iter_mut().find(|refund| refund.id == refund_id);
                let refund = refund.ok_or(OrderError::NoRefund(refund_id))?;
                match refund.status {
                    RefundStatus::Success => return Ok(false),
                    RefundStatus::Requested => return Err(OrderError::NotReady("the gateway is still asked for it")),
                    RefundStatus::Failed => refund.status = RefundStatus::Success,
                }
                if payment.returned()? == payment.amount {
                    payment.status = AttemptStatus::Refunded;
                }
                if !payment.refunds.iter().any(|refund| refund.status == RefundStatus::Failed) {
                    payment.failures = 0;
                }
                Ok(true)
            })
            .await?;
        self.refresh_payment_status(payment.store_id, &payment.order_id).await?;
        Ok(payment)
    }
}

/// What the audit log says became of a payment's refunds, if anything did.
pub(super) fn refunds_changed(before: &Payment, after: &Payment) -> Option<&'static str> {
    if after.refunds.len() > before.refunds.len() {
        return Some("payment.refund");
    }
    let mut pairs = before.refunds.iter().zip(&after.refunds).map(|(old, new)| (old.status, new.status));
    match pairs.find(|(old, new)| old != new)? {
        (_, RefundStatus::Success) => Some("payment.refund_done"),
        (_, RefundStatus::Failed) => Some("payment.refund_refused"),
        (_, RefundStatus::Requested) => Some("payment.refund_again"),
    }
}
