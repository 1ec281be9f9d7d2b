//! Why a user may, or may not: which rows allow or deny.

use super::{
    Assignment, AssignmentType, Effect, Effective, GrantTarget, Grants, Permission, PermissionId, PermissionStatus,
    Role, RoleId, Scope,
};
use crate::time::Timestamp;

/// One thing that speaks for or against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no such permission.
    Unknown,
    /// The permission is deprecated.
    Deprecated,
    /// The account is deactivated.
    Suspended,
    /// An override takes it away, whatever the rest says.
    DeniedBy(Assignment),
    /// An assignment gives it, in that scope; by the role, if it is one.
    AllowedBy {
        /// The assignment.
        by: Assignment,
        /// The role that it comes with.
        role: Option<RoleId>,
        /// Where it counts.
        scope: Scope,
    },
    /// An assignment of it that has ended.
    Expired(Assignment),
    /// A role that would give it, but is inactive or deleted.
    RoleDoesNotCount(RoleId),
    /// Nothing gives it.
    NotGiven,
}

/// Why a user may use a permission, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The permission.
    pub permission: PermissionId,
    /// Whether it counts everywhere.
    pub everywhere: bool,
    /// Whether it counts in stores where the user is an active member.
    pub in_own_stores: bool,
    /// What decides it, and what would have if it still counted.
    pub reasons: Vec<Reason>,
}

/// Explains what [`Effective::of`] decides from the same rows.
#[must_use]
pub fn explain(
    permission: &PermissionId,
    grants: &Grants,
    roles: &[Role],
    permissions: &[Permission],
    now: Timestamp,
) -> Explanation {
    let effective = Effective::of(grants, roles, permissions);
    let mut reasons = Vec::new();
    match permissions.iter().find(|known| known.id == *permission).map(|known| known.status) {
        None => reasons.push(Reason::Unknown),
        Some(PermissionStatus::Deprecated) => reasons.push(Reason::Deprecated),
        Some(PermissionStatus::Active) => {}
    }
    if grants.suspended {
        reasons.push(Reason::Suspended);
    }
    for given in &grants.assignments {
        match &given.target {
            GrantTarget::Permission(id) if id == permission => reasons.push(direct(given, now)),
            GrantTarget::Role(id) => reasons.extend(by_role(given, id, permission, roles, now)),
            GrantTarget::Permission(_) => {}
        }
    }
    if reasons.is_empty() {
        reasons.push(Reason::NotGiven);
    }
    Explanation {
        permission: permission.clone(),
        everywhere: effective.allows_everywhere(permission, now),
        in_own_stores: effective.allows_in_own_stores(permission, now),
        reasons,
    }
}

fn direct(given: &Assignment, now: Timestamp) -> Reason {
    match (given.counts_at(now), given.assignment_type, given.effect) {
        (false, ..) => Reason::Expired(given.clone()),
        (true, AssignmentType::Override, Effect::Deny) => Reason::DeniedBy(given.clone()),
        (true, ..) => Reason::AllowedBy { by: given.clone(), role: None, scope: given.scope },
    }
}

fn by_role(
    given: &Assignment,
    id: &RoleId,
    permission: &PermissionId,
    roles: &[Role],
    now: Timestamp,
) -> Option<Reason> {
    let role = roles.iter().find(|role| role.id == *id)?;
    if !role.permissions.contains(permission) {
        return None;
    }
    Some(if !role.counts() {
        Reason::RoleDoesNotCount(id.clone())
    } else if given.counts_at(now) {
        Reason::AllowedBy { by: given.clone(), role: Some(id.clone()), scope: role.scope }
    } else {
        Reason::Expired(given.clone())
    })
}
