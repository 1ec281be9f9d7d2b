//! What a host sees when the server is away, refuses, or keeps a call waiting.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use vyapar_core::inventory::{Divergence, ReleaseCause, ReservationState, Reserve, ReserveOutcome, StockPorts};
use vyapar_core::order::{AtOnceOutcome, Order, OrderSlot};
use vyapar_core::page::AllStores;
use vyapar_core::payment::Payment;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{ProductId, Quantity, RepositoryErrorKind, StockUnit, StoreId};
use vyapar_postgres::Postgres;

use crate::database::{TestDatabase, server};

/// A new store with five pieces of one product.
async fn five_of_one_product(stock: &StockPorts, fixtures: &Fixtures) -> (StoreId, ProductId) {
    let (store, product) = (fixtures.store_id(), fixtures.product_id());
    stock.ledger.open(store, product, StockUnit::Piece, fixtures.now()).await.unwrap();
    stock.ledger.change(store, fixtures.purchase(&[product], Quantity::units(5))).await.unwrap();
    (store, product)
}

#[test]
fn a_server_that_is_away_or_refuses_is_unavailable() {
    run(async {
        let options = server();
        let (host, port, user) = (options.get_host(), options.get_port(), options.get_username());
        for url in [
            // Nothing listens there.
            "postgres://nobody:secret@127.0.0.1:1/shop".to_owned(),
            format!("postgres://{user}@{host}:{port}/no_such_database"),
            format!("postgres://no_such_login:wrong@{host}:{port}/postgres"),
        ] {
            let error = Postgres::connect(&url).await.unwrap_err();
            assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{url}: {error:?}");
            assert!(!format!("{error:?}").contains("secret"), "a password in an error");
        }
        let error = Postgres::connect("this is no URL").await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Backend);
    });
}

#[test]
fn a_host_s_pool_without_a_server_is_unavailable() {
    run(async {
        let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/shop").unwrap();
        let ports = Postgres::from_pool(pool).with_deadline(Duration::from_millis(300)).ports();
        let fixtures = Fixtures::here();
        let error = ports.store.stores.get(fixtures.store_id()).await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{error:?}");
        let reserve = fixtures.reserve(&[(fixtures.product_id(), Quantity::units(1))]);
        let error = ports.stock.reservations.reserve(fixtures.store_id(), reserve).await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{error:?}");
    });
}

/// Each is put on the heap, many at a time: 5 to 8 kB in this build before those that go alone were
/// in boxes of their own.
#[test]
fn gathered_calls_are_small() {
    run(async {
        let pool = sqlx::postgres::PgPoolOptions::new().connect_lazy("postgres://nobody@127.0.0.1:1/shop").unwrap();
        let ports = Postgres::from_pool(pool).ports();
        let fixtures = Fixtures::here();
        let reserve = || fixtures.reserve(&[(fixtures.product_id(), Quantity::units(1))]);
        let store = fixtures.store_id();
        let order = || fixtures.new_order(&fixtures.order(store));
        let (stock, orders) = (&ports.stock.reservations, &ports.order.orders);
        let sizes = [
            size_of_val(&*stock.reserve(store, reserve())),
            size_of_val(&*stock.commit(store, reserve().hold, fixtures.now())),
            size_of_val(&*orders.insert(store, order())),
            size_of_val(&*ports.place_at_once().unwrap().place(store, reserve(), Box::new(order()), None)),
        ];
        assert!(sizes.iter().all(|size| *size < 2_500), "{sizes:?} bytes");
    });
}

#[test]
fn a_row_locked_for_too_long_is_busy_and_nothing_is_written() {
    run(async {
        let database = TestDatabase::create().await;
        let ports = database.postgres().with_deadline(Duration::from_millis(300)).ports();
        let fixtures = Fixtures::here();
        let (store, products) = (fixtures.store_id(), fixtures.product_ids(2));
        for product in &products {
            ports.stock.ledger.open(store, *product, StockUnit::Piece, fixtures.now()).await.unwrap();
        }
        ports.stock.ledger.change(store, fixtures.purchase(&products, Quantity::units(5))).await.unwrap();

        let mut other = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let mut transaction = other.begin().await.unwrap();
        sqlx::query("select from vyapar.stock_levels where store_product_id = $1 for update")
            .bind(products[1].as_uuid())
            .execute(&mut *transaction)
            .await
            .unwrap();
        let begun = Instant::now();
        let both: Vec<_> = products.iter().map(|product| (*product, Quantity::units(1))).collect();
        let reserve = fixtures.reserve(&both);
        let error = ports.stock.reservations.reserve(store, reserve.clone()).await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Busy, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(ports.stock.reservations.find(store, reserve.hold.id).await.unwrap(), None);
        // Who needs the other product only does not wait.
        let one = fixtures.reserve(&both[..1]);
        ports.stock.reservations.reserve(store, one).await.unwrap();
        transaction.rollback().await.unwrap();
        let levels = ports.stock.ledger.levels(store, &products[1..]).await.unwrap();
        assert_eq!((levels[0].current, levels[0].reserved), (Quantity::units(5), Quantity::ZERO));
        ports.stock.reservations.reserve(store, reserve).await.unwrap();
    });
}

/// A lock that is given in the moment its time is up: the server stops the statement as if somebody
/// had asked it to. Of a batch that was tried as a whole that decides nothing about its calls.
#[test]
fn a_whole_batch_the_server_stops_is_decided_call_by_call() {
    run(async {
        let database = TestDatabase::create().await;
        let postgres = database.postgres();
        let ports = postgres.ports();
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&ports.stock, &fixtures).await;
        // Stopped once, after everything before the levels is written.
        let stop = "create sequence public.stopped;
            create function public.stop() returns trigger language plpgsql security definer as $$
            begin
                if nextval('public.stopped') = 1 then
                    raise exception using errcode = '57014', message = 'canceling statement due to user request';
                end if;
                return new;
            end $$;
            create trigger stop before update on vyapar.stock_levels for each row execute function public.stop()";
        database.pool().execute(stop).await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(1))]);
        assert_eq!(ports.stock.reservations.reserve(store, reserve).await.unwrap(), ReserveOutcome::Held);
        assert_eq!(postgres.gathered().reserve.doubted, 1);

        database.pool().execute("select setval('public.stopped', 1, false)").await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(1))]);
        let hold = reserve.hold.clone();
        let (id, order_number) = (hold.order_id.clone(), hold.order_id.number());
        let order = fixtures.new_order(&Order { id, order_number, hold, ..fixtures.order(store) });
        let place = ports.place_at_once().unwrap();
        assert_eq!(place.place(store, reserve, Box::new(order), None).await.unwrap(), AtOnceOutcome::Placed);
        assert_eq!(postgres.gathered().place.doubted, 1);
        let verified = ports.stock.ledger.verify(store).await.unwrap();
        assert!(verified.is_clean(), "{verified:#?}");
        let levels = ports.stock.ledger.levels(store, &[product]).await.unwrap();
        assert_eq!((levels[0].current, levels[0].reserved), (Quantity::units(3), Quantity::units(2)));
    });
}

#[test]
fn a_connection_lost_in_a_write_leaves_the_outcome_unknown() {
    run(async {
        let database = TestDatabase::create().await;
        let ports = database.postgres().ports();
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&ports.stock, &fixtures).await;
        let mut other = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let mut transaction = other.begin().await.unwrap();
        transaction.execute("select from vyapar.stock_levels for update").await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(1))]);
        let held = ports.stock.reservations.clone();
        let waiting = tokio::spawn({
            let reserve = reserve.clone();
            async move { held.reserve(store, reserve).await }
        });
        let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        loop {
            let killed: i64 = sqlx::query_scalar(kill).fetch_one(database.pool()).await.unwrap();
            if killed > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::OutcomeUnknown, "{error:?}");
        transaction.rollback().await.unwrap();
        // The pool gets over it; asking again tells.
        assert_eq!(ports.stock.reservations.find(store, reserve.hold.id).await.unwrap(), None);
        ports.stock.reservations.reserve(store, reserve).await.unwrap();
    });
}

/// A column gets another type while a process is at work, as a migration may do: what its
/// connections have prepared is good for nothing any more, and each is given up for a new one.
#[test]
fn a_connection_older_than_a_migration_is_given_up() {
    run(async {
        let database = TestDatabase::create().await;
        let ports = Postgres::from_pool(TestDatabase::pool_of(database.name(), 1)).ports();
        let fixtures = Fixtures::here();
        let (order, product) = (fixtures.full_order(fixtures.store_id()), fixtures.product_id());
        let store = order.store_id;
        ports.order.orders.insert(store, fixtures.new_order(&order)).await.unwrap();
        ports.stock.ledger.open(store, product, StockUnit::Piece, fixtures.now()).await.unwrap();
        ports.stock.ledger.change(store, fixtures.purchase(&[product], Quantity::units(5))).await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(1))]);
        let find = || ports.order.orders.find(store, &order.id);
        // Twice: the second time it is there, and the row is read.
        let hold = || ports.stock.reservations.reserve(store, reserve.clone());
        for _ in 0..2 {
            find().await.unwrap();
            hold().await.unwrap();
        }
        let alter = "alter table vyapar.orders alter column language type text;
            alter table vyapar.reservations alter column order_id type text";
        database.pool().execute(alter).await.unwrap();
        let error = find().await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{error:?}");
        assert_eq!(find().await.unwrap(), OrderSlot::Order(Box::new(order.clone())));
        hold().await.unwrap();
        database.pool().execute("alter table vyapar.reservations alter column order_id type varchar").await.unwrap();
        let error = hold().await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Unavailable, "{error:?}");
        assert_eq!(hold().await.unwrap(), ReserveOutcome::Held);
    });
}

/// Of two calls in one batch nobody hears of it: each is done again, on a connection that is new.
#[test]
fn calls_of_a_batch_on_a_connection_older_than_a_migration_are_done_again() {
    // On one thread both have asked before a writer begins, so that they are in one batch.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = TestDatabase::create().await;
        let postgres = Postgres::from_pool(TestDatabase::pool_of(database.name(), 1));
        let stock = postgres.ports().stock;
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&stock, &fixtures).await;
        let [one, two] = [(); 2].map(|()| fixtures.reserve(&[(product, Quantity::units(1))]));
        let hold = |reserve: &Reserve| stock.reservations.reserve(store, reserve.clone());
        let both = || async { tokio::join!(hold(&one), hold(&two)) };
        // The second time they are there, and their rows are read.
        for _ in 0..2 {
            let (one, two) = both().await;
            assert_eq!((one.unwrap(), two.unwrap()), (ReserveOutcome::Held, ReserveOutcome::Held));
        }
        assert_eq!((postgres.gathered().reserve.largest, postgres.gathered().reserve.split), (2, 0));
        for of in ["text", "varchar"] {
            let alter = AssertSqlSafe(format!("alter table vyapar.reservations alter column order_id type {of}"));
            database.pool().execute(alter).await.unwrap();
            let (one, two) = both().await;
            assert_eq!((one.unwrap(), two.unwrap()), (ReserveOutcome::Held, ReserveOutcome::Held), "{of}");
        }
        assert!(postgres.gathered().reserve.split > 0, "{:?}", postgres.gathered().reserve);
    });
}

#[test]
fn a_row_that_makes_no_sense_is_named() {
    run(async {
        let database = TestDatabase::create().await;
        let ports = database.postgres().ports();
        let fixtures = Fixtures::here();
        let order = fixtures.full_order(fixtures.store_id());
        ports.order.orders.insert(order.store_id, fixtures.new_order(&order)).await.unwrap();
        database.pool().execute("update vyapar.orders set channel = 'pigeon'").await.unwrap();
        let error = ports.order.orders.find(order.store_id, &order.id).await.unwrap_err();
        assert_eq!(error.kind(), &RepositoryErrorKind::Corrupt);
        assert!(error.to_string().contains(&format!("orders.channel of row {}", order.id)), "{error}");
    });
}

/// A row that nobody can read is left out of what recovery works on, and keeps nothing from its turn.
#[test]
fn a_row_that_makes_no_sense_stops_no_recovery() {
    run(async {
        let database = TestDatabase::create().await;
        let ports = database.postgres().ports();
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&ports.stock, &fixtures).await;
        let (mut orders, mut holds) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let order = Order { recover_at: Some(fixtures.now()), failures: 10, ..fixtures.full_order(store) };
            ports.order.orders.insert(store, fixtures.new_order(&order)).await.unwrap();
            let payment = Payment { recover_at: Some(fixtures.now()), ..fixtures.payment(store, &order.id) };
            let payment = Payment { failures: 10, ..payment };
            let audit = fixtures.bare_audit();
            ports.payment.payments.insert(store, payment.clone(), audit).await.unwrap();
            let reserve = fixtures.reserve(&[(product, Quantity::units(1))]);
            ports.stock.reservations.reserve(store, reserve.clone()).await.unwrap();
            ports.stock.queue.defer(store, reserve.hold.clone(), fixtures.now(), 10).await.unwrap();
            orders.push((order.id, payment.id));
            holds.push(reserve.hold.id);
        }
        let set = |sql: String| database.pool().execute(AssertSqlSafe(sql));
        set(format!(
            "update vyapar.orders set effects = '[{{\"effect\": \"newer\", \"version\": 1}}]' where id = '{}'",
            orders[0].0
        ))
        .await
        .unwrap();
        set(format!("update vyapar.payments set order_id = '?' where id = '{}'", orders[0].1)).await.unwrap();
        set(format!("update vyapar.reservations set quantities = quantities || 1.0 where id = '{}'", holds[0]))
            .await
            .unwrap();
        let later = fixtures.now() + chrono::TimeDelta::days(1);
        let (stock, order, payment) = (&ports.stock.queue, &ports.order.queue, &ports.payment.queue);
        for found in [stock.due(AllStores, later, 1).await, stock.stuck(AllStores, 10, 2).await] {
            assert_eq!(found.unwrap().iter().map(|found| found.hold.id).collect::<Vec<_>>(), [holds[1]]);
        }
        for found in [order.due(AllStores, later, 1).await, order.stuck(AllStores, 10, 2).await] {
            assert_eq!(found.unwrap().iter().map(|found| &found.id).collect::<Vec<_>>(), [&orders[1].0]);
        }
        for found in [payment.due(AllStores, later, 1).await, payment.stuck(AllStores, 10, 2).await] {
            assert_eq!(found.unwrap().iter().map(|found| found.id).collect::<Vec<_>>(), [orders[1].1]);
        }
    });
}

/// A store that sold for years is verified all the same: that takes longer than any lock is waited for.
#[test]
fn a_long_ledger_is_verified_although_that_takes_long() {
    run(async {
        let database = TestDatabase::create().await;
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&database.postgres().ports().stock, &fixtures).await;
        let more = format!(
            "insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
                    reference_type, reference_id, created_at)
             select m.store_id, m.store_product_id, n, 'purchase', 1, 4 + n, m.reference_type, m.reference_id, m.created_at
               from vyapar.stock_movements m, generate_series(2, 200000) n
              where m.store_product_id = '{product}';
             update vyapar.stock_levels set current_stock = 4 + 200000, seq = 200000"
        );
        sqlx::raw_sql(AssertSqlSafe(more)).execute(database.pool()).await.unwrap();
        let impatient = database.postgres().with_deadline(Duration::from_millis(50)).ports().stock;
        let verified = impatient.ledger.verify(store).await.unwrap();
        assert_eq!((verified.movements, verified.divergences), (200_000, Vec::new()));
    });
}

#[test]
fn a_reservation_whose_lists_do_not_fit_is_named() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&stock, &fixtures).await;
        let reserve = fixtures.reserve(&[(product, Quantity::units(3))]);
        stock.reservations.reserve(store, reserve.clone()).await.unwrap();
        for column in ["quantities", "given_back"] {
            let set = |list: &str| AssertSqlSafe(format!("update vyapar.reservations set {column} = {list}"));
            database.pool().execute(set(&format!("{column} || 1.0"))).await.unwrap();
            let error = stock.reservations.find(store, reserve.hold.id).await.unwrap_err();
            assert_eq!(error.kind(), &RepositoryErrorKind::Corrupt, "{column}");
            assert!(error.to_string().contains("reservations.product_ids"), "{error}");
            database.pool().execute(set(&format!("{column}[:1]"))).await.unwrap();
        }
        assert!(stock.reservations.find(store, reserve.hold.id).await.unwrap().is_some());
    });
}

#[test]
fn a_release_below_zero_is_corrupt_and_never_clamped() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let fixtures = Fixtures::here();
        let (store, product) = five_of_one_product(&stock, &fixtures).await;
        let reserve = fixtures.reserve(&[(product, Quantity::units(3))]);
        stock.reservations.reserve(store, reserve.clone()).await.unwrap();
        database.pool().execute("update vyapar.stock_levels set reserved_stock = 2").await.unwrap();
        let before = stock.ledger.levels(store, &[product]).await.unwrap();
        for cause in [ReleaseCause::Undone, ReleaseCause::Cancelled] {
            let released = stock.reservations.release(store, reserve.hold.clone(), cause, fixtures.now()).await;
            assert_eq!(released.unwrap_err().kind(), &RepositoryErrorKind::Corrupt);
        }
        assert_eq!(stock.ledger.levels(store, &[product]).await.unwrap(), before);
        let found = stock.reservations.find(store, reserve.hold.id).await.unwrap().unwrap();
        assert_eq!(found.state, ReservationState::Held);
        // A hold of what has no level at all is no better.
        database.pool().execute("delete from vyapar.stock_levels").await.unwrap();
        let released =
            stock.reservations.release(store, reserve.hold.clone(), ReleaseCause::Undone, fixtures.now()).await;
        assert_eq!(released.unwrap_err().kind(), &RepositoryErrorKind::Corrupt);
        let divergences = stock.ledger.verify(store).await.unwrap().divergences;
        assert!(matches!(divergences.as_slice(), [Divergence::Unknown { .. }]), "{divergences:?}");
    });
}
