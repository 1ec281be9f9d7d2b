//! The schema beside a host's own tables and migrations.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Executor, Row, SqlSafeStr};
use vyapar_core::order::{AbandonOutcome, InsertOutcome, OrderSlot};
use vyapar_core::store::{BusinessHours, Rating};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{MovementId, Quantity, StockUnit};
use vyapar_postgres::{MIGRATOR, Postgres};

use crate::database::TestDatabase;
use crate::{accounts, customers, isolation};

fn host() -> Migrator {
    let sql = "create table public.host_things (id integer primary key); insert into public.host_things values (7);";
    Migrator::with_migrations(vec![Migration::new(1, "host".into(), MigrationType::Simple, sql.into_sql_str(), false)])
}

async fn tables(database: &TestDatabase, schema: &str) -> Vec<String> {
    sqlx::query_scalar("select tablename::text from pg_tables where schemaname = $1 order by 1")
        .bind(schema)
        .fetch_all(database.pool())
        .await
        .unwrap()
}

#[test]
fn live_beside_a_host_s_own_in_either_order() {
    run(async {
        for host_first in [true, false] {
            let database = TestDatabase::empty().await;
            let postgres = database.postgres();
            if host_first {
                host().run(database.pool()).await.unwrap();
                postgres.migrate().await.unwrap();
            } else {
                postgres.migrate().await.unwrap();
                host().run(database.pool()).await.unwrap();
            }
            // Again, each: nothing is missing and nothing is foreign to either.
            host().run(database.pool()).await.unwrap();
            postgres.migrate().await.unwrap();
            assert_eq!(tables(&database, "public").await, ["_sqlx_migrations", "host_things"]);
            let ours: i64 =
                sqlx::query_scalar("select count(*) from vyapar.migrations").fetch_one(database.pool()).await.unwrap();
            assert_eq!(usize::try_from(ours).unwrap(), MIGRATOR.iter().count());
            let theirs: i64 =
                sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(database.pool()).await.unwrap();
            assert_eq!(theirs, 1);
        }
    });
}

#[test]
fn run_from_many_processes_at_once() {
    run(async {
        // Two databases of one cluster share the role.
        let databases = [TestDatabase::empty().await, TestDatabase::empty().await];
        let migrating: Vec<_> = (0..8)
            .map(|n| {
                let pool = TestDatabase::pool_of(databases[n % 2].name(), 2);
                tokio::spawn(async move {
                    let answer = Postgres::from_pool(pool.clone()).migrate().await;
                    pool.close().await;
                    answer
                })
            })
            .collect();
        for migrating in migrating {
            migrating.await.unwrap().unwrap();
        }
    });
}

#[test]
fn run_by_hand_and_are_noted_afterwards() {
    run(async {
        let database = TestDatabase::empty().await;
        for migration in MIGRATOR.iter() {
            let mut transaction = database.pool().begin().await.unwrap();
            transaction.execute(migration.sql.clone()).await.unwrap();
            transaction.commit().await.unwrap();
        }
        MIGRATOR.skip(database.pool(), None).await.unwrap();
        database.postgres().migrate().await.unwrap();
    });
}

#[test]
fn a_failed_one_does_not_block_the_next_try() {
    run(async {
        let database = TestDatabase::empty().await;
        // Something of the host's stands where a table is to be.
        database.pool().execute("create schema vyapar; create table vyapar.orders (id integer)").await.unwrap();
        for _ in 0..2 {
            let error = database.postgres().migrate().await.unwrap_err();
            assert!(error.to_string().contains("already exists"), "{error}");
        }
        database.pool().execute("drop table vyapar.orders").await.unwrap();
        database.postgres().migrate().await.unwrap();
    });
}

#[test]
fn read_what_the_version_before_wrote_and_writes() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let store = make.full_store();
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        // It knows no column of later versions, and sends none.
        let sends = "select to_jsonb(s) - '{business_hours,rating,total_orders,rating_sum,rating_count,geocoding_due,\
            geocoding_failures}'::text[] from vyapar.stores s where id = $1";
        let mut sends: serde_json::Value =
            sqlx::query_scalar(sends).bind(store.id.as_uuid()).fetch_one(database.pool()).await.unwrap();
        let audit = serde_json::json!({
            "id": make.uuid(), "action": "a", "entity_type": "b", "entity_id": "c", "created_at": make.now(),
        });
        let update = "select vyapar.update_store($1, 1, $2, 5000)";
        let updated: bool =
            sqlx::query_scalar(update).bind(&sends).bind(&audit).fetch_one(database.pool()).await.unwrap();
        assert!(updated);
        let hours = store.profile.business_hours.clone();
        assert_eq!(ports.store.stores.get(store.id).await.unwrap().unwrap().profile.business_hours, hours);
        // Its rows have no hours, no orders, no rating.
        let id = make.store_id();
        sends["id"] = serde_json::json!(id);
        sends["store_id"] = serde_json::json!("another");
        let insert = sqlx::query("select vyapar.insert_store($1, null, $2, 5000)").bind(&sends).bind(&audit);
        insert.execute(database.pool()).await.unwrap();
        let older = "update vyapar.stores set total_orders = null where id = $1";
        sqlx::query(older).bind(id.as_uuid()).execute(database.pool()).await.unwrap();
        let read = ports.store.stores.get(id).await.unwrap().unwrap();
        assert_eq!((read.profile.business_hours, read.total_orders), (BusinessHours::always(), 0));
        assert_eq!((read.rating, read.geocoding), (Rating::default(), None));
        assert!(ports.store.counters.count_order(id, &make.order_id()).await.unwrap());
        assert_eq!(ports.store.stores.get(id).await.unwrap().unwrap().total_orders, 1);
    });
}

#[test]
fn keep_what_was_abandoned_and_what_columns_may_hold() {
    run(async {
        let database = TestDatabase::empty().await;
        // The last version with a table of orders' keys and with checks of tables.
        let older = TestDatabase::pool_of(database.name(), 2);
        MIGRATOR.run_to(30, &older).await.unwrap();
        let (make, ports) = (Fixtures::here(), Postgres::from_pool(older.clone()).ports());
        let (store, product, orders) = (make.store_id(), make.product_id(), ports.order.orders);
        let (order, abandoned) = (make.full_order(store), make.full_order(store));
        let (new, never) = (make.new_order(&order), make.new_order(&abandoned));
        assert_eq!(orders.insert(store, new.clone()).await.unwrap(), InsertOutcome::Inserted);
        assert_eq!(orders.abandon(store, &abandoned.id, make.now()).await.unwrap(), AbandonOutcome::Abandoned);
        ports.stock.ledger.open(store, product, StockUnit::Piece, make.now()).await.unwrap();
        ports.stock.ledger.change(store, make.purchase(&[product], Quantity::units(2))).await.unwrap();
        let reserve = make.reserve(&[(product, Quantity::units(1))]);
        ports.stock.reservations.reserve(store, reserve).await.unwrap();
        // A process of this version that has come first understands what that schema answers.
        assert_eq!(orders.insert(store, new.clone()).await.unwrap(), InsertOutcome::AlreadyThere);
        assert_eq!(orders.insert(store, never.clone()).await.unwrap(), InsertOutcome::Abandoned);
        older.close().await;
        database.postgres().migrate().await.unwrap();
        let orders = database.postgres().ports().order.orders;
        assert_eq!(orders.find(store, &order.id).await.unwrap(), OrderSlot::Order(Box::new(order.clone())));
        assert_eq!(orders.find(store, &abandoned.id).await.unwrap(), OrderSlot::Abandoned);
        assert_eq!(orders.history(store, &order.id).await.unwrap(), std::slice::from_ref(&new.history));
        assert_eq!(orders.history(store, &abandoned.id).await.unwrap(), []);
        assert_eq!(orders.insert(store, new).await.unwrap(), InsertOutcome::AlreadyThere);
        assert_eq!(orders.insert(store, never).await.unwrap(), InsertOutcome::Abandoned);
        for wrong in [
            "update vyapar.orders set status = 'eaten'",
            "update vyapar.orders set version = 0",
            "update vyapar.stock_levels set current_stock = -0.001",
            "update vyapar.stock_levels set reserved_stock = -0.001",
            "update vyapar.reservations set state = 'lost'",
            "update vyapar.reservations set attempt = 0",
            "update vyapar.stock_movements set movement_type = 'theft'",
        ] {
            let error = database.pool().execute(wrong).await.unwrap_err();
            assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("23514"), "{wrong}: {error}");
        }
    });
}

#[test]
fn protect_every_table() {
    run(async {
        let database = TestDatabase::create().await;
        // Every table is of one of these kinds, and so in the tests of its kind.
        let mut known: Vec<&str> = isolation::TABLES.iter().map(|(table, _)| *table).collect();
        known.extend(accounts::TABLES.iter().map(|(table, _)| *table));
        known.extend(accounts::CATALOGUE);
        known.extend(customers::TABLES.iter().map(|(table, _)| *table));
        known.push(isolation::POINTS);
        // Entries of a store are its own, the rest is read with all stores: a policy of its own.
        known.push("audit_logs");
        // What was migrated: nobody's data, and no right for `vyapar_app`.
        known.push("migrations");
        known.sort_unstable();
        assert_eq!(tables(&database, "vyapar").await, known);
        let open = "select c.relname::text from pg_class c
            where c.relnamespace = 'vyapar'::regnamespace and c.relkind in ('r', 'p') and not c.relrowsecurity";
        let open: Vec<String> = database.pool().fetch_all(open).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert_eq!(open, ["migrations"]);
        let strong: bool = sqlx::query_scalar(
            "select bool_or(rolsuper or rolbypassrls or rolcanlogin) from pg_roles
              where rolname in ('vyapar_app', 'vyapar_public') having count(*) = 2",
        )
        .fetch_one(database.pool())
        .await
        .unwrap();
        assert!(!strong);
    });
}

#[test]
fn a_movement_s_id_is_computed_as_core_does() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let make = Fixtures::here();
        let (store, product) = (make.store_id(), make.product_id());
        stock.ledger.open(store, product, StockUnit::Piece, make.now()).await.unwrap();
        for _ in 0..3 {
            stock.ledger.change(store, make.purchase(&[product], Quantity::units(1))).await.unwrap();
        }
        let rows = "select vyapar.movement_id(m) from vyapar.stock_movements m order by m.seq";
        let rows = database.pool().fetch_all(rows).await.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| MovementId::from_uuid(row.get(0))).collect();
        assert_eq!(ids, [1, 2, 3].map(|seq| MovementId::of(product, seq)));
    });
}

#[test]
fn bring_twelve_digits_of_a_barcode_into_their_one_form() {
    run(async {
        let database = TestDatabase::empty().await;
        let older = TestDatabase::pool_of(database.name(), 2);
        MIGRATOR.run_to(33, &older).await.unwrap();
        let (make, products) = (Fixtures::here(), Postgres::from_pool(older.clone()).ports().product.products);
        let store = make.store_id();
        let mut stored = Vec::new();
        for (before, after) in [
            ("036000291452", "0036000291452"),
            // The last digit is wrong: no barcode.
            ("036000291453", "036000291453"),
            ("8901725133979", "8901725133979"),
            ("96385074", "96385074"),
        ] {
            let mut product = make.full_product(store);
            product.details.barcode = Some(before.to_owned());
            products.insert(store, product.clone(), make.bare_audit()).await.unwrap();
            stored.push((product.id, after));
        }
        older.close().await;
        database.postgres().migrate().await.unwrap();
        let products = database.postgres().ports().product.products;
        for (id, after) in stored {
            let found = products.get_many(store, &[id]).await.unwrap();
            assert_eq!(found.first().and_then(|product| product.details.barcode.as_deref()), Some(after));
        }
    });
}

/// What the database's own collation says of ids is slow to ask, and another answer after an update
/// of the server's libraries leaves their indexes wrong.
#[test]
fn leave_no_index_of_ids_to_the_database_s_collation() {
    run(async {
        let database = TestDatabase::create().await;
        let of_language = "select t.relname || '.' || a.attname
              from pg_index i
              join pg_class t on t.oid = i.indrelid
              join pg_attribute a on a.attrelid = i.indexrelid
             where t.relnamespace = 'vyapar'::regnamespace and a.attcollation <> 0
               and a.attcollation <> '\"C\"'::regcollation and (a.attname = 'id' or a.attname like '%\\_id')
             order by 1";
        let found: Vec<String> = sqlx::query_scalar(of_language).fetch_all(database.pool()).await.unwrap();
        // A store's readable id; views for everyone stand on it.
        assert_eq!(found, ["stores.store_id", "stores.store_id"]);
    });
}
