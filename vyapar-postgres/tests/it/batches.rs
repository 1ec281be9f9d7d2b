//! Calls that go into one transaction are answered as if they had come one by one.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::task::JoinHandle;
use vyapar_core::inventory::{ReserveOutcome, ShortLine, StockPorts};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, ProductId, Quantity, RepositoryErrorKind, StockUnit, StoreId, Stored};
use vyapar_postgres::Gathering;

use crate::database::{TestDatabase, server};

/// Three of each product.
async fn stocked(stock: &StockPorts, make: &Fixtures, store: StoreId, count: usize) -> Vec<ProductId> {
    let products = make.product_ids(count);
    for product in &products {
        stock.ledger.open(store, *product, StockUnit::Piece, make.now()).await.unwrap();
    }
    stock.ledger.change(store, make.purchase(&products, Quantity::units(3))).await.unwrap();
    products
}

/// A caller of his own who wants these.
fn buy(
    stock: &StockPorts,
    make: &Fixtures,
    store: StoreId,
    lines: &[(ProductId, Quantity)],
) -> JoinHandle<Stored<ReserveOutcome>> {
    let (reservations, request) = (stock.reservations.clone(), make.reserve(lines));
    tokio::spawn(async move { reservations.reserve(store, request).await })
}

/// Holds a product's row, as a slow transaction of somebody else does.
async fn slow(database: &TestDatabase, product: ProductId) -> PgConnection {
    let mut other = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
    other.execute("begin").await.unwrap();
    sqlx::query("select from vyapar.stock_levels where store_product_id = $1 for update")
        .bind(product.as_uuid())
        .execute(&mut other)
        .await
        .unwrap();
    other
}

#[test]
fn each_request_is_decided_on_what_the_ones_before_it_left() {
    run(async {
        let database = TestDatabase::create().await;
        let postgres = database.postgres();
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 3).await;
        // While the first product is somebody else's, all that want it wait for one batch.
        let mut other = slow(&database, products[0]).await;
        let requests: [&[(usize, u32)]; 6] =
            [&[(0, 1)], &[(0, 2), (1, 3)], &[(0, 1), (1, 1)], &[(0, 4), (2, 4)], &[(0, 1)], &[(0, 1), (2, 1)]];
        let mut answers = Vec::new();
        for lines in requests {
            let lines: Vec<_> = lines.iter().map(|(at, units)| (products[*at], Quantity::units(*units))).collect();
            answers.push(buy(&stock, &make, store, &lines));
            // In this order; each is past trying as a whole before the next one comes.
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        other.execute("rollback").await.unwrap();
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.unwrap().unwrap());
        }
        let short = |lines: &[(usize, u32, u32)]| {
            let line = |(at, requested, available): &(usize, u32, u32)| ShortLine {
                product_id: products[*at],
                requested: Quantity::units(*requested),
                available: Quantity::units(*available),
            };
            ReserveOutcome::Short(lines.iter().map(line).collect())
        };
        let held = ReserveOutcome::Held;
        // The first takes 1 of 3, the second the other 2.
        let expected = [
            held.clone(),
            held,
            short(&[(0, 1, 0), (1, 1, 0)]),
            short(&[(0, 4, 0), (2, 4, 3)]),
            short(&[(0, 1, 0)]),
            short(&[(0, 1, 0)]),
        ];
        assert_eq!(outcomes, expected);
        let page = stock.ledger.movements(store, products[0], PageRequest::default()).await.unwrap();
        let ledger: Vec<_> = page.items.iter().map(|m| (m.seq, m.balance_after.thousandths() / 1000)).collect();
        assert_eq!(ledger, [(3, 0), (2, 2), (1, 3)]);
        assert!(stock.ledger.verify(store).await.unwrap().is_clean());
        let left: i64 = database.pool().fetch_one("select count(*) from vyapar.reservations").await.unwrap().get(0);
        assert_eq!(left, 2, "who got nothing leaves nothing");
        let seen = postgres.gathered().reserve;
        assert!(seen.largest >= 5, "they went together: {seen:?}");
        assert!(seen.locked >= 1, "{seen:?}");
    });
}

#[test]
fn batches_under_way_together_sell_each_unit_once() {
    run(async {
        let database = TestDatabase::create().await;
        let postgres = database.postgres().with_gathering(Gathering::default().batch(4).writers(4));
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 4).await;
        let hot = products[0];
        // 150 of the hot product; more of the others than anybody wants.
        stock.ledger.change(store, make.purchase(&[hot], Quantity::units(147))).await.unwrap();
        stock.ledger.change(store, make.purchase(&products[1..], Quantity::units(997))).await.unwrap();
        let buyers = (0..240).map(|number: usize| {
            let mut lines = vec![(hot, Quantity::units(1)), (products[1 + number % 3], Quantity::units(1))];
            lines.sort_unstable();
            buy(&stock, &make, store, &lines)
        });
        let mut held = 0;
        for answer in buyers.collect::<Vec<_>>() {
            match answer.await.unwrap().unwrap() {
                ReserveOutcome::Held => held += 1,
                ReserveOutcome::Short(lines) => {
                    let gone = ShortLine { product_id: hot, requested: Quantity::units(1), available: Quantity::ZERO };
                    assert_eq!(lines, [gone]);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(held, 150);
        let verified = stock.ledger.verify(store).await.unwrap();
        assert!(verified.is_clean(), "{verified:#?}");
        let levels = stock.ledger.levels(store, &[hot]).await.unwrap();
        assert_eq!((levels[0].current, levels[0].reserved), (Quantity::ZERO, Quantity::units(150)));
        let rows: i64 = database.pool().fetch_one("select count(*) from vyapar.reservations").await.unwrap().get(0);
        assert_eq!(rows, 150, "who got nothing leaves nothing");
        let seen = postgres.gathered().reserve;
        assert!(seen.largest <= 4 && seen.batches >= 60, "{seen:?}");
        assert!(seen.doubted >= 1, "who was short doubted at least one whole batch: {seen:?}");
    });
}

/// A pool hands its connections round. Calls that follow each other closely shall not go round
/// with them, to backends that have long forgotten what they read and planned.
#[test]
fn calls_that_follow_each_other_closely_find_the_same_backend() {
    const CONNECTIONS: u32 = 4;
    run(async {
        let database = TestDatabase::create().await;
        let pool = TestDatabase::pool_of(database.name(), CONNECTIONS);
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS {
            all.push(pool.acquire().await.unwrap());
        }
        drop(all);
        let stock = vyapar_postgres::Postgres::from_pool(pool.clone()).ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        stock.ledger.change(store, make.purchase(&[product], Quantity::units(10_000))).await.unwrap();
        let mut observer = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        // A busy machine may keep the caller from asking again in time, so one run of calls counts.
        for _ in 0..200 {
            let since = "select clock_timestamp()::text";
            let since: String = observer.fetch_one(since).await.unwrap().get(0);
            for _ in 0..CONNECTIONS {
                let request = make.reserve(&[(product, Quantity::units(1))]);
                assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
                // Longer than a writer stays awake for the next call.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let backends: i64 = sqlx::query(
                "select count(*) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid() and query like '%reserve_all%'
                    and query_start >= $1::timestamptz",
            )
            .bind(since)
            .fetch_one(&mut observer)
            .await
            .unwrap()
            .get(0);
            if backends == 1 {
                return;
            }
        }
        panic!("every run of calls went round the pool");
    });
}

#[test]
fn one_batch_serves_several_stores_and_keeps_them_apart() {
    run(async {
        let database = TestDatabase::create().await;
        let postgres = database.postgres().with_gathering(Gathering::default().writers(1));
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let stores = [make.store_id(), make.store_id(), make.store_id()];
        let mut products = Vec::new();
        for store in stores {
            products.push(stocked(&stock, &make, store, 1).await[0]);
        }
        // A held first product keeps nobody from going together with the others.
        let mut answers = Vec::new();
        for round in 0..8 {
            for (at, store) in stores.into_iter().enumerate() {
                // Every fourth wants a neighbour's product, which for its own store is not there.
                let product = products[if round % 4 == 3 { (at + 1) % 3 } else { at }];
                let request = make.reserve(&[(product, Quantity::units(1))]);
                let reservations = stock.reservations.clone();
                let foreign = round % 4 == 3;
                answers
                    .push((foreign, tokio::spawn(async move { reservations.reserve(store, request).await.unwrap() })));
            }
        }
        let mut held = 0;
        for (foreign, answer) in answers {
            match answer.await.unwrap() {
                ReserveOutcome::Held => {
                    assert!(!foreign, "a product of another store");
                    held += 1;
                }
                ReserveOutcome::Short(lines) => assert_eq!(lines[0].available, Quantity::ZERO),
                ReserveOutcome::Taken(found) => panic!("{found:?}"),
            }
        }
        assert_eq!(held, 9);
        for store in stores {
            assert!(stock.ledger.verify(store).await.unwrap().is_clean());
        }
        assert!(postgres.gathered().reserve.largest > 1, "{:?}", postgres.gathered());
    });
}

#[test]
fn a_slow_transaction_delays_only_who_needs_its_product() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 3).await;
        let earlier = make.reserve(&[(products[0], Quantity::units(1)), (products[1], Quantity::units(1))]);
        assert_eq!(stock.reservations.reserve(store, earlier.clone()).await.unwrap(), ReserveOutcome::Held);
        let mut other = slow(&database, products[0]).await;
        // One that needs it and another product, one that needs it only, and one that gives it back.
        let mut waiting = Vec::new();
        for wanted in [&products[..2], &products[..1]] {
            let lines: Vec<_> = wanted.iter().map(|product| (*product, Quantity::units(1))).collect();
            let (reservations, request) = (stock.reservations.clone(), make.reserve(&lines));
            waiting.push(tokio::spawn(async move {
                assert_eq!(reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
            }));
        }
        let (reservations, hold, now) = (stock.reservations.clone(), earlier.hold, make.now());
        waiting.push(tokio::spawn(async move {
            let cause = vyapar_core::inventory::ReleaseCause::Cancelled;
            reservations.release(store, hold, cause, now).await.unwrap();
        }));
        tokio::time::sleep(Duration::from_millis(100)).await;
        // Nothing of the other products is held by those who wait: who needs only them goes on.
        for product in [products[1], products[2]] {
            let request = make.reserve(&[(product, Quantity::units(1))]);
            assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
        }
        assert!(waiting.iter().all(|call| !call.is_finished()), "somebody got a row that is locked");
        other.execute("rollback").await.unwrap();
        for call in waiting {
            call.await.unwrap();
        }
        assert!(stock.ledger.verify(store).await.unwrap().is_clean());
    });
}

/// A batch that the server does not come back from, while too few calls wait for a crowd.
#[test]
fn who_waits_behind_a_writer_that_hangs_goes_with_another_one() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 2).await;
        let hang = format!(
            "create function public.hang() returns trigger language plpgsql as $$
             begin if new.product_ids = array['{}'::uuid] then perform pg_sleep(4); end if; return new; end $$;
             create trigger hang before insert on vyapar.reservations for each row execute function public.hang()",
            products[0]
        );
        database.pool().execute(sqlx::AssertSqlSafe(hang)).await.unwrap();
        let buy = |product| buy(&stock, &make, store, &[(product, Quantity::units(1))]);
        let hanging = buy(products[0]);
        let hangs = "select exists (select from pg_stat_activity
            where datname = current_database() and wait_event = 'PgSleep')";
        while !sqlx::query_scalar::<_, bool>(hangs).fetch_one(database.pool()).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..3 {
            assert_eq!(buy(products[1]).await.unwrap().unwrap(), ReserveOutcome::Held);
        }
        assert!(!hanging.is_finished(), "they waited for the one that hangs");
        assert_eq!(hanging.await.unwrap().unwrap(), ReserveOutcome::Held);
    });
}

#[test]
fn a_call_that_fails_spoils_no_other_of_its_batch() {
    run(async {
        let database = TestDatabase::create().await;
        let postgres = database.postgres();
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 2).await;
        let mut holds = Vec::new();
        for product in [products[0], products[1], products[1]] {
            let request = make.reserve(&[(product, Quantity::units(1))]);
            stock.reservations.reserve(store, request.clone()).await.unwrap();
            holds.push(request.hold);
        }
        // Less is reserved of the first product than is held: its release makes no sense.
        sqlx::query("update vyapar.stock_levels set reserved_stock = 0 where store_product_id = $1")
            .bind(products[0].as_uuid())
            .execute(database.pool())
            .await
            .unwrap();
        let mut other = slow(&database, products[1]).await;
        let mut answers = Vec::new();
        for hold in holds {
            let (reservations, now) = (stock.reservations.clone(), make.now());
            let cause = vyapar_core::inventory::ReleaseCause::Cancelled;
            answers.push(tokio::spawn(async move { reservations.release(store, hold, cause, now).await }));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        other.execute("rollback").await.unwrap();
        let mut outcomes = Vec::new();
        for answer in answers {
            outcomes.push(answer.await.unwrap().map_err(|error| error.kind().clone()));
        }
        assert_eq!(outcomes[0], Err(RepositoryErrorKind::Corrupt));
        assert!(outcomes[1..].iter().all(Result::is_ok), "{outcomes:?}");
    });
}

#[test]
fn a_full_queue_is_busy_and_nothing_is_written() {
    run(async {
        let database = TestDatabase::create().await;
        let gathering = Gathering::default().queue(2);
        let postgres = database.postgres().with_deadline(Duration::from_millis(400)).with_gathering(gathering);
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        let mut other = slow(&database, product).await;
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(buy(&stock, &make, store, &[(product, Quantity::units(1))]));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for answer in answers {
            let error = answer.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), &RepositoryErrorKind::Busy, "{error:?}");
        }
        other.execute("rollback").await.unwrap();
        assert!(postgres.gathered().reserve.refused >= 1, "{:?}", postgres.gathered().reserve);
        let left: i64 = database.pool().fetch_one("select count(*) from vyapar.reservations").await.unwrap().get(0);
        assert_eq!(left, 0);
        stock.reservations.reserve(store, make.reserve(&[(product, Quantity::units(3))])).await.unwrap();
    });
}

#[test]
fn callers_that_go_away_spoil_nobody() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        stock.ledger.change(store, make.purchase(&[product], Quantity::units(6))).await.unwrap();
        let mut other = slow(&database, product).await;
        let mut answers = Vec::new();
        for number in 0..9 {
            let call = buy(&stock, &make, store, &[(product, Quantity::units(1))]);
            tokio::time::sleep(Duration::from_millis(5)).await;
            // The first is under way, the others wait; two of three go away.
            if number % 3 == 2 { answers.push(call) } else { call.abort() }
        }
        other.execute("rollback").await.unwrap();
        for answer in answers {
            assert_eq!(answer.await.unwrap().unwrap(), ReserveOutcome::Held, "there is one for each");
        }
        assert!(stock.ledger.verify(store).await.unwrap().is_clean());
        let held: i64 = database.pool().fetch_one("select count(*) from vyapar.reservations").await.unwrap().get(0);
        // Who went away while waiting left nothing; who was under way had it done all the same.
        assert!((3..9).contains(&held), "{held} of nine calls were done");
    });
}

#[test]
fn a_locked_reservation_delays_only_its_own_move() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        let mut holds = Vec::new();
        for _ in 0..3 {
            let request = make.reserve(&[(product, Quantity::units(1))]);
            stock.reservations.reserve(store, request.clone()).await.unwrap();
            holds.push(request.hold);
        }
        let mut other = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        other.execute("begin").await.unwrap();
        sqlx::query("select from vyapar.reservations where id = $1 for update")
            .bind(holds[0].id.as_uuid())
            .execute(&mut other)
            .await
            .unwrap();
        let mut calls = Vec::new();
        for hold in holds {
            let (reservations, now) = (stock.reservations.clone(), make.now());
            calls.push(tokio::spawn(async move { reservations.commit(store, hold, now).await.unwrap() }));
        }
        let locked = calls.remove(0);
        for call in calls {
            assert_eq!(call.await.unwrap(), vyapar_core::inventory::CommitOutcome::Committed);
        }
        assert!(!locked.is_finished(), "somebody got a row that is locked");
        other.execute("rollback").await.unwrap();
        assert_eq!(locked.await.unwrap(), vyapar_core::inventory::CommitOutcome::Committed);
    });
}

#[test]
fn a_pool_without_a_free_connection_is_busy_for_all_at_the_deadline() {
    run(async {
        let database = TestDatabase::create().await;
        let pool = TestDatabase::pool_of(database.name(), 1);
        let postgres = vyapar_postgres::Postgres::from_pool(pool.clone()).with_deadline(Duration::from_millis(300));
        let stock = postgres.ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        let taken = pool.acquire().await.unwrap();
        let began = std::time::Instant::now();
        let calls: Vec<_> = (0..40).map(|_| buy(&stock, &make, store, &[(product, Quantity::units(1))])).collect();
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), &RepositoryErrorKind::Busy, "{error:?}");
        }
        // One after the other they would take twelve seconds.
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
        drop(taken);
        let request = make.reserve(&[(product, Quantity::units(3))]);
        assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
        pool.close().await;
    });
}

#[test]
fn a_runtime_that_stops_keeps_nobody_else_waiting() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().with_deadline(Duration::from_secs(2)).ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        let mut other = slow(&database, product).await;
        // Another runtime of the process has a call under way and some waiting when it stops.
        let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        for _ in 0..4 {
            let (reservations, request) = (stock.reservations.clone(), make.reserve(&[(product, Quantity::units(1))]));
            elsewhere.spawn(async move { reservations.reserve(store, request).await });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        elsewhere.shutdown_background();
        other.execute("rollback").await.unwrap();
        // The pool may still have connections of the runtime that is gone; it gets over them.
        let mut last = None;
        for _ in 0..20 {
            let request = make.reserve(&[(product, Quantity::units(1))]);
            match stock.reservations.reserve(store, request).await {
                Ok(_) => return,
                Err(error) => last = Some(error),
            }
        }
        panic!("nobody is served any more: {last:?}");
    });
}

#[test]
fn who_waits_behind_a_runtime_that_stops_goes_on() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().with_deadline(Duration::from_secs(10)).ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&stock, &make, store, 1).await[0];
        let mut other = slow(&database, product).await;
        let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (reservations, request) = (stock.reservations.clone(), make.reserve(&[(product, Quantity::units(1))]));
        elsewhere.spawn(async move { reservations.reserve(store, request).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        // It waits for the row in the database, and this one for it.
        let call = buy(&stock, &make, store, &[(product, Quantity::units(1))]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        elsewhere.shutdown_background();
        tokio::time::sleep(Duration::from_millis(200)).await;
        other.execute("rollback").await.unwrap();
        // Perhaps with the error of a connection whose runtime is gone, but not at its deadline.
        match call.await.unwrap() {
            Ok(outcome) => assert_eq!(outcome, ReserveOutcome::Held),
            Err(error) => assert_ne!(error.kind(), &RepositoryErrorKind::Busy, "{error:?}"),
        }
    });
}

/// The functions of a whole batch reset what `vyapar.enter` resets.
#[test]
fn what_a_session_had_set_counts_for_no_batch() {
    run(async {
        let database = TestDatabase::create().await;
        let make = Fixtures::here();
        let store = make.store_id();
        let product = stocked(&database.postgres().ports().stock, &make, store, 1).await[0];
        let check = "
            create function public.check_scope() returns trigger language plpgsql as $$
            declare
                v_left text := concat(current_setting('vyapar.all_stores', true), current_setting('vyapar.customer', true),
                    current_setting('vyapar.user', true), current_setting('vyapar.identity', true));
            begin
                if v_left <> '' or current_user <> 'vyapar_app' then
                    raise exception '% is left for %', v_left, current_user;
                end if;
                return null;
            end $$;
            create trigger check_scope before insert on vyapar.reservations execute function public.check_scope();";
        database.pool().execute(check).await.unwrap();
        let names = ["all_stores", "customer", "user", "identity"].map(|name| (format!("vyapar.{name}"), "on"));
        let options = server().database(database.name()).options(names);
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let stock = vyapar_postgres::Postgres::from_pool(pool.clone()).ports().stock;
        let request = make.reserve(&[(product, Quantity::units(1))]);
        assert_eq!(stock.reservations.reserve(store, request).await.unwrap(), ReserveOutcome::Held);
        // (Of nothing there is not enough.)
        let nothing = "select vyapar.place_all('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 100)";
        let refused = pool.execute(nothing).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("VY005"), "{refused}");
        pool.close().await;
    });
}

/// Sees the spans of batches, and what they say.
struct Spans(std::sync::mpsc::Sender<String>);

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("vyapar_postgres")
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut said = format!("{} {}", span.metadata().level(), span.metadata().name());
        span.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            said.push_str(&format!(" {field}={value:?}"));
        });
        // Nobody may listen any more.
        let _ = self.0.send(said);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn a_batch_is_a_span_that_says_how_large_it_is() {
    run(async {
        let (sender, spans) = std::sync::mpsc::channel();
        // Batches run on tasks, so on any thread of the process.
        tracing::subscriber::set_global_default(Spans(sender)).unwrap();
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let store = make.store_id();
        let products = stocked(&stock, &make, store, 3).await;
        let lines: Vec<_> = products.iter().map(|product| (*product, Quantity::units(1))).collect();
        assert_eq!(buy(&stock, &make, store, &lines).await.unwrap().unwrap(), ReserveOutcome::Held);
        let wanted = "DEBUG batch of=\"reserving stock\" calls=1 lines=3 waits=false";
        let seen: Vec<_> = spans.try_iter().collect();
        assert!(seen.iter().any(|span| span == wanted), "{seen:#?}");
    });
}
