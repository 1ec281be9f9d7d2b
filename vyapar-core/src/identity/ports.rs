//! Storage of accounts, sessions and one-time codes; and what sends and hashes.

use std::sync::Arc;

use async_trait::async_trait;

use super::{AccountKind, ContactKind, LoginAttempts, OtpBook, OtpPurpose, Session, User};
use crate::contact::Phone;
use crate::error::Stored;
use crate::id::{SessionId, UserId};
use crate::page::{Page, PageRequest};
use crate::secret::{Blind, SealedTexts};
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// Which users to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only of this kind.
    pub kind: Option<AccountKind>,
    /// Only those that may, or may not, sign in.
    pub is_active: Option<bool>,
}

/// Storage of user accounts (`users`), and of `lookup(kind, hash) → user`.
///
/// # Contract
/// - Every hash of a contact is unique over all users of its kind: one that another user has
///   is [`AlreadyExists`] with `users.email` or `users.phone`, and nothing is written. Look-ups
///   are written in the user's transaction; those a user no longer has are free at once.
/// - A write stores its audit entry in the same transaction, or neither.
/// - `get` and `find` read what the last completed write wrote; `list` may lag behind.
///
/// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send + Sync {
    /// Adds a user. The same id again is `AlreadyExists` with `users.id`.
    async fn insert(&self, user: User, audit: AuditEntry) -> Stored<()>;

    /// The user.
    async fn get(&self, id: UserId) -> Stored<Option<User>>;

    /// The user who has any of these hashes (at most [`MAX_LOOKUPS`](super::MAX_LOOKUPS)) as
    /// his contact of that kind; the first hash that is found wins. More hashes are
    /// [`LimitExceeded`](crate::RepositoryErrorKind::LimitExceeded).
    async fn find(&self, kind: ContactKind, lookups: &[Blind]) -> Stored<Option<User>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id` and `created_at` never change, and `last_login` is kept as stored.
    async fn update(&self, user: User, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome>;

    /// Users that match, by id.
    async fn list(&self, filter: UserFilter, page: PageRequest) -> Stored<Page<User>>;
}

/// How starting a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartOutcome {
    /// It counts.
    Started,
    /// The user is gone, may not sign in, or is of another epoch; nothing was written.
    Refused,
}

/// Storage of sessions.
///
/// # Contract
/// `get` reads what the last completed write wrote; `list_by_user` may lag behind. Expired
/// sessions may vanish at any time after they expired (TTL), never before.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Adds a session and sets its user's `last_login` to its `created_at`, where the user is
    /// active and of the session's epoch. A session that is there already is `Started` and stays
    /// as it is.
    async fn start(&self, session: Session, audit: AuditEntry) -> Stored<StartOutcome>;

    /// The session.
    async fn get(&self, id: SessionId) -> Stored<Option<Session>>;

    /// Notes that it was used, unless it was used later already. Nothing depends on it.
    async fn touch(&self, id: SessionId, at: Timestamp) -> Stored<()>;

    /// Revokes a session of that user that is neither expired nor revoked at `now`; says whether
    /// there was one.
    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp, audit: AuditEntry) -> Stored<bool>;

    /// The user's sessions, newest first (by id), also those that no longer count.
    async fn list_by_user(&self, user: UserId, page: PageRequest) -> Stored<Page<Session>>;

    /// Removes at most `limit` sessions that expired before `before`; says how many.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32>;
}

/// Storage of one-time codes (`otp_verifications`).
///
/// # Contract
/// A book is one record, written by compare-and-set on its version. Each of its codes is also a
/// row of its id, with the purpose, attempts, expiry and use that the book says; rows of codes
/// that a book no longer has stay as they were until they are swept.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OtpRepository: Send + Sync {
    /// What is known of the phone.
    async fn get(&self, phone: Blind) -> Stored<Option<OtpBook>>;

    /// Stores the book (whose `version` is `expected + 1`) and its codes' rows where the stored
    /// version is `expected`; 0 means that there is none.
    async fn save(&self, book: OtpBook, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome>;

    /// Removes at most `limit` rows of codes created before `before`, and at most `limit` books
    /// not changed since; says how many rows.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32>;
}

/// Storage of failed sign-ins.
///
/// # Contract
/// One record a key, written by compare-and-set on its version. It may vanish at any time
/// after [`FORGOTTEN_AFTER`](super::FORGOTTEN_AFTER) without a change.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait LoginAttemptRepository: Send + Sync {
    /// What is known of the key.
    async fn get(&self, key: Blind) -> Stored<Option<LoginAttempts>>;

    /// Stores the new state (whose `version` is `expected + 1`) where the stored version is
    /// `expected`; 0 means that there is none.
    async fn save(&self, attempts: LoginAttempts, expected: u64) -> Stored<UpdateOutcome>;

    /// Removes at most `limit` records not changed since `before`; says how many.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32>;
}

/// What the `identity` area needs of one adapter.
#[derive(Clone)]
pub struct IdentityPorts {
    /// The accounts.
    pub users: Arc<dyn UserRepository>,
    /// Their sessions.
    pub sessions: Arc<dyn SessionRepository>,
    /// One-time codes.
    pub otps: Arc<dyn OtpRepository>,
    /// Failed sign-ins.
    pub attempts: Arc<dyn LoginAttemptRepository>,
    /// The accounts' sealed texts: `users.email:{id}`, `users.phone:{id}`, `users.full_name:{id}`.
    /// (Codes are not among them: they live ten minutes.)
    pub sealed: Arc<dyn SealedTexts>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}

/// Why a code could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("the code could not be sent")]
pub struct SendError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// What brings a one-time code to a phone: an SMS or WhatsApp service of the host's.
///
/// It is called after the code is stored, outside any transaction, and never twice for one code.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait OtpSender: Send + Sync {
    /// Sends the code.
    async fn send(&self, phone: &Phone, code: &str, purpose: OtpPurpose) -> Result<(), SendError>;
}

/// Why a password was not hashed or compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many passwords wait for their turn.
    #[error("too many sign-ins at once, try again")]
    Busy,
    /// What is stored is no hash, or hashing failed.
    #[error("hashing failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What hashes passwords, slowly and not on the caller's thread.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash of a password of at most 72 bytes, with a salt of its own.
    async fn hash(&self, password: super::Password) -> Result<super::PasswordHash, HashError>;

    /// Whether it is the password of `hash`; without one, the same work for nothing, and `false`.
    async fn verify(&self, password: super::Password, hash: Option<super::PasswordHash>) -> Result<bool, HashError>;
}
