//! Everything at once, and then the books.

use chrono::TimeDelta;

use super::super::support::at_once;
use super::shop::{Shop, milli, q};
use crate::id::ProductId;
use crate::inventory::{ChangeKind, Delta, Hold, ReleaseCause, ReserveOutcome};
use crate::quantity::{Quantity, StockUnit};
use crate::testing::Bench;

const WRITERS: usize = 12;
const STEPS: usize = 25;

/// One writer's day: holds of up to three products, followed in every way a hold can go,
/// and changes by hand in between. What is refused is refused; nothing may fail.
async fn trade(shop: Shop, products: Vec<ProductId>) -> Vec<Hold> {
    let make = shop.make.clone();
    let below = |bound: usize| usize::try_from(make.below(bound as u64)).unwrap();
    let quantity = |most: u32| milli(i64::try_from(make.below(u64::from(most) * 1_000)).unwrap() + 1);
    let mut holds = Vec::new();
    for step in 0..STEPS {
        let some: Vec<ProductId> = make.shuffled(products.iter().copied()).into_iter().take(1 + below(3)).collect();
        if below(4) == 0 {
            let delta = |_: &ProductId| match below(3) {
                0 => Delta::By(quantity(3).inward()),
                1 => Delta::By(quantity(2).outward()),
                _ => Delta::Counted(quantity(30)),
            };
            let lines: Vec<_> = some.iter().map(|product| (*product, delta(product))).collect();
            let mut change = make.change(ChangeKind::Adjustment, &lines);
            change.lines.sort_by_key(|line| line.product_id);
            shop.ledger.change(shop.store, change).await.unwrap();
            continue;
        }
        let lines: Vec<(ProductId, Quantity)> = some.iter().map(|product| (*product, quantity(3))).collect();
        let mut request = make.reserve(&lines);
        // A few expire in somebody's way.
        if below(5) == 0 {
            request.due = request.now - TimeDelta::seconds(1);
        }
        holds.push(request.hold.clone());
        match shop.reserve(&request).await {
            ReserveOutcome::Held => {}
            ReserveOutcome::Short(_) => continue,
            ReserveOutcome::Taken(by) => panic!("a fresh key is taken by {by:?}"),
        }
        let hold = request.hold;
        if below(4) == 0 {
            let targets: Vec<_> = some.iter().map(|product| (*product, quantity(2))).collect();
            shop.reservations.amend(shop.store, make.amend(&hold, step as u64 + 1, &targets)).await.unwrap();
        }
        match below(5) {
            0 => {}
            1 => drop(shop.release(&hold, ReleaseCause::Undone).await),
            2 => drop(shop.release(&hold, ReleaseCause::Cancelled).await),
            _ => {
                shop.commit(&hold).await;
                match below(3) {
                    0 => drop(shop.release(&hold, ReleaseCause::Cancelled).await),
                    1 => drop(shop.dispatch(&hold).await),
                    _ => {
                        shop.dispatch(&hold).await;
                        let back: Vec<_> = some.iter().map(|product| (*product, milli(1), below(2) == 0)).collect();
                        shop.reservations.give_back(shop.store, make.give_back(&hold, &back)).await.unwrap();
                    }
                }
            }
        }
    }
    holds
}

/// After a storm of every kind of call from many callers, while others read, every level,
/// every movement's number and balance, and every hold still add up.
pub async fn the_books_add_up_after_a_storm(bench: &Bench) {
    let shop = Shop::new(bench);
    let products = shop.products(5, StockUnit::Kg, q(20)).await;
    let (reader, read) = (shop.clone(), products.clone());
    let reading = tokio::spawn(async move {
        for _ in 0..40 {
            let levels = reader.ledger.levels(reader.store, &read).await.unwrap();
            assert_eq!(levels.len(), read.len());
            // Divergences may be seen while writers run; that it answers is enough here.
            reader.ledger.verify(reader.store).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let holds = at_once((0..WRITERS).map(|_| trade(shop.clone(), products.clone()))).await;
    reading.await.unwrap();
    let holds: Vec<Hold> = holds.into_iter().flatten().collect();
    shop.adds_up(&products, &holds).await;
    // And all of it can be given up again.
    for hold in &holds {
        shop.release(hold, ReleaseCause::Cancelled).await;
    }
    for product in &products {
        assert_eq!(shop.stock(*product).await.1, q(0));
    }
    shop.adds_up(&products, &holds).await;
}
