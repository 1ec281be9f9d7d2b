//! The calls on the payment, and what its refunds come to.

use super::mutation::Mutation;
use super::record::{Payment, PaymentId, PaymentStatus, Reason};
use super::setup::Setup;
use super::store::{Answer, Store};

impl Store {
    pub(super) fn open_payment(&mut self, payment: PaymentId) -> Answer {
        self.payments[payment.index()].get_or_insert(Payment::PENDING);
        Answer::Done
    }

    pub(super) fn capture(&mut self, payment: PaymentId) -> Answer {
        self.write_payment(payment, |payment| {
            payment.captured = true;
            true
        })
    }

    /// The gateway says that it has the money: by its event, or asked. Also after a failure.
    pub(super) fn succeed(&mut self, payment: PaymentId, setup: &Setup) -> Answer {
        self.write_payment(payment, |payment| {
            match payment.status {
                PaymentStatus::Success => return true,
                PaymentStatus::Failed if !setup.obeys(Mutation::LateCaptureCounts) => return false,
                PaymentStatus::Pending | PaymentStatus::Failed => {}
            }
            payment.status = PaymentStatus::Success;
            payment.applied = !setup.obeys(Mutation::SuccessStaysUnapplied);
            true
        })
    }

    pub(super) fn fail(&mut self, payment: PaymentId, setup: &Setup) -> Answer {
        self.write_payment(payment, |payment| {
            if payment.status == PaymentStatus::Pending || !setup.obeys(Mutation::FailureNeverOverwrites) {
                payment.status = PaymentStatus::Failed;
                payment.applied = true;
            }
            true
        })
    }

    /// Obliges a refund, once for each reason. Nothing is clamped to what was captured: the rules
    /// must be exact without it.
    pub(super) fn refund(&mut self, payment: PaymentId, reason: Reason, amount: u8, setup: &Setup) -> Answer {
        let once = setup.obeys(Mutation::RefundIsKeyed);
        self.write_payment(payment, |payment| {
            payment.oblige(reason, amount, once);
            true
        })
    }

    pub(super) fn mark_applied(&mut self, payment: PaymentId) -> Answer {
        self.write_payment(payment, |payment| {
            payment.applied = true;
            true
        })
    }

    fn write_payment(&mut self, id: PaymentId, write: impl FnOnce(&mut Payment) -> bool) -> Answer {
        match &mut self.payments[id.index()] {
            Some(payment) => Answer::done_if(write(payment)),
            None => Answer::Refused,
        }
    }
}
