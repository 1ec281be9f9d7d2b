//! A session: what a signed-in device shows instead of a password.

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, UserId};
use crate::secret::Blind;
use crate::time::Timestamp;

/// A session as ports carry it. It counts until it expires or is revoked, its user is
/// deactivated, or the user's epoch moves on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id; the first part of its token.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// The keyed hash of the token's secret part.
    pub token_hash: Blind,
    /// The user's epoch when it began.
    pub epoch: u64,
    /// What the user's app called itself, at most 200 characters.
    pub device: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to some minutes.
    pub last_seen: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Session {
    /// Whether it counts at `now` for a user of that epoch.
    #[must_use]
    pub fn is_open(&self, epoch: u64, now: Timestamp) -> bool {
        self.epoch == epoch && self.revoked_at.is_none() && now < self.expires_at
    }
}
