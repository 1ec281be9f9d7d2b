//! An order by a basis is placed only while that basis stands. Adapters that do not look at
//! stores and products have nothing to promise here.

use super::super::stock::shop::q;
use super::super::support::at_once;
use super::market::Market;
use crate::inventory::{ChangeKind, Delta, ShortLine};
use crate::order::{AtOnceOutcome, Basis};
use crate::quantity::StockUnit;
use crate::testing::Bench;

/// Store and products as they were quoted: placed, also for one product of several.
pub async fn an_order_by_what_stands_is_placed(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let products = shop.products(3, StockUnit::Piece, q(5)).await;
    let Some(catalogue) = market.catalogue(&products).await else { return };
    let whole = market.request(&[(products[0], q(1)), (products[1], q(1)), (products[2], q(1))]);
    assert_eq!(market.place_by(&whole, &catalogue.basis).await, AtOnceOutcome::Placed);
    let one = market.request(&[(products[1], q(1))]);
    let basis = Basis { products: vec![catalogue.basis.products[1]], ..catalogue.basis };
    assert_eq!(market.place_by(&one, &basis).await, AtOnceOutcome::Placed);
    shop.adds_up(&products, &[whole.0.hold, one.0.hold]).await;
}

/// A newer store, a newer product, one that is not there, one of another store: nothing is
/// written, and the same request by what stands is placed.
pub async fn an_order_by_what_has_changed_leaves_nothing_at_all(bench: &Bench) {
    let market = Market::new(bench);
    let shop = &market.shop;
    let products = shop.products(2, StockUnit::Piece, q(5)).await;
    let Some(mut catalogue) = market.catalogue(&products).await else { return };
    let request = market.request(&[(products[0], q(1)), (products[1], q(1))]);
    let first = catalogue.basis.clone();
    catalogue.change_product(1).await;
    let second = catalogue.basis.clone();
    catalogue.change_store().await;
    let stands = catalogue.basis.clone();
    let unknown = shop.make.product_id();
    // The neighbour has a store of his own at the same versions.
    let next = market.neighbour();
    let foreign = next.shop.pieces(5).await;
    let theirs = next.catalogue(&[foreign]).await.unwrap().basis.products[0];
    for basis in [
        first.clone(),
        second.clone(),
        Basis { store: stands.store, ..first },
        Basis { store: stands.store + 1, ..stands.clone() },
        Basis { products: [stands.products.clone(), vec![(unknown, 1)]].concat(), ..stands.clone() },
        Basis { products: [stands.products.clone(), vec![theirs]].concat(), ..stands.clone() },
    ] {
        assert_eq!(market.place_by(&request, &basis).await, AtOnceOutcome::Changed, "{basis:?}, stands {stands:?}");
        market.is_absent(&request).await;
    }
    // A store that is not there at all.
    let nowhere = market.neighbour();
    let lost = nowhere.shop.pieces(1).await;
    let request_there = nowhere.request(&[(lost, q(1))]);
    assert_eq!(nowhere.place_by(&request_there, &Basis { store: 1, products: vec![] }).await, AtOnceOutcome::Changed);
    assert_eq!(shop.stock(products[0]).await, (q(5), q(0)));
    assert_eq!(market.place_by(&request, &stands).await, AtOnceOutcome::Placed);
    shop.adds_up(&products, &[request.0.hold]).await;
}

/// Said before anything else: before the key is taken, before lines are short.
pub async fn a_change_is_told_first(bench: &Bench) {
    let market = Market::new(bench);
    let product = market.shop.pieces(5).await;
    let Some(mut catalogue) = market.catalogue(&[product]).await else { return };
    let old = catalogue.basis.clone();
    catalogue.change_product(0).await;
    let placed = market.request(&[(product, q(1))]);
    assert_eq!(market.place_by(&placed, &catalogue.basis).await, AtOnceOutcome::Placed);
    assert_eq!(market.place_by(&placed, &old).await, AtOnceOutcome::Changed);
    assert_eq!(market.place_by(&placed, &catalogue.basis).await, AtOnceOutcome::Taken);
    let huge = market.request(&[(product, q(100))]);
    assert_eq!(market.place_by(&huge, &old).await, AtOnceOutcome::Changed);
    let short = ShortLine { product_id: product, requested: q(100), available: q(4) };
    assert_eq!(market.place_by(&huge, &catalogue.basis).await, AtOnceOutcome::Short(vec![short]));
}

/// Of many callers at once, each is answered by its own basis.
pub async fn each_caller_has_a_basis_of_its_own(bench: &Bench) {
    let market = Market::new(bench);
    let products = market.shop.products(2, StockUnit::Piece, q(100)).await;
    let Some(mut catalogue) = market.catalogue(&products).await else { return };
    let old = catalogue.basis.clone();
    catalogue.change_product(0).await;
    let bases = [Some(old), Some(catalogue.basis.clone()), None];
    let requests: Vec<_> = (0..48).map(|_| market.request(&[(products[0], q(1)), (products[1], q(1))])).collect();
    let outcomes = at_once(requests.clone().into_iter().zip(bases.iter().cycle().cloned()).map(|(request, basis)| {
        let market = market.clone();
        async move {
            match basis {
                Some(basis) => market.place_by(&request, &basis).await,
                None => market.place(&request).await.unwrap(),
            }
        }
    }))
    .await;
    for (number, (request, outcome)) in requests.iter().zip(&outcomes).enumerate() {
        let expected = if number % 3 == 0 { AtOnceOutcome::Changed } else { AtOnceOutcome::Placed };
        assert_eq!(*outcome, expected, "caller {number}");
        if *outcome == AtOnceOutcome::Changed {
            market.is_absent(request).await;
        }
    }
    let holds: Vec<_> = requests.iter().map(|(reserve, _)| reserve.hold.clone()).collect();
    market.shop.adds_up(&products, &holds).await;
}

/// Goods that come in after a change are sold by nothing that stood before it, though callers
/// ask all the while.
pub async fn what_came_after_a_change_is_never_sold_by_what_was_before(bench: &Bench) {
    let market = Market::new(bench);
    for _ in 0..8 {
        let market = market.neighbour();
        let product = market.shop.products(1, StockUnit::Piece, q(0)).await[0];
        let Some(mut catalogue) = market.catalogue(&[product]).await else { return };
        let old = catalogue.basis.clone();
        let callers = at_once((0..6).map(|_| {
            let (market, old) = (market.clone(), old.clone());
            async move {
                loop {
                    match market.place_by(&market.request(&[(product, q(1))]), &old).await {
                        AtOnceOutcome::Short(_) => {}
                        other => return other,
                    }
                }
            }
        }));
        let seller = async {
            catalogue.change_product(0).await;
            let received = market.shop.make.change(ChangeKind::Purchase, &[(product, Delta::By(q(5).inward()))]);
            market.shop.ledger.change(market.shop.store, received).await.unwrap();
        };
        let (outcomes, ()) = tokio::join!(callers, seller);
        assert!(outcomes.iter().all(|outcome| *outcome == AtOnceOutcome::Changed), "{outcomes:?}");
        assert_eq!(market.shop.stock(product).await, (q(5), q(0)));
    }
}
