//! Which key stands for what, in one place.
//!
//! | thing | table | partition key | sort key | indexes it is in |
//! |---|---|---|---|---|
//! | order | `orders` | `store_id` | `id` = `ord_…` | `customer_id-index` (`customer_id`, `id`); `status-index` (`store_status` = `{store}#{status}`, `id`); `recover-index` (`recover_shard`, `recover_at`) while effects are pending |
//! | abandoned order | `orders` | `store_id` | `id` = `ord_…` | none: it excludes an order by standing in its place |
//! | tracking id | `orders` | `store_id` = `tracking#TRK-…` | `id` = `tracking` | none |
//! | stock level | `stock` | `store_id` | `product_id` | none |
//! | movement, and those sold right after it by the same transaction | `stock-movements` | `store_product` = `{store}#{product}` | `seq` | none |
//! | applied operation | `stock-operations` | `store_id` | `operation_id` | none |
//! | reservation | `reservations` | `store_id` | `reservation_id` | `holding-index` (`holding_store` = store, `holding` = `held#{due}` or `committed#{due}`) while it holds stock; `recover-index` (`recover_shard`, `recover_at`) while it is open |
//! | account | `users` | `id` | | `list-index` (`list_key` = `{role}#{shard}`, `id`) |
//! | contact of an account | `users` | `id` = `email#{hash}`, `phone#{hash}` | | none |
//! | session | `sessions` | `id` | | `user_id-index` (`user_id`, `id`) |
//! | one-time code | `otp-verifications` | `id` | | none |
//! | a phone's book of codes | `otp-verifications` | `id` = `book#{hash}` | | none |
//! | failed sign-ins | `otp-verifications` | `id` = `sign-in#{hash}` | | none |
//! | permission | `permissions` | `permission_id` = `PERM_…` | | `CategoryIndex` (`category`, `status`) |
//! | role | `roles` | `role_id` = `ROLE_…` | | `HierarchyIndex` (`status`, `hierarchy_level`) until it is deleted |
//! | a user's grants | `user-permissions` | `assignment_id` = `grants#{user}` | | none |
//! | one assignment | `user-permissions` | `assignment_id` = `{user}#{type}#{permission or role}` | | `UserPermissionsIndex` (`user_id`, `assignment_type`); `PermissionUsersIndex` (`permission_id`, `assignment_id`) |
//! | number of super admins | `user-permissions` | `assignment_id` = `super-admins` | | none |
//! | store | `stores` | `id` | | `list-index` (`list_key` = `{status}#{shard}`, `id`); `pincode-index` (`pincode`, `id`); `geocode-index` (`geocode_shard`, `geocode_at` = `{due}#{id}`) while it waits for its coordinates; `geo-index` (`geo_cell`, `geo_place`) and `geo-wide-index` (`geo_region`, `geo_place`) while it is active and has coordinates: see `store/place.rs` |
//! | readable name of a store | `stores` | `id` = `slug#{slug}` | | none |
//! | number of a store's owners | `stores` | `id` = `owners#{store}` | | none |
//! | counted order | `store-counts` | `store_id` | `counted` = `order#{order}` | none |
//! | counted review | `store-counts` | `store_id` | `counted` = `review#{review}` | none |
//! | member of a store | `store-users` | `user_id` | `store_id` | `store_id-index` (`store_id`, `user_id`) |
//! | invitation | `store-invitations` | `id` | | `store_id-index` (`store_id`, `id`) |
//! | audit entry | `audit-logs` | `log` = `00`…`07` | `seq` | `log-index` (`log`, `id`); `store_id-index`, `user_id-index`, `entity-index` (`entity` = `{type}#{id}`), each by `id` |
//! | sealed gap in a log | `audit-logs` | `log` | `seq` | none |
//! | appended audit id | `audit-logs` | `log` = `id#{id}` | `seq` = 0 | none |
//!
//! A store's orders and stock share a partition key, not a partition: the service splits a
//! busy collection by sort key as long as there is no local index, and there is none.
//! What crosses stores is spread over [`SHARDS`] keys, the audit log over [`LOGS`].

mod people;
mod stores;

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::id::{AuditId, OperationId, OrderId, ProductId, ReservationId, StoreId, TrackingId};
use vyapar_core::inventory::ReservationState;
use vyapar_core::order::OrderStatus;
use vyapar_core::time::Timestamp;

use crate::item::{Attributes, number, text, time_text};

pub(crate) use people::{
    BOOKS, SIGN_INS, assignment, book, code, contact, grants, grants_id, permission, role, session, sign_ins,
    super_admins, user, users_list, users_lists,
};
pub(crate) use stores::{
    counted_order, counted_review, geocode_at, geocode_until, invitation, member, owners, slug, store, stores_list,
    stores_lists,
};

/// Over how many partition keys each list of what recovery works on is spread. One index key
/// takes about 1,000 writes a second, and each order writes it twice or three times; each
/// sweep asks every one. Part of the stored format: raising it leaves what is written under
/// the old shards where it is found, lowering it loses sight of some.
pub(crate) const SHARDS: u8 = 4;

/// Over how many logs the audit entries are spread: each process writes to one of them, so
/// there should be as many as processes, and each reader asks every one. Stored, as above,
/// and part of the feed's cursors.
pub(crate) const LOGS: u8 = 8;

/// Every shard's key.
pub(crate) fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(shard_name)
}

/// Every log's key.
pub(crate) fn logs() -> impl Iterator<Item = String> {
    (0..LOGS).map(shard_name)
}

/// A shard's key: two hexadecimal digits.
pub(crate) fn shard_name(shard: u8) -> String {
    format!("{shard:02x}")
}

/// The shard of a thing, by its id. FNV-1a: the same on every machine and in every version.
pub(crate) fn shard_of(id: &str) -> String {
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // The high bits of FNV are the well-mixed ones.
    shard_name(u8::try_from((hash >> 32) % u64::from(SHARDS)).unwrap_or(0))
}

fn key(partition: (&str, AttributeValue), sort: (&str, AttributeValue)) -> Attributes {
    Attributes::from([(partition.0.to_owned(), partition.1), (sort.0.to_owned(), sort.1)])
}

pub(crate) fn order(store: StoreId, id: &OrderId) -> Attributes {
    key(("store_id", text(store)), ("id", text(id)))
}

pub(crate) fn tracking(tracking: &TrackingId) -> Attributes {
    key(("store_id", text(format_args!("tracking#{tracking}"))), ("id", text("tracking")))
}

pub(crate) fn store_status(store: StoreId, status: OrderStatus) -> AttributeValue {
    text(format_args!("{store}#{status}"))
}

pub(crate) fn level(store: StoreId, product: ProductId) -> Attributes {
    key(("store_id", text(store)), ("product_id", text(product)))
}

/// The partition key of a product's movements.
pub(crate) fn store_product(store: StoreId, product: ProductId) -> AttributeValue {
    text(format_args!("{store}#{product}"))
}

pub(crate) fn movement(store: StoreId, product: ProductId, seq: u64) -> Attributes {
    key(("store_product", store_product(store, product)), ("seq", number(seq)))
}

pub(crate) fn operation(store: StoreId, operation: OperationId) -> Attributes {
    key(("store_id", text(store)), ("operation_id", text(operation)))
}

pub(crate) fn reservation(store: StoreId, id: ReservationId) -> Attributes {
    key(("store_id", text(store)), ("reservation_id", text(id)))
}

/// The sort key of `holding-index`, for states that hold stock.
pub(crate) fn holding(state: ReservationState, due: Timestamp) -> Option<AttributeValue> {
    state.holds_stock().then(|| text(format_args!("{state}#{}", time_text(due))))
}

pub(crate) fn audit(log: u8, seq: u64) -> Attributes {
    key(("log", text(shard_name(log))), ("seq", number(seq)))
}

/// What makes an appended entry's id unique.
pub(crate) fn audit_id(id: AuditId) -> Attributes {
    key(("log", text(format_args!("id#{id}"))), ("seq", number(0)))
}

/// The partition key of `entity-index`.
pub(crate) fn entity(entity_type: &str, entity_id: &str) -> AttributeValue {
    text(format_args!("{entity_type}#{entity_id}"))
}
