//! The schema beside a host's own tables and migrations.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Executor, Row, SqlSafeStr};
use vyapar_core::testing::run;
use vyapar_postgres::{MIGRATOR, Postgres};

use crate::database::TestDatabase;
use crate::{accounts, isolation};

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
fn protect_every_table() {
    run(async {
        let database = TestDatabase::create().await;
        // Every table is of one of these kinds, and so in the tests of its kind.
        let mut known: Vec<&str> = isolation::TABLES.iter().map(|(table, _)| *table).collect();
        known.extend(accounts::TABLES.iter().map(|(table, _)| *table));
        known.extend(accounts::CATALOGUE);
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
