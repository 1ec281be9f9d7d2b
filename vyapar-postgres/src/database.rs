//! The pool, the deadline, and how statements get their role and their stores.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, SqlSafeStr};
use vyapar_core::inventory::{ProductPorts, StockPorts};
use vyapar_core::order::{AtOnce, OrderPorts};
use vyapar_core::payment::PaymentPorts;
use vyapar_core::store::StorePorts;
use vyapar_core::system::SystemPorts;
use vyapar_core::{CustomerId, Ports, RepositoryError, RepositoryErrorKind, StoreId, Stored, Timestamp};

use crate::catalogue::Catalogue;
use crate::error::{self, Intent};
use crate::gather::{GatherStatistics, Gathering, Lane};
use crate::inventory::{Products, Reserving, Settling, Stock};
use crate::order::{Inserting, Orders, Placing, Together};
use crate::payment::Payments;
use crate::store::Stores;
use crate::system::AuditLogs;
use crate::{access, customer, identity, migrate};

/// How long a call waits for a lock or a connection, unless the host says otherwise.
const DEADLINE: Duration = Duration::from_secs(5);
/// Connections of a pool that [`Postgres::connect`] makes.
const CONNECTIONS: u32 = 10;

/// The adapter: a pool of connections to one database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Postgres {
    database: Database,
    gathering: Gathering,
    lanes: Lanes,
}

impl Postgres {
    /// Connects to a database (`postgres://user:password@host/name`) with a pool of its own.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be reached or refuses the login, `Backend` for a URL that
    /// is none.
    pub async fn connect(url: &str) -> Stored<Self> {
        let options: PgConnectOptions = url.parse().map_err(|e| error::connecting(e, "reading the URL"))?;
        let options = options.options([("statement_timeout", DEADLINE.as_millis().to_string())]);
        // A pool waits for a server that is starting up; whoever sets up wants to know at once.
        let probe = tokio::time::timeout(DEADLINE, PgConnection::connect_with(&options));
        let probe = probe.await.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(unreachable)?;
        probe.close().await.map_err(unreachable)?;
        let pool =
            PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(DEADLINE).connect_lazy_with(options);
        Ok(Self::from_pool(pool))
    }

    /// Uses the host's own pool. Its `statement_timeout` should be the deadline or a little
    /// more, its isolation level the default (read committed).
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        Self::of(Database { pool, deadline: DEADLINE }, Gathering::default())
    }

    fn of(database: Database, gathering: Gathering) -> Self {
        let lanes = Lanes::new(&database, gathering);
        Self { database, gathering, lanes }
    }

    /// The same with another deadline for locks and connections; 5 s otherwise.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self::of(Database { deadline, ..self.database }, self.gathering)
    }

    /// The same with calls gathered in another way, or not at all.
    #[must_use]
    pub fn with_gathering(self, gathering: Gathering) -> Self {
        Self::of(self.database, gathering)
    }

    /// What gathering did since this adapter was made; its clones and their ports count as one.
    #[must_use]
    pub fn gathered(&self) -> GatherStatistics {
        GatherStatistics {
            reserve: self.lanes.reserve.statistics(),
            settle: self.lanes.settle.statistics(),
            insert_order: self.lanes.insert_order.statistics(),
            place: self.lanes.place.statistics(),
            catalogue: self.lanes.catalogue.statistics(),
        }
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// Brings schema `vyapar` up to date. Safe to call at every start and from several
    /// processes at once.
    ///
    /// # Errors
    /// `Backend` with the reason, `Unavailable`.
    pub async fn migrate(&self) -> Stored<()> {
        migrate::run(&self.database.pool).await
    }

    /// All units.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let database = || self.database.clone();
        let lanes = self.lanes.clone();
        let audit: Arc<AuditLogs> = Arc::new(AuditLogs(database()));
        let stores = Arc::new(Stores { database: database(), catalogue: lanes.catalogue.clone() });
        let products = Arc::new(Products { database: database(), catalogue: lanes.catalogue });
        let stock = Arc::new(Stock { database: database(), reserve: lanes.reserve, settle: lanes.settle });
        let orders = Arc::new(Orders { database: database(), insert: lanes.insert_order });
        let together = Together { database: database(), lane: lanes.place };
        let at_once =
            AtOnce::new(Arc::new(together), stock.clone(), orders.clone()).checking(stores.clone(), products.clone());
        let payments = Arc::new(Payments(database()));
        Ports {
            identity: identity::ports(&self.database, audit.clone()),
            access: access::ports(&self.database, audit.clone()),
            store: StorePorts {
                stores: stores.clone(),
                counters: stores.clone(),
                search: stores.clone(),
                members: stores.clone(),
                invitations: stores.clone(),
                sealed: stores,
                audit: audit.clone(),
            },
            customer: customer::ports(&self.database, audit.clone()),
            product: ProductPorts { products, audit: audit.clone() },
            stock: StockPorts { ledger: stock.clone(), reservations: stock.clone(), queue: stock },
            order: OrderPorts { orders: orders.clone(), queue: orders.clone(), sealed: orders, audit: audit.clone() },
            payment: PaymentPorts { payments: payments.clone(), queue: payments, audit: audit.clone() },
            system: SystemPorts { audit },
            at_once: Some(at_once),
        }
    }
}

/// The kinds of calls that are gathered.
#[derive(Clone)]
struct Lanes {
    reserve: Arc<Lane<Reserving>>,
    settle: Arc<Lane<Settling>>,
    insert_order: Arc<Lane<Inserting>>,
    place: Arc<Lane<Placing>>,
    catalogue: Arc<Lane<Catalogue>>,
}

impl Lanes {
    fn new(database: &Database, gathering: Gathering) -> Self {
        Self {
            reserve: Lane::new(Reserving::default(), database.clone(), gathering),
            settle: Lane::new(Settling, database.clone(), gathering),
            insert_order: Lane::new(Inserting, database.clone(), gathering),
            place: Lane::new(Placing::default(), database.clone(), gathering),
            catalogue: Lane::new(Catalogue, database.clone(), gathering),
        }
    }
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes").finish_non_exhaustive()
    }
}

fn unreachable(error: sqlx::Error) -> RepositoryError {
    match error {
        sqlx::Error::PoolTimedOut => RepositoryError::new(RepositoryErrorKind::Unavailable, "connecting"),
        error => error::connecting(error, "connecting"),
    }
}

/// What a transaction that reads may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Rows of one store.
    Store(StoreId),
    /// A customer's own rows.
    Customer(CustomerId),
    /// Accounts, and what they were given.
    Identity,
    /// Every row.
    AllStores,
}

/// What the repositories share.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pool: PgPool,
    deadline: Duration,
}

impl Database {
    /// How long a function of the schema may wait for a lock, in ms.
    pub(crate) fn lock_timeout(&self) -> i32 {
        // Zero would mean for ever.
        i32::try_from(self.deadline.as_millis()).unwrap_or(i32::MAX).max(1)
    }

    /// Calls a function of the schema that writes: one round trip, a transaction of its own.
    pub(crate) async fn call(
        &self,
        function: Query<'_, sqlx::Postgres, PgArguments>,
        context: &'static str,
    ) -> Stored<Vec<PgRow>> {
        self.round_trip(function, Intent::Write, context).await
    }

    /// Calls a function of the schema that reads.
    pub(crate) async fn ask(
        &self,
        function: Query<'_, sqlx::Postgres, PgArguments>,
        context: &'static str,
    ) -> Stored<Vec<PgRow>> {
        self.round_trip(function, Intent::Read, context).await
    }

    async fn round_trip(
        &self,
        function: Query<'_, sqlx::Postgres, PgArguments>,
        intent: Intent,
        context: &'static str,
    ) -> Stored<Vec<PgRow>> {
        let mut connection = self.connection(context).await?;
        let answer = tokio::time::timeout(self.patience(), function.fetch_all(&mut *connection)).await;
        match answer {
            Ok(answer) => answer.map_err(|e| {
                if error::is_outdated(&e) {
                    connection.close_on_drop();
                }
                error::running(e, intent, context)
            }),
            Err(_) => {
                // Nobody knows when its answer comes: the connection is of no use any more.
                connection.close_on_drop();
                Err(error::timed_out(intent, context))
            }
        }
    }

    /// Calls a function that answers one value.
    pub(crate) async fn call_one<T>(
        &self,
        function: Query<'_, sqlx::Postgres, PgArguments>,
        context: &'static str,
    ) -> Stored<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        use sqlx::Row;
        let rows = self.call(function, context).await?;
        let row = rows.first().ok_or_else(|| RepositoryError::new(RepositoryErrorKind::Backend, context))?;
        row.try_get(0).map_err(|e| RepositoryError::new(RepositoryErrorKind::Backend, context).with_source(e))
    }

    /// Calls a function that removes at most `limit` old rows and says how many it did.
    pub(crate) async fn sweep(
        &self,
        function: &'static str,
        before: Timestamp,
        limit: u32,
        context: &'static str,
    ) -> Stored<u32> {
        let function = sqlx::query(function).bind(before).bind(i64::from(limit)).bind(self.lock_timeout());
        let swept: i64 = self.call_one(function, context).await?;
        Ok(u32::try_from(swept).unwrap_or(limit))
    }

    /// Begins to read one consistent state, seeing what the scope allows.
    pub(crate) async fn reader(&self, scope: Scope, context: &'static str) -> Stored<Reader> {
        self.reader_within(scope, context, 1).await
    }

    /// The same for what reads as much as there is: each of its statements may take so many
    /// deadlines.
    pub(crate) async fn reader_within(&self, scope: Scope, context: &'static str, deadlines: u32) -> Stored<Reader> {
        // One of these is set; whatever a session had set otherwise counts for nothing.
        let (name, value) = match scope {
            Scope::Store(store) => ("stores", format!("{{{store}}}")),
            Scope::Customer(customer) => ("customer", customer.to_string()),
            Scope::Identity => ("identity", "on".to_owned()),
            Scope::AllStores => ("all_stores", "on".to_owned()),
        };
        let setting = |known: &str| {
            let value = if known == name { &*value } else { "" };
            format!("set_config('vyapar.{known}', '{value}', true)")
        };
        let settings = ["stores", "all_stores", "customer", "user", "identity"].map(setting).join(", ");
        let deadline = i64::from(self.lock_timeout()) * i64::from(deadlines);
        let deadline = i32::try_from(deadline).unwrap_or(i32::MAX);
        // Ids are UUIDs: nothing of a caller's text gets in here. Plans are made for the values
        // given, so that a filter or cursor that is not there costs nothing.
        let begin = AssertSqlSafe(format!(
            "begin isolation level repeatable read read only; set local role vyapar_app; select {settings}; \
             set local statement_timeout = {deadline}; set local plan_cache_mode = force_custom_plan"
        ));
        let connection = self.connection(context).await?;
        let patience = self.patience().saturating_mul(deadlines);
        let mut reader = Reader { connection, done: false, patience, context };
        reader.execute(begin).await?;
        Ok(reader)
    }

    /// How long a call waits for a lock or a connection.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) async fn connection(&self, context: &'static str) -> Stored<PoolConnection<sqlx::Postgres>> {
        match tokio::time::timeout(self.deadline, self.pool.acquire()).await {
            Ok(Ok(connection)) => Ok(connection),
            // A pool without a single connection has not run out of them: it gets none.
            Err(_) | Ok(Err(sqlx::Error::PoolTimedOut)) if self.pool.size() == 0 => {
                Err(RepositoryError::new(RepositoryErrorKind::Unavailable, context))
            }
            Err(_) => Err(error::connecting(sqlx::Error::PoolTimedOut, context)),
            Ok(Err(e)) => Err(error::connecting(e, context)),
        }
    }

    /// Whether whoever asks for a connection gets one at once.
    pub(crate) fn has_spare_connections(&self) -> bool {
        self.pool.num_idle() > 0 || self.pool.size() < self.pool.options().get_max_connections()
    }

    /// When to give up on an answer: locks and statements have their own, shorter limits, so
    /// this is only for a server that went silent.
    pub(crate) fn patience(&self) -> Duration {
        self.deadline.saturating_mul(2)
    }
}

/// One consistent state, being read.
///
/// Not sqlx's own transaction: one whose `begin` is dropped half-way stays open on its pooled
/// connection, unknown to sqlx.
pub(crate) struct Reader {
    connection: PoolConnection<sqlx::Postgres>,
    done: bool,
    patience: Duration,
    context: &'static str,
}

impl Reader {
    /// The rows of a query.
    pub(crate) async fn rows(&mut self, query: Query<'_, sqlx::Postgres, PgArguments>) -> Stored<Vec<PgRow>> {
        let rows = tokio::time::timeout(self.patience, query.fetch_all(&mut *self.connection)).await;
        rows.map_err(|_| error::timed_out(Intent::Read, self.context))?
            .map_err(|e| error::running(e, Intent::Read, self.context))
    }

    /// Ends it.
    pub(crate) async fn finish(mut self) -> Stored<()> {
        self.execute("commit").await?;
        self.done = true;
        Ok(())
    }

    async fn execute(&mut self, sql: impl SqlSafeStr + Send) -> Stored<()> {
        let done = tokio::time::timeout(self.patience, sqlx::raw_sql(sql).execute(&mut *self.connection)).await;
        done.map_err(|_| error::timed_out(Intent::Read, self.context))?
            .map_err(|e| error::running(e, Intent::Read, self.context))
            .map(drop)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Failed, or its caller went away: whatever state the connection is in, nobody else
        // shall have it.
        if !self.done {
            self.connection.close_on_drop();
        }
    }
}
