//! What a reservation costs at least: the same bookkeeping in a plain struct under one mutex.
//!
//! Levels, a movement a line with its number and balance, the reservation under its key, and
//! an index of holds by their end. No ports, no stores, no recovery of anything.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use vyapar::inventory::{Hold, Reserve};
use vyapar::{OrderId, ProductId, ReservationId, Timestamp};

#[derive(Clone)]
#[expect(dead_code, reason = "the point is to write it")]
struct Movement {
    quantity: i64,
    balance_after: i64,
    order: OrderId,
    at: Timestamp,
}

#[derive(Default)]
struct Level {
    current: i64,
    reserved: i64,
    movements: Vec<Movement>,
}

struct Held {
    hold: Hold,
    lines: Vec<(ProductId, i64)>,
    due: Timestamp,
}

#[derive(Default)]
struct State {
    levels: HashMap<ProductId, Level>,
    reservations: HashMap<ReservationId, Held>,
    due: BTreeSet<(Timestamp, ReservationId)>,
}

pub(crate) struct Reference(Mutex<State>);

impl Reference {
    pub(crate) fn open(products: &[ProductId]) -> Self {
        let mut state = State::default();
        for product in products {
            state.levels.insert(*product, Level { current: 900_000_000_000, ..Level::default() });
        }
        Self(Mutex::new(state))
    }

    pub(crate) fn reserve(&self, request: Reserve) -> bool {
        let mut guard = self.0.lock().expect("not poisoned");
        let state = &mut *guard;
        if state.reservations.contains_key(&request.hold.id) {
            return false;
        }
        let lines: Vec<_> = request.lines.iter().map(|(id, quantity)| (*id, quantity.thousandths())).collect();
        if lines.iter().any(|(id, quantity)| state.levels.get(id).is_none_or(|level| level.current < *quantity)) {
            return false;
        }
        for (id, quantity) in &lines {
            if let Some(level) = state.levels.get_mut(id) {
                level.current -= quantity;
                level.reserved += quantity;
                level.movements.push(Movement {
                    quantity: -quantity,
                    balance_after: level.current,
                    order: request.hold.order_id.clone(),
                    at: request.now,
                });
            }
        }
        state.due.insert((request.due, request.hold.id));
        state.reservations.insert(request.hold.id, Held { hold: request.hold, lines, due: request.due });
        true
    }

    pub(crate) fn release(&self, hold: &Hold) {
        let mut guard = self.0.lock().expect("not poisoned");
        let state = &mut *guard;
        let Some(held) = state.reservations.get(&hold.id).filter(|held| held.hold == *hold) else { return };
        state.due.remove(&(held.due, hold.id));
        for (id, quantity) in &held.lines {
            if let Some(level) = state.levels.get_mut(id) {
                level.current += quantity;
                level.reserved -= quantity;
                let last = level.movements.last().cloned();
                if let Some(last) = last {
                    level.movements.push(Movement { quantity: *quantity, balance_after: level.current, ..last });
                }
            }
        }
    }
}
