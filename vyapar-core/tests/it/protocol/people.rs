//! The people around an order: another buyer, who cancels, and the staff.

use super::actor::Pc;
use super::effects::Perform;
use super::mutation::Mutation;
use super::record::{CancelledBy, Effect, Order, OrderId, ReservationState, Status};
use super::store::{Answer, Call};
use super::turn::Turn;

/// Another buyer. Short is final for him only after a due hold was freed.
pub(super) fn buy(turn: &mut Turn<'_>) {
    if turn.store.free > 0 {
        turn.call_surely(Call::BuyElsewhere, |answer| match answer {
            Answer::Done => Pc::Done,
            _ => Pc::Buy,
        });
    } else if let Some(r) = turn.store.reservation
        && r.state == ReservationState::Held
        && turn.due
    {
        turn.call(Call::ReleaseHeld(r.order), Pc::Buy, |_| Pc::Buy);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Cancelling {
    Look,
    Write {
        order: OrderId,
        from: Status,
    },
    Perform(Perform),
    /// Finishes what is pending before a move of one's own.
    Help(Perform),
}

impl Cancelling {
    pub(super) fn step(self, turn: &mut Turn<'_>) {
        match self {
            Self::Look => {
                for (id, order) in turn.store.orders() {
                    let next = match (order.status, waits_for(order, turn)) {
                        (Status::Placed | Status::Confirmed, Some(effect)) => Self::Help(Perform::new(id, effect)),
                        (from @ (Status::Placed | Status::Confirmed), None) => Self::Write { order: id, from },
                        _ => continue,
                    };
                    turn.look("reads the order", Pc::Cancel(next));
                }
            }
            Self::Write { order, from } => {
                let cancel = Call::Cancel { order, from, by: CancelledBy::Person };
                turn.call(cancel, Pc::Done, |answer| {
                    Pc::Cancel(match answer {
                        Answer::Done => Self::Perform(Perform::new(order, Effect::Release)),
                        _ => Self::Look,
                    })
                });
            }
            Self::Perform(job) => job.step(turn, |job| job.map_or(Pc::Done, |job| Pc::Cancel(Self::Perform(job)))),
            Self::Help(job) => {
                job.step(turn, |job| Pc::Cancel(job.map_or(Self::Look, Self::Help)));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Staffing {
    Look,
    Confirm(OrderId),
    /// Only where the rule that the order moves first is left out.
    DispatchFirst(OrderId),
    SendOut(OrderId),
    Perform(Perform),
    Help(Perform),
}

impl Staffing {
    pub(super) fn step(self, turn: &mut Turn<'_>) {
        let send_out = |order| {
            if turn.setup.obeys(Mutation::OrderMovesFirst) {
                Pc::Staff(Self::SendOut(order))
            } else {
                Pc::Staff(Self::DispatchFirst(order))
            }
        };
        match self {
            Self::Look => {
                for (id, order) in turn.store.orders() {
                    let next = match (order.status, waits_for(order, turn)) {
                        (Status::Placed, Some(effect)) => Pc::Staff(Self::Help(Perform::new(id, effect))),
                        (Status::Placed, None) if may_confirm(id, order, turn) => Pc::Staff(Self::Confirm(id)),
                        (Status::Confirmed, _) => send_out(id),
                        _ => continue,
                    };
                    turn.look("reads the order", next);
                }
            }
            Self::Confirm(order) => {
                turn.call(Call::Confirm(order), Pc::Staff(Self::Look), |answer| match answer {
                    Answer::Done => send_out(order),
                    _ => Pc::Staff(Self::Look),
                });
            }
            Self::DispatchFirst(order) => {
                turn.call(Call::Dispatch(order), Pc::Done, |_| Pc::Staff(Self::SendOut(order)))
            }
            Self::SendOut(order) => {
                turn.call(Call::SendOut(order), Pc::Done, |answer| match answer {
                    Answer::Done => Pc::Staff(Self::Perform(Perform::new(order, Effect::Dispatch))),
                    _ => Pc::Done,
                });
            }
            Self::Perform(job) => job.step(turn, |job| job.map_or(Pc::Done, |job| Pc::Staff(Self::Perform(job)))),
            Self::Help(job) => {
                job.step(turn, |job| Pc::Staff(job.map_or(Self::Look, Self::Help)));
            }
        }
    }
}

/// The pending effect that a move has to finish first.
fn waits_for(order: Order, turn: &Turn<'_>) -> Option<Effect> {
    order.pending.filter(|_| turn.setup.obeys(Mutation::MoveWaitsForEffects))
}

/// Committed stays true until the order is cancelled, and paid for ever: so both may be read before
/// the write that relies on them.
fn may_confirm(id: OrderId, order: Order, turn: &Turn<'_>) -> bool {
    let committed = turn.store.reserved(id, ReservationState::Committed)
        || !turn.setup.obeys(Mutation::ConfirmOnlyCommitted) && turn.store.reserved(id, ReservationState::Held);
    committed && (!turn.setup.is_online() || order.paid_by.is_some())
}
