//! The 22 permissions and 5 roles that every installation has (DOMAIN section 3).

use super::permission::{
    Permission, PermissionAction as A, PermissionCategory as C, PermissionId, PermissionStatus, known,
};
use super::role::{Level, Role, RoleId, RolePermissions, RoleStatus, Scope};
use crate::time::Timestamp;

/// The permissions, as of `now`.
#[must_use]
pub fn permissions(now: Timestamp) -> Vec<Permission> {
    let rows: [(PermissionId, &str, &str, C, &str, A); 22] = [
        (
            known::PRODUCT_CREATE,
            "Create products",
            "Add products to a store",
            C::ProductManagement,
            "products",
            A::Create,
        ),
        (
            known::PRODUCT_READ,
            "See products",
            "See products with their stock",
            C::ProductManagement,
            "products",
            A::Read,
        ),
        (
            known::PRODUCT_UPDATE,
            "Change products",
            "Set prices and change stock",
            C::ProductManagement,
            "products",
            A::Update,
        ),
        (
            known::PRODUCT_DELETE,
            "Withdraw products",
            "Take products out of sale",
            C::ProductManagement,
            "products",
            A::Delete,
        ),
        (
            known::PRODUCT_EXPORT,
            "Export products",
            "Take the catalogue out",
            C::ProductManagement,
            "products",
            A::Export,
        ),
        (
            known::PRODUCT_IMPORT_BULK,
            "Import products",
            "Bring products in, in bulk",
            C::ProductManagement,
            "products",
            A::Import,
        ),
        (known::USER_CREATE, "Create users", "Make accounts for others", C::UserManagement, "users", A::Create),
        (
            known::USER_READ,
            "See users",
            "See accounts, their rights and how to reach them",
            C::UserManagement,
            "users",
            A::Read,
        ),
        (known::USER_UPDATE, "Change users", "Change the profiles of others", C::UserManagement, "users", A::Update),
        (
            known::USER_DELETE,
            "Deactivate users",
            "Deactivate, take back and erase accounts",
            C::UserManagement,
            "users",
            A::Delete,
        ),
        (
            known::USER_ASSIGN_ROLES,
            "Assign roles",
            "Give roles to users and take them back",
            C::UserManagement,
            "users",
            A::Configure,
        ),
        (
            known::USER_ASSIGN_PERMISSIONS,
            "Assign permissions",
            "Give, override and take back permissions",
            C::UserManagement,
            "users",
            A::Configure,
        ),
        (known::ROLE_CREATE, "Create roles", "Make roles", C::RoleManagement, "roles", A::Create),
        (known::ROLE_READ, "See roles", "See roles and permissions", C::RoleManagement, "roles", A::Read),
        (known::ROLE_UPDATE, "Change roles", "Change what roles give", C::RoleManagement, "roles", A::Update),
        (known::ROLE_DELETE, "Delete roles", "Delete roles that nobody has", C::RoleManagement, "roles", A::Delete),
        (known::ANALYTICS_VIEW, "See analytics", "See figures", C::Analytics, "analytics", A::Read),
        (known::ANALYTICS_REPORTS_GENERATE, "Make reports", "Make reports", C::Analytics, "reports", A::Create),
        (known::ANALYTICS_REPORTS_EXPORT, "Export reports", "Take reports out", C::Analytics, "reports", A::Export),
        (
            known::SETTINGS_VIEW,
            "See settings",
            "See settings, stores that are not active, the audit log",
            C::Settings,
            "settings",
            A::Read,
        ),
        (
            known::SETTINGS_UPDATE,
            "Change settings",
            "Change settings; let stores in and suspend them",
            C::Settings,
            "settings",
            A::Update,
        ),
        (
            known::SETTINGS_SYSTEM_CONFIG,
            "Operate the platform",
            "Recovery, sweeps, orders of every store, new permissions",
            C::Settings,
            "settings",
            A::Configure,
        ),
    ];
    rows.map(|(id, name, description, category, resource, action)| Permission {
        id,
        name: name.to_owned(),
        description: description.to_owned(),
        category,
        resource: resource.to_owned(),
        action,
        status: PermissionStatus::Active,
        version: 1,
        created_at: now,
        updated_at: now,
    })
    .into()
}

/// The roles, as of `now`.
#[must_use]
pub fn roles(now: Timestamp) -> Vec<Role> {
    let of = |wanted: &dyn Fn(&Permission) -> bool| {
        RolePermissions::Only(permissions(now).into_iter().filter(wanted).map(|known| known.id).collect())
    };
    let admin = of(&|p| p.category != C::RoleManagement || p.id == known::ROLE_READ);
    let manager = of(&|p| p.category == C::Analytics || [known::PRODUCT_READ, known::PRODUCT_UPDATE].contains(&p.id));
    let editor = of(&|p| p.category == C::ProductManagement && p.action != A::Import);
    let reads = [known::PRODUCT_READ, known::USER_READ, known::ROLE_READ, known::ANALYTICS_VIEW, known::SETTINGS_VIEW];
    let viewer = of(&|p| reads.contains(&p.id));
    let rows = [
        (RoleId::SUPER_ADMIN, "Super admin", "Everything, everywhere", RolePermissions::All, 1, Scope::Platform),
        (RoleId::ADMIN, "Admin", "Products, users, analytics and settings of the platform", admin, 10, Scope::Platform),
        (RoleId::STORE_MANAGER, "Store manager", "Products and analytics of his stores", manager, 20, Scope::Stores),
        (RoleId::CATALOG_EDITOR, "Catalogue editor", "Products of his stores", editor, 30, Scope::Stores),
        (RoleId::VIEWER, "Viewer", "Sees, in his stores", viewer, 50, Scope::Stores),
    ];
    rows.map(|(id, name, description, permissions, level, scope)| Role {
        id,
        name: name.to_owned(),
        description: description.to_owned(),
        permissions,
        level: Level::known(level),
        scope,
        is_system: true,
        status: RoleStatus::Active,
        deleted_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
    .into()
}

/// Whether the permission is one of the library's own.
pub(super) fn is_seeded(id: &PermissionId) -> bool {
    permissions(Timestamp::UNIX_EPOCH).iter().any(|known| known.id == *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_22_permissions_and_5_roles_with_what_the_rules_say() {
        let now = Timestamp::UNIX_EPOCH;
        let all: std::collections::BTreeSet<_> = permissions(now).into_iter().map(|known| known.id).collect();
        assert_eq!(all.len(), 22);
        let counts: Vec<_> = roles(now)
            .iter()
            .map(|role| match &role.permissions {
                RolePermissions::All => (role.level.get(), role.scope, 22),
                RolePermissions::Only(ids) => (role.level.get(), role.scope, ids.len()),
            })
            .collect();
        use Scope::{Platform, Stores};
        assert_eq!(counts, [(1, Platform, 22), (10, Platform, 19), (20, Stores, 5), (30, Stores, 5), (50, Stores, 5)]);
    }
}
