//! Give back: goods of a dispatched reservation that came back.

use chrono::TimeDelta;

use super::super::support::{at_once, refusal};
use super::shop::{Shop, milli, q};
use crate::error::RepositoryErrorKind;
use crate::inventory::{
    ChangeKind, ChangeOutcome, CommitOutcome, Delta, GiveBack, GiveBackOutcome, Hold, MovementType, Reference,
    ReleaseCause, ReleaseOutcome, ReservationState, ShortLine,
};
use crate::quantity::{Quantity, StockUnit};
use crate::testing::Bench;

use MovementType::{Damage, Purchase, Return, Sale};

async fn give_back(shop: &Shop, request: &GiveBack) -> GiveBackOutcome {
    shop.reservations.give_back(shop.store, request.clone()).await.unwrap()
}

/// Sellable goods go back on the shelf with a `return`; others leave a `return` and the
/// `damage` that takes them out again; both count as given back.
pub async fn goods_that_come_back_are_booked(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Kg, q(5)).await;
    let (good, bad, kept) = (products[0], products[1], products[2]);
    let hold = shop.dispatched(&[(good, milli(1_250)), (bad, q(2)), (kept, q(1))]).await;
    let now = shop.make.clock().advance(TimeDelta::hours(2));
    let request = shop.make.give_back(&hold, &[(good, milli(1_000), true), (bad, q(2), false)]);
    assert_eq!(give_back(&shop, &request).await, GiveBackOutcome::Booked);
    assert_eq!(shop.ledger_of(good).await, [(Purchase, 5_000), (Sale, -1_250), (Return, 1_000)]);
    assert_eq!(shop.ledger_of(bad).await, [(Purchase, 5_000), (Sale, -2_000), (Return, 2_000), (Damage, -2_000)]);
    assert_eq!(shop.ledger_of(kept).await.len(), 2);
    assert_eq!((shop.stock(good).await, shop.stock(bad).await), ((milli(4_750), q(0)), (q(3), q(0))));
    for movement in shop.movements(bad).await.into_iter().skip(2) {
        assert_eq!((movement.reference_type, movement.reference_id), (Reference::Order, hold.order_id.to_string()));
        assert_eq!((movement.reason, movement.performed_by), (request.reason.clone(), request.performed_by));
        assert_eq!(movement.created_at, now);
    }
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.state, stored.open, stored.updated_at), (ReservationState::Dispatched, false, now));
    let told: Vec<_> = stored.lines.iter().map(|line| (line.product_id, line.quantity, line.given_back)).collect();
    assert_eq!(told, [(good, milli(1_250), q(1)), (bad, q(2), q(2)), (kept, q(1), q(0))]);
    shop.adds_up(&products, &[hold]).await;
}

/// An operation sent again books nothing more, also when others came in between.
pub async fn goods_come_back_once_per_operation(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let hold = shop.dispatched(&[(product, q(3))]).await;
    let first = shop.make.give_back(&hold, &[(product, q(2), true)]);
    let second = shop.make.give_back(&hold, &[(product, q(1), true)]);
    for request in [&first, &second, &first, &second] {
        assert_eq!(give_back(&shop, request).await, GiveBackOutcome::Booked);
    }
    assert_eq!(shop.stored(&hold).await.lines[0].given_back, q(3));
    assert_eq!(shop.stock(product).await, (q(9), q(0)));
    shop.adds_up(&[product], &[hold]).await;
}

/// Sixteen callers sending one operation at once book it once.
pub async fn goods_come_back_once_when_sent_sixteen_times_at_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let hold = shop.dispatched(&[(product, q(9))]).await;
    let request = shop.make.give_back(&hold, &[(product, q(1), false)]);
    let answers = at_once((0..16).map(|_| {
        let (shop, request) = (shop.clone(), request.clone());
        async move { give_back(&shop, &request).await }
    }));
    assert_eq!(answers.await, vec![GiveBackOutcome::Booked; 16]);
    assert_eq!(shop.stored(&hold).await.lines[0].given_back, q(1));
    assert_eq!(shop.ledger_of(product).await.len(), 4);
    shop.adds_up(&[product], &[hold]).await;
}

/// Never more comes back than went out; the call that says so books nothing and tells every
/// such line with what may still come back.
pub async fn no_more_comes_back_than_went_out(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(4, StockUnit::Piece, q(9)).await;
    let hold = shop.dispatched(&[(products[0], q(3)), (products[1], q(2)), (products[2], q(1))]).await;
    let first = shop.make.give_back(&hold, &[(products[0], q(2), true)]);
    assert_eq!(give_back(&shop, &first).await, GiveBackOutcome::Booked);
    let before = shop.stored(&hold).await;
    let request = shop.make.give_back(
        &hold,
        &[(products[0], q(2), true), (products[1], q(3), false), (products[2], q(1), true), (products[3], q(1), true)],
    );
    let GiveBackOutcome::TooMuch(mut told) = give_back(&shop, &request).await else { panic!("booked") };
    told.sort_by_key(|line| line.product_id);
    let expected = [(0, 2, 1), (1, 3, 2), (3, 1, 0)].map(|(at, requested, available)| ShortLine {
        product_id: products[at],
        requested: q(requested),
        available: q(available),
    });
    assert_eq!(told, expected);
    assert_eq!(shop.stored(&hold).await, before);
    // A refusal is not remembered: the same operation may come with less.
    let less = GiveBack { lines: request.lines[2..3].to_vec(), ..request };
    assert_eq!(give_back(&shop, &less).await, GiveBackOutcome::Booked);
    assert_eq!(shop.stored(&hold).await.lines[2].given_back, q(1));
    shop.adds_up(&products, &[hold]).await;
}

/// Goods for which there is no room any more, because the shelf was filled up meanwhile, are refused,
/// sellable or not, with all that came with them; the same operation may come again.
pub async fn goods_that_no_longer_fit_do_not_come_back(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Kg, q(9)).await;
    let hold = shop.dispatched(&[(products[0], q(3)), (products[1], q(3))]).await;
    let change = async |kind, by| {
        let change = shop.make.change(kind, &[(products[1], Delta::By(by))]);
        let outcome = shop.ledger.change(shop.store, change).await.unwrap();
        assert!(matches!(outcome, ChangeOutcome::Applied(_)), "{outcome:?}");
    };
    change(ChangeKind::Purchase, Quantity::MAX.since(q(6))).await;
    let [sellable, spoilt] = [true, false]
        .map(|sellable| shop.make.give_back(&hold, &[(products[0], q(1), true), (products[1], q(1), sellable)]));
    for request in [&sellable, &spoilt] {
        let full = RepositoryErrorKind::LimitExceeded { what: "stock", max: 999_999_999 };
        assert_eq!(refusal(shop.reservations.give_back(shop.store, request.clone()).await), full);
        assert_eq!((shop.stock(products[0]).await.0, shop.stock(products[1]).await.0), (q(6), Quantity::MAX));
    }
    change(ChangeKind::Damage, q(1).outward()).await;
    assert_eq!(give_back(&shop, &sellable).await, GiveBackOutcome::Booked);
    assert_eq!((shop.stock(products[0]).await.0, shop.stock(products[1]).await.0), (q(7), Quantity::MAX));
    shop.adds_up(&products, &[hold]).await;
}

/// Many operations at once on few goods: exactly as many come back as went out.
pub async fn no_more_comes_back_than_went_out_at_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let hold = shop.dispatched(&[(product, q(5))]).await;
    let answers = at_once((0..16).map(|at| {
        let request = shop.make.give_back(&hold, &[(product, q(1), at % 2 == 0)]);
        let shop = shop.clone();
        async move { give_back(&shop, &request).await }
    }))
    .await;
    let none_left = GiveBackOutcome::TooMuch(vec![ShortLine { product_id: product, requested: q(1), available: q(0) }]);
    assert_eq!(answers.iter().filter(|answer| **answer == GiveBackOutcome::Booked).count(), 5, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == none_left).count(), 11, "{answers:?}");
    assert_eq!(shop.stored(&hold).await.lines[0].given_back, q(5));
    shop.adds_up(&[product], &[hold]).await;
}

/// Goods come back only from what was dispatched for this attempt.
pub async fn only_dispatched_goods_come_back(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(20).await;
    let line = [(product, q(2))];
    let (held, committed, undone) = (shop.held(&line).await, shop.committed(&line).await, shop.undone(&line).await);
    let dispatched = shop.dispatched(&line).await;
    let refused = [
        held.clone(),
        committed.clone(),
        undone.clone(),
        shop.make.hold(),
        Hold { attempt: 2, ..dispatched.clone() },
        Hold { order_id: shop.make.order_id(), ..dispatched.clone() },
    ];
    for hold in refused {
        let request = shop.make.give_back(&hold, &[(product, q(1), true)]);
        assert_eq!(give_back(&shop, &request).await, GiveBackOutcome::NotDispatched);
    }
    assert_eq!(shop.stock(product).await, (q(14), q(4)));
    // And it moves the reservation nowhere.
    let request = shop.make.give_back(&dispatched, &[(product, q(2), true)]);
    assert_eq!(give_back(&shop, &request).await, GiveBackOutcome::Booked);
    assert_eq!(shop.commit(&dispatched).await, CommitOutcome::Committed);
    assert_eq!(shop.release(&dispatched, ReleaseCause::Cancelled).await, ReleaseOutcome::Dispatched);
    assert_eq!(shop.stock(product).await, (q(16), q(4)));
    shop.adds_up(&[product], &[held, committed, undone, dispatched]).await;
}
