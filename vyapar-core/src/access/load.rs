//! From storage to what someone may do.

use futures_util::future::try_join;

use super::{Effective, GrantOutcome, GrantTarget, Grants, Guard, Permission, PermissionFilter, Role, RolePermissions};
use crate::actor::{Actor, Membership};
use crate::error::Stored;
use crate::id::UserId;
use crate::identity::IdentityError;
use crate::page::PageRequest;
use crate::system::AuditDraft;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;

/// What a user was given; nothing if he never was.
pub(crate) async fn grants(context: &Context, user: UserId) -> Stored<Grants> {
    Ok(context.ports.access.grants.of_user(user).await?.unwrap_or_else(|| Grants::none(user)))
}

/// The roles and permissions that grants name; all permissions where a role has all.
pub(crate) async fn catalogue(context: &Context, grants: &Grants) -> Stored<(Vec<Role>, Vec<Permission>)> {
    let (mut roles, mut permissions) = (Vec::new(), Vec::new());
    for given in &grants.assignments {
        match &given.target {
            GrantTarget::Role(id) => roles.push(id.clone()),
            GrantTarget::Permission(id) => permissions.push(id.clone()),
        }
    }
    let ports = &context.ports.access;
    let roles = if roles.is_empty() { Vec::new() } else { ports.roles.get_many(&roles).await? };
    let mut all = false;
    for role in &roles {
        match &role.permissions {
            RolePermissions::All => all = true,
            RolePermissions::Only(ids) => permissions.extend(ids.iter().cloned()),
        }
    }
    permissions.sort_unstable();
    permissions.dedup();
    if all {
        return Ok((roles, every_permission(context).await?));
    }
    let mut found = Vec::new();
    // (Roles may name more permissions than one look-up takes.)
    for some in permissions.chunks(200) {
        found.extend(ports.permissions.get_many(some).await?);
    }
    Ok((roles, found))
}

/// Every permission there is.
pub(crate) async fn every_permission(context: &Context) -> Stored<Vec<Permission>> {
    let mut all = Vec::new();
    let mut page = PageRequest::first(PageRequest::MAX);
    loop {
        let part = context.ports.access.permissions.list(PermissionFilter::default(), page).await?;
        all.extend(part.items);
        match part.next {
            Some(next) => page = PageRequest::first(PageRequest::MAX).after(next),
            None => return Ok(all),
        }
    }
}

/// What a user may do beside his parts in stores.
pub(crate) async fn effective(context: &Context, user: UserId) -> Stored<Effective> {
    let grants = grants(context, user).await?;
    effective_of(context, &grants).await
}

/// The same as if his account were not deactivated.
pub(crate) async fn effective_if_active(context: &Context, user: UserId) -> Stored<Effective> {
    let grants = Grants { suspended: false, ..grants(context, user).await? };
    effective_of(context, &grants).await
}

pub(crate) async fn effective_of(context: &Context, grants: &Grants) -> Stored<Effective> {
    let (roles, permissions) = catalogue(context, grants).await?;
    Ok(Effective::of(grants, &roles, &permissions))
}

/// The user as an actor: his parts in stores and what he was given, read at the same time.
pub(crate) async fn actor(context: &Context, user: UserId) -> Stored<Actor> {
    let rows = context.ports.store.members.list_by_user(user);
    let (rows, effective) = try_join(rows, effective(context, user)).await?;
    let memberships = rows.iter().filter(|row| row.is_active).map(|row| Membership {
        store: row.store_id,
        role: row.role,
        changes: row.permissions,
    });
    Ok(Actor::user_with(user, memberships, effective))
}

/// Makes all that a user was given count for nothing.
pub(crate) async fn suspend(context: &Context, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
    for _ in 0..ROUNDS {
        let before = grants(context, user).await?;
        if set_suspended(context, actor, before, true).await? {
            return Ok(());
        }
    }
    Err(IdentityError::Concurrent)
}

/// Makes it count again, while the account is open. The record is read before the account: a
/// deactivation that comes between them writes the record too, so this write is stale then.
pub(crate) async fn resume(context: &Context, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
    for _ in 0..ROUNDS {
        let before = grants(context, user).await?;
        let open = context.ports.identity.users.get(user).await?.is_some_and(|user| user.is_active);
        if !before.suspended || !open || set_suspended(context, actor, before, false).await? {
            return Ok(());
        }
    }
    Err(IdentityError::Concurrent)
}

/// Writes the record, also where it says the same already: whoever read it before must meet this.
async fn set_suspended(
    context: &Context,
    actor: &Actor,
    before: Grants,
    suspended: bool,
) -> Result<bool, IdentityError> {
    let env = &context.env;
    let (user, expected) = (before.user_id, before.version);
    let after = Grants { suspended, version: expected + 1, ..before.clone() };
    let audit = AuditDraft {
        store_id: None,
        action: if suspended { "access.suspend" } else { "access.resume" },
        entity_type: "user",
        entity_id: user.to_string(),
        old_values: None,
        new_values: None,
    }
    .by(actor, env, env.now());
    let guard = Guard::of(&before, &after);
    match context.ports.access.grants.save(after, expected, guard, audit).await? {
        GrantOutcome::Saved => Ok(true),
        GrantOutcome::Guarded => Err(IdentityError::LastSuperAdmin),
        GrantOutcome::Stale => Ok(false),
    }
}
