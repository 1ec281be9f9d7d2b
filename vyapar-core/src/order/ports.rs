//! Storage of orders.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Order, OrderStatus, StatusEntry};
use crate::error::Stored;
use crate::id::{CustomerId, OrderId, StoreId, TrackingId};
use crate::page::{AllStores, Page, PageRequest};
use crate::secret::SealedTexts;
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// What stands under an order's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderSlot {
    /// Nothing yet.
    Absent,
    /// The marker that this order will never be.
    Abandoned,
    /// The order.
    Order(Box<Order>),
}

/// An order to insert, with all that goes into the same write.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOrder {
    /// The order, at version 1.
    pub order: Order,
    /// The first row of its history.
    pub history: StatusEntry,
    /// Its audit entry.
    pub audit: AuditEntry,
}

/// How an insert ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertOutcome {
    /// Stored, whole.
    Inserted,
    /// An order of this id stands already; nothing was written.
    AlreadyThere,
    /// The order was abandoned; nothing was written.
    Abandoned,
    /// Another order has this tracking id; nothing was written.
    TrackingIdTaken,
}

/// How abandoning ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AbandonOutcome {
    /// The marker stands: no insert of this id can happen any more.
    Abandoned,
    /// The order was inserted first: here it is.
    Exists(Box<Order>),
}

/// A change of an order, with all that goes into the same write.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderUpdate {
    /// The new state; its `version` is `expected + 1`.
    pub order: Order,
    /// The version that must be stored for the change to happen.
    pub expected: u64,
    /// A row of history, if the status moves.
    pub history: Option<StatusEntry>,
    /// An audit entry, if the change is critical.
    pub audit: Option<AuditEntry>,
}

/// Which orders of a store to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// Only of this status.
    pub status: Option<OrderStatus>,
}

/// Storage of orders.
///
/// # Contract
/// - Inserting and abandoning one id exclude each other.
/// - `tracking_id` is unique over all stores.
/// - A write happens whole (order, items, history, audit) or not at all.
/// - An order of another store is absent: rows are keyed by store and id.
/// - An update keeps what never changes as it is stored, whatever the new state says.
/// - `find` reads what the last completed write wrote; lists may lag behind where the
///   backend's indexes do.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OrderRepository: Send + Sync {
    /// Adds an order. Repeating it is safe.
    async fn insert(&self, store: StoreId, new: NewOrder) -> Stored<InsertOutcome>;

    /// Marks that this order will never be, unless it is there.
    async fn abandon(&self, store: StoreId, id: &OrderId, now: Timestamp) -> Stored<AbandonOutcome>;

    /// What stands under the id.
    async fn find(&self, store: StoreId, id: &OrderId) -> Stored<OrderSlot>;

    /// Stores the new state where the stored version is `expected`. What never changes: ids,
    /// customer, hold, fingerprint, tracking id, channel, creation time.
    async fn update(&self, store: StoreId, update: OrderUpdate) -> Stored<UpdateOutcome>;

    /// The order's history, oldest first; empty for an absent order. Bounded by the number
    /// of moves an order can make; at most 200 rows are given.
    async fn history(&self, store: StoreId, id: &OrderId) -> Stored<Vec<StatusEntry>>;

    /// Orders of a store that match, newest first (by id).
    async fn list(&self, store: StoreId, filter: OrderFilter, page: PageRequest) -> Stored<Page<Order>>;

    /// A customer's orders over all stores, newest first (by id).
    async fn list_by_customer(&self, customer: CustomerId, page: PageRequest) -> Stored<Page<Order>>;

    /// The store and id of the order with that tracking id.
    async fn find_by_tracking(&self, tracking: &TrackingId) -> Stored<Option<(StoreId, OrderId)>>;
}

/// What recovery works on among orders.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OrderQueue: Send + Sync {
    /// Orders whose `recover_at` has come, oldest first, at most `limit`.
    /// A row that cannot be read is left out, here and in [`stuck`](Self::stuck)
    /// ([`readable`](crate::error::readable)).
    async fn due(&self, all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Order>>;

    /// Orders with pending effects on which recovery failed at least `failures` times.
    async fn stuck(&self, all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Order>>;
}

/// What the `order` area needs of one adapter.
#[derive(Clone)]
pub struct OrderPorts {
    /// The orders.
    pub orders: Arc<dyn OrderRepository>,
    /// Orders that recovery must look at.
    pub queue: Arc<dyn OrderQueue>,
    /// The sealed texts: `orders.{customer_name, customer_phone, delivery_address,
    /// delivery_notes, customer_note, cancel_reason}:{order id}`, `order_items.notes:{item id}` and
    /// `order_status_history.notes:{order id}:{version}`.
    pub sealed: Arc<dyn SealedTexts>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
