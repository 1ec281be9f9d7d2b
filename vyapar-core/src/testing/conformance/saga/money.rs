//! Payments of orders.

use chrono::TimeDelta;

use super::market::Market;
use crate::id::PaymentId;
use crate::order::{Order, OrderError, OrderStatus, PaymentMethod, PaymentStatus};
use crate::payment::{AttemptStatus, ChargeState};
use crate::quantity::Quantity;
use crate::testing::conformance::support::at_once;
use crate::testing::{Bench, Fixtures};

async fn place(market: &Market) -> (Order, PaymentId) {
    let placed = market.vyapar.orders().place(&market.buyer, market.upi("key")).await.unwrap();
    let payment = placed.payment.expect("an online order begins a payment");
    assert_eq!(payment.amount, placed.order.totals.total);
    (placed.order, payment.payment_id)
}

async fn report(market: &Market, payment: PaymentId, state: &ChargeState) {
    market.vyapar.orders().payment_event(&Market::host(), market.store, payment, state).await.unwrap();
}

async fn order(market: &Market, order: &Order) -> Order {
    market.calm.orders().get(&market.buyer, market.store, &order.id).await.unwrap()
}

/// However often the gateway says so.
pub async fn a_payment_pays_its_order_once(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, payment) = place(&market).await;
    let again = market.vyapar.orders().place(&market.buyer, market.upi("key")).await.unwrap();
    assert_eq!(again.payment.map(|p| p.payment_id), Some(payment), "the same attempt");
    let state = market.gateway.capture(payment);
    let events = (0..8).map(|_| {
        let (vyapar, store, state) = (market.vyapar.clone(), market.store, state.clone());
        async move { vyapar.orders().payment_event(&Market::host(), store, payment, &state).await }
    });
    for answer in at_once(events).await {
        assert!(matches!(answer, Ok(_) | Err(OrderError::Concurrent)), "{answer:?}");
    }
    report(&market, payment, &state).await;
    let paid = order(&market, &placed).await;
    assert_eq!((paid.paid_by, paid.payment_status), (Some(payment), PaymentStatus::Paid));
    assert!(paid.payment_id.is_some());
    market.settle().await;
    market.check().await;
    assert_eq!(order(&market, &placed).await.status, OrderStatus::Placed);
    let forged = market.vyapar.orders().payment_event(&market.buyer, market.store, payment, &state).await;
    assert!(matches!(forged, Err(OrderError::Forbidden(_))), "{forged:?}");
}

/// Nobody pays: after the window the order is cancelled and its stock is free.
pub async fn an_unpaid_order_gives_its_stock_back(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let full = market.free().await;
    let (placed, _) = place(&market).await;
    assert_ne!(market.free().await, full);
    market.settle().await;
    market.check().await;
    assert_eq!(order(&market, &placed).await.status, OrderStatus::Cancelled);
    assert_eq!(market.free().await, full);
    let again = market.vyapar.orders().place(&market.buyer, market.upi("key")).await.unwrap();
    assert_eq!(again.order.status, OrderStatus::Cancelled);
}

/// The event got lost: before a hold is given up, the gateway is asked.
pub async fn a_success_that_nobody_reported_is_found_by_recovery(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, payment) = place(&market).await;
    market.gateway.capture(payment);
    market.settle().await;
    market.check().await;
    let paid = order(&market, &placed).await;
    assert_eq!((paid.status, paid.payment_status), (OrderStatus::Placed, PaymentStatus::Paid));
}

/// Paid and then cancelled, or cancelled and then paid: the money goes back, once.
pub async fn money_for_a_cancelled_order_goes_back(bench: &Bench) {
    for paid_first in [true, false] {
        let market = Market::open(bench, &Fixtures::seeded(u64::from(paid_first))).await;
        let (placed, payment) = place(&market).await;
        let state = market.gateway.capture(payment);
        if paid_first {
            report(&market, payment, &state).await;
        }
        market.vyapar.orders().cancel(&market.buyer, market.store, &placed.id, None).await.unwrap();
        report(&market, payment, &state).await;
        report(&market, payment, &state).await;
        assert_eq!(market.gateway.refunded(payment), placed.totals.total);
        let gone = order(&market, &placed).await;
        assert_eq!((gone.status, gone.payment_status), (OrderStatus::Cancelled, PaymentStatus::Refunded));
        market.settle().await;
        market.check().await;
    }
}

/// The first attempt fails, a second one pays, then the first is captured after all: the
/// order is paid once, the late money goes back.
pub async fn the_second_of_two_successes_goes_back(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, first) = place(&market).await;
    let failed = market.gateway.fail(first);
    report(&market, first, &failed).await;
    assert_eq!(order(&market, &placed).await.status, OrderStatus::Placed);
    let second = market.vyapar.orders().pay(&market.buyer, market.store, &placed.id).await.unwrap().payment_id;
    assert_ne!(first, second);
    let states = [(first, market.gateway.capture(first)), (second, market.gateway.capture(second))];
    let events = states.into_iter().map(|(payment, state)| {
        let (vyapar, store) = (market.vyapar.clone(), market.store);
        async move { vyapar.orders().payment_event(&Market::host(), store, payment, &state).await.unwrap() }
    });
    at_once(events).await;
    market.settle().await;
    market.check().await;
    let paid = order(&market, &placed).await;
    let winner = paid.paid_by.expect("one of both pays");
    let loser = if winner == first { second } else { first };
    assert_eq!(market.gateway.refunded(loser), placed.totals.total);
    assert_eq!(market.gateway.refunded(winner), crate::Money::ZERO);
    assert_eq!(paid.payment_status, PaymentStatus::Paid);
}

/// A failed attempt is captured after all, and the event that says so is lost: recovery asks
/// the gateway, and the money is not forgotten.
pub async fn a_late_capture_that_nobody_reported_is_found(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, payment) = place(&market).await;
    let failed = market.gateway.fail(payment);
    report(&market, payment, &failed).await;
    market.gateway.capture(payment);
    market.settle().await;
    market.check().await;
    let now = order(&market, &placed).await;
    let kept = now.status == OrderStatus::Placed && now.paid_by == Some(payment);
    let returned = now.status == OrderStatus::Cancelled && market.gateway.refunded(payment) == placed.totals.total;
    assert!(kept || returned, "{now:#?}");
}

/// Events come in any order.
pub async fn a_failure_never_overwrites_a_success(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, payment) = place(&market).await;
    let captured = market.gateway.capture(payment);
    report(&market, payment, &captured).await;
    report(&market, payment, &ChargeState::Failed).await;
    report(&market, payment, &ChargeState::Pending).await;
    assert_eq!(market.payments(&placed.id).await[0].status, AttemptStatus::Success);
    assert_eq!(order(&market, &placed).await.payment_status, PaymentStatus::Paid);
    market.settle().await;
    market.check().await;
}

/// Unit by unit, then the rest by cancelling: together exactly what was paid.
pub async fn parts_of_a_paid_order_are_refunded_to_the_paisa(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let request = market.request("key", PaymentMethod::Card, &[(0, 3), (1, 1)]);
    let placed = market.vyapar.orders().place(&market.buyer, request).await.unwrap();
    let payment = placed.payment.unwrap().payment_id;
    let early = [(market.products[0], Quantity::units(2))];
    let early = market.vyapar.orders().reduce(&market.buyer, market.store, &placed.order.id, &early).await;
    assert!(matches!(early, Err(OrderError::NotReady(_))), "{early:?}");
    let state = market.gateway.capture(payment);
    report(&market, payment, &state).await;
    for (left, refunded) in [(2, "10.00"), (1, "20.00")] {
        let target = [(market.products[0], Quantity::units(left))];
        let orders = market.vyapar.orders();
        let order = orders.reduce(&market.buyer, market.store, &placed.order.id, &target).await.unwrap();
        assert_eq!(market.gateway.refunded(payment).to_string(), refunded);
        assert_eq!(order.payment_status, PaymentStatus::PartiallyRefunded);
        market.check().await;
    }
    market.vyapar.orders().cancel(&market.buyer, market.store, &placed.order.id, None).await.unwrap();
    assert_eq!(market.gateway.refunded(payment), placed.order.totals.total);
    assert_eq!(order(&market, &placed.order).await.payment_status, PaymentStatus::Refunded);
    market.settle().await;
    market.check().await;
}

/// No money moves while it is away; the obligation stands and is met later.
pub async fn a_gateway_that_is_away_is_asked_again(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    market.gateway.set_away(true);
    let error = market.vyapar.orders().place(&market.buyer, market.upi("key")).await.unwrap_err();
    assert!(matches!(error, OrderError::Gateway(_)), "{error:?}");
    market.gateway.set_away(false);
    let (placed, payment) = place(&market).await;
    let state = market.gateway.capture(payment);
    report(&market, payment, &state).await;
    market.gateway.set_away(true);
    let orders = market.vyapar.orders();
    let gone = orders.cancel(&market.buyer, market.store, &placed.id, None).await.unwrap();
    assert_eq!((gone.status, market.gateway.refunded(payment)), (OrderStatus::Cancelled, crate::Money::ZERO));
    assert_eq!(market.free().await[0], Quantity::units(super::market::STOCK), "stock does not wait for money");
    for _ in 0..3 {
        market.fixtures.clock().advance(TimeDelta::hours(1));
        market.calm.orders().recover(&Market::host(), 10).await.unwrap();
    }
    market.gateway.set_away(false);
    market.settle().await;
    market.check().await;
    assert_eq!(market.gateway.refunded(payment), placed.totals.total);
}
