//! Stores, who works in them, and who was asked to.

mod counters;
mod index;
mod invitations;
mod members;
mod nearby;
mod sealed;
mod shelf;
mod stores;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use vyapar_core::store::{Invitation, ReviewRating, Slug, Store, StoreUser};
use vyapar_core::{InvitationId, OrderId, ReviewId, StoreId, Timestamp, UserId};

use self::index::{PointIndex, Spot};
use self::shelf::Shelf;
use crate::lock::read;
use crate::system::AuditTrail;
use crate::{Map, Set};

#[derive(Default)]
struct Rows {
    stores: Shelf,
    by_slug: Map<Slug, StoreId>,
    /// Where active stores are.
    points: PointIndex,
    /// Stores that wait for coordinates, by when they are due.
    geocoding: BTreeSet<(Timestamp, StoreId)>,
    /// Orders that count.
    counted: Set<(StoreId, OrderId)>,
    /// The revision of each review that counts.
    reviews: Map<(StoreId, ReviewId), ReviewRating>,
    members: Map<StoreId, BTreeMap<UserId, StoreUser>>,
    /// Where a user is an active member.
    active_in: Map<UserId, BTreeSet<StoreId>>,
    invitations: BTreeMap<InvitationId, Invitation>,
    invitations_of: Map<StoreId, BTreeSet<InvitationId>>,
}

/// All of them under one lock: they change rarely.
pub(crate) struct Stores {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Rows {
    /// Stores a store in place of what was stored under its id, and keeps what finds it.
    fn put_store(&mut self, store: Store) {
        let id = store.id;
        let (old, place) = (self.stores.get(id), self.stores.place_of(id));
        self.points.replace(old.and_then(|old| Spot::of(old, place)), Spot::of(&store, place));
        if let Some(waits) = old.and_then(|old| old.geocoding) {
            self.geocoding.remove(&(waits.due, id));
        }
        if let Some(waits) = store.geocoding {
            self.geocoding.insert((waits.due, id));
        }
        self.stores.put(store);
    }
}

impl Stores {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }

    /// Whether the store is there, at this version.
    pub(crate) fn is_at(&self, store: StoreId, version: u64) -> bool {
        read(&self.rows).stores.get(store).is_some_and(|store| store.version == version)
    }
}
