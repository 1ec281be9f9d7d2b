//! Row-level security holds by itself: whoever becomes `vyapar_app` sees and writes the rows
//! of the stores that the transaction names, whatever SQL it runs.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use vyapar_core::inventory::ReserveOutcome;
use vyapar_core::store::{ReviewRating, Store, StoreStatus};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{CustomerId, PageRequest, Quantity, ReviewId, StockUnit, StoreId};

use crate::database::{TestDatabase, server};

/// Every table that holds a store's rows, and the column that says whose they are.
pub(crate) const TABLES: [(&str, &str); 15] = [
    ("stores", "id"),
    ("store_products", "store_id"),
    ("stock_levels", "store_id"),
    ("stock_movements", "store_id"),
    ("stock_operations", "store_id"),
    ("reservations", "store_id"),
    ("orders", "store_id"),
    ("order_items", "store_id"),
    ("order_status_history", "store_id"),
    ("payments", "store_id"),
    ("refunds", "store_id"),
    ("store_users", "store_id"),
    ("store_invitations", "store_id"),
    ("store_order_counts", "store_id"),
    ("store_ratings", "store_id"),
];
/// Where active stores are: everyone reads it, and each store writes its own.
pub(crate) const POINTS: &str = "store_points";

/// Those of them whose rows a customer sees where an order is his.
const OF_AN_ORDER: [&str; 5] = ["orders", "order_items", "order_status_history", "payments", "refunds"];

/// A store with a row in every table; its customer.
pub(crate) async fn fill(database: &TestDatabase, fixtures: &Fixtures) -> (StoreId, CustomerId) {
    let ports = database.postgres().ports();
    let store = fixtures.full_store();
    let audit = |entity: &str| fixtures.audit(Some(store.id), "test.fill", entity, "1");
    let owner = fixtures.owner(store.id);
    ports.store.stores.insert(store.clone(), Some(owner), audit("store")).await.unwrap();
    let invitation = fixtures.full_invitation(store.id);
    ports.store.invitations.insert(store.id, invitation, audit("invitation")).await.unwrap();
    assert!(ports.store.counters.count_order(store.id, &fixtures.order_id()).await.unwrap());
    let review = ReviewRating { review_id: ReviewId::from_uuid(fixtures.uuid()), revision: 1, stars: None };
    assert!(ports.store.counters.rate(store.id, review).await.unwrap());
    let product = fixtures.full_product(store.id);
    ports.product.products.insert(store.id, product.clone(), audit("product")).await.unwrap();
    ports.stock.ledger.open(store.id, product.id, StockUnit::Piece, fixtures.now()).await.unwrap();
    ports.stock.ledger.change(store.id, fixtures.purchase(&[product.id], Quantity::units(9))).await.unwrap();
    let reserve = fixtures.reserve(&[(product.id, Quantity::units(2))]);
    assert_eq!(ports.stock.reservations.reserve(store.id, reserve).await.unwrap(), ReserveOutcome::Held);
    let order = fixtures.full_order(store.id);
    ports.order.orders.insert(store.id, fixtures.new_order(&order)).await.unwrap();
    let payment = fixtures.full_payment(store.id, &order.id);
    assert!(!payment.refunds.is_empty());
    ports.payment.payments.insert(store.id, payment, audit("payment")).await.unwrap();
    (store.id, order.customer_id)
}

/// How many rows of a table a transaction sees after these settings.
pub(crate) async fn seen(connection: &mut PgConnection, settings: &str, count: &str) -> i64 {
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("set local role vyapar_app").await.unwrap();
    transaction.execute(AssertSqlSafe(settings.to_owned())).await.unwrap();
    let row = transaction.fetch_one(AssertSqlSafe(count.to_owned())).await.unwrap();
    row.get(0)
}

/// The SQLSTATE of a statement that must be refused.
pub(crate) async fn refused(connection: &mut PgConnection, settings: &str, statement: &str) -> String {
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("set local role vyapar_app").await.unwrap();
    transaction.execute(AssertSqlSafe(settings.to_owned())).await.unwrap();
    match transaction.execute(AssertSqlSafe(statement.to_owned())).await {
        Err(sqlx::Error::Database(error)) => error.code().unwrap().into_owned(),
        other => panic!("{statement}: {other:?}"),
    }
}

/// How many rows a statement changes after these settings, taken back at once.
pub(crate) async fn changed(connection: &mut PgConnection, settings: &str, statement: &str) -> u64 {
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute(AssertSqlSafe(format!("set local role vyapar_app; {settings}"))).await.unwrap();
    transaction.execute(AssertSqlSafe(statement.to_owned())).await.unwrap().rows_affected()
}

#[test]
fn raw_sql_reaches_no_other_store() {
    run(async {
        let database = TestDatabase::create().await;
        let (mine, _) = fill(&database, &Fixtures::here()).await;
        let (other, _) = fill(&database, &Fixtures::here()).await;
        let options = server().database(database.name());
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let connection = &mut connection;
        let my = format!("set local vyapar.stores = '{{{mine}}}'");
        for (table, column) in TABLES {
            let all = format!("select count(*) from vyapar.{table}");
            let foreign = format!("{all} where {column} <> '{mine}'");
            assert!(seen(connection, &my, &all).await > 0, "{table}");
            assert_eq!(seen(connection, &my, &foreign).await, 0, "{table}");
            // Nothing named, nothing seen; also where the setting was there before.
            assert_eq!(seen(connection, "select 1", &all).await, 0, "{table}");
            assert_eq!(seen(connection, "set local vyapar.stores = ''", &all).await, 0, "{table}");
            assert!(seen(connection, "set local vyapar.all_stores = 'on'", &foreign).await > 0, "{table}");
            // Its own rows cannot be handed to another store, and another's cannot be touched.
            let for_good = ["stock_movements", "order_status_history", "store_order_counts"];
            if !for_good.contains(&table) {
                let update = format!("update vyapar.{table} set {column} = {column}");
                let touched = changed(connection, &my, &update).await;
                let own = format!("{all} where {column} = '{mine}'");
                assert_eq!(i64::try_from(touched).unwrap(), seen(connection, &my, &own).await, "{table}");
                let give = format!("update vyapar.{table} set {column} = '{other}'");
                assert_eq!(refused(connection, &my, &give).await, "42501", "{table}");
            }
        }
        let forge =
            format!("insert into vyapar.stock_levels values ('{other}', gen_random_uuid(), 'piece', 9, 0, 0, now())");
        assert_eq!(refused(connection, &my, &forge).await, "42501");
        let forge = format!(
            "insert into vyapar.audit_logs (id, store_id, action, entity_type, entity_id, created_at)
             values (gen_random_uuid(), '{other}', 'a', 'b', 'c', now())"
        );
        assert_eq!(refused(connection, &my, &forge).await, "42501");
    });
}

#[test]
fn points_are_everyone_s_to_read_and_each_store_s_to_write() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let stores = [make.full_store(), make.full_store()].map(|store| Store { status: StoreStatus::Active, ..store });
        for store in &stores {
            ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        }
        let [mine, other] = stores.map(|store| store.id);
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let connection = &mut connection;
        let my = format!("set local vyapar.stores = '{{{mine}}}'");
        for settings in ["select 1", &my] {
            assert_eq!(seen(connection, settings, &format!("select count(*) from vyapar.{POINTS}")).await, 2);
        }
        let forge = format!("update vyapar.{POINTS} set store_id = '{other}'");
        assert_eq!(refused(connection, &my, &forge).await, "42501");
        for statement in ["update vyapar.store_points set rating_sum = 9", "delete from vyapar.store_points"] {
            assert_eq!(changed(connection, "select 1", statement).await, 0, "{statement}");
            assert_eq!(changed(connection, &my, statement).await, 1, "{statement}");
        }
    });
}

#[test]
fn what_was_written_for_good_cannot_be_changed() {
    run(async {
        let database = TestDatabase::create().await;
        let (mine, _) = fill(&database, &Fixtures::here()).await;
        let options = server().database(database.name());
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let my = format!("set local vyapar.stores = '{{{mine}}}'");
        for statement in [
            "update vyapar.stock_movements set quantity = 1",
            "delete from vyapar.stock_movements",
            "update vyapar.order_status_history set status = 'placed'",
            "delete from vyapar.order_status_history",
            "delete from vyapar.orders",
            "delete from vyapar.order_items",
            "update vyapar.audit_logs set action = 'x'",
            "delete from vyapar.audit_logs",
            "delete from vyapar.payments",
            "delete from vyapar.stores",
            "update vyapar.store_order_counts set order_id = 'x'",
            "delete from vyapar.store_order_counts",
            "delete from vyapar.store_ratings",
            "create table vyapar.mine (id integer)",
            "alter table vyapar.orders disable row level security",
            "select * from vyapar.migrations",
        ] {
            assert_eq!(refused(&mut connection, &my, statement).await, "42501", "{statement}");
        }
    });
}

#[test]
fn a_customer_sees_his_own_orders_only() {
    run(async {
        let database = TestDatabase::create().await;
        let (_, asha) = fill(&database, &Fixtures::here()).await;
        let (_, ravi) = fill(&database, &Fixtures::here()).await;
        assert_ne!(asha, ravi);
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let connection = &mut connection;
        let his = format!("set local vyapar.customer = '{asha}'");
        let foreign = format!("select count(*) from vyapar.orders where customer_id <> '{asha}'");
        assert_eq!(seen(connection, &his, "select count(*) from vyapar.orders").await, 1);
        assert_eq!(seen(connection, &his, &foreign).await, 0);
        for (table, column) in TABLES {
            let count = format!("select count(*) from vyapar.{table}");
            if !OF_AN_ORDER.contains(&table) {
                assert_eq!(seen(connection, &his, &count).await, 0, "{table}");
                continue;
            }
            // Of each other table what belongs to his order, and nothing else: all of one store.
            assert!(seen(connection, &his, &count).await > 0, "{table}");
            let stores = format!("select count(distinct {column}) from vyapar.{table}");
            assert_eq!(seen(connection, &his, &stores).await, 1, "{table}");
            // He reads; he does not write.
            if table != "order_status_history" {
                let update = format!("update vyapar.{table} set {column} = {column}");
                assert_eq!(changed(connection, &his, &update).await, 0, "{table}");
            }
        }
        let orders = database.postgres().ports().order.orders;
        let page = orders.list_by_customer(asha, PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert!(page.items[0].customer_id == asha && !page.items[0].items.is_empty());
    });
}

#[test]
fn notes_of_history_change_only_under_the_sweep_over_all_stores() {
    run(async {
        let database = TestDatabase::create().await;
        let (mine, _) = fill(&database, &Fixtures::here()).await;
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let reseal = "update vyapar.order_status_history set notes = notes";
        let my = format!("set local vyapar.stores = '{{{mine}}}'");
        let sweep = "set local vyapar.all_stores = 'on'";
        assert_eq!(changed(&mut connection, &my, reseal).await, 0);
        assert!(changed(&mut connection, &format!("{sweep}; {my}"), reseal).await > 0);
        assert_eq!(refused(&mut connection, sweep, reseal).await, "42501");
    });
}

/// Whoever sees all stores writes for those he names.
#[test]
fn orders_and_stock_are_written_for_stores_that_are_named() {
    run(async {
        let database = TestDatabase::create().await;
        let (mine, _) = fill(&database, &Fixtures::here()).await;
        let (other, _) = fill(&database, &Fixtures::here()).await;
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let sweep = "set local vyapar.all_stores = 'on'";
        let for_mine = format!("{sweep}; set local vyapar.stores = '{{{mine}}}'");
        for table in ["orders", "order_items", "order_status_history", "reservations", "stock_movements", "audit_logs"]
        {
            let copy = |store| {
                format!(
                    "insert into vyapar.{table} overriding user value
                     select * from vyapar.{table} where store_id = '{store}' on conflict do nothing"
                )
            };
            assert_eq!(refused(&mut connection, sweep, &copy(mine)).await, "42501", "{table}");
            assert_eq!(changed(&mut connection, &for_mine, &copy(mine)).await, 0, "{table}");
            assert_eq!(refused(&mut connection, &for_mine, &copy(other)).await, "42501", "{table}");
        }
    });
}

#[test]
fn the_host_s_connection_is_as_it_was_after_each_call() {
    run(async {
        let database = TestDatabase::create().await;
        let pool = TestDatabase::pool_of(database.name(), 1);
        let before: String = sqlx::query_scalar("select current_user::text").fetch_one(&pool).await.unwrap();
        let settings = "select current_user::text || coalesce(current_setting('vyapar.stores', true), '')
            || coalesce(current_setting('vyapar.all_stores', true), '') || current_setting('plan_cache_mode')
            || current_setting('lock_timeout') || current_setting('transaction_isolation')";
        let untouched: String = sqlx::query_scalar(settings).fetch_one(&pool).await.unwrap();
        assert!(untouched.starts_with(&before));
        let fixtures = Fixtures::here();
        let (store, product) = (fixtures.store_id(), fixtures.product_id());
        let ports = vyapar_postgres::Postgres::from_pool(pool.clone()).ports();
        ports.stock.ledger.open(store, product, StockUnit::Piece, fixtures.now()).await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(2))]);
        ports.stock.reservations.reserve(store, reserve.clone()).await.unwrap();
        ports.stock.reservations.find(store, reserve.hold.id).await.unwrap();
        let after: String = sqlx::query_scalar(settings).fetch_one(&pool).await.unwrap();
        assert_eq!(after, untouched);
        pool.close().await;
    });
}

#[test]
fn a_login_that_may_nothing_special_migrates_and_works() {
    run(async {
        let database = TestDatabase::empty().await;
        let login = database.name().replace("vyapar_test", "vyapar_login");
        let mut admin = PgConnection::connect_with(&server()).await.unwrap();
        for statement in [
            format!("create role {login} login createrole password 'secret'"),
            format!("alter database {} owner to {login}", database.name()),
            // From version 16 on it may only give itself roles that it made: other tests made this one.
            format!(
                "do $$ begin
                    if current_setting('server_version_num')::integer >= 160000
                       and exists (select from pg_roles where rolname = 'vyapar_app') then
                        grant vyapar_app to {login};
                    end if;
                end $$"
            ),
        ] {
            admin.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        let options = server().database(database.name()).username(&login).password("secret");
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        let postgres = vyapar_postgres::Postgres::from_pool(pool.clone());
        postgres.migrate().await.unwrap();
        let fixtures = Fixtures::here();
        let (store, product) = (fixtures.store_id(), fixtures.product_id());
        let stock = postgres.ports().stock;
        stock.ledger.open(store, product, StockUnit::Piece, fixtures.now()).await.unwrap();
        stock.ledger.change(store, fixtures.purchase(&[product], Quantity::units(9))).await.unwrap();
        let reserve = fixtures.reserve(&[(product, Quantity::units(2))]);
        assert_eq!(stock.reservations.reserve(store, reserve).await.unwrap(), ReserveOutcome::Held);
        pool.close().await;
        drop(database);
        admin.execute(AssertSqlSafe(format!("drop role {login}"))).await.unwrap();
    });
}
