//! Amend: absolute targets, the highest revision wins.

use chrono::TimeDelta;

use super::super::support::{at_once, refusal};
use super::shop::{Shop, milli, q};
use crate::error::RepositoryErrorKind;
use crate::id::ProductId;
use crate::inventory::{
    Amend, AmendOutcome, DispatchOutcome, Hold, MAX_LINES, MovementType, Reference, ReleaseCause, ReleaseOutcome,
    ShortLine,
};
use crate::quantity::{Quantity, StockUnit};
use crate::testing::Bench;

use MovementType::{Purchase, Return, Sale};

async fn amend(shop: &Shop, request: &Amend) -> AmendOutcome {
    shop.reservations.amend(shop.store, request.clone()).await.unwrap()
}

async fn lines(shop: &Shop, hold: &Hold) -> Vec<(ProductId, Quantity)> {
    shop.stored(hold).await.lines.iter().map(|line| (line.product_id, line.quantity)).collect()
}

/// An amendment sets what is held: down gives back, up takes, new products are added, those
/// left out go to zero and stay as lines; each product that changes has one movement.
pub async fn an_amendment_sets_what_is_held(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(5, StockUnit::Kg, q(10)).await;
    let [down, up, out, new, same] = products[..] else { panic!("five products") };
    let hold = shop.held(&[(down, q(5)), (up, q(1)), (out, milli(1_500)), (same, q(2))]).await;
    let now = shop.make.clock().advance(TimeDelta::seconds(3));
    let request = shop.make.amend(&hold, 4, &[(down, milli(2_750)), (up, q(4)), (new, q(10)), (same, q(2))]);
    assert_eq!(amend(&shop, &request).await, AmendOutcome::Amended);
    let mut expected = vec![(down, milli(2_750)), (up, q(4)), (out, q(0)), (new, q(10)), (same, q(2))];
    expected.sort();
    assert_eq!(lines(&shop, &hold).await, expected);
    let stored = shop.stored(&hold).await;
    assert_eq!((stored.revision, stored.open, stored.updated_at), (4, true, now));
    assert_eq!(shop.ledger_of(down).await, [(Purchase, 10_000), (Sale, -5_000), (Return, 2_250)]);
    assert_eq!(shop.ledger_of(up).await, [(Purchase, 10_000), (Sale, -1_000), (Sale, -3_000)]);
    assert_eq!(shop.ledger_of(out).await, [(Purchase, 10_000), (Sale, -1_500), (Return, 1_500)]);
    assert_eq!(shop.ledger_of(new).await, [(Purchase, 10_000), (Sale, -10_000)]);
    assert_eq!(shop.ledger_of(same).await, [(Purchase, 10_000), (Sale, -2_000)]);
    let movement = shop.movements(new).await.pop().unwrap();
    assert_eq!((movement.reference_type, movement.reference_id), (Reference::Order, hold.order_id.to_string()));
    assert_eq!((movement.performed_by, movement.created_at), (request.performed_by, now));
    shop.adds_up(&products, &[hold]).await;
}

/// The same or an older revision changes nothing, whatever it says; a newer one does.
pub async fn an_amendment_of_an_older_revision_changes_nothing(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(10).await;
    let hold = shop.committed(&[(product, q(5))]).await;
    assert_eq!(amend(&shop, &shop.make.amend(&hold, 3, &[(product, q(4))])).await, AmendOutcome::Amended);
    let stored = shop.stored(&hold).await;
    for (revision, target) in [(3, q(4)), (3, q(1)), (2, q(9)), (1, q(99))] {
        let late = shop.make.amend(&hold, revision, &[(product, target)]);
        assert_eq!(amend(&shop, &late).await, AmendOutcome::Amended);
        assert_eq!(shop.stored(&hold).await, stored);
    }
    assert_eq!(shop.stock(product).await, (q(6), q(4)));
    assert_eq!(amend(&shop, &shop.make.amend(&hold, 4, &[(product, q(2))])).await, AmendOutcome::Amended);
    assert_eq!(shop.stock(product).await, (q(8), q(2)));
    assert_eq!(amend(&shop, &shop.make.amend(&hold, 9, &[])).await, AmendOutcome::Amended);
    assert_eq!(lines(&shop, &hold).await, [(product, q(0))]);
    assert_eq!(shop.stock(product).await, (q(10), q(0)));
    shop.adds_up(&[product], &[hold]).await;
}

/// An amendment that needs more than there is changes nothing, not even what it gives back,
/// and tells every line that is short by what it needs on top.
pub async fn a_short_amendment_changes_nothing_and_tells_all_short_lines(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Piece, q(5)).await;
    let stranger = shop.make.product_id();
    let hold = shop.committed(&[(products[0], q(5)), (products[1], q(3))]).await;
    let before = shop.stored(&hold).await;
    let targets = [(products[0], q(1)), (products[1], q(7)), (products[2], q(6)), (stranger, q(1))];
    let request = shop.make.amend(&hold, 2, &targets);
    let mut short = vec![
        ShortLine { product_id: products[1], requested: q(4), available: q(2) },
        ShortLine { product_id: products[2], requested: q(6), available: q(5) },
        ShortLine { product_id: stranger, requested: q(1), available: q(0) },
    ];
    short.sort_by_key(|line| line.product_id);
    let AmendOutcome::Short(mut told) = amend(&shop, &request).await else { panic!("not short") };
    told.sort_by_key(|line| line.product_id);
    assert_eq!(told, short);
    assert_eq!(shop.stored(&hold).await, before);
    assert_eq!(shop.stock(products[0]).await, (q(0), q(5)));
    // A refusal is not remembered: the same revision may be applied with less.
    let less = shop.make.amend(&hold, 2, &[(products[0], q(1)), (products[1], q(5)), (products[2], q(5))]);
    assert_eq!(amend(&shop, &less).await, AmendOutcome::Amended);
    shop.adds_up(&products, &[hold]).await;
}

/// Only what holds stock for this attempt can be amended.
pub async fn only_what_holds_can_be_amended(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(20).await;
    let line = [(product, q(2))];
    let held = shop.held(&line).await;
    let holds = [shop.undone(&line).await, shop.dispatched(&line).await, held.clone()];
    let refused = [
        holds[0].clone(),
        holds[1].clone(),
        shop.make.hold(),
        Hold { attempt: 2, ..held.clone() },
        Hold { order_id: shop.make.order_id(), ..held.clone() },
    ];
    for hold in refused {
        assert_eq!(amend(&shop, &shop.make.amend(&hold, 1, &[(product, q(1))])).await, AmendOutcome::NotHolding);
    }
    assert_eq!(shop.stock(product).await, (q(16), q(2)));
    shop.adds_up(&[product], &holds).await;
}

/// What is released or dispatched after an amendment is what it left, not what was reserved.
pub async fn amended_quantities_are_what_is_released_and_dispatched(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(10)).await;
    let (a, b) = (products[0], products[1]);
    let (gone, back, undone) =
        (shop.committed(&[(a, q(4))]).await, shop.committed(&[(a, q(3))]).await, shop.held(&[(b, q(2))]).await);
    for (hold, targets) in
        [(&gone, [(a, q(1)), (b, q(2))]), (&back, [(a, q(2)), (b, q(5))]), (&undone, [(a, q(1)), (b, q(1))])]
    {
        assert_eq!(amend(&shop, &shop.make.amend(hold, 1, &targets)).await, AmendOutcome::Amended);
    }
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(6), q(4)), (q(2), q(8))));
    assert_eq!(shop.dispatch(&gone).await, DispatchOutcome::Dispatched);
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(6), q(3)), (q(2), q(6))));
    assert_eq!(shop.release(&back, ReleaseCause::Cancelled).await, ReleaseOutcome::Released);
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(8), q(1)), (q(7), q(1))));
    assert_eq!(shop.release(&undone, ReleaseCause::Undone).await, ReleaseOutcome::Released);
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(9), q(0)), (q(8), q(0))));
    shop.adds_up(&products, &[gone, back, undone]).await;
}

/// An amendment names at most 49 products, and one more is refused before any write.
pub async fn an_amendment_takes_49_products_and_not_50(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(MAX_LINES + 1, StockUnit::Piece, q(2)).await;
    let all: Vec<_> = products.iter().map(|product| (*product, q(1))).collect();
    let hold = shop.held(&all[..1]).await;
    let request = shop.make.amend(&hold, 1, &all);
    let kind = refusal(shop.reservations.amend(shop.store, request).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "products", max: 49 });
    assert_eq!(lines(&shop, &hold).await, all[..1]);
    assert_eq!(amend(&shop, &shop.make.amend(&hold, 1, &all[..MAX_LINES])).await, AmendOutcome::Amended);
    assert_eq!(lines(&shop, &hold).await, all[..MAX_LINES]);
    shop.adds_up(&products, &[hold]).await;
}

/// A reservation has at most 49 lines, those amended to zero among them.
pub async fn amendments_never_make_more_than_49_lines(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(MAX_LINES + 1, StockUnit::Piece, q(2)).await;
    let all: Vec<_> = products.iter().map(|product| (*product, q(1))).collect();
    let hold = shop.held(&all[..30]).await;
    let before = shop.stored(&hold).await;
    let kind = refusal(shop.reservations.amend(shop.store, shop.make.amend(&hold, 1, &all[30..])).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "products", max: 49 });
    assert_eq!(shop.stored(&hold).await, before);
    assert_eq!(amend(&shop, &shop.make.amend(&hold, 1, &all[30..MAX_LINES])).await, AmendOutcome::Amended);
    assert_eq!(shop.stored(&hold).await.lines.len(), MAX_LINES);
    shop.adds_up(&products, &[hold]).await;
}

/// Amendments arriving at once and in any order end at the highest revision.
pub async fn amendments_at_once_end_at_the_highest_revision(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(40)).await;
    let (a, b) = (products[0], products[1]);
    let hold = shop.committed(&[(a, q(10)), (b, q(10))]).await;
    let requests = (1..=16).map(|revision: u32| {
        let targets = [(a, q(revision)), (b, q(33 - 2 * revision))];
        shop.make.amend(&hold, u64::from(revision), &targets)
    });
    let requests = shop.make.shuffled(requests.flat_map(|request| [request.clone(), request]));
    let answers = at_once(requests.into_iter().map(|request| {
        let shop = shop.clone();
        async move { amend(&shop, &request).await }
    }));
    assert_eq!(answers.await, vec![AmendOutcome::Amended; 32]);
    assert_eq!(lines(&shop, &hold).await, [(a, q(16)), (b, q(1))]);
    assert_eq!(shop.stored(&hold).await.revision, 16);
    assert_eq!((shop.stock(a).await, shop.stock(b).await), ((q(24), q(16)), (q(39), q(1))));
    shop.adds_up(&products, &[hold]).await;
}
