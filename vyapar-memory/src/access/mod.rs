//! Permissions, roles, and what users were given.

mod grants;
mod permissions;
mod roles;

pub(crate) use grants::AllGrants;
pub(crate) use permissions::Permissions;
pub(crate) use roles::Roles;
