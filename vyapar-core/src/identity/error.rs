//! Why somebody was not signed up, signed in, or changed.

use crate::contact::ContactError;
use crate::error::RepositoryError;
use crate::id::UserId;
use crate::identity::{ContactKind, HashError, PasswordError, SendError};
use crate::secret::SecretError;
use crate::store::StoreError;
use crate::time::Timestamp;

/// Why somebody was not signed up, signed in, or changed. Refusals write nothing but what
/// counts tries, and the audit entry of a failed sign-in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// No such user, or not this actor's to see.
    #[error("no user `{0}`")]
    NotFound(UserId),
    /// The actor may not do this.
    #[error("not allowed to {0}")]
    Forbidden(&'static str),
    /// Wrong e-mail address, phone or password: which of them is not said.
    #[error("wrong e-mail address, phone or password")]
    WrongCredentials,
    /// Too many tries.
    #[error("too many tries, the next one can be made at {0}")]
    Locked(Timestamp),
    /// A code that is wrong, expired, used, or was never sent: which is not said.
    #[error("the code is wrong or has expired")]
    WrongCode,
    /// Another code was sent too lately, or too many were.
    #[error("another code can be sent at {0}")]
    CodeSentLately(Timestamp),
    /// Codes go to mobiles only.
    #[error("codes can be sent to mobile numbers only")]
    NotAMobile,
    /// The code was right, but no account has this number.
    #[error("no account has this phone number")]
    NoAccount,
    /// The account is deactivated.
    #[error("the account is deactivated")]
    Deactivated,
    /// A token that is malformed, unknown, expired, revoked or used.
    #[error("the token does not count: sign in again")]
    BadToken,
    /// Another account has this address or number.
    #[error("another account has this {}", match .0 { ContactKind::Email => "e-mail address", ContactKind::Phone => "phone number" })]
    Taken(ContactKind),
    /// Neither a phone nor an e-mail address.
    #[error("an account needs a phone number or an e-mail address")]
    NoContact,
    /// A deactivation that would leave the platform without a super admin.
    #[error("the platform would have no super admin left")]
    LastSuperAdmin,
    /// The user stands as high as who wants to change him.
    #[error("not allowed to change a user who stands as high as oneself")]
    NotAbove,
    /// No sender of codes was handed in.
    #[error("the host has no sender of one-time codes")]
    NoSender,
    /// Someone else changed the account at the same time, again and again.
    #[error("the account changed at the same time; try again")]
    Concurrent,
    /// A contact or text that cannot be.
    #[error(transparent)]
    Contact(#[from] ContactError),
    /// A password that cannot be.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Hashing did not do its part.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The code could not be sent. It counts as sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// Ending the user's parts in stores was refused: a store would have no owner left.
    #[error(transparent)]
    Store(StoreError),
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
    /// Personal data could not be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl From<StoreError> for IdentityError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Storage(error) => Self::Storage(error),
            error => Self::Store(error),
        }
    }
}
