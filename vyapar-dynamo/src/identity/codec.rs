//! Accounts and sessions as items. The golden tests in `tests/it/golden.rs` pin what is written
//! here.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::UserId;
use vyapar_core::identity::{ContactKind, EmailLink, PasswordHash, SealedContact, Session, User};
use vyapar_core::secret::Blind;

use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, blinds, bytes, number, text, time, ttl};
use crate::keys;
use crate::tables::{SESSIONS, TTL, USERS};

/// The attributes an update may change; each is set, or removed where the new state has none.
const MUTABLE: &[&str] = &[
    "list_key",
    "email",
    "email_lookups",
    "phone",
    "phone_lookups",
    "password_hash",
    "full_name",
    "role",
    "email_verified",
    "phone_verified",
    "email_link",
    "is_active",
    "erased_at",
    "session_epoch",
    "version",
    "updated_at",
];

/// An account as it begins.
pub(super) fn user_item(user: &User) -> Attributes {
    mutable(user)
        .extend(keys::user(user.id))
        .maybe("last_login", user.last_login.map(time))
        .with("created_at", time(user.created_at))
        .build()
}

fn mutable(user: &User) -> ItemBuilder {
    let sealed = |contact: &Option<SealedContact>| contact.as_ref().map(|contact| bytes(contact.sealed.as_bytes()));
    let lookups = |contact: &Option<SealedContact>| contact.as_ref().map(|contact| blinds(&contact.lookups));
    ItemBuilder::new()
        .with("list_key", keys::users_list(user.kind, user.id))
        .maybe("email", sealed(&user.email))
        .maybe("email_lookups", lookups(&user.email))
        .maybe("phone", sealed(&user.phone))
        .maybe("phone_lookups", lookups(&user.phone))
        .maybe("password_hash", user.password_hash.as_ref().map(|hash| text(hash.as_str())))
        .maybe("full_name", user.full_name.as_ref().map(|name| bytes(name.as_bytes())))
        .with("role", text(user.kind))
        .with("email_verified", AttributeValue::Bool(user.email_verified))
        .with("phone_verified", AttributeValue::Bool(user.phone_verified))
        .maybe("email_link", user.email_link.as_ref().map(email_link))
        .with("is_active", AttributeValue::Bool(user.is_active))
        .maybe("erased_at", user.erased_at.map(time))
        .with("session_epoch", number(user.session_epoch))
        .with("version", number(user.version))
        .with("updated_at", time(user.updated_at))
}

fn email_link(link: &EmailLink) -> AttributeValue {
    AttributeValue::M(
        ItemBuilder::new()
            .with("token_hash", bytes(link.token_hash.as_bytes()))
            .with("expires_at", time(link.expires_at))
            .build(),
    )
}

/// The change to a new state.
pub(super) fn user_change(user: &User) -> Expression {
    Expression::to_state(mutable(user).build(), MUTABLE, None)
}

pub(super) fn read_user(item: &Attributes) -> Stored<User> {
    let row = Row::new(USERS.name, item);
    let link =
        |row: Row<'_>| Ok(EmailLink { token_hash: row.blind("token_hash")?, expires_at: row.parse("expires_at")? });
    Ok(User {
        id: row.parse("id")?,
        email: read_contact(row, "email", "email_lookups")?,
        phone: read_contact(row, "phone", "phone_lookups")?,
        password_hash: row.maybe_string("password_hash")?.map(PasswordHash::new),
        full_name: row.maybe_sealed("full_name")?,
        kind: row.parse("role")?,
        email_verified: row.flag("email_verified")?,
        phone_verified: row.flag("phone_verified")?,
        email_link: row.has("email_link").then(|| row.map("email_link").and_then(link)).transpose()?,
        is_active: row.flag("is_active")?,
        erased_at: row.maybe_parse("erased_at")?,
        session_epoch: row.parse("session_epoch")?,
        last_login: row.maybe_parse("last_login")?,
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

fn read_contact(row: Row<'_>, sealed: &str, lookups: &str) -> Stored<Option<SealedContact>> {
    let Some(sealed) = row.maybe_sealed(sealed)? else { return Ok(None) };
    Ok(Some(SealedContact { sealed, lookups: row.blinds(lookups)? }))
}

/// What makes a hash of a contact unique.
pub(super) fn contact_item(kind: ContactKind, hash: Blind, user: UserId) -> Attributes {
    ItemBuilder::new().extend(keys::contact(kind, hash)).with("user_id", text(user)).build()
}

/// Whose contact a hash is.
pub(super) fn read_contact_item(item: &Attributes) -> Stored<UserId> {
    Row::new(USERS.name, item).parse("user_id")
}

pub(super) fn session_item(session: &Session) -> Attributes {
    ItemBuilder::new()
        .extend(keys::session(session.id))
        .with("user_id", text(session.user_id))
        .with("token_hash", bytes(session.token_hash.as_bytes()))
        .with("epoch", number(session.epoch))
        .maybe("device", session.device.as_ref().map(text))
        .with("created_at", time(session.created_at))
        .with("last_seen", time(session.last_seen))
        .with("expires_at", time(session.expires_at))
        .maybe("revoked_at", session.revoked_at.map(time))
        .with(TTL, ttl(session.expires_at))
        .build()
}

pub(super) fn read_session(item: &Attributes) -> Stored<Session> {
    let row = Row::new(SESSIONS.name, item);
    Ok(Session {
        id: row.parse("id")?,
        user_id: row.parse("user_id")?,
        token_hash: row.blind("token_hash")?,
        epoch: row.parse("epoch")?,
        device: row.maybe_string("device")?,
        created_at: row.parse("created_at")?,
        last_seen: row.parse("last_seen")?,
        expires_at: row.parse("expires_at")?,
        revoked_at: row.maybe_parse("revoked_at")?,
    })
}
