//! The calls on the reservation and the product's stock.

use super::mutation::Mutation;
use super::record::{OrderId, Reservation, ReservationState};
use super::setup::Setup;
use super::store::{Answer, Store};

impl Store {
    pub(super) fn reserve(&mut self, order: OrderId, setup: &Setup) -> Answer {
        let short = self.free < setup.units;
        match self.reservation {
            _ if short && !setup.obeys(Mutation::ReserveFindsKeyFirst) => Answer::Short,
            Some(r) if r.order == order => Answer::done_if(r.state == ReservationState::Held),
            Some(r) if !is_replaceable(r, order) => Answer::Refused,
            _ if short => Answer::Short,
            _ => {
                self.free -= setup.units;
                self.reservation = Some(Reservation {
                    order,
                    state: ReservationState::Held,
                    open: true,
                    quantity: setup.units,
                    amended: 0,
                });
                Answer::Done
            }
        }
    }

    pub(super) fn commit(&mut self, order: OrderId) -> Answer {
        let Some(r) = self.reservation_of(order) else {
            return Answer::Refused;
        };
        match r.state {
            ReservationState::Held => {
                r.state = ReservationState::Committed;
                r.open = false;
                Answer::Done
            }
            ReservationState::Committed | ReservationState::Dispatched => Answer::Done,
            ReservationState::Released => Answer::Refused,
        }
    }

    /// Undo and expiry: only from held. An attempt that was never seen gets a tombstone, so that its
    /// reserve is refused should it arrive after all.
    pub(super) fn release_held(&mut self, order: OrderId, setup: &Setup) -> Answer {
        let never_seen = match self.reservation {
            None => true,
            Some(r) => is_replaceable(r, order),
        };
        if never_seen {
            if setup.obeys(Mutation::ReleaseLeavesTombstone) {
                self.reservation =
                    Some(Reservation { order, state: ReservationState::Released, open: true, quantity: 0, amended: 0 });
            }
            return Answer::Done;
        }
        let Some(r) = self.reservation_of(order) else {
            return Answer::Refused;
        };
        match r.state {
            ReservationState::Released => Answer::Done,
            ReservationState::Committed if !setup.obeys(Mutation::UndoFromHeldOnly) => {
                self.give_back(setup.obeys(Mutation::ReleasedStaysOpen));
                Answer::Done
            }
            ReservationState::Committed | ReservationState::Dispatched => Answer::Committed,
            ReservationState::Held => {
                self.give_back(setup.obeys(Mutation::ReleasedStaysOpen));
                Answer::Done
            }
        }
    }

    /// The effect of a cancelled order: from held or committed, and the row is closed, for its order
    /// is known to be cancelled.
    pub(super) fn release_order(&mut self, order: OrderId) -> Answer {
        if let Some(r) = self.reservation_of(order) {
            match r.state {
                ReservationState::Held | ReservationState::Committed => self.give_back(false),
                ReservationState::Released => r.open = false,
                ReservationState::Dispatched => {}
            }
        }
        Answer::Done
    }

    pub(super) fn dispatch(&mut self, order: OrderId) -> Answer {
        if let Some(r) = self.reservation_of(order)
            && r.state == ReservationState::Committed
        {
            r.state = ReservationState::Dispatched;
        }
        Answer::Done
    }

    /// Sets an absolute quantity, unless this or a newer edition of the order has already done so.
    ///
    /// Only an amend by difference would look at `from`, and only one out of order would need stock
    /// that is free.
    pub(super) fn amend(&mut self, order: OrderId, edition: u8, from: u8, to: u8, setup: &Setup) -> Answer {
        let free = self.free;
        let Some(r) = self.reservation_of(order) else {
            return Answer::Done;
        };
        let target = if !setup.obeys(Mutation::AmendIsAbsolute) {
            r.quantity.saturating_sub(from - to)
        } else if edition > r.amended || !setup.obeys(Mutation::AmendIsVersioned) {
            to
        } else {
            return Answer::Done;
        };
        let all = r.quantity + free;
        if r.state == ReservationState::Committed && target <= all {
            r.quantity = target;
            r.amended = edition;
            self.free = all - target;
        }
        Answer::Done
    }

    pub(super) fn close(&mut self, order: OrderId) -> Answer {
        if let Some(r) = self.reservation_of(order)
            && r.state == ReservationState::Released
        {
            r.open = false;
        }
        Answer::Done
    }

    pub(super) fn buy_elsewhere(&mut self) -> Answer {
        if self.free == 0 {
            return Answer::Short;
        }
        self.free -= 1;
        self.elsewhere += 1;
        Answer::Done
    }

    fn reservation_of(&mut self, order: OrderId) -> Option<&mut Reservation> {
        self.reservation.as_mut().filter(|r| r.order == order)
    }

    fn give_back(&mut self, open: bool) {
        if let Some(r) = &mut self.reservation {
            self.free += r.quantity;
            r.quantity = 0;
            r.state = ReservationState::Released;
            r.open = open;
        }
    }
}

/// A newer attempt takes the row of one that is released and closed, and of no other.
fn is_replaceable(old: Reservation, by: OrderId) -> bool {
    old.state == ReservationState::Released && !old.open && old.order.attempt < by.attempt
}
