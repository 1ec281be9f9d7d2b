//! Storage of permissions, roles and what users were given.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Assignment, GrantTarget, Grants, Guard, Permission, PermissionCategory, PermissionId, PermissionStatus, Role,
    RoleId, RoleStatus,
};
use crate::error::Stored;
use crate::id::UserId;
use crate::page::{Page, PageRequest};
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};

/// Which permissions to list. Every given field must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionFilter {
    /// Only of this category.
    pub category: Option<PermissionCategory>,
    /// Only of this status.
    pub status: Option<PermissionStatus>,
}

/// Storage of permissions (`permissions`). They are never deleted.
///
/// # Contract
/// A write stores its audit entry in the same transaction, or neither. `get_many` reads what
/// the last completed write wrote; `list` may lag behind.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PermissionRepository: Send + Sync {
    /// Adds a permission. The same id again is [`AlreadyExists`] with `permissions.permission_id`.
    ///
    /// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
    async fn insert(&self, permission: Permission, audit: AuditEntry) -> Stored<()>;

    /// Those of these ids that there are, in any order; at most 200 ids, beyond it
    /// [`LimitExceeded`](crate::RepositoryErrorKind::LimitExceeded).
    async fn get_many(&self, ids: &[PermissionId]) -> Stored<Vec<Permission>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id` and `created_at` never change.
    async fn update(&self, permission: Permission, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome>;

    /// Permissions that match, by id.
    async fn list(&self, filter: PermissionFilter, page: PageRequest) -> Stored<Page<Permission>>;
}

/// Which roles to list. Every given field must match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoleFilter {
    /// Only of this status.
    pub status: Option<RoleStatus>,
}

/// Storage of roles (`roles`). A deleted role stays, marked, so that its id is never used again.
///
/// # Contract
/// A write stores its audit entry in the same transaction, or neither. `get_many` reads what
/// the last completed write wrote; `list` may lag behind.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RoleRepository: Send + Sync {
    /// Adds a role. The same id again, also a deleted role's, is [`AlreadyExists`] with
    /// `roles.role_id`.
    ///
    /// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
    async fn insert(&self, role: Role, audit: AuditEntry) -> Stored<()>;

    /// Those of these ids that there are, deleted ones included, in any order; at most 200 ids,
    /// beyond it [`LimitExceeded`](crate::RepositoryErrorKind::LimitExceeded).
    async fn get_many(&self, ids: &[RoleId]) -> Stored<Vec<Role>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id`, `is_system` and `created_at` never change.
    async fn update(&self, role: Role, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome>;

    /// Roles that match and are not deleted, by level, then id.
    async fn list(&self, filter: RoleFilter, page: PageRequest) -> Stored<Page<Role>>;
}

/// How a write of grants ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantOutcome {
    /// Stored.
    Saved,
    /// Of another version: read again and decide anew.
    Stale,
    /// The guard refused it: it would have removed the last super admin, or was to make the
    /// first one where there is one. Nothing was written.
    Guarded,
}

/// Storage of what users were given (`user_permissions`).
///
/// # Contract
/// - A user's grants are one record, written by compare-and-set on its version; each of its
///   assignments is also a row of its `assignment_id`, and those that it no longer has are gone.
/// - The number of super admins is one record too, moved by the same write as its [`Guard`]
///   says ([`Guard::applied_to`]), or the write is refused whole. A write of another version is
///   `Stale` whatever its guard says.
/// - `of_user` reads what the last completed write wrote; `holders` may lag behind. Expired
///   assignments are listed as long as they are stored.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait GrantRepository: Send + Sync {
    /// All that the user was given.
    async fn of_user(&self, user: UserId) -> Stored<Option<Grants>>;

    /// Stores the grants (whose `version` is `expected + 1`) where the stored version is
    /// `expected`; 0 means that there are none yet. More than
    /// [`MAX_ASSIGNMENTS`](super::MAX_ASSIGNMENTS) is
    /// [`LimitExceeded`](crate::RepositoryErrorKind::LimitExceeded).
    async fn save(&self, grants: Grants, expected: u64, guard: Guard, audit: AuditEntry) -> Stored<GrantOutcome>;

    /// Who was given exactly this, allowed or denied, by user id, then type.
    async fn holders(&self, target: &GrantTarget, page: PageRequest) -> Stored<Page<Assignment>>;
}

/// What the `access` area needs of one adapter.
#[derive(Clone)]
pub struct AccessPorts {
    /// The permissions.
    pub permissions: Arc<dyn PermissionRepository>,
    /// The roles.
    pub roles: Arc<dyn RoleRepository>,
    /// What users were given.
    pub grants: Arc<dyn GrantRepository>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
