//! Reading the audit logs of all adapters as one.

use std::sync::Arc;

use super::{AuditEntry, AuditFilter};
use crate::access::policy;
use crate::actor::{Actor, Subject};
use crate::error::RepositoryError;
use crate::page::{Cursor, Page, PageRequest};
use crate::vyapar::Context;

/// Why the audit log was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// Only the platform, and a store's managers for their store, may read it.
    #[error("not allowed to read the audit log")]
    Forbidden,
    /// A position that belongs to another set of adapters.
    #[error("a feed position of {given} logs, there are {logs}")]
    OtherLogs {
        /// How many logs the position names.
        given: usize,
        /// How many there are.
        logs: usize,
    },
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
}

/// Where a reader of the merged feed goes on: one cursor a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedPosition(Vec<Option<Cursor>>);

/// Some entries of the merged feed, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditFeed {
    /// The entries, by time within each log.
    pub entries: Vec<AuditEntry>,
    /// Where the next call goes on.
    pub next: FeedPosition,
}

/// Reading what critical operations left behind.
#[derive(Clone)]
pub struct AuditService {
    context: Arc<Context>,
}

impl AuditService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Entries that match, newest first, over the logs of all adapters.
    ///
    /// # Errors
    /// [`AuditError::Forbidden`]; storage.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, AuditError> {
        let decision = match filter.store_id {
            Some(store) => self.context.decide(actor, &policy::AUDIT_LIST_STORE, Subject::store(store)),
            None => self.context.decide(actor, &policy::AUDIT_LIST, Subject::NONE),
        };
        if !decision.is_allowed() {
            return Err(AuditError::Forbidden);
        }
        let logs = self.context.ports.audit_logs();
        let Some((only, [])) = logs.split_first() else {
            return self.list_merged(filter, page).await;
        };
        Ok(only.list(filter, page).await?)
    }

    async fn list_merged(&self, filter: AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>, AuditError> {
        let before = match page.cursor() {
            Some(cursor) => Some(cursor.parse_position::<crate::id::AuditId>("audit.merged")?),
            None => None,
        };
        // Ids are UUIDv7, so one id marks the same place in every log: each is read past it.
        let mut entries = Vec::new();
        for log in self.context.ports.audit_logs() {
            let mut part = PageRequest::first(PageRequest::MAX);
            let mut wanted = usize::try_from(page.limit()).unwrap_or(usize::MAX).saturating_add(1);
            loop {
                let got = log.list(filter.clone(), part.clone()).await?;
                let new: Vec<_> =
                    got.items.into_iter().filter(|e| before.is_none_or(|b| e.id < b)).take(wanted).collect();
                wanted -= new.len();
                entries.extend(new);
                match got.next {
                    Some(next) if wanted > 0 => part = PageRequest::first(PageRequest::MAX).after(next),
                    _ => break,
                }
            }
        }
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
        Ok(Page::of(entries, page.limit(), |last| Cursor::new("audit.merged", last.id.to_string())))
    }

    /// Entries after `position` (from the beginning with the default one), at most `limit` of
    /// each log; whoever follows it sees every entry exactly once.
    ///
    /// # Errors
    /// [`AuditError::Forbidden`], [`AuditError::OtherLogs`]; storage.
    pub async fn feed(&self, actor: &Actor, position: FeedPosition, limit: u32) -> Result<AuditFeed, AuditError> {
        if !self.context.allows(actor, &policy::AUDIT_FEED) {
            return Err(AuditError::Forbidden);
        }
        let logs = self.context.ports.audit_logs();
        let mut cursors = position.0;
        if cursors.is_empty() {
            cursors.resize(logs.len(), None);
        }
        if cursors.len() != logs.len() {
            return Err(AuditError::OtherLogs { given: cursors.len(), logs: logs.len() });
        }
        let mut entries = Vec::new();
        for (log, cursor) in logs.iter().zip(&mut cursors) {
            let part = log.feed(cursor.take(), limit.clamp(1, PageRequest::MAX)).await?;
            entries.extend(part.entries);
            *cursor = Some(part.next);
        }
        Ok(AuditFeed { entries, next: FeedPosition(cursors) })
    }
}
