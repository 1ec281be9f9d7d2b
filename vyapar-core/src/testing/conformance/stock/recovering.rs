//! The queue of reservations that recovery works on.

use chrono::TimeDelta;

use super::super::support::eventually;
use super::shop::{Shop, q};
use crate::inventory::{Hold, ReleaseCause, ReservationState, Reserve, ReserveOutcome};
use crate::page::AllStores;
use crate::testing::Bench;
use crate::time::Timestamp;

async fn defer(shop: &Shop, hold: &Hold, to: Timestamp, failures: u32) {
    shop.queue.defer(shop.store, hold.clone(), to, failures).await.unwrap();
}

/// Due are exactly the open reservations whose time has come, over all stores, oldest first:
/// holds at their end, released ones and tombstones from their release on.
pub async fn due_are_open_reservations_whose_time_has_come(bench: &Bench) {
    let shop = Shop::new(bench);
    let other = shop.neighbour();
    let (product, theirs) = (shop.pieces(50).await, other.pieces(50).await);
    let start = shop.now();
    let held = shop.held(&[(product, q(1))]).await;
    let tick = || shop.make.clock().advance(TimeDelta::seconds(1));
    tick();
    let foreign = other.held(&[(theirs, q(1))]).await;
    tick();
    let late = shop.held(&[(product, q(1))]).await;
    // What is committed, dispatched or closed needs no looking at.
    shop.committed(&[(product, q(1))]).await;
    shop.dispatched(&[(product, q(1))]).await;
    let closed = shop.undone(&[(product, q(1))]).await;
    shop.close(&closed).await;
    let cancelled = shop.committed(&[(product, q(1))]).await;
    shop.release(&cancelled, ReleaseCause::Cancelled).await;
    tick();
    let undone = shop.undone(&[(product, q(1))]).await;
    tick();
    let tombstone = shop.make.hold();
    shop.release(&tombstone, ReleaseCause::Undone).await;

    let now = shop.now();
    let before = now - TimeDelta::microseconds(1);
    eventually(vec![undone.clone(), tombstone.clone()], || shop.due(now)).await;
    eventually(vec![undone.clone()], || shop.due(before)).await;
    let end = start + TimeDelta::minutes(2);
    eventually(vec![undone.clone(), tombstone.clone()], || shop.due(end - TimeDelta::microseconds(1))).await;
    eventually(vec![undone.clone(), tombstone.clone(), held.clone()], || shop.due(end)).await;
    let all = vec![undone.clone(), tombstone, held, foreign.clone(), late];
    eventually(all, || shop.due(end + TimeDelta::days(1))).await;

    let found = shop.queue.due(AllStores, end + TimeDelta::days(1), 200).await.unwrap();
    assert_eq!(found[0], shop.stored(&undone).await, "whole reservations are given");
    assert_eq!(found[3], other.stored(&foreign).await);
    let first = shop.queue.due(AllStores, end + TimeDelta::days(1), 3).await.unwrap();
    assert_eq!(first, found[..3], "no more than asked for, the oldest ones");
}

/// What is committed, cancelled or closed leaves the queue.
pub async fn what_is_done_with_is_due_no_more(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let line = [(product, q(1))];
    let later = shop.now() + TimeDelta::days(1);
    let (committed, cancelled, undone) = (shop.held(&line).await, shop.held(&line).await, shop.undone(&line).await);
    eventually(3, || async { Ok(shop.due(later).await?.len()) }).await;
    shop.commit(&committed).await;
    shop.release(&cancelled, ReleaseCause::Cancelled).await;
    eventually(vec![undone.clone()], || shop.due(later)).await;
    shop.close(&undone).await;
    eventually(Vec::new(), || shop.due(later)).await;
    // A new attempt is looked at again.
    let next = Reserve { hold: shop.make.next_attempt(&undone), ..shop.make.reserve(&line) };
    assert_eq!(shop.reserve(&next).await, ReserveOutcome::Held);
    eventually(vec![next.hold], || shop.due(later)).await;
}

/// Deferring moves when recovery looks, and nothing else: the hold still ends in time.
pub async fn a_deferred_hold_still_frees_its_stock_in_time(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(5).await;
    let hold = shop.held(&[(product, q(5))]).await;
    let before = shop.stored(&hold).await;
    let next_day = shop.now() + TimeDelta::days(1);
    defer(&shop, &hold, next_day, 3).await;
    let deferred = shop.stored(&hold).await;
    assert_eq!((deferred.recover_at, deferred.failures, deferred.due), (next_day, 3, before.due));
    assert_eq!((deferred.state, deferred.open, &deferred.lines), (before.state, before.open, &before.lines));
    eventually(Vec::new(), || shop.due(next_day - TimeDelta::microseconds(1))).await;
    eventually(vec![hold.clone()], || shop.due(next_day)).await;

    shop.make.clock().set(before.due);
    let next = shop.held(&[(product, q(5))]).await;
    assert_eq!(shop.stored(&hold).await.state, ReservationState::Released);
    shop.adds_up(&[product], &[hold, next]).await;
}

/// Only an open reservation of this attempt can be deferred.
pub async fn only_an_open_hold_of_this_attempt_is_deferred(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(9).await;
    let line = [(product, q(1))];
    let (held, closed) = (shop.held(&line).await, shop.undone(&line).await);
    shop.close(&closed).await;
    let others = [
        shop.committed(&line).await,
        shop.dispatched(&line).await,
        closed,
        Hold { attempt: 2, ..held.clone() },
        Hold { order_id: shop.make.order_id(), ..held.clone() },
    ];
    for hold in others {
        let before = shop.stored(&hold).await;
        defer(&shop, &hold, shop.now(), 77).await;
        assert_eq!(shop.stored(&hold).await, before);
    }
    let never = shop.make.hold();
    defer(&shop, &never, shop.now(), 77).await;
    assert_eq!(shop.find(&never).await, None);
    let undone = shop.undone(&line).await;
    let later = shop.now() + TimeDelta::hours(1);
    defer(&shop, &undone, later, 1).await;
    let stored = shop.stored(&undone).await;
    assert_eq!((stored.recover_at, stored.failures, stored.state), (later, 1, ReservationState::Released));
}

/// Stuck are open reservations on which recovery failed so often or more, due or not.
pub async fn stuck_are_open_reservations_that_failed_often(bench: &Bench) {
    let shop = Shop::new(bench);
    let other = shop.neighbour();
    let (product, theirs) = (shop.pieces(9).await, other.pieces(9).await);
    let (nine, ten) = (shop.held(&[(product, q(1))]).await, shop.undone(&[(product, q(1))]).await);
    let (many, fresh) = (other.held(&[(theirs, q(1))]).await, shop.held(&[(product, q(1))]).await);
    let far = shop.now() + TimeDelta::days(30);
    defer(&shop, &nine, far, 9).await;
    defer(&shop, &ten, far, 10).await;
    defer(&other, &many, far, 4_000).await;
    let stuck = async |failures| {
        let found = shop.queue.stuck(AllStores, failures, 200).await?;
        let mut holds: Vec<_> = found.into_iter().map(|found| found.hold).collect();
        holds.sort_by_key(|hold| hold.id);
        Ok(holds)
    };
    let sorted = |mut holds: Vec<Hold>| {
        holds.sort_by_key(|hold| hold.id);
        holds
    };
    eventually(sorted(vec![ten.clone(), many.clone()]), || stuck(10)).await;
    eventually(sorted(vec![nine.clone(), ten.clone(), many.clone()]), || stuck(9)).await;
    assert_eq!(bench.ports.stock.queue.stuck(AllStores, 9, 2).await.unwrap().len(), 2);
    other.commit(&many).await;
    other.close(&fresh).await;
    eventually(vec![ten], || stuck(10)).await;
}
