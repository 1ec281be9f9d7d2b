//! Roles of the host's own.

use std::collections::BTreeSet;

use super::{AccessService, ROUNDS, Standing, exists, role_entry, text};
use crate::access::policy;
use crate::access::{
    AccessError, GrantTarget, Level, MAX_ROLE_PERMISSIONS, PermissionId, PermissionStatus, Role, RoleFilter, RoleId,
    RolePermissions, RoleStatus, Scope,
};
use crate::actor::Actor;
use crate::page::{Page, PageRequest};
use crate::store::UpdateOutcome;
use crate::time::Timestamp;

/// A role to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// Its id.
    pub id: RoleId,
    /// Its name for people, 1 to 80 characters.
    pub name: String,
    /// What it is for, 1 to 400 characters.
    pub description: String,
    /// What it gives.
    pub permissions: BTreeSet<PermissionId>,
    /// How much privilege it is: below that of who makes it.
    pub level: Level,
    /// Where it acts: in its holders' own stores unless it is marked otherwise.
    pub scope: Scope,
}

/// A change of a role; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// What it gives from now on.
    pub permissions: Option<BTreeSet<PermissionId>>,
    /// Another level.
    pub level: Option<Level>,
    /// Another status.
    pub status: Option<RoleStatus>,
}

impl AccessService {
    /// Roles that match, by level, then id.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`]; storage; a cursor of another list.
    pub async fn roles(&self, actor: &Actor, filter: RoleFilter, page: PageRequest) -> Result<Page<Role>, AccessError> {
        self.check(actor, &policy::ACCESS_ROLES, "see roles")?;
        Ok(self.ports().roles.list(filter, page).await?)
    }

    /// The role.
    ///
    /// # Errors
    /// [`AccessError::NoRole`], [`AccessError::Forbidden`]; storage.
    pub async fn role(&self, actor: &Actor, id: &RoleId) -> Result<Role, AccessError> {
        self.check(actor, &policy::ACCESS_ROLE, "see roles")?;
        self.live_role(id).await
    }

    /// Makes a role: below the own level, of permissions that one has everywhere and for good.
    ///
    /// # Errors
    /// [`AccessError::Exists`], [`AccessError::NotAbove`], [`AccessError::NotHeld`],
    /// [`AccessError::NoPermission`], [`AccessError::Length`], [`AccessError::Forbidden`]; storage.
    pub async fn add_role(&self, actor: &Actor, new: NewRole) -> Result<Role, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_ADD_ROLE, "make roles").await?;
        let now = self.context.env.now();
        let role = Role {
            id: new.id,
            name: new.name,
            description: new.description,
            permissions: RolePermissions::Only(new.permissions),
            level: new.level,
            scope: new.scope,
            is_system: false,
            status: RoleStatus::Active,
            deleted_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.check_role(&standing, &role).await?;
        self.insert_role(actor, role.clone(), now).await?;
        Ok(role)
    }

    /// Changes a role of the host's own. Whoever has it has what it gives from then on.
    ///
    /// # Errors
    /// [`AccessError::System`], [`AccessError::NoRole`]; as [`add_role`](Self::add_role), with
    /// the level before and after; storage.
    pub async fn update_role(&self, actor: &Actor, id: &RoleId, change: RoleChange) -> Result<Role, AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_UPDATE_ROLE, "change roles").await?;
        for _ in 0..ROUNDS {
            let before = self.own_role(&standing, id).await?;
            let now = self.context.env.now();
            let change = change.clone();
            let after = Role {
                name: change.name.unwrap_or_else(|| before.name.clone()),
                description: change.description.unwrap_or_else(|| before.description.clone()),
                permissions: change.permissions.map_or_else(|| before.permissions.clone(), RolePermissions::Only),
                level: change.level.unwrap_or(before.level),
                status: change.status.unwrap_or(before.status),
                ..before.clone()
            };
            if after == before {
                return Ok(before);
            }
            let after = Role { version: before.version + 1, updated_at: now, ..after };
            self.check_role(&standing, &after).await?;
            if let Some(written) = self.write_role(actor, "role.update", &before, after, now).await? {
                return Ok(written);
            }
        }
        Err(AccessError::Concurrent)
    }

    /// Deletes a role of the host's own that nobody has. Its id is never used again, so what was
    /// once given under it cannot come back.
    ///
    /// # Errors
    /// [`AccessError::InUse`], [`AccessError::System`], [`AccessError::NoRole`],
    /// [`AccessError::NotAbove`], [`AccessError::Forbidden`]; storage.
    pub async fn delete_role(&self, actor: &Actor, id: &RoleId) -> Result<(), AccessError> {
        let standing = self.standing(actor, &policy::ACCESS_DELETE_ROLE, "delete roles").await?;
        for _ in 0..ROUNDS {
            let before = self.own_role(&standing, id).await?;
            let target = GrantTarget::Role(id.clone());
            // Somebody may be given it at this moment. He has nothing of it then.
            let holders = self.ports().grants.holders(&target, PageRequest::first(10)).await?.items.len();
            if holders > 0 {
                return Err(AccessError::InUse { role: id.clone(), holders });
            }
            let now = self.context.env.now();
            let after = Role {
                deleted_at: Some(now),
                status: RoleStatus::Inactive,
                version: before.version + 1,
                updated_at: now,
                ..before.clone()
            };
            if self.write_role(actor, "role.delete", &before, after, now).await?.is_some() {
                return Ok(());
            }
        }
        Err(AccessError::Concurrent)
    }

    pub(super) async fn insert_role(&self, actor: &Actor, role: Role, now: Timestamp) -> Result<(), AccessError> {
        let audit = role_entry(&role.id, "role.add", None, Some(&role)).by(actor, &self.context.env, now);
        let id = role.id.to_string();
        self.ports().roles.insert(role, audit).await.map_err(|error| exists(error, id))
    }

    async fn write_role(
        &self,
        actor: &Actor,
        action: &'static str,
        before: &Role,
        after: Role,
        now: Timestamp,
    ) -> Result<Option<Role>, AccessError> {
        let audit = role_entry(&before.id, action, Some(before), Some(&after)).by(actor, &self.context.env, now);
        match self.ports().roles.update(after.clone(), before.version, audit).await? {
            UpdateOutcome::Updated => Ok(Some(after)),
            UpdateOutcome::Stale => Ok(None),
        }
    }

    /// The role, if it is there and not deleted.
    pub(super) async fn live_role(&self, id: &RoleId) -> Result<Role, AccessError> {
        let found = self.ports().roles.get_many(std::slice::from_ref(id)).await?;
        let found = found.into_iter().next().filter(|role| role.deleted_at.is_none());
        found.ok_or_else(|| AccessError::NoRole(id.clone()))
    }

    /// The role, if it is the host's own and stands below.
    async fn own_role(&self, standing: &Standing, id: &RoleId) -> Result<Role, AccessError> {
        let role = self.live_role(id).await?;
        if role.is_system {
            return Err(AccessError::System(id.to_string()));
        }
        if !standing.outranks(role.level) {
            return Err(AccessError::NotAbove(id.to_string()));
        }
        Ok(role)
    }

    /// A role that may be made, or be changed into.
    async fn check_role(&self, standing: &Standing, role: &Role) -> Result<(), AccessError> {
        text("role_name", &role.name, 80)?;
        text("description", &role.description, 400)?;
        // A role lasts, so what it gives must be its maker's for good.
        if !standing.outranks_until(role.level, None) {
            return Err(AccessError::NotAbove(role.id.to_string()));
        }
        let RolePermissions::Only(ids) = &role.permissions else { return Ok(()) };
        if ids.len() > MAX_ROLE_PERMISSIONS {
            let (field, unit) = ("permissions", "entries");
            return Err(AccessError::Length { field, unit, max: MAX_ROLE_PERMISSIONS, length: ids.len() });
        }
        self.check_permissions(ids).await?;
        standing.lacks_until(ids, None)
    }

    /// Permissions that exist and count.
    pub(super) async fn check_permissions(
        &self,
        ids: impl IntoIterator<Item = &PermissionId>,
    ) -> Result<(), AccessError> {
        let ids: Vec<_> = ids.into_iter().cloned().collect();
        let known = self.ports().permissions.get_many(&ids).await?;
        let usable = |id: &PermissionId| known.iter().any(|p| p.id == *id && p.status == PermissionStatus::Active);
        let missing: Vec<_> = ids.iter().filter(|id| !usable(id)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(AccessError::NoPermission(missing)) }
    }
}
