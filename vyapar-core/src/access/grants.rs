//! What one user was given: the aggregate that every grant and revocation goes through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{PermissionId, RoleId, Scope};
use crate::error::ParseError;
use crate::id::UserId;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// How something was given (`user_permissions.assignment_type`). Part of the key: one
    /// permission can be given directly and overridden too.
    AssignmentType ("assignment type") {
        /// A permission of his own.
        Direct = "direct",
        /// A role, with all it gives.
        RoleInherited = "role_inherited",
        /// A permission allowed or denied whatever the rest says; deny wins.
        Override = "override",
    }
}

text_enum! {
    /// What an assignment does.
    Effect ("effect of an assignment") {
        /// Gives.
        Allow = "allow",
        /// Takes away. Only overrides can.
        Deny = "deny",
    }
}

/// What is given: a permission, or a role (`user_permissions.permission_id` holds either's id).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GrantTarget {
    /// One permission.
    Permission(PermissionId),
    /// A role.
    Role(RoleId),
}

impl GrantTarget {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Permission(id) => id.as_str(),
            Self::Role(id) => id.as_str(),
        }
    }
}

impl FromStr for GrantTarget {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        if s.starts_with("ROLE_") { s.parse().map(Self::Role) } else { s.parse().map(Self::Permission) }
    }
}
impl fmt::Display for GrantTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl TryFrom<String> for GrantTarget {
    type Error = ParseError;
    fn try_from(s: String) -> Result<Self, ParseError> {
        s.parse()
    }
}
impl From<GrantTarget> for String {
    fn from(target: GrantTarget) -> Self {
        target.as_str().to_owned()
    }
}

/// One assignment (`user_permissions`). Never updated: another one takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Whose it is.
    pub user_id: UserId,
    /// What is given.
    pub target: GrantTarget,
    /// How.
    pub assignment_type: AssignmentType,
    /// Whether it gives or takes away.
    pub effect: Effect,
    /// Where it acts; a role's own scope counts instead, and a denial acts everywhere.
    pub scope: Scope,
    /// Who gave it; none for what [`bootstrap`](super::AccessService::bootstrap) gave.
    pub granted_by: Option<UserId>,
    /// From when on it no longer counts.
    pub expires_at: Option<Timestamp>,
    /// When it was given.
    pub assigned_at: Timestamp,
}

impl Assignment {
    /// `{user_id}#{assignment_type}#{permission_id}`, the spec's key with the type added, so
    /// that the three types can stand side by side.
    #[must_use]
    pub fn assignment_id(&self) -> String {
        format!("{}#{}#{}", self.user_id, self.assignment_type, self.target)
    }

    /// Whether it takes the place of the other.
    #[must_use]
    pub fn replaces(&self, other: &Self) -> bool {
        (self.user_id, self.assignment_type) == (other.user_id, other.assignment_type) && self.target == other.target
    }

    /// Whether it counts at `now`.
    #[must_use]
    pub fn counts_at(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

/// Most assignments one user has.
pub const MAX_ASSIGNMENTS: usize = 64;

/// All that one user was given, written as one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// Whose.
    pub user_id: UserId,
    /// Whether nothing of it counts, because the account is (being) deactivated.
    pub suspended: bool,
    /// The assignments, at most [`MAX_ASSIGNMENTS`], each key once.
    pub assignments: Vec<Assignment>,
    /// The version that the next write must name; 0 before the first.
    pub version: u64,
}

impl Grants {
    /// Nothing given so far.
    #[must_use]
    pub const fn none(user_id: UserId) -> Self {
        Self { user_id, suspended: false, assignments: Vec::new(), version: 0 }
    }

    /// Whether this user counts as one of the platform's super admins: the role without an
    /// end, and nothing that takes away from it. There is always at least one once there was
    /// one, which the [`Guard`] of each write sees to.
    #[must_use]
    pub fn is_super_admin(&self) -> bool {
        !self.suspended
            && self.assignments.iter().any(|given| {
                given.assignment_type == AssignmentType::RoleInherited
                    && matches!(&given.target, GrantTarget::Role(id) if *id == RoleId::SUPER_ADMIN)
                    && given.expires_at.is_none()
            })
            && !self.assignments.iter().any(|given| given.effect == Effect::Deny)
    }
}

/// What a write of grants does to the number of super admins. It is counted in the same write,
/// so that two who remove each other at once cannot both succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Keep,
    /// It makes the first one: refused unless there is none.
    First,
    /// It makes one more.
    Add,
    /// It makes one fewer: refused if that was the last.
    Remove,
}

impl Guard {
    /// What going from `before` to `after` does.
    #[must_use]
    pub fn of(before: &Grants, after: &Grants) -> Self {
        match (before.is_super_admin(), after.is_super_admin()) {
            (false, true) => Self::Add,
            (true, false) => Self::Remove,
            _ => Self::Keep,
        }
    }

    /// What the count becomes, or `None` where the write is refused: the rule that adapters
    /// apply in their own way.
    #[must_use]
    pub fn applied_to(self, count: u64) -> Option<u64> {
        match self {
            Self::Keep => Some(count),
            Self::First => (count == 0).then_some(1),
            Self::Add => Some(count.saturating_add(1)),
            Self::Remove => count.checked_sub(1).filter(|left| *left > 0),
        }
    }
}
