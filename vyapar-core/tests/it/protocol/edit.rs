//! Partial cancel: some units less, before the order is confirmed.
//!
//! The edit is one write on the order and names the edition it was made for. Its effect carries the
//! absolute quantity that the reservation shall hold. An edit that would leave nothing is a
//! cancellation instead; one that adds units is a new reservation, and is not an edit.

use super::actor::Pc;
use super::effects::Perform;
use super::mutation::Mutation;
use super::record::{Effect, Order, OrderId, ReservationState, Status};
use super::store::{Answer, Call};
use super::turn::Turn;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Edit {
    Look,
    Write { order: OrderId, edition: u8, from: u8, to: u8 },
    Perform(Perform),
    Help(Perform),
}

impl Edit {
    pub(super) fn step(self, turn: &mut Turn<'_>) {
        match self {
            Self::Look => {
                for (id, order) in turn.store.orders() {
                    if !may_edit(id, order, turn) {
                        continue;
                    }
                    if let Some(effect) = order.pending {
                        let help = Self::Help(Perform::new(id, effect));
                        turn.look("reads the order", Pc::Edit(help));
                        continue;
                    }
                    for to in 1..order.quantity {
                        let write = Self::Write { order: id, edition: order.edition, from: order.quantity, to };
                        turn.look("reads the order", Pc::Edit(write));
                    }
                }
            }
            Self::Write { order, edition, from, to } => {
                let call = Call::Edit { order, edition, from, to };
                let effect = Effect::Amend { edition: edition + 1, from, to };
                // Without an answer the same edit is sent again: it names its edition.
                turn.call(call, Pc::Edit(self), |answer| match answer {
                    Answer::Done => Pc::Edit(Self::Perform(Perform::new(order, effect))),
                    _ => Pc::Done,
                });
            }
            Self::Perform(job) => job.step(turn, |job| job.map_or(Pc::Done, |job| Pc::Edit(Self::Perform(job)))),
            Self::Help(job) => job.step(turn, |job| Pc::Edit(job.map_or(Self::Look, Self::Help))),
        }
    }
}

/// Committed stays true until the order is cancelled, so it may be read before the write that relies
/// on it. Paid is a condition of the write itself.
fn may_edit(id: OrderId, order: Order, turn: &Turn<'_>) -> bool {
    let settled =
        turn.store.reserved(id, ReservationState::Committed) && (!turn.setup.is_online() || order.paid_by.is_some());
    order.status == Status::Placed && order.quantity > 1 && (settled || !turn.setup.obeys(Mutation::EditOnlyWhenPaid))
}
