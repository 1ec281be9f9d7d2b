//! All of it or nothing: hold, order, commit.

use chrono::TimeDelta;

use super::super::stock::shop::q;
use super::super::support::{at_once, audited};
use super::market::Market;
use crate::inventory::{ReleaseCause, ReservationState, ReserveOutcome, ShortLine};
use crate::order::{AbandonOutcome, AtOnceOutcome, InsertOutcome, OrderSlot};
use crate::quantity::StockUnit;
use crate::testing::Bench;

/// Its stock is committed and looked at no more, its order there with history and audit, its
/// movements in the ledger.
pub async fn an_order_is_placed_whole_at_once(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let products = shop.products(2, StockUnit::Piece, q(5)).await;
    let request = market.request(&[(products[0], q(2)), (products[1], q(5))]);
    market.placed(&request).await;
    let (reserve, new) = request;
    let found = shop.find(&reserve.hold).await.unwrap();
    assert_eq!((found.state, found.open), (ReservationState::Committed, false));
    assert_eq!(
        (found.hold, found.fingerprint, found.due),
        (reserve.hold.clone(), Some(reserve.fingerprint), reserve.due)
    );
    assert_eq!(market.slot(&reserve.hold).await, OrderSlot::Order(Box::new(new.order.clone())));
    assert_eq!(market.orders.orders.history(shop.store, &new.order.id).await.unwrap(), [new.history]);
    audited(&market.orders.audit, &[&new.audit]).await;
    assert_eq!((shop.stock(products[0]).await, shop.stock(products[1]).await), ((q(3), q(2)), (q(0), q(5))));
    shop.adds_up(&products, std::slice::from_ref(&reserve.hold)).await;
    assert!(shop.due(reserve.due + TimeDelta::days(1)).await.unwrap().is_empty(), "nothing is left to recover");
}

/// One short line, and nothing is held or stored; all short lines are told.
pub async fn a_short_order_leaves_nothing_at_all(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let products = shop.products(3, StockUnit::Piece, q(2)).await;
    let request = market.request(&[(products[0], q(1)), (products[1], q(3)), (products[2], q(9))]);
    let short = |at: usize, requested| ShortLine { product_id: products[at], requested, available: q(2) };
    assert_eq!(market.place(&request).await.unwrap(), AtOnceOutcome::Short(vec![short(1, q(3)), short(2, q(9))]));
    market.is_absent(&request).await;
    shop.adds_up(&products, &[]).await;
}

/// A key with a reservation in any state, a tombstone, or an order's id that is known: taken,
/// even where there is no stock, and nothing is written.
pub async fn a_known_key_or_order_is_taken(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let product = shop.pieces(9).await;
    let placed = market.request(&[(product, q(1))]);
    market.placed(&placed).await;
    let held = shop.held(&[(product, q(1))]).await;
    let undone = shop.undone(&[(product, q(1))]).await;
    let tombstone = shop.make.hold();
    shop.release(&tombstone, ReleaseCause::Undone).await;
    let before = shop.stock(product).await;
    for hold in [placed.0.hold.clone(), held, undone, tombstone] {
        let stored = shop.find(&hold).await;
        // Another caller of the key, with an order of his own; wanting more than there is.
        let mut other = shop.make.reserve(&[(product, q(100))]);
        other.hold.id = hold.id;
        let other = market.of(other);
        assert_eq!(market.place(&other).await.unwrap(), AtOnceOutcome::Taken, "{stored:?}");
        // The same call once more.
        let mut same = shop.make.reserve(&[(product, q(1))]);
        same.hold = hold.clone();
        assert_eq!(market.place(&market.of(same)).await.unwrap(), AtOnceOutcome::Taken, "{stored:?}");
        assert_eq!(shop.find(&hold).await, stored);
        assert_eq!(market.slot(&other.0.hold).await, OrderSlot::Absent);
    }
    let abandoned = market.request(&[(product, q(1))]);
    let id = &abandoned.0.hold.order_id;
    let outcome = market.orders.orders.abandon(shop.store, id, shop.now()).await.unwrap();
    assert_eq!(outcome, AbandonOutcome::Abandoned);
    assert_eq!(market.place(&abandoned).await.unwrap(), AtOnceOutcome::Taken);
    let inserted = market.request(&[(product, q(1))]);
    let outcome = market.orders.orders.insert(shop.store, inserted.1.clone()).await.unwrap();
    assert_eq!(outcome, InsertOutcome::Inserted);
    assert_eq!(market.place(&inserted).await.unwrap(), AtOnceOutcome::Taken);
    for (reserve, _) in [&abandoned, &inserted] {
        assert_eq!(shop.find(&reserve.hold).await, None);
    }
    assert_eq!(shop.stock(product).await, before);
}

/// A released, closed reservation gives way to a later attempt.
pub async fn a_free_key_is_placed_under_its_next_attempt(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let product = shop.pieces(1).await;
    let first = shop.undone(&[(product, q(1))]).await;
    shop.close(&first).await;
    let mut again = shop.make.reserve(&[(product, q(1))]);
    again.hold = shop.make.next_attempt(&first);
    market.placed(&market.of(again.clone())).await;
    let found = shop.find(&again.hold).await.unwrap();
    assert_eq!((found.hold, found.state, found.open), (again.hold.clone(), ReservationState::Committed, false));
    shop.adds_up(&[product], &[again.hold]).await;
}

/// An order whose tracking id another one has is not stored, and holds nothing.
pub async fn a_taken_tracking_id_leaves_nothing_at_all(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let product = shop.pieces(5).await;
    let first = market.request(&[(product, q(1))]);
    market.placed(&first).await;
    let mut second = market.request(&[(product, q(1))]);
    second.1.order.tracking_id = first.1.order.tracking_id.clone();
    assert_eq!(market.place(&second).await.unwrap(), AtOnceOutcome::TrackingIdTaken);
    market.is_absent(&second).await;
    assert_eq!(shop.stock(product).await, (q(4), q(1)));
    second.1.order.tracking_id = shop.make.tracking_id();
    market.placed(&second).await;
    shop.adds_up(&[product], &[first.0.hold, second.0.hold]).await;
}

/// A hold whose time is over frees its stock for who places at once, though nobody swept.
pub async fn what_is_due_goes_to_who_places_at_once(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let product = shop.pieces(1).await;
    let expired = shop.held(&[(product, q(1))]).await;
    let early = market.request(&[(product, q(1))]);
    assert!(matches!(market.place(&early).await.unwrap(), AtOnceOutcome::Short(_)));
    shop.make.clock().advance(TimeDelta::minutes(3));
    let request = market.request(&[(product, q(1))]);
    market.placed(&request).await;
    let found = shop.find(&expired).await.unwrap();
    assert_eq!((found.state, found.open), (ReservationState::Released, true));
    shop.adds_up(&[product], &[expired, request.0.hold]).await;
}

/// Sixty-four buyers and one unit: one order, sixty-three are told that it is gone.
pub async fn sixty_four_buyers_at_once_and_one_unit(bench: &Bench) {
    let market = Market::new(bench);
    let product = market.shop.pieces(1).await;
    let requests: Vec<_> = (0..64).map(|_| market.request(&[(product, q(1))])).collect();
    let outcomes = at_once(requests.clone().into_iter().map(|request| {
        let market = market.clone();
        async move { market.place(&request).await.unwrap() }
    }))
    .await;
    let gone = AtOnceOutcome::Short(vec![ShortLine { product_id: product, requested: q(1), available: q(0) }]);
    let count = |wanted: &AtOnceOutcome| outcomes.iter().filter(|outcome| *outcome == wanted).count();
    assert_eq!((count(&AtOnceOutcome::Placed), count(&gone)), (1, 63), "{outcomes:?}");
    for (request, outcome) in requests.iter().zip(&outcomes) {
        if *outcome == gone {
            market.is_absent(request).await;
        }
    }
    let holds: Vec<_> = requests.iter().map(|(reserve, _)| reserve.hold.clone()).collect();
    market.shop.adds_up(&[product], &holds).await;
}

/// Callers of one key, each with an order of his own: one is placed, the others find it.
pub async fn callers_of_one_key_place_one_order(bench: &Bench) {
    let market = Market::new(bench);
    let product = market.shop.pieces(40).await;
    let first = market.shop.make.reserve(&[(product, q(1))]);
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let mut reserve = market.shop.make.reserve(&[(product, q(1))]);
            reserve.hold.id = first.hold.id;
            market.of(reserve)
        })
        .collect();
    let outcomes = at_once(requests.clone().into_iter().map(|request| {
        let market = market.clone();
        async move { market.place(&request).await.unwrap() }
    }))
    .await;
    let mut placed = 0;
    for (request, outcome) in requests.iter().zip(&outcomes) {
        let there = matches!(market.slot(&request.0.hold).await, OrderSlot::Order(_));
        assert_eq!(there, *outcome == AtOnceOutcome::Placed, "{outcomes:?}");
        placed += usize::from(there);
    }
    assert_eq!(placed, 1);
    assert_eq!(market.shop.stock(product).await, (q(39), q(1)));
}

/// An order is placed while others give it up, among other orders: one side has it, everybody is
/// told which, and an order that was given up holds nothing.
pub async fn of_placing_and_abandoning_at_once_one_side_has_it(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let product = shop.pieces(200).await;
    let mut holds = Vec::new();
    for round in 0..16 {
        let wanted = market.request(&[(product, q(1))]);
        let others: Vec<_> = (0..4).map(|_| market.request(&[(product, q(1))])).collect();
        let told = at_once((0..8).map(|number| {
            let (market, wanted, other) = (market.clone(), wanted.clone(), others[number / 2].clone());
            async move {
                let (store, now) = (market.shop.store, market.shop.now());
                match (number + round) % 4 {
                    0 => ("placed", market.place(&wanted).await.unwrap() == AtOnceOutcome::Placed),
                    2 => match market.orders.orders.abandon(store, &wanted.1.order.id, now).await.unwrap() {
                        AbandonOutcome::Exists(found) => ("exists", *found == wanted.1.order),
                        AbandonOutcome::Abandoned => ("exists", false),
                    },
                    _ => ("other", market.place(&other).await.unwrap() == AtOnceOutcome::Placed),
                }
            }
        }))
        .await;
        let there = match market.slot(&wanted.0.hold).await {
            OrderSlot::Order(found) => *found == wanted.1.order,
            OrderSlot::Abandoned => false,
            OrderSlot::Absent => panic!("neither"),
        };
        let count = |what| told.iter().filter(|told| **told == (what, true)).count();
        assert_eq!((count("placed"), count("exists")), (usize::from(there), 2 * usize::from(there)), "{told:?}");
        assert_eq!(count("other"), 4, "{told:?}");
        assert_eq!(shop.find(&wanted.0.hold).await.is_some(), there);
        holds.extend(others.into_iter().chain(there.then_some(wanted)).map(|(reserve, _)| reserve.hold));
    }
    shop.adds_up(&[product], &holds).await;
}

/// Baskets that cross each other, half of them placed at once and half held in steps: every
/// unit is sold once.
pub async fn buyers_at_once_and_in_steps_never_oversell(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let products = shop.products(3, StockUnit::Piece, q(20)).await;
    let requests: Vec<_> = (0..60)
        .map(|number: usize| {
            let (a, b) = (products[number % 3], products[(number + 1) % 3]);
            let mut lines = vec![(a, q(1)), (b, q(1))];
            lines.sort_unstable();
            market.request(&lines)
        })
        .collect();
    let outcomes = at_once(requests.clone().into_iter().enumerate().map(|(number, request)| {
        let market = market.clone();
        async move {
            if number % 2 == 0 {
                market.place(&request).await.unwrap() == AtOnceOutcome::Placed
            } else {
                market.shop.reserve(&request.0).await == ReserveOutcome::Held
            }
        }
    }))
    .await;
    // Each basket takes one of two products, and there are 20 of each of the three.
    let sold = outcomes.iter().filter(|held| **held).count();
    assert!(sold <= 30, "{sold} baskets of two out of 60 units");
    let holds: Vec<_> = requests.iter().map(|(reserve, _)| reserve.hold.clone()).collect();
    shop.adds_up(&products, &holds).await;
}
