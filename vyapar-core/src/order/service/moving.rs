//! Moving an order along, calling it off, calling off a part of it.

use serde_json::json;

use super::OrderService;
use crate::access::policy::{self, Rule};
use crate::actor::{Actor, Party};
use crate::id::{OrderId, ProductId, StoreId};
use crate::inventory::ReservationState;
use crate::money::Money;
use crate::order::basket;
use crate::order::saga::{Step, cancel_effects};
use crate::order::{Effect, Fulfilment, Move, Order, OrderError, OrderStatus, OrderUpdate};
use crate::pricing::{Supply, TaxSplit};
use crate::quantity::{Quantity, StockUnit};
use crate::system::AuditDraft;
use crate::time::Timestamp;

/// How often a decision is made anew because another caller was faster.
const ROUNDS: usize = 5;

impl OrderService {
    /// Moves an order along ([`OrderStatus::step`] has the table). Moving it to where it
    /// stands does nothing, so a retry is safe. To call it off, use [`cancel`](Self::cancel).
    ///
    /// # Errors
    /// [`OrderError::NotAllowed`], [`OrderError::NotReady`], [`OrderError::NotFound`]; storage.
    pub async fn advance(
        &self,
        actor: &Actor,
        store: StoreId,
        id: &OrderId,
        to: OrderStatus,
        note: Option<&str>,
    ) -> Result<Order, OrderError> {
        self.transition(actor, &policy::ORDERS_ADVANCE, store, id, to, note).await
    }

    /// Calls an order off: its stock goes back, what was paid is owed back. Cancelling a
    /// cancelled order does nothing.
    ///
    /// # Errors
    /// [`OrderError::NotAllowed`] once the table says no, [`OrderError::ReasonNeeded`];
    /// [`OrderError::NotFound`]; storage.
    pub async fn cancel(
        &self,
        actor: &Actor,
        store: StoreId,
        id: &OrderId,
        reason: Option<&str>,
    ) -> Result<Order, OrderError> {
        self.transition(actor, &policy::ORDERS_CANCEL, store, id, OrderStatus::Cancelled, reason).await
    }

    async fn transition(
        &self,
        actor: &Actor,
        rule: &Rule,
        store: StoreId,
        id: &OrderId,
        to: OrderStatus,
        note: Option<&str>,
    ) -> Result<Order, OrderError> {
        if let Some(note) = note {
            basket::text("note", note, 1, 1000)?;
        }
        for _ in 0..ROUNDS {
            let order = self.order(actor, rule, store, id).await?;
            if order.status == to {
                return Ok(self.saga.try_finish(order).await);
            }
            let order = self.saga.finish(order).await?;
            let party = party_of(actor, &order, self.context.env.now());
            let from = order.status;
            let step = from.step(to, party, order.fulfilment, order.dispatched);
            let step = step.ok_or(OrderError::NotAllowed { from, to, by: party })?;
            if to == OrderStatus::Cancelled && from.cancel_needs_reason() && note.is_none() {
                return Err(OrderError::ReasonNeeded(from));
            }
            let mut effects = match step {
                Move::Plain => Vec::new(),
                Move::Confirm => {
                    self.check_secured(&order).await?;
                    Vec::new()
                }
                Move::Dispatch => vec![Effect::DispatchStock],
                Move::CancelHeld => cancel_effects(&order),
                Move::CancelDispatched => {
                    let mut effects = cancel_effects(&order);
                    effects.retain(|effect| *effect != Effect::ReleaseStock);
                    effects.insert(0, Effect::ReturnStock);
                    effects
                }
            };
            if to == OrderStatus::Delivered {
                effects.extend(self.saga.delivery_effects(&order));
            }
            if let Some(moved) = self.saga.step(actor, &order, Step { to, effects, note }).await? {
                return Ok(self.saga.try_finish(moved).await);
            }
        }
        Err(OrderError::Concurrent)
    }

    /// An order is confirmed or reduced only when its stock is committed, and it is paid or
    /// to be paid on delivery.
    async fn check_secured(&self, order: &Order) -> Result<(), OrderError> {
        if order.payment_method.is_online() && order.paid_by.is_none() {
            return Err(OrderError::NotReady("it is not paid"));
        }
        let found = self.context.ports.stock.reservations.find(order.store_id, order.hold.id).await?;
        let committed =
            found.is_some_and(|found| found.hold == order.hold && found.state == ReservationState::Committed);
        if !committed {
            return Err(OrderError::NotReady("its stock is not yet committed"));
        }
        Ok(())
    }

    /// Cancels part of an order that is not yet confirmed: sets products to absolute, lower
    /// quantities, so that a retry changes nothing. Their stock goes back, and the exact share
    /// of what was paid is owed back: all parts together give the line's total.
    ///
    /// # Errors
    /// [`OrderError::TooLate`] once confirmed, [`OrderError::NotInOrder`] for more than the
    /// order has, [`OrderError::Quantity`] for a part of a piece, [`OrderError::EmptyBasket`] when
    /// nothing would be left (cancel it instead), [`OrderError::BelowMinimum`] where a customer
    /// leaves less than his store delivers, [`OrderError::NotReady`] while a payment is under way;
    /// storage.
    pub async fn reduce(
        &self,
        actor: &Actor,
        store: StoreId,
        id: &OrderId,
        targets: &[(ProductId, Quantity)],
    ) -> Result<Order, OrderError> {
        for _ in 0..ROUNDS {
            let order = self.order(actor, &policy::ORDERS_REDUCE, store, id).await?;
            let order = self.saga.finish(order).await?;
            if order.status != OrderStatus::Placed {
                return Err(OrderError::TooLate(order.status));
            }
            let Some(mut next) = self.reduced(actor, &order, targets).await? else {
                return Ok(order);
            };
            let audit = AuditDraft {
                store_id: Some(store),
                action: "order.reduce",
                entity_type: "order",
                entity_id: id.to_string(),
                old_values: Some(json!({ "total": order.totals.total })),
                new_values: Some(json!({ "total": next.totals.total })),
            }
            .by(actor, &self.context.env, next.updated_at);
            next.failures = 0;
            let update = OrderUpdate { order: next, expected: order.version, history: None, audit: Some(audit) };
            if let Some(written) = self.saga.write(update).await? {
                return Ok(self.saga.try_finish(written).await);
            }
        }
        Err(OrderError::Concurrent)
    }

    /// The order with lower quantities and what follows from that; `None` when it has them.
    async fn reduced(
        &self,
        actor: &Actor,
        order: &Order,
        targets: &[(ProductId, Quantity)],
    ) -> Result<Option<Order>, OrderError> {
        let mut items = order.items.clone();
        for (product_id, target) in targets {
            let item = items.iter_mut().find(|item| item.product_id == *product_id);
            let ordered = item.as_ref().map_or(Quantity::ZERO, |item| item.quantity);
            let item = item.filter(|item| *target <= item.quantity).ok_or(OrderError::NotInOrder {
                product_id: *product_id,
                requested: *target,
                ordered,
            })?;
            item.quantity = *target;
        }
        if items.iter().all(|item| item.quantity.is_zero()) {
            return Err(OrderError::EmptyBasket);
        }
        if items == order.items {
            return Ok(None);
        }
        self.check_units(order.store_id, targets).await?;
        // Neither ever goes back on a live order, so both may be read before the write.
        self.check_secured(order).await?;
        let supply = supply(order);
        for item in &mut items {
            let whole = item.unit_price.times(item.ordered_quantity)?.minus(item.discount_amount)?;
            let cancelled = item.ordered_quantity.minus(item.quantity).unwrap_or_default();
            item.total_amount = whole.minus(whole.share(cancelled, item.ordered_quantity)?)?;
            item.tax = TaxSplit::of(item.total_amount, item.tax_rate, supply)?;
        }
        let mut totals = order.totals;
        totals.subtotal = Money::sum(items.iter().map(|item| item.total_amount))?;
        totals.tax = items.iter().try_fold(Money::ZERO, |sum, item| sum.plus(item.tax.tax()?))?;
        totals.total = totals.subtotal.plus(totals.delivery_fee)?;
        let now = self.context.env.now();
        if order.fulfilment == Fulfilment::Delivery && party_of(actor, order, now) == Party::Customer {
            let store = self.context.ports.store.stores.get(order.store_id).await?;
            if let Some(refusal) = store.and_then(|store| store.check_amount(totals.subtotal)) {
                return Err(refusal.into());
            }
        }
        let mut stock: Vec<_> = items.iter().map(|item| (item.product_id, item.quantity)).collect();
        stock.sort_by_key(|(product, _)| *product);
        let mut effects = vec![Effect::AmendStock { targets: stock }];
        if let Some(payment_id) = order.paid_by {
            effects.push(Effect::RefundPart { payment_id, amount: order.totals.total.minus(totals.total)? });
        }
        let mut next = self.saga.next_version(order, now, effects);
        next.items = items;
        next.totals = totals;
        Ok(Some(next))
    }

    /// No target is finer than its product's stock unit; whole numbers are fine for every unit.
    async fn check_units(&self, store: StoreId, targets: &[(ProductId, Quantity)]) -> Result<(), OrderError> {
        let fine = |quantity: Quantity| StockUnit::Piece.check_precision(quantity).is_err();
        let ids: Vec<_> = targets.iter().filter(|(_, to)| fine(*to)).map(|(id, _)| *id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        for product in self.context.ports.product.products.get_many(store, &ids).await? {
            for (product_id, to) in targets.iter().filter(|(id, _)| *id == product.id) {
                let checked = product.details.stock_unit.check_precision(*to);
                checked.map_err(|source| OrderError::Quantity { product_id: *product_id, source })?;
            }
        }
        Ok(())
    }
}

/// The supply that an order was placed as, wherever its store is by now: its lines say so. Lines
/// without any tax have none either way, and a part of them neither.
fn supply(order: &Order) -> Supply {
    let between = order.items.iter().any(|item| item.tax.igst > Money::ZERO);
    if between { Supply::InterState } else { Supply::IntraState }
}

/// On whose side an actor moves this order.
fn party_of(actor: &Actor, order: &Order, now: Timestamp) -> Party {
    match actor.party(order.store_id, order.customer_id, now) {
        // The host moves orders for the store; the saga's own cancels do not come this way.
        Party::System => Party::Store,
        other => other,
    }
}
