//! Every port of vyapar, in memory: the embedded default a host can start with, and the
//! reference behaviour that the other adapters are compared with.
//!
//! ```
//! use vyapar_memory::Memory;
//!
//! let memory = Memory::new();
//! let ports = memory.ports();
//! # drop(ports);
//! ```
//!
//! # What it is for
//! Tests, demonstrations, small installations of one process, and hosts that keep a part of
//! their data (say, stock) in memory and the rest in a database: each unit can be taken on its
//! own ([`Memory::stock`], [`Memory::order`], …). [`Memory`] is a handle; clones of it and all
//! units it gives out share the same data.
//!
//! # What it promises
//! - The contracts of all ports, exactly: versions, uniqueness, tenant scope, the order of
//!   lists, idempotency by operation id, expiry by the caller's `now`.
//! - A write and its audit entry appear together: the entry is appended while the write's
//!   lock is held.
//! - A call never waits for anything but a short lock, and no lock is held across an await. So
//!   a future dropped before it is polled has done nothing, and one that was polled is done;
//!   `Busy`, `Unavailable` and `OutcomeUnknown` never happen.
//! - Stock is locked per store: reservations on different stores scale with cores. Finding
//!   due holds costs what is due, not what is stored.
//!
//! # What it does not
//! Everything stays in RAM until the last handle is dropped, and nothing survives the process:
//! there is no file and no log. Nothing is ever evicted either: movements, orders, history and
//! audit entries are records, so memory grows with business, by about 700 bytes a reservation of
//! one product with its movement, beside the orders themselves.

mod access;
mod at_once;
mod customer;
mod identity;
mod inventory;
mod lock;
mod order;
mod payment;
mod sealed;
mod store;
mod system;

use std::sync::Arc;

use vyapar_core::access::AccessPorts;
use vyapar_core::customer::CustomerPorts;
use vyapar_core::identity::IdentityPorts;
use vyapar_core::inventory::{ProductPorts, StockPorts};
use vyapar_core::order::{AtOnce, OrderPorts};
use vyapar_core::payment::PaymentPorts;
use vyapar_core::store::StorePorts;
use vyapar_core::system::{AuditLog, SystemPorts};
use vyapar_core::{Ports, RepositoryError, RepositoryErrorKind};

use access::{AllGrants, Permissions, Roles};
use at_once::Together;
use customer::Customers;
use identity::{Accounts, Attempts, Otps};
use inventory::{Products, Stock};
use order::Orders;
use payment::Payments;
use store::Stores;
use system::AuditTrail;

/// A hash map with a fast, randomly seeded hasher: keys are ids minted by services.
type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
/// A hash set with the same hasher.
type Set<K> = std::collections::HashSet<K, foldhash::fast::RandomState>;

/// The adapter: a handle on data that all its clones and units share.
#[derive(Clone)]
pub struct Memory {
    audit: Arc<AuditTrail>,
    accounts: Arc<Accounts>,
    otps: Arc<Otps>,
    attempts: Arc<Attempts>,
    permissions: Arc<Permissions>,
    roles: Arc<Roles>,
    grants: Arc<AllGrants>,
    stores: Arc<Stores>,
    customers: Arc<Customers>,
    products: Arc<Products>,
    stock: Arc<Stock>,
    orders: Arc<Orders>,
    payments: Arc<Payments>,
}

impl Memory {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let audit = Arc::new(AuditTrail::default());
        Self {
            accounts: Arc::new(Accounts::new(Arc::clone(&audit))),
            otps: Arc::new(Otps::new(Arc::clone(&audit))),
            attempts: Arc::new(Attempts::default()),
            permissions: Arc::new(Permissions::new(Arc::clone(&audit))),
            roles: Arc::new(Roles::new(Arc::clone(&audit))),
            grants: Arc::new(AllGrants::new(Arc::clone(&audit))),
            stores: Arc::new(Stores::new(Arc::clone(&audit))),
            customers: Arc::new(Customers::new(Arc::clone(&audit))),
            products: Arc::new(Products::new(Arc::clone(&audit))),
            stock: Arc::new(Stock::default()),
            orders: Arc::new(Orders::new(Arc::clone(&audit))),
            payments: Arc::new(Payments::new(Arc::clone(&audit))),
            audit,
        }
    }

    /// All units.
    #[must_use]
    pub fn ports(&self) -> Ports {
        Ports {
            identity: self.identity(),
            access: self.access(),
            store: self.store(),
            customer: self.customer(),
            product: self.product(),
            stock: self.stock(),
            order: self.order(),
            payment: self.payment(),
            system: self.system(),
            at_once: Some(self.at_once()),
        }
    }

    /// The unit of accounts, sessions and one-time codes.
    #[must_use]
    pub fn identity(&self) -> IdentityPorts {
        IdentityPorts {
            users: Arc::clone(&self.accounts) as _,
            sessions: Arc::clone(&self.accounts) as _,
            otps: Arc::clone(&self.otps) as _,
            attempts: Arc::clone(&self.attempts) as _,
            sealed: Arc::clone(&self.accounts) as _,
            audit: self.audit(),
        }
    }

    /// The unit of permissions, roles and grants.
    #[must_use]
    pub fn access(&self) -> AccessPorts {
        AccessPorts {
            permissions: Arc::clone(&self.permissions) as _,
            roles: Arc::clone(&self.roles) as _,
            grants: Arc::clone(&self.grants) as _,
            audit: self.audit(),
        }
    }

    /// The unit of stores and their members.
    #[must_use]
    pub fn store(&self) -> StorePorts {
        StorePorts {
            stores: Arc::clone(&self.stores) as _,
            counters: Arc::clone(&self.stores) as _,
            search: Arc::clone(&self.stores) as _,
            members: Arc::clone(&self.stores) as _,
            invitations: Arc::clone(&self.stores) as _,
            sealed: Arc::clone(&self.stores) as _,
            audit: self.audit(),
        }
    }

    /// The unit of customers.
    #[must_use]
    pub fn customer(&self) -> CustomerPorts {
        CustomerPorts {
            customers: Arc::clone(&self.customers) as _,
            sealed: Arc::clone(&self.customers) as _,
            audit: self.audit(),
        }
    }

    /// The unit of products.
    #[must_use]
    pub fn product(&self) -> ProductPorts {
        ProductPorts { products: Arc::clone(&self.products) as _, audit: self.audit() }
    }

    /// The unit of stock levels and holds.
    #[must_use]
    pub fn stock(&self) -> StockPorts {
        StockPorts {
            ledger: Arc::clone(&self.stock) as _,
            reservations: Arc::clone(&self.stock) as _,
            queue: Arc::clone(&self.stock) as _,
        }
    }

    /// The unit of orders.
    #[must_use]
    pub fn order(&self) -> OrderPorts {
        OrderPorts {
            orders: Arc::clone(&self.orders) as _,
            queue: Arc::clone(&self.orders) as _,
            sealed: Arc::clone(&self.orders) as _,
            audit: self.audit(),
        }
    }

    /// The unit of payments.
    #[must_use]
    pub fn payment(&self) -> PaymentPorts {
        PaymentPorts {
            payments: Arc::clone(&self.payments) as _,
            queue: Arc::clone(&self.payments) as _,
            audit: self.audit(),
        }
    }

    /// What belongs to no other unit.
    #[must_use]
    pub fn system(&self) -> SystemPorts {
        SystemPorts { audit: self.audit() }
    }

    /// Placing in one write, for hosts that take both stock and orders from here.
    #[must_use]
    pub fn at_once(&self) -> AtOnce {
        let port = Together {
            stock: Arc::clone(&self.stock),
            orders: Arc::clone(&self.orders),
            stores: Arc::clone(&self.stores),
            products: Arc::clone(&self.products),
        };
        AtOnce::new(Arc::new(port), self.stock().reservations, self.order().orders)
            .checking(self.store().stores, self.product().products)
    }

    fn audit(&self) -> Arc<dyn AuditLog> {
        Arc::clone(&self.audit) as _
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// Most ids that one look-up takes, on every backend.
const MAX_IDS: usize = 200;
/// Most rows that an unpaged list gives, on every backend.
const MAX_ROWS: usize = 200;

fn limited(what: &'static str, count: usize, max: usize) -> Result<(), RepositoryError> {
    if count <= max {
        return Ok(());
    }
    let kind = RepositoryErrorKind::LimitExceeded { what, max: u64::try_from(max).unwrap_or(u64::MAX) };
    Err(RepositoryError::new(kind, format!("{count} given")))
}

fn taken(constraint: &'static str, context: impl Into<String>) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::AlreadyExists { constraint }, context)
}

/// A position that no list of that name gave out.
fn malformed(list: &'static str) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::InvalidCursor, format!("a malformed position in `{list}`"))
}

fn corrupt(context: impl Into<String>) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::Corrupt, context)
}

/// Refuses a new row that names another store than the call does: a fault of the caller.
fn same_store(named: vyapar_core::StoreId, row: vyapar_core::StoreId, what: &str) -> Result<(), RepositoryError> {
    if named == row {
        return Ok(());
    }
    let context = format!("{what} of store {row} written through store {named}");
    Err(RepositoryError::new(RepositoryErrorKind::Backend, context))
}

/// How many items to gather for a page: one more than asked tells whether there is a next.
fn one_more(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1)
}

/// A `limit` argument as a count.
fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
