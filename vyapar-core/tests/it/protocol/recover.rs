//! `recover`: the three lists it works, one job at a time.

use super::actor::{Pc, Recover};
use super::booking::Booking;
use super::effects::Perform;
use super::mutation::Mutation;
use super::record::PaymentStatus;
use super::row::Row;
use super::store::{Answer, Call};
use super::turn::Turn;

impl Recover {
    pub(super) fn step(self, turn: &mut Turn<'_>) {
        match self {
            Self::Idle => choose(turn),
            Self::Row(row) => row.step(turn, |row| idle_or(row.map(Self::Row))),
            Self::Perform(job) => job.step(turn, |job| idle_or(job.map(Self::Perform))),
            Self::Booking(job) => job.step(turn, |job| idle_or(job.map(Self::Booking))),
        }
    }
}

fn idle_or(job: Option<Recover>) -> Pc {
    Pc::Recover(job.unwrap_or(Recover::Idle))
}

fn choose(turn: &mut Turn<'_>) {
    let store = turn.store;
    if let Some(row) = Row::due(store, turn.due) {
        turn.look("finds an open reservation", Pc::Recover(Recover::Row(row)));
    }
    for (id, order) in store.orders() {
        if let Some(effect) = order.pending {
            let job = Perform::new(id, effect);
            turn.look("finds a pending effect", Pc::Recover(Recover::Perform(job)));
        }
    }
    for (id, payment) in store.payments() {
        let job = Pc::Recover(Recover::Booking(Booking::new(id)));
        // A failed attempt is asked about too: the event of a late capture may be lost.
        let ask = match payment.status {
            PaymentStatus::Pending => true,
            PaymentStatus::Failed => turn.setup.obeys(Mutation::FailedIsAskedAgain),
            PaymentStatus::Success => false,
        };
        if ask && payment.captured {
            turn.call(Call::Succeed(id), Pc::Recover(Recover::Idle), |answer| {
                if answer == Answer::Done { job } else { Pc::Recover(Recover::Idle) }
            });
        }
        if payment.status == PaymentStatus::Success && !payment.applied {
            turn.look("finds a success that is not applied", job);
        }
    }
}
