//! Storage of payments.

use std::sync::Arc;

use async_trait::async_trait;

use super::Payment;
use crate::error::Stored;
use crate::id::{OrderId, PaymentId, StoreId};
use crate::page::AllStores;
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// How adding a payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentInsert {
    /// Stored.
    Inserted,
    /// A payment of this id stands already; nothing was written.
    AlreadyThere,
}

/// Storage of payments, each with its refunds.
///
/// # Contract
/// A write happens whole (payment, refunds, audit) or not at all. A payment of another store
/// is absent.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PaymentRepository: Send + Sync {
    /// Adds a payment. Repeating it is safe.
    async fn insert(&self, store: StoreId, payment: Payment, audit: AuditEntry) -> Stored<PaymentInsert>;

    /// The payment.
    async fn get(&self, store: StoreId, id: PaymentId) -> Stored<Option<Payment>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. Ids, amount, method and creation time never change; refunds are only added
    /// and change their status.
    async fn update(
        &self,
        store: StoreId,
        payment: Payment,
        expected: u64,
        audit: Option<AuditEntry>,
    ) -> Stored<UpdateOutcome>;

    /// An order's payments, oldest first (by id), at most 200; reads what the last completed
    /// write wrote.
    async fn list_by_order(&self, store: StoreId, order: &OrderId) -> Stored<Vec<Payment>>;
}

/// What recovery works on among payments.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PaymentQueue: Send + Sync {
    /// Payments whose `recover_at` has come, oldest first, at most `limit`.
    /// A row that cannot be read is left out, here and in [`stuck`](Self::stuck)
    /// ([`readable`](crate::error::readable)).
    async fn due(&self, all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Payment>>;

    /// Unfinished payments on which recovery failed at least `failures` times.
    async fn stuck(&self, all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Payment>>;
}

/// What the `payment` area needs of one adapter.
#[derive(Clone)]
pub struct PaymentPorts {
    /// The payments.
    pub payments: Arc<dyn PaymentRepository>,
    /// Payments that recovery must look at.
    pub queue: Arc<dyn PaymentQueue>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
