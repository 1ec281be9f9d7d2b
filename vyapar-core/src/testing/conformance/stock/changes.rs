//! Opening stock and changing it by hand.

use chrono::TimeDelta;

use super::super::support::{at_once, refusal};
use super::shop::{Shop, milli, q};
use crate::error::RepositoryErrorKind;
use crate::id::MovementId;
use crate::inventory::{
    ChangeKind, ChangeOutcome, CountedBelowReserved, Delta, MAX_LINES, Movement, MovementType, Reference, ReleaseCause,
    ReleaseOutcome, ReservationState, ReserveOutcome, ShortLine, StockChange, StockLevel,
};
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::testing::Bench;

const NOTHING: Vec<Movement> = Vec::new();

fn by(units: i64) -> Delta {
    Delta::By(QuantityDelta::from_thousandths(units * 1_000).unwrap())
}

async fn change(shop: &Shop, change: &StockChange) -> ChangeOutcome {
    shop.ledger.change(shop.store, change.clone()).await.unwrap()
}

fn applied(outcome: ChangeOutcome) -> Vec<Movement> {
    match outcome {
        ChangeOutcome::Applied(movements) => movements,
        other => panic!("not applied: {other:?}"),
    }
}

/// Opened stock is at zero; opening it again, even in another unit, changes nothing.
pub async fn opening_again_changes_nothing(bench: &Bench) {
    let shop = Shop::new(bench);
    let (product, opened) = (shop.make.product_id(), shop.now());
    shop.ledger.open(shop.store, product, StockUnit::Kg, opened).await.unwrap();
    let zero = Quantity::ZERO;
    let empty = StockLevel {
        product_id: product,
        unit: StockUnit::Kg,
        current: zero,
        reserved: zero,
        seq: 0,
        updated_at: opened,
    };
    assert_eq!(shop.level(product).await, empty);

    applied(change(&shop, &shop.make.purchase(&[product], q(5))).await);
    let before = shop.level(product).await;
    let later = shop.make.clock().advance(TimeDelta::seconds(1));
    shop.ledger.open(shop.store, product, StockUnit::Piece, later).await.unwrap();
    assert_eq!(shop.level(product).await, before);
    assert_eq!(shop.movements(product).await.len(), 1);
}

/// A hold frees its stock when its time is up, for whoever counts or throws away, too, and also where
/// nothing but a refusal would tell that it is there.
pub async fn a_change_meets_no_hold_that_has_run_out(bench: &Bench) {
    let shop = Shop::new(bench);
    for (kind, delta, left) in [
        (ChangeKind::Damage, by(-4), 1),
        (ChangeKind::Adjustment, Delta::Counted(q(1)), 1),
        (ChangeKind::Adjustment, Delta::Counted(Quantity::ZERO), 0),
    ] {
        let (product, other) = (shop.make.product_id(), shop.make.product_id());
        for product in [product, other] {
            shop.ledger.open(shop.store, product, StockUnit::Piece, shop.now()).await.unwrap();
        }
        applied(change(&shop, &shop.make.purchase(&[product, other], q(5))).await);
        let held = shop.make.reserve(&[(product, q(2)), (other, q(1))]);
        let committed = shop.make.reserve(&[(other, q(1))]);
        for reserve in [&held, &committed] {
            let outcome = shop.reservations.reserve(shop.store, reserve.clone()).await.unwrap();
            assert_eq!(outcome, ReserveOutcome::Held);
        }
        shop.reservations.commit(shop.store, committed.hold.clone(), shop.now()).await.unwrap();
        let asked = |now| StockChange { now, ..shop.make.change(kind, &[(product, delta)]) };
        shop.make.clock().set(held.due - TimeDelta::microseconds(1));
        let early = change(&shop, &asked(shop.now())).await;
        assert!(matches!(early, ChangeOutcome::Short(_) | ChangeOutcome::Reserved(_)), "{early:?}");
        shop.make.clock().set(held.due);
        let movements = applied(change(&shop, &asked(shop.now())).await);
        assert_eq!(movements.last().map(|movement| movement.balance_after), Some(q(left)));
        assert_eq!((shop.level(product).await.current, shop.level(product).await.reserved), (q(left), Quantity::ZERO));
        assert_eq!((shop.level(other).await.current, shop.level(other).await.reserved), (q(4), q(1)), "the whole hold");
        let found = shop.reservations.find(shop.store, held.hold.id).await.unwrap().unwrap();
        assert_eq!((found.state, found.open), (ReservationState::Released, true), "recovery closes it");
        assert!(shop.ledger.verify(shop.store).await.unwrap().is_clean());
    }
}

/// Sixteen callers opening one product at once open it once.
pub async fn opening_at_once_opens_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let (product, now) = (shop.make.product_id(), shop.now());
    let answers = at_once((0..16).map(|_| {
        let shop = shop.clone();
        async move { shop.ledger.open(shop.store, product, StockUnit::Piece, now).await }
    }));
    answers.await.into_iter().for_each(|answer| answer.unwrap());
    assert_eq!(shop.stock(product).await, (q(0), q(0)));
    shop.adds_up(&[product], &[]).await;
}

/// Every kind of change moves the level by its quantity and leaves the movement that says
/// so: number, balance, reference, reason, person and time.
pub async fn a_change_moves_stock_and_leaves_its_movements(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Kg, Quantity::ZERO).await;
    let (rice, salt) = (products[0], products[1]);
    let mut balances = [0_i64, 0];
    let mut ledger = [Vec::new(), Vec::new()];
    let steps = [
        (ChangeKind::Purchase, 10_250, 4_000),
        (ChangeKind::Adjustment, 1_000, -500),
        (ChangeKind::Damage, -250, -1),
        (ChangeKind::Expiry, -11_000, -3_499),
    ];
    for ((kind, rice_by, salt_by), seq) in steps.into_iter().zip(1..) {
        let now = shop.make.clock().advance(TimeDelta::microseconds(1));
        // Movements come in the order of the lines, which is not always that of the ids.
        let mut lines = [(rice, rice_by), (salt, salt_by)];
        if seq % 2 == 0 {
            lines.reverse();
        }
        let deltas: Vec<_> = lines
            .iter()
            .map(|(product, by)| (*product, Delta::By(QuantityDelta::from_thousandths(*by).unwrap())))
            .collect();
        let mut request = shop.make.change(kind, &deltas);
        if seq == 3 {
            (request.reason, request.performed_by) = (None, None);
        }
        let movements = applied(change(&shop, &request).await);
        let expected: Vec<Movement> = lines
            .iter()
            .map(|(product, by)| {
                let at = usize::from(*product == salt);
                balances[at] += by;
                Movement {
                    id: MovementId::of(*product, seq),
                    product_id: *product,
                    seq,
                    movement_type: kind.movement_type(),
                    quantity: QuantityDelta::from_thousandths(*by).unwrap(),
                    balance_after: milli(balances[at]),
                    reference_type: Reference::Manual,
                    reference_id: request.operation.to_string(),
                    reason: request.reason.clone(),
                    performed_by: request.performed_by,
                    created_at: now,
                }
            })
            .collect();
        assert_eq!(movements, expected);
        for movement in expected {
            ledger[usize::from(movement.product_id == salt)].push(movement);
        }
        for (at, product) in products.iter().enumerate() {
            let level = shop.level(*product).await;
            assert_eq!((level.current, level.reserved, level.seq), (milli(balances[at]), q(0), seq));
            assert_eq!(level.updated_at, now);
        }
    }
    assert_eq!(balances, [0, 0]);
    assert_eq!([shop.movements(rice).await, shop.movements(salt).await], ledger);
    shop.adds_up(&products, &[]).await;
}

/// An operation sent again is answered with the movements it left, whatever it says now.
pub async fn an_operation_is_applied_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(10)).await;
    let request = shop.make.change(ChangeKind::Adjustment, &[(products[1], by(-3)), (products[0], by(4))]);
    let movements = applied(change(&shop, &request).await);
    let later = StockChange { now: shop.now() + TimeDelta::hours(1), ..request.clone() };
    assert_eq!(change(&shop, &later).await, ChangeOutcome::AlreadyApplied(movements.clone()));
    let other = shop.make.change(ChangeKind::Damage, &[(products[0], by(-99))]);
    let other = StockChange { operation: request.operation, ..other };
    assert_eq!(change(&shop, &other).await, ChangeOutcome::AlreadyApplied(movements));
    assert_eq!((shop.stock(products[0]).await.0, shop.stock(products[1]).await.0), (q(14), q(7)));
    shop.adds_up(&products, &[]).await;
}

/// Sixteen callers sending one operation at once apply it once, and all learn its movements.
pub async fn an_operation_sent_sixteen_times_at_once_is_applied_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let request = shop.make.purchase(&[product], q(7));
    let answers = at_once((0..16).map(|_| {
        let (shop, request) = (shop.clone(), request.clone());
        async move { change(&shop, &request).await }
    }))
    .await;
    let fresh: Vec<_> = answers.iter().filter(|answer| matches!(answer, ChangeOutcome::Applied(_))).collect();
    assert_eq!(fresh.len(), 1, "{answers:?}");
    let movements = applied(fresh[0].clone());
    assert_eq!(movements.len(), 1);
    let repeated = ChangeOutcome::AlreadyApplied(movements);
    assert_eq!(answers.iter().filter(|answer| **answer == repeated).count(), 15, "{answers:?}");
    assert_eq!(shop.stock(product).await, (q(12), q(0)));
    shop.adds_up(&[product], &[]).await;
}

/// One line that would go below zero refuses the whole change; all such lines are told, in
/// their order, and the operation may be sent again once there is enough.
pub async fn a_short_change_touches_nothing_and_tells_all_short_lines(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(4, StockUnit::Piece, q(5)).await;
    // Held stock is not there to be written off.
    let hold = shop.held(&[(products[3], q(3))]).await;
    let lines = [(products[3], by(-3)), (products[0], by(-5)), (products[1], by(2)), (products[2], by(-6))];
    let request = shop.make.change(ChangeKind::Damage, &lines);
    let short = vec![
        ShortLine { product_id: products[3], requested: q(3), available: q(2) },
        ShortLine { product_id: products[2], requested: q(6), available: q(5) },
    ];
    assert_eq!(change(&shop, &request).await, ChangeOutcome::Short(short));
    for product in &products {
        assert_eq!(shop.level(*product).await.seq, if *product == products[3] { 2 } else { 1 });
    }
    applied(change(&shop, &shop.make.purchase(&products, q(1))).await);
    assert_eq!(applied(change(&shop, &request).await).len(), 4);
    assert_eq!(shop.stock(products[3]).await, (q(0), q(3)));
    shop.adds_up(&products, &[hold]).await;
}

/// A count sets what is on hand, so what is free becomes the count less what is held; a
/// count that agrees leaves no movement, and is known as applied all the same.
pub async fn a_count_sets_what_is_on_hand(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Piece, q(10)).await;
    let hold = shop.committed(&[(products[0], q(4))]).await;
    let counts: Vec<_> = products.iter().zip([7, 10, 12]).map(|(p, count)| (*p, Delta::Counted(q(count)))).collect();
    let request = shop.make.change(ChangeKind::Adjustment, &counts);
    let movements = applied(change(&shop, &request).await);
    let told: Vec<_> = movements.iter().map(|m| (m.product_id, m.quantity.thousandths(), m.balance_after)).collect();
    assert_eq!(told, [(products[0], -3_000, q(3)), (products[2], 2_000, q(12))]);
    assert!(movements.iter().all(|m| m.movement_type == MovementType::Adjustment));
    assert_eq!(shop.stock(products[0]).await, (q(3), q(4)));
    assert_eq!(shop.stock(products[1]).await, (q(10), q(0)));
    assert_eq!(change(&shop, &request).await, ChangeOutcome::AlreadyApplied(movements));

    let agreed = shop.make.change(ChangeKind::Adjustment, &[(products[0], Delta::Counted(q(7)))]);
    assert_eq!(change(&shop, &agreed).await, ChangeOutcome::Applied(NOTHING));
    applied(change(&shop, &shop.make.purchase(&[products[0]], q(1))).await);
    assert_eq!(change(&shop, &agreed).await, ChangeOutcome::AlreadyApplied(NOTHING));
    assert_eq!(shop.stock(products[0]).await, (q(4), q(4)));
    // Down to exactly what is held.
    let exact = shop.make.change(ChangeKind::Adjustment, &[(products[0], Delta::Counted(q(4)))]);
    applied(change(&shop, &exact).await);
    assert_eq!(shop.stock(products[0]).await, (q(0), q(4)));
    shop.adds_up(&products, &[hold]).await;
}

/// A count below what is held is refused whole and names the orders that hold.
pub async fn a_count_below_what_is_held_names_the_orders(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Piece, q(10)).await;
    let (a, b) = (products[0], products[1]);
    let held = shop.held(&[(a, q(2)), (b, q(1))]).await;
    let committed = shop.committed(&[(a, q(3))]).await;
    let gone = shop.dispatched(&[(a, q(1))]).await;
    let undone = shop.undone(&[(a, q(1))]).await;
    let request = shop.make.change(
        ChangeKind::Adjustment,
        &[(a, Delta::Counted(q(4))), (products[2], Delta::Counted(q(3))), (b, Delta::Counted(q(0)))],
    );
    let mut orders = vec![held.order_id.clone(), committed.order_id.clone()];
    orders.sort();
    let refused = vec![
        CountedBelowReserved { product_id: a, counted: q(4), reserved: q(5), orders },
        CountedBelowReserved { product_id: b, counted: q(0), reserved: q(1), orders: vec![held.order_id.clone()] },
    ];
    assert_eq!(change(&shop, &request).await, ChangeOutcome::Reserved(refused));
    assert_eq!(shop.stock(a).await, (q(4), q(5)));
    assert_eq!(shop.stock(products[2]).await, (q(10), q(0)));
    shop.adds_up(&products, &[held, committed, gone, undone]).await;
}

/// Of many orders that hold a product, a count below them names twenty, by id.
pub async fn a_count_below_what_is_held_names_at_most_twenty_orders(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(30).await;
    let mut orders = Vec::new();
    for _ in 0..22 {
        orders.push(shop.held(&[(product, q(1))]).await.order_id);
    }
    let request = shop.make.change(ChangeKind::Adjustment, &[(product, Delta::Counted(q(21)))]);
    let ChangeOutcome::Reserved(refused) = change(&shop, &request).await else { panic!("not refused") };
    assert_eq!((refused.len(), refused[0].counted, refused[0].reserved), (1, q(21), q(22)));
    assert_eq!(refused[0].orders.len(), 20);
    assert!(refused[0].orders.is_sorted());
    assert!(refused[0].orders.iter().all(|order| orders.contains(order)));
}

/// Products without stock are told before anything else that is wrong, and nothing is done.
pub async fn a_change_of_unopened_stock_touches_nothing(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(1)).await;
    let held = shop.held(&[(products[1], q(1))]).await;
    let strangers = shop.make.product_ids(2);
    let foreign = shop.neighbour().pieces(9).await;
    let lines = [
        (strangers[1], by(1)),
        (products[0], by(-2)),
        (products[1], Delta::Counted(q(0))),
        (strangers[0], by(-1)),
        (foreign, by(1)),
    ];
    let request = shop.make.change(ChangeKind::Adjustment, &lines);
    let ChangeOutcome::NotOpen(mut missing) = change(&shop, &request).await else { panic!("applied") };
    missing.sort();
    let mut expected = vec![strangers[0], strangers[1], foreign];
    expected.sort();
    assert_eq!(missing, expected);
    assert_eq!((shop.stock(products[0]).await, shop.stock(products[1]).await), ((q(1), q(0)), (q(0), q(1))));
    shop.adds_up(&products, &[held]).await;
}

/// A level never passes the largest quantity; the change that would is refused whole.
pub async fn a_level_never_passes_the_largest_quantity(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Kg, q(1)).await;
    let rest = Delta::By(Quantity::MAX.since(q(1)));
    applied(change(&shop, &shop.make.change(ChangeKind::Purchase, &[(products[1], rest)])).await);
    assert_eq!(shop.stock(products[1]).await.0, Quantity::MAX);
    let over = shop.make.purchase(&products, milli(1));
    assert_eq!(change(&shop, &over).await, ChangeOutcome::TooMuch(products[1]));
    assert_eq!((shop.stock(products[0]).await.0, shop.stock(products[1]).await.0), (q(1), Quantity::MAX));
    shop.adds_up(&products, &[]).await;
}

/// What is held counts towards the largest quantity, so that a release always fits.
pub async fn what_is_held_can_always_go_back(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.products(1, StockUnit::Kg, Quantity::MAX).await[0];
    let hold = shop.held(&[(product, q(5))]).await;
    assert_eq!(change(&shop, &shop.make.purchase(&[product], milli(1))).await, ChangeOutcome::TooMuch(product));
    assert_eq!(shop.release(&hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    assert_eq!(shop.stock(product).await, (Quantity::MAX, q(0)));
    shop.adds_up(&[product], &[hold]).await;
}

/// A change takes as many products as a basket may have, and refuses one more unread.
pub async fn a_change_takes_49_products_and_not_50(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(MAX_LINES + 1, StockUnit::Piece, q(1)).await;
    let over = shop.make.purchase(&products, q(1));
    let kind = refusal(shop.ledger.change(shop.store, over).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "products", max: 49 });
    let levels = shop.ledger.levels(shop.store, &products).await.unwrap();
    assert!(levels.len() == 50 && levels.iter().all(|level| (level.current, level.seq) == (q(1), 1)), "{levels:?}");
    let movements = applied(change(&shop, &shop.make.purchase(&products[..MAX_LINES], q(1))).await);
    assert_eq!(movements.iter().map(|movement| movement.product_id).collect::<Vec<_>>(), products[..MAX_LINES]);
}
