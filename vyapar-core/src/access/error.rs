//! Why a permission, role or grant was not changed.

use super::{GrantTarget, MAX_ASSIGNMENTS, PermissionId, RoleId};
use crate::error::RepositoryError;
use crate::id::UserId;
use crate::time::Timestamp;

/// Why a permission, role or grant was not changed. Refusals write nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// The actor may not do this.
    #[error("not allowed to {0}")]
    Forbidden(&'static str),
    /// No such user, or one that is deactivated, or not this actor's to see.
    #[error("no active user `{0}`")]
    NoUser(UserId),
    /// No such role, or a deleted one.
    #[error("no role `{0}`")]
    NoRole(RoleId),
    /// Permissions that do not exist or are deprecated.
    #[error("no such permission, or deprecated: {}", list(.0))]
    NoPermission(Vec<PermissionId>),
    /// The id is taken; a deleted role's stays so.
    #[error("`{0}` exists already, or did")]
    Exists(String),
    /// The role or the user stands as high as who wants to handle it.
    #[error("`{0}` does not stand below who wants to handle it")]
    NotAbove(String),
    /// Permissions that whoever hands them out does not have himself.
    #[error("only permissions one has oneself can be handed out, not: {}", list(.0))]
    NotHeld(Vec<PermissionId>),
    /// A role or permission that the library itself rests on.
    #[error("`{0}` belongs to the system and cannot be deleted or weakened")]
    System(String),
    /// The role is still somebody's.
    #[error("role `{role}` is given to {holders} or more users: revoke it first")]
    InUse {
        /// The role.
        role: RoleId,
        /// How many were found.
        holders: usize,
    },
    /// The platform always keeps a super admin.
    #[error("the platform would have no super admin left")]
    LastSuperAdmin,
    /// There is a super admin already.
    #[error("there is a super admin already")]
    SuperAdminExists,
    /// An end that has passed.
    #[error("an assignment cannot end at {0}, which has passed")]
    Past(Timestamp),
    /// The user was given too much.
    #[error("a user has at most {MAX_ASSIGNMENTS} assignments")]
    TooMany,
    /// A text that is empty or too long, or a list that is too long.
    #[error("{field} needs 1 to {max} {unit}, this one has {length}")]
    Length {
        /// Which one.
        field: &'static str,
        /// Characters or entries.
        unit: &'static str,
        /// At most how many.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// A text with a control character.
    #[error("{field} has a control character in it")]
    Control {
        /// Which text.
        field: &'static str,
    },
    /// Nothing of that kind was given.
    #[error("`{0}` was not given to the user that way")]
    NotGiven(GrantTarget),
    /// Someone else changed the same thing at the same time, again and again.
    #[error("it changed at the same time; try again")]
    Concurrent,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
}

fn list(ids: &[PermissionId]) -> String {
    ids.iter().map(PermissionId::as_str).collect::<Vec<_>>().join(", ")
}
