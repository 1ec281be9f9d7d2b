//! The payment gateway as we meet it: it takes the money, and its events come late, twice, out of
//! order, or not at all.

use super::actor::Pc;
use super::booking::Booking;
use super::record::{OrderId, PaymentId, PaymentStatus, Status, Try};
use super::store::{Answer, Call};
use super::turn::Turn;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Gateway {
    Waiting,
    /// It has the money and says so.
    Event(PaymentId),
    Booking(Booking),
}

impl Gateway {
    pub(super) fn step(self, attempt: Try, turn: &mut Turn<'_>) {
        match self {
            Self::Waiting => {
                for (id, payment) in turn.store.payments() {
                    if id.attempt != attempt || payment.captured {
                        continue;
                    }
                    let waiting = Pc::Gateway(Self::Waiting);
                    if turn.setup.failures && payment.status == PaymentStatus::Pending {
                        turn.call(Call::Fail(id), waiting, |_| waiting);
                    }
                    turn.call_surely(Call::Capture(id), |_| Pc::Gateway(Self::Event(id)));
                }
            }
            Self::Event(id) => turn.call(Call::Succeed(id), Pc::Done, |answer| match answer {
                Answer::Done => Pc::Gateway(Self::Booking(Booking::new(id))),
                _ => Pc::Done,
            }),
            Self::Booking(job) => job.step(turn, |job| job.map_or(Pc::Done, |job| Pc::Gateway(Self::Booking(job)))),
        }
    }
}

/// The customer tries again while the order is unpaid: another way to pay, or a second browser tab.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum PayAgain {
    Look,
    Open(OrderId),
}

impl PayAgain {
    pub(super) fn step(self, turn: &mut Turn<'_>) {
        match self {
            Self::Look => {
                for (id, order) in turn.store.orders() {
                    let first = turn.store.payment(PaymentId::new(id, Try::First));
                    let unpaid = order.status == Status::Placed && order.paid_by.is_none();
                    if unpaid && first.is_some_and(|p| p.status != PaymentStatus::Success) {
                        turn.look("sees the order unpaid", Pc::PayAgain(Self::Open(id)));
                    }
                }
            }
            Self::Open(order) => {
                let second = PaymentId::new(order, Try::Second);
                turn.call(Call::OpenPayment(second), Pc::Done, |_| Pc::Done);
            }
        }
    }
}
