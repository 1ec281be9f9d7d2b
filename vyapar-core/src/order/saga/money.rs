//! Payments of an order: step 6. What is owed back is in `refunds`.
//!
//! A success is stored first, unapplied; then it is booked on the live order that it pays,
//! or a refund of it is owed; only then it is applied. Nothing is ever reserved again for
//! money that came too late.

use serde_json::json;

use super::refunds::refunds_changed;
use super::{ROUNDS, STUCK_AFTER, Saga, backoff};
use crate::actor::Actor;
use crate::id::{OrderId, PaymentId, RefundId, StoreId};
use crate::inventory::CommitOutcome;
use crate::money::Money;

use crate::order::{Order, OrderError, OrderSlot, OrderStatus, OrderUpdate, PaymentStart, PaymentStatus};
use crate::payment::{
    AttemptStatus, Charge, ChargeState, GatewayError, Payment, PaymentGateway, PaymentMethodKind, RefundStatus,
    kept_of_response, status_of_order,
};
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;
use crate::time::Timestamp;

impl Saga {
    pub(super) fn gateway(&self) -> Result<&dyn PaymentGateway, OrderError> {
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
        let (store_id, order_id) = (payment.store_id, payment.order_id.clone());
        let charge = Charge { payment_id: payment.id, store_id, order_id, amount: payment.amount };
        let started = gateway.charge(charge).await?;
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

    /// Which payment the cash for an order is: one, however often it is recorded.
    pub(super) fn cash_id(&self, order: &Order) -> PaymentId {
        PaymentId::from_uuid(self.context.env.mac("cash payment", &[order.id.as_str().as_bytes()]).to_uuid())
    }

    /// Records the cash that was paid at delivery.
    pub(super) async fn record_cash(&self, order: &Order, amount: Money) -> Result<(), OrderError> {
        let now = self.now();
        let payment = Payment {
            id: self.cash_id(order),
            store_id: order.store_id,
            order_id: order.id.clone(),
            amount,
            method: PaymentMethodKind::Cash,
            status: AttemptStatus::Success,
            transaction_id: None,
            gateway_response: None,
            refunds: Vec::new(),
            applied: true,
            recover_at: None,
            failures: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let audit = self.payment_audit(&saga(), &payment, "payment.cash", None);
        self.context.ports.payment.payments.insert(order.store_id, payment, audit).await?;
        Ok(())
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
                next.gateway_response = response.as_ref().and_then(kept_of_response);
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
            .change(&saga(), store, id, |payment, refund_id, now| {
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

    /// Recovery's turn at a payment: ask the gateway about an old one, book a success, pay
    /// back what is owed; or try later.
    pub(super) async fn recover_payment(&self, payment: Payment) -> Result<(), OrderError> {
        let (store, id) = (payment.store_id, payment.id);
        let outcome = self.settle(payment).await;
        let impossible = matches!(outcome, Err(OrderError::Inconsistent(_)));
        let failed = outcome.is_err();
        self.change(&saga(), store, id, |payment, _, now| {
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
            let payment = self.apply(payment).await?;
            let owed = payment.refunds.iter().any(|refund| refund.status == RefundStatus::Requested);
            // The gateway could not be reached; ten times, and a person must know.
            return if owed {
                Err(GatewayError::Unavailable("a refund is still owed".to_owned()).into())
            } else {
                Ok(())
            };
        }
        let state = self.gateway()?.state(payment.id).await?;
        self.record(&Actor::system("recover"), payment.store_id, payment.id, &state).await.map(drop)
    }

    /// Changes a payment by compare-and-set until it holds; the closure says whether there is
    /// anything to write. What it does to refunds is kept in the audit log.
    pub(super) async fn change(
        &self,
        actor: &Actor,
        store: StoreId,
        id: PaymentId,
        change: impl Fn(&mut Payment, RefundId, Timestamp) -> Result<bool, OrderError>,
    ) -> Result<Payment, OrderError> {
        self.change_noting(actor, store, id, None, change).await
    }

    /// The same, with a reference that the audit log keeps.
    pub(super) async fn change_noting(
        &self,
        actor: &Actor,
        store: StoreId,
        id: PaymentId,
        reference: Option<&str>,
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
            let audit = refunds_changed(&payment, &next).map(|action| {
                let mut entry = self.payment_audit(actor, &next, action, Some(payment.status));
                if let (Some(reference), Some(serde_json::Value::Object(values))) = (reference, &mut entry.new_values) {
                    values.insert("reference".to_owned(), reference.into());
                }
                entry
            });
            match self.context.ports.payment.payments.update(store, next.clone(), payment.version, audit).await? {
                UpdateOutcome::Updated => return Ok(next),
                UpdateOutcome::Stale => {}
            }
        }
        Err(OrderError::Concurrent)
    }

    pub(super) async fn payment(&self, store: StoreId, id: PaymentId) -> Result<Payment, OrderError> {
        self.context.ports.payment.payments.get(store, id).await?.ok_or(OrderError::NoPayment(id))
    }

    /// What the order's payments say about it; one paid in cash says so itself, since delivery.
    pub(super) async fn payment_status(&self, order: &Order) -> Result<PaymentStatus, OrderError> {
        if !order.payment_method.is_online() {
            return Ok(order.payment_status);
        }
        let payments = self.context.ports.payment.payments.list_by_order(order.store_id, &order.id).await?;
        Ok(status_of_order(order.totals.total, &payments)?)
    }

    pub(super) async fn refresh_payment_status(&self, store: StoreId, id: &OrderId) -> Result<(), OrderError> {
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
                "refunds": payment.refunds.iter().map(|refund| json!({
                    "id": refund.id, "cause": refund.cause, "amount": refund.amount, "status": refund.status,
                })).collect::<Vec<_>>(),
            })),
        }
        .by(actor, &self.context.env, self.context.env.now())
    }
}

/// The saga itself, in whose name money goes back.
pub(super) fn saga() -> Actor {
    Actor::system("saga")
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
