//! Stores, who works in them, and who was asked to.

mod invitations;
mod members;
mod sealed;
mod stores;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use vyapar_core::store::{Invitation, Slug, Store, StoreUser};
use vyapar_core::{InvitationId, StoreId, UserId};

use crate::Map;
use crate::system::AuditTrail;

#[derive(Default)]
struct Rows {
    by_id: BTreeMap<StoreId, Store>,
    by_slug: Map<Slug, StoreId>,
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

impl Stores {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}
