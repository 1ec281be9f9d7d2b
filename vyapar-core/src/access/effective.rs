//! The evaluator: what follows from all that a user was given. A pure function.

use std::collections::BTreeMap;

use super::{
    AssignmentType, Effect, GrantTarget, Grants, Level, Permission, PermissionId, PermissionStatus, Role, Scope,
};
use crate::time::Timestamp;

/// Until when something counts; `None` is for ever.
type Until = Option<Timestamp>;

/// What a user may do: ((role permissions ∪ direct ∪ override-allow) − override-deny), each
/// only while it has not expired (DOMAIN section 3).
///
/// It keeps the ends of all that it was made of, so it may be held as long as a session: what
/// expires meanwhile stops counting by itself. What is granted or revoked meanwhile it does
/// not know; build it anew for each request that matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    platform: BTreeMap<PermissionId, Until>,
    stores: BTreeMap<PermissionId, Until>,
    denied: BTreeMap<PermissionId, Until>,
    /// Levels of the roles, the highest privilege first.
    levels: Vec<(Level, Until)>,
}

impl Effective {
    /// What follows from `grants`, given the roles and permissions that they name (others may
    /// be among them; one that is missing allows nothing). A role with every permission gives
    /// those that are in `permissions`.
    #[must_use]
    pub fn of(grants: &Grants, roles: &[Role], permissions: &[Permission]) -> Self {
        let mut effective = Self::default();
        if grants.suspended {
            return effective;
        }
        let usable = |id: &PermissionId| {
            permissions.iter().any(|known| known.id == *id && known.status == PermissionStatus::Active)
        };
        for given in &grants.assignments {
            let until = given.expires_at;
            match (&given.target, given.assignment_type, given.effect) {
                (GrantTarget::Permission(id), AssignmentType::Override, Effect::Deny) => {
                    later(effective.denied.entry(id.clone()), until);
                }
                (GrantTarget::Permission(id), AssignmentType::Direct | AssignmentType::Override, Effect::Allow)
                    if usable(id) =>
                {
                    later(effective.at(given.scope).entry(id.clone()), until);
                }
                (GrantTarget::Role(id), AssignmentType::RoleInherited, Effect::Allow) => {
                    let Some(role) = roles.iter().find(|role| role.id == *id && role.counts()) else { continue };
                    effective.levels.push((role.level, until));
                    for permission in permissions {
                        if role.permissions.contains(&permission.id) && permission.status == PermissionStatus::Active {
                            later(effective.at(role.scope).entry(permission.id.clone()), until);
                        }
                    }
                }
                // Permissions that are unknown or deprecated. (No write denies a role or inherits a
                // permission.)
                _ => {}
            }
        }
        effective.levels.sort_unstable_by_key(|(level, _)| *level);
        effective
    }

    fn at(&mut self, scope: Scope) -> &mut BTreeMap<PermissionId, Until> {
        match scope {
            Scope::Platform => &mut self.platform,
            Scope::Stores => &mut self.stores,
        }
    }

    /// Whether an override takes the permission away at `now`.
    #[must_use]
    pub fn denies(&self, id: &PermissionId, now: Timestamp) -> bool {
        counts(self.denied.get(id), now)
    }

    /// Whether it is allowed everywhere at `now`.
    #[must_use]
    pub fn allows_everywhere(&self, id: &PermissionId, now: Timestamp) -> bool {
        counts(self.platform.get(id), now) && !self.denies(id, now)
    }

    /// Whether it is allowed at `now` in the stores where the user is an active member.
    #[must_use]
    pub fn allows_in_own_stores(&self, id: &PermissionId, now: Timestamp) -> bool {
        (counts(self.stores.get(id), now) || counts(self.platform.get(id), now)) && !self.denies(id, now)
    }

    /// Whether it is allowed at `now` in that scope.
    #[must_use]
    pub fn allows(&self, id: &PermissionId, scope: Scope, now: Timestamp) -> bool {
        match scope {
            Scope::Platform => self.allows_everywhere(id, now),
            Scope::Stores => self.allows_in_own_stores(id, now),
        }
    }

    /// Whether it is allowed everywhere from `now` until `end`, without an end for `None`.
    #[must_use]
    pub fn allows_everywhere_until(&self, id: &PermissionId, now: Timestamp, end: Option<Timestamp>) -> bool {
        self.allows_everywhere(id, now) && self.platform.get(id).is_some_and(|own| covers(*own, end))
    }

    /// The level of the most privileged role that lasts from `now` until `end`.
    #[must_use]
    pub fn level_until(&self, now: Timestamp, end: Option<Timestamp>) -> Option<Level> {
        let counts = |until: Until| until.is_none_or(|until| now < until) && covers(until, end);
        self.levels.iter().find(|(_, until)| counts(*until)).map(|(level, _)| *level)
    }

    /// The level of the most privileged role at `now`; none without a role.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> Option<Level> {
        self.levels.iter().find(|(_, until)| until.is_none_or(|until| now < until)).map(|(level, _)| *level)
    }

    /// What is allowed at `now` in that scope, sorted.
    pub fn permissions(&self, scope: Scope, now: Timestamp) -> impl Iterator<Item = &PermissionId> {
        let (own, more) = match scope {
            Scope::Platform => (&self.platform, None),
            Scope::Stores => (&self.stores, Some(&self.platform)),
        };
        let mut ids: Vec<_> = own.keys().chain(more.into_iter().flat_map(BTreeMap::keys)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter(move |id| self.allows(id, scope, now))
    }
}

fn later(entry: std::collections::btree_map::Entry<'_, PermissionId, Until>, until: Until) {
    entry.and_modify(|known| *known = known.and_then(|known| until.map(|until| known.max(until)))).or_insert(until);
}

/// Whether what lasts until `own` lasts until `end`.
fn covers(own: Until, end: Until) -> bool {
    own.is_none_or(|own| end.is_some_and(|end| end <= own))
}

fn counts(until: Option<&Until>, now: Timestamp) -> bool {
    until.is_some_and(|until| until.is_none_or(|until| now < until))
}
