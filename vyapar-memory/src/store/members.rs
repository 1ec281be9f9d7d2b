//! Who works in a store.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::store::{MAX_MEMBERSHIPS, MemberOutcome, StoreUser, StoreUserRepository};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, StoreId, Stored, UserId};

use super::{Rows, Stores};
use crate::lock::{read, write};
use crate::{one_more, same_store};

impl Rows {
    pub(super) fn member(&self, store: StoreId, user: UserId) -> Option<&StoreUser> {
        self.members.get(&store)?.get(&user)
    }

    /// Stores a member in place of what his user had in that store.
    pub(super) fn put_member(&mut self, member: StoreUser) {
        let (store, user) = (member.store_id, member.user_id);
        let stores = self.active_in.entry(user).or_default();
        if member.is_active {
            stores.insert(store);
        } else {
            stores.remove(&store);
        }
        self.members.entry(store).or_default().insert(user, member);
    }

    /// Whether somebody else is an active owner of the store.
    fn has_other_owner(&self, store: StoreId, user: UserId) -> bool {
        let members = self.members.get(&store).into_iter().flatten();
        members.into_iter().any(|(id, member)| *id != user && member.is_owner())
    }
}

/// Name of a store's list, in its cursors.
const LIST: &str = "members";

#[async_trait]
impl StoreUserRepository for Stores {
    async fn insert(&self, store: StoreId, member: StoreUser, audit: AuditEntry) -> Stored<bool> {
        same_store(store, member.store_id, "a member")?;
        let mut rows = write(&self.rows);
        if rows.member(store, member.user_id).is_some() {
            return Ok(false);
        }
        rows.put_member(member);
        self.audit.record(audit);
        Ok(true)
    }

    async fn get(&self, store: StoreId, user: UserId) -> Stored<Option<StoreUser>> {
        Ok(read(&self.rows).member(store, user).cloned())
    }

    async fn update(
        &self,
        store: StoreId,
        member: StoreUser,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<MemberOutcome> {
        let mut rows = write(&self.rows);
        let stored = rows.member(store, member.user_id);
        let Some(stored) = stored.filter(|stored| stored.version == expected) else {
            return Ok(MemberOutcome::Stale);
        };
        if stored.is_owner() && !member.is_owner() && !rows.has_other_owner(store, member.user_id) {
            return Ok(MemberOutcome::LastOwner);
        }
        let member = StoreUser {
            id: stored.id,
            store_id: store,
            version: expected.saturating_add(1),
            created_at: stored.created_at,
            ..member
        };
        rows.put_member(member);
        self.audit.record(audit);
        Ok(MemberOutcome::Updated)
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<StoreUser>> {
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<UserId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let members = rows.members.get(&store).into_iter();
        let items = members
            .flat_map(|members| members.range((after, Bound::Unbounded)))
            .map(|(_, member)| member.clone())
            .take(one_more(page.limit()))
            .collect();
        Ok(Page::of(items, page.limit(), |last: &StoreUser| Cursor::new(LIST, last.user_id.to_string())))
    }

    async fn list_by_user(&self, user: UserId) -> Stored<Vec<StoreUser>> {
        let rows = read(&self.rows);
        let stores = rows.active_in.get(&user).into_iter().flatten();
        Ok(stores.filter_map(|store| rows.member(*store, user)).take(MAX_MEMBERSHIPS).cloned().collect())
    }
}
