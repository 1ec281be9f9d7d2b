//! One product that everybody wants: calls share transactions, and sales share items.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use vyapar_core::inventory::{ChangeKind, ChangeOutcome, Delta, Movement, MovementType, ReserveOutcome};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, ProductId, Quantity, RepositoryErrorKind, StockUnit, StoreId};
use vyapar_dynamo::Dynamo;
use vyapar_dynamo::tables::STOCK_MOVEMENTS;

use crate::races::product;
use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::client;
use crate::support::faults::{Fault, Faults};
use crate::support::golden;

/// Long enough for every caller to be in the queue while a transaction is under way.
fn slow() -> Arc<Faults> {
    let mut faults = Faults::none();
    faults.latency = Duration::from_millis(40);
    Arc::new(faults)
}

async fn everything(dynamo: &Dynamo, store: StoreId, product: ProductId, a_page: u32) -> Vec<Movement> {
    let ledger = dynamo.stock().ledger;
    let (mut seen, mut page) = (Vec::new(), PageRequest::first(a_page));
    loop {
        let part = ledger.movements(store, product, page).await.unwrap();
        seen.extend(part.items);
        let Some(next) = part.next else { return seen };
        page = PageRequest::first(a_page).after(next);
    }
}

#[test]
fn who_waits_behind_a_runtime_that_stops_goes_on() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = faulty(slow()).await;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&dynamo, &make, store, 1000).await;
        let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let call = || {
            let (stock, request) = (dynamo.stock(), make.reserve(&[(product, Quantity::units(1))]));
            async move { stock.reservations.reserve(store, request).await }
        };
        // One is under way there, and others wait for it: there, here, and there.
        for _ in 0..2 {
            elsewhere.spawn(call());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let here = tokio::spawn(call());
        tokio::time::sleep(Duration::from_millis(10)).await;
        elsewhere.spawn(call());
        elsewhere.shutdown_background();
        // Perhaps with the error of a connection whose runtime is gone, but neither at its deadline
        // nor as if anything had been written.
        match here.await.unwrap() {
            Ok(outcome) => assert_eq!(outcome, ReserveOutcome::Held),
            Err(error) => assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{error:?}"),
        }
        assert_eq!(call().await.unwrap(), ReserveOutcome::Held);
    });
}

#[test]
fn who_waits_beside_a_runtime_that_stopped_is_served() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = faulty(slow()).await;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&dynamo, &make, store, 1000).await;
        let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let call = || {
            let (stock, request) = (dynamo.stock(), make.reserve(&[(product, Quantity::units(1))]));
            async move { stock.reservations.reserve(store, request).await }
        };
        // One is under way here, and the next in the queue is of a runtime that stops.
        let mut calls = vec![tokio::spawn(call())];
        tokio::time::sleep(Duration::from_millis(10)).await;
        elsewhere.spawn(call());
        tokio::time::sleep(Duration::from_millis(10)).await;
        calls.extend((0..5).map(|_| tokio::spawn(call())));
        tokio::task::yield_now().await;
        elsewhere.shutdown_background();
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), ReserveOutcome::Held);
        }
    });
}

/// The first of those just answered does not set out alone while the others wait for it.
#[test]
fn callers_who_ask_again_and_again_go_together() {
    const CALLERS: u64 = 20;
    const ROUNDS: u64 = 12;
    run(async {
        let Fresh { dynamo, server: _server, .. } = faulty(slow()).await;
        let make = Arc::new(Fixtures::here());
        let store = make.store_id();
        let product = product(&dynamo, &make, store, 1000).await;
        let before = dynamo.gathered().groups;
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let (stock, make) = (dynamo.stock(), Arc::clone(&make));
                tokio::spawn(async move {
                    for _ in 0..ROUNDS {
                        let request = make.reserve(&[(product, Quantity::units(1))]);
                        let answer = stock.reservations.reserve(store, request).await.unwrap();
                        assert_eq!(answer, ReserveOutcome::Held);
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        let groups = dynamo.gathered().groups - before;
        // One for each round, and some for a busy machine. Without a chance to ask again there
        // are two for each round.
        assert!(groups <= ROUNDS * 3 / 2, "{groups} groups");
    });
}

/// Sales of one transaction are stored together, and read like all others: each by itself, with
/// its own balance and order, on pages that begin and end anywhere.
#[test]
fn sales_that_share_an_item_are_listed_one_by_one() {
    run(async {
        let Fresh { dynamo, client, names, server: _server } = faulty(slow()).await;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&dynamo, &make, store, 1000).await;
        let stock = dynamo.stock();
        // A change by hand in the middle of the queue: it is looked up by its number afterwards.
        let change = make.change(ChangeKind::Damage, &[(product, Delta::By(Quantity::units(5).outward()))]);
        let requests: Vec<_> = (0..60).map(|_| make.reserve(&[(product, Quantity::units(2))])).collect();
        let orders: Vec<String> = requests.iter().map(|request| request.hold.order_id.to_string()).collect();
        let mut calls = Vec::new();
        for (at, request) in requests.into_iter().enumerate() {
            if at == 30 {
                let (ledger, change) = (stock.ledger.clone(), change.clone());
                calls.push(tokio::spawn(async move {
                    let ChangeOutcome::Applied(left) = ledger.change(store, change).await.unwrap() else { panic!() };
                    assert_eq!(left.len(), 1);
                }));
            }
            let reservations = stock.reservations.clone();
            calls.push(tokio::spawn(async move {
                assert_eq!(reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
            }));
        }
        for call in calls {
            call.await.unwrap();
        }
        let all = everything(&dynamo, store, product, 100).await;
        assert_eq!(all.iter().map(|movement| movement.seq).collect::<Vec<_>>(), (1..=62).rev().collect::<Vec<_>>());
        let sold: BTreeSet<String> = all
            .iter()
            .filter(|movement| movement.movement_type == MovementType::Sale)
            .map(|movement| movement.reference_id.clone())
            .collect();
        assert_eq!(sold, orders.into_iter().collect(), "each sale names its own order");
        for a_page in [1, 7, 16, 33] {
            assert_eq!(everything(&dynamo, store, product, a_page).await, all, "{a_page} a page");
        }
        let found = stock.ledger.verify(store).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
        assert_eq!(found.movements, 62, "every balance was checked");
        let ChangeOutcome::AlreadyApplied(left) = stock.ledger.change(store, change).await.unwrap() else { panic!() };
        assert!(matches!(&left[..], [movement] if all.contains(movement)), "{left:?}");
        let items = client.scan().table_name(names.of(&STOCK_MOVEMENTS)).send().await.unwrap().items.unwrap();
        assert!(items.len() < 20, "62 movements in {} items", items.len());
    });
}

#[test]
fn sales_that_share_an_item_are_pinned() {
    run(async {
        let Fresh { dynamo, client, names, server: _server } = faulty(slow()).await;
        let make = Fixtures::seeded(11);
        let (store, product) = (make.store_id(), make.product_id());
        let stock = dynamo.stock();
        stock.ledger.open(store, product, StockUnit::Piece, make.now()).await.unwrap();
        stock.ledger.change(store, make.purchase(&[product], Quantity::units(10))).await.unwrap();
        let requests: Vec<_> = (1..4).map(|n| make.reserve(&[(product, Quantity::units(n))])).collect();
        let [first, second, third] = <[_; 3]>::try_from(requests).unwrap();
        let reserve = |request| stock.reservations.reserve(store, request);
        // The first goes alone; the others wait for it in this order.
        let (first, second, third) = tokio::join!(reserve(first), reserve(second), reserve(third));
        for answer in [first, second, third] {
            assert_eq!(answer.unwrap(), ReserveOutcome::Held);
        }
        let items = client.scan().table_name(names.of(&STOCK_MOVEMENTS)).send().await.unwrap().items.unwrap();
        let mut items: Vec<_> = items.iter().map(golden::item).collect();
        items.sort_by_key(ToString::to_string);
        golden::check("sales", &items.into());
    });
}

/// What is remembered of a level is forgotten when nobody knows whether it still stands; and
/// nobody but those whose transaction it was is left in doubt.
#[test]
fn an_unknown_outcome_is_forgotten_and_read_again() {
    run(async {
        let Fresh { dynamo: reader, names, server, .. } = fresh().await;
        let faults = Arc::new(Faults::none());
        let client = client::faulty(server.endpoint(), Arc::clone(&faults));
        let dynamo = Dynamo::with_deadline(client, names, Duration::from_millis(300));
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&reader, &make, store, 10).await;
        let buy = async |units| {
            let request = make.reserve(&[(product, Quantity::units(units))]);
            dynamo.stock().reservations.reserve(store, request).await
        };
        let keys_read = || faults.asked().get("keys").copied().unwrap_or(0);
        assert_eq!(buy(1).await.unwrap(), ReserveOutcome::Held);
        keys_read();
        assert_eq!(buy(1).await.unwrap(), ReserveOutcome::Held);
        assert_eq!(keys_read(), 0, "decided by what is remembered");
        for _ in 0..200 {
            faults.push("TransactWriteItems", Fault::CutAfter);
        }
        let unknown = buy(1).await.unwrap_err();
        assert_eq!(*unknown.kind(), RepositoryErrorKind::OutcomeUnknown);
        faults.pause(true);
        keys_read();
        // It was done, and that is what the next one builds on.
        assert_eq!(buy(1).await.unwrap(), ReserveOutcome::Held);
        assert!(keys_read() > 0, "nothing is known of the level");
        let level = reader.stock().ledger.levels(store, &[product]).await.unwrap()[0];
        assert_eq!((level.current, level.reserved, level.seq), (Quantity::units(6), Quantity::units(4), 5));
        let found = reader.stock().ledger.verify(store).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
    });
}

/// One order of a batch that cannot be had makes the levels be read: others of the batch are
/// held, and what it is told is what there is, not what was remembered.
#[test]
fn a_batch_refuses_nobody_by_what_is_remembered() {
    run(async {
        let Fresh { dynamo: theirs, names, server, .. } = fresh().await;
        let ours =
            Dynamo::with_deadline(client::faulty(server.endpoint(), slow()), names.clone(), Duration::from_secs(30));
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&theirs, &make, store, 3).await;
        let buy = |dynamo: &Dynamo, units| {
            let (stock, request) = (dynamo.stock(), make.reserve(&[(product, Quantity::units(units))]));
            tokio::spawn(async move { stock.reservations.reserve(store, request).await.unwrap() })
        };
        assert_eq!(buy(&ours, 1).await.unwrap(), ReserveOutcome::Held);
        // Ours remembers 2; there are 12 now.
        theirs.stock().ledger.change(store, make.purchase(&[product], Quantity::units(10))).await.unwrap();
        let calls: Vec<_> = [1, 5, 1, 4, 9].map(|units| buy(&ours, units)).into();
        let mut held = 0;
        for (call, units) in calls.into_iter().zip([1, 5, 1, 4, 9]) {
            match call.await.unwrap() {
                ReserveOutcome::Held => held += units,
                ReserveOutcome::Short(lines) => assert!(lines[0].available < Quantity::units(units), "{lines:?}"),
                ReserveOutcome::Taken(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(held, 11, "in whatever order they came");
        let level = theirs.stock().ledger.levels(store, &[product]).await.unwrap()[0];
        assert_eq!(level.current, Quantity::units(1));
        assert!(theirs.stock().ledger.verify(store).await.unwrap().is_clean());
    });
}
