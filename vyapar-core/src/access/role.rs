//! Roles: permissions under a name, with a level.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::PermissionId;
use super::permission::access_id;
use crate::error::ParseError;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

access_id! {
    /// A role's id (`roles.role_id`): `ROLE_` and capital letters, digits, `_`. The id of a
    /// deleted role is never used again.
    RoleId = "ROLE_", "role id (`ROLE_` and 1 to 59 of A-Z, 0-9, _)"
}

impl RoleId {
    /// The role that may do everything.
    pub const SUPER_ADMIN: Self = Self::known("ROLE_SUPER_ADMIN");
    /// The platform's administrators.
    pub const ADMIN: Self = Self::known("ROLE_ADMIN");
    /// Runs the products of the stores he works for.
    pub const STORE_MANAGER: Self = Self::known("ROLE_STORE_MANAGER");
    /// Keeps the products of the stores he works for.
    pub const CATALOG_EDITOR: Self = Self::known("ROLE_CATALOG_EDITOR");
    /// Sees, in the stores he works for.
    pub const VIEWER: Self = Self::known("ROLE_VIEWER");
}

/// How much privilege a role has (`roles.hierarchy_level`): 1 to 100, lower is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Level(u8);

impl Level {
    /// The most: what a super admin has.
    pub const TOP: Self = Self(1);

    /// The level of that number.
    ///
    /// # Errors
    /// [`ParseError`] outside 1 to 100.
    pub fn new(level: u8) -> Result<Self, ParseError> {
        if (1..=100).contains(&level) {
            Ok(Self(level))
        } else {
            Err(ParseError::new("level (1 to 100)", &level.to_string()))
        }
    }

    pub(crate) const fn known(level: u8) -> Self {
        Self(level)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether someone of this level may handle what has the `other`: only what is strictly
    /// below, but the top level handles itself (DOMAIN section 3).
    #[must_use]
    pub fn outranks(self, other: Self) -> bool {
        self < other || self == Self::TOP
    }
}

impl TryFrom<u8> for Level {
    type Error = ParseError;
    fn try_from(level: u8) -> Result<Self, ParseError> {
        Self::new(level)
    }
}
impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.0
    }
}
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_enum! {
    /// Where permissions act.
    Scope ("scope") {
        /// In every store, and on the platform itself.
        Platform = "platform",
        /// Only in stores where the user has an active `store_users` row.
        Stores = "stores",
    }
}

text_enum! {
    /// Whether a role counts (`roles.status`).
    RoleStatus ("role status") {
        /// Counts.
        Active = "active",
        /// Gives nothing to those who have it.
        Inactive = "inactive",
    }
}

/// What a role gives (`roles.permissions`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RolePermissions {
    /// Every permission there is (stored as `["*"]`).
    All,
    /// These, at most [`MAX_ROLE_PERMISSIONS`].
    Only(BTreeSet<PermissionId>),
}

/// Most permissions one role lists.
pub const MAX_ROLE_PERMISSIONS: usize = 200;

impl RolePermissions {
    /// The stored list: ids, or `*`.
    #[must_use]
    pub fn to_list(&self) -> Vec<String> {
        match self {
            Self::All => vec!["*".to_owned()],
            Self::Only(ids) => ids.iter().map(ToString::to_string).collect(),
        }
    }

    /// What a stored list means.
    ///
    /// # Errors
    /// [`ParseError`] for what is no permission id.
    pub fn from_list<S: AsRef<str>>(list: impl IntoIterator<Item = S>) -> Result<Self, ParseError> {
        let mut ids = BTreeSet::new();
        for id in list {
            if id.as_ref() == "*" {
                return Ok(Self::All);
            }
            ids.insert(id.as_ref().parse()?);
        }
        Ok(Self::Only(ids))
    }

    /// Whether it lists that permission.
    #[must_use]
    pub fn contains(&self, id: &PermissionId) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(id),
        }
    }
}

/// A role (`roles`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name for people (`role_name`).
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it gives.
    pub permissions: RolePermissions,
    /// How much privilege it is.
    pub level: Level,
    /// Where its permissions act.
    pub scope: Scope,
    /// One of the five that the library seeds: it cannot be deleted or weakened.
    pub is_system: bool,
    /// Whether it counts.
    pub status: RoleStatus,
    /// When it was deleted, if it was: then it is in no list, and its id stays taken.
    pub deleted_at: Option<Timestamp>,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Role {
    /// Whether it gives its permissions.
    #[must_use]
    pub const fn counts(&self) -> bool {
        self.deleted_at.is_none() && matches!(self.status, RoleStatus::Active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_strictly_below_but_the_top_handles_itself() {
        let level = |n| Level::new(n).unwrap();
        assert!(level(1).outranks(level(1)));
        assert!(level(10).outranks(level(20)));
        assert!(!level(20).outranks(level(20)));
        assert!(!level(20).outranks(level(10)));
        assert!(Level::new(0).is_err() && Level::new(101).is_err());
    }

    #[test]
    fn a_star_is_every_permission() {
        assert_eq!(RolePermissions::from_list(["*"]).unwrap(), RolePermissions::All);
        let only = RolePermissions::from_list(["PERM_A", "PERM_B"]).unwrap();
        assert_eq!(RolePermissions::from_list(only.to_list()).unwrap(), only);
        assert!(RolePermissions::from_list(["everything"]).is_err());
    }
}
