//! The calls on the order.

use super::mutation::Mutation;
use super::record::{CancelledBy, Effect, Order, OrderId, PaymentId, Slot, Status};
use super::setup::Setup;
use super::store::{Answer, Store};

impl Store {
    pub(super) fn insert(&mut self, order: OrderId, setup: &Setup) -> Answer {
        match self.slot(order) {
            Slot::Order(_) => Answer::Done,
            Slot::Abandoned => Answer::Refused,
            Slot::Absent => {
                self.orders[order.index()] = Slot::Order(Order {
                    status: Status::Placed,
                    quantity: setup.units,
                    edition: 0,
                    paid_by: None,
                    pending: None,
                });
                Answer::Done
            }
        }
    }

    /// All three or nothing; only where neither record is there.
    pub(super) fn place_at_once(&mut self, order: OrderId, setup: &Setup) -> Answer {
        let known = self.reservation.is_some_and(|r| r.order == order) || self.slot(order) != Slot::Absent;
        if known {
            return Answer::Refused;
        }
        match self.reserve(order, setup) {
            Answer::Done => {
                self.insert(order, setup);
                self.commit(order)
            }
            other => other,
        }
    }

    pub(super) fn abandon(&mut self, order: OrderId, setup: &Setup) -> Answer {
        match self.slot(order) {
            Slot::Order(_) => Answer::Refused,
            Slot::Abandoned => Answer::Done,
            Slot::Absent => {
                if setup.obeys(Mutation::AbandonLeavesMarker) {
                    self.orders[order.index()] = Slot::Abandoned;
                }
                Answer::Done
            }
        }
    }

    /// Status and effects in one write.
    pub(super) fn cancel(&mut self, order: OrderId, from: Status, by: CancelledBy, setup: &Setup) -> Answer {
        let effect = setup.obeys(Mutation::CancelStoresEffects).then_some(Effect::Release);
        self.write_order(order, |order| {
            let ready = order.status == from && is_settled(order, setup);
            if ready {
                order.status = Status::Cancelled(by);
                order.pending = effect;
            }
            ready
        })
    }

    pub(super) fn confirm(&mut self, order: OrderId, setup: &Setup) -> Answer {
        self.write_order(order, |order| {
            let ready = order.status == Status::Placed && is_settled(order, setup);
            if ready {
                order.status = Status::Confirmed;
            }
            ready
        })
    }

    /// Out for delivery, with the dispatch of the reservation as its effect.
    pub(super) fn send_out(&mut self, order: OrderId, setup: &Setup) -> Answer {
        let effect = setup.obeys(Mutation::DispatchIsStored).then_some(Effect::Dispatch);
        self.write_order(order, |order| {
            let ready = !setup.obeys(Mutation::StatusMoveIsConditional)
                || order.status == Status::Confirmed && is_settled(order, setup);
            if ready {
                order.status = Status::OutForDelivery;
                order.pending = effect;
            }
            ready
        })
    }

    /// Sets the quantity to `to`, if the order is still the edition that the editor saw.
    /// Only an edit that does not name its edition would look at `from`, what the editor saw.
    pub(super) fn edit(&mut self, order: OrderId, edition: u8, from: u8, to: u8, setup: &Setup) -> Answer {
        let online = setup.is_online();
        self.write_order(order, |order| {
            let paid = !online || order.paid_by.is_some() || !setup.obeys(Mutation::EditOnlyWhenPaid);
            let by_edition = setup.obeys(Mutation::EditNamesEdition);
            let to = if by_edition { to } else { order.quantity.saturating_sub(from - to) };
            let ready = order.status == Status::Placed
                && order.pending.is_none()
                && paid
                && to > 0
                && (order.edition == edition || !by_edition);
            if ready {
                let effect = Effect::Amend { edition: order.edition + 1, from: order.quantity, to };
                order.quantity = to;
                order.edition += 1;
                order.pending = setup.obeys(Mutation::EditStoresEffects).then_some(effect);
            }
            ready
        })
    }

    /// Makes this attempt the one that pays, if the order lives and none does so yet.
    pub(super) fn book(&mut self, payment: PaymentId, setup: &Setup) -> Answer {
        self.write_order(payment.order, |order| {
            if order.paid_by == Some(payment.attempt) {
                return true;
            }
            let free = order.paid_by.is_none() || !setup.obeys(Mutation::PaidByIsConditional);
            let ready = order.is_live() && free;
            if ready {
                order.paid_by = Some(payment.attempt);
            }
            ready
        })
    }

    /// Clears the effect that was performed, and no other that came since.
    pub(super) fn clear(&mut self, order: OrderId, effect: Effect, setup: &Setup) -> Answer {
        self.write_order(order, |order| {
            if order.pending == Some(effect) || !setup.obeys(Mutation::ClearNamesEffect) {
                order.pending = None;
            }
            true
        })
    }

    fn write_order(&mut self, id: OrderId, write: impl FnOnce(&mut Order) -> bool) -> Answer {
        match &mut self.orders[id.index()] {
            Slot::Order(order) => Answer::done_if(write(order)),
            Slot::Absent | Slot::Abandoned => Answer::Refused,
        }
    }
}

/// A status move first finishes pending effects.
fn is_settled(order: &Order, setup: &Setup) -> bool {
    order.pending.is_none() || !setup.obeys(Mutation::MoveWaitsForEffects)
}
