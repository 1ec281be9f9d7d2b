//! The DynamoDB adapter of vyapar: stock, orders, stores, accounts, who may do what, and the audit
//! log of all of them.
//!
//! The client is handed in, so region, credentials, TLS and timeouts are the host's:
//! ```no_run
//! # async fn host(client: aws_sdk_dynamodb::Client) -> Result<(), vyapar_core::RepositoryError> {
//! use vyapar_dynamo::{Dynamo, TableNames};
//!
//! let dynamo = Dynamo::new(client, TableNames::new("vyaparai", "prod"));
//! dynamo.create_tables().await?; // or print `tables::cloud_formation` for infrastructure code
//! let (stock, orders) = (dynamo.stock(), dynamo.order());
//! let (identity, access, stores) = (dynamo.identity(), dynamo.access(), dynamo.store());
//! # Ok(()) }
//! ```
//! Give the client a connect and a read timeout; without them a connection that goes silent
//! keeps a call longer than its deadline.
//!
//! What it needs of the service: conditional transactions (100 actions, 4 MB), consistent
//! reads of tables, and TTL for sessions, one-time codes, failed sign-ins and expired
//! assignments, which without it stay until they are swept. What it does without: streams, local
//! indexes, and consistent reads of indexes: whatever an index finds is read again from the
//! table before anything is decided by it.
//!
//! Nothing that a user waits for scans a table. The `sweep` methods do, page by page and from
//! the beginning each time, because TTL does their work on this backend: a host need not call
//! them. So does the re-encryption sweep (`SealedTexts`), which has to see every row.
//!
//! Where things are: `tables` what there is, `keys` which key stands for what, `error.rs`
//! what the service's errors mean, `retry.rs` and `db` how requests are repeated,
//! `listing.rs` and `sealed.rs` how indexes and tables are gone through; `inventory`, `order`,
//! `store`, `identity`, `access` and `system` the ports.

mod access;
mod db;
mod error;
mod expression;
mod gathering;
mod identity;
mod inventory;
mod item;
mod keys;
mod listing;
#[cfg(feature = "local")]
pub mod local;
mod names;
mod order;
mod retry;
mod sealed;
mod store;
mod system;
pub mod tables;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use vyapar_core::access::AccessPorts;
use vyapar_core::error::Stored;
use vyapar_core::identity::IdentityPorts;
use vyapar_core::inventory::StockPorts;
use vyapar_core::order::OrderPorts;
use vyapar_core::store::StorePorts;
use vyapar_core::system::{AuditLog, SystemPorts};

pub use gathering::{GatherStatistics, Gathering};
pub use names::TableNames;

use crate::access::DynamoAccess;
use crate::db::Db;
use crate::identity::DynamoIdentity;
use crate::inventory::DynamoStock;
use crate::order::DynamoOrders;
use crate::store::DynamoStores;
use crate::system::DynamoAudit;

/// How long a call may go on trying before it answers `Busy`.
const DEADLINE: Duration = Duration::from_secs(5);

/// The adapter. Cheap to clone; its clones gather their calls together, so a process should
/// make one and clone it. Stock writes run on tasks of the caller's tokio runtime.
#[derive(Debug, Clone)]
pub struct Dynamo {
    db: Arc<Db>,
    stock: Arc<DynamoStock>,
    orders: Arc<DynamoOrders>,
    identity: Arc<DynamoIdentity>,
    access: Arc<DynamoAccess>,
    stores: Arc<DynamoStores>,
    audit: Arc<DynamoAudit>,
}

impl Dynamo {
    /// The adapter over `client`, on tables called `names`. A call answers `Busy` after five
    /// seconds of trying.
    #[must_use]
    pub fn new(client: Client, names: TableNames) -> Self {
        Self::with_deadline(client, names, DEADLINE)
    }

    /// The same with another time after which a call answers `Busy`.
    #[must_use]
    pub fn with_deadline(client: Client, names: TableNames, deadline: Duration) -> Self {
        let db = Arc::new(Db::new(client, names, deadline));
        let audit = Arc::new(DynamoAudit::new(Arc::clone(&db)));
        Self {
            stock: Arc::new(DynamoStock::new(Arc::clone(&db), Gathering::default())),
            orders: Arc::new(DynamoOrders::new(Arc::clone(&db), Arc::clone(&audit))),
            identity: Arc::new(DynamoIdentity::new(Arc::clone(&db), Arc::clone(&audit))),
            access: Arc::new(DynamoAccess::new(Arc::clone(&db), Arc::clone(&audit))),
            stores: Arc::new(DynamoStores::new(Arc::clone(&db), Arc::clone(&audit))),
            audit,
            db,
        }
    }

    /// The same with stock writes gathered in another way, or not at all.
    #[must_use]
    pub fn with_gathering(mut self, gathering: Gathering) -> Self {
        self.stock = Arc::new(DynamoStock::new(Arc::clone(&self.db), gathering));
        self
    }

    /// What gathering did since this adapter was made; its clones and their ports count as one.
    #[must_use]
    pub fn gathered(&self) -> GatherStatistics {
        self.stock.gathered()
    }

    /// Creates the tables that are not there yet and waits until all can be used: for tests
    /// and first use. [`tables::cloud_formation`] has the same definitions to print.
    ///
    /// # Errors
    /// As [`tables::create_tables`].
    pub async fn create_tables(&self) -> Stored<()> {
        tables::create_tables(self.db.client(), self.db.names(), tables::TABLES).await
    }

    /// Stock levels, movements and reservations.
    #[must_use]
    pub fn stock(&self) -> StockPorts {
        StockPorts {
            ledger: Arc::<DynamoStock>::clone(&self.stock),
            reservations: Arc::<DynamoStock>::clone(&self.stock),
            queue: Arc::<DynamoStock>::clone(&self.stock),
        }
    }

    /// Orders, with items, history and audit.
    #[must_use]
    pub fn order(&self) -> OrderPorts {
        OrderPorts {
            orders: Arc::<DynamoOrders>::clone(&self.orders),
            queue: Arc::<DynamoOrders>::clone(&self.orders),
            sealed: Arc::<DynamoOrders>::clone(&self.orders),
            audit: self.audit(),
        }
    }

    /// Accounts, sessions, one-time codes and failed sign-ins.
    #[must_use]
    pub fn identity(&self) -> IdentityPorts {
        IdentityPorts {
            users: Arc::<DynamoIdentity>::clone(&self.identity),
            sessions: Arc::<DynamoIdentity>::clone(&self.identity),
            otps: Arc::<DynamoIdentity>::clone(&self.identity),
            attempts: Arc::<DynamoIdentity>::clone(&self.identity),
            sealed: Arc::<DynamoIdentity>::clone(&self.identity),
            audit: self.audit(),
        }
    }

    /// Permissions, roles, and what users were given.
    #[must_use]
    pub fn access(&self) -> AccessPorts {
        AccessPorts {
            permissions: Arc::<DynamoAccess>::clone(&self.access),
            roles: Arc::<DynamoAccess>::clone(&self.access),
            grants: Arc::<DynamoAccess>::clone(&self.access),
            audit: self.audit(),
        }
    }

    /// Stores, who works in them, what adds up in them, and which are near.
    #[must_use]
    pub fn store(&self) -> StorePorts {
        StorePorts {
            stores: Arc::<DynamoStores>::clone(&self.stores),
            counters: Arc::<DynamoStores>::clone(&self.stores),
            search: Arc::<DynamoStores>::clone(&self.stores),
            members: Arc::<DynamoStores>::clone(&self.stores),
            invitations: Arc::<DynamoStores>::clone(&self.stores),
            sealed: Arc::<DynamoStores>::clone(&self.stores),
            audit: self.audit(),
        }
    }

    /// The audit log, for entries that belong to no other write.
    #[must_use]
    pub fn system(&self) -> SystemPorts {
        SystemPorts { audit: self.audit() }
    }

    fn audit(&self) -> Arc<dyn AuditLog> {
        Arc::<DynamoAudit>::clone(&self.audit)
    }
}
