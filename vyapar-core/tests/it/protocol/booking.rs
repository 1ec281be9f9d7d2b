//! A payment success, from unapplied to booked or refunded.

use super::actor::Pc;
use super::mutation::Mutation;
use super::record::{CancelledBy, PaymentId, Reason, Slot, Status, TOTAL};
use super::store::{Answer, Call};
use super::turn::Turn;

/// One success on its way; a repeated one takes the same way again and changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Booking {
    payment: PaymentId,
    step: Step,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    Commit,
    Cancel,
    Book,
    Judge,
    Refund,
    MarkApplied,
}

impl Booking {
    pub(super) fn new(payment: PaymentId) -> Self {
        Self { payment, step: Step::Commit }
    }

    pub(super) fn step(self, turn: &mut Turn<'_>, wrap: impl Fn(Option<Self>) -> Pc) {
        let at = |step| wrap(Some(Self { step, ..self }));
        let end = wrap(None);
        let payment = self.payment;
        let order = payment.order;
        let conditional = turn.setup.obeys(Mutation::PaidByIsConditional);
        match self.step {
            Step::Commit => turn.call(Call::Commit(order), end, |answer| match answer {
                Answer::Done if conditional => at(Step::Book),
                Answer::Done => at(Step::Judge),
                _ => at(Step::Cancel),
            }),
            Step::Cancel => {
                let cancel = Call::Cancel { order, from: Status::Placed, by: CancelledBy::System };
                turn.call(cancel, end, |_| at(Step::Judge));
            }
            Step::Book => turn.call(Call::Book(payment), end, |answer| match answer {
                Answer::Done => at(Step::MarkApplied),
                _ => at(Step::Judge),
            }),
            Step::Judge => match self.judge(turn) {
                Some(step) => turn.look("reads the order that the payment was for", at(step)),
                // Nobody pays it and it lives: the read is too early. The success stays unapplied.
                None => turn.look("leaves the success unapplied", end),
            },
            Step::Refund => {
                let refund = Call::Refund { payment, reason: Reason::NotBooked, amount: TOTAL };
                turn.call(refund, end, |_| at(Step::MarkApplied));
            }
            Step::MarkApplied => turn.call(Call::MarkApplied(payment), end, |_| end),
        }
    }

    fn judge(self, turn: &Turn<'_>) -> Option<Step> {
        let Slot::Order(order) = turn.store.slot(self.payment.order) else {
            return Some(Step::Refund);
        };
        match order.paid_by {
            // If it was cancelled since, the cancellation's effects refund it.
            Some(attempt) if attempt == self.payment.attempt => Some(Step::MarkApplied),
            Some(_) if !turn.setup.obeys(Mutation::SecondSuccessIsRefunded) => Some(Step::MarkApplied),
            Some(_) => Some(Step::Refund),
            None if !order.is_live() => Some(Step::Refund),
            None if !turn.setup.obeys(Mutation::PaidByIsConditional) => Some(Step::Book),
            None => None,
        }
    }
}
