//! Every table of this adapter.

use super::{IndexDefinition, KeyAttribute, TableDefinition};

/// Orders with items and history inside; markers of abandoned ones; tracking ids.
pub const ORDERS: TableDefinition = TableDefinition {
    name: "orders",
    partition_key: ("store_id", KeyAttribute::Text),
    sort_key: Some(("id", KeyAttribute::Text)),
    indexes: &[
        // The spec's two. `store_status` is `{store}#{status}`: by status alone one partition
        // would hold every store's placed orders, mixed and hot.
        IndexDefinition::by_text("customer_id-index", "customer_id", "id"),
        IndexDefinition::by_text("status-index", "store_status", "id"),
        IndexDefinition::by_text("recover-index", "recover_shard", "recover_at"),
    ],
    ttl: None,
};

/// How much of each product there is.
pub const STOCK: TableDefinition = TableDefinition {
    name: "stock",
    partition_key: ("store_id", KeyAttribute::Text),
    sort_key: Some(("product_id", KeyAttribute::Text)),
    indexes: &[],
    ttl: None,
};

/// Every change of a product's stock, by its number.
pub const STOCK_MOVEMENTS: TableDefinition = TableDefinition {
    name: "stock-movements",
    partition_key: ("store_product", KeyAttribute::Text),
    sort_key: Some(("seq", KeyAttribute::Number)),
    indexes: &[],
    ttl: None,
};

/// Operations on stock that were applied, so that none is applied twice.
pub const STOCK_OPERATIONS: TableDefinition = TableDefinition {
    name: "stock-operations",
    partition_key: ("store_id", KeyAttribute::Text),
    sort_key: Some(("operation_id", KeyAttribute::Text)),
    indexes: &[],
    ttl: None,
};

/// Stock held for orders.
pub const RESERVATIONS: TableDefinition = TableDefinition {
    name: "reservations",
    partition_key: ("store_id", KeyAttribute::Text),
    sort_key: Some(("reservation_id", KeyAttribute::Text)),
    indexes: &[
        // Only reservations that hold stock are in it.
        IndexDefinition::by_text("holding-index", "holding_store", "holding"),
        // Only open ones are in it.
        IndexDefinition::by_text("recover-index", "recover_shard", "recover_at"),
    ],
    ttl: None,
};

/// The audit log of this adapter's own writes.
pub const AUDIT_LOGS: TableDefinition = TableDefinition {
    name: "audit-logs",
    partition_key: ("log", KeyAttribute::Text),
    sort_key: Some(("seq", KeyAttribute::Number)),
    indexes: &[
        IndexDefinition::by_text("log-index", "log", "id"),
        IndexDefinition::by_text("store_id-index", "store_id", "id"),
        IndexDefinition::by_text("user_id-index", "user_id", "id"),
        IndexDefinition::by_text("entity-index", "entity", "id"),
    ],
    ttl: None,
};

/// Accounts; and what makes their contacts unique, an item each.
pub const USERS: TableDefinition = TableDefinition {
    name: "users",
    partition_key: ("id", KeyAttribute::Text),
    sort_key: None,
    // Only accounts are in it. `list_key` is `{role}#{shard}`: a few admins are found among any
    // number of customers.
    indexes: &[IndexDefinition::by_text("list-index", "list_key", "id")],
    ttl: None,
};

/// Sessions.
pub const SESSIONS: TableDefinition = TableDefinition {
    name: "sessions",
    partition_key: ("id", KeyAttribute::Text),
    sort_key: None,
    indexes: &[IndexDefinition::by_text("user_id-index", "user_id", "id")],
    ttl: Some(TTL),
};

/// One-time codes; and what bounds how often someone tries: a book of each phone's codes, and
/// the failed sign-ins under each contact.
pub const OTP_VERIFICATIONS: TableDefinition = TableDefinition {
    name: "otp-verifications",
    partition_key: ("id", KeyAttribute::Text),
    sort_key: None,
    indexes: &[],
    ttl: Some(TTL),
};

/// What the platform can allow.
pub const PERMISSIONS: TableDefinition = TableDefinition {
    name: "permissions",
    partition_key: ("permission_id", KeyAttribute::Text),
    sort_key: None,
    indexes: &[IndexDefinition::by_text("CategoryIndex", "category", "status")],
    ttl: None,
};

/// Permissions under a name.
pub const ROLES: TableDefinition = TableDefinition {
    name: "roles",
    partition_key: ("role_id", KeyAttribute::Text),
    sort_key: None,
    // Deleted roles have no `status` any more, and so are not in it.
    indexes: &[IndexDefinition::by_number("HierarchyIndex", "status", "hierarchy_level")],
    ttl: None,
};

/// What users were given: one item that decides for each user, one for each assignment, and
/// how many super admins there are.
pub const USER_PERMISSIONS: TableDefinition = TableDefinition {
    name: "user-permissions",
    partition_key: ("assignment_id", KeyAttribute::Text),
    sort_key: None,
    // The spec's two; it gives the second no sort key, and this one puts users in order.
    indexes: &[
        IndexDefinition::by_text("UserPermissionsIndex", "user_id", "assignment_type"),
        IndexDefinition::by_text("PermissionUsersIndex", "permission_id", "assignment_id"),
    ],
    // Only the items of single assignments have it: what decides never vanishes.
    ttl: Some(TTL),
};

/// Stores; what makes their readable names unique, and how many owners each has.
pub const STORES: TableDefinition = TableDefinition {
    name: "stores",
    partition_key: ("id", KeyAttribute::Text),
    sort_key: None,
    // Only stores are in any of them.
    indexes: &[
        // `list_key` is `{status}#{shard}`: a few that wait are found among any number that sell.
        IndexDefinition::by_text("list-index", "list_key", "id"),
        IndexDefinition::by_text("pincode-index", "pincode", "id"),
        // Only stores that wait for their coordinates are in it.
        IndexDefinition::by_text("geocode-index", "geocode_shard", "geocode_at"),
        // Only active stores with coordinates are in these: `store/place.rs` says why two.
        IndexDefinition::by_text("geo-index", "geo_cell", "geo_place"),
        IndexDefinition::by_text("geo-wide-index", "geo_region", "geo_place"),
    ],
    ttl: None,
};

/// What was counted in a store, so that nothing is counted twice: an item for each order and each
/// review. They are many and never read but by their keys, so they lie apart from the stores.
pub const STORE_COUNTS: TableDefinition = TableDefinition {
    name: "store-counts",
    partition_key: ("store_id", KeyAttribute::Text),
    sort_key: Some(("counted", KeyAttribute::Text)),
    indexes: &[],
    ttl: None,
};

/// Who works in which store. Under the user's key, because what he may do is decided by what the
/// last write left, and only the table itself can be read like that.
pub const STORE_USERS: TableDefinition = TableDefinition {
    name: "store-users",
    partition_key: ("user_id", KeyAttribute::Text),
    sort_key: Some(("store_id", KeyAttribute::Text)),
    indexes: &[IndexDefinition::by_text("store_id-index", "store_id", "user_id")],
    ttl: None,
};

/// Who was asked to work in a store.
pub const STORE_INVITATIONS: TableDefinition = TableDefinition {
    name: "store-invitations",
    partition_key: ("id", KeyAttribute::Text),
    sort_key: None,
    indexes: &[IndexDefinition::by_text("store_id-index", "store_id", "id")],
    ttl: None,
};

/// The attribute that says, in Unix seconds, from when on an item may be deleted by the service.
/// Instants that mean something have attributes of their own, to the microsecond.
pub(crate) const TTL: &str = "ttl";

/// Every table of this adapter.
pub const TABLES: &[TableDefinition] = &[
    ORDERS,
    STOCK,
    STOCK_MOVEMENTS,
    STOCK_OPERATIONS,
    RESERVATIONS,
    USERS,
    SESSIONS,
    OTP_VERIFICATIONS,
    PERMISSIONS,
    ROLES,
    USER_PERMISSIONS,
    STORES,
    STORE_COUNTS,
    STORE_USERS,
    STORE_INVITATIONS,
    AUDIT_LOGS,
];
