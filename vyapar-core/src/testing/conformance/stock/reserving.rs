//! Reserve: all or none, once, and only what is free.

use chrono::TimeDelta;

use super::super::support::refusal;
use super::shop::{Shop, milli, q};
use crate::error::RepositoryErrorKind;
use crate::inventory::{
    CommitOutcome, Hold, MAX_LINES, MovementType, Reference, ReleaseCause, ReleaseOutcome, Reservation,
    ReservationLine, ReservationState, Reserve, ReserveOutcome, ShortLine,
};
use crate::quantity::{Quantity, StockUnit};
use crate::testing::Bench;

/// A reserve moves every line from free to held, leaves a `sale` of each for the order, and
/// the reservation can be read back exactly.
pub async fn a_reserve_holds_all_its_lines(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Kg, q(10)).await;
    let now = shop.make.clock().advance(TimeDelta::microseconds(7));
    let lines = [(products[0], milli(1)), (products[1], q(10)), (products[2], milli(2_500))];
    let request = shop.make.reserve(&lines);
    assert_eq!(shop.reserve(&request).await, ReserveOutcome::Held);
    for (product, quantity) in lines {
        let level = shop.level(product).await;
        assert_eq!((level.current, level.reserved), (q(10).minus(quantity).unwrap(), quantity));
        assert_eq!((level.seq, level.updated_at), (2, now));
        let movement = shop.movements(product).await.pop().unwrap();
        assert_eq!((movement.movement_type, movement.quantity), (MovementType::Sale, quantity.outward()));
        assert_eq!(
            (movement.reference_type, movement.reference_id),
            (Reference::Order, request.hold.order_id.to_string())
        );
        assert_eq!((movement.performed_by, movement.created_at), (request.performed_by, now));
    }
    let lines =
        lines.map(|(product_id, quantity)| ReservationLine { product_id, quantity, given_back: Quantity::ZERO });
    let expected = Reservation {
        store_id: shop.store,
        hold: request.hold.clone(),
        fingerprint: Some(request.fingerprint),
        state: ReservationState::Held,
        open: true,
        lines: lines.to_vec(),
        revision: 0,
        due: request.due,
        recover_at: request.due,
        failures: 0,
        created_at: now,
        updated_at: now,
    };
    assert_eq!(shop.stored(&request.hold).await, expected);
    shop.adds_up(&products, &[request.hold]).await;
}

/// One short line holds nothing of any; all short lines are told in their order, with what
/// is free, which is nothing where no stock was opened.
pub async fn a_short_basket_holds_nothing_and_tells_all_short_lines(bench: &Bench) {
    let shop = Shop::new(bench);
    let mut products = shop.products(4, StockUnit::Piece, q(5)).await;
    let (stranger, foreign) = (shop.make.product_id(), shop.neighbour().pieces(9).await);
    let stock = products.clone();
    products.extend([stranger, foreign]);
    let wanted = [2, 6, 5, 7, 1, 1].map(q);
    let request = shop.make.reserve(&products.iter().copied().zip(wanted).collect::<Vec<_>>());
    let mut short = vec![
        ShortLine { product_id: stock[1], requested: q(6), available: q(5) },
        ShortLine { product_id: stock[3], requested: q(7), available: q(5) },
        ShortLine { product_id: stranger, requested: q(1), available: q(0) },
        ShortLine { product_id: foreign, requested: q(1), available: q(0) },
    ];
    short.sort_by_key(|line| line.product_id);
    assert_eq!(shop.reserve(&request).await, ReserveOutcome::Short(short));
    for product in &stock {
        let level = shop.level(*product).await;
        assert_eq!((level.current, level.reserved, level.seq), (q(5), q(0), 1));
    }
    assert_eq!(shop.find(&request.hold).await, None);
    // A refusal is not remembered.
    let smaller = Reserve { lines: vec![(stock[1], q(5))], ..request };
    assert_eq!(shop.reserve(&smaller).await, ReserveOutcome::Held);
    shop.adds_up(&stock, &[smaller.hold]).await;
}

/// A caller that lost its answer repeats the call: same answer, held once.
pub async fn a_repeated_reserve_holds_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let request = shop.make.reserve(&[(product, q(3))]);
    assert_eq!(shop.reserve(&request).await, ReserveOutcome::Held);
    let stored = shop.stored(&request.hold).await;
    for seconds in [0, 30] {
        // The repeat would be short if it were decided anew.
        let again = Reserve { now: shop.now() + TimeDelta::seconds(seconds), ..request.clone() };
        assert_eq!(shop.reserve(&again).await, ReserveOutcome::Held);
    }
    assert_eq!(shop.stored(&request.hold).await, stored);
    assert_eq!(shop.stock(product).await, (q(2), q(3)));
    shop.adds_up(&[product], &[request.hold]).await;
}

/// A key in use by another attempt or another order answers with what stands, untouched.
pub async fn a_taken_key_answers_with_its_reservation(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let hold = shop.held(&[(product, q(3))]).await;
    let stored = shop.stored(&hold).await;
    let others = [
        Hold { order_id: shop.make.order_id(), ..hold.clone() },
        Hold { attempt: 2, ..hold.clone() },
        shop.make.next_attempt(&hold),
    ];
    for other in others {
        // Also where it would be short: what stands is answered first.
        for quantity in [1, 99] {
            let request = Reserve { hold: other.clone(), ..shop.make.reserve(&[(product, q(quantity))]) };
            assert_eq!(shop.reserve(&request).await, ReserveOutcome::Taken(stored.clone()));
        }
    }
    assert_eq!(shop.stored(&hold).await, stored);
    assert_eq!(shop.stock(product).await, (q(6), q(3)));
    shop.adds_up(&[product], &[hold]).await;
}

/// A hold that has moved on is not held anew by a late repeat of its reserve.
pub async fn a_reserve_of_a_hold_that_moved_on_is_taken(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(20).await;
    let line = [(product, q(2))];
    let committed = shop.committed(&line).await;
    let dispatched = shop.dispatched(&line).await;
    let undone = shop.undone(&line).await;
    let closed = shop.undone(&line).await;
    shop.close(&closed).await;
    for hold in [&committed, &dispatched, &undone, &closed] {
        let stored = shop.stored(hold).await;
        let request = Reserve { hold: hold.clone(), ..shop.make.reserve(&line) };
        assert_eq!(shop.reserve(&request).await, ReserveOutcome::Taken(stored.clone()));
        assert_eq!(shop.stored(hold).await, stored);
    }
    assert_eq!(shop.stock(product).await, (q(16), q(2)));
    shop.adds_up(&[product], &[committed, dispatched, undone, closed]).await;
}

/// A basket has at most 49 products, and one more is refused before any write.
pub async fn a_basket_has_49_products_and_not_50(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(MAX_LINES + 1, StockUnit::Piece, q(1)).await;
    let all: Vec<_> = products.iter().map(|product| (*product, q(1))).collect();
    let over = shop.make.reserve(&all);
    let kind = refusal(shop.reservations.reserve(shop.store, over.clone()).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "products", max: 49 });
    assert_eq!(shop.find(&over.hold).await, None);
    assert_eq!(shop.stock(products[0]).await, (q(1), q(0)));
    let hold = shop.held(&all[..MAX_LINES]).await;
    assert_eq!(shop.stored(&hold).await.lines.len(), MAX_LINES);
    assert_eq!((shop.stock(products[48]).await, shop.stock(products[49]).await), ((q(0), q(1)), (q(1), q(0))));
    shop.adds_up(&products, &[hold]).await;
}

/// Live holds *and* allocations of earlier orders together decide what is free.
pub async fn live_holds_and_earlier_allocations_decide_together(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(10).await;
    let committed = shop.committed(&[(product, q(3))]).await;
    let held = shop.held(&[(product, q(2))]).await;
    let gone = shop.dispatched(&[(product, q(1))]).await;
    let undone = shop.undone(&[(product, q(4))]).await;
    let five = shop.make.reserve(&[(product, q(5))]);
    let short = ShortLine { product_id: product, requested: q(5), available: q(4) };
    assert_eq!(shop.reserve(&five).await, ReserveOutcome::Short(vec![short]));
    let four = shop.held(&[(product, q(4))]).await;
    assert_eq!(shop.stock(product).await, (q(0), q(9)));
    shop.adds_up(&[product], &[committed, held, gone, undone, four]).await;
}

/// An expired hold frees its stock at its time, not a microsecond before, though nobody
/// swept; its own commit comes too late then.
pub async fn an_expired_hold_frees_its_stock_when_it_is_due(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(3)).await;
    let (a, b) = (products[0], products[1]);
    let old = shop.held(&[(a, q(2)), (b, q(1))]).await;
    let due = shop.stored(&old).await.due;
    shop.make.clock().set(due - TimeDelta::microseconds(1));
    let next = shop.make.reserve(&[(a, q(3))]);
    let short = ShortLine { product_id: a, requested: q(3), available: q(1) };
    assert_eq!(shop.reserve(&next).await, ReserveOutcome::Short(vec![short]));
    assert_eq!(shop.stored(&old).await.state, ReservationState::Held);

    shop.make.clock().set(due);
    let next = Reserve { now: due, ..next };
    assert_eq!(shop.reserve(&next).await, ReserveOutcome::Held);
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(0), q(3)), (q(3), q(0))));
    // It stays open: its order is not known to be gone.
    let freed = shop.stored(&old).await;
    assert_eq!((freed.state, freed.open, freed.recover_at), (ReservationState::Released, true, due));
    assert_eq!(freed.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [q(2), q(1)]);
    use MovementType::{Purchase, Return, Sale};
    assert_eq!(shop.ledger_of(a).await, [(Purchase, 3_000), (Sale, -2_000), (Return, 2_000), (Sale, -3_000)]);
    let returned = &shop.movements(b).await[2];
    assert_eq!((returned.movement_type, &returned.reference_id), (Return, &old.order_id.to_string()));
    assert_eq!(shop.commit(&old).await, CommitOutcome::Lost);
    shop.adds_up(&products, &[old, next.hold]).await;
}

/// A basket may need several expired holds freed; committed ones and those not yet due keep
/// theirs, whatever their age.
pub async fn only_holds_that_are_due_are_freed(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(10)).await;
    let (a, b) = (products[0], products[1]);
    let one = shop.held(&[(a, q(3))]).await;
    let two = shop.held(&[(a, q(2)), (b, q(4))]).await;
    let committed = shop.committed(&[(a, q(2))]).await;
    let due = shop.stored(&two).await.due;
    shop.make.clock().set(due - TimeDelta::seconds(1));
    let young = shop.held(&[(a, q(1)), (b, q(1))]).await;
    shop.make.clock().set(due + TimeDelta::seconds(1));
    // Everything due is freed and it is still not enough: that is what is told.
    let too_many = shop.make.reserve(&[(a, q(8)), (b, q(10))]);
    let short = vec![
        ShortLine { product_id: a, requested: q(8), available: q(7) },
        ShortLine { product_id: b, requested: q(10), available: q(9) },
    ];
    assert_eq!(shop.reserve(&too_many).await, ReserveOutcome::Short(short));
    let next = shop.held(&[(a, q(7)), (b, q(9))]).await;
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(0), q(10)), (q(0), q(10))));
    let mut states = Vec::new();
    for hold in [&one, &two, &committed, &young] {
        states.push(shop.stored(hold).await.state);
    }
    use ReservationState::{Committed, Held, Released};
    assert_eq!(states, [Released, Released, Committed, Held]);
    shop.adds_up(&products, &[one, two, committed, young, next]).await;
}

/// Undoing a hold never seen leaves a tombstone that refuses the reserve arriving late.
pub async fn a_tombstone_refuses_a_late_reserve(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let late = shop.make.reserve(&[(product, q(2))]);
    let now = shop.make.clock().advance(TimeDelta::seconds(1));
    for _ in 0..2 {
        assert_eq!(shop.release(&late.hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    }
    let tombstone = shop.stored(&late.hold).await;
    let expected = Reservation {
        store_id: shop.store,
        hold: late.hold.clone(),
        fingerprint: None,
        state: ReservationState::Released,
        open: true,
        lines: Vec::new(),
        revision: 0,
        due: now,
        recover_at: now,
        failures: 0,
        created_at: now,
        updated_at: now,
    };
    assert_eq!(tombstone, expected);
    assert_eq!(shop.reserve(&late).await, ReserveOutcome::Taken(tombstone));
    assert_eq!(shop.commit(&late.hold).await, CommitOutcome::Lost);
    shop.close(&late.hold).await;
    assert!(matches!(shop.reserve(&late).await, ReserveOutcome::Taken(found) if !found.open));
    assert_eq!(shop.stock(product).await, (q(5), q(0)));
    assert_eq!(shop.movements(product).await.len(), 1);

    let next = Reserve { hold: shop.make.next_attempt(&late.hold), ..late.clone() };
    assert_eq!(shop.reserve(&next).await, ReserveOutcome::Held);
    shop.adds_up(&[product], &[next.hold]).await;
}

/// A released reservation can be replaced only when it is closed, and only by a higher
/// attempt; the old attempt has no say from then on.
pub async fn only_a_closed_release_can_be_replaced_and_only_by_a_higher_attempt(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let first = shop.undone(&[(product, q(1))]).await;
    let second = Reserve { hold: shop.make.next_attempt(&first), ..shop.make.reserve(&[(product, q(4))]) };
    let stored = shop.stored(&first).await;
    assert_eq!(shop.reserve(&second).await, ReserveOutcome::Taken(stored));

    shop.close(&first).await;
    let closed = shop.stored(&first).await;
    let same = Reserve { hold: Hold { order_id: shop.make.order_id(), ..first.clone() }, ..second.clone() };
    assert_eq!(shop.reserve(&same).await, ReserveOutcome::Taken(closed.clone()));
    // A short replacement leaves what it would have replaced.
    let short = Reserve { lines: vec![(product, q(6))], ..second.clone() };
    assert!(matches!(shop.reserve(&short).await, ReserveOutcome::Short(_)));
    assert_eq!(shop.stored(&first).await, closed);

    let now = shop.make.clock().advance(TimeDelta::seconds(1));
    assert_eq!(shop.reserve(&Reserve { now, ..second.clone() }).await, ReserveOutcome::Held);
    let stored = shop.stored(&second.hold).await;
    assert_eq!((stored.hold.clone(), stored.open, stored.created_at), (second.hold.clone(), true, now));
    assert_eq!((stored.lines.len(), stored.lines[0].quantity), (1, q(4)));
    // What the old attempt still asks for changes nothing.
    assert_eq!(shop.commit(&first).await, CommitOutcome::Lost);
    assert_eq!(shop.release(&first, ReleaseCause::Undone).await, ReleaseOutcome::Other);
    assert_eq!(shop.release(&first, ReleaseCause::Cancelled).await, ReleaseOutcome::Other);
    shop.close(&first).await;
    assert_eq!(shop.stored(&second.hold).await, stored);
    assert_eq!(shop.stock(product).await, (q(1), q(4)));
    shop.adds_up(&[product], &[second.hold]).await;
}
