//! Many callers at once.

use chrono::TimeDelta;

use super::super::support::at_once;
use super::shop::{Shop, milli, q};
use crate::inventory::{
    CommitOutcome, DispatchOutcome, Hold, MovementType, ReleaseCause, ReleaseOutcome, ReservationState, Reserve,
    ReserveOutcome, ShortLine,
};
use crate::quantity::StockUnit;
use crate::testing::Bench;

/// Sends all at once and gives the outcomes, in order; no call may fail.
async fn reserve_all(shop: &Shop, requests: &[Reserve]) -> Vec<ReserveOutcome> {
    at_once(requests.iter().cloned().map(|request| {
        let shop = shop.clone();
        async move { shop.reserve(&request).await }
    }))
    .await
}

fn holds(requests: &[Reserve]) -> Vec<Hold> {
    requests.iter().map(|request| request.hold.clone()).collect()
}

fn count_held(outcomes: &[ReserveOutcome]) -> usize {
    outcomes.iter().filter(|outcome| **outcome == ReserveOutcome::Held).count()
}

/// Sixty-four buyers and one unit: one has it, sixty-three are told it is gone; no lock,
/// timeout or conflict reaches any of them.
pub async fn sixty_four_buyers_and_one_unit(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(1).await;
    let requests: Vec<_> = (0..64).map(|_| shop.make.reserve(&[(product, q(1))])).collect();
    let outcomes = reserve_all(&shop, &requests).await;
    let gone = ReserveOutcome::Short(vec![ShortLine { product_id: product, requested: q(1), available: q(0) }]);
    assert_eq!(count_held(&outcomes), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == gone).count(), 63, "{outcomes:?}");
    for (request, outcome) in requests.iter().zip(&outcomes) {
        assert_eq!(shop.find(&request.hold).await.is_some(), *outcome == ReserveOutcome::Held);
    }
    assert_eq!(shop.stock(product).await, (q(0), q(1)));
    shop.adds_up(&[product], &holds(&requests)).await;
}

/// More buyers than units: exactly the units are sold, whatever sizes the baskets have.
pub async fn more_buyers_than_units_sell_every_unit_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(30)).await;
    let requests: Vec<_> = (0..96)
        .map(|at| shop.make.reserve(&[(products[0], q(1)), (products[1], q(1))][..if at % 3 == 0 { 2 } else { 1 }]))
        .collect();
    let outcomes = reserve_all(&shop, &requests).await;
    assert_eq!(count_held(&outcomes), 30, "{outcomes:?}");
    let both = requests
        .iter()
        .zip(&outcomes)
        .filter(|(request, outcome)| request.lines.len() == 2 && **outcome == ReserveOutcome::Held);
    let both = u32::try_from(both.count()).unwrap();
    assert_eq!(shop.stock(products[0]).await, (q(0), q(30)));
    assert_eq!(shop.stock(products[1]).await, (q(30 - both), q(both)));
    shop.adds_up(&products, &holds(&requests)).await;
}

/// One reserve sent by thirty-two callers at once holds once, and all are told so.
pub async fn one_reserve_sent_by_thirty_two_callers_holds_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(3)).await;
    let request = shop.make.reserve(&[(products[0], q(2)), (products[1], q(3))]);
    let outcomes = reserve_all(&shop, &vec![request.clone(); 32]).await;
    assert_eq!(outcomes, vec![ReserveOutcome::Held; 32]);
    assert_eq!((shop.stock(products[0]).await, shop.stock(products[1]).await), ((q(1), q(2)), (q(0), q(3))));
    shop.adds_up(&products, &[request.hold]).await;
}

/// Sixteen orders under one key at once: one holds, the others are told which.
pub async fn one_key_for_sixteen_orders_holds_one(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(50).await;
    let first = shop.make.reserve(&[(product, q(1))]);
    let requests: Vec<_> = (0..16)
        .map(|_| Reserve {
            hold: Hold { id: first.hold.id, ..shop.make.hold() },
            ..shop.make.reserve(&[(product, q(1))])
        })
        .collect();
    let outcomes = reserve_all(&shop, &requests).await;
    assert_eq!(count_held(&outcomes), 1, "{outcomes:?}");
    let winner = shop.stored(&first.hold).await;
    assert!(requests.iter().any(|request| request.hold == winner.hold));
    let taken =
        outcomes.iter().filter(|outcome| matches!(outcome, ReserveOutcome::Taken(by) if by.hold == winner.hold));
    assert_eq!(taken.count(), 15, "{outcomes:?}");
    assert_eq!(shop.stock(product).await, (q(49), q(1)));
    shop.adds_up(&[product], &[winner.hold]).await;
}

/// Baskets over the same products in every order, released and held again, all come to an
/// end: none waits for another for ever, none fails for the order of its lines.
pub async fn baskets_in_opposite_order_never_deadlock(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(4, StockUnit::Piece, q(10_000)).await;
    let pairs = [[0, 1], [1, 2], [2, 3], [3, 0], [0, 2], [1, 3]];
    let tasks = (0..48).map(|task: usize| {
        let (shop, products) = (shop.clone(), products.clone());
        async move {
            let mut made = Vec::new();
            for round in 0..6 {
                let [a, b] = pairs[(task + round) % pairs.len()];
                let mut request = shop.make.reserve(&[(products[a], q(1)), (products[b], q(2))]);
                if task.is_multiple_of(2) {
                    request.lines.reverse();
                }
                assert_eq!(shop.reserve(&request).await, ReserveOutcome::Held);
                match round % 3 {
                    0 => assert_eq!(shop.release(&request.hold, ReleaseCause::Undone).await, ReleaseOutcome::Released),
                    1 => {
                        let mut change = shop.make.purchase(&[products[b], products[a]], q(1));
                        change.lines.sort_by_key(|line| line.product_id);
                        if task % 2 == 1 {
                            change.lines.reverse();
                        }
                        shop.ledger.change(shop.store, change).await.unwrap();
                    }
                    _ => assert_eq!(shop.commit(&request.hold).await, CommitOutcome::Committed),
                }
                made.push(request.hold);
            }
            made
        }
    });
    let holds: Vec<Hold> = at_once(tasks).await.into_iter().flatten().collect();
    assert_eq!(holds.len(), 48 * 6);
    shop.adds_up(&products, &holds).await;
}

/// Baskets that share no product all get what they ask for, in one store and in many.
pub async fn disjoint_baskets_are_all_held(bench: &Bench) {
    let shop = Shop::new(bench);
    let shops = [shop.clone(), shop.neighbour(), shop.neighbour(), shop.neighbour()];
    let mut wanted = Vec::new();
    for shop in &shops {
        let products = shop.products(16, StockUnit::Piece, q(1)).await;
        for pair in products.chunks(2) {
            wanted.push((shop.clone(), shop.make.reserve(&[(pair[0], q(1)), (pair[1], q(1))])));
        }
    }
    let outcomes =
        at_once(wanted.clone().into_iter().map(|(shop, request)| async move { shop.reserve(&request).await }));
    assert_eq!(outcomes.await, vec![ReserveOutcome::Held; 32]);
    for (shop, request) in &wanted {
        for (product, _) in &request.lines {
            assert_eq!(shop.stock(*product).await, (q(0), q(1)));
        }
        assert_eq!(shop.stored(&request.hold).await.lines.len(), 2);
    }
    for shop in &shops {
        assert!(shop.ledger.verify(shop.store).await.unwrap().is_clean());
    }
}

/// A thousand times ten grams empty ten kilograms exactly, and the next ten grams are short.
pub async fn a_thousand_times_ten_grams_empty_ten_kilograms(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.products(1, StockUnit::Kg, q(10)).await[0];
    let tasks = (0..20).map(|_| {
        let shop = shop.clone();
        async move {
            for _ in 0..50 {
                let request = shop.make.reserve(&[(product, milli(10))]);
                assert_eq!(shop.reserve(&request).await, ReserveOutcome::Held);
            }
        }
    });
    at_once(tasks).await;
    assert_eq!(shop.stock(product).await, (q(0), q(10)));
    let short = ShortLine { product_id: product, requested: milli(10), available: q(0) };
    assert_eq!(shop.reserve(&shop.make.reserve(&[(product, milli(10))])).await, ReserveOutcome::Short(vec![short]));
    assert_eq!(shop.movements(product).await.len(), 1_001);
    let verification = shop.ledger.verify(shop.store).await.unwrap();
    assert_eq!((verification.is_clean(), verification.reservations), (true, 1_000), "{verification:?}");
}

/// Undone by sixteen callers and cancelled by sixteen more at once, a hold gives its stock
/// back once.
pub async fn a_hold_released_by_many_at_once_is_released_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let hold = shop.held(&[(product, q(4))]).await;
    let outcomes = at_once((0..32).map(|at| {
        let (shop, hold) = (shop.clone(), hold.clone());
        let cause = if at % 2 == 0 { ReleaseCause::Undone } else { ReleaseCause::Cancelled };
        async move { shop.release(&hold, cause).await }
    }));
    assert_eq!(outcomes.await, vec![ReleaseOutcome::Released; 32]);
    assert_eq!(shop.stock(product).await, (q(9), q(0)));
    assert_eq!(shop.movements(product).await.len(), 3);
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.state, stored.open), (ReservationState::Released, false));
    shop.adds_up(&[product], &[hold]).await;
}

/// A hold that ends while its owner undoes it and others need its stock is released once,
/// and its stock goes to one of those who need it.
pub async fn a_hold_that_expires_while_it_is_undone_is_released_once(bench: &Bench) {
    let shop = Shop::new(bench);
    for _ in 0..12 {
        let product = shop.pieces(1).await;
        let hold = shop.held(&[(product, q(1))]).await;
        shop.make.clock().advance(TimeDelta::minutes(3));
        let rivals: Vec<_> = (0..4).map(|_| shop.make.reserve(&[(product, q(1))])).collect();
        let undo = (shop.clone(), hold.clone());
        let undo = tokio::spawn(async move { undo.0.release(&undo.1, ReleaseCause::Undone).await });
        let outcomes = reserve_all(&shop, &rivals).await;
        assert_eq!(undo.await.unwrap(), ReleaseOutcome::Released);
        assert_eq!(count_held(&outcomes), 1, "{outcomes:?}");
        use MovementType::{Purchase, Return, Sale};
        assert_eq!(shop.ledger_of(product).await, [(Purchase, 1_000), (Sale, -1_000), (Return, 1_000), (Sale, -1_000)]);
        assert_eq!(shop.stock(product).await, (q(0), q(1)));
    }
    assert!(shop.ledger.verify(shop.store).await.unwrap().is_clean());
}

/// Of a commit and an undo at once exactly one wins, and both callers are told which.
pub async fn of_a_commit_and_an_undo_at_once_one_wins(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(24).await;
    let mut made = Vec::new();
    for _ in 0..24 {
        made.push(shop.held(&[(product, q(1))]).await);
    }
    let mut committed = 0;
    for (at, hold) in made.iter().enumerate() {
        let tasks = (0..4).map(|task| {
            let (shop, hold) = (shop.clone(), hold.clone());
            async move {
                // Whether this caller was told that the commit won.
                if (task + at) % 2 == 0 {
                    shop.commit(&hold).await == CommitOutcome::Committed
                } else {
                    match shop.release(&hold, ReleaseCause::Undone).await {
                        ReleaseOutcome::Committed => true,
                        ReleaseOutcome::Released => false,
                        other => panic!("{other:?}"),
                    }
                }
            }
        });
        let told = at_once(tasks).await;
        let won = shop.stored(hold).await.state == ReservationState::Committed;
        assert_eq!(told, vec![won; 4]);
        committed += u32::from(won);
    }
    assert_eq!(shop.stock(product).await, (q(24 - committed), q(committed)));
    shop.adds_up(&[product], &made).await;
}

/// Dispatched by sixteen callers at once, goods leave once; cancelled meanwhile, they leave
/// or go back, never both.
pub async fn goods_leave_once_or_go_back(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(60).await;
    let mut made = Vec::new();
    for _ in 0..12 {
        made.push(shop.committed(&[(product, q(5))]).await);
    }
    let mut gone = 0;
    for (at, hold) in made.iter().enumerate() {
        let tasks = (0..16).map(|task| {
            let (shop, hold) = (shop.clone(), hold.clone());
            async move {
                // Whether this caller was told that the goods left.
                if (task + at) % 4 != 0 {
                    shop.dispatch(&hold).await == DispatchOutcome::Dispatched
                } else {
                    match shop.release(&hold, ReleaseCause::Cancelled).await {
                        ReleaseOutcome::Dispatched => true,
                        ReleaseOutcome::Released => false,
                        other => panic!("{other:?}"),
                    }
                }
            }
        });
        let told = at_once(tasks).await;
        let left = shop.stored(hold).await.state == ReservationState::Dispatched;
        assert_eq!(told, vec![left; 16]);
        gone += 5 * u32::from(left);
    }
    assert_eq!(shop.stock(product).await, (q(60 - gone), q(0)));
    shop.adds_up(&[product], &made).await;
}
