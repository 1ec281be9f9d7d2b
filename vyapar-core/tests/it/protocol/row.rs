//! One open reservation, brought to its end: the table of the design, row R against order O.

use super::actor::Pc;
use super::record::{CancelledBy, OrderId, ReservationState, Slot, Status};
use super::store::{Answer, Call, Store};
use super::turn::Turn;

/// A reservation that was found due or released, and how far it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Row {
    order: OrderId,
    held: bool,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    ReadOrder,
    ReadPayment,
    Abandon,
    Commit,
    Expire,
    Cancel,
    Release,
    Close,
}

impl Row {
    /// The row, if it needs work: open, and due or released.
    pub(super) fn due(store: &Store, due: bool) -> Option<Self> {
        let r = store.reservation.filter(|r| r.open)?;
        let held = r.state == ReservationState::Held;
        (due || !held).then_some(Self { order: r.order, held, step: Step::ReadOrder })
    }

    pub(super) fn step(self, turn: &mut Turn<'_>, wrap: impl Fn(Option<Self>) -> Pc) {
        let at = |step| wrap(Some(Self { step, ..self }));
        let end = wrap(None);
        let order = self.order;
        match self.step {
            Step::ReadOrder => match self.after_order(turn) {
                Some(step) => turn.look("reads the row's order", at(step)),
                None => turn.look("sees that its read of the row is stale", end),
            },
            Step::ReadPayment => {
                let paid = turn.store.has_success(order);
                let step = if paid { Step::Commit } else { Step::Expire };
                turn.look("reads the row's payment", at(step));
            }
            Step::Abandon => turn.call(Call::Abandon(order), end, |answer| match answer {
                Answer::Done if self.held => at(Step::Release),
                Answer::Done => at(Step::Close),
                _ => end,
            }),
            Step::Commit => turn.call(Call::Commit(order), end, |_| end),
            // The next visit finds the row released.
            Step::Expire => turn.call(Call::ReleaseHeld(order), end, |_| end),
            Step::Cancel => {
                let cancel = Call::Cancel { order, from: Status::Placed, by: CancelledBy::System };
                // The cancellation's effects close the row.
                turn.call(cancel, end, |_| end);
            }
            Step::Release => turn.call(Call::ReleaseHeld(order), end, |_| at(Step::Close)),
            Step::Close => turn.call(Call::Close(order), end, |_| end),
        }
    }

    fn after_order(self, turn: &Turn<'_>) -> Option<Step> {
        let closed = if self.held { Step::Release } else { Step::Close };
        match turn.store.slot(self.order) {
            Slot::Absent => Some(Step::Abandon),
            Slot::Abandoned => Some(closed),
            Slot::Order(order) => match order.status {
                Status::Cancelled(_) => Some(closed),
                Status::Placed if !self.held => Some(Step::Cancel),
                Status::Placed if turn.setup.is_online() => Some(Step::ReadPayment),
                Status::Placed => Some(Step::Commit),
                Status::Confirmed | Status::OutForDelivery => None,
            },
        }
    }
}
