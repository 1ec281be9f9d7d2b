//! The model's reservations.

use std::collections::BTreeMap;

use super::{Model, Why, of_order, quantity};
use crate::error::RepositoryErrorKind;
use crate::id::{ProductId, StoreId};
use crate::inventory::{
    Amend, AmendOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, MovementType, ReleaseCause,
    ReleaseOutcome, Reservation, ReservationLine, ReservationState, Reserve, ReserveOutcome, ShortLine,
};
use crate::quantity::Quantity;
use crate::testing::property::Answer;
use crate::time::Timestamp;

impl Model {
    fn short(&self, store: StoreId, lines: &[(ProductId, Quantity)]) -> Vec<ShortLine> {
        let line = |&(product_id, requested): &(ProductId, Quantity)| ShortLine {
            product_id,
            requested,
            available: quantity(self.current(store, product_id)),
        };
        lines.iter().map(line).filter(|line| line.requested > line.available).collect()
    }

    pub(super) fn reserve(&mut self, store: StoreId, request: Reserve) -> ReserveOutcome {
        let Reserve { hold, fingerprint, lines, due, performed_by, now } = request;
        if !self.is_free(store, &hold)
            && let Some(stored) = self.reservations.get(&(store, hold.id))
        {
            return match stored.hold == hold && stored.state == ReservationState::Held {
                true => ReserveOutcome::Held,
                false => ReserveOutcome::Taken(stored.clone()),
            };
        }
        let short: Vec<_> = self.short(store, &lines).iter().map(|line| line.product_id).collect();
        self.expire(store, &short, now);
        let short = self.short(store, &lines);
        if !short.is_empty() {
            return ReserveOutcome::Short(short);
        }
        let why = of_order(&hold.order_id, performed_by, now);
        for (product, quantity) in &lines {
            self.post(store, *product, MovementType::Sale, -quantity.thousandths(), &why);
        }
        let line = |(product_id, quantity)| ReservationLine { product_id, quantity, given_back: Quantity::ZERO };
        self.reservations.insert(
            (store, hold.id),
            Reservation {
                fingerprint: Some(fingerprint),
                lines: lines.into_iter().map(line).collect(),
                due,
                recover_at: due,
                ..empty(store, hold, ReservationState::Held, now)
            },
        );
        ReserveOutcome::Held
    }

    /// Releases the due holds that hold some of these products, by when they ended.
    pub(super) fn expire(&mut self, store: StoreId, products: &[ProductId], now: Timestamp) {
        let concerns = |it: &&Reservation| {
            let mut lines = it.lines.iter().filter(|line| !line.quantity.is_zero());
            it.store_id == store
                && it.state == ReservationState::Held
                && it.due <= now
                && lines.any(|line| products.contains(&line.product_id))
        };
        let mut due: Vec<_> = self.reservations.values().filter(concerns).cloned().collect();
        due.sort_by_key(|it| (it.due, it.hold.id));
        for it in due {
            self.give_up(store, &it.hold, true, now);
        }
    }

    /// Releases what holds: the goods come back, once.
    fn give_up(&mut self, store: StoreId, hold: &Hold, stays_open: bool, now: Timestamp) {
        let Some(it) = self.of(store, hold) else { return };
        it.state = ReservationState::Released;
        it.open = stays_open;
        it.updated_at = now;
        if stays_open {
            it.recover_at = now;
        }
        let why = of_order(&hold.order_id, None, now);
        for line in it.lines.clone().iter().filter(|line| !line.quantity.is_zero()) {
            self.post(store, line.product_id, MovementType::Return, line.quantity.thousandths(), &why);
        }
    }

    pub(super) fn commit(&mut self, store: StoreId, hold: &Hold, now: Timestamp) -> CommitOutcome {
        match self.of(store, hold) {
            Some(it) if it.state == ReservationState::Held => {
                (it.state, it.open, it.updated_at) = (ReservationState::Committed, false, now);
                CommitOutcome::Committed
            }
            Some(it) if it.state != ReservationState::Released => CommitOutcome::Committed,
            _ => CommitOutcome::Lost,
        }
    }

    pub(super) fn release(
        &mut self,
        store: StoreId,
        hold: Hold,
        cause: ReleaseCause,
        now: Timestamp,
    ) -> ReleaseOutcome {
        use ReservationState as S;
        if cause == ReleaseCause::Undone && self.is_free(store, &hold) {
            let tombstone = empty(store, hold, S::Released, now);
            self.reservations.insert((store, tombstone.hold.id), tombstone);
            return ReleaseOutcome::Released;
        }
        let Some(it) = self.of(store, &hold) else { return ReleaseOutcome::Other };
        match (cause, it.state) {
            (ReleaseCause::Undone, S::Held) => self.give_up(store, &hold, true, now),
            (ReleaseCause::Undone, S::Released) => {}
            (ReleaseCause::Undone, S::Committed | S::Dispatched) => return ReleaseOutcome::Committed,
            (ReleaseCause::Cancelled, S::Held | S::Committed) => self.give_up(store, &hold, false, now),
            (ReleaseCause::Cancelled, S::Released) if it.open => (it.open, it.updated_at) = (false, now),
            (ReleaseCause::Cancelled, S::Released) => {}
            (ReleaseCause::Cancelled, S::Dispatched) => return ReleaseOutcome::Dispatched,
        }
        ReleaseOutcome::Released
    }

    pub(super) fn dispatch(&mut self, store: StoreId, hold: &Hold, now: Timestamp) -> DispatchOutcome {
        let Some(it) = self.of(store, hold) else { return DispatchOutcome::NotCommitted };
        match it.state {
            ReservationState::Dispatched => return DispatchOutcome::Dispatched,
            ReservationState::Committed => {}
            ReservationState::Held | ReservationState::Released => return DispatchOutcome::NotCommitted,
        }
        (it.state, it.updated_at) = (ReservationState::Dispatched, now);
        for line in it.lines.clone().iter().filter(|line| !line.quantity.is_zero()) {
            if let Some(shelf) = self.shelves.get_mut(&(store, line.product_id)) {
                shelf.touched = now;
            }
        }
        DispatchOutcome::Dispatched
    }

    pub(super) fn amend(&mut self, store: StoreId, request: &Amend) -> AmendOutcome {
        let Amend { hold, revision, targets, performed_by, now } = request;
        let Some(it) = self.of(store, hold).filter(|it| it.state.holds_stock()) else {
            return AmendOutcome::NotHolding;
        };
        if *revision <= it.revision {
            return AmendOutcome::Amended;
        }
        let held: BTreeMap<ProductId, Quantity> =
            it.lines.iter().map(|line| (line.product_id, line.quantity)).collect();
        let mut wanted: BTreeMap<ProductId, Quantity> = held.keys().map(|product| (*product, Quantity::ZERO)).collect();
        wanted.extend(targets.iter().copied().filter(|(product, to)| held.contains_key(product) || !to.is_zero()));
        let more: Vec<(ProductId, Quantity)> = wanted
            .iter()
            .filter_map(|(product, to)| {
                let on_top = to.minus(held.get(product).copied().unwrap_or_default())?;
                Some((*product, on_top)).filter(|_| !on_top.is_zero())
            })
            .collect();
        let line = |(product_id, quantity): (&ProductId, &Quantity)| ReservationLine {
            product_id: *product_id,
            quantity: *quantity,
            given_back: Quantity::ZERO,
        };
        let lines = wanted.iter().map(line).collect();
        let short = self.short(store, &more);
        if !short.is_empty() {
            return AmendOutcome::Short(short);
        }
        if let Some(it) = self.of(store, hold) {
            (it.lines, it.revision, it.updated_at) = (lines, *revision, *now);
        }
        let why = of_order(&hold.order_id, *performed_by, *now);
        for (product, to) in wanted {
            let less = held.get(&product).map_or(0, |from| from.thousandths()) - to.thousandths();
            match less {
                0 => None,
                ..0 => self.post(store, product, MovementType::Sale, less, &why),
                1.. => self.post(store, product, MovementType::Return, less, &why),
            };
        }
        AmendOutcome::Amended
    }

    pub(super) fn give_back(&mut self, store: StoreId, request: &GiveBack) -> Answer {
        let GiveBack { hold, operation, lines, reason, performed_by, now } = request;
        let Some(it) = self.of(store, hold).filter(|it| it.state == ReservationState::Dispatched) else {
            return Answer::GiveBack(GiveBackOutcome::NotDispatched);
        };
        let gone = it.lines.clone();
        let key = (store, hold.id, *operation);
        if self.returns.contains(&key) {
            return Answer::GiveBack(GiveBackOutcome::Booked);
        }
        let left = |product: ProductId| {
            let line = gone.iter().find(|line| line.product_id == product);
            line.and_then(|line| line.quantity.minus(line.given_back)).unwrap_or_default()
        };
        let line = |product_id, requested| ShortLine { product_id, requested, available: left(product_id) };
        let too_much: Vec<_> = lines.iter().map(|it| line(it.product_id, it.quantity)).collect();
        let too_much: Vec<_> = too_much.into_iter().filter(|line| line.requested > line.available).collect();
        if !too_much.is_empty() {
            return Answer::GiveBack(GiveBackOutcome::TooMuch(too_much));
        }
        let full = |product: ProductId, more: Quantity| {
            let on_hand = self.current(store, product) + self.reserved(store, product);
            on_hand + more.thousandths() > Quantity::MAX.thousandths()
        };
        if lines.iter().any(|line| full(line.product_id, line.quantity)) {
            return Answer::Refused(RepositoryErrorKind::LimitExceeded { what: "stock", max: 999_999_999 });
        }
        let why = Why { reason: reason.as_deref(), ..of_order(&hold.order_id, *performed_by, *now) };
        for line in lines {
            let back = line.quantity.thousandths();
            self.post(store, line.product_id, MovementType::Return, back, &why);
            if !line.sellable {
                self.post(store, line.product_id, MovementType::Damage, -back, &why);
            }
            if let Some(it) = self.of(store, hold) {
                it.updated_at = *now;
                let of_product = it.lines.iter_mut().filter(|gone| gone.product_id == line.product_id);
                of_product.for_each(|gone| gone.given_back = quantity(gone.given_back.thousandths() + back));
            }
        }
        self.returns.insert(key);
        Answer::GiveBack(GiveBackOutcome::Booked)
    }
}

/// A reservation without lines; released, it is a tombstone.
fn empty(store_id: StoreId, hold: Hold, state: ReservationState, now: Timestamp) -> Reservation {
    Reservation {
        store_id,
        hold,
        fingerprint: None,
        state,
        open: true,
        lines: Vec::new(),
        revision: 0,
        due: now,
        recover_at: now,
        failures: 0,
        created_at: now,
        updated_at: now,
    }
}
