//! Storage of stores.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Slug, Store, StoreStatus};
use crate::error::Stored;
use crate::id::StoreId;
use crate::india::PinCode;
use crate::page::{AllStores, Page, PageRequest};
use crate::system::{AuditEntry, AuditLog};

/// How a conditional update of a versioned thing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The version was the expected one; the new state is stored.
    Updated,
    /// It is gone, of another store, or of another version: read again and decide anew.
    Stale,
}

/// Which stores to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFilter {
    /// Only of this status.
    pub status: Option<StoreStatus>,
    /// Only in this PIN code.
    pub pincode: Option<PinCode>,
}

/// Storage of stores.
///
/// # Contract
/// `slug` is unique (`stores.store_id`). A write stores its audit entry in the same
/// transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreRepository: Send + Sync {
    /// Adds a store. The same id again is [`AlreadyExists`] with `stores.id`, the same slug
    /// with `stores.store_id`.
    ///
    /// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
    async fn insert(&self, store: Store, audit: AuditEntry) -> Stored<()>;

    /// The store.
    async fn get(&self, id: StoreId) -> Stored<Option<Store>>;

    /// The store of that readable name.
    async fn find_by_slug(&self, slug: &Slug) -> Stored<Option<Store>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id`, `slug` and `created_at` never change.
    async fn update(&self, store: Store, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome>;

    /// Stores that match, by id.
    async fn list(&self, all: AllStores, filter: StoreFilter, page: PageRequest) -> Stored<Page<Store>>;
}

/// What the `store` area needs of one adapter.
#[derive(Clone)]
pub struct StorePorts {
    /// The stores.
    pub stores: Arc<dyn StoreRepository>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
