//! Who may do what: permissions, roles, what users were given (`permissions`, `roles`,
//! `user_permissions`), and the evaluator.
//!
//! Deny by default; a denial wins; nobody hands out what he does not hold.

mod capability;
mod effective;
mod error;
mod explain;
mod grants;
pub(crate) mod load;
mod permission;
pub mod policy;
mod ports;
mod role;
pub mod seed;
mod service;

pub use capability::{Capabilities, Capability, CapabilityChanges};
pub use effective::Effective;
pub use error::AccessError;
pub use explain::{Explanation, Reason, explain};
pub use grants::{Assignment, AssignmentType, Effect, GrantTarget, Grants, Guard, MAX_ASSIGNMENTS};
pub use permission::{Permission, PermissionAction, PermissionCategory, PermissionId, PermissionStatus, known};
pub use ports::{
    AccessPorts, GrantOutcome, GrantRepository, PermissionFilter, PermissionRepository, RoleFilter, RoleRepository,
};
#[cfg(feature = "testing")]
pub use ports::{MockGrantRepository, MockPermissionRepository, MockRoleRepository};
pub use role::{Level, MAX_ROLE_PERMISSIONS, Role, RoleId, RolePermissions, RoleStatus, Scope};
pub use service::{AccessService, Grant, NewRole, RoleChange};
