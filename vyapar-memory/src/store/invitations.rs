//! Invitations.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::store::{AcceptOutcome, Invitation, InvitationRepository, StoreUser};
use vyapar_core::system::AuditEntry;
use vyapar_core::{AllStores, Cursor, InvitationId, Page, PageRequest, StoreId, Stored, Timestamp};

use super::Stores;
use crate::lock::{read, write};
use crate::{one_more, same_store};

/// Name of a store's list, in its cursors.
const LIST: &str = "invitations";

#[async_trait]
impl InvitationRepository for Stores {
    async fn insert(&self, store: StoreId, invitation: Invitation, audit: AuditEntry) -> Stored<()> {
        same_store(store, invitation.store_id, "an invitation")?;
        let mut rows = write(&self.rows);
        if rows.invitations.contains_key(&invitation.id) {
            return Ok(());
        }
        rows.invitations_of.entry(store).or_default().insert(invitation.id);
        rows.invitations.insert(invitation.id, invitation);
        self.audit.record(audit);
        Ok(())
    }

    async fn get(&self, _all: AllStores, id: InvitationId) -> Stored<Option<Invitation>> {
        Ok(read(&self.rows).invitations.get(&id).cloned())
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<Invitation>> {
        let before = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<InvitationId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let ids = rows.invitations_of.get(&store).into_iter();
        let items = ids
            .flat_map(|ids| ids.range((Bound::Unbounded, before)).rev())
            .filter_map(|id| rows.invitations.get(id))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |last: &Invitation| Cursor::new(LIST, last.id.to_string())))
    }

    async fn accept(
        &self,
        store: StoreId,
        id: InvitationId,
        member: StoreUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Stored<AcceptOutcome> {
        same_store(store, member.store_id, "a member")?;
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let invitation = rows.invitations.get_mut(&id).filter(|invitation| invitation.store_id == store);
        let Some(invitation) = invitation.filter(|invitation| invitation.is_open(now)) else {
            return Ok(AcceptOutcome::NotOpen);
        };
        let member = match rows.members.get(&store).and_then(|members| members.get(&member.user_id)) {
            Some(stored) if stored.is_active => return Ok(AcceptOutcome::AlreadyMember),
            Some(stored) => StoreUser {
                id: stored.id,
                version: stored.version.saturating_add(1),
                created_at: stored.created_at,
                ..member
            },
            None => member,
        };
        invitation.accepted_at = Some(now);
        rows.put_member(member);
        self.audit.record(audit);
        Ok(AcceptOutcome::Accepted)
    }

    async fn revoke(&self, store: StoreId, id: InvitationId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let mut rows = write(&self.rows);
        let invitation = rows.invitations.get_mut(&id).filter(|invitation| invitation.store_id == store);
        let pending =
            |invitation: &&mut Invitation| invitation.accepted_at.is_none() && invitation.revoked_at.is_none();
        let Some(invitation) = invitation.filter(pending) else { return Ok(false) };
        invitation.revoked_at = Some(now);
        self.audit.record(audit);
        Ok(true)
    }
}
