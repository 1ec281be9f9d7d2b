//! Giving roles and permissions, taking them back, and saying why somebody has them.

use serde_json::json;

use super::{AccessService, ROUNDS, Standing};
use chrono::SubsecRound;

use crate::access::explain::{Explanation, explain};
use crate::access::policy;
use crate::access::{
    AccessError, Assignment, AssignmentType, Effect, Effective, GrantOutcome, GrantTarget, Grants, Guard,
    MAX_ASSIGNMENTS, PermissionId, RoleId, RolePermissions, Scope, load,
};
use crate::actor::Actor;
use crate::id::UserId;
use crate::page::{Page, PageRequest};
use crate::system::AuditDraft;
use crate::time::Timestamp;

/// A permission to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub permission: PermissionId,
    /// Where it is to act.
    pub scope: Scope,
    /// From when on it no longer counts.
    pub expires_at: Option<Timestamp>,
}

impl AccessService {
    /// Gives a user a role. Giving it again does nothing; with another end, that counts.
    ///
    /// Needs a level strictly above the role's and the user's highest (the top level handles
    /// itself), and every permission of the role, everywhere and as long.
    ///
    /// # Errors
    /// [`AccessError::NotAbove`], [`AccessError::NotHeld`], [`AccessError::NoRole`],
    /// [`AccessError::NoUser`], [`AccessError::Past`], [`AccessError::TooMany`],
    /// [`AccessError::LastSuperAdmin`], [`AccessError::Forbidden`]; storage.
    pub async fn assign_role(
        &self,
        actor: &Actor,
        user: UserId,
        role: &RoleId,
        expires_at: Option<Timestamp>,
    ) -> Result<Grants, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_ASSIGN_ROLE, "give roles").await?;
        let given = role_assignment(user, role.clone(), actor.user(), expires_at, standing.now);
        self.check_role_of(&standing, role, expires_at).await?;
        self.give(actor, &standing, given).await
    }

    /// Takes a role back.
    ///
    /// # Errors
    /// [`AccessError::NotGiven`]; as [`assign_role`](Self::assign_role).
    pub async fn revoke_role(&self, actor: &Actor, user: UserId, role: &RoleId) -> Result<Grants, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_REVOKE_ROLE, "take roles back").await?;
        // (A role that is deleted meanwhile can still be taken back.)
        let found = self.ports().roles.get_many(std::slice::from_ref(role)).await?;
        if let Some(role) = found.first().filter(|role| !standing.outranks(role.level)) {
            return Err(AccessError::NotAbove(role.id.to_string()));
        }
        self.take(actor, &standing, user, &GrantTarget::Role(role.clone()), AssignmentType::RoleInherited).await
    }

    /// Gives a user a permission of his own.
    ///
    /// Needs a level strictly above the user's highest, and the permission itself, everywhere and
    /// as long: what acts in the user's stores acts where the giver may have no part.
    ///
    /// # Errors
    /// [`AccessError::NoPermission`]; as [`assign_role`](Self::assign_role).
    pub async fn grant(&self, actor: &Actor, user: UserId, grant: Grant) -> Result<Grants, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_GRANT, "give permissions").await?;
        self.check_permissions([&grant.permission]).await?;
        standing.lacks_until([&grant.permission], grant.expires_at)?;
        let given = assignment(user, grant, AssignmentType::Direct, Effect::Allow, actor.user(), standing.now);
        self.give(actor, &standing, given).await
    }

    /// Allows or denies a user a permission whatever his roles say; a denial wins, everywhere.
    ///
    /// # Errors
    /// As [`grant`](Self::grant).
    pub async fn set_override(
        &self,
        actor: &Actor,
        user: UserId,
        grant: Grant,
        effect: Effect,
    ) -> Result<Grants, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_OVERRIDE, "override permissions").await?;
        self.check_permissions([&grant.permission]).await?;
        match effect {
            Effect::Allow => standing.lacks_until([&grant.permission], grant.expires_at)?,
            // It may take the place of a denial that lasts longer, and hand out by that.
            Effect::Deny => standing.lacks([&grant.permission])?,
        }
        let given = assignment(user, grant, AssignmentType::Override, effect, actor.user(), standing.now);
        self.give(actor, &standing, given).await
    }

    /// Takes a permission or an override back. Taking a denial back hands out what it denied.
    ///
    /// # Errors
    /// [`AccessError::NotGiven`]; as [`grant`](Self::grant).
    pub async fn revoke(
        &self,
        actor: &Actor,
        user: UserId,
        permission: &PermissionId,
        assignment_type: AssignmentType,
    ) -> Result<Grants, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_REVOKE, "take permissions back").await?;
        let target = GrantTarget::Permission(permission.clone());
        self.take(actor, &standing, user, &target, assignment_type).await
    }

    /// All that a user was given; for himself and for those who may see users.
    ///
    /// # Errors
    /// [`AccessError::NoUser`]; storage.
    pub async fn grants(&self, actor: &Actor, user: UserId) -> Result<Grants, AccessError> {
        self.check_about(actor, &policy::ACCESS_GRANTS, user)?;
        Ok(load::grants(&self.context, user).await?)
    }

    /// What a user may do beside his parts in stores; for himself and for those who may see users.
    ///
    /// # Errors
    /// [`AccessError::NoUser`]; storage.
    pub async fn effective(&self, actor: &Actor, user: UserId) -> Result<Effective, AccessError> {
        self.check_about(actor, &policy::ACCESS_EFFECTIVE, user)?;
        Ok(load::effective(&self.context, user).await?)
    }

    /// Why a user may use a permission, or not: which rows allow or deny it.
    ///
    /// # Errors
    /// [`AccessError::NoUser`]; storage.
    pub async fn explain(
        &self,
        actor: &Actor,
        user: UserId,
        permission: &PermissionId,
    ) -> Result<Explanation, AccessError> {
        self.check_about(actor, &policy::ACCESS_EXPLAIN, user)?;
        let grants = load::grants(&self.context, user).await?;
        let (roles, mut permissions) = load::catalogue(&self.context, &grants).await?;
        if !permissions.iter().any(|known| known.id == *permission) {
            permissions.extend(self.ports().permissions.get_many(std::slice::from_ref(permission)).await?);
        }
        Ok(explain(permission, &grants, &roles, &permissions, self.context.env.now()))
    }

    /// Who was given exactly this permission or role, allowed or denied. Who has a permission is
    /// who was given it, or a role that contains it.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`]; storage; a cursor of another list.
    pub async fn holders(
        &self,
        actor: &Actor,
        target: &GrantTarget,
        page: PageRequest,
    ) -> Result<Page<Assignment>, AccessError> {
        self.check(actor, &policy::ACCESS_HOLDERS, "see who was given what")?;
        Ok(self.ports().grants.holders(target, page).await?)
    }

    /// A role that may be given: it stands below, and all that it gives is the giver's own.
    async fn check_role_of(&self, standing: &Standing, id: &RoleId, end: Option<Timestamp>) -> Result<(), AccessError> {
        let role = self.live_role(id).await?;
        if !standing.outranks_until(role.level, end) {
            return Err(AccessError::NotAbove(id.to_string()));
        }
        match &role.permissions {
            RolePermissions::Only(ids) => standing.lacks_until(ids, end),
            RolePermissions::All => {
                let all = load::every_permission(&self.context).await?;
                let active = all.iter().filter(|known| known.status == crate::access::PermissionStatus::Active);
                standing.lacks_until(active.map(|known| &known.id), end)
            }
        }
    }

    async fn give(&self, actor: &Actor, standing: &Standing, given: Assignment) -> Result<Grants, AccessError> {
        if let Some(end) = given.expires_at.filter(|end| *end <= standing.now) {
            return Err(AccessError::Past(end));
        }
        self.check_user(given.user_id).await?;
        self.save(actor, standing, given.user_id, "access.grant", |grants| {
            let same = |known: &Assignment| {
                Assignment { assigned_at: given.assigned_at, granted_by: given.granted_by, ..known.clone() } == given
            };
            if grants.assignments.iter().any(same) {
                return Ok(());
            }
            grants.assignments.retain(|known| !given.replaces(known));
            grants.assignments.push(given.clone());
            if grants.assignments.len() > MAX_ASSIGNMENTS { Err(AccessError::TooMany) } else { Ok(()) }
        })
        .await
    }

    async fn take(
        &self,
        actor: &Actor,
        standing: &Standing,
        user: UserId,
        target: &GrantTarget,
        assignment_type: AssignmentType,
    ) -> Result<Grants, AccessError> {
        self.save(actor, standing, user, "access.revoke", |grants| {
            let is_it = |known: &Assignment| known.target == *target && known.assignment_type == assignment_type;
            let Some(known) = grants.assignments.iter().find(|known| is_it(known)) else {
                return Err(AccessError::NotGiven(target.clone()));
            };
            if let (Effect::Deny, GrantTarget::Permission(id)) = (known.effect, target) {
                standing.lacks([id])?;
            }
            grants.assignments.retain(|known| !is_it(known));
            Ok(())
        })
        .await
    }

    /// Changes what a user was given, if who changes it stands above him at that moment.
    async fn save(
        &self,
        actor: &Actor,
        standing: &Standing,
        user: UserId,
        action: &'static str,
        change: impl Fn(&mut Grants) -> Result<(), AccessError>,
    ) -> Result<Grants, AccessError> {
        let env = &self.context.env;
        for _ in 0..ROUNDS {
            let before = load::grants(&self.context, user).await?;
            let theirs = load::effective_of(&self.context, &Grants { suspended: false, ..before.clone() }).await?;
            if theirs.level(standing.now).is_some_and(|theirs| !standing.outranks(theirs)) || !standing.has_level() {
                return Err(AccessError::NotAbove(user.to_string()));
            }
            // What has ended makes room.
            let mut after = before.clone();
            after.assignments.retain(|known| known.counts_at(standing.now));
            let counting = after.assignments.clone();
            change(&mut after)?;
            if after.assignments == counting {
                return Ok(before);
            }
            after.version = before.version + 1;
            let audit = entry(user, action, Some(&before), &after).by(actor, env, env.now());
            let guard = Guard::of(&before, &after);
            match self.ports().grants.save(after.clone(), before.version, guard, audit).await? {
                GrantOutcome::Saved => return Ok(after),
                GrantOutcome::Guarded => return Err(AccessError::LastSuperAdmin),
                GrantOutcome::Stale => {}
            }
        }
        Err(AccessError::Concurrent)
    }
}

impl Standing {
    /// Whoever has no role at all hands nothing out, whatever permissions he was given.
    fn has_level(&self) -> bool {
        self.unbound || self.effective.level(self.now).is_some()
    }
}

/// An end as every backend stores it, so that giving the same again is seen to be the same.
fn stored(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(6)
}

pub(super) fn role_assignment(
    user_id: UserId,
    role: RoleId,
    granted_by: Option<UserId>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Assignment {
    Assignment {
        user_id,
        target: GrantTarget::Role(role),
        assignment_type: AssignmentType::RoleInherited,
        effect: Effect::Allow,
        scope: Scope::Stores,
        granted_by,
        expires_at: expires_at.map(stored),
        assigned_at: now,
    }
}

fn assignment(
    user_id: UserId,
    grant: Grant,
    assignment_type: AssignmentType,
    effect: Effect,
    granted_by: Option<UserId>,
    now: Timestamp,
) -> Assignment {
    let Grant { permission, scope, expires_at } = grant;
    let expires_at = expires_at.map(stored);
    let target = GrantTarget::Permission(permission);
    Assignment { user_id, target, assignment_type, effect, scope, granted_by, expires_at, assigned_at: now }
}

/// The entry of a change of grants: what was added and what was taken away.
pub(super) fn entry(user: UserId, action: &'static str, before: Option<&Grants>, after: &Grants) -> AuditDraft {
    let had = before.map_or(&[][..], |before| &before.assignments);
    let only = |these: &[Assignment], those: &[Assignment]| -> Vec<_> {
        let new = these.iter().filter(|one| !those.contains(one));
        new.map(|one| {
            json!({
                "target": one.target, "type": one.assignment_type, "effect": one.effect, "scope": one.scope,
                "expires_at": one.expires_at,
            })
        })
        .collect()
    };
    AuditDraft {
        store_id: None,
        action,
        entity_type: "user",
        entity_id: user.to_string(),
        old_values: Some(json!(only(had, &after.assignments))),
        new_values: Some(json!(only(&after.assignments, had))),
    }
}
