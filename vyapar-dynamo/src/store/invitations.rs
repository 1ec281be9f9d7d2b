//! Invitations.

use std::cmp::Reverse;

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::id::{InvitationId, StoreId};
use vyapar_core::page::{AllStores, Cursor, Page, PageRequest};
use vyapar_core::store::{AcceptOutcome, Invitation, InvitationRepository, StoreUser};
use vyapar_core::system::AuditEntry;
use vyapar_core::time::Timestamp;

use super::lists::{INVITATION_LIST, InvitationsOf};
use super::members::version_is;
use super::people::{Owners, invitation_item, member_item, no_member, read_invitation};
use super::{DynamoStores, own};
use crate::db::Written;
use crate::expression::Expression;
use crate::item::{text, time};
use crate::keys;
use crate::listing::list;
use crate::retry::Patience;
use crate::tables::{STORE_INVITATIONS, STORE_USERS};

/// The condition that it is that store's and was neither accepted nor withdrawn.
const PENDING: &str = "#store_id = :store AND attribute_not_exists(#accepted_at) AND attribute_not_exists(#revoked_at)";

#[async_trait]
impl InvitationRepository for DynamoStores {
    async fn insert(&self, store: StoreId, invitation: Invitation, audit: AuditEntry) -> Stored<()> {
        own(store, invitation.store_id, "an invitation")?;
        let absent = Expression::new("attribute_not_exists(#id)");
        let actions = [self.db.put(&STORE_INVITATIONS, invitation_item(&invitation)?, &absent)?];
        let patience = &mut self.db.patience();
        // Repeated: what happened to it since then stays.
        self.audit.write(&actions, Some(&audit), patience, "adding an invitation").await.map(drop)
    }

    async fn get(&self, _: AllStores, id: InvitationId) -> Stored<Option<Invitation>> {
        self.invitation(id, &mut self.db.patience()).await
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<Invitation>> {
        let before = page.cursor().map(|cursor| cursor.parse_position(INVITATION_LIST)).transpose()?;
        let found = list(&self.db, &InvitationsOf(store), before.map(Reverse), page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(Reverse(id), _)| Cursor::new(INVITATION_LIST, id.to_string()));
        Ok(page.map(|(_, invitation)| invitation))
    }

    async fn accept(
        &self,
        store: StoreId,
        id: InvitationId,
        member: StoreUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Stored<AcceptOutcome> {
        const DOING: &str = "accepting an invitation";
        own(store, member.store_id, "a member")?;
        let accepted = Expression::new("SET #accepted_at = :now").value(":now", time(now));
        let open = Expression::new(format!("{PENDING} AND #expires_at > :now")).value(":store", text(store));
        let mut patience = self.db.patience();
        loop {
            // The invitation first: an active member is told of one that does not count, too.
            let invitation = self.invitation(id, &mut patience).await?;
            if !invitation.is_some_and(|invitation| invitation.store_id == store && invitation.is_open(now)) {
                return Ok(AcceptOutcome::NotOpen);
            }
            let (member, as_seen) = match self.member(store, member.user_id, &mut patience).await? {
                Some(stored) if stored.is_active => return Ok(AcceptOutcome::AlreadyMember),
                Some(stored) => {
                    let back = StoreUser {
                        id: stored.id,
                        version: stored.version.saturating_add(1),
                        created_at: stored.created_at,
                        ..member.clone()
                    };
                    (back, version_is(stored.version))
                }
                None => (member.clone(), no_member()),
            };
            let mut actions = vec![
                self.db.update(&STORE_INVITATIONS, keys::invitation(id), &accepted, &open)?,
                self.db.put(&STORE_USERS, member_item(&member)?, &as_seen)?,
            ];
            // Who was no active member was no owner either.
            actions.extend(self.owners(store, Owners::between(None, &member))?);
            match self.audit.write(&actions, Some(&audit), &mut patience, DOING).await? {
                Written::Done => return Ok(AcceptOutcome::Accepted),
                Written::Refused(refusals) if refusals.at(0).is_some() => return Ok(AcceptOutcome::NotOpen),
                // Somebody changed the user's row: what stands there now decides.
                Written::Refused(_) => patience.check(DOING)?,
            }
        }
    }

    async fn revoke(&self, store: StoreId, id: InvitationId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let revoked = Expression::new("SET #revoked_at = :now").value(":now", time(now));
        let pending = Expression::new(PENDING).value(":store", text(store));
        let actions = [self.db.update(&STORE_INVITATIONS, keys::invitation(id), &revoked, &pending)?];
        let patience = &mut self.db.patience();
        let written = self.audit.write(&actions, Some(&audit), patience, "withdrawing an invitation").await?;
        Ok(matches!(written, Written::Done))
    }
}

impl DynamoStores {
    async fn invitation(&self, id: InvitationId, patience: &mut Patience) -> Stored<Option<Invitation>> {
        let key = keys::invitation(id);
        let found = self.db.get(&STORE_INVITATIONS, key, patience, "reading an invitation").await?;
        found.as_ref().map(read_invitation).transpose()
    }
}
