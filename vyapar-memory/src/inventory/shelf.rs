//! One store's rows, kept small, and the moves they make.
//!
//! A reservation is the hot path: two hash look-ups, integer sums, one movement a line and
//! the entries of two ordered indexes. Texts and derived ids are made when someone reads.

use std::collections::BTreeSet;
use std::sync::Arc;

use vyapar_core::inventory::{
    Hold, Movement, MovementType, Reference, Reservation, ReservationLine, ReservationState, StockLevel,
};
use vyapar_core::{
    Blind, MovementId, OperationId, OrderId, ProductId, Quantity, QuantityDelta, ReservationId, StockUnit, StoreId,
    Stored, Timestamp, UserId,
};

use crate::{Map, corrupt};

/// What several movements of one call have in common.
pub(super) struct Cause {
    pub(super) origin: Origin,
    pub(super) reason: Option<String>,
    pub(super) performed_by: Option<UserId>,
    pub(super) at: Timestamp,
}

pub(super) enum Origin {
    Order(OrderId),
    Operation(OperationId),
}

/// A movement; its number is its place in the level's list.
pub(super) struct Entry {
    pub(super) kind: MovementType,
    pub(super) quantity: QuantityDelta,
    pub(super) balance: Quantity,
    pub(super) cause: Arc<Cause>,
}

/// A product's stock.
pub(super) struct Level {
    pub(super) product: ProductId,
    pub(super) unit: StockUnit,
    pub(super) current: Quantity,
    pub(super) reserved: Quantity,
    pub(super) updated_at: Timestamp,
    pub(super) entries: Vec<Entry>,
    /// Holds with a time limit that hold some of it, by when they end.
    pub(super) held: BTreeSet<(Timestamp, ReservationId)>,
}

impl Level {
    pub(super) fn seq(&self) -> u64 {
        self.entries.len().try_into().unwrap_or(u64::MAX)
    }

    pub(super) fn view(&self) -> StockLevel {
        let Self { product, unit, current, reserved, updated_at, .. } = *self;
        StockLevel { product_id: product, unit, current, reserved, seq: self.seq(), updated_at }
    }

    /// The movement numbered `seq`.
    pub(super) fn movement(&self, seq: u64) -> Option<Movement> {
        let place = usize::try_from(seq.checked_sub(1)?).ok()?;
        let Entry { kind, quantity, balance, cause } = self.entries.get(place)?;
        let (reference_type, reference_id) = match &cause.origin {
            Origin::Order(order) => (Reference::Order, order.to_string()),
            Origin::Operation(operation) => (Reference::Manual, operation.to_string()),
        };
        Some(Movement {
            id: MovementId::of(self.product, seq),
            product_id: self.product,
            seq,
            movement_type: *kind,
            quantity: *quantity,
            balance_after: *balance,
            reference_type,
            reference_id,
            reason: cause.reason.clone(),
            performed_by: cause.performed_by,
            created_at: cause.at,
        })
    }

    /// Whether so much more on hand is still a quantity. On hand and not `current` is what is
    /// bounded, so that a release always fits.
    pub(super) fn fits(&self, more: Quantity) -> bool {
        self.on_hand().and_then(|on_hand| on_hand.plus(more).ok()).is_some()
    }

    pub(super) fn on_hand(&self) -> Option<Quantity> {
        self.current.plus(self.reserved).ok()
    }

    /// Writes a movement; `balance` is what the caller found `current` to be after it.
    pub(super) fn post(&mut self, kind: MovementType, quantity: QuantityDelta, balance: Quantity, cause: &Arc<Cause>) {
        self.entries.push(Entry { kind, quantity, balance, cause: Arc::clone(cause) });
        self.current = balance;
        self.updated_at = cause.at;
    }

    /// current −q, reserved +q, if there is enough.
    pub(super) fn sell(&mut self, quantity: Quantity, cause: &Arc<Cause>) {
        if let (Some(current), Ok(reserved)) = (self.current.minus(quantity), self.reserved.plus(quantity)) {
            self.reserved = reserved;
            self.post(MovementType::Sale, quantity.outward(), current, cause);
        }
    }

    /// Whether so much can go from reserved to current.
    pub(super) fn can_restore(&self, quantity: Quantity) -> bool {
        self.reserved >= quantity && self.current.plus(quantity).is_ok()
    }

    /// current +q, reserved −q, if [`Level::can_restore`].
    pub(super) fn restore(&mut self, quantity: Quantity, cause: &Arc<Cause>) {
        if let (Ok(current), Some(reserved)) = (self.current.plus(quantity), self.reserved.minus(quantity)) {
            self.reserved = reserved;
            self.post(MovementType::Return, quantity.inward(), current, cause);
        }
    }
}

/// A product of a reservation, and the place of its level.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(super) place: usize,
    pub(super) product: ProductId,
    pub(super) quantity: Quantity,
    pub(super) given_back: Quantity,
}

/// A reservation; its id is its key.
pub(super) struct Row {
    pub(super) attempt: u32,
    pub(super) order: OrderId,
    pub(super) fingerprint: Option<Blind>,
    pub(super) state: ReservationState,
    pub(super) open: bool,
    pub(super) lines: Vec<Line>,
    pub(super) revision: u64,
    pub(super) due: Timestamp,
    pub(super) recover_at: Timestamp,
    pub(super) failures: u32,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// Givings back that are booked.
    pub(super) returns: Vec<OperationId>,
}

impl Row {
    /// Whether it is this very attempt.
    pub(super) fn is(&self, hold: &Hold) -> bool {
        self.attempt == hold.attempt && self.order == hold.order_id
    }

    /// Whether a later attempt may take its place.
    pub(super) fn gives_way_to(&self, attempt: u32) -> bool {
        self.state == ReservationState::Released && !self.open && self.attempt < attempt
    }

    pub(super) fn view(&self, store: StoreId, id: ReservationId) -> Reservation {
        let lines = self.lines.iter().map(|line| ReservationLine {
            product_id: line.product,
            quantity: line.quantity,
            given_back: line.given_back,
        });
        Reservation {
            store_id: store,
            hold: Hold { id, attempt: self.attempt, order_id: self.order.clone() },
            fingerprint: self.fingerprint,
            state: self.state,
            open: self.open,
            lines: lines.collect(),
            revision: self.revision,
            due: self.due,
            recover_at: self.recover_at,
            failures: self.failures,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    /// What its movements refer to.
    pub(super) fn cause(&self, reason: Option<String>, performed_by: Option<UserId>, at: Timestamp) -> Arc<Cause> {
        Arc::new(Cause { origin: Origin::Order(self.order.clone()), reason, performed_by, at })
    }
}

/// All rows of one store.
pub(crate) struct Shelf {
    pub(super) store: StoreId,
    pub(super) levels: Vec<Level>,
    /// Where a product's level is: levels are never removed, so a place stays right.
    pub(super) places: Map<ProductId, usize>,
    /// Boxed: a table of rows in place is half empty, and copied when it grows.
    pub(super) rows: Map<ReservationId, Box<Row>>,
    /// Open reservations by when recovery looks at them.
    pub(super) queue: BTreeSet<(Timestamp, ReservationId)>,
    /// The movements that an applied operation left: place and number.
    pub(super) operations: Map<OperationId, Vec<(usize, u64)>>,
}

impl Shelf {
    pub(super) fn new(store: StoreId) -> Self {
        Self {
            store,
            levels: Vec::new(),
            places: Map::default(),
            rows: Map::default(),
            queue: BTreeSet::new(),
            operations: Map::default(),
        }
    }

    pub(super) fn next_recovery(&self) -> Option<Timestamp> {
        self.queue.first().map(|(at, _)| *at)
    }

    pub(super) fn level(&self, product: ProductId) -> Option<(usize, &Level)> {
        let place = *self.places.get(&product)?;
        self.levels.get(place).map(|level| (place, level))
    }

    /// The reservation, if it is this very attempt.
    pub(super) fn row(&self, hold: &Hold) -> Option<&Row> {
        self.rows.get(&hold.id).map(Box::as_ref).filter(|row| row.is(hold))
    }

    /// Puts a reservation in place of what its key had, which holds nothing.
    pub(super) fn put(&mut self, id: ReservationId, row: Row) {
        if row.open {
            self.queue.insert((row.recover_at, id));
        }
        if row.state == ReservationState::Held {
            for line in &row.lines {
                if let Some(level) = self.levels.get_mut(line.place) {
                    level.held.insert((row.due, id));
                }
            }
        }
        self.rows.insert(id, Box::new(row));
    }

    /// Closes an open reservation: recovery is done with it.
    pub(super) fn close(&mut self, id: ReservationId, now: Timestamp) {
        if let Some(row) = self.rows.get_mut(&id)
            && row.open
        {
            self.queue.remove(&(row.recover_at, id));
            row.open = false;
            row.updated_at = now;
        }
    }

    /// Gives a holding reservation's stock back; what stays open is looked at from now on.
    pub(super) fn let_go(&mut self, id: ReservationId, stays_open: bool, now: Timestamp) -> Stored<()> {
        let Self { levels, rows, queue, .. } = self;
        let Some(row) = rows.get_mut(&id).filter(|row| row.state.holds_stock()) else {
            return Err(corrupt(format!("reservation {id} holds nothing that could be released")));
        };
        for line in &row.lines {
            if !levels.get(line.place).is_some_and(|level| level.can_restore(line.quantity)) {
                return Err(corrupt(format!("reservation {id} holds more of {} than is reserved", line.product)));
            }
        }
        let cause = row.cause(None, None, now);
        for line in row.lines.iter().filter(|line| !line.quantity.is_zero()) {
            if let Some(level) = levels.get_mut(line.place) {
                level.held.remove(&(row.due, id));
                level.restore(line.quantity, &cause);
            }
        }
        if row.open {
            queue.remove(&(row.recover_at, id));
        }
        if stays_open {
            row.recover_at = now;
            queue.insert((now, id));
        }
        row.state = ReservationState::Released;
        row.open = stays_open;
        row.updated_at = now;
        Ok(())
    }
}
