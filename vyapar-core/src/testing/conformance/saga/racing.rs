//! Many clients at once, on every interleaving that chance finds.

use chrono::TimeDelta;

use super::market::Market;
use crate::order::{OrderError, OrderStatus, PaymentMethod, PlaceOrder};
use crate::testing::conformance::support::at_once;
use crate::testing::faults::Fault;
use crate::testing::{Bench, Fixtures};

/// Refusals that a client in a race may meet; each tells it what to do.
fn expected(error: &OrderError) -> bool {
    matches!(
        error,
        OrderError::InProgress
            | OrderError::InsufficientStock(_)
            | OrderError::HoldExpired(_)
            | OrderError::NotAllowed { .. }
            | OrderError::TooLate(_)
            | OrderError::Concurrent
            | OrderError::OutcomeUnknown(_)
            | OrderError::Storage(_)
    )
}

/// Three callers of one key, a canceller, and two nodes that recover while time runs out.
pub async fn callers_of_one_key_and_recovery_agree(bench: &Bench) {
    for round in 0..12 {
        let fixtures = Fixtures::seeded(7_000 + round);
        let market = Market::with_stock(bench, &fixtures, 2).await;
        let method = if round % 2 == 0 { PaymentMethod::Cod } else { PaymentMethod::Upi };
        let clients = (0..6).map(|who| {
            let (vyapar, buyer, store) = (market.vyapar.clone(), market.buyer.clone(), market.store);
            let request = market.request("key", method, &[(0, 2)]);
            let (fixtures, orders) = (fixtures.clone(), market.ports.order.orders.clone());
            async move {
                match who {
                    0..=2 => {
                        let answer = vyapar.orders().place(&buyer, request).await;
                        assert!(answer.as_ref().err().is_none_or(expected), "{answer:?}");
                    }
                    3 => {
                        let page = crate::page::PageRequest::first(5);
                        for order in orders.list(store, Default::default(), page).await.unwrap().items {
                            let answer = vyapar.orders().cancel(&buyer, store, &order.id, None).await;
                            assert!(answer.as_ref().err().is_none_or(expected), "{answer:?}");
                        }
                    }
                    _ => {
                        fixtures.clock().advance(TimeDelta::minutes(8));
                        vyapar.orders().recover(&Market::host(), 10).await.unwrap();
                    }
                }
            }
        });
        at_once(clients).await;
        market.settle().await;
        market.check().await;
    }
}

/// Many customers and too little stock, while orders are cancelled and recovered.
pub async fn buyers_cancellers_and_recovery_never_oversell(bench: &Bench) {
    let fixtures = Fixtures::here();
    let market = Market::with_stock(bench, &fixtures, 20).await;
    let clients = (0..48_u32).map(|who| {
        let (vyapar, store, fixtures) = (market.vyapar.clone(), market.store, fixtures.clone());
        let customer = market.fixtures.customer_id();
        let buyer = crate::Actor::customer(customer, None);
        // Baskets in both orders of products: neither may wait for the other for ever.
        let lines: &[(usize, u32)] = if who % 2 == 0 { &[(0, 1), (1, 1)] } else { &[(1, 1), (0, 1)] };
        let request = PlaceOrder { customer_id: customer, ..market.request("k", PaymentMethod::Cod, lines) };
        async move {
            if who % 16 == 15 {
                fixtures.clock().advance(TimeDelta::seconds(40));
                vyapar.orders().recover(&Market::host(), 50).await.unwrap();
                return false;
            }
            match vyapar.orders().place(&buyer, request).await {
                Ok(placed) if who % 3 == 0 && placed.order.status != OrderStatus::Cancelled => {
                    vyapar.orders().cancel(&buyer, store, &placed.order.id, None).await.unwrap();
                    false
                }
                Ok(placed) => placed.order.status != OrderStatus::Cancelled,
                Err(error) => {
                    assert!(expected(&error), "{error:?}");
                    false
                }
            }
        }
    });
    let placed = at_once(clients).await.into_iter().filter(|placed| *placed).count();
    assert!((1..=20).contains(&placed), "{placed} of 20 sold");
    market.settle().await;
    market.check().await;
}

/// Every tenth call of storage goes wrong somehow, under callers of several keys.
pub async fn faults_at_random_among_many_callers(bench: &Bench) {
    for round in 0..10 {
        let fixtures = Fixtures::seeded(9_000 + round);
        let market = Market::with_stock(bench, &fixtures, 6).await;
        let dice = fixtures.clone();
        market.faults.plan(move |_| {
            // Crashes are dropped callers; here every caller lives.
            let living = [Fault::Fail, Fault::Break, Fault::LoseAnswer, Fault::LoseCall, Fault::Delay, Fault::Repeat];
            let roll = dice.below(60);
            living.get(usize::try_from(roll).unwrap_or(usize::MAX)).copied()
        });
        let clients = (0..12_u32).map(|who| {
            let (vyapar, buyer) = (market.vyapar.clone(), market.buyer.clone());
            let method = if who % 2 == 0 { PaymentMethod::Cod } else { PaymentMethod::Wallet };
            let request = market.request(&format!("key {}", who / 3), method, &[(0, 1), (1, 1)]);
            async move {
                for _ in 0..3 {
                    match vyapar.orders().place(&buyer, request.clone()).await {
                        Ok(placed) => return Some(placed.order).filter(|order| order.status == OrderStatus::Placed),
                        Err(OrderError::KeyReused) => return None,
                        Err(error) => assert!(expected(&error), "{error:?}"),
                    }
                }
                None
            }
        });
        let told = at_once(clients).await;
        market.settle().await;
        market.check().await;
        for order in told.into_iter().flatten().filter(|order| order.payment_method == PaymentMethod::Cod) {
            let now = market.calm.orders().get(&market.buyer, market.store, &order.id).await.unwrap();
            assert_eq!(now.status, OrderStatus::Placed, "told placed, cancelled all the same");
        }
    }
}
