//! One store never reaches another's stock: foreign ids are absent.

use super::shop::{Shop, q};
use crate::inventory::{
    AmendOutcome, ChangeKind, ChangeOutcome, CommitOutcome, Delta, DispatchOutcome, GiveBackOutcome, ReleaseCause,
    ReleaseOutcome, ReserveOutcome, ShortLine,
};
use crate::testing::Bench;

/// Every move of a hold, made under another store, meets nothing and moves nothing.
pub async fn another_store_moves_no_hold(bench: &Bench) {
    let shop = Shop::new(bench);
    let other = shop.neighbour();
    let product = shop.pieces(20).await;
    let line = [(product, q(2))];
    let held = shop.held(&line).await;
    let committed = shop.committed(&line).await;
    let dispatched = shop.dispatched(&line).await;
    let undone = shop.undone(&line).await;
    let holds = [held, committed, dispatched, undone];
    let mut before = Vec::new();
    for hold in &holds {
        before.push(shop.stored(hold).await);
    }
    for hold in &holds {
        assert_eq!(other.find(hold).await, None);
        assert_eq!(other.commit(hold).await, CommitOutcome::Lost);
        assert_eq!(other.release(hold, ReleaseCause::Cancelled).await, ReleaseOutcome::Other);
        assert_eq!(other.dispatch(hold).await, DispatchOutcome::NotCommitted);
        let amend = shop.make.amend(hold, 9, &[(product, q(1))]);
        assert_eq!(other.reservations.amend(other.store, amend).await.unwrap(), AmendOutcome::NotHolding);
        let back = shop.make.give_back(hold, &[(product, q(1), true)]);
        assert_eq!(other.reservations.give_back(other.store, back).await.unwrap(), GiveBackOutcome::NotDispatched);
        other.close(hold).await;
        other.queue.defer(other.store, hold.clone(), shop.now(), 50).await.unwrap();
        assert_eq!(other.find(hold).await, None, "nothing was left behind");
        // An undo leaves that store's own tombstone, and the hold here alone.
        assert_eq!(other.release(hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
        assert_eq!(other.find(hold).await.map(|found| (found.store_id, found.lines)), Some((other.store, Vec::new())));
    }
    for stored in before {
        assert_eq!(shop.stored(&stored.hold).await, stored);
    }
    assert_eq!(shop.stock(product).await, (q(14), q(4)));
    shop.adds_up(&[product], &holds).await;
    other.adds_up(&[], &[]).await;
}

/// Another store's stock can be neither read, changed nor held.
pub async fn another_store_reaches_no_stock(bench: &Bench) {
    let shop = Shop::new(bench);
    let other = shop.neighbour();
    let product = shop.pieces(5).await;
    assert_eq!(other.ledger.levels(other.store, &[product]).await.unwrap(), []);
    assert_eq!(other.movements(product).await, []);
    let change = shop.make.change(ChangeKind::Damage, &[(product, Delta::By(q(1).outward()))]);
    let answer = other.ledger.change(other.store, change).await.unwrap();
    assert_eq!(answer, ChangeOutcome::NotOpen(vec![product]));
    let count = shop.make.change(ChangeKind::Adjustment, &[(product, Delta::Counted(q(0)))]);
    let answer = other.ledger.change(other.store, count).await.unwrap();
    assert_eq!(answer, ChangeOutcome::NotOpen(vec![product]));
    let short = ShortLine { product_id: product, requested: q(1), available: q(0) };
    assert_eq!(other.reserve(&shop.make.reserve(&[(product, q(1))])).await, ReserveOutcome::Short(vec![short]));
    // Nor does it come in by an amendment of the other store's own hold.
    let own = other.pieces(5).await;
    let hold = other.held(&[(own, q(1))]).await;
    let amend = shop.make.amend(&hold, 2, &[(own, q(1)), (product, q(1))]);
    let answer = other.reservations.amend(other.store, amend).await.unwrap();
    assert_eq!(answer, AmendOutcome::Short(vec![short]));
    assert_eq!((shop.stock(product).await, shop.movements(product).await.len()), ((q(5), q(0)), 1));
    other.adds_up(&[own], &[hold]).await;
}

/// The same reservation id and the same operation id in two stores are two things.
pub async fn the_same_ids_in_two_stores_are_two_things(bench: &Bench) {
    let shop = Shop::new(bench);
    let other = shop.neighbour();
    let (product, theirs) = (shop.pieces(5).await, other.pieces(5).await);
    let request = shop.make.reserve(&[(product, q(2))]);
    let same = crate::inventory::Reserve { lines: vec![(theirs, q(3))], ..request.clone() };
    assert_eq!(shop.reserve(&request).await, ReserveOutcome::Held);
    assert_eq!(other.reserve(&same).await, ReserveOutcome::Held);
    assert_eq!(shop.commit(&request.hold).await, CommitOutcome::Committed);
    assert_eq!(other.release(&same.hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    assert_eq!((shop.stock(product).await, other.stock(theirs).await), ((q(3), q(2)), (q(5), q(0))));

    let purchase = shop.make.purchase(&[product], q(1));
    let theirs_too =
        crate::inventory::StockChange { lines: shop.make.purchase(&[theirs], q(4)).lines, ..purchase.clone() };
    for (shop, change) in [(&shop, purchase), (&other, theirs_too)] {
        let answer = shop.ledger.change(shop.store, change).await.unwrap();
        assert!(matches!(answer, ChangeOutcome::Applied(_)), "{answer:?}");
    }
    assert_eq!((shop.stock(product).await.0, other.stock(theirs).await.0), (q(4), q(9)));
    shop.adds_up(&[product], &[request.hold]).await;
    other.adds_up(&[theirs], &[same.hold]).await;
}
