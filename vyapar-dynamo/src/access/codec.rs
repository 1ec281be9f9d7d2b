//! Permissions, roles and grants as items. The golden tests in `tests/it/golden.rs` pin what is
//! written here.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::access::{Assignment, Grants, Permission, Role, RolePermissions};
use vyapar_core::error::Stored;
use vyapar_core::id::UserId;

use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, number, text, time, ttl};
use crate::keys;
use crate::tables::{PERMISSIONS, ROLES, TTL, USER_PERMISSIONS};

/// The attributes an update of a permission may change.
const PERMISSION: &[&str] =
    &["name", "description", "category", "resource", "action", "status", "version", "updated_at"];

/// The attributes an update of a role may change.
const ROLE: &[&str] = &[
    "role_name",
    "description",
    "permissions",
    "hierarchy_level",
    "scope",
    "status",
    "deleted_at",
    "deleted_status",
    "version",
    "updated_at",
];

pub(super) fn permission_item(permission: &Permission) -> Attributes {
    ItemBuilder::new()
        .extend(keys::permission(&permission.id))
        .with("name", text(&permission.name))
        .with("description", text(&permission.description))
        .with("category", text(permission.category))
        .with("resource", text(&permission.resource))
        .with("action", text(permission.action))
        .with("status", text(permission.status))
        .with("version", number(permission.version))
        .with("created_at", time(permission.created_at))
        .with("updated_at", time(permission.updated_at))
        .build()
}

pub(super) fn permission_change(permission: &Permission) -> Expression {
    Expression::to_state(permission_item(permission), PERMISSION, None)
}

pub(super) fn read_permission(item: &Attributes) -> Stored<Permission> {
    let row = Row::new(PERMISSIONS.name, item);
    Ok(Permission {
        id: row.parse("permission_id")?,
        name: row.string("name")?,
        description: row.string("description")?,
        category: row.parse("category")?,
        resource: row.string("resource")?,
        action: row.parse("action")?,
        status: row.parse("status")?,
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

pub(super) fn role_item(role: &Role) -> Attributes {
    // A deleted role keeps its status under another name, and so leaves the index.
    let status = if role.deleted_at.is_none() { "status" } else { "deleted_status" };
    let permissions = role.permissions.to_list();
    ItemBuilder::new()
        .extend(keys::role(&role.id))
        .with("role_name", text(&role.name))
        .with("description", text(&role.description))
        .maybe("permissions", (!permissions.is_empty()).then_some(AttributeValue::Ss(permissions)))
        .with("hierarchy_level", number(role.level))
        .with("scope", text(role.scope))
        .with("is_system_role", AttributeValue::Bool(role.is_system))
        .with(status, text(role.status))
        .maybe("deleted_at", role.deleted_at.map(time))
        .with("version", number(role.version))
        .with("created_at", time(role.created_at))
        .with("updated_at", time(role.updated_at))
        .build()
}

pub(super) fn role_change(role: &Role) -> Expression {
    Expression::to_state(role_item(role), ROLE, None)
}

pub(super) fn read_role(item: &Attributes) -> Stored<Role> {
    let row = Row::new(ROLES.name, item);
    let deleted_at = row.maybe_parse("deleted_at")?;
    let level = row.parse::<u8>("hierarchy_level")?;
    Ok(Role {
        id: row.parse("role_id")?,
        name: row.string("role_name")?,
        description: row.string("description")?,
        permissions: RolePermissions::from_list(row.texts("permissions")?).map_err(|_| row.corrupt("permissions"))?,
        level: level.try_into().map_err(|_| row.corrupt("hierarchy_level"))?,
        scope: row.parse("scope")?,
        is_system: row.flag("is_system_role")?,
        status: row.parse(if deleted_at.is_none() { "status" } else { "deleted_status" })?,
        deleted_at,
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

/// All that a user was given: the item that decides. `leftover` are ids of assignments that are
/// gone, and whose own items are not yet.
pub(super) fn grants_item(grants: &Grants, leftover: &[String]) -> Attributes {
    let assignments = grants.assignments.iter().map(|given| AttributeValue::M(assigned(given).build())).collect();
    ItemBuilder::new()
        .extend(keys::grants(grants.user_id))
        .with("user_id", text(grants.user_id))
        .with("suspended", AttributeValue::Bool(grants.suspended))
        .with("assignments", AttributeValue::L(assignments))
        .maybe("leftover", (!leftover.is_empty()).then(|| AttributeValue::Ss(leftover.to_vec())))
        .with("version", number(grants.version))
        .build()
}

pub(super) fn read_grants(item: &Attributes) -> Stored<Grants> {
    let row = Row::new(USER_PERMISSIONS.name, item);
    let user_id = row.parse("user_id")?;
    let assignments = row.rows("assignments")?;
    Ok(Grants {
        user_id,
        suspended: row.flag("suspended")?,
        assignments: assignments.into_iter().map(|row| read_assigned(user_id, row)).collect::<Stored<_>>()?,
        version: row.parse("version")?,
    })
}

pub(super) fn read_leftover(item: &Attributes) -> Stored<&[String]> {
    Row::new(USER_PERMISSIONS.name, item).texts("leftover")
}

/// One assignment, for the indexes; it is never read but by its keys.
pub(super) fn assignment_item(id: &str, given: &Assignment) -> Attributes {
    assigned(given)
        .extend(keys::assignment(id))
        .with("user_id", text(given.user_id))
        .maybe(TTL, given.expires_at.map(ttl))
        .build()
}

fn assigned(given: &Assignment) -> ItemBuilder {
    ItemBuilder::new()
        .with("permission_id", text(&given.target))
        .with("assignment_type", text(given.assignment_type))
        .with("effect", text(given.effect))
        .with("scope", text(given.scope))
        .maybe("granted_by", given.granted_by.map(text))
        .maybe("expires_at", given.expires_at.map(time))
        .with("assigned_at", time(given.assigned_at))
}

fn read_assigned(user_id: UserId, row: Row<'_>) -> Stored<Assignment> {
    Ok(Assignment {
        user_id,
        target: row.parse("permission_id")?,
        assignment_type: row.parse("assignment_type")?,
        effect: row.parse("effect")?,
        scope: row.parse("scope")?,
        granted_by: row.maybe_parse("granted_by")?,
        expires_at: row.maybe_parse("expires_at")?,
        assigned_at: row.parse("assigned_at")?,
    })
}
