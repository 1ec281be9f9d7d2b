//! A database per test, copied from a template that holds the migrated schema.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool};
use vyapar_postgres::{MIGRATOR, Postgres};

/// Names the server, a database of it to connect to first, and a login that may create
/// databases and roles.
const VARIABLE: &str = "VYAPAR_TEST_POSTGRES_URL";
/// Whose turn it is to create the template.
const TEMPLATE_LOCK: i64 = 0x7679_6170_6172;

/// The server to test with. Without one the test fails: an adapter that was not tried is not
/// proven.
pub(crate) fn server() -> PgConnectOptions {
    let url = std::env::var(VARIABLE)
        .unwrap_or_else(|_| panic!("{VARIABLE} is not set: run `scripts/test`, which starts a server"));
    url.parse().unwrap_or_else(|error| panic!("{VARIABLE} is not the URL of a PostgreSQL server: {error}"))
}

/// A connection to the server's own database.
pub(crate) async fn admin() -> PgConnection {
    let connecting = tokio::time::timeout(Duration::from_secs(30), server().connect()).await;
    match connecting {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => panic!("no server at {VARIABLE} ({error}): run `scripts/test`, which starts one"),
        Err(_) => panic!("no answer from the server at {VARIABLE}: run `scripts/test`, which starts one"),
    }
}

/// A database that nobody else uses. Dropped with the guard; kept when the test failed.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    name: String,
    pool: PgPool,
}

impl TestDatabase {
    /// One with the schema in it.
    pub(crate) async fn create() -> Self {
        let mut admin = admin().await;
        let template = template(&mut admin).await;
        Self::copy_of(&template, admin).await
    }

    /// One with nothing in it.
    pub(crate) async fn empty() -> Self {
        Self::copy_of("template0", admin().await).await
    }

    async fn copy_of(template: &str, mut admin: PgConnection) -> Self {
        let name = format!("vyapar_test_{:016x}", fresh());
        admin.execute(AssertSqlSafe(format!("create database {name} template {template}"))).await.unwrap();
        admin.close().await.unwrap();
        let pool = Self::pool_of(&name, 16);
        Self { name, pool }
    }

    /// A pool to the database of that name.
    pub(crate) fn pool_of(name: &str, connections: u32) -> PgPool {
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(30))
            .connect_lazy_with(server().database(name))
    }

    /// The adapter on it.
    pub(crate) fn postgres(&self) -> Postgres {
        Postgres::from_pool(self.pool.clone())
    }

    /// The host's pool.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept database {} of the failed test", self.name);
            return;
        }
        let name = self.name.clone();
        // Dropping is not async; a thread with a runtime of its own is.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let drop = AssertSqlSafe(format!("drop database if exists {name} with (force)"));
                admin().await.execute(drop).await.unwrap();
            });
        });
        if dropping.join().is_err() {
            eprintln!("could not drop database {}", self.name);
        }
    }
}

/// The database that holds the schema of these migrations; made once, by whoever comes first.
async fn template(admin: &mut PgConnection) -> String {
    let mut hasher = DefaultHasher::new();
    MIGRATOR.iter().for_each(|migration| migration.checksum.hash(&mut hasher));
    let name = format!("vyapar_template_{:016x}", hasher.finish());
    sqlx::query("select pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    let known: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut *admin)
        .await
        .unwrap();
    if !known {
        // Under another name until it is whole.
        let draft = format!("{name}_draft");
        admin.execute(AssertSqlSafe(format!("drop database if exists {draft} with (force)"))).await.unwrap();
        admin.execute(AssertSqlSafe(format!("create database {draft} template template0"))).await.unwrap();
        let pool = TestDatabase::pool_of(&draft, 1);
        Postgres::from_pool(pool.clone()).migrate().await.unwrap();
        pool.close().await;
        admin.execute(AssertSqlSafe(format!("alter database {draft} rename to {name}"))).await.unwrap();
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    name
}

/// A number that no other test of any process has.
fn fresh() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one((std::process::id(), std::time::Instant::now()))
}
