//! Storage of customers.

use std::sync::Arc;

use async_trait::async_trait;

use super::{CreditedOrder, Customer};
use crate::error::Stored;
use crate::id::CustomerId;
use crate::page::AllStores;
use crate::secret::SealedTexts;
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// How crediting a delivered order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditOutcome {
    /// It counts now.
    Credited,
    /// It counted already; nothing was written.
    Already,
    /// There is no such customer; nothing was written.
    NoCustomer,
}

/// Storage of customers with their addresses.
///
/// # Contract
/// - A customer is stored and read as a whole: addresses that a write no longer names are gone.
///   Their order is kept.
/// - `totals` are written by `credit` alone: `insert` starts them at zero, `update` keeps them.
///   `credit` changes neither the version nor `updated_at`.
/// - A write stores its audit entry in the same transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CustomerRepository: Send + Sync {
    /// Adds a customer; says whether it did: one that is there, erased or not, stays as it is.
    async fn insert(&self, customer: Customer, audit: AuditEntry) -> Stored<bool>;

    /// The customer, erased or not.
    async fn get(&self, id: CustomerId) -> Stored<Option<Customer>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id`, `created_at` and `totals` stay as they are.
    async fn update(&self, customer: Customer, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome>;

    /// Adds a delivered order to the totals, once an order, also when many callers repeat it at
    /// the same time.
    async fn credit(&self, id: CustomerId, order: CreditedOrder) -> Stored<CreditOutcome>;

    /// At most `limit` customers with an address whose `geocoding` is due at `now`, by the
    /// longest due of their addresses, then by id.
    async fn geocode_due(&self, all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Customer>>;
}

/// What the `customer` area needs of one adapter.
#[derive(Clone)]
pub struct CustomerPorts {
    /// The customers.
    pub customers: Arc<dyn CustomerRepository>,
    /// The sealed texts: `customer_addresses.{address_line1, address_line2, landmark}:{address id}`.
    pub sealed: Arc<dyn SealedTexts>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
