//! Who gets the last unit: in one process, in several, and on a bad day.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vyapar_core::inventory::{Movement, ReserveOutcome};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, ProductId, Quantity, StockUnit, StoreId};
use vyapar_dynamo::{Dynamo, Gathering};

use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::client;
use crate::support::faults::Faults;

pub async fn product(dynamo: &Dynamo, make: &Fixtures, store: StoreId, units: u32) -> ProductId {
    let product = make.product_id();
    let ledger = dynamo.stock().ledger;
    ledger.open(store, product, StockUnit::Piece, make.now()).await.unwrap();
    ledger.change(store, make.purchase(&[product], Quantity::units(units))).await.unwrap();
    product
}

/// `buyers` want one unit each, spread over the adapters; as many win as there are units.
async fn sell_out(adapters: &[Dynamo], buyers: usize, units: u32) {
    static SALE: AtomicU64 = AtomicU64::new(0);
    let make = Fixtures::seeded(SALE.fetch_add(1, Ordering::Relaxed));
    let store = make.store_id();
    let product = product(&adapters[0], &make, store, units).await;
    let tasks: Vec<_> = (0..buyers)
        .map(|buyer| {
            let stock = adapters[buyer % adapters.len()].stock();
            let request = make.reserve(&[(product, Quantity::units(1))]);
            tokio::spawn(async move { stock.reservations.reserve(store, request).await })
        })
        .collect();
    let (mut held, mut short) = (0, 0);
    for task in tasks {
        match task.await.unwrap().unwrap() {
            ReserveOutcome::Held => held += 1,
            ReserveOutcome::Short(lines) => {
                assert_eq!(lines[0].available, Quantity::ZERO);
                short += 1;
            }
            ReserveOutcome::Taken(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((held, short), (units as usize, buyers - units as usize));
    let ledger = adapters[0].stock().ledger;
    let found = ledger.verify(store).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    let movements: Vec<Movement> = ledger.movements(store, product, PageRequest::first(200)).await.unwrap().items;
    let balances: BTreeSet<Quantity> = movements.iter().map(|movement| movement.balance_after).collect();
    assert_eq!(balances.len(), movements.len(), "every balance once");
}

#[test]
fn sixty_four_buyers_and_one_unit() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        sell_out(&[dynamo], 64, 1).await;
    });
}

/// Two adapters on the same tables know nothing of each other's turns, as two processes do.
#[test]
fn processes_that_share_a_hot_product_sell_exactly_what_there_is() {
    run(async {
        let first = fresh().await;
        let faults = Arc::new(Faults::conflict_model());
        let client = client::faulty(first.server.endpoint(), Arc::clone(&faults));
        let limit = std::time::Duration::from_secs(30);
        let others = [
            Dynamo::with_deadline(client.clone(), first.names.clone(), limit),
            Dynamo::with_deadline(client, first.names.clone(), limit),
        ];
        sell_out(&others, 40, 15).await;
        assert!(faults.met("conflict") > 0 || faults.met("cut after") == 0);
    });
}

#[test]
fn a_bad_day_sells_exactly_what_there_is() {
    run(async {
        // So few writes are needed for a sale that the usual share would miss them.
        let mut day = Faults::bad_day(7);
        day.conflict = 250;
        let faults = Arc::new(day);
        let Fresh { dynamo, server: _server, .. } = faulty(Arc::clone(&faults)).await;
        for _ in 0..8 {
            sell_out(std::slice::from_ref(&dynamo), 48, 20).await;
        }
        for fault in ["throttled", "conflict", "cut before", "cut after"] {
            assert!(faults.met(fault) > 0, "the day was not bad: no `{fault}`");
        }
    });
}

/// What this process remembers of a level decides nothing by itself: another process may have
/// sold the stock, or received more.
#[test]
fn what_is_remembered_is_never_the_last_word() {
    run(async {
        let Fresh { dynamo: ours, client, names, server: _server } = fresh().await;
        let theirs = Dynamo::new(client, names);
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&ours, &make, store, 5).await;
        let buy = async |dynamo: &Dynamo, units| {
            let request = make.reserve(&[(product, Quantity::units(units))]);
            dynamo.stock().reservations.reserve(store, request).await.unwrap()
        };
        assert_eq!(buy(&ours, 1).await, ReserveOutcome::Held);
        // Ours remembers 4; they are sold elsewhere.
        assert_eq!(buy(&theirs, 4).await, ReserveOutcome::Held);
        let ReserveOutcome::Short(lines) = buy(&ours, 1).await else { panic!("sold twice") };
        assert_eq!(lines[0].available, Quantity::ZERO);
        // Ours has seen none; there are 3 again.
        theirs.stock().ledger.change(store, make.purchase(&[product], Quantity::units(3))).await.unwrap();
        assert_eq!(buy(&ours, 2).await, ReserveOutcome::Held);
        // A key that is known, though it was taken for new.
        let request = make.reserve(&[(product, Quantity::units(1))]);
        assert_eq!(theirs.stock().reservations.reserve(store, request.clone()).await.unwrap(), ReserveOutcome::Held);
        assert_eq!(ours.stock().reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
        let found = ours.stock().ledger.verify(store).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
    });
}

#[test]
fn a_full_queue_is_busy_and_gathering_is_counted() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let dynamo = dynamo.with_gathering(Gathering::default().queue(3));
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&dynamo, &make, store, 100).await;
        let calls: Vec<_> = (0..40)
            .map(|_| {
                let stock = dynamo.stock();
                let request = make.reserve(&[(product, Quantity::units(1))]);
                tokio::spawn(async move { stock.reservations.reserve(store, request).await })
            })
            .collect();
        let (mut held, mut busy) = (0, 0);
        for call in calls {
            match call.await.unwrap() {
                Ok(outcome) => {
                    assert_eq!(outcome, ReserveOutcome::Held);
                    held += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), &vyapar_core::RepositoryErrorKind::Busy, "{error:?}");
                    busy += 1;
                }
            }
        }
        let seen = dynamo.gathered();
        assert!(held > 0 && busy > 0, "{held} held, {busy} busy: {seen:?}");
        assert_eq!(seen.refused, busy, "{seen:?}");
        assert!(seen.largest > 1 && seen.groups < seen.calls, "{seen:?}");
        let levels = dynamo.stock().ledger.levels(store, &[product]).await.unwrap();
        assert_eq!(levels[0].reserved, Quantity::units(held), "Busy wrote nothing");
    });
}
