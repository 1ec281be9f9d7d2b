//! Storage of stores.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Invitation, NearbyQuery, NearbyStore, ReviewRating, Slug, Store, StoreStatus, StoreUser};
use crate::error::Stored;
use crate::id::{InvitationId, OrderId, StoreId, UserId};
use crate::india::PinCode;
use crate::page::{AllStores, Page, PageRequest};
use crate::secret::SealedTexts;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// How a conditional update of a versioned thing ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdateOutcome {
    /// The version was the expected one; the new state is stored.
    Updated,
    /// It is gone, of another store, or of another version: read again and decide anew.
    Stale,
}

/// Which stores to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreFilter {
    /// Only of this status.
    pub status: Option<StoreStatus>,
    /// Only in this PIN code.
    pub pincode: Option<PinCode>,
}

/// Storage of stores.
///
/// # Contract
/// `slug` is unique (`stores.store_id`). A write stores its audit entry in the same
/// transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreRepository: Send + Sync {
    /// Adds a store, with its first owner if there is one. The same id again is
    /// [`AlreadyExists`] with `stores.id`, the same slug with `stores.store_id`.
    ///
    /// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
    async fn insert(&self, store: Store, owner: Option<StoreUser>, audit: AuditEntry) -> Stored<()>;

    /// The store.
    async fn get(&self, id: StoreId) -> Stored<Option<Store>>;

    /// The store of that readable name.
    async fn find_by_slug(&self, slug: &Slug) -> Stored<Option<Store>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id`, `slug`, `created_at` never change, and `rating` and `total_orders` not
    /// here.
    async fn update(&self, store: Store, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome>;

    /// Stores that match, by id.
    async fn list(&self, all: AllStores, filter: StoreFilter, page: PageRequest) -> Stored<Page<Store>>;

    /// At most `limit` stores whose `geocoding` is due at `now`, the longest due first (then by
    /// id), whatever their status.
    async fn geocode_due(&self, all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Store>>;
}

/// What adds up in a store: orders delivered, and what customers gave it.
///
/// # Contract
/// Both are asked for by effects, which repeat: each counts once, also when many callers repeat
/// it at the same time. Neither changes the store's version or `updated_at`, and a write of the
/// store does not undo them.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreCounters: Send + Sync {
    /// Counts a delivered order, once; says whether it was counted now. A store that is not there
    /// counts nothing.
    async fn count_order(&self, store: StoreId, order: &OrderId) -> Stored<bool>;

    /// Counts what a review now gives, in place of what its earlier revisions gave; says whether
    /// it did. A revision that is not higher than the one that counts does nothing, whatever it
    /// gives; a withdrawn review (no stars) is remembered with its revision.
    async fn rate(&self, store: StoreId, review: ReviewRating) -> Stored<bool>;
}

/// The search for stores nearby.
///
/// # Contract
/// What is found is exactly what [`NearbyQuery::distance_to`] lets through of the active stores
/// that have coordinates, sorted by distance, then id ([`NearbyPosition`](super::NearbyPosition)):
/// distances are those of [`Coordinates::distance_km`](crate::geo::Coordinates::distance_km), the
/// radius is included, on whichever side of the antimeridian or a pole the stores are. A page goes
/// on after the position of the last store given out, and its cursor is that position's
/// ([`NearbyPosition::cursor`](super::NearbyPosition::cursor)), so a store that moves or closes between two
/// pages shifts no other. A written store is found as it was written by the next search (on a
/// backend with late indexes, soon).
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreSearch: Send + Sync {
    /// Active stores within the radius, nearest first.
    async fn nearby(&self, all: AllStores, query: NearbyQuery, page: PageRequest) -> Stored<Page<NearbyStore>>;
}

/// How a change of a store's member ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberOutcome {
    /// Stored.
    Updated,
    /// It is gone, of another store, or of another version: read again and decide anew.
    Stale,
    /// The store would have no active owner left; nothing was written.
    LastOwner,
}

/// Most stores one user can be an active member of.
pub const MAX_MEMBERSHIPS: usize = 200;

/// Storage of stores' members (`store_users`).
///
/// # Contract
/// - One row a store and user.
/// - A store that has an active owner always keeps one: of two owners who remove each other at
///   once, one is refused.
/// - A write stores its audit entry in the same transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreUserRepository: Send + Sync {
    /// Adds a member; says whether it did: the row of a user who has one already, active or
    /// not, stays as it is.
    async fn insert(&self, store: StoreId, member: StoreUser, audit: AuditEntry) -> Stored<bool>;

    /// The user's row in the store, active or not.
    async fn get(&self, store: StoreId, user: UserId) -> Stored<Option<StoreUser>>;

    /// Stores the new state (whose `version` is the old one + 1) of the row of that store and
    /// user where the stored version is `expected`. `id`, `store_id`, `user_id` and
    /// `created_at` never change.
    async fn update(
        &self,
        store: StoreId,
        member: StoreUser,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<MemberOutcome>;

    /// The store's members, active or not, by user id.
    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<StoreUser>>;

    /// The user's active rows in all stores, by store id, at most [`MAX_MEMBERSHIPS`]; as the
    /// last completed write left them.
    async fn list_by_user(&self, user: UserId) -> Stored<Vec<StoreUser>>;
}

/// How accepting an invitation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptOutcome {
    /// The user is a member.
    Accepted,
    /// The invitation is gone, of another store, used, withdrawn or expired; nothing was written.
    NotOpen,
    /// The user is an active member already; nothing was written.
    AlreadyMember,
}

/// Storage of invitations.
///
/// # Contract
/// An invitation is accepted at most once, in the write that makes the member. A write stores
/// its audit entry in the same transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait InvitationRepository: Send + Sync {
    /// Adds an invitation. Repeating it is safe.
    async fn insert(&self, store: StoreId, invitation: Invitation, audit: AuditEntry) -> Stored<()>;

    /// The invitation, of whatever store: who has its id was sent it.
    async fn get(&self, all: AllStores, id: InvitationId) -> Stored<Option<Invitation>>;

    /// The store's invitations, newest first (by id).
    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<Invitation>>;

    /// Marks the invitation accepted at `now` and makes `member` (a user of the same store) a
    /// member, where the invitation is open at `now` and the user no active member: his
    /// inactive row, if there is one, keeps its id and `created_at` and takes the rest, one
    /// version higher.
    async fn accept(
        &self,
        store: StoreId,
        id: InvitationId,
        member: StoreUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Stored<AcceptOutcome>;

    /// Withdraws an invitation that is neither accepted nor withdrawn; says whether it was.
    async fn revoke(&self, store: StoreId, id: InvitationId, now: Timestamp, audit: AuditEntry) -> Stored<bool>;
}

/// What the `store` area needs of one adapter.
#[derive(Clone)]
pub struct StorePorts {
    /// The stores.
    pub stores: Arc<dyn StoreRepository>,
    /// What adds up in them.
    pub counters: Arc<dyn StoreCounters>,
    /// Which of them are near.
    pub search: Arc<dyn StoreSearch>,
    /// Who works in them.
    pub members: Arc<dyn StoreUserRepository>,
    /// Who was asked to.
    pub invitations: Arc<dyn InvitationRepository>,
    /// The sealed texts: `stores.{owner_name, phone, email, whatsapp_number}:{store id}` and
    /// `store_invitations.contact:{invitation id}`.
    pub sealed: Arc<dyn SealedTexts>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}
