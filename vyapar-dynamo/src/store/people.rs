//! Members and invitations as items. The golden tests in `tests/it/golden.rs` pin what is written
//! here.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use vyapar_core::error::Stored;
use vyapar_core::id::StoreId;
use vyapar_core::store::{Invitation, StoreUser};

use super::DynamoStores;
use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, bytes, json, number, text, time};
use crate::keys;
use crate::tables::{STORE_INVITATIONS, STORE_USERS, STORES};

pub(super) fn member_item(member: &StoreUser) -> Stored<Attributes> {
    Ok(ItemBuilder::new()
        .extend(keys::member(member.store_id, member.user_id))
        .with("id", text(member.id))
        .with("role", text(member.role))
        .with("permissions", json(&member.permissions)?)
        .with("is_active", AttributeValue::Bool(member.is_active))
        .with("version", number(member.version))
        .with("created_at", time(member.created_at))
        .with("updated_at", time(member.updated_at))
        .build())
}

pub(super) fn read_member(item: &Attributes) -> Stored<StoreUser> {
    let row = Row::new(STORE_USERS.name, item);
    Ok(StoreUser {
        id: row.parse("id")?,
        store_id: row.parse("store_id")?,
        user_id: row.parse("user_id")?,
        role: row.parse("role")?,
        permissions: row.json("permissions")?,
        is_active: row.flag("is_active")?,
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

/// The condition that the user has no row in the store.
pub(super) fn no_member() -> Expression {
    Expression::new("attribute_not_exists(#user_id)")
}

pub(super) fn invitation_item(invitation: &Invitation) -> Stored<Attributes> {
    Ok(ItemBuilder::new()
        .extend(keys::invitation(invitation.id))
        .with("store_id", text(invitation.store_id))
        .with("contact_kind", text(invitation.contact_kind))
        .with("contact", bytes(invitation.contact.as_bytes()))
        .with("token_hash", bytes(invitation.token_hash.as_bytes()))
        .with("role", text(invitation.role))
        .with("permissions", json(&invitation.permissions)?)
        .maybe("invited_by", invitation.invited_by.map(text))
        .with("expires_at", time(invitation.expires_at))
        .maybe("accepted_at", invitation.accepted_at.map(time))
        .maybe("revoked_at", invitation.revoked_at.map(time))
        .with("created_at", time(invitation.created_at))
        .build())
}

pub(super) fn read_invitation(item: &Attributes) -> Stored<Invitation> {
    let row = Row::new(STORE_INVITATIONS.name, item);
    Ok(Invitation {
        id: row.parse("id")?,
        store_id: row.parse("store_id")?,
        contact_kind: row.parse("contact_kind")?,
        contact: row.sealed("contact")?,
        token_hash: row.blind("token_hash")?,
        role: row.parse("role")?,
        permissions: row.json("permissions")?,
        invited_by: row.maybe_parse("invited_by")?,
        expires_at: row.parse("expires_at")?,
        accepted_at: row.maybe_parse("accepted_at")?,
        revoked_at: row.maybe_parse("revoked_at")?,
        created_at: row.parse("created_at")?,
    })
}

/// How a write changes the number of a store's active owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owners {
    Same,
    OneMore,
    OneLess,
}

impl Owners {
    pub(super) fn between(before: Option<&StoreUser>, after: &StoreUser) -> Self {
        match (before.is_some_and(StoreUser::is_owner), after.is_owner()) {
            (false, true) => Self::OneMore,
            (true, false) => Self::OneLess,
            _ => Self::Same,
        }
    }
}

impl DynamoStores {
    /// The action on the number of a store's owners, refused where the last would go; none where
    /// nothing changes, so that other members never meet each other.
    pub(super) fn owners(&self, store: StoreId, change: Owners) -> Stored<Option<TransactWriteItem>> {
        let one = |expression: &str| Expression::new(expression).value(":one", number(1));
        let (change, condition) = match change {
            Owners::Same => return Ok(None),
            Owners::OneMore => (one("ADD #count :one"), Expression::always()),
            Owners::OneLess => (one("SET #count = #count - :one"), Expression::new("#count > :one")),
        };
        self.db.update(&STORES, keys::owners(store), &change, &condition).map(Some)
    }
}
