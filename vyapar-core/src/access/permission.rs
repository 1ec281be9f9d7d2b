//! Permissions: what the platform can allow.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ParseError;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// Declares an id: a prefix and 1 to 59 capital letters, digits and underscores.
macro_rules! access_id {
    ($(#[$doc:meta])* $name:ident = $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Cow<'static, str>);

        impl $name {
            pub(crate) const fn known(id: &'static str) -> Self { Self(Cow::Borrowed(id)) }
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl FromStr for $name {
            type Err = ParseError;
            fn from_str(s: &str) -> Result<Self, ParseError> {
                let tail = s.strip_prefix($prefix).unwrap_or_default();
                let fits = (1..=59).contains(&tail.len())
                    && tail.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
                if fits { Ok(Self(Cow::Owned(s.to_owned()))) } else { Err(ParseError::new($what, s)) }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(s: String) -> Result<Self, ParseError> { s.parse() }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0.into_owned() }
        }
    };
}
pub(super) use access_id;

access_id! {
    /// A permission's id (`permissions.permission_id`): `PERM_` and capital letters, digits, `_`.
    PermissionId = "PERM_", "permission id (`PERM_` and 1 to 59 of A-Z, 0-9, _)"
}

text_enum! {
    /// What a permission is about (`permissions.category`).
    PermissionCategory ("permission category") {
        /// Products.
        ProductManagement = "product_management",
        /// User accounts.
        UserManagement = "user_management",
        /// Roles.
        RoleManagement = "role_management",
        /// Reports.
        Analytics = "analytics",
        /// Settings.
        Settings = "settings",
    }
}

text_enum! {
    /// What a permission allows to do (`permissions.action`).
    PermissionAction ("permission action") {
        /// Make new ones.
        Create = "create",
        /// See.
        Read = "read",
        /// Change.
        Update = "update",
        /// Remove.
        Delete = "delete",
        /// Take out.
        Export = "export",
        /// Bring in, in bulk.
        Import = "import",
        /// Set up, hand out.
        Configure = "configure",
    }
}

text_enum! {
    /// Whether a permission still counts (`permissions.status`). It is never deleted.
    PermissionStatus ("permission status") {
        /// Counts.
        Active = "active",
        /// Allows nothing any more, to nobody.
        Deprecated = "deprecated",
    }
}

/// A permission (`permissions`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Its id.
    pub id: PermissionId,
    /// Its name for people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it is about.
    pub category: PermissionCategory,
    /// The thing it is about (`products`).
    pub resource: String,
    /// What it allows.
    pub action: PermissionAction,
    /// Whether it counts.
    pub status: PermissionStatus,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The permissions that the library itself asks for; [`AccessService::seed`](super::AccessService::seed)
/// stores them.
pub mod known {
    use super::PermissionId;

    macro_rules! known {
        ($($name:ident = $id:literal;)*) => {$(
            #[doc = concat!("`", $id, "`")]
            pub const $name: PermissionId = PermissionId::known($id);
        )*};
    }
    known! {
        PRODUCT_CREATE = "PERM_PRODUCT_CREATE";
        PRODUCT_READ = "PERM_PRODUCT_READ";
        PRODUCT_UPDATE = "PERM_PRODUCT_UPDATE";
        PRODUCT_DELETE = "PERM_PRODUCT_DELETE";
        PRODUCT_EXPORT = "PERM_PRODUCT_EXPORT";
        PRODUCT_IMPORT_BULK = "PERM_PRODUCT_IMPORT_BULK";
        USER_CREATE = "PERM_USER_CREATE";
        USER_READ = "PERM_USER_READ";
        USER_UPDATE = "PERM_USER_UPDATE";
        USER_DELETE = "PERM_USER_DELETE";
        USER_ASSIGN_ROLES = "PERM_USER_ASSIGN_ROLES";
        USER_ASSIGN_PERMISSIONS = "PERM_USER_ASSIGN_PERMISSIONS";
        ROLE_CREATE = "PERM_ROLE_CREATE";
        ROLE_READ = "PERM_ROLE_READ";
        ROLE_UPDATE = "PERM_ROLE_UPDATE";
        ROLE_DELETE = "PERM_ROLE_DELETE";
        ANALYTICS_VIEW = "PERM_ANALYTICS_VIEW";
        ANALYTICS_REPORTS_GENERATE = "PERM_ANALYTICS_REPORTS_GENERATE";
        ANALYTICS_REPORTS_EXPORT = "PERM_ANALYTICS_REPORTS_EXPORT";
        SETTINGS_VIEW = "PERM_SETTINGS_VIEW";
        SETTINGS_UPDATE = "PERM_SETTINGS_UPDATE";
        SETTINGS_SYSTEM_CONFIG = "PERM_SETTINGS_SYSTEM_CONFIG";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_shape() {
        assert_eq!("PERM_PRODUCT_READ".parse::<PermissionId>().unwrap(), known::PRODUCT_READ);
        for bad in ["", "PERM_", "ROLE_X", "PERM_x", "PERM_A B", "*", &format!("PERM_{}", "A".repeat(60))] {
            assert!(bad.parse::<PermissionId>().is_err(), "{bad}");
        }
    }
}
