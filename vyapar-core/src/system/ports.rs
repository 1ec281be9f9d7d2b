//! Reading the audit log.

use std::sync::Arc;

use async_trait::async_trait;

use super::AuditEntry;
use crate::error::Stored;
use crate::id::{StoreId, UserId};
use crate::page::{Cursor, Page, PageRequest};
use crate::time::Timestamp;

/// Which entries of an audit log to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this store.
    pub store_id: Option<StoreId>,
    /// Only of this thing: its type and id.
    pub entity: Option<(String, String)>,
    /// Only by this user.
    pub user_id: Option<UserId>,
    /// Only from this instant on.
    pub from: Option<Timestamp>,
    /// Only before this instant.
    pub until: Option<Timestamp>,
}

/// Some entries of a feed, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedPage {
    /// The entries, in the feed's own order.
    pub entries: Vec<AuditEntry>,
    /// Where the next call goes on; always given, because a feed has no end. It may differ
    /// from the call's own cursor even when there were no entries.
    pub next: Cursor,
}

/// The audit log that one adapter keeps of its own writes.
///
/// # Contract
/// An entry appears exactly when the write that carries it does. Entries are never changed.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Writes an entry that belongs to no other write (a refused login). Writing the same id
    /// again changes nothing.
    async fn append(&self, entry: AuditEntry) -> Stored<()>;

    /// Entries that match, newest id first.
    async fn list(&self, filter: AuditFilter, page: PageRequest) -> Stored<Page<AuditEntry>>;

    /// Entries after the cursor (from the beginning without one), at most `limit`, in an
    /// order in which nothing ever appears *before* a cursor already given out, whatever
    /// writers run concurrently: whoever follows it sees every entry exactly once.
    async fn feed(&self, after: Option<Cursor>, limit: u32) -> Stored<FeedPage>;
}

/// What the `system` area needs of an adapter.
#[derive(Clone)]
pub struct SystemPorts {
    /// Entries that belong to no other unit's write.
    pub audit: Arc<dyn AuditLog>,
}
