//! Everything that is stored, and the calls that change it.
//!
//! A call is data: an actor sends it, and a call whose answer was lost is the same data landing
//! later.

use std::fmt;

use super::record::{
    CancelledBy, Effect, Order, OrderId, Payment, PaymentId, PaymentStatus, Reason, Reservation, ReservationState,
    Slot, Status, Try,
};
use super::setup::{Setup, Start};

/// A port call that writes. Each but one is one atomic, conditional write on one record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Call {
    // On the reservation (and the product's stock).
    Reserve(OrderId),
    Commit(OrderId),
    /// Undo and expiry.
    ReleaseHeld(OrderId),
    /// The effect of a cancelled order.
    ReleaseOrder(OrderId),
    Dispatch(OrderId),
    Amend {
        order: OrderId,
        edition: u8,
        from: u8,
        to: u8,
    },
    Close(OrderId),
    BuyElsewhere,

    /// On the reservation and the order at once, where one adapter has both: reserve, insert and
    /// commit as one write.
    PlaceAtOnce(OrderId),

    // On the order.
    Insert(OrderId),
    Abandon(OrderId),
    Cancel {
        order: OrderId,
        from: Status,
        by: CancelledBy,
    },
    Confirm(OrderId),
    SendOut(OrderId),
    Edit {
        order: OrderId,
        edition: u8,
        from: u8,
        to: u8,
    },
    Book(PaymentId),
    Clear(OrderId, Effect),

    // On the payment.
    OpenPayment(PaymentId),
    /// The gateway takes the money: the one write that is not ours.
    Capture(PaymentId),
    Succeed(PaymentId),
    Fail(PaymentId),
    Refund {
        payment: PaymentId,
        reason: Reason,
        amount: u8,
    },
    MarkApplied(PaymentId),
}

/// What a call answers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Answer {
    /// What was asked is so now, also if it was so before.
    Done,
    /// The call's condition does not hold; nothing was written.
    Refused,
    /// Less is free than was asked.
    Short,
    /// Too late to release: the hold was committed.
    Committed,
}

impl Answer {
    pub(super) fn done_if(done: bool) -> Self {
        if done { Self::Done } else { Self::Refused }
    }
}

/// The records of all units, as they would be found after a crash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Store {
    /// `current_stock`: free to sell.
    pub(super) free: u8,
    /// Units that the other buyer has got.
    pub(super) elsewhere: u8,
    pub(super) reservation: Option<Reservation>,
    pub(super) orders: [Slot; OrderId::ALL.len()],
    pub(super) payments: [Option<Payment>; 2 * OrderId::ALL.len()],
}

impl Store {
    pub(super) fn at_start(setup: &Setup) -> Self {
        let mut store = Self {
            free: setup.stock,
            elsewhere: 0,
            reservation: None,
            orders: [Slot::Absent; OrderId::ALL.len()],
            payments: [None; 2 * OrderId::ALL.len()],
        };
        if setup.start == Start::Nothing {
            return store;
        }
        let order = OrderId::FIRST;
        let payment = PaymentId::new(order, Try::First);
        let mut calls = vec![Call::Reserve(order), Call::Insert(order)];
        if setup.is_online() {
            calls.push(Call::OpenPayment(payment));
        }
        if setup.start == Start::Placed {
            if setup.is_online() {
                calls.extend([Call::Capture(payment), Call::Succeed(payment)]);
            }
            calls.push(Call::Commit(order));
            if setup.is_online() {
                calls.extend([Call::Book(payment), Call::MarkApplied(payment)]);
            }
        }
        for call in calls {
            let answer = store.apply(call, setup);
            assert_eq!(answer, Answer::Done, "{call:?}");
        }
        store
    }

    pub(super) fn apply(&mut self, call: Call, setup: &Setup) -> Answer {
        match call {
            Call::Reserve(order) => self.reserve(order, setup),
            Call::Commit(order) => self.commit(order),
            Call::ReleaseHeld(order) => self.release_held(order, setup),
            Call::ReleaseOrder(order) => self.release_order(order),
            Call::Dispatch(order) => self.dispatch(order),
            Call::Amend { order, edition, from, to } => self.amend(order, edition, from, to, setup),
            Call::Close(order) => self.close(order),
            Call::BuyElsewhere => self.buy_elsewhere(),
            Call::PlaceAtOnce(order) => self.place_at_once(order, setup),
            Call::Insert(order) => self.insert(order, setup),
            Call::Abandon(order) => self.abandon(order, setup),
            Call::Cancel { order, from, by } => self.cancel(order, from, by, setup),
            Call::Confirm(order) => self.confirm(order, setup),
            Call::SendOut(order) => self.send_out(order, setup),
            Call::Edit { order, edition, from, to } => self.edit(order, edition, from, to, setup),
            Call::Book(payment) => self.book(payment, setup),
            Call::Clear(order, effect) => self.clear(order, effect, setup),
            Call::OpenPayment(payment) => self.open_payment(payment),
            Call::Capture(payment) => self.capture(payment),
            Call::Succeed(payment) => self.succeed(payment, setup),
            Call::Fail(payment) => self.fail(payment, setup),
            Call::Refund { payment, reason, amount } => self.refund(payment, reason, amount, setup),
            Call::MarkApplied(payment) => self.mark_applied(payment),
        }
    }

    pub(super) fn slot(&self, order: OrderId) -> Slot {
        self.orders[order.index()]
    }

    pub(super) fn order(&self, order: OrderId) -> Option<Order> {
        self.slot(order).order()
    }

    pub(super) fn payment(&self, payment: PaymentId) -> Option<Payment> {
        self.payments[payment.index()]
    }

    /// The orders that exist, with their ids.
    pub(super) fn orders(&self) -> impl Iterator<Item = (OrderId, Order)> {
        OrderId::ALL.into_iter().filter_map(|id| Some((id, self.order(id)?)))
    }

    /// The payments that exist, with their ids.
    pub(super) fn payments(&self) -> impl Iterator<Item = (PaymentId, Payment)> {
        PaymentId::all().filter_map(|id| Some((id, self.payment(id)?)))
    }

    /// Whether the reservation is this order's, and in this state.
    pub(super) fn reserved(&self, order: OrderId, state: ReservationState) -> bool {
        self.reservation.is_some_and(|r| r.order == order && r.state == state)
    }

    /// Whether any attempt to pay this order is known to have succeeded.
    pub(super) fn has_success(&self, order: OrderId) -> bool {
        [Try::First, Try::Second].into_iter().any(|attempt| {
            self.payment(PaymentId::new(order, attempt)).is_some_and(|p| p.status == PaymentStatus::Success)
        })
    }
}

/// One line for a trace.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "free {}", self.free)?;
        if let Some(r) = self.reservation {
            write!(f, " | R {:?} {:?} x{}", r.order, r.state, r.quantity)?;
            if r.open {
                write!(f, " open")?;
            }
        }
        for id in OrderId::ALL {
            match self.slot(id) {
                Slot::Absent => {}
                Slot::Abandoned => write!(f, " | O {id:?} abandoned")?,
                Slot::Order(order) => {
                    write!(f, " | O {id:?} {:?} x{}", order.status, order.quantity)?;
                    if let Some(paid_by) = order.paid_by {
                        write!(f, " paid by {paid_by:?}")?;
                    }
                    if let Some(effect) = order.pending {
                        write!(f, " pending {effect:?}")?;
                    }
                }
            }
        }
        for (id, payment) in self.payments() {
            write!(f, " | P {id:?} {:?}", payment.status)?;
            if !payment.applied {
                write!(f, " unapplied")?;
            }
            if payment.captured {
                write!(f, ", gateway has the money")?;
            }
            if payment.refunded() > 0 {
                write!(f, ", refunds {}", payment.refunded())?;
            }
        }
        Ok(())
    }
}
