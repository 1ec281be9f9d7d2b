//! Moving an order, and performing what must follow.

use serde_json::json;

use super::{ROUNDS, STUCK_AFTER, Saga, backoff};
use crate::actor::{Actor, Party};
use crate::customer::CreditedOrder;
use crate::id::{HistoryId, OperationId};
use crate::inventory::{Amend, AmendOutcome, DispatchOutcome, GiveBack, GiveBackLine, GiveBackOutcome, ReleaseCause};
use crate::money::Money;
use crate::order::{
    Effect, Order, OrderError, OrderSlot, OrderStatus, OrderUpdate, PaymentStatus, PendingEffect, StatusEntry,
};
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;
use crate::time::Timestamp;

/// A move of an order's status, and what goes with it.
pub(in crate::order) struct Step<'a> {
    pub(in crate::order) to: OrderStatus,
    pub(in crate::order) effects: Vec<Effect>,
    pub(in crate::order) note: Option<&'a str>,
}

impl Saga {
    /// Moves the order's status in one write with history, audit and effects. `None` when
    /// someone else changed the order first.
    pub(in crate::order) async fn step(
        &self,
        actor: &Actor,
        order: &Order,
        step: Step<'_>,
    ) -> Result<Option<Order>, OrderError> {
        let env = &self.context.env;
        let now = env.now();
        let version = order.version + 1;
        let seal = |context: String, text: &str| env.seal(&context, text);
        let party = actor.party(order.store_id, order.customer_id, now);
        let mut next = self.next_version(order, now, step.effects);
        next.status = step.to;
        if step.to == OrderStatus::Cancelled {
            next.cancelled_by = Some(party);
            next.cancel_reason =
                step.note.map(|text| seal(crate::order::sealed_at(&order.id, "cancel_reason"), text)).transpose()?;
        }
        let history = StatusEntry {
            id: HistoryId::from_uuid(env.uuid()),
            order_id: order.id.clone(),
            version,
            status: step.to,
            party,
            changed_by: actor.user(),
            notes: step.note.map(|text| seal(crate::order::note_at(&order.id, version), text)).transpose()?,
            created_at: now,
        };
        let audit = AuditDraft {
            store_id: Some(order.store_id),
            action: if step.to == OrderStatus::Cancelled { "order.cancel" } else { "order.status" },
            entity_type: "order",
            entity_id: order.id.to_string(),
            old_values: Some(json!({ "status": order.status })),
            new_values: Some(json!({ "status": step.to, "party": party })),
        }
        .by(actor, env, now);
        if step.to == OrderStatus::Delivered && !order.payment_method.is_online() {
            // Whoever hands the goods over has been given the money: the effect records it.
            next.payment_status = PaymentStatus::Paid;
            next.paid_by = (order.totals.total > Money::ZERO).then(|| self.cash_id(order));
        }
        match step.to {
            OrderStatus::OutForDelivery => next.dispatched = true,
            OrderStatus::Delivered if !order.dispatched => next.dispatched = true,
            OrderStatus::Cancelled => next.dispatched = false,
            _ => {}
        }
        let update = OrderUpdate { order: next, expected: order.version, history: Some(history), audit: Some(audit) };
        self.write(update).await
    }

    /// The order's next version with effects added; recovery looks at it if nobody performs
    /// them within a while.
    pub(in crate::order) fn next_version(&self, order: &Order, now: Timestamp, effects: Vec<Effect>) -> Order {
        let mut next = order.clone();
        next.version += 1;
        next.updated_at = now;
        next.effects.extend(effects.into_iter().map(|effect| PendingEffect { version: next.version, effect }));
        if !next.effects.is_empty() {
            next.recover_at = Some(next.recover_at.unwrap_or_else(|| backoff(now, 0)));
        }
        next
    }

    /// Writes an update; `None` when the version was another.
    pub(in crate::order) async fn write(&self, update: OrderUpdate) -> Result<Option<Order>, OrderError> {
        let order = update.order.clone();
        match self.context.ports.order.orders.update(order.store_id, update).await? {
            UpdateOutcome::Updated => Ok(Some(order)),
            UpdateOutcome::Stale => Ok(None),
        }
    }

    /// Cancels an order whose stock is gone, unless it has moved on from placed. The order as
    /// it then stands; effects that fail are left to recovery.
    pub(super) async fn cancel_by_system(&self, mut order: Order, why: &'static str) -> Result<Order, OrderError> {
        let actor = Actor::system("saga");
        for _ in 0..ROUNDS {
            if order.status.step(OrderStatus::Cancelled, Party::System, order.fulfilment, false).is_none() {
                return Ok(self.try_finish(order).await);
            }
            let step = Step { to: OrderStatus::Cancelled, effects: cancel_effects(&order), note: Some(why) };
            if let Some(cancelled) = self.step(&actor, &order, step).await? {
                return Ok(self.try_finish(cancelled).await);
            }
            order = self.order_of_stock(order.store_id, &order.id).await?;
        }
        Err(OrderError::Concurrent)
    }

    /// Performs and clears what is pending; a failure is logged and left to recovery, because
    /// the change that asked for it has happened.
    pub(in crate::order) async fn try_finish(&self, order: Order) -> Order {
        match self.finish(order.clone()).await {
            Ok(finished) => finished,
            Err(error) => {
                tracing::warn!(order = %order.id, %error, "an effect failed and is left to recovery");
                order
            }
        }
    }

    /// Performs and clears what is pending.
    pub(in crate::order) async fn finish(&self, mut order: Order) -> Result<Order, OrderError> {
        if order.effects.is_empty() {
            return Ok(order);
        }
        let done = order.effects.clone();
        for pending in &done {
            self.perform(&order, pending).await?;
        }
        for _ in 0..ROUNDS {
            if !order.effects.iter().any(|pending| done.contains(pending)) {
                return Ok(order);
            }
            let mut next = self.next_version(&order, self.now(), Vec::new());
            next.effects.retain(|pending| !done.contains(pending));
            next.failures = 0;
            if next.effects.is_empty() {
                next.recover_at = None;
            }
            next.payment_status = self.payment_status(&next).await?;
            let update = OrderUpdate { order: next, expected: order.version, history: None, audit: None };
            if let Some(cleared) = self.write(update).await? {
                return Ok(cleared);
            }
            order = self.order_of_stock(order.store_id, &order.id).await?;
        }
        Err(OrderError::Concurrent)
    }

    /// Performs one effect; performing it again changes nothing.
    async fn perform(&self, order: &Order, pending: &PendingEffect) -> Result<(), OrderError> {
        let (store, hold, now) = (order.store_id, order.hold.clone(), self.now());
        let reservations = &self.context.ports.stock.reservations;
        match &pending.effect {
            Effect::ReleaseStock => {
                // Any outcome will do: released now or before, or the key has moved on.
                reservations.release(store, hold, ReleaseCause::Cancelled, now).await?;
                Ok(())
            }
            Effect::DispatchStock => match reservations.dispatch(store, hold, now).await? {
                DispatchOutcome::Dispatched => Ok(()),
                DispatchOutcome::NotCommitted => Err(OrderError::Inconsistent(order.id.clone())),
            },
            Effect::AmendStock { targets } => {
                let targets = targets.clone();
                let amend = Amend { hold, revision: pending.version, targets, performed_by: None, now };
                match reservations.amend(store, amend).await? {
                    AmendOutcome::Amended => Ok(()),
                    // Targets only ever go down, and a cancelled order holds nothing to amend.
                    AmendOutcome::NotHolding if order.status == OrderStatus::Cancelled => Ok(()),
                    AmendOutcome::NotHolding | AmendOutcome::Short(_) => {
                        Err(OrderError::Inconsistent(order.id.clone()))
                    }
                }
            }
            Effect::ReturnStock => self.return_goods(order, pending).await,
            Effect::RefundAll => self.refund_all(order).await,
            Effect::RecordCash { amount } => self.record_cash(order, *amount).await,
            Effect::CountForStore => {
                self.context.ports.store.counters.count_order(store, &order.id).await?;
                Ok(())
            }
            Effect::CreditCustomer { spent, points } => {
                let (order_id, store_id, now) = (order.id.clone(), store, self.now());
                let credited = CreditedOrder { order_id, store_id, spent: *spent, points: *points, now };
                Ok(self.context.credit(&Actor::system("saga"), order.customer_id, credited).await?)
            }
            Effect::RefundPart { payment_id, amount } => {
                let cause = format!("amended:{}", pending.version);
                self.refund(store, *payment_id, &cause, *amount).await
            }
        }
    }

    /// Books everything of an order cancelled after dispatch as come back, sellable. Staff
    /// book damage of it as for any other goods.
    async fn return_goods(&self, order: &Order, pending: &PendingEffect) -> Result<(), OrderError> {
        let version = pending.version.to_be_bytes();
        let operation = self.context.env.mac("return of order", &[order.id.as_str().as_bytes(), &version]);
        let mut lines: Vec<_> = order
            .items
            .iter()
            .filter(|item| !item.quantity.is_zero())
            .map(|item| GiveBackLine { product_id: item.product_id, quantity: item.quantity, sellable: true })
            .collect();
        lines.sort_by_key(|line| line.product_id);
        let request = GiveBack {
            hold: order.hold.clone(),
            operation: OperationId::from_uuid(operation.to_uuid()),
            lines,
            reason: None,
            performed_by: None,
            now: self.now(),
        };
        match self.context.ports.stock.reservations.give_back(order.store_id, request).await? {
            GiveBackOutcome::Booked => Ok(()),
            GiveBackOutcome::TooMuch(_) | GiveBackOutcome::NotDispatched => {
                Err(OrderError::Inconsistent(order.id.clone()))
            }
        }
    }

    /// Recovery's turn at an order: finish its effects, or try later.
    pub(super) async fn recover_order(&self, order: Order) -> Result<(), OrderError> {
        let Err(error) = self.finish(order.clone()).await else {
            return Ok(());
        };
        let impossible = matches!(error, OrderError::Inconsistent(_));
        let stored = match self.context.ports.order.orders.find(order.store_id, &order.id).await? {
            // What failed may have been the answer only: then the effects are cleared.
            OrderSlot::Order(stored) if !stored.effects.is_empty() => stored,
            _ => return Ok(()),
        };
        let now = self.now();
        let mut later = self.next_version(&stored, now, Vec::new());
        later.failures = if impossible { STUCK_AFTER } else { stored.failures.saturating_add(1) };
        later.recover_at = Some(backoff(now, later.failures));
        // Losing this write to someone else's change is fine: that changed the situation.
        self.write(OrderUpdate { order: later, expected: stored.version, history: None, audit: None }).await?;
        Err(error)
    }
}

impl Saga {
    /// What must follow from an order's arrival.
    pub(in crate::order) fn delivery_effects(&self, order: &Order) -> Vec<Effect> {
        let per = u64::try_from(self.context.settings.loyalty_point_per).unwrap_or(0);
        let spent = order.totals.total;
        let points = u64::try_from(spent.paise()).unwrap_or(0).checked_div(per).unwrap_or(0);
        let cash =
            (!order.payment_method.is_online() && spent > Money::ZERO).then_some(Effect::RecordCash { amount: spent });
        let counts = [Effect::CountForStore, Effect::CreditCustomer { spent, points }];
        cash.into_iter().chain(counts).collect()
    }
}

/// What must follow from cancelling an order before its goods left.
pub(in crate::order) fn cancel_effects(order: &Order) -> Vec<Effect> {
    let mut effects = vec![Effect::ReleaseStock];
    if order.payment_method.is_online() {
        effects.push(Effect::RefundAll);
    }
    effects
}
