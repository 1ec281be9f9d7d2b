//! Keys of stores, of who works in them, and of what adds up in them.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::id::{InvitationId, OrderId, ReviewId, StoreId, UserId};
use vyapar_core::store::{Slug, StoreStatus};
use vyapar_core::time::Timestamp;

use super::{key, shard_of, shards};
use crate::item::{Attributes, text, time_text};

fn id(value: AttributeValue) -> Attributes {
    Attributes::from([("id".to_owned(), value)])
}

pub(crate) fn store(store: StoreId) -> Attributes {
    id(text(store))
}

/// What makes a readable name unique.
pub(crate) fn slug(slug: &Slug) -> Attributes {
    id(text(format_args!("slug#{slug}")))
}

/// How many active owners a store has.
pub(crate) fn owners(store: StoreId) -> Attributes {
    id(text(format_args!("owners#{store}")))
}

/// The partition key of a store in `list-index`.
pub(crate) fn stores_list(status: StoreStatus, store: StoreId) -> AttributeValue {
    text(format_args!("{status}#{}", shard_of(&store.to_string())))
}

/// Every partition key of `list-index`, or those of one status.
pub(crate) fn stores_lists(status: Option<StoreStatus>) -> impl Iterator<Item = AttributeValue> {
    let statuses = StoreStatus::ALL.iter().filter(move |of| status.is_none_or(|status| status == **of));
    statuses.flat_map(|status| shards().map(move |shard| text(format_args!("{status}#{shard}"))))
}

/// The sort key of a store in `geocode-index`: with its id, so that stores due at one instant
/// are in an order, too.
pub(crate) fn geocode_at(due: Timestamp, store: StoreId) -> String {
    format!("{}#{store}", time_text(due))
}

/// What is behind every [`geocode_at`] of an instant, and before those of the next.
pub(crate) fn geocode_until(due: Timestamp) -> String {
    // `$` follows `#`.
    format!("{}$", time_text(due))
}

pub(crate) fn member(store: StoreId, user: UserId) -> Attributes {
    key(("user_id", text(user)), ("store_id", text(store)))
}

pub(crate) fn invitation(invitation: InvitationId) -> Attributes {
    id(text(invitation))
}

/// That an order counts.
pub(crate) fn counted_order(store: StoreId, order: &OrderId) -> Attributes {
    key(("store_id", text(store)), ("counted", text(format_args!("order#{order}"))))
}

/// What a review counts for.
pub(crate) fn counted_review(store: StoreId, review: ReviewId) -> Attributes {
    key(("store_id", text(store)), ("counted", text(format_args!("review#{review}"))))
}
