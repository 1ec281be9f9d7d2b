//! The audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::RwLock;

use async_trait::async_trait;
use vyapar_core::system::{AuditEntry, AuditFilter, AuditLog, FeedPage};
use vyapar_core::{AuditId, Cursor, Page, PageRequest, StoreId, Stored, UserId};

use crate::lock::{read, write};
use crate::{Map, count, one_more};

/// Entries in the order in which their writes happened, which is the feed's.
#[derive(Default)]
struct Trail {
    entries: Vec<AuditEntry>,
    by_id: BTreeMap<AuditId, usize>,
    by_store: Map<StoreId, BTreeSet<AuditId>>,
    by_user: Map<UserId, BTreeSet<AuditId>>,
    by_entity: Map<(String, String), BTreeSet<AuditId>>,
}

/// One log for all areas. It is the innermost lock: whoever writes elsewhere appends here
/// before letting go of his own.
#[derive(Default)]
pub(crate) struct AuditTrail {
    trail: RwLock<Trail>,
}

impl AuditTrail {
    /// Appends an entry, unless its id is known.
    pub(crate) fn record(&self, entry: AuditEntry) {
        let mut trail = write(&self.trail);
        if trail.by_id.contains_key(&entry.id) {
            return;
        }
        let (id, at) = (entry.id, trail.entries.len());
        if let Some(store) = entry.store_id {
            trail.by_store.entry(store).or_default().insert(id);
        }
        if let Some(user) = entry.user_id {
            trail.by_user.entry(user).or_default().insert(id);
        }
        let entity = (entry.entity_type.clone(), entry.entity_id.clone());
        trail.by_entity.entry(entity).or_default().insert(id);
        trail.by_id.insert(id, at);
        trail.entries.push(entry);
    }
}

impl Trail {
    fn get(&self, id: AuditId) -> Option<&AuditEntry> {
        self.by_id.get(&id).and_then(|at| self.entries.get(*at))
    }

    /// Ids below `before`, newest first, from the smallest index that covers the filter.
    fn ids<'a>(&'a self, filter: &AuditFilter, before: Bound<AuditId>) -> Box<dyn Iterator<Item = AuditId> + 'a> {
        let range = (Bound::Unbounded, before);
        let index = match filter {
            AuditFilter { entity: Some(entity), .. } => self.by_entity.get(entity),
            AuditFilter { user_id: Some(user), .. } => self.by_user.get(user),
            AuditFilter { store_id: Some(store), .. } => self.by_store.get(store),
            _ => return Box::new(self.by_id.range(range).rev().map(|(id, _)| *id)),
        };
        Box::new(index.into_iter().flat_map(move |ids| ids.range(range).rev().copied()))
    }
}

fn matches(entry: &AuditEntry, filter: &AuditFilter) -> bool {
    let AuditFilter { store_id, entity, user_id, from, until } = filter;
    store_id.is_none_or(|store| entry.store_id == Some(store))
        && entity.as_ref().is_none_or(|(kind, id)| entry.entity_type == *kind && entry.entity_id == *id)
        && user_id.is_none_or(|user| entry.user_id == Some(user))
        && from.is_none_or(|from| entry.created_at >= from)
        && until.is_none_or(|until| entry.created_at < until)
}

/// Name of the list by id, in its cursors.
const LIST: &str = "audit";
/// Name of the feed, in its cursors.
const FEED: &str = "feed";

#[async_trait]
impl AuditLog for AuditTrail {
    async fn append(&self, entry: AuditEntry) -> Stored<()> {
        self.record(entry);
        Ok(())
    }

    async fn list(&self, filter: AuditFilter, page: PageRequest) -> Stored<Page<AuditEntry>> {
        let before = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<AuditId>(LIST)?),
            None => Bound::Unbounded,
        };
        let trail = read(&self.trail);
        let items = trail
            .ids(&filter, before)
            .filter_map(|id| trail.get(id))
            .filter(|entry| matches(entry, &filter))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |entry: &AuditEntry| Cursor::new(LIST, entry.id.to_string())))
    }

    async fn feed(&self, after: Option<Cursor>, limit: u32) -> Stored<FeedPage> {
        let from: usize = after.map_or(Ok(0), |cursor| cursor.parse_position(FEED))?;
        let trail = read(&self.trail);
        let entries: Vec<_> = trail.entries.iter().skip(from).take(count(limit)).cloned().collect();
        let next = from.saturating_add(entries.len());
        Ok(FeedPage { entries, next: Cursor::new(FEED, next.to_string()) })
    }
}
