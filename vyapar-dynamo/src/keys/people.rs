//! Keys of accounts and of what they may do.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::access::{PermissionId, RoleId};
use vyapar_core::id::{OtpId, SessionId, UserId};
use vyapar_core::identity::{AccountKind, ContactKind};
use vyapar_core::secret::Blind;

use super::{shard_of, shards};
use crate::item::{Attributes, text};

/// How the ids of books begin.
pub(crate) const BOOKS: &str = "book#";
/// How the ids of failed sign-ins begin.
pub(crate) const SIGN_INS: &str = "sign-in#";

fn key(name: &str, value: AttributeValue) -> Attributes {
    Attributes::from([(name.to_owned(), value)])
}

fn hex(hash: Blind) -> String {
    hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn user(id: UserId) -> Attributes {
    key("id", text(id))
}

/// What makes a hash of a contact unique.
pub(crate) fn contact(kind: ContactKind, hash: Blind) -> Attributes {
    key("id", text(format_args!("{kind}#{}", hex(hash))))
}

/// The partition key of an account in `list-index`.
pub(crate) fn users_list(kind: AccountKind, id: UserId) -> AttributeValue {
    text(format_args!("{kind}#{}", shard_of(&id.to_string())))
}

/// Every partition key of `list-index`, or those of one kind.
pub(crate) fn users_lists(kind: Option<AccountKind>) -> impl Iterator<Item = AttributeValue> {
    let kinds = AccountKind::ALL.iter().filter(move |of| kind.is_none_or(|kind| kind == **of));
    kinds.flat_map(|kind| shards().map(move |shard| text(format_args!("{kind}#{shard}"))))
}

pub(crate) fn session(id: SessionId) -> Attributes {
    key("id", text(id))
}

pub(crate) fn code(id: OtpId) -> Attributes {
    key("id", text(id))
}

pub(crate) fn book(phone: Blind) -> Attributes {
    key("id", text(format_args!("{BOOKS}{}", hex(phone))))
}

pub(crate) fn sign_ins(contact: Blind) -> Attributes {
    key("id", text(format_args!("{SIGN_INS}{}", hex(contact))))
}

pub(crate) fn permission(id: &PermissionId) -> Attributes {
    key("permission_id", text(id))
}

pub(crate) fn role(id: &RoleId) -> Attributes {
    key("role_id", text(id))
}

/// What decides of all that a user was given.
pub(crate) fn grants(user: UserId) -> Attributes {
    key("assignment_id", text(grants_id(user)))
}

pub(crate) fn grants_id(user: UserId) -> String {
    format!("grants#{user}")
}

/// One assignment, by [`assignment_id`](vyapar_core::access::Assignment::assignment_id).
pub(crate) fn assignment(id: &str) -> Attributes {
    key("assignment_id", text(id))
}

pub(crate) fn super_admins() -> Attributes {
    key("assignment_id", text("super-admins"))
}
