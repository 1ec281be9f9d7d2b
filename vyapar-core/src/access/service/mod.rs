//! Use cases of permissions and roles; `granting` gives and takes.

mod granting;
mod roles;

use std::sync::Arc;

use serde_json::json;

pub use granting::Grant;
pub use roles::{NewRole, RoleChange};

use super::policy::{self, Rule};
use super::{
    AccessError, AccessPorts, GrantOutcome, Grants, Guard, Level, Permission, PermissionFilter, PermissionId,
    PermissionStatus, Role, RoleId, load, seed,
};
use crate::actor::{Actor, Subject};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::UserId;
use crate::page::{Page, PageRequest};
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;
use crate::text::has_control;
use crate::time::Timestamp;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 8;

/// Permissions, roles, and who has them.
///
/// Whoever changes something here is judged by what storage says of him at that moment, not by
/// what his [`Actor`] was built from.
#[derive(Clone)]
pub struct AccessService {
    context: Arc<Context>,
}

/// What someone who hands out rights has himself.
struct Standing {
    /// Everything, for the host and for whom it vouches.
    unbound: bool,
    effective: super::Effective,
    now: Timestamp,
}

impl Standing {
    /// Whether he stands above that level now.
    fn outranks(&self, level: Level) -> bool {
        self.unbound || self.effective.level(self.now).is_some_and(|own| own.outranks(level))
    }

    /// Whether he stands above that level until `end`: nobody hands out for longer than he has.
    fn outranks_until(&self, level: Level, end: Option<Timestamp>) -> bool {
        self.unbound || self.effective.level_until(self.now, end).is_some_and(|own| own.outranks(level))
    }

    /// Refuses what he does not have now, everywhere.
    fn lacks<'p>(&self, ids: impl IntoIterator<Item = &'p PermissionId>) -> Result<(), AccessError> {
        self.lacks_some(ids, |id| self.effective.allows_everywhere(id, self.now))
    }

    /// Refuses what he does not have everywhere until `end`: what is handed out acts in the
    /// stores of whom it is given to, which need not be his.
    fn lacks_until<'p>(
        &self,
        ids: impl IntoIterator<Item = &'p PermissionId>,
        end: Option<Timestamp>,
    ) -> Result<(), AccessError> {
        self.lacks_some(ids, |id| self.effective.allows_everywhere_until(id, self.now, end))
    }

    fn lacks_some<'p>(
        &self,
        ids: impl IntoIterator<Item = &'p PermissionId>,
        has: impl Fn(&PermissionId) -> bool,
    ) -> Result<(), AccessError> {
        let missing: Vec<_> = ids.into_iter().filter(|id| !self.unbound && !has(id)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(AccessError::NotHeld(missing)) }
    }
}

impl AccessService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Stores the library's own permissions and roles where they are missing, and puts right
    /// what differs in its roles. Repeating it does nothing; the host calls it when it starts.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`]; storage.
    pub async fn seed(&self, actor: &Actor) -> Result<(), AccessError> {
        self.check(actor, &policy::ACCESS_SEED, "seed permissions and roles")?;
        let now = self.context.env.now();
        let permissions = seed::permissions(now);
        let ids: Vec<_> = permissions.iter().map(|permission| permission.id.clone()).collect();
        let known = self.ports().permissions.get_many(&ids).await?;
        for permission in permissions {
            if !known.iter().any(|there| there.id == permission.id) {
                self.insert_permission(actor, permission, now).await.or_else(exists_is_fine)?;
            }
        }
        let roles = seed::roles(now);
        let ids: Vec<_> = roles.iter().map(|role| role.id.clone()).collect();
        let known = self.ports().roles.get_many(&ids).await?;
        for role in roles {
            match known.iter().find(|there| there.id == role.id) {
                None => self.insert_role(actor, role, now).await.or_else(exists_is_fine)?,
                Some(there) => self.put_right(actor, there, role, now).await?,
            }
        }
        Ok(())
    }

    /// A later version of the library may give a role of its own more.
    async fn put_right(&self, actor: &Actor, there: &Role, seeded: Role, now: Timestamp) -> Result<(), AccessError> {
        let next = Role { version: there.version + 1, created_at: there.created_at, ..seeded };
        let same = (&there.name, &there.description, &there.permissions, there.level, there.scope, there.status)
            == (&next.name, &next.description, &next.permissions, next.level, next.scope, next.status);
        if same && there.deleted_at.is_none() {
            return Ok(());
        }
        let audit = role_entry(&next.id, "role.update", Some(there), Some(&next)).by(actor, &self.context.env, now);
        // Another process that seeds at the same time does the same.
        self.ports().roles.update(next, there.version, audit).await?;
        Ok(())
    }

    /// Makes the first super admin. The host calls it once, for whom it knows to be the one.
    ///
    /// # Errors
    /// [`AccessError::SuperAdminExists`] ever after; [`AccessError::NoUser`]; storage.
    pub async fn bootstrap(&self, actor: &Actor, user: UserId) -> Result<(), AccessError> {
        self.check(actor, &policy::ACCESS_BOOTSTRAP, "make the first super admin")?;
        let env = &self.context.env;
        for _ in 0..ROUNDS {
            let (before, now) = (load::grants(&self.context, user).await?, env.now());
            // After the record was read: closing the account writes it.
            self.check_user(user).await?;
            let given = granting::role_assignment(user, RoleId::SUPER_ADMIN, None, None, now);
            let mut after = Grants { version: before.version + 1, suspended: false, ..before.clone() };
            after.assignments.retain(|known| !given.replaces(known) && known.effect == super::Effect::Allow);
            after.assignments.push(given);
            let audit = granting::entry(user, "access.bootstrap", Some(&before), &after).by(actor, env, now);
            match self.ports().grants.save(after, before.version, Guard::First, audit).await? {
                GrantOutcome::Saved => return Ok(()),
                GrantOutcome::Guarded => return Err(AccessError::SuperAdminExists),
                GrantOutcome::Stale => {}
            }
        }
        Err(AccessError::Concurrent)
    }

    /// The user as an actor, for a host that has its own way to know who he is: his parts in
    /// stores and what he was given, as storage has them now. (A host that uses sessions gets
    /// the same from [`authenticate`](crate::identity::IdentityService::authenticate).)
    ///
    /// # Errors
    /// [`AccessError::NoUser`], [`AccessError::Forbidden`]; storage.
    pub async fn actor_of(&self, actor: &Actor, user: UserId) -> Result<Actor, AccessError> {
        self.check(actor, &policy::ACCESS_ACTOR_OF, "act for a user")?;
        self.check_user(user).await?;
        Ok(load::actor(&self.context, user).await?)
    }

    /// Permissions that match, by id.
    ///
    /// # Errors
    /// [`AccessError::Forbidden`]; storage; a cursor of another list.
    pub async fn permissions(
        &self,
        actor: &Actor,
        filter: PermissionFilter,
        page: PageRequest,
    ) -> Result<Page<Permission>, AccessError> {
        self.check(actor, &policy::ACCESS_PERMISSIONS, "see permissions")?;
        Ok(self.ports().permissions.list(filter, page).await?)
    }

    /// Adds a permission of the host's own. Its status, version and times are set here.
    ///
    /// # Errors
    /// [`AccessError::Exists`]; a text that is empty or too long; [`AccessError::Forbidden`]; storage.
    pub async fn add_permission(&self, actor: &Actor, new: Permission) -> Result<Permission, AccessError> {
        self.standing(actor, &policy::ACCESS_ADD_PERMISSION, "add permissions").await?;
        text("name", &new.name, 80)?;
        text("description", &new.description, 400)?;
        text("resource", &new.resource, 40)?;
        let now = self.context.env.now();
        let status = PermissionStatus::Active;
        let permission = Permission { status, version: 1, created_at: now, updated_at: now, ..new };
        self.insert_permission(actor, permission.clone(), now).await?;
        Ok(permission)
    }

    /// Deprecates a permission of the host's own, or takes that back. A deprecated one allows
    /// nothing, to nobody.
    ///
    /// # Errors
    /// [`AccessError::System`] for the library's own; [`AccessError::NoPermission`];
    /// [`AccessError::Forbidden`]; storage.
    pub async fn set_permission_status(
        &self,
        actor: &Actor,
        id: &PermissionId,
        status: PermissionStatus,
    ) -> Result<Permission, AccessError> {
        self.standing(actor, &policy::ACCESS_SET_PERMISSION_STATUS, "deprecate permissions").await?;
        if seed::is_seeded(id) {
            return Err(AccessError::System(id.to_string()));
        }
        for _ in 0..ROUNDS {
            let found = self.ports().permissions.get_many(std::slice::from_ref(id)).await?;
            let before = found.into_iter().next().ok_or_else(|| AccessError::NoPermission(vec![id.clone()]))?;
            if before.status == status {
                return Ok(before);
            }
            let (env, now) = (&self.context.env, self.context.env.now());
            let after = Permission { status, version: before.version + 1, updated_at: now, ..before.clone() };
            let audit = permission_entry(id, "permission.update", Some(before.status), status).by(actor, env, now);
            match self.ports().permissions.update(after.clone(), before.version, audit).await? {
                UpdateOutcome::Updated => return Ok(after),
                UpdateOutcome::Stale => {}
            }
        }
        Err(AccessError::Concurrent)
    }

    async fn insert_permission(&self, actor: &Actor, new: Permission, now: Timestamp) -> Result<(), AccessError> {
        let audit = permission_entry(&new.id, "permission.add", None, new.status).by(actor, &self.context.env, now);
        let id = new.id.to_string();
        self.ports().permissions.insert(new, audit).await.map_err(|error| exists(error, id))
    }

    fn ports(&self) -> &AccessPorts {
        &self.context.ports.access
    }

    fn check(&self, actor: &Actor, rule: &Rule, what: &'static str) -> Result<(), AccessError> {
        if self.context.allows(actor, rule) { Ok(()) } else { Err(AccessError::Forbidden(what)) }
    }

    fn check_about(&self, actor: &Actor, rule: &Rule, user: UserId) -> Result<(), AccessError> {
        let decision = self.context.decide(actor, rule, Subject::user(user));
        if decision.is_allowed() { Ok(()) } else { Err(AccessError::NoUser(user)) }
    }

    async fn check_user(&self, user: UserId) -> Result<(), AccessError> {
        let found = self.context.ports.identity.users.get(user).await?;
        found.filter(|user| user.is_active).map(drop).ok_or(AccessError::NoUser(user))
    }

    /// What the actor has himself, as storage says now; and whether that still allows the method.
    async fn standing(&self, actor: &Actor, rule: &Rule, what: &'static str) -> Result<Standing, AccessError> {
        self.check(actor, rule, what)?;
        let (unbound, now) = (actor.is_unbound(), self.context.env.now());
        let effective = match actor.user().filter(|_| !unbound) {
            Some(user) => load::effective(&self.context, user).await?,
            None => super::Effective::default(),
        };
        let standing = Standing { unbound, effective, now };
        match &rule.needs {
            policy::Needs::Platform(permission) => {
                standing.lacks([permission]).map_err(|_| AccessError::Forbidden(what)).map(|()| standing)
            }
            _ => Ok(standing),
        }
    }
}

fn permission_entry(
    id: &PermissionId,
    action: &'static str,
    before: Option<PermissionStatus>,
    after: PermissionStatus,
) -> AuditDraft {
    AuditDraft {
        store_id: None,
        action,
        entity_type: "permission",
        entity_id: id.to_string(),
        old_values: before.map(|status| json!({ "status": status })),
        new_values: Some(json!({ "status": after })),
    }
}

fn role_entry(id: &RoleId, action: &'static str, before: Option<&Role>, after: Option<&Role>) -> AuditDraft {
    let state = |role: &Role| {
        json!({
            "permissions": role.permissions.to_list(), "level": role.level, "scope": role.scope, "status": role.status,
        })
    };
    AuditDraft {
        store_id: None,
        action,
        entity_type: "role",
        entity_id: id.to_string(),
        old_values: before.map(state),
        new_values: after.map(state),
    }
}

fn exists(error: RepositoryError, id: String) -> AccessError {
    match error.kind() {
        RepositoryErrorKind::AlreadyExists { .. } => AccessError::Exists(id),
        _ => error.into(),
    }
}

/// Another process seeds at the same time.
fn exists_is_fine(error: AccessError) -> Result<(), AccessError> {
    if matches!(error, AccessError::Exists(_)) { Ok(()) } else { Err(error) }
}

fn text(field: &'static str, text: &str, max: usize) -> Result<(), AccessError> {
    if has_control(text) {
        return Err(AccessError::Control { field });
    }
    let length = text.trim().chars().count();
    if (1..=max).contains(&length) {
        Ok(())
    } else {
        Err(AccessError::Length { field, unit: "characters", max, length })
    }
}
