//! What must hold: in every state, after recovery, and of what callers were told.

use std::fmt;

use super::actor::Pc;
use super::record::{
    CancelledBy, MAX_ATTEMPT, Order, OrderId, Payment, PaymentId, PaymentStatus, ReservationState, Slot, Status, TOTAL,
    share,
};
use super::setup::{Role, Setup};
use super::store::{Answer, Call, Store};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Violation {
    StockLostOrMade,
    TwoLiveOrders,
    /// There are more edits than editors.
    EditedTwice,
    /// The attempt that pays the order is not known as a success.
    PaidByNoSuccess,
    RefundedTooMuch,
    ToldShortWhilePlaced,

    RecoveryDoesNotEnd,
    HeldForEver,
    NeverClosed,
    StockWithoutOrder,
    OrderWithoutStock,
    WrongQuantity,
    EffectNeverDone,
    LiveButUnpaid,
    CaptureNotNoticed,
    NeverApplied,
    /// Paid without an order, or for units that were cancelled, and the money does not all go back.
    PaymentLost,
    RefundedAndDelivered,

    ToldPlacedThenGone,
    /// A retry with the same key does not end, does not find the order that lives, or places none
    /// where it could.
    KeyIsStuck,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StockLostOrMade => "stock was lost or made",
            Self::TwoLiveOrders => "two live orders for one key",
            Self::EditedTwice => "one edit took effect twice",
            Self::PaidByNoSuccess => "the payment that pays an order is not a success",
            Self::RefundedTooMuch => "more is refunded than was taken",
            Self::ToldShortWhilePlaced => "told short while the same key has the stock",
            Self::RecoveryDoesNotEnd => "recovery does not end",
            Self::HeldForEver => "stock is held for ever",
            Self::NeverClosed => "a reservation is never closed",
            Self::StockWithoutOrder => "stock is reserved for no order",
            Self::OrderWithoutStock => "a live order has no stock",
            Self::WrongQuantity => "reserved and ordered quantity differ",
            Self::EffectNeverDone => "an effect is never done",
            Self::LiveButUnpaid => "a live online order is not paid",
            Self::CaptureNotNoticed => "the gateway has money that no record knows of",
            Self::NeverApplied => "a success is never applied",
            Self::PaymentLost => "money was taken for nothing and does not go back",
            Self::RefundedAndDelivered => "units are refunded and delivered",
            Self::ToldPlacedThenGone => "told placed, and there is no order",
            Self::KeyIsStuck => "a retry with the same key does not come to the right answer",
        })
    }
}

type Check = Result<(), Violation>;

fn forbid(wrong: bool, violation: Violation) -> Check {
    if wrong { Err(violation) } else { Ok(()) }
}

/// What must hold of an answer, at the moment it is given.
pub(super) fn answer(call: Call, answer: Answer, store: &Store) -> Option<Violation> {
    let ours = store.reservation.is_some_and(|r| r.has_stock());
    let short = matches!(call, Call::Reserve(_) | Call::PlaceAtOnce(_)) && answer == Answer::Short;
    (short && ours).then_some(Violation::ToldShortWhilePlaced)
}

/// What must hold in every state.
pub(super) fn always(store: &Store, setup: &Setup) -> Check {
    let reserved = store.reservation.map_or(0, |r| r.quantity);
    let all = store.free + store.elsewhere + reserved;
    forbid(all != setup.stock, Violation::StockLostOrMade)?;
    forbid(live_orders(store).count() > 1, Violation::TwoLiveOrders)?;
    let editors = setup.roles.iter().filter(|role| **role == Role::Editor);
    let edits = editors.count();
    for (id, order) in store.orders() {
        forbid(usize::from(order.edition) > edits, Violation::EditedTwice)?;
        if let Some(attempt) = order.paid_by {
            let payment = store.payment(PaymentId::new(id, attempt));
            let success = payment.is_some_and(|p| p.status == PaymentStatus::Success);
            forbid(!success, Violation::PaidByNoSuccess)?;
        }
    }
    for (_, payment) in store.payments() {
        let too_much = payment.refunded() > captured(payment);
        forbid(too_much, Violation::RefundedTooMuch)?;
    }
    Ok(())
}

/// What must hold once recovery has nothing left to do.
pub(super) fn recovered(store: &Store, setup: &Setup) -> Check {
    if let Some(r) = store.reservation {
        let live = store.order(r.order).is_some_and(|order| order.is_live());
        let held = r.state == ReservationState::Held;
        forbid(held, Violation::HeldForEver)?;
        forbid(r.open, Violation::NeverClosed)?;
        forbid(r.has_stock() && !live, Violation::StockWithoutOrder)?;
    }
    for (_, order) in store.orders() {
        forbid(order.pending.is_some(), Violation::EffectNeverDone)?;
    }
    for (id, order) in live_orders(store) {
        let state = match order.status {
            Status::OutForDelivery => ReservationState::Dispatched,
            _ => ReservationState::Committed,
        };
        let quantity = store.reservation.map(|r| r.quantity);
        let unpaid = setup.is_online() && order.paid_by.is_none();
        forbid(!store.reserved(id, state), Violation::OrderWithoutStock)?;
        forbid(quantity != Some(order.quantity), Violation::WrongQuantity)?;
        forbid(unpaid, Violation::LiveButUnpaid)?;
    }
    for (id, payment) in store.payments() {
        money(store, setup, id, payment)?;
    }
    Ok(())
}

/// A payment ends applied, and what goes back is exactly what it does not pay for.
fn money(store: &Store, setup: &Setup, id: PaymentId, payment: Payment) -> Check {
    let unnoticed = payment.captured && payment.status != PaymentStatus::Success;
    forbid(unnoticed, Violation::CaptureNotNoticed)?;
    forbid(!payment.applied, Violation::NeverApplied)?;
    let pays = store.order(id.order).filter(|order| order.is_live() && order.paid_by == Some(id.attempt));
    let owed = match pays {
        Some(order) => u16::from(share(setup.units - order.quantity, setup.units)),
        None => captured(payment),
    };
    forbid(payment.refunded() < owed, Violation::PaymentLost)?;
    forbid(payment.refunded() > owed, Violation::RefundedAndDelivered)
}

/// What must hold when a caller, after recovery, retried with the same key and ended at `told`.
pub(super) fn retried(recovered: &Store, after: &Store, told: Pc, setup: &Setup) -> Check {
    let was_live = live_orders(recovered).next().map(|(id, _)| id);
    let is_live = live_orders(after).next().map(|(id, _)| id);
    // Nothing stands in the way of a new attempt: no order, not even a cancelled one, and stock.
    let may_begin = recovered.free >= setup.units
        && recovered.reservation.is_none_or(|r| recovered.order(r.order).is_none() && r.order.attempt < MAX_ATTEMPT);
    let right = match (was_live, told) {
        (Some(order), told) => told == Pc::ToldPlaced(order),
        (None, Pc::ToldPlaced(order)) => is_live == Some(order),
        (None, told) => told == Pc::Done && (is_live.is_some() || !may_begin),
    };
    forbid(!right, Violation::KeyIsStuck)
}

/// Which orders nobody may have been told are placed, given what recovery leaves.
///
/// Gone because a person cancelled it is what was asked for.
pub(super) fn gone(recovered: &Store) -> [bool; OrderId::ALL.len()] {
    OrderId::ALL.map(|id| match recovered.slot(id) {
        Slot::Absent | Slot::Abandoned => true,
        Slot::Order(order) => order.status == Status::Cancelled(CancelledBy::System),
    })
}

fn live_orders(store: &Store) -> impl Iterator<Item = (OrderId, Order)> {
    store.orders().filter(|(_, order)| order.is_live())
}

fn captured(payment: Payment) -> u16 {
    if payment.captured { u16::from(TOTAL) } else { 0 }
}
