//! Payments of orders.

use chrono::TimeDelta;
use serde_json::json;

use super::market::Market;
use crate::id::{PaymentId, RefundId};
use crate::order::{Order, OrderError, OrderStatus, PaymentMethod, PaymentStatus};
use crate::payment::{AttemptStatus, ChargeState, PaymentMethodKind, RefundStatus};
use crate::quantity::Quantity;
use crate::system::AuditFilter;
use crate::testing::conformance::support::{all_pages, at_once};
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

/// A person has the gateway asked again, or gives the money back himself and says so; either way it
/// is given back once, and nothing is stuck any more.
pub async fn a_refused_refund_is_made_in_the_end(bench: &Bench) {
    for by_hand in [false, true] {
        let market = Market::open(bench, &Fixtures::seeded(u64::from(by_hand))).await;
        let orders = market.vyapar.orders();
        let (placed, payment) = place(&market).await;
        report(&market, payment, &market.gateway.capture(payment)).await;
        market.gateway.set_refusing(true);
        orders.cancel(&market.buyer, market.store, &placed.id, None).await.unwrap();
        let stuck = orders.stuck(&Market::host(), 10).await.unwrap();
        assert_eq!(stuck.len(), 1, "{stuck:#?}");
        let again = orders.retry_refunds(&market.owner, market.store, payment).await.unwrap();
        assert_eq!(again.refunds[0].status, RefundStatus::Failed, "it refuses still");
        assert_eq!(order(&market, &placed).await.payment_status, PaymentStatus::Paid);
        let refund = again.refunds[0].id;
        let settled = if by_hand {
            let none = RefundId::from_uuid(market.fixtures.uuid());
            let none = orders.settle_refund(&market.owner, market.store, payment, none, "UTR 1").await;
            assert!(matches!(none, Err(OrderError::NoRefund(_))), "{none:?}");
            orders.settle_refund(&market.owner, market.store, payment, refund, "UTR 1").await.unwrap()
        } else {
            market.gateway.set_refusing(false);
            orders.retry_refunds(&market.owner, market.store, payment).await.unwrap()
        };
        assert_eq!((settled.status, settled.refunds.len()), (AttemptStatus::Refunded, 1));
        let twice = orders.settle_refund(&market.owner, market.store, payment, refund, "UTR 2").await.unwrap();
        assert_eq!((twice.version, twice.status), (settled.version, AttemptStatus::Refunded));
        orders.retry_refunds(&market.owner, market.store, payment).await.unwrap();
        let back = if by_hand { crate::Money::ZERO } else { placed.totals.total };
        assert_eq!(market.gateway.refunded(payment), back);
        assert_eq!(order(&market, &placed).await.payment_status, PaymentStatus::Refunded);
        assert!(orders.stuck(&Market::host(), 10).await.unwrap().is_empty());
        market.settle().await;
        // What is settled for good is no more recovery's.
        let stored = market.payments(&placed.id).await.remove(0);
        assert_eq!((stored.recover_at, stored.failures), (None, 0));
        let seen = orders.payments(&market.buyer, market.store, &placed.id).await.unwrap();
        assert_eq!(seen, [stored]);
        let filter = AuditFilter { entity: Some(("payment".to_owned(), payment.to_string())), ..Default::default() };
        let log = &market.ports.payment.audit;
        let entries = all_pages(50, |page| log.list(filter.clone(), page)).await.unwrap();
        let mut actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        actions.sort_unstable();
        let mut expected = vec!["payment.begin", "payment.refund", "payment.refund_again"];
        expected.extend((!by_hand).then_some("payment.refund_again"));
        expected.extend(["payment.refund_done", "payment.refund_refused", "payment.refund_refused", "payment.success"]);
        assert_eq!(actions, expected);
        let done = entries.iter().find(|entry| entry.action == "payment.refund_done");
        let reference = done.and_then(|entry| entry.new_values.as_ref()?.get("reference").cloned());
        assert_eq!(reference, by_hand.then(|| "UTR 1".into()));
    }
}

/// Whoever hands the goods over has been given the money.
pub async fn cash_is_recorded_at_delivery(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let orders = market.vyapar.orders();
    let placed = orders.place(&market.buyer, market.cod("key")).await.unwrap().order;
    for to in [OrderStatus::Confirmed, OrderStatus::Preparing, OrderStatus::Ready, OrderStatus::OutForDelivery] {
        let moved = orders.advance(&market.owner, market.store, &placed.id, to, None).await.unwrap();
        assert_eq!((moved.payment_status, moved.paid_by), (PaymentStatus::Pending, None));
    }
    let done = orders.advance(&market.owner, market.store, &placed.id, OrderStatus::Delivered, None).await.unwrap();
    orders.advance(&market.owner, market.store, &placed.id, OrderStatus::Delivered, None).await.unwrap();
    let [cash] = orders.payments(&market.buyer, market.store, &placed.id).await.unwrap().try_into().unwrap();
    assert_eq!(
        (cash.method, cash.status, cash.amount),
        (PaymentMethodKind::Cash, AttemptStatus::Success, done.totals.total)
    );
    assert_eq!((done.payment_status, done.paid_by), (PaymentStatus::Paid, Some(cash.id)));
    market.settle().await;
    market.check().await;
}

/// No gateway captures nothing, so such an order would never be paid; in cash it is, by nothing.
pub async fn nothing_is_not_paid_online(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    super::serving::change(&market, |profile| profile.delivery_fee = crate::Money::ZERO).await;
    market.reprice(0, "0").await;
    let orders = market.vyapar.orders();
    let request = |method| market.request("key", method, &[(0, 1)]);
    let refused = orders.place(&market.buyer, request(PaymentMethod::Upi)).await.unwrap_err();
    assert_eq!(refused.to_string(), "there is nothing to pay by upi: the total is ₹0.00");
    let placed = orders.place(&market.buyer, request(PaymentMethod::Cod)).await.unwrap().order;
    let way = [OrderStatus::Confirmed, OrderStatus::Preparing, OrderStatus::Ready, OrderStatus::OutForDelivery];
    for to in way.into_iter().chain([OrderStatus::Delivered]) {
        orders.advance(&market.owner, market.store, &placed.id, to, None).await.unwrap();
    }
    let done = order(&market, &placed).await;
    assert_eq!((done.payment_status, done.paid_by), (PaymentStatus::Paid, None));
    assert!(orders.payments(&market.buyer, market.store, &placed.id).await.unwrap().is_empty());
    market.check().await;
}

/// Not who paid, nor from which account; nothing without bound.
pub async fn of_a_gateways_answer_only_known_fields_are_kept(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (placed, payment) = place(&market).await;
    let ChargeState::Captured { transaction_id, .. } = market.gateway.capture(payment) else { unreachable!() };
    let response = json!({
        "method": "upi", "vpa": "asha@upi", "contact": "+919876543210", "email": "asha@example.in", "fee": 118,
        "bank": "x".repeat(101), "status": "captured\u{0}", "card": { "last4": "0042" }, "captured": true,
    });
    report(&market, payment, &ChargeState::Captured { transaction_id, response: Some(response) }).await;
    let stored = market.payments(&placed.id).await.remove(0);
    assert_eq!(stored.gateway_response, Some(json!({ "method": "upi", "fee": 118, "captured": true })));
    market.settle().await;
    market.check().await;
}
