//! The audit log.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::ops::{Bound, RangeBounds};
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
    /// By the hash of kind and id, which two things may share: whoever reads compares. Most
    /// things have one entry, and a copy of their names each would be most of the index.
    by_entity: Map<u64, Ids>,
}

/// The entries of one thing.
enum Ids {
    One(AuditId),
    More(BTreeSet<AuditId>),
}

impl Ids {
    fn insert(&mut self, id: AuditId) {
        match self {
            Self::One(first) => *self = Self::More(BTreeSet::from([*first, id])),
            Self::More(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Those in the range, newest first.
    fn newest(&self, range: (Bound<AuditId>, Bound<AuditId>)) -> impl Iterator<Item = AuditId> + '_ {
        let (one, more) = match self {
            Self::One(id) => (range.contains(id).then_some(*id), None),
            Self::More(ids) => (None, Some(ids.range(range).rev().copied())),
        };
        one.into_iter().chain(more.into_iter().flatten())
    }
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
        let entity = trail.entity(&entry.entity_type, &entry.entity_id);
        trail.by_entity.entry(entity).and_modify(|ids| ids.insert(id)).or_insert(Ids::One(id));
        trail.by_id.insert(id, at);
        trail.entries.push(entry);
    }
}

impl Trail {
    fn entity(&self, kind: &str, id: &str) -> u64 {
        self.by_entity.hasher().hash_one((kind, id))
    }

    fn get(&self, id: AuditId) -> Option<&AuditEntry> {
        self.by_id.get(&id).and_then(|at| self.entries.get(*at))
    }

    /// Ids below `before`, newest first, from the smallest index that covers the filter; what it
    /// gives may not match.
    fn ids<'a>(&'a self, filter: &AuditFilter, before: Bound<AuditId>) -> Box<dyn Iterator<Item = AuditId> + 'a> {
        let range = (Bound::Unbounded, before);
        let index = match filter {
            AuditFilter { entity: Some((kind, id)), .. } => {
                let ids = self.by_entity.get(&self.entity(kind, id));
                return Box::new(ids.into_iter().flat_map(move |ids| ids.newest(range)));
            }
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

#[cfg(test)]
mod tests {
    use vyapar_core::Timestamp;
    use vyapar_core::actor::RequestContext;

    use super::*;

    fn id(n: u128) -> AuditId {
        AuditId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn entry(n: u128, kind: &str, of: &str) -> AuditEntry {
        AuditEntry {
            id: id(n),
            store_id: None,
            user_id: None,
            action: "test".to_owned(),
            entity_type: kind.to_owned(),
            entity_id: of.to_owned(),
            old_values: None,
            new_values: None,
            request: RequestContext::default(),
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn things_whose_hashes_are_the_same_are_told_apart() {
        let log = AuditTrail::default();
        for (n, of) in [(1, "a"), (2, "b"), (3, "a")] {
            log.record(entry(n, "order", of));
        }
        // As if both had the hash of `a`.
        {
            let mut trail = write(&log.trail);
            let (a, b) = (trail.entity("order", "a"), trail.entity("order", "b"));
            trail.by_entity.remove(&b);
            trail.by_entity.get_mut(&a).unwrap().insert(id(2));
        }
        let filter = AuditFilter { entity: Some(("order".to_owned(), "a".to_owned())), ..AuditFilter::default() };
        let page = log.list(filter, PageRequest::first(10)).await.unwrap();
        assert_eq!(page.items.iter().map(|entry| entry.id).collect::<Vec<_>>(), [id(3), id(1)]);
    }

    #[test]
    fn one_entry_or_more_are_listed_alike() {
        let mut ids = Ids::One(id(5));
        let of = |ids: &Ids, before| ids.newest((Bound::Unbounded, Bound::Excluded(before))).collect::<Vec<_>>();
        assert_eq!(of(&ids, id(6)), [id(5)]);
        assert_eq!(of(&ids, id(5)), []);
        ids.insert(id(9));
        ids.insert(id(7));
        assert_eq!(of(&ids, id(9)), [id(7), id(5)]);
    }
}
