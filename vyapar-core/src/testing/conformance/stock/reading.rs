//! Reading levels and movements, and checking the books.

use chrono::TimeDelta;

use super::super::support::{all_pages, refusal, refuses_foreign_cursors};
use super::shop::{Shop, milli, q};
use crate::error::RepositoryErrorKind;
use crate::inventory::{ChangeKind, Delta, ReleaseCause, Verification};
use crate::page::PageRequest;
use crate::quantity::{Quantity, StockUnit};
use crate::testing::Bench;

/// Levels of products never opened, or of another store, are left out.
pub async fn levels_leave_out_foreign_and_unopened_products(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Kg, milli(1_250)).await;
    let foreign = shop.neighbour().pieces(9).await;
    let asked = shop.make.shuffled([products[2], foreign, products[0], shop.make.product_id()]);
    let mut levels = shop.ledger.levels(shop.store, &asked).await.unwrap();
    levels.sort_by_key(|level| level.product_id);
    let told: Vec<_> = levels.iter().map(|level| (level.product_id, level.current, level.unit)).collect();
    assert_eq!(told, [0, 2].map(|at| (products[at], milli(1_250), StockUnit::Kg)));
    assert_eq!(shop.ledger.levels(shop.store, &[]).await.unwrap(), []);
}

/// Two hundred levels are read at once, one more is refused.
pub async fn levels_of_200_products_and_not_of_201(bench: &Bench) {
    let shop = Shop::new(bench);
    let mut ids = shop.products(120, StockUnit::Piece, q(2)).await;
    ids.extend(shop.make.product_ids(80));
    let levels = shop.ledger.levels(shop.store, &ids).await.unwrap();
    assert!(levels.len() == 120 && levels.iter().all(|level| level.current == q(2)), "{} levels", levels.len());
    ids.push(shop.make.product_id());
    let kind = refusal(shop.ledger.levels(shop.store, &ids).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "ids", max: 200 });
}

/// Movements come newest first, page by page, each once, and only those of the product.
pub async fn movements_come_newest_first_page_by_page(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(2, StockUnit::Piece, q(100)).await;
    for at in 1..=22_i64 {
        // Time runs backwards: the number decides, never the clock.
        shop.make.clock().advance(TimeDelta::seconds(-1));
        let by = Delta::By(Quantity::from_thousandths(at * 1_000).unwrap().outward());
        let change = shop.make.change(ChangeKind::Adjustment, &[(products[0], by)]);
        shop.ledger.change(shop.store, change).await.unwrap();
    }
    let expected: Vec<u64> = shop.movements(products[0]).await.iter().rev().map(|movement| movement.seq).collect();
    // 100 less 1, 2, … 13 is 9; what is more than 9 is short.
    assert_eq!(expected, (1..=14).rev().collect::<Vec<_>>());
    for limit in [1, 5, 7, 14, 15] {
        let list = |page| shop.ledger.movements(shop.store, products[0], page);
        let found = all_pages(limit, list).await.unwrap();
        assert_eq!(found.iter().map(|movement| movement.seq).collect::<Vec<_>>(), expected, "by {limit}");
        assert!(found.iter().all(|movement| movement.product_id == products[0]));
    }
    let last = shop.ledger.movements(shop.store, products[0], PageRequest::first(14)).await.unwrap();
    assert_eq!(last.next, None, "a full last page has no next");
}

/// A product of another store, or without stock, has no movements here.
pub async fn movements_of_foreign_products_are_absent(bench: &Bench) {
    let shop = Shop::new(bench);
    let foreign = shop.neighbour().pieces(9).await;
    for product in [foreign, shop.make.product_id()] {
        let page = shop.ledger.movements(shop.store, product, PageRequest::default()).await.unwrap();
        assert_eq!((page.items, page.next), (Vec::new(), None));
    }
}

/// Cursors of other lists and malformed positions are refused.
pub async fn movements_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let shop = Shop::new(bench);
    let product = shop.pieces(3).await;
    refuses_foreign_cursors("movements", |page| shop.ledger.movements(shop.store, product, page)).await;
}

/// The check counts what it looked at, tombstones included, and only that store's.
pub async fn verify_counts_what_it_checked(bench: &Bench) {
    let shop = Shop::new(bench);
    let empty =
        |store| Verification { store_id: store, products: 0, movements: 0, reservations: 0, divergences: vec![] };
    assert_eq!(shop.ledger.verify(shop.store).await.unwrap(), empty(shop.store));
    let products = shop.products(3, StockUnit::Piece, q(9)).await;
    shop.products(1, StockUnit::Piece, Quantity::ZERO).await;
    shop.held(&[(products[0], q(1)), (products[1], q(2))]).await;
    shop.committed(&[(products[1], q(2))]).await;
    shop.dispatched(&[(products[2], q(1))]).await;
    shop.undone(&[(products[2], q(1))]).await;
    shop.release(&shop.make.hold(), ReleaseCause::Undone).await;
    let neighbour = shop.neighbour();
    neighbour.pieces(1).await;
    let expected = Verification { products: 4, movements: 3 + 3 + 3, reservations: 5, ..empty(shop.store) };
    assert_eq!(shop.ledger.verify(shop.store).await.unwrap(), expected);
    let expected = Verification { products: 1, movements: 1, ..empty(neighbour.store) };
    assert_eq!(neighbour.ledger.verify(neighbour.store).await.unwrap(), expected);
}

/// After every move there is, the books add up.
pub async fn the_books_add_up_after_every_move(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(3, StockUnit::Kg, q(20)).await;
    let (a, b, c) = (products[0], products[1], products[2]);
    let held = shop.held(&[(a, milli(1_500)), (b, q(2))]).await;
    let committed = shop.committed(&[(b, q(3)), (c, milli(125))]).await;
    let undone = shop.undone(&[(a, q(4)), (c, q(1))]).await;
    let cancelled = shop.committed(&[(a, q(5))]).await;
    shop.release(&cancelled, ReleaseCause::Cancelled).await;
    let gone = shop.dispatched(&[(a, q(2)), (b, q(2)), (c, q(2))]).await;
    let back = shop.make.give_back(&gone, &[(a, q(1), true), (b, milli(500), false)]);
    shop.reservations.give_back(shop.store, back).await.unwrap();
    let amend = shop.make.amend(&committed, 2, &[(a, q(1)), (b, q(1))]);
    shop.reservations.amend(shop.store, amend).await.unwrap();
    let spoilt = shop.make.change(ChangeKind::Damage, &[(c, Delta::By(milli(75).outward()))]);
    shop.ledger.change(shop.store, spoilt).await.unwrap();
    let absent = shop.make.hold();
    shop.release(&absent, ReleaseCause::Undone).await;

    assert_eq!(shop.stock(a).await, (milli(20_000 - 1_500 - 2_000 + 1_000 - 1_000), milli(1_500 + 1_000)));
    assert_eq!(shop.stock(b).await, (milli(20_000 - 2_000 - 1_000 - 2_000), milli(2_000 + 1_000)));
    assert_eq!(shop.stock(c).await, (milli(20_000 - 2_000 - 75), q(0)));
    shop.adds_up(&products, &[held, committed, undone, cancelled, gone, absent]).await;
}
