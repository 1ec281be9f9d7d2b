//! Calls under way that can do nothing any more.
//!
//! A state with a spent call under way behaves like the same state without it, so it is dropped, and
//! far fewer states are left. That is only right if a spent call is refused or changes nothing now,
//! and stays spent whatever happens next. [`assert_lasting`] checks both on every step between stores
//! that was ever taken; by induction it is then so in every state.

use super::record::{Effect, OrderId, PaymentStatus, Reservation, ReservationState, Slot, Status};
use super::setup::Setup;
use super::store::{Call, Store};

/// Whether the call has had its effect, or can never have one.
pub(super) fn is_spent(call: Call, store: &Store) -> bool {
    match call {
        Call::Reserve(order) => reservation_is_past(store, order, |_| true),
        Call::Commit(order) | Call::ReleaseHeld(order) => {
            reservation_is_past(store, order, |r| r.state != ReservationState::Held)
        }
        Call::ReleaseOrder(order) => reservation_is_past(store, order, |r| match r.state {
            ReservationState::Held | ReservationState::Committed => false,
            ReservationState::Dispatched => true,
            ReservationState::Released => !r.open,
        }),
        Call::Dispatch(order) => reservation_is_past(store, order, is_gone),
        Call::Amend { order, edition, .. } => reservation_is_past(store, order, |r| is_gone(r) || r.amended >= edition),
        Call::Close(order) => reservation_is_past(store, order, |r| match r.state {
            ReservationState::Held => false,
            ReservationState::Committed | ReservationState::Dispatched => true,
            ReservationState::Released => !r.open,
        }),
        Call::PlaceAtOnce(order) => store.slot(order) != Slot::Absent || reservation_is_past(store, order, |_| true),
        Call::Insert(order) | Call::Abandon(order) => store.slot(order) != Slot::Absent,
        Call::Cancel { order, from, .. } => status_is_past(store, order, from),
        Call::Confirm(order) => status_is_past(store, order, Status::Placed),
        Call::SendOut(order) => status_is_past(store, order, Status::Confirmed),
        Call::Edit { order, edition, .. } => {
            status_is_past(store, order, Status::Placed) || store.order(order).is_some_and(|o| o.edition > edition)
        }
        Call::Book(payment) => store.order(payment.order).is_some_and(|o| o.paid_by.is_some() || !o.is_live()),
        Call::Clear(order, effect) => was_cleared(store, order, effect),
        Call::OpenPayment(payment) => store.payment(payment).is_some(),
        Call::Succeed(payment) => store.payment(payment).is_some_and(|p| p.status == PaymentStatus::Success),
        Call::Fail(payment) => store.payment(payment).is_some_and(|p| p.status != PaymentStatus::Pending),
        Call::Refund { payment, reason, .. } => store.payment(payment).is_some_and(|p| p.owes(reason)),
        Call::MarkApplied(payment) => {
            store.payment(payment).is_some_and(|p| p.status == PaymentStatus::Success && p.applied)
        }
        Call::Capture(_) | Call::BuyElsewhere => false,
    }
}

/// Checks the claim of this file: for each call that was ever under way, on each step that was taken.
pub(super) fn assert_lasting(calls: &[Call], steps: impl Iterator<Item = (Store, Store)>, setup: &Setup) {
    for (before, after) in steps {
        for call in calls.iter().filter(|call| is_spent(**call, &before)) {
            assert!(is_spent(*call, &after), "{call:?} is spent on {before}, not on {after}");
            for store in [before, after] {
                let mut landed = store;
                landed.apply(*call, setup);
                assert!(landed == store, "{call:?} is spent, yet changes {store}");
            }
        }
    }
}

/// Whether the row has come to this attempt or a later one, and is not this order's or `done`.
fn reservation_is_past(store: &Store, order: OrderId, done: impl Fn(Reservation) -> bool) -> bool {
    store.reservation.is_some_and(|r| r.order.attempt >= order.attempt && (r.order != order || done(r)))
}

/// Dispatched or released: the row's quantity changes no more.
fn is_gone(r: Reservation) -> bool {
    matches!(r.state, ReservationState::Dispatched | ReservationState::Released)
}

/// Whether the order has left this status for good. No status is ever met a second time.
fn status_is_past(store: &Store, order: OrderId, from: Status) -> bool {
    let rank = |status| match status {
        Status::Placed => 0,
        Status::Confirmed => 1,
        Status::OutForDelivery => 2,
        Status::Cancelled(_) => 3,
    };
    match store.slot(order) {
        Slot::Absent => false,
        Slot::Abandoned => true,
        Slot::Order(order) => rank(order.status) > rank(from),
    }
}

/// Whether the effect was stored and is cleared. No effect is stored twice.
fn was_cleared(store: &Store, order: OrderId, effect: Effect) -> bool {
    store.order(order).is_some_and(|o| {
        let was_stored = match effect {
            Effect::Release => !o.is_live(),
            Effect::Dispatch => o.status == Status::OutForDelivery,
            Effect::Amend { edition, .. } => o.edition >= edition,
        };
        was_stored && o.pending != Some(effect)
    })
}
