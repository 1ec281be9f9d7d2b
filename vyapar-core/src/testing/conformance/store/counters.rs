//! What adds up in a store.

use super::super::support::at_once;
use super::{another_shop, shop};
use crate::id::{OrderId, ReviewId, StoreId};
use crate::store::{Rating, ReviewRating, Stars, Store, StorePorts, UpdateOutcome};
use crate::testing::{Bench, Fixtures};

async fn get(ports: &StorePorts, id: StoreId) -> Store {
    ports.stores.get(id).await.unwrap().unwrap()
}

fn order(make: &Fixtures) -> OrderId {
    make.env().order_id()
}

fn review(id: ReviewId, revision: u64, stars: u8) -> ReviewRating {
    ReviewRating { review_id: id, revision, stars: Stars::new(stars).ok() }
}

/// However many repeat it at the same time, and later; nothing else of the store changes.
pub async fn an_order_counts_once(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let (before, order) = (get(&ports, store).await, order(&make));
    let tasks = (0..32).map(|_| {
        let (ports, order) = (ports.clone(), order.clone());
        async move { ports.counters.count_order(store, &order).await.unwrap() }
    });
    let answers = at_once(tasks).await;
    assert_eq!(answers.iter().filter(|counted| **counted).count(), 1, "{answers:?}");
    assert!(!ports.counters.count_order(store, &order).await.unwrap());
    assert_eq!(get(&ports, store).await, Store { total_orders: 1, ..before });
}

/// None is lost; each store has its own, under whichever id.
pub async fn orders_at_once_all_count(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let other = another_shop(&ports, &make).await;
    let orders: Vec<_> = (0..40).map(|_| order(&make)).collect();
    let tasks = orders.iter().flat_map(|order| [(store, order.clone()), (other, order.clone())]).take(70);
    let tasks = tasks.map(|(store, order)| {
        let ports = ports.clone();
        async move { assert!(ports.counters.count_order(store, &order).await.unwrap()) }
    });
    at_once(tasks).await;
    assert_eq!((get(&ports, store).await.total_orders, get(&ports, other).await.total_orders), (35, 35));
    let nowhere = make.store_id();
    assert!(!ports.counters.count_order(nowhere, &orders[0]).await.unwrap());
    assert_eq!(ports.stores.get(nowhere).await.unwrap(), None);
}

/// What a writer read before does not undo what was counted since.
pub async fn changes_and_counts_at_once_lose_nothing(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let tasks = (0_u8..24).map(|n| {
        let (ports, make) = (ports.clone(), make.clone());
        async move {
            match n % 3 {
                0 => assert!(ports.counters.count_order(store, &order(&make)).await.unwrap()),
                1 => {
                    let id = ReviewId::from_uuid(make.uuid());
                    assert!(ports.counters.rate(store, review(id, 1, 4)).await.unwrap());
                }
                _ => {
                    let mut changed = 0;
                    for _ in 0..4 {
                        let known = get(&ports, store).await;
                        let entry = make.audit(Some(store), "store.update", "store", &store.to_string());
                        let next = Store { version: known.version + 1, ..known.clone() };
                        let outcome = ports.stores.update(next, known.version, entry).await.unwrap();
                        changed += u64::from(outcome == UpdateOutcome::Updated);
                    }
                    return changed;
                }
            }
            0
        }
    });
    let changed: u64 = at_once(tasks).await.into_iter().sum();
    let stored = get(&ports, store).await;
    let expected = (1 + changed, 8, Rating { sum: 32, count: 8 });
    assert_eq!((stored.version, stored.total_orders, stored.rating), expected);
    // Whatever a write says of them.
    let entry = make.audit(Some(store), "store.update", "store", &store.to_string());
    let version = stored.version + 1;
    let next = Store { version, total_orders: 0, rating: Rating { sum: 5, count: 1 }, ..stored.clone() };
    assert_eq!(ports.stores.update(next, stored.version, entry).await.unwrap(), UpdateOutcome::Updated);
    assert_eq!(get(&ports, store).await, Store { version, ..stored });
}

/// A review counts as of its highest revision, in whichever order they come, each once; one that
/// is withdrawn counts no more, and may come back.
pub async fn a_review_counts_as_of_its_highest_revision(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let before = get(&ports, store).await;
    let (one, two) = (ReviewId::from_uuid(make.uuid()), ReviewId::from_uuid(make.uuid()));
    let steps = [
        (review(one, 1, 5), true, (5, 1)),
        (review(one, 1, 1), false, (5, 1)),
        (review(two, 3, 2), true, (7, 2)),
        (review(two, 2, 4), false, (7, 2)),
        (review(one, 2, 3), true, (5, 2)),
        (review(two, 4, 0), true, (3, 1)),
        (review(two, 4, 5), false, (3, 1)),
        (review(two, 9, 1), true, (4, 2)),
        (review(one, 7, 0), true, (1, 1)),
        (review(two, 10, 0), true, (0, 0)),
    ];
    for (at, (review, counts, (sum, count))) in steps.into_iter().enumerate() {
        assert_eq!(ports.counters.rate(store, review).await.unwrap(), counts, "{at}");
        assert_eq!(get(&ports, store).await.rating, Rating { sum, count }, "{at}");
    }
    assert_eq!(get(&ports, store).await, before);
    assert!(!ports.counters.rate(make.store_id(), review(one, 1, 5)).await.unwrap());
    // A review of the same id in another store is another review.
    let other = another_shop(&ports, &make).await;
    assert!(ports.counters.rate(other, review(one, 1, 5)).await.unwrap());
    assert_eq!(get(&ports, store).await, before);
}

/// Thirty reviews, each told twice, and eight revisions of another: each counts once, and the sum
/// is exact.
pub async fn reviews_at_once_all_count(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let edited = ReviewId::from_uuid(make.uuid());
    let reviews = (0_u8..30).map(|n| review(ReviewId::from_uuid(make.uuid()), 1, n % 5 + 1));
    let reviews: Vec<_> = reviews.flat_map(|review| [review, review]).collect();
    let revisions = (1_u8..=8).map(|n| review(edited, u64::from(n), n % 5 + 1));
    let tasks: Vec<_> = reviews.into_iter().chain(revisions).collect();
    let tasks = tasks.into_iter().map(|review| {
        let ports = ports.clone();
        async move { ports.counters.rate(store, review).await.unwrap() }
    });
    let answers = at_once(tasks).await;
    assert_eq!(answers.iter().take(60).filter(|counted| **counted).count(), 30, "{answers:?}");
    // Six times 1 to 5, and the eighth revision's four.
    assert_eq!(get(&ports, store).await.rating, Rating { sum: 90 + 4, count: 31 });
}
