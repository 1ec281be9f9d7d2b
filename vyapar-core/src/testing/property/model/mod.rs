//! The stock ports as their contracts read, in the plainest way: everything in a map, sums
//! made anew each time, a refused step undone by never having been kept.

mod holds;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{MovementId, OperationId, OrderId, ProductId, ReservationId, StoreId, UserId};
use crate::inventory::{
    ChangeOutcome, CountedBelowReserved, Delta, Hold, Movement, MovementType, Reference, Reservation, ReservationState,
    ReserveOutcome, ShortLine, StockChange, StockLevel,
};
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::testing::property::calls::{Answer, Call, settled};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
struct Shelf {
    unit: StockUnit,
    touched: Timestamp,
    movements: Vec<Movement>,
}

impl Shelf {
    /// Free to sell: by definition the sum of the movements.
    fn current(&self) -> i64 {
        self.movements.iter().map(|movement| movement.quantity.thousandths()).sum()
    }
}

/// Predicts what the stock ports answer.
#[derive(Debug, Clone, Default)]
pub struct Model {
    shelves: BTreeMap<(StoreId, ProductId), Shelf>,
    reservations: BTreeMap<(StoreId, ReservationId), Reservation>,
    operations: BTreeMap<(StoreId, OperationId), Vec<Movement>>,
    returns: BTreeSet<(StoreId, ReservationId, OperationId)>,
}

/// What movements of one step share.
struct Why<'a> {
    reference: (Reference, String),
    reason: Option<&'a str>,
    by: Option<UserId>,
    now: Timestamp,
}

fn of_order(order: &OrderId, by: Option<UserId>, now: Timestamp) -> Why<'static> {
    Why { reference: (Reference::Order, order.to_string()), reason: None, by, now }
}

fn quantity(thousandths: i64) -> Quantity {
    Quantity::from_thousandths(thousandths).unwrap_or(Quantity::MAX)
}

impl Model {
    /// All levels, by product.
    #[must_use]
    pub fn levels(&self) -> Vec<StockLevel> {
        let level = |(&(store, product_id), shelf): (&(StoreId, ProductId), &Shelf)| StockLevel {
            product_id,
            unit: shelf.unit,
            current: quantity(shelf.current()),
            reserved: quantity(self.reserved(store, product_id)),
            seq: shelf.movements.len() as u64,
            updated_at: shelf.touched,
        };
        let mut levels: Vec<_> = self.shelves.iter().map(level).collect();
        levels.sort_by_key(|level| level.product_id);
        levels
    }

    /// All movements, by product, oldest first.
    #[must_use]
    pub fn movements(&self) -> BTreeMap<ProductId, Vec<Movement>> {
        let moved = self.shelves.iter().filter(|(_, shelf)| !shelf.movements.is_empty());
        moved.map(|((_, product), shelf)| (*product, shelf.movements.clone())).collect()
    }

    /// All reservations, by store and id.
    #[must_use]
    pub fn reservations(&self) -> Vec<Reservation> {
        self.reservations.values().cloned().map(settled).collect()
    }

    /// Does what the call asks and says what it must answer.
    pub fn perform(&mut self, call: &Call) -> Answer {
        match call.clone() {
            Call::Open(store, product, unit, now) => {
                self.shelves.entry((store, product)).or_insert(Shelf { unit, touched: now, movements: Vec::new() });
                Answer::Done
            }
            Call::Change(store, change) => Answer::Change(self.change(store, &change)),
            Call::Reserve(store, request) => Answer::Reserve(match self.reserve(store, request) {
                ReserveOutcome::Taken(taken) => ReserveOutcome::Taken(settled(taken)),
                other => other,
            }),
            Call::Commit(store, hold, now) => Answer::Commit(self.commit(store, &hold, now)),
            Call::Release(store, hold, cause, now) => Answer::Release(self.release(store, hold, cause, now)),
            Call::Dispatch(store, hold, now) => Answer::Dispatch(self.dispatch(store, &hold, now)),
            Call::Amend(store, request) => Answer::Amend(self.amend(store, &request)),
            Call::GiveBack(store, request) => self.give_back(store, &request),
            Call::Close(store, hold, now) => {
                if let Some(it) = self.of(store, &hold)
                    && it.state == ReservationState::Released
                    && it.open
                {
                    (it.open, it.updated_at) = (false, now);
                }
                Answer::Done
            }
            Call::Defer(store, hold, recover_at, failures) => {
                if let Some(it) = self.of(store, &hold)
                    && it.open
                {
                    (it.recover_at, it.failures) = (recover_at, failures);
                }
                Answer::Done
            }
            Call::Due(_, now) => {
                let due = self.reservations.values().filter(|it| it.open && it.recover_at <= now);
                let mut due: Vec<_> = due.cloned().collect();
                due.sort_by_key(|it| (it.recover_at, it.store_id, it.hold.id));
                Answer::Due(due)
            }
        }
    }

    /// Held for open orders: by definition the sum of the lines that hold.
    fn reserved(&self, store: StoreId, product: ProductId) -> i64 {
        let holding = self.reservations.values().filter(|it| it.store_id == store && it.state.holds_stock());
        let lines = holding.flat_map(|it| &it.lines).filter(|line| line.product_id == product);
        lines.map(|line| line.quantity.thousandths()).sum()
    }

    fn current(&self, store: StoreId, product: ProductId) -> i64 {
        self.shelves.get(&(store, product)).map_or(0, Shelf::current)
    }

    /// The reservation of that very attempt and order.
    fn of(&mut self, store: StoreId, hold: &Hold) -> Option<&mut Reservation> {
        self.reservations.get_mut(&(store, hold.id)).filter(|it| it.hold == *hold)
    }

    /// Whether a later attempt may take this key: nothing there, or done with.
    fn is_free(&self, store: StoreId, hold: &Hold) -> bool {
        self.reservations
            .get(&(store, hold.id))
            .is_none_or(|it| it.state == ReservationState::Released && !it.open && it.hold.attempt < hold.attempt)
    }

    fn post(
        &mut self,
        store: StoreId,
        product: ProductId,
        movement_type: MovementType,
        thousandths: i64,
        why: &Why<'_>,
    ) -> Option<Movement> {
        let shelf = self.shelves.get_mut(&(store, product))?;
        let seq = shelf.movements.len() as u64 + 1;
        let movement = Movement {
            id: MovementId::of(product, seq),
            product_id: product,
            seq,
            movement_type,
            quantity: QuantityDelta::from_thousandths(thousandths).unwrap_or_default(),
            balance_after: quantity(shelf.current() + thousandths),
            reference_type: why.reference.0,
            reference_id: why.reference.1.clone(),
            reason: why.reason.map(str::to_owned),
            performed_by: why.by,
            created_at: why.now,
        };
        shelf.touched = why.now;
        shelf.movements.push(movement.clone());
        Some(movement)
    }

    fn change(&mut self, store: StoreId, change: &StockChange) -> ChangeOutcome {
        match self.decide(store, change) {
            ChangeOutcome::Short(_) | ChangeOutcome::Reserved(_) => {
                let products: Vec<_> = change.lines.iter().map(|line| line.product_id).collect();
                self.expire(store, &products, change.now);
                self.decide(store, change)
            }
            decided => decided,
        }
    }

    fn decide(&mut self, store: StoreId, change: &StockChange) -> ChangeOutcome {
        if let Some(left) = self.operations.get(&(store, change.operation)) {
            return ChangeOutcome::AlreadyApplied(left.clone());
        }
        let products = change.lines.iter().map(|line| line.product_id);
        let closed: Vec<_> = products.filter(|product| !self.shelves.contains_key(&(store, *product))).collect();
        if !closed.is_empty() {
            return ChangeOutcome::NotOpen(closed);
        }
        let (mut below, mut short, mut too_much, mut wanted) = (Vec::new(), Vec::new(), None, Vec::new());
        for line in &change.lines {
            let product_id = line.product_id;
            let (current, reserved) = (self.current(store, product_id), self.reserved(store, product_id));
            let after = match line.delta {
                Delta::By(delta) => current + delta.thousandths(),
                Delta::Counted(counted) => counted.thousandths() - reserved,
            };
            wanted.push((product_id, after - current));
            match line.delta {
                Delta::Counted(counted) if after < 0 => below.push(CountedBelowReserved {
                    product_id,
                    counted,
                    reserved: quantity(reserved),
                    orders: self.holders(store, product_id),
                }),
                Delta::By(_) if after < 0 => short.push(ShortLine {
                    product_id,
                    requested: quantity(current - after),
                    available: quantity(current),
                }),
                _ if after > current && after + reserved > Quantity::MAX.thousandths() => {
                    too_much = too_much.or(Some(product_id));
                }
                _ => {}
            }
        }
        if !below.is_empty() {
            return ChangeOutcome::Reserved(below);
        }
        if !short.is_empty() {
            return ChangeOutcome::Short(short);
        }
        if let Some(product) = too_much {
            return ChangeOutcome::TooMuch(product);
        }
        let why = Why {
            reference: (Reference::Manual, change.operation.to_string()),
            reason: change.reason.as_deref(),
            by: change.performed_by,
            now: change.now,
        };
        let changing = wanted.into_iter().filter(|(_, delta)| *delta != 0);
        let left: Vec<Movement> = changing
            .filter_map(|(product, delta)| self.post(store, product, change.kind.movement_type(), delta, &why))
            .collect();
        self.operations.insert((store, change.operation), left.clone());
        ChangeOutcome::Applied(left)
    }

    fn holders(&self, store: StoreId, product: ProductId) -> Vec<OrderId> {
        let holding = self.reservations.values().filter(|it| it.store_id == store && it.state.holds_stock());
        let holds =
            |it: &&Reservation| it.lines.iter().any(|line| line.product_id == product && !line.quantity.is_zero());
        let mut orders: Vec<_> = holding.filter(holds).map(|it| it.hold.order_id.clone()).collect();
        orders.sort();
        orders.truncate(20);
        orders
    }
}
