//! Moving orders along and calling them off.

use chrono::TimeDelta;

use super::market::{Market, STOCK};
use crate::inventory::{MovementType, ReservationState};
use crate::order::{Destination, Fulfilment, Order, OrderError, OrderStatus, PaymentMethod};
use crate::page::PageRequest;
use crate::quantity::Quantity;
use crate::testing::conformance::support::at_once;
use crate::testing::faults::Fault;
use crate::testing::{Bench, Fixtures};

use OrderStatus::{Cancelled, Confirmed, Delivered, OutForDelivery, Placed, Preparing, Ready};

async fn place(market: &Market) -> Order {
    market.calm.orders().place(&market.buyer, market.cod("key")).await.unwrap().order
}

async fn walk(market: &Market, order: &Order, to: &[OrderStatus]) -> Order {
    let mut order = order.clone();
    for to in to {
        order = market.calm.orders().advance(&market.owner, market.store, &order.id, *to, None).await.unwrap();
        assert_eq!(order.status, *to);
    }
    order
}

/// From placed to delivered: one row of history a move, the stock dispatched on the way.
pub async fn an_order_goes_its_way_and_leaves_its_history(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let order = place(&market).await;
    let way = [Confirmed, Preparing, Ready, OutForDelivery, Delivered];
    let orders = market.vyapar.orders();
    for to in way {
        market.fixtures.clock().advance(TimeDelta::minutes(5));
        let moved = orders.advance(&market.owner, market.store, &order.id, to, Some("ठीक है")).await.unwrap();
        let again = orders.advance(&market.owner, market.store, &order.id, to, Some("twice")).await.unwrap();
        assert_eq!((moved.status, &again), (to, &moved), "moving there again does nothing");
    }
    let rows = orders.history(&market.buyer, market.store, &order.id).await.unwrap();
    let statuses: Vec<_> = rows.iter().map(|row| row.entry.status).collect();
    assert_eq!(statuses, [Placed, Confirmed, Preparing, Ready, OutForDelivery, Delivered]);
    assert!(rows[1..].iter().all(|row| row.notes.as_deref() == Some("ठीक है")));
    assert!(rows[1..].iter().all(|row| row.entry.changed_by == market.owner.user()));
    assert!(rows.windows(2).all(|pair| pair[0].entry.created_at < pair[1].entry.created_at));
    assert_eq!(market.reservation(&order).await.unwrap().state, ReservationState::Dispatched);
    market.check().await;
}

/// All pairs that the table does not have, for delivery and pickup, customer and store.
pub async fn every_move_outside_the_table_leaves_no_trace(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    for fulfilment in Fulfilment::ALL {
        let way: &[OrderStatus] = match fulfilment {
            Fulfilment::Delivery => &[Placed, Confirmed, Preparing, Ready, OutForDelivery, Delivered],
            Fulfilment::Pickup => &[Placed, Confirmed, Preparing, Ready, Delivered],
        };
        let mut request = market.request(fulfilment.as_str(), PaymentMethod::Cod, &[(0, 1)]);
        if *fulfilment == Fulfilment::Pickup {
            request.destination = Destination::Pickup;
        }
        let mut order = market.calm.orders().place(&market.buyer, request).await.unwrap().order;
        for (at, from) in way.iter().enumerate() {
            let before = market.calm.orders().history(&market.owner, market.store, &order.id).await.unwrap();
            for actor in [&market.buyer, &market.owner] {
                for to in OrderStatus::ALL.iter().filter(|to| *to != from) {
                    if from
                        .step(
                            *to,
                            actor.party(order.store_id, order.customer_id, market.fixtures.now()),
                            *fulfilment,
                            order.dispatched,
                        )
                        .is_some()
                    {
                        continue;
                    }
                    let answer = market.vyapar.orders().advance(actor, market.store, &order.id, *to, None).await;
                    let refused =
                        matches!(answer, Err(OrderError::NotAllowed { from: f, to: t, .. }) if f == *from && t == *to);
                    assert!(refused, "{from} → {to}: {answer:?}");
                }
            }
            let after = market.calm.orders().get(&market.owner, market.store, &order.id).await.unwrap();
            assert_eq!(after, order, "a refused move left a trace");
            let rows = market.calm.orders().history(&market.owner, market.store, &order.id).await.unwrap();
            assert_eq!(rows, before);
            if let Some(next) = way.get(at + 1) {
                order = walk(&market, &order, &[*next]).await;
            }
        }
    }
    let way = place(&market).await;
    let gone = walk(&market, &way, &[Confirmed, Preparing, Ready, OutForDelivery]).await;
    let reason = market.vyapar.orders().cancel(&market.owner, market.store, &gone.id, None).await;
    assert!(matches!(reason, Err(OrderError::ReasonNeeded(OutForDelivery))), "{reason:?}");
    market.check().await;
}

/// While the hold is not committed, the store cannot accept the order.
pub async fn an_order_is_confirmed_only_with_committed_stock(bench: &Bench) {
    let market = Market::in_steps(bench, &Fixtures::here()).await;
    market.faults.plan(|call| (call.name == "reservations.commit").then_some(Fault::LoseCall));
    let error = market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap_err();
    assert!(matches!(error, OrderError::OutcomeUnknown(_)), "{error:?}");
    market.faults.none();
    let order = market.orders().await.remove(0);
    let orders = market.vyapar.orders();
    let early = orders.advance(&market.owner, market.store, &order.id, Confirmed, None).await;
    assert!(matches!(early, Err(OrderError::NotReady(_))), "{early:?}");
    // Asking again with the same key completes it.
    assert!(orders.place(&market.buyer, market.cod("key")).await.unwrap().replayed);
    orders.advance(&market.owner, market.store, &order.id, Confirmed, None).await.unwrap();
    let unpaid = orders.place(&market.buyer, market.upi("online")).await.unwrap().order;
    let early = orders.advance(&market.owner, market.store, &unpaid.id, Confirmed, None).await;
    assert!(matches!(early, Err(OrderError::NotReady(_))), "{early:?}");
    market.settle().await;
    market.check().await;
}

/// cancel(place(s)) = s, but for what was written down.
pub async fn cancelling_undoes_placing(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let full = market.free().await;
    for (key, way) in [("placed", &[][..]), ("confirmed", &[Confirmed]), ("ready", &[Confirmed, Preparing, Ready])] {
        let order = market.vyapar.orders().place(&market.buyer, market.cod(key)).await.unwrap().order;
        assert_ne!(market.free().await, full);
        let order = walk(&market, &order, way).await;
        let actor = if way.len() < 2 { &market.buyer } else { &market.owner };
        let orders = market.vyapar.orders();
        let gone = orders.cancel(actor, market.store, &order.id, Some("changed my mind")).await.unwrap();
        assert_eq!(
            (gone.status, gone.cancelled_by),
            (Cancelled, Some(actor.party(gone.store_id, gone.customer_id, market.fixtures.now())))
        );
        let contact = orders.contact(actor, &gone).unwrap();
        assert_eq!(contact.cancel_reason.unwrap().as_str(), "changed my mind");
        assert_eq!(orders.cancel(actor, market.store, &order.id, None).await.unwrap(), gone);
        assert_eq!(market.free().await, full, "stock after cancelling a {key} order");
        // The key answers its cancelled order; it does not order again by itself.
        let again = orders.place(&market.buyer, market.cod(key)).await.unwrap();
        assert_eq!((again.replayed, again.order.status), (true, Cancelled));
        market.check().await;
    }
}

/// Cancelled on the way: the goods come back through the ledger, as returns.
pub async fn goods_that_left_come_back_as_returns(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let full = market.free().await;
    let order = walk(&market, &place(&market).await, &[Confirmed, Preparing, Ready, OutForDelivery]).await;
    let gone = market.vyapar.orders().cancel(&market.owner, market.store, &order.id, Some("refused")).await.unwrap();
    assert_eq!(gone.status, Cancelled);
    assert_eq!(market.free().await, full);
    let ledger = &market.ports.stock.ledger;
    let page = ledger.movements(market.store, market.products[0], PageRequest::first(1)).await.unwrap();
    assert_eq!(page.items[0].movement_type, MovementType::Return);
    assert_eq!(page.items[0].quantity, Quantity::units(2).inward());
    market.check().await;
}

/// A failed delivery goes back to ready and out again; the stock is dispatched once, and a
/// cancel from ready then is a return.
pub async fn goods_leave_once_however_often_delivery_is_tried(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let full = market.free().await;
    let way = [Confirmed, Preparing, Ready, OutForDelivery, Ready, OutForDelivery, Ready];
    let order = walk(&market, &place(&market).await, &way).await;
    assert!(order.dispatched);
    market.check().await;
    market.vyapar.orders().cancel(&market.owner, market.store, &order.id, Some("not at home")).await.unwrap();
    assert_eq!(market.free().await, full);
    market.check().await;
}

/// A part goes back on the shelf; the rest stays, with its tax; a retry changes nothing.
pub async fn parts_are_cancelled_exactly(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let order = place(&market).await;
    let (a, b) = (market.products[0], market.products[1]);
    let orders = market.vyapar.orders();
    let less = [(a, Quantity::units(1))];
    let reduced = orders.reduce(&market.buyer, market.store, &order.id, &less).await.unwrap();
    assert_eq!(reduced.totals.total.to_string(), "45.00");
    assert_eq!(reduced.items[0].quantity, Quantity::units(1));
    assert_eq!(reduced.items[0].ordered_quantity, Quantity::units(2));
    assert_eq!(orders.reduce(&market.buyer, market.store, &order.id, &less).await.unwrap(), reduced);
    assert_eq!(market.free().await[0], Quantity::units(STOCK - 1));
    market.check().await;
    let more = orders.reduce(&market.buyer, market.store, &order.id, &[(a, Quantity::units(2))]).await;
    assert!(matches!(more, Err(OrderError::NotInOrder { .. })), "{more:?}");
    let none = [(a, Quantity::ZERO), (b, Quantity::ZERO)];
    let none = orders.reduce(&market.buyer, market.store, &order.id, &none).await;
    assert!(matches!(none, Err(OrderError::EmptyBasket)), "{none:?}");
    let foreign = [(market.products[2], Quantity::ZERO)];
    let foreign = orders.reduce(&market.buyer, market.store, &order.id, &foreign).await;
    assert!(matches!(foreign, Ok(_) | Err(OrderError::NotInOrder { .. })));
    let order = walk(&market, &reduced, &[Confirmed]).await;
    let late = orders.reduce(&market.buyer, market.store, &order.id, &[(a, Quantity::ZERO)]).await;
    assert!(matches!(late, Err(OrderError::TooLate(Confirmed))), "{late:?}");
    market.check().await;
}

/// No part of a piece, and by the customer not less than the store delivers; the store itself may
/// send less, because it has no more.
pub async fn what_is_left_of_an_order_could_have_been_ordered(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let order = place(&market).await;
    let (full, orders) = (market.free().await, market.vyapar.orders());
    let less = |quantity: &str| [(market.products[0], quantity.parse().unwrap())];
    let half = orders.reduce(&market.buyer, market.store, &order.id, &less("1.5")).await.unwrap_err();
    assert!(matches!(half, OrderError::Quantity { product_id, .. } if product_id == market.products[0]), "{half:?}");
    super::serving::change(&market, |profile| profile.min_order_amount = "40".parse().unwrap()).await;
    let small = orders.reduce(&market.buyer, market.store, &order.id, &less("1")).await.unwrap_err();
    assert_eq!(small.to_string(), "₹30.00 is below the store's smallest order of ₹40.00");
    assert_eq!(orders.get(&market.owner, market.store, &order.id).await.unwrap(), order, "a refusal left a trace");
    assert_eq!(market.free().await, full);
    orders.reduce(&market.owner, market.store, &order.id, &less("1")).await.unwrap();
    market.check().await;
}

/// The store sends the goods out while the customer's store cancels: one of both happens,
/// and the stock follows it.
pub async fn cancelling_and_dispatching_at_once_has_one_winner(bench: &Bench) {
    for round in 0..8 {
        let fixtures = Fixtures::seeded(4_200 + round);
        let market = Market::open(bench, &fixtures).await;
        let order = walk(&market, &place(&market).await, &[Confirmed, Preparing, Ready]).await;
        let tasks = (0..4).map(|at| {
            let (vyapar, owner) = (market.vyapar.clone(), market.owner.clone());
            let (store, id) = (market.store, order.id.clone());
            async move {
                if at % 2 == 0 {
                    vyapar.orders().advance(&owner, store, &id, OutForDelivery, None).await
                } else {
                    vyapar.orders().cancel(&owner, store, &id, None).await
                }
            }
        });
        for answer in at_once(tasks).await {
            let fine = matches!(
                answer,
                Ok(_) | Err(OrderError::NotAllowed { .. } | OrderError::ReasonNeeded(_) | OrderError::Concurrent)
            );
            assert!(fine, "{answer:?}");
        }
        market.settle().await;
        market.check().await;
    }
}
