//! Placing an order: find, reserve, insert, commit (or open a payment), answer; and undo.

use super::actor::Pc;
use super::effects::Perform;
use super::mutation::Mutation;
use super::record::{
    Caller, CancelledBy, Effect, MAX_ATTEMPT, OrderId, PaymentId, ReservationState, Slot, Status, Try,
};
use super::row::Row;
use super::setup::Setup;
use super::store::{Answer, Call};
use super::turn::Turn;

/// How far a caller is. Whoever meets a hold of the same key goes on with it as a helper.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Place {
    Find,
    /// A released attempt is still open: finish it, then look again.
    FinishRow(Row),
    Reserve(OrderId),
    /// Reserve, insert and commit in one.
    AtOnce(OrderId),
    Insert {
        order: OrderId,
        /// Only who made the hold undoes it.
        made_hold: bool,
    },
    Commit(OrderId),
    OpenPayment(OrderId),
    Answer(OrderId),
    /// The hold was lost after the order was inserted.
    CancelLost(OrderId),
    UndoRelease(OrderId),
    UndoAbandon(OrderId),
    UndoCancel(OrderId),
    /// Of a cancellation of one's own, be it the undo or a lost hold.
    Perform(Perform),
    Close(OrderId),
}

impl Place {
    /// Most keys are new, so a caller does not look first: it begins its first attempt, which is
    /// refused where the key has a reservation, whatever its state; then it looks.
    pub(super) fn begin(caller: Caller, attempt: u8, setup: &Setup) -> Self {
        let order = OrderId::new(caller, attempt);
        if setup.places_at_once(caller) { Self::AtOnce(order) } else { Self::Reserve(order) }
    }

    pub(super) fn step(self, caller: Caller, turn: &mut Turn<'_>) {
        let stop = Pc::Done;
        match self {
            Self::Find => find(caller, turn),
            Self::FinishRow(row) => row.step(turn, |row| Pc::Place(row.map_or(Self::Find, Self::FinishRow))),
            Self::Reserve(order) => {
                let undo = Pc::Place(Self::UndoRelease(order));
                turn.call_stubbornly(Call::Reserve(order), undo, |answer| match answer {
                    Answer::Done => Pc::Place(Self::Insert { order, made_hold: true }),
                    Answer::Short => stop,
                    _ => Pc::Place(Self::Find),
                });
            }
            Self::AtOnce(order) => {
                let undo = Pc::Place(Self::UndoRelease(order));
                turn.call(Call::PlaceAtOnce(order), undo, |answer| match answer {
                    Answer::Done => Pc::Place(Self::Answer(order)),
                    Answer::Short => stop,
                    _ => Pc::Place(Self::Find),
                });
            }
            Self::Insert { order, made_hold } => {
                let failed = if made_hold { Pc::Place(Self::UndoRelease(order)) } else { stop };
                let online = turn.setup.is_online();
                turn.call(Call::Insert(order), failed, |answer| match answer {
                    Answer::Done if online => Pc::Place(Self::OpenPayment(order)),
                    Answer::Done => Pc::Place(Self::Commit(order)),
                    _ => Pc::Place(Self::Find),
                });
            }
            Self::OpenPayment(order) => {
                let payment = PaymentId::new(order, Try::First);
                turn.call(Call::OpenPayment(payment), stop, |_| stop);
            }
            // Without an answer: the outcome is unknown, and nothing is released.
            Self::Commit(order) => {
                turn.call_stubbornly(Call::Commit(order), stop, |answer| match answer {
                    Answer::Done => Pc::Place(Self::Answer(order)),
                    _ => Pc::Place(Self::CancelLost(order)),
                });
            }
            Self::Answer(order) => {
                let live = turn.store.order(order).is_some_and(|order| order.is_live());
                let told = if live { Pc::ToldPlaced(order) } else { stop };
                turn.look("answers with the order", told);
            }
            Self::CancelLost(order) | Self::UndoCancel(order) => {
                let cancel = Call::Cancel { order, from: Status::Placed, by: CancelledBy::System };
                turn.call(cancel, stop, |answer| match answer {
                    Answer::Done => Pc::Place(Self::Perform(Perform::new(order, Effect::Release))),
                    // Somebody else has cancelled it.
                    _ => Pc::Place(Self::Close(order)),
                });
            }
            Self::UndoRelease(order) => {
                turn.call(Call::ReleaseHeld(order), stop, |answer| match answer {
                    Answer::Done => Pc::Place(Self::UndoAbandon(order)),
                    Answer::Committed => Pc::Place(Self::Answer(order)),
                    _ => Pc::Place(Self::Find),
                });
            }
            Self::UndoAbandon(order) => {
                turn.call(Call::Abandon(order), stop, |answer| match answer {
                    Answer::Done => Pc::Place(Self::Close(order)),
                    _ => Pc::Place(Self::UndoCancel(order)),
                });
            }
            Self::Perform(job) => job.step(turn, |job| job.map_or(stop, |job| Pc::Place(Self::Perform(job)))),
            Self::Close(order) => turn.call(Call::Close(order), stop, |_| stop),
        }
    }
}

fn find(caller: Caller, turn: &mut Turn<'_>) {
    let starts_over = turn.setup.obeys(Mutation::AbandonedStartsOver);
    let begin = |attempt| {
        if attempt > MAX_ATTEMPT || attempt > 1 && !starts_over {
            Pc::Done
        } else {
            Pc::Place(Place::begin(caller, attempt, turn.setup))
        }
    };
    if !turn.setup.obeys(Mutation::ReplayResumes)
        && let Some((id, _)) = turn.store.orders().find(|(_, order)| order.is_live())
    {
        return turn.look("answers with the order that it sees", Pc::ToldPlaced(id));
    }
    let Some(r) = turn.store.reservation else {
        return turn.look("finds no reservation", begin(1));
    };
    match r.state {
        ReservationState::Held => {
            let help = Place::Insert { order: r.order, made_hold: false };
            turn.look("finds a hold and helps", Pc::Place(help));
        }
        ReservationState::Committed | ReservationState::Dispatched => {
            turn.look("finds it committed", Pc::Place(Place::Answer(r.order)));
        }
        ReservationState::Released => match Row::due(turn.store, turn.due) {
            Some(row) => turn.look("finds it released, open", Pc::Place(Place::FinishRow(row))),
            None => match turn.store.slot(r.order) {
                Slot::Order(_) => turn.look("answers that it is cancelled", Pc::Done),
                Slot::Absent | Slot::Abandoned => {
                    turn.look("finds it abandoned", begin(r.order.attempt + 1));
                }
            },
        },
    }
}
