//! Stores.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::store::{Slug, Store, StoreFilter, StoreRepository, StoreUser, UpdateOutcome};
use vyapar_core::system::AuditEntry;
use vyapar_core::{AllStores, Cursor, Page, PageRequest, StoreId, Stored, Timestamp};

use super::Stores;
use crate::lock::{read, write};
use crate::{count, one_more, same_store, taken};

/// Name of the list, in its cursors.
const LIST: &str = "stores";

#[async_trait]
impl StoreRepository for Stores {
    async fn insert(&self, store: Store, owner: Option<StoreUser>, audit: AuditEntry) -> Stored<()> {
        if let Some(owner) = &owner {
            same_store(store.id, owner.store_id, "a member")?;
        }
        let mut rows = write(&self.rows);
        if rows.stores.contains(store.id) {
            return Err(taken("stores.id", store.id.to_string()));
        }
        if rows.by_slug.contains_key(&store.slug) {
            return Err(taken("stores.store_id", store.slug.as_str()));
        }
        rows.by_slug.insert(store.slug.clone(), store.id);
        rows.put_store(store);
        if let Some(owner) = owner {
            rows.put_member(owner);
        }
        self.audit.record(audit);
        Ok(())
    }

    async fn get(&self, id: StoreId) -> Stored<Option<Store>> {
        Ok(read(&self.rows).stores.get(id).cloned())
    }

    async fn find_by_slug(&self, slug: &Slug) -> Stored<Option<Store>> {
        let rows = read(&self.rows);
        Ok(rows.by_slug.get(slug).and_then(|id| rows.stores.get(*id)).cloned())
    }

    async fn update(&self, store: Store, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(row) = rows.stores.get(store.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let store = Store {
            version: expected.saturating_add(1),
            slug: row.slug.clone(),
            rating: row.rating,
            total_orders: row.total_orders,
            created_at: row.created_at,
            ..store
        };
        rows.put_store(store);
        self.audit.record(audit);
        Ok(UpdateOutcome::Updated)
    }

    async fn list(&self, _all: AllStores, filter: StoreFilter, page: PageRequest) -> Stored<Page<Store>> {
        let StoreFilter { status, pincode } = filter;
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<StoreId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let items = rows
            .stores
            .range((after, Bound::Unbounded))
            .filter(|store| status.is_none_or(|status| store.status == status))
            .filter(|store| pincode.as_ref().is_none_or(|pincode| store.profile.pincode == *pincode))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |store: &Store| Cursor::new(LIST, store.id.to_string())))
    }

    async fn geocode_due(&self, _all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Store>> {
        let rows = read(&self.rows);
        let due = rows.geocoding.iter().take_while(|(due, _)| *due <= now).take(count(limit));
        Ok(due.filter_map(|(_, id)| rows.stores.get(*id)).cloned().collect())
    }
}
