//! Who works in a store, and who was asked to.

use serde::{Deserialize, Serialize};

use crate::access::{Capabilities, CapabilityChanges};
use crate::actor::StoreRole;
use crate::id::{InvitationId, StoreId, StoreUserId, UserId};
use crate::identity::ContactKind;
use crate::secret::{Blind, Sealed};
use crate::time::Timestamp;

/// A user's part in a store (`store_users`). One row a user and store: who leaves is marked
/// inactive, who comes back active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreUser {
    /// Its id.
    pub id: StoreUserId,
    /// The store.
    pub store_id: StoreId,
    /// The user.
    pub user_id: UserId,
    /// His role.
    pub role: StoreRole,
    /// What he has beside the role's own capabilities.
    pub permissions: CapabilityChanges,
    /// Whether he works there now.
    pub is_active: bool,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When he first joined.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl StoreUser {
    /// What he may do in the store.
    #[must_use]
    pub const fn capabilities(&self) -> Capabilities {
        if self.is_active { self.permissions.applied_to(self.role) } else { Capabilities::NONE }
    }

    /// Whether he is one of those of whom a store always keeps at least one.
    #[must_use]
    pub const fn is_owner(&self) -> bool {
        self.is_active && matches!(self.role, StoreRole::Owner)
    }
}

/// An invitation to work in a store: for whoever shows its token and has the contact it was
/// sent to as his verified one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id; the first part of its token.
    pub id: InvitationId,
    /// The store.
    pub store_id: StoreId,
    /// Whether it went to a phone or an e-mail address.
    pub contact_kind: ContactKind,
    /// Which, sealed.
    pub contact: Sealed,
    /// The keyed hash of the token's secret part.
    pub token_hash: Blind,
    /// As what.
    pub role: StoreRole,
    /// With what beside the role's own capabilities.
    pub permissions: CapabilityChanges,
    /// Who invited.
    pub invited_by: Option<UserId>,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// When it was accepted, if it was.
    pub accepted_at: Option<Timestamp>,
    /// When it was withdrawn, if it was.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Invitation {
    /// Whether it can be accepted at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.accepted_at.is_none() && self.revoked_at.is_none() && now < self.expires_at
    }
}
