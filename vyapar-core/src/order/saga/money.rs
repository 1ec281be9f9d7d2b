//! Payments of an order, and what is owed back: step 6.
//!
//! A success is stored first, unapplied; then it is booked on the live order that it pays,
//! or a refund of it is owed; only then it is applied. Nothing is ever reserved again for
//! money that came too late.

use serde_json::json;

use super::{ROUNDS, STUCK_AFTER, Saga, backoff};
use crate::actor::Actor;
use crate::id::{OrderId, PaymentId, RefundId, StoreId};
use crate::inventory::CommitOutcome;
use crate::money::Money;

use crate::order::{Order, OrderError, OrderSlot, OrderStatus, OrderUpdate, PaymentStart, PaymentStatus};
use crate::payment::{
    AttemptStatus, Charge, ChargeState, GatewayError, Payment, PaymentGateway, RefundRequest, RefundStatus,
    status_of_order,
};
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;
use crate::time::Timestamp;

impl Saga {
    fn gateway(&self) -> Result<&dyn PaymentGateway, OrderError> {
        self.context.gateway.as_deref().ok_or(OrderError::NoGateway)
    }

    /// Begins to pay an order, or answers the attempt that is under way. A new attempt is
    /// made only when every earlier one has failed.
    pub(in crate::order) async fn begin_payment(
        &self,
        actor: &Actor,
        order: &Order,
    ) -> Result<PaymentStart, OrderError> {
        let gateway = self.gateway()?;
        let payments = &self.context.ports.payment.payments;
        let attempts = payments.list_by_order(order.store_id, &order.id).await?;
        let payment = match attempts.iter().find(|attempt| attempt.status != AttemptStatus::Failed) {
            Some(attempt) => attempt.clone(),
            None => {
                let payment = self.attempt(order, attempts.len())?;
                let audit = self.payment_audit(actor, &payment, "payment.begin", None);
                payments.insert(order.store_id, payment.clone(), audit).await?;
                payment
            }
        };
        if payment.status != AttemptStatus::Pending {
            return Ok(PaymentStart { payment_id: payment.id, amount: payment.amount, started: None });
        }
        let started = gateway.charge(Charge { payment_id: payment.id, amount: payment.amount }).await?;
        Ok(PaymentStart { payment_id: payment.id, amount: payment.amount, started: Some(started) })
    }

    /// The n-th attempt at an order: its id follows from both, so that callers who begin it
    /// at the same time begin the same one.
    fn attempt(&self, order: &Order, earlier: usize) -> Result<Payment, OrderError> {
        let env = &self.context.env;
        let now = env.now();
        let number = u64::try_from(earlier).unwrap_or(u64::MAX).to_be_bytes();
        let id = env.mac("payment attempt", &[order.id.as_str().as_bytes(), &number]);
        let checked = now.checked_add_signed(self.context.settings.online_hold).ok_or(OrderError::OutOfTime(now))?;
        Ok(Payment {
            id: PaymentId::from_uuid(id.to_uuid()),
            store_id: order.store_id,
            order_id: order.id.clone(),
            amount: order.totals.total,
            method: order.payment_method.into(),
            status: AttemptStatus::Pending,
            transaction_id: None,
            gateway_response: None,
            refunds: Vec::new(),
            applied: false,
            recover_at: Some(checked),
            failures: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Records what became of a charge, then books it. May be repeated, and come in any
    /// order: a success is never taken back, a failure never overwrites one.
    pub(in crate::order) async fn record(
        &self,
        actor: &Actor,
        store: StoreId,
        id: PaymentId,
        state: &ChargeState,
    ) -> Result<Payment, OrderError> {
        for _ in 0..ROUNDS {
            let payment = self.payment(store, id).await?;
            let Some(next) = self.after(&payment, state) else {
                return self.apply(payment).await;
            };
            let action = if next.captured() > Money::ZERO { "payment.success" } else { "payment.failed" };
            let audit = self.payment_audit(actor, &next, action, Some(payment.status));
            let payments = &self.context.ports.payment.payments;
            match payments.update(store, next.clone(), payment.version, Some(audit)).await? {
                UpdateOutcome::Updated => return self.apply(next).await,
                UpdateOutcome::Stale => {}
            }
        }
        Err(OrderError::Concurrent)
    }

    /// The payment after the gateway's word, if that changes it.
    fn after(&self, payment: &Payment, state: &ChargeState) -> Option<Payment> {
        let now = self.now();
        let mut next = payment.clone();
        match (payment.status, state) {
            (AttemptStatus::Pending | AttemptStatus::Failed, ChargeState::Captured { transaction_id, response }) => {
                next.status = AttemptStatus::Success;
                next.transaction_id = Some(transaction_id.clone());
                next.gateway_response.clone_from(response);
                next.applied = false;
                next.recover_at = Some(backoff(now, 0));
            }
            (AttemptStatus::Pending, ChargeState::Failed) => {
                next.status = AttemptStatus::Failed;
                next.recover_at = Some(backoff(now, PATIENCE));
            }
            _ => return None,
        }
        next.failures = 0;
        next.version += 1;
        next.updated_at = now;
        Some(next)
    }

    /// Books a success on the live order that it pays, or owes it back.
    pub(super) async fn apply(&self, payment: Payment) -> Result<Payment, OrderError> {
        if payment.captured() == Money::ZERO {
            return Ok(payment);
        }
        if payment.applied {
            return self.pay_back(payment).await;
        }
        let cause = self.surplus(&payment).await?;
        let (store, id) = (payment.store_id, payment.id);
        let booked = self
            .change(store, id, |payment, refund_id, now| {
                if let Some(cause) = cause {
                    payment.owe(refund_id, cause, payment.amount, now)?;
                }
                let changed = !payment.applied;
                payment.applied = true;
                Ok(changed)
            })
            .await?;
        self.refresh_payment_status(store, &booked.order_id).await?;
        self.pay_back(booked).await
    }

    /// Decides, by the stock and by the order's one compare-and-set, whether this success
    /// pays its order; otherwise why it is owed back.
    async fn surplus(&self, payment: &Payment) -> Result<Option<&'static str>, OrderError> {
        let ports = &self.context.ports;
        let store = payment.store_id;
        for _ in 0..ROUNDS {
            let OrderSlot::Order(order) = ports.order.orders.find(store, &payment.order_id).await? else {
                return Ok(Some("cancelled"));
            };
            let mut order = *order;
            if order.status != OrderStatus::Cancelled {
                let committed = ports.stock.reservations.commit(store, order.hold.clone(), self.now()).await?;
                if committed == CommitOutcome::Lost {
                    order = self.cancel_lost(order).await?;
                    if order.status != OrderStatus::Cancelled {
                        // A live order beyond placed whose stock is not committed: impossible.
                        return Err(OrderError::Inconsistent(order.id));
                    }
                }
            }
            if order.status == OrderStatus::Cancelled {
                return Ok(Some("cancelled"));
            }
            match order.paid_by {
                Some(by) if by == payment.id => return Ok(None),
                Some(_) => return Ok(Some("surplus")),
                None => {}
            }
            let mut next = self.next_version(&order, self.now(), Vec::new());
            next.paid_by = Some(payment.id);
            next.payment_id.clone_from(&payment.transaction_id);
            next.payment_status = self.payment_status(&next).await?;
            let update = OrderUpdate { order: next, expected: order.version, history: None, audit: None };
            if self.write(update).await?.is_some() {
                return Ok(None);
            }
        }
        Err(OrderError::Concurrent)
    }

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
        let payment =
            self.change(store, id, |payment, refund_id, now| Ok(payment.owe(refund_id, cause, amount, now)?)).await?;
        // The obligation stands; a gateway that does not answer is asked again by recovery.
        self.pay_back(payment).await?;
        Ok(())
    }

    /// Asks the gateway for every refund still owed, and stores what it said.
    async fn pay_back(&self, payment: Payment) -> Result<Payment, OrderError> {
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
        let refused = settled.iter().any(|(_, status)| *status == RefundStatus::Failed);
        let payment = self
            .change(payment.store_id, payment.id, |payment, _, _| {
                let mut changed = false;
                for (id, status) in &settled {
                    for refund in payment.refunds.iter_mut().filter(|refund| refund.id == *id) {
                        changed |= refund.status == RefundStatus::Requested;
                        refund.status = *status;
                    }
                }
                if payment.returned()? == payment.amount {
                    payment.status = AttemptStatus::Refunded;
                }
                if refused {
                    payment.failures = STUCK_AFTER;
                }
                Ok(changed)
            })
            .await?;
        self.refresh_payment_status(payment.store_id, &payment.order_id).await?;
        Ok(payment)
    }

    /// Recovery's turn at a payment: ask the gateway about an old one, book a success, pay
    /// back what is owed; or try later.
    pub(super) async fn recover_payment(&self, payment: Payment) -> Result<(), OrderError> {
        let (store, id) = (payment.store_id, payment.id);
        let outcome = self.settle(payment).await;
        let impossible = matches!(outcome, Err(OrderError::Inconsistent(_)));
        let failed = outcome.is_err();
        self.change(store, id, |payment, _, now| {
            if impossible {
                payment.failures = STUCK_AFTER;
            } else if failed {
                payment.failures = payment.failures.saturating_add(1);
            }
            // Its turn is over, whatever came of it: `change` decides about the next one.
            Ok(payment.recover_at.take().is_some_and(|at| at <= now) || failed)
        })
        .await?;
        outcome
    }

    async fn settle(&self, payment: Payment) -> Result<(), OrderError> {
        if payment.captured() > Money::ZERO {
            return self.apply(payment).await.map(drop);
        }
        let state = self.gateway()?.state(payment.id).await?;
        self.record(&Actor::system("recover"), payment.store_id, payment.id, &state).await.map(drop)
    }

    /// Changes a payment by compare-and-set until it holds; the closure says whether there is
    /// anything to write.
    async fn change(
        &self,
        store: StoreId,
        id: PaymentId,
        change: impl Fn(&mut Payment, RefundId, Timestamp) -> Result<bool, OrderError>,
    ) -> Result<Payment, OrderError> {
        let env = &self.context.env;
        for _ in 0..ROUNDS {
            let payment = self.payment(store, id).await?;
            let now = env.now();
            let mut next = payment.clone();
            if !change(&mut next, RefundId::from_uuid(env.uuid()), now)? {
                return Ok(payment);
            }
            next.version += 1;
            next.updated_at = now;
            next.recover_at = next_look(&next, now);
            let owed_before = payment.refunds.len();
            let audit = (next.refunds.len() > owed_before)
                .then(|| self.payment_audit(&Actor::system("saga"), &next, "payment.refund", Some(payment.status)));
            match self.context.ports.payment.payments.update(store, next.clone(), payment.version, audit).await? {
                UpdateOutcome::Updated => return Ok(next),
                UpdateOutcome::Stale => {}
            }
        }
        Err(OrderError::Concurrent)
    }

    async fn payment(&self, store: StoreId, id: PaymentId) -> Result<Payment, OrderError> {
        self.context.ports.payment.payments.get(store, id).await?.ok_or(OrderError::NoPayment(id))
    }

    /// What the order's payments say about it; pending for one paid on delivery.
    pub(super) async fn payment_status(&self, order: &Order) -> Result<PaymentStatus, OrderError> {
        if !order.payment_method.is_online() {
            return Ok(order.payment_status);
        }
        let payments = self.context.ports.payment.payments.list_by_order(order.store_id, &order.id).await?;
        Ok(status_of_order(order.totals.total, &payments)?)
    }

    async fn refresh_payment_status(&self, store: StoreId, id: &OrderId) -> Result<(), OrderError> {
        for _ in 0..ROUNDS {
            let OrderSlot::Order(order) = self.context.ports.order.orders.find(store, id).await? else {
                return Ok(());
            };
            let status = self.payment_status(&order).await?;
            if status == order.payment_status {
                return Ok(());
            }
            let mut next = self.next_version(&order, self.now(), Vec::new());
            next.payment_status = status;
            let update = OrderUpdate { order: next, expected: order.version, history: None, audit: None };
            if self.write(update).await?.is_some() {
                return Ok(());
            }
        }
        Err(OrderError::Concurrent)
    }

    fn payment_audit(
        &self,
        actor: &Actor,
        payment: &Payment,
        action: &'static str,
        before: Option<AttemptStatus>,
    ) -> crate::system::AuditEntry {
        AuditDraft {
            store_id: Some(payment.store_id),
            action,
            entity_type: "payment",
            entity_id: payment.id.to_string(),
            old_values: before.map(|status| json!({ "status": status })),
            new_values: Some(json!({
                "status": payment.status, "amount": payment.amount, "order_id": payment.order_id,
                "refunds": payment.refunds.len(),
            })),
        }
        .by(actor, &self.context.env, self.context.env.now())
    }
}

/// How patiently a gateway is asked about an attempt that it has not decided, or has failed:
/// as rarely as after so many failures.
const PATIENCE: u32 = 7;

/// When recovery looks at a payment next: where it is to be looked at already, at that time.
fn next_look(payment: &Payment, now: Timestamp) -> Option<Timestamp> {
    if !payment.is_unfinished(now) && payment.failures < STUCK_AFTER {
        return None;
    }
    let waits = match payment.status {
        AttemptStatus::Success | AttemptStatus::Refunded => payment.failures,
        // An attempt still open is asked about less and less often.
        AttemptStatus::Pending => {
            u32::try_from((now - payment.created_at).num_hours()).unwrap_or(0).max(payment.failures)
        }
        AttemptStatus::Failed => PATIENCE,
    };
    Some(payment.recover_at.filter(|at| *at > now).unwrap_or_else(|| backoff(now, waits)))
}
