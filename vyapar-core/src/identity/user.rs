//! The user account.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::secret::{Blind, Sealed};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// What a sign-up is (`users.role`). It gives no rights: those come from access and from
    /// memberships alone.
    AccountKind ("kind of account") {
        /// Buys.
        Customer = "customer",
        /// Has, or wants to open, a store.
        StoreOwner = "store_owner",
        /// Works for the platform.
        Admin = "admin",
    }
}

text_enum! {
    /// What an account is found by; also names the unique constraint `users.email`, `users.phone`.
    ContactKind ("kind of contact") {
        /// Its e-mail address.
        Email = "email",
        /// Its phone number.
        Phone = "phone",
    }
}

/// A contact of a user: sealed, with the keyed hashes it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedContact {
    /// The address or number.
    pub sealed: Sealed,
    /// Its blind index: one hash for each index key that was in use when it was written, 1 to
    /// [`MAX_LOOKUPS`]. Each is unique over all users.
    pub lookups: Vec<Blind>,
}

/// Most hashes one contact has: that many index keys can be in use at once.
pub const MAX_LOOKUPS: usize = crate::secret::MAX_INDEX_KEYS;

/// A bcrypt hash in its usual notation, hidden in `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash that a [`PasswordHasher`](super::PasswordHasher) made.
    #[must_use]
    pub const fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The notation that is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// The link that is out to verify an e-mail address: only the newest one counts, and only once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailLink {
    /// The keyed hash of its token.
    pub token_hash: Blind,
    /// Until when it counts.
    pub expires_at: Timestamp,
}

/// A user account as ports carry it (`users`); how to reach him is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// His id.
    pub id: UserId,
    /// His e-mail address.
    pub email: Option<SealedContact>,
    /// His phone number.
    pub phone: Option<SealedContact>,
    /// His password; none for who only uses one-time codes.
    pub password_hash: Option<PasswordHash>,
    /// His name, sealed; none once erased.
    pub full_name: Option<Sealed>,
    /// What the sign-up was (`users.role`).
    pub kind: AccountKind,
    /// Whether the e-mail address is known to be his.
    pub email_verified: bool,
    /// Whether the phone number is known to be his.
    pub phone_verified: bool,
    /// The link that is out to verify the address.
    pub email_link: Option<EmailLink>,
    /// Whether he may sign in; a deleted account is one that may not.
    pub is_active: bool,
    /// When his personal data was removed, if it was.
    pub erased_at: Option<Timestamp>,
    /// Sessions of an earlier epoch are over: raising it ends all of them in one write.
    pub session_epoch: u64,
    /// When he last signed in. Written by
    /// [`SessionRepository::start`](super::SessionRepository::start) without a new version.
    pub last_login: Option<Timestamp>,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When he signed up.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The contact of that kind.
    #[must_use]
    pub const fn contact(&self, kind: ContactKind) -> Option<&SealedContact> {
        match kind {
            ContactKind::Email => self.email.as_ref(),
            ContactKind::Phone => self.phone.as_ref(),
        }
    }
}
