//! Placing an order: steps 1 to 5.

use super::{ROUNDS, Saga};
use crate::actor::Actor;
use crate::id::OrderId;
use crate::inventory::{CommitOutcome, Hold, Reservation, ReservationState, Reserve, ReserveOutcome, ShortLine};
use crate::order::basket::Basket;
use crate::order::error::Shortage;
use crate::order::saga::build::Quoted;
use crate::order::saga::undo::Undone;
use crate::order::{
    AtOnceOutcome, Basis, InsertOutcome, NewOrder, Order, OrderError, OrderSlot, OrderStatus, PlaceAtOnce, Placed,
};

/// How often a tracking id is minted anew when it is taken.
const TRACKING_IDS: usize = 8;

/// What the reservation of the key says about what to do next. An attempt that follows from
/// it answers `None` when another caller was faster: look again.
enum Found {
    /// Start an attempt.
    Start { attempt: u32 },
    /// Another caller's hold stands: help it along.
    Help(Hold),
    /// The answer is already decided.
    Answer(OrderId),
    /// Something was finished on the way: look again.
    Again,
}

/// What a new attempt knows of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// Nothing: it is taken for new.
    Blind,
    /// That it is new, or free again, for this attempt.
    Attempt(u32),
}

/// How placing in one write ended.
enum AtOnce {
    /// With the order.
    Placed(Box<Placed>),
    /// Another caller was faster: look again.
    Again,
    /// What it was quoted by has changed; nothing was written.
    Changed,
}

impl Saga {
    /// Places an order, or answers the one that this key already placed.
    pub(in crate::order) async fn place(&self, actor: &Actor, basket: &Basket) -> Result<Placed, OrderError> {
        // Most keys are new, so nobody looks first: the reserve of a first attempt is refused
        // where the key has a reservation, whatever its state. Then the rounds begin.
        if let Some(placed) = self.start(actor, basket, Start::Blind).await? {
            return Ok(placed);
        }
        for _ in 0..ROUNDS {
            let attempt = match self.look(basket).await? {
                Found::Again => continue,
                Found::Answer(id) => {
                    let order = self.order_of_stock(basket.request.store_id, &id).await?;
                    return Ok(Placed { order, replayed: true, payment: None });
                }
                Found::Start { attempt } => self.start(actor, basket, Start::Attempt(attempt)).await?,
                Found::Help(hold) => self.help(actor, basket, hold).await?,
            };
            if let Some(placed) = attempt {
                return Ok(placed);
            }
        }
        Err(OrderError::InProgress)
    }

    /// Step 1: what stands under the key.
    async fn look(&self, basket: &Basket) -> Result<Found, OrderError> {
        let store = basket.request.store_id;
        let Some(found) = self.context.ports.stock.reservations.find(store, basket.reservation_id).await? else {
            return Ok(Found::Start { attempt: 1 });
        };
        // A tombstone has no fingerprint: it says nothing about the request.
        if found.fingerprint.is_some_and(|other| other != basket.fingerprint) {
            return Err(OrderError::KeyReused);
        }
        Ok(match found.state {
            ReservationState::Held => Found::Help(found.hold),
            ReservationState::Committed | ReservationState::Dispatched => Found::Answer(found.hold.order_id),
            ReservationState::Released if found.open => {
                self.recover_reservation(&found).await?;
                Found::Again
            }
            ReservationState::Released => self.after_release(&found).await?,
        })
    }

    /// A released, closed attempt: its order says whether the key is answered or free again.
    async fn after_release(&self, found: &Reservation) -> Result<Found, OrderError> {
        match self.context.ports.order.orders.find(found.store_id, &found.hold.order_id).await? {
            OrderSlot::Order(order) => Ok(Found::Answer(order.id)),
            OrderSlot::Absent | OrderSlot::Abandoned => {
                Ok(Found::Start { attempt: found.hold.attempt.saturating_add(1) })
            }
        }
    }

    /// Steps 2 to 5 as the caller that makes the hold, and undoes it if it must.
    async fn start(&self, actor: &Actor, basket: &Basket, start: Start) -> Result<Option<Placed>, OrderError> {
        let store = basket.request.store_id;
        let attempt = match start {
            Start::Blind => 1,
            Start::Attempt(attempt) => attempt,
        };
        let at_once = self.context.ports.place_at_once().filter(|_| !basket.request.payment_method.is_online());
        if let Some(port) = at_once
            && let Some((quoted, basis)) = self.quote_remembered(basket).await
        {
            match self.place_at_once(port.as_ref(), actor, basket, &quoted, attempt, Some(basis)).await? {
                AtOnce::Placed(placed) => return Ok(Some(*placed)),
                AtOnce::Again => return Ok(None),
                AtOnce::Changed => self.forget(basket),
            }
        }
        let quoted = match (self.quote(basket).await, start) {
            (Ok(quoted), _) => quoted,
            (Err(OrderError::Storage(error)), _) => return Err(error.into()),
            // What would be refused today may have been placed before.
            (Err(refusal), Start::Blind) => {
                let known = self.context.ports.stock.reservations.find(store, basket.reservation_id).await?;
                return if known.is_some() { Ok(None) } else { Err(refusal) };
            }
            (Err(refusal), Start::Attempt(_)) => return Err(refusal),
        };
        if let Some(port) = at_once {
            // By what was just read, as in steps: nobody promises that nothing changes meanwhile.
            return match self.place_at_once(port.as_ref(), actor, basket, &quoted, attempt, None).await? {
                AtOnce::Placed(placed) => Ok(Some(*placed)),
                AtOnce::Again | AtOnce::Changed => Ok(None),
            };
        }
        let hold = Hold { id: basket.reservation_id, attempt, order_id: self.context.env.order_id() };
        match self.reserve(actor, basket, &hold).await {
            Ok(ReserveOutcome::Held) => {}
            Ok(ReserveOutcome::Taken(_)) => return Ok(None),
            Ok(ReserveOutcome::Short(lines)) => return Err(shortages(&lines, &quoted)),
            // Such an error says that nothing was written: there is nothing to undo.
            Err(OrderError::Storage(error)) if error.is_retryable() => return Err(error.into()),
            Err(error) => return self.undo_and_answer(store, &hold, error).await,
        }
        match self.insert(actor, basket, &quoted, &hold).await {
            Ok(Some(order)) => self.complete(actor, basket, order, false).await,
            Ok(None) => Ok(None),
            Err(error) => self.undo_and_answer(store, &hold, error).await,
        }
    }

    /// Steps 3 to 5 in one write.
    async fn place_at_once(
        &self,
        port: &dyn PlaceAtOnce,
        actor: &Actor,
        basket: &Basket,
        quoted: &Quoted,
        attempt: u32,
        basis: Option<Basis>,
    ) -> Result<AtOnce, OrderError> {
        let store = basket.request.store_id;
        let mut new = self.make(actor, basket, quoted, attempt)?;
        let hold = new.order.hold.clone();
        for _ in 0..TRACKING_IDS {
            let reserve = self.hold_request(actor, basket, &hold)?;
            // The order alone is copied, for the answer: history and audit entry only storage needs.
            let order = new.order.clone();
            match port.place(store, reserve, new, basis.clone()).await {
                Ok(AtOnceOutcome::Placed) => {
                    return Ok(AtOnce::Placed(Box::new(Placed { order, replayed: false, payment: None })));
                }
                Ok(AtOnceOutcome::Changed) => return Ok(AtOnce::Changed),
                Ok(AtOnceOutcome::Taken) => return Ok(AtOnce::Again),
                Ok(AtOnceOutcome::Short(lines)) => return Err(shortages(&lines, quoted)),
                // Nothing of it is stored: made anew, it has another one.
                Ok(AtOnceOutcome::TrackingIdTaken) => new = self.build(actor, basket, quoted, &hold)?,
                Err(error) if error.is_retryable() => return Err(error.into()),
                Err(error) => {
                    let found = self.undo_and_answer(store, &hold, error.into()).await?;
                    return Ok(found.map_or(AtOnce::Again, |found| AtOnce::Placed(Box::new(found))));
                }
            }
        }
        Err(OrderError::Concurrent)
    }

    /// Steps 4 and 5 for a hold that another caller made, who may be at work or gone.
    async fn help(&self, actor: &Actor, basket: &Basket, hold: Hold) -> Result<Option<Placed>, OrderError> {
        let store = basket.request.store_id;
        let order = match self.context.ports.order.orders.find(store, &hold.order_id).await? {
            OrderSlot::Order(order) => Some(*order),
            OrderSlot::Abandoned => None,
            OrderSlot::Absent => {
                // A refusal now says nothing about the hold's own caller, who may be placing
                // the order at this moment: only asking again can tell.
                let quoted = match self.quote(basket).await {
                    Err(OrderError::Storage(error)) => return Err(error.into()),
                    other => other.map_err(|_| OrderError::InProgress)?,
                };
                self.insert(actor, basket, &quoted, &hold).await?
            }
        };
        match order {
            Some(order) => self.complete(actor, basket, order, true).await,
            None => {
                // Abandoned under a hold that still stands: its caller is undoing it. Do as
                // recovery would, so that the key becomes free even if that caller is gone.
                match self.context.ports.stock.reservations.find(store, hold.id).await? {
                    Some(found) if found.hold == hold => self.recover_reservation(&found).await?,
                    _ => {}
                }
                Ok(None)
            }
        }
    }

    /// Step 3.
    async fn reserve(&self, actor: &Actor, basket: &Basket, hold: &Hold) -> Result<ReserveOutcome, OrderError> {
        let request = self.hold_request(actor, basket, hold)?;
        Ok(self.context.ports.stock.reservations.reserve(basket.request.store_id, request).await?)
    }

    /// What the basket was quoted by has changed.
    fn forget(&self, basket: &Basket) {
        let products: Vec<_> = basket.lines.iter().map(|line| line.product_id).collect();
        self.remembered.forget(basket.request.store_id, &products);
    }

    fn hold_request(&self, actor: &Actor, basket: &Basket, hold: &Hold) -> Result<Reserve, OrderError> {
        let now = self.now();
        let settings = &self.context.settings;
        let window = if basket.request.payment_method.is_online() { settings.online_hold } else { settings.cod_hold };
        let mut lines: Vec<_> = basket.lines.iter().map(|line| (line.product_id, line.quantity)).collect();
        lines.sort_by_key(|(product, _)| *product);
        Ok(Reserve {
            hold: hold.clone(),
            fingerprint: basket.fingerprint,
            lines,
            due: now.checked_add_signed(window).ok_or(OrderError::OutOfTime(now))?,
            performed_by: actor.user(),
            now,
        })
    }

    /// Step 4: the order as stored, or `None` when it was abandoned.
    async fn insert(
        &self,
        actor: &Actor,
        basket: &Basket,
        quoted: &Quoted,
        hold: &Hold,
    ) -> Result<Option<Order>, OrderError> {
        let orders = &self.context.ports.order.orders;
        let store = basket.request.store_id;
        let mut new: NewOrder = *self.build(actor, basket, quoted, hold)?;
        for _ in 0..TRACKING_IDS {
            match orders.insert(store, new.clone()).await? {
                InsertOutcome::Inserted => return Ok(Some(new.order)),
                InsertOutcome::AlreadyThere => {
                    return Ok(Some(self.order_of_stock(store, &hold.order_id).await?));
                }
                InsertOutcome::Abandoned => return Ok(None),
                InsertOutcome::TrackingIdTaken => new.order.tracking_id = self.context.env.tracking_id(),
            }
        }
        Err(OrderError::Concurrent)
    }

    /// Step 5: COD commits the hold; online begins the payment.
    async fn complete(
        &self,
        actor: &Actor,
        basket: &Basket,
        order: Order,
        replayed: bool,
    ) -> Result<Option<Placed>, OrderError> {
        if order.status == OrderStatus::Cancelled {
            return Ok(Some(Placed { order, replayed, payment: None }));
        }
        if order.payment_method.is_online() {
            let payment = self.begin_payment(actor, &order).await?;
            return Ok(Some(Placed { order, replayed, payment: Some(payment) }));
        }
        let reservations = &self.context.ports.stock.reservations;
        let store = basket.request.store_id;
        let now = self.now();
        let committed = match reservations.commit(store, order.hold.clone(), now).await {
            Ok(outcome) => outcome,
            // Asked once more; after that only the next call of this key can tell. Releasing
            // here could take the stock of an order that is placed.
            Err(_) => reservations.commit(store, order.hold.clone(), now).await.map_err(OrderError::OutcomeUnknown)?,
        };
        match committed {
            CommitOutcome::Committed => Ok(Some(Placed { order, replayed, payment: None })),
            CommitOutcome::Lost => {
                let order = self.cancel_lost(order).await?;
                if order.status == OrderStatus::Cancelled {
                    return Err(OrderError::HoldExpired(order.id));
                }
                Ok(Some(Placed { order, replayed: true, payment: None }))
            }
        }
    }

    async fn undo_and_answer(
        &self,
        store: crate::StoreId,
        hold: &Hold,
        error: OrderError,
    ) -> Result<Option<Placed>, OrderError> {
        match self.undo(store, hold).await {
            Undone::Done | Undone::Unfinished => Err(error),
            Undone::Again => Ok(None),
            Undone::Committed => {
                let order = self.order_of_stock(store, &hold.order_id).await?;
                Ok(Some(Placed { order, replayed: true, payment: None }))
            }
        }
    }
}

fn shortages(lines: &[ShortLine], quoted: &Quoted) -> OrderError {
    OrderError::InsufficientStock(
        lines
            .iter()
            .map(|line| Shortage {
                product_id: line.product_id,
                product_name: quoted
                    .products
                    .iter()
                    .find(|product| product.id == line.product_id)
                    .map(|product| product.details.product_name.clone())
                    .unwrap_or_default(),
                requested: line.requested,
                available: line.available,
            })
            .collect(),
    )
}
