//! Performing what an order's change stored as pending: stock, money, then clear.

use super::actor::Pc;
use super::mutation::Mutation;
use super::record::{Effect, OrderId, PaymentId, Reason, TOTAL, share};
use super::store::Call;
use super::turn::Turn;

/// An effect as its performer read it. Others may perform the same one at the same time, and the
/// order may have gone on since.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Perform {
    order: OrderId,
    effect: Effect,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Stage {
    Stock,
    Money,
    Clear,
}

impl Perform {
    pub(super) fn new(order: OrderId, effect: Effect) -> Self {
        Self { order, effect, stage: Stage::Stock }
    }

    /// Where a performer hears nothing it stops: the effect is still stored, `recover` finishes it.
    pub(super) fn step(self, turn: &mut Turn<'_>, wrap: impl Fn(Option<Self>) -> Pc) {
        let at = |stage| wrap(Some(Self { stage, ..self }));
        let end = wrap(None);
        let order = self.order;
        let refund = self.refund(turn);
        let after_stock = match refund {
            Some(_) => Stage::Money,
            None => Stage::Clear,
        };
        match (self.stage, refund) {
            (Stage::Stock, _) => {
                let call = match self.effect {
                    Effect::Release => Call::ReleaseOrder(order),
                    Effect::Dispatch => Call::Dispatch(order),
                    Effect::Amend { edition, from, to } => Call::Amend { order, edition, from, to },
                };
                turn.call(call, end, |_| at(after_stock));
            }
            (Stage::Money, Some(refund)) => turn.call(refund, end, |_| at(Stage::Clear)),
            (Stage::Money | Stage::Clear, _) => {
                turn.call(Call::Clear(order, self.effect), end, |_| end);
            }
        }
    }

    /// The money that this effect sends back, from the payment that pays the order.
    ///
    /// A success that pays no order is not refunded here: it is unapplied, and its booking sees to it.
    fn refund(self, turn: &Turn<'_>) -> Option<Call> {
        let order = turn.store.order(self.order)?;
        let payment = PaymentId::new(self.order, order.paid_by?);
        let units = turn.setup.units;
        let until = |left| share(units - left, units);
        let (reason, amount) = match self.effect {
            Effect::Release if !turn.setup.obeys(Mutation::CancelRefundsRest) => (Reason::Cancelled, TOTAL),
            Effect::Release => (Reason::Cancelled, TOTAL - until(order.quantity)),
            Effect::Amend { edition, from, to } => (Reason::Edit(edition), until(to) - until(from)),
            Effect::Dispatch => return None,
        };
        Some(Call::Refund { payment, reason, amount })
    }
}
