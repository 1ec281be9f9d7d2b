//! Commit, release, dispatch, close: each from where it may, each once.

use chrono::TimeDelta;

use super::shop::{Shop, milli, q};
use crate::inventory::{
    CommitOutcome, DispatchOutcome, Hold, MovementType, Reference, ReleaseCause, ReleaseOutcome, ReservationState,
    Reserve, ReserveOutcome,
};
use crate::quantity::StockUnit;
use crate::testing::Bench;

use MovementType::{Purchase, Return, Sale};

/// A commit closes the hold and ends its time limit; repeated, it is answered the same.
pub async fn a_commit_holds_without_a_time_limit(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let hold = shop.held(&[(product, q(3))]).await;
    let due = shop.stored(&hold).await.due;
    let now = shop.make.clock().advance(TimeDelta::seconds(5));
    assert_eq!(shop.commit(&hold).await, CommitOutcome::Committed);
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.state, stored.open, stored.updated_at), (ReservationState::Committed, false, now));
    assert_eq!(shop.commit(&hold).await, CommitOutcome::Committed);
    shop.make.clock().set(due + TimeDelta::days(400));
    assert!(matches!(shop.reserve(&shop.make.reserve(&[(product, q(3))])).await, ReserveOutcome::Short(_)));
    assert_eq!(shop.stock(product).await, (q(2), q(3)));
    assert_eq!(shop.ledger_of(product).await, [(Purchase, 5_000), (Sale, -3_000)]);
    shop.adds_up(&[product], &[hold]).await;
}

/// A hold past its time whose stock nobody needed can still be committed.
pub async fn a_hold_past_its_time_can_be_committed_until_it_is_freed(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let hold = shop.held(&[(product, q(3))]).await;
    shop.make.clock().advance(TimeDelta::days(1));
    // Enough is free, so nothing needs to be freed.
    let other = shop.held(&[(product, q(2))]).await;
    assert_eq!(shop.commit(&hold).await, CommitOutcome::Committed);
    shop.adds_up(&[product], &[hold, other]).await;
}

/// What this attempt does not hold any more, or never did, cannot be committed.
pub async fn a_commit_of_what_is_not_held_is_lost(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let undone = shop.undone(&[(product, q(1))]).await;
    let held = shop.held(&[(product, q(2))]).await;
    let never = shop.make.hold();
    let strangers = [
        undone.clone(),
        never.clone(),
        Hold { attempt: 2, ..held.clone() },
        Hold { order_id: shop.make.order_id(), ..held.clone() },
    ];
    for hold in strangers {
        assert_eq!(shop.commit(&hold).await, CommitOutcome::Lost);
    }
    assert_eq!(shop.find(&never).await, None, "a lost commit leaves nothing behind");
    let stored = shop.stored(&held).await;
    assert_eq!((stored.state, stored.open), (ReservationState::Held, true));
    assert_eq!(shop.stock(product).await, (q(7), q(2)));
    shop.adds_up(&[product], &[undone, held]).await;
}

/// Undoing a hold gives all its stock back, once, with a `return` each, and leaves it open.
pub async fn an_undone_hold_gives_its_stock_back_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Litre, q(4)).await;
    let hold = shop.held(&[(products[0], milli(1_001)), (products[1], q(4))]).await;
    let now = shop.make.clock().advance(TimeDelta::seconds(9));
    assert_eq!(shop.release(&hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.state, stored.open), (ReservationState::Released, true));
    assert_eq!((stored.recover_at, stored.updated_at), (now, now));
    assert_eq!(stored.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [milli(1_001), q(4)]);
    for _ in 0..3 {
        shop.make.clock().advance(TimeDelta::seconds(1));
        assert_eq!(shop.release(&hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    }
    assert_eq!(shop.stored(&hold).await.state, ReservationState::Released);
    assert_eq!(shop.ledger_of(products[0]).await, [(Purchase, 4_000), (Sale, -1_001), (Return, 1_001)]);
    assert_eq!(shop.ledger_of(products[1]).await, [(Purchase, 4_000), (Sale, -4_000), (Return, 4_000)]);
    let movement = shop.movements(products[1]).await.pop().unwrap();
    assert_eq!((movement.reference_type, movement.reference_id), (Reference::Order, hold.order_id.to_string()));
    assert_eq!(movement.created_at, now);
    shop.adds_up(&products, &[hold]).await;
}

/// Undo does not reach what is committed or dispatched, nor another attempt.
pub async fn an_undo_reaches_only_its_own_hold(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let line = [(product, q(2))];
    let committed = shop.committed(&line).await;
    let dispatched = shop.dispatched(&line).await;
    let held = shop.held(&line).await;
    let undone = shop.undone(&line).await;
    let cases = [
        (committed.clone(), ReleaseOutcome::Committed),
        (dispatched.clone(), ReleaseOutcome::Committed),
        (Hold { attempt: 2, ..held.clone() }, ReleaseOutcome::Other),
        (Hold { order_id: shop.make.order_id(), ..held.clone() }, ReleaseOutcome::Other),
        (Hold { order_id: shop.make.order_id(), ..committed.clone() }, ReleaseOutcome::Other),
        // Released and still open: not yet to be replaced, not by a tombstone either.
        (shop.make.next_attempt(&undone), ReleaseOutcome::Other),
    ];
    let mut before = Vec::new();
    for hold in [&committed, &dispatched, &held, &undone] {
        before.push(shop.stored(hold).await);
    }
    for (hold, expected) in cases {
        assert_eq!(shop.release(&hold, ReleaseCause::Undone).await, expected);
    }
    for stored in before {
        assert_eq!(shop.stored(&stored.hold).await, stored);
    }
    assert_eq!(shop.stock(product).await, (q(3), q(4)));
    shop.adds_up(&[product], &[committed, dispatched, held, undone]).await;
}

/// Undoing a later attempt, never seen, of a closed reservation leaves that attempt's
/// tombstone in its place.
pub async fn a_tombstone_may_replace_a_closed_release(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let first = shop.undone(&[(product, q(1))]).await;
    shop.close(&first).await;
    let second = shop.make.next_attempt(&first);
    assert_eq!(shop.release(&second, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    let stored = shop.stored(&second).await;
    assert_eq!((stored.hold.clone(), stored.open, stored.fingerprint), (second.clone(), true, None));
    let late = Reserve { hold: second, ..shop.make.reserve(&[(product, q(1))]) };
    assert_eq!(shop.reserve(&late).await, ReserveOutcome::Taken(stored));
    assert_eq!(shop.stock(product).await, (q(5), q(0)));
    shop.adds_up(&[product], &[first]).await;
}

/// A cancelled order's stock comes back from a hold as from a commit, once, and the
/// reservation is closed; a released one is only closed.
pub async fn a_cancelled_order_releases_from_held_committed_and_released(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(20).await;
    let line = [(product, q(2))];
    let holds = [shop.held(&line).await, shop.committed(&line).await, shop.undone(&line).await];
    for hold in &holds {
        for _ in 0..2 {
            assert_eq!(shop.release(hold, ReleaseCause::Cancelled).await, ReleaseOutcome::Released);
            let stored = shop.stored(hold).await;
            assert_eq!((stored.state, stored.open), (ReservationState::Released, false));
            assert_eq!(stored.lines[0].quantity, q(2));
        }
        assert_eq!(shop.commit(hold).await, CommitOutcome::Lost);
        assert_eq!(shop.dispatch(hold).await, DispatchOutcome::NotCommitted);
    }
    assert_eq!(shop.stock(product).await, (q(20), q(0)));
    let returns = shop.ledger_of(product).await.into_iter().filter(|(kind, _)| *kind == Return).count();
    assert_eq!(returns, 3);
    shop.adds_up(&[product], &holds).await;
}

/// A cancelled order's release leaves dispatched goods where they are, touches no other
/// attempt, and leaves no tombstone.
pub async fn a_cancelled_order_releases_nothing_else(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let dispatched = shop.dispatched(&[(product, q(2))]).await;
    let committed = shop.committed(&[(product, q(3))]).await;
    let never = shop.make.hold();
    let cases = [
        (dispatched.clone(), ReleaseOutcome::Dispatched),
        (never.clone(), ReleaseOutcome::Other),
        (Hold { attempt: 2, ..committed.clone() }, ReleaseOutcome::Other),
        (Hold { order_id: shop.make.order_id(), ..committed.clone() }, ReleaseOutcome::Other),
    ];
    for (hold, expected) in cases {
        assert_eq!(shop.release(&hold, ReleaseCause::Cancelled).await, expected);
    }
    assert_eq!(shop.find(&never).await, None);
    assert_eq!(shop.stored(&dispatched).await.state, ReservationState::Dispatched);
    assert_eq!(shop.stored(&committed).await.state, ReservationState::Committed);
    let late = Reserve { hold: never, ..shop.make.reserve(&[(product, q(1))]) };
    assert_eq!(shop.reserve(&late).await, ReserveOutcome::Held);
    assert_eq!(shop.stock(product).await, (q(3), q(4)));
    shop.adds_up(&[product], &[dispatched, committed, late.hold]).await;
}

/// A dispatch takes the goods out of what is held, once, and leaves no movement.
pub async fn a_dispatch_takes_goods_out_of_what_is_held_once(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Kg, q(9)).await;
    let hold = shop.committed(&[(products[0], milli(250)), (products[1], q(2))]).await;
    let stays = shop.committed(&[(products[1], q(3))]).await;
    let now = shop.make.clock().advance(TimeDelta::seconds(1));
    for _ in 0..3 {
        assert_eq!(shop.dispatch(&hold).await, DispatchOutcome::Dispatched);
        assert_eq!(shop.stock(products[0]).await, (milli(8_750), q(0)));
        assert_eq!(shop.stock(products[1]).await, (q(4), q(3)));
    }
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.state, stored.open, stored.updated_at), (ReservationState::Dispatched, false, now));
    assert_eq!(stored.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [milli(250), q(2)]);
    assert_eq!(shop.ledger_of(products[0]).await, [(Purchase, 9_000), (Sale, -250)]);
    assert_eq!(shop.commit(&hold).await, CommitOutcome::Committed, "dispatched is committed and more");
    shop.adds_up(&products, &[hold, stays]).await;
}

/// Only what is committed for this attempt can be dispatched.
pub async fn only_a_committed_hold_can_be_dispatched(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let (held, undone) = (shop.held(&[(product, q(1))]).await, shop.undone(&[(product, q(1))]).await);
    let committed = shop.committed(&[(product, q(2))]).await;
    let refused = [
        held.clone(),
        undone.clone(),
        shop.make.hold(),
        Hold { attempt: 2, ..committed.clone() },
        Hold { order_id: shop.make.order_id(), ..committed.clone() },
    ];
    for hold in refused {
        assert_eq!(shop.dispatch(&hold).await, DispatchOutcome::NotCommitted);
    }
    assert_eq!(shop.stock(product).await, (q(6), q(3)));
    shop.adds_up(&[product], &[held, undone, committed]).await;
}

/// Closing is for released reservations of this attempt; all else it leaves as it is.
pub async fn only_a_released_hold_can_be_closed(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let line = [(product, q(1))];
    let held = shop.held(&line).await;
    let undone = shop.undone(&line).await;
    let others = [
        held.clone(),
        shop.committed(&line).await,
        shop.dispatched(&line).await,
        Hold { attempt: 2, ..undone.clone() },
        Hold { order_id: shop.make.order_id(), ..undone.clone() },
    ];
    for hold in others {
        let before = shop.stored(&hold).await;
        shop.close(&hold).await;
        assert_eq!(shop.stored(&hold).await, before);
    }
    let never = shop.make.hold();
    shop.close(&never).await;
    assert_eq!(shop.find(&never).await, None);

    let before = shop.stored(&undone).await;
    for _ in 0..2 {
        shop.close(&undone).await;
        let closed = shop.stored(&undone).await;
        assert_eq!((closed.state, closed.open), (ReservationState::Released, false));
        assert_eq!((closed.lines, closed.hold), (before.lines.clone(), undone.clone()));
    }
}
