//! What people sign in with, and what comes out of it.

use std::str::FromStr;

use crate::contact::{ContactError, Email, PersonalText, Phone};
use crate::env::Env;
use crate::id::UserId;
use crate::identity::{AccountKind, ContactKind, Session, Token};
use crate::secret::Blind;
use crate::time::Timestamp;

/// An e-mail address or a phone number, as what an account is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// An address.
    Email(Email),
    /// A number.
    Phone(Phone),
}

impl Login {
    /// Which of the two it is.
    #[must_use]
    pub const fn kind(&self) -> ContactKind {
        match self {
            Self::Email(_) => ContactKind::Email,
            Self::Phone(_) => ContactKind::Phone,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Email(email) => email.as_str(),
            Self::Phone(phone) => phone.as_str(),
        }
    }

    /// Its blind index, by the current key first.
    pub(crate) fn lookups(&self, env: &Env) -> Vec<Blind> {
        match self {
            Self::Email(email) => env.blind("users.email", &[email.key().as_bytes()]),
            Self::Phone(phone) => env.blind("users.phone", &[phone.as_str().as_bytes()]),
        }
    }
}

impl FromStr for Login {
    type Err = ContactError;
    /// What has an `@` is an address, all else a number.
    fn from_str(s: &str) -> Result<Self, ContactError> {
        if s.contains('@') { s.parse().map(Self::Email) } else { s.parse().map(Self::Phone) }
    }
}

/// A sign-up: a phone or an e-mail address or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// His name, 1 to 120 characters.
    pub full_name: PersonalText,
    /// His e-mail address.
    pub email: Option<Email>,
    /// His phone.
    pub phone: Option<Phone>,
    /// His password; without one he signs in with codes.
    pub password: Option<String>,
    /// What the sign-up is.
    pub kind: AccountKind,
}

/// A change of a profile; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// Another name.
    pub full_name: Option<PersonalText>,
    /// Another e-mail address, which is then to be verified anew.
    pub email: Option<Email>,
}

/// An account, opened: for its user, and for those who may see users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserProfile {
    /// His id.
    pub id: UserId,
    /// His name; none once erased.
    pub full_name: Option<PersonalText>,
    /// His e-mail address.
    pub email: Option<Email>,
    /// His phone.
    pub phone: Option<Phone>,
    /// What the sign-up was.
    pub kind: AccountKind,
    /// Whether the address is known to be his.
    pub email_verified: bool,
    /// Whether the number is known to be his.
    pub phone_verified: bool,
    /// Whether a password is set.
    pub has_password: bool,
    /// Whether he may sign in.
    pub is_active: bool,
    /// When he last signed in.
    pub last_login: Option<Timestamp>,
    /// When he signed up.
    pub created_at: Timestamp,
}

/// A link that verifies an e-mail address: the host sends the token there, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkToSend {
    /// Where to.
    pub to: Email,
    /// What verifies it.
    pub token: Token,
}

/// Signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// What the device shows from now on. It is not stored and cannot be shown again.
    pub token: Token,
    /// The session.
    pub session: Session,
    /// Whether the account was made by this call.
    pub is_new: bool,
}
