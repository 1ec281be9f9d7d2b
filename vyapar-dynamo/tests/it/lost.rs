//! What callers are told when requests fail, one fault at a time.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use vyapar_core::inventory::{CommitOutcome, ReserveOutcome};
use vyapar_core::order::{InsertOutcome, OrderUpdate};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{Quantity, RepositoryErrorKind};
use vyapar_dynamo::Dynamo;

use crate::races::product;
use crate::support::bench::{Fresh, faulty};
use crate::support::client;
use crate::support::faults::{Fault, Faults};

const WRITE: &str = "TransactWriteItems";

async fn scripted() -> (Fresh, Arc<Faults>) {
    let faults = Arc::new(Faults::none());
    (faulty(Arc::clone(&faults)).await, faults)
}

#[test]
fn a_write_whose_answer_is_lost_is_done_once() {
    run(async {
        let (fresh, faults) = scripted().await;
        let make = Fixtures::here();
        let store = make.store_id();
        let stock = fresh.dynamo.stock();
        let product = product(&fresh.dynamo, &make, store, 5).await;
        for fault in [Fault::CutAfter, Fault::CutBefore, Fault::Throttle, Fault::Conflict] {
            let request = make.reserve(&[(product, Quantity::units(1))]);
            let hold = request.hold.clone();
            faults.push(WRITE, fault);
            assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held, "{fault:?}");
            faults.push("UpdateItem", fault);
            let answer = stock.reservations.commit(store, hold, make.now()).await.unwrap();
            assert_eq!(answer, CommitOutcome::Committed, "{fault:?}");
        }
        let level = stock.ledger.levels(store, &[product]).await.unwrap()[0];
        assert_eq!((level.current, level.reserved), (Quantity::units(1), Quantity::units(4)));
        // One for the purchase, one for each reserve.
        assert_eq!(level.seq, 5);
        assert!(stock.ledger.verify(store).await.unwrap().is_clean());
    });
}

#[test]
fn an_order_whose_answers_are_lost_is_inserted_and_updated_once() {
    run(async {
        let (fresh, faults) = scripted().await;
        let make = Fixtures::here();
        let store = make.store_id();
        let orders = fresh.dynamo.order();
        for fault in [Fault::CutAfter, Fault::CutBefore, Fault::Throttle, Fault::Conflict] {
            let order = make.full_order(store);
            faults.push(WRITE, fault);
            let inserted = orders.orders.insert(store, make.new_order(&order)).await.unwrap();
            assert_eq!(inserted, InsertOutcome::Inserted, "{fault:?}");
            faults.push(WRITE, fault);
            let update = OrderUpdate {
                history: Some(make.history(&order)),
                audit: Some(make.audit(Some(store), "order.confirm", "order", order.id.as_str())),
                expected: order.version,
                order: order.clone(),
            };
            let updated = orders.orders.update(store, update.clone()).await.unwrap();
            assert_eq!(updated, UpdateOutcome::Updated, "{fault:?}");
            assert_eq!(orders.orders.update(store, update).await.unwrap(), UpdateOutcome::Stale);
            assert_eq!(orders.orders.history(store, &order.id).await.unwrap().len(), 2);
        }
        let feed = orders.audit.feed(None, 100).await.unwrap();
        assert_eq!(feed.entries.len(), 8);
    });
}

/// The SDK tries again by itself and tells of its last try only: were writes left to it, what an
/// earlier try had done would be taken for somebody else's.
#[test]
fn the_sdks_own_retries_hide_no_lost_answer() {
    run(async {
        let (fresh, _) = scripted().await;
        let make = Fixtures::here();
        let (store, orders) = (make.store_id(), fresh.dynamo.order().orders);
        for last in [Fault::Throttle, Fault::CutBefore] {
            let faults = Arc::new(Faults::none());
            let client = client::retrying(fresh.server.endpoint(), Arc::clone(&faults), RetryConfig::standard());
            let behind = Dynamo::new(client, fresh.names.clone()).order().orders;
            let order = make.full_order(store);
            orders.insert(store, make.new_order(&order)).await.unwrap();
            for fault in [Fault::CutAfter, last, last] {
                faults.push(WRITE, fault);
            }
            let expected = order.version;
            let update = OrderUpdate { history: None, audit: None, expected, order };
            assert_eq!(behind.update(store, update).await.unwrap(), UpdateOutcome::Updated, "{last:?}");
        }
    });
}

#[test]
fn errors_say_what_is_known() {
    run(async {
        let (fresh, _) = scripted().await;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = product(&fresh.dynamo, &make, store, 5).await;
        let request = make.reserve(&[(product, Quantity::units(1))]);
        let broken = |faults: Faults| {
            let client = client::faulty(fresh.server.endpoint(), Arc::new(faults));
            Dynamo::with_deadline(client, fresh.names.clone(), Duration::from_millis(250)).stock().reservations
        };
        let mut no_room = Faults::none();
        no_room.throttle = 1000;
        let busy = broken(no_room).reserve(store, request.clone()).await.unwrap_err();
        assert_eq!(*busy.kind(), RepositoryErrorKind::Busy);
        let mut down = Faults::none();
        down.cut_before = 1000;
        let away = broken(down).reserve(store, request.clone()).await.unwrap_err();
        assert_eq!(*away.kind(), RepositoryErrorKind::Unavailable, "a read leaves no doubt");

        // Every transaction is done and none is heard of: nobody can know.
        let faults = Faults::none();
        for _ in 0..200 {
            faults.push(WRITE, Fault::CutAfter);
        }
        let unknown = broken(faults).reserve(store, request.clone()).await.unwrap_err();
        assert_eq!(*unknown.kind(), RepositoryErrorKind::OutcomeUnknown);
        // Asking again tells.
        let stock = fresh.dynamo.stock();
        assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
        assert_eq!(stock.ledger.levels(store, &[product]).await.unwrap()[0].seq, 2);

        // Nobody listens there: certainly nothing was written.
        let nowhere =
            Dynamo::with_deadline(client::plain("http://127.0.0.1:9"), fresh.names.clone(), Duration::from_millis(250));
        let change = make.purchase(&[product], Quantity::units(1));
        let error = nowhere.stock().ledger.open(store, product, vyapar_core::StockUnit::Piece, change.now).await;
        assert_eq!(*error.unwrap_err().kind(), RepositoryErrorKind::Unavailable);
    });
}
