//! Use cases of a store's staff: inviting, joining, changing, leaving.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;

use super::{AcceptOutcome, Invitation, MAX_MEMBERSHIPS, MemberOutcome, StoreError, StoreUser};
use crate::access::policy::{self, OPERATE, Rule};
use crate::access::{Capabilities, Capability, CapabilityChanges};
use crate::actor::{Actor, Decision, StoreRole, Subject};
use crate::id::{InvitationId, StoreId, StoreUserId, UserId};
use crate::identity::{ContactKind, Login, Token, User, token};
use crate::page::{AllStores, Page, PageRequest};
use crate::system::AuditDraft;
use crate::time::Timestamp;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;
/// How long an invitation can be accepted.
const INVITATION_VALID: TimeDelta = TimeDelta::days(7);
/// What invitations' tokens are hashed under.
const TOKENS: &str = "store_invitations.token";

/// Whom to invite, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Where the invitation is sent; who accepts it must have this as his verified contact.
    pub contact: Login,
    /// As what.
    pub role: StoreRole,
    /// With what beside the role's own capabilities.
    pub permissions: CapabilityChanges,
}

/// An invitation made: the host sends the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The invitation.
    pub invitation: Invitation,
    /// What accepts it.
    pub token: Token,
}

/// Who works in stores.
///
/// An owner may do everything here. A member with `staff.manage` handles those below his own
/// role, and hands out only capabilities that he has. A store always keeps an owner.
#[derive(Clone)]
pub struct StaffService {
    context: Arc<Context>,
}

impl StaffService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The store's members, active or not, by user id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn members(
        &self,
        actor: &Actor,
        store: StoreId,
        page: PageRequest,
    ) -> Result<Page<StoreUser>, StoreError> {
        self.check_access(actor, &policy::STAFF_MEMBERS, store, "see who works in the store")?;
        Ok(self.context.ports.store.members.list(store, page).await?)
    }

    /// Where the caller works.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] without an account; storage.
    pub async fn mine(&self, actor: &Actor) -> Result<Vec<StoreUser>, StoreError> {
        let user = self.caller(actor, &policy::STAFF_MINE)?;
        Ok(self.context.ports.store.members.list_by_user(user).await?)
    }

    /// Invites somebody, whether he has an account yet or not. It counts seven days.
    ///
    /// # Errors
    /// [`StoreError::NotYours`] for more than the caller has, [`StoreError::OwnerDenied`];
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn invite(&self, actor: &Actor, store: StoreId, invite: Invite) -> Result<Invited, StoreError> {
        self.check_access(actor, &policy::STAFF_INVITE, store, "invite staff")?;
        let Invite { contact, role, permissions } = invite;
        self.check_handing_out(actor, store, None, role, permissions)?;
        if self.context.ports.store.stores.get(store).await?.is_none() {
            return Err(StoreError::NotFound(store));
        }
        let env = &self.context.env;
        let now = env.now();
        let id = InvitationId::from_uuid(env.uuid());
        let (token, token_hash) = token::mint(env, TOKENS, id.as_uuid());
        let invitation = Invitation {
            id,
            store_id: store,
            contact_kind: contact.kind(),
            contact: env.seal(&format!("store_invitations.contact:{id}"), contact.as_str())?,
            token_hash,
            role,
            permissions,
            // (Whom the host vouches for has no part in the store that could end.)
            invited_by: actor.user().filter(|_| !actor.is_unbound()),
            expires_at: now + INVITATION_VALID,
            accepted_at: None,
            revoked_at: None,
            created_at: now,
        };
        let audit = draft(store, "staff.invite", "store_invitation", id.to_string(), None)
            .with_new(json!({ "role": role, "permissions": permissions }))
            .by(actor, env, now);
        self.context.ports.store.invitations.insert(store, invitation.clone(), audit).await?;
        Ok(Invited { invitation, token })
    }

    /// The store's invitations, newest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn invitations(
        &self,
        actor: &Actor,
        store: StoreId,
        page: PageRequest,
    ) -> Result<Page<Invitation>, StoreError> {
        self.check_access(actor, &policy::STAFF_INVITATIONS, store, "see who was invited")?;
        Ok(self.context.ports.store.invitations.list(store, page).await?)
    }

    /// Withdraws an invitation; says whether it was open until then.
    ///
    /// # Errors
    /// [`StoreError::NotYours`] for an invitation that one could not have made;
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn withdraw(&self, actor: &Actor, store: StoreId, id: InvitationId) -> Result<bool, StoreError> {
        self.check_access(actor, &policy::STAFF_WITHDRAW, store, "withdraw invitations")?;
        let found = self.context.ports.store.invitations.get(AllStores, id).await?;
        let Some(found) = found.filter(|found| found.store_id == store) else { return Ok(false) };
        self.check_rank(actor, store, found.role)?;
        let env = &self.context.env;
        let now = env.now();
        let audit = draft(store, "staff.withdraw", "store_invitation", id.to_string(), None).by(actor, env, now);
        Ok(self.context.ports.store.invitations.revoke(store, id, now, audit).await?)
    }

    /// Accepts an invitation: the caller becomes a member. The contact it was sent to must be
    /// his verified one, whoever invited must still be able to, and an invitation from before the
    /// caller was removed does not count. Accepting again what made him a member answers his row.
    ///
    /// # Errors
    /// [`StoreError::NoInvitation`], [`StoreError::AlreadyMember`], [`StoreError::TooManyStores`];
    /// storage.
    pub async fn accept(&self, actor: &Actor, token: &str) -> Result<StoreUser, StoreError> {
        let user = self.caller(actor, &policy::STAFF_ACCEPT)?;
        let (env, ports) = (&self.context.env, &self.context.ports.store);
        let (id, hash) = token::read(env, TOKENS, token).ok_or(StoreError::NoInvitation)?;
        let id = InvitationId::from_uuid(id);
        let invitation = ports.invitations.get(AllStores, id).await?.ok_or(StoreError::NoInvitation)?;
        let account = check_user(&self.context, user).await?;
        if !token::same(&invitation.token_hash, &hash) || !self.is_his(&account, &invitation)? {
            return Err(StoreError::NoInvitation);
        }
        let known = ports.members.get(invitation.store_id, user).await?;
        let removed = known.is_some_and(|row| !row.is_active && row.updated_at >= invitation.created_at);
        if removed || !self.may_still_invite(&invitation).await? {
            return Err(StoreError::NoInvitation);
        }
        check_room(&self.context, user).await?;
        let (store, now) = (invitation.store_id, env.now());
        let member = StoreUser {
            id: StoreUserId::from_uuid(env.uuid()),
            store_id: store,
            user_id: user,
            role: invitation.role,
            permissions: invitation.permissions,
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let audit = draft(store, "staff.join", "store_user", user.to_string(), None)
            .with_new(json!({ "role": member.role, "permissions": member.permissions, "invitation": id }))
            .by(actor, env, now);
        let refused = match ports.invitations.accept(store, id, member, now, audit).await? {
            AcceptOutcome::Accepted => None,
            AcceptOutcome::AlreadyMember => Some(StoreError::AlreadyMember(user)),
            AcceptOutcome::NotOpen => Some(StoreError::NoInvitation),
        };
        if let Some(refused) = refused {
            // This may be the second time, or the first answer was lost.
            let now = ports.invitations.get(AllStores, id).await?;
            if now.is_none_or(|now| now.accepted_at.is_none()) {
                return Err(refused);
            }
        }
        let row = ports.members.get(store, user).await?.filter(|row| row.is_active);
        self.joined(row.ok_or(StoreError::NoInvitation)?).await
    }

    /// A part that has just begun, if the account is still open. Deactivating an account ends its
    /// parts before and after; one that is made in between sees the account closed here.
    async fn joined(&self, row: StoreUser) -> Result<StoreUser, StoreError> {
        match check_user(&self.context, row.user_id).await {
            Ok(_) => Ok(row),
            Err(gone @ StoreError::NoUser(_)) => {
                self.end(&Actor::system("staff.joined"), &row).await?;
                Err(gone)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the contact an invitation was sent to is known to be the account's own. The
    /// contact is opened for it: keys may have rotated since.
    fn is_his(&self, account: &User, invitation: &Invitation) -> Result<bool, StoreError> {
        let (env, kind) = (&self.context.env, invitation.contact_kind);
        let verified = match kind {
            ContactKind::Email => account.email_verified,
            ContactKind::Phone => account.phone_verified,
        };
        let Some(own) = account.contact(kind).filter(|_| verified) else { return Ok(false) };
        let sent_to = env.open(&format!("store_invitations.contact:{}", invitation.id), &invitation.contact)?;
        let lookups = sent_to.parse::<Login>().map(|login| login.lookups(env)).unwrap_or_default();
        Ok(own.lookups.iter().any(|lookup| lookups.contains(lookup)))
    }

    /// Whether who invited could still do so: what he may hand out is what he has now.
    async fn may_still_invite(&self, invitation: &Invitation) -> Result<bool, StoreError> {
        let Some(by) = invitation.invited_by else { return Ok(true) };
        let row = self.context.ports.store.members.get(invitation.store_id, by).await?;
        if let Some(row) = row {
            let (own, handed) = (row.capabilities(), invitation.permissions.applied_to(invitation.role));
            let may = own.contains(Capability::StaffManage) && handles(row.role, invitation.role);
            if may && handed.without(own).is_empty() {
                return Ok(true);
            }
        }
        let effective = crate::access::load::effective(&self.context, by).await?;
        Ok(effective.allows_everywhere(&OPERATE, self.context.env.now()))
    }

    /// Changes a member's role and capabilities, or takes a former one back.
    ///
    /// # Errors
    /// [`StoreError::NoMember`], [`StoreError::NotYours`], [`StoreError::OwnerDenied`],
    /// [`StoreError::LastOwner`]; [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn change(
        &self,
        actor: &Actor,
        store: StoreId,
        user: UserId,
        role: StoreRole,
        permissions: CapabilityChanges,
    ) -> Result<StoreUser, StoreError> {
        self.check_access(actor, &policy::STAFF_CHANGE, store, "change who works in the store")?;
        check_user(&self.context, user).await?;
        if self.context.ports.store.members.get(store, user).await?.is_some_and(|row| !row.is_active) {
            check_room(&self.context, user).await?;
        }
        let row = self
            .update(actor, store, user, "staff.change", |row, service| {
                service.check_handing_out(actor, store, Some(row), role, permissions)?;
                let next = StoreUser { role, permissions, is_active: true, ..row.clone() };
                Ok((next != *row).then_some(next))
            })
            .await?;
        self.joined(row).await
    }

    /// Ends a member's part in the store. Removing a former one is noted: whoever is about to take
    /// him back meets it.
    ///
    /// # Errors
    /// [`StoreError::NoMember`], [`StoreError::NotYours`], [`StoreError::LastOwner`];
    /// [`StoreError::NotFound`], [`StoreError::Forbidden`]; storage.
    pub async fn remove(&self, actor: &Actor, store: StoreId, user: UserId) -> Result<StoreUser, StoreError> {
        self.check_access(actor, &policy::STAFF_REMOVE, store, "remove who works in the store")?;
        self.update(actor, store, user, "staff.remove", |row, service| {
            service.check_rank(actor, store, row.role)?;
            Ok(Some(StoreUser { is_active: false, ..row.clone() }))
        })
        .await
    }

    /// Ends the caller's own part in the store.
    ///
    /// # Errors
    /// [`StoreError::NoMember`], [`StoreError::LastOwner`]; storage.
    pub async fn leave(&self, actor: &Actor, store: StoreId) -> Result<StoreUser, StoreError> {
        let user = self.caller(actor, &policy::STAFF_LEAVE)?;
        self.update(actor, store, user, "staff.leave", |row, _| Ok(ended(row))).await
    }

    /// Ends all memberships of an account that is deactivated, or none where a store would have
    /// no owner left; gives them as they are then.
    pub(crate) async fn end_all(&self, actor: &Actor, user: UserId) -> Result<Vec<StoreUser>, StoreError> {
        let mut ended = Vec::new();
        for row in self.context.ports.store.members.list_by_user(user).await? {
            match self.end(actor, &row).await {
                Ok(row) => ended.push(row),
                Err(error) => {
                    self.restore(actor, &ended).await?;
                    return Err(error);
                }
            }
        }
        Ok(ended)
    }

    /// Takes back what [`end_all`](Self::end_all) did, but for what others changed since.
    pub(crate) async fn restore(&self, actor: &Actor, ended: &[StoreUser]) -> Result<(), StoreError> {
        for row in ended {
            self.update(actor, row.store_id, row.user_id, "staff.change", |now, _| {
                Ok((now == row).then(|| StoreUser { is_active: true, ..now.clone() }))
            })
            .await?;
        }
        Ok(())
    }

    async fn end(&self, actor: &Actor, row: &StoreUser) -> Result<StoreUser, StoreError> {
        self.update(actor, row.store_id, row.user_id, "staff.remove", |now, _| Ok(ended(now))).await
    }

    async fn update(
        &self,
        actor: &Actor,
        store: StoreId,
        user: UserId,
        action: &'static str,
        change: impl Fn(&StoreUser, &Self) -> Result<Option<StoreUser>, StoreError>,
    ) -> Result<StoreUser, StoreError> {
        let (env, members) = (&self.context.env, &self.context.ports.store.members);
        for _ in 0..ROUNDS {
            let row = members.get(store, user).await?.ok_or(StoreError::NoMember(user))?;
            let Some(mut next) = change(&row, self)? else { return Ok(row) };
            let now: Timestamp = env.now();
            next.version = row.version + 1;
            next.updated_at = now;
            let state = |row: &StoreUser| json!({ "role": row.role, "permissions": row.permissions, "is_active": row.is_active });
            let audit = draft(store, action, "store_user", user.to_string(), Some(state(&row)))
                .with_new(state(&next))
                .by(actor, env, now);
            match members.update(store, next.clone(), row.version, audit).await? {
                MemberOutcome::Updated => return Ok(next),
                MemberOutcome::LastOwner => return Err(StoreError::LastOwner),
                MemberOutcome::Stale => {}
            }
        }
        Err(StoreError::Concurrent)
    }

    fn check_rank(&self, actor: &Actor, store: StoreId, role: StoreRole) -> Result<(), StoreError> {
        if actor.is_unbound() || actor.holds(&OPERATE, self.context.env.now()) {
            return Ok(());
        }
        let own = actor.membership(store).map(|membership| membership.role);
        if own.is_some_and(|own| handles(own, role)) { Ok(()) } else { Err(StoreError::NotYours(role.to_string())) }
    }

    /// Nobody hands out a role above or beside his own, or a capability that he does not have;
    /// and taking a denial away is handing out too.
    fn check_handing_out(
        &self,
        actor: &Actor,
        store: StoreId,
        before: Option<&StoreUser>,
        role: StoreRole,
        permissions: CapabilityChanges,
    ) -> Result<(), StoreError> {
        if role == StoreRole::Owner && !permissions.denied.is_empty() {
            return Err(StoreError::OwnerDenied);
        }
        if let Some(before) = before {
            self.check_rank(actor, store, before.role)?;
        }
        self.check_rank(actor, store, role)?;
        if actor.is_unbound() || actor.holds(&OPERATE, self.context.env.now()) {
            return Ok(());
        }
        let own = actor.membership(store).map_or(Capabilities::NONE, |own| own.changes.applied_to(own.role));
        let had = before.map_or(Capabilities::NONE, StoreUser::capabilities);
        let more = permissions.applied_to(role).without(had).without(own);
        match more.iter().next() {
            None => Ok(()),
            Some(first) => Err(StoreError::NotYours(first.to_string())),
        }
    }

    fn caller(&self, actor: &Actor, rule: &Rule) -> Result<UserId, StoreError> {
        let user = actor.user().filter(|_| self.context.allows(actor, rule));
        user.ok_or(StoreError::Forbidden("do this without an account"))
    }

    fn check_access(&self, actor: &Actor, rule: &Rule, store: StoreId, what: &'static str) -> Result<(), StoreError> {
        match self.context.decide(actor, rule, Subject::store(store)) {
            Decision::Allowed => Ok(()),
            Decision::Refused => Err(StoreError::Forbidden(what)),
            Decision::Hidden => Err(StoreError::NotFound(store)),
        }
    }
}

/// The account, if it is there and may sign in.
pub(crate) async fn check_user(context: &Context, user: UserId) -> Result<User, StoreError> {
    let found = context.ports.identity.users.get(user).await?;
    found.filter(|user| user.is_active).ok_or(StoreError::NoUser(user))
}

/// Refuses a part in one more store than an actor can carry.
pub(super) async fn check_room(context: &Context, user: UserId) -> Result<(), StoreError> {
    let rows = context.ports.store.members.list_by_user(user).await?;
    let max = MAX_MEMBERSHIPS;
    if rows.len() < max { Ok(()) } else { Err(StoreError::TooManyStores { user, max }) }
}

/// Owners handle everyone, others only who stands below them.
fn handles(own: StoreRole, role: StoreRole) -> bool {
    own == StoreRole::Owner || own < role
}

/// A part that has ended, if it has not already.
fn ended(row: &StoreUser) -> Option<StoreUser> {
    row.is_active.then(|| StoreUser { is_active: false, ..row.clone() })
}

fn draft(
    store: StoreId,
    action: &'static str,
    entity_type: &'static str,
    entity_id: String,
    old_values: Option<serde_json::Value>,
) -> AuditDraft {
    AuditDraft { store_id: Some(store), action, entity_type, entity_id, old_values, new_values: None }
}
