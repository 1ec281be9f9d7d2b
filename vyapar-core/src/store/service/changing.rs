//! Changing a store: its profile, its status, what adds up in it.

use serde_json::json;

use super::{ROUNDS, StoreService};
use crate::access::{known, policy};
use crate::actor::{Actor, Subject};
use crate::id::StoreId;
use crate::store::{ReviewRating, Store, StoreContact, StoreError, StoreProfile, StoreStatus, UpdateOutcome};
use crate::system::AuditDraft;

/// What a store is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateStore {
    /// The version that was read before: another one now means that somebody else changed it.
    pub version: u64,
    /// Its whole profile. Coordinates that are taken out, or stay the same while the address
    /// changes, are asked of the geocoder anew.
    pub profile: StoreProfile,
    /// How to reach it, where that changes.
    pub contact: Option<StoreContact>,
}

fn moved(a: &StoreProfile, b: &StoreProfile) -> bool {
    (&a.address, &a.city, &a.state, &a.pincode) != (&b.address, &b.city, &b.state, &b.pincode)
}

impl StoreService {
    /// Changes a store's profile, hours included. Repeating a change answers the store as it is,
    /// unless it names coordinates that are not the store's any more.
    ///
    /// # Errors
    /// As [`register`](Self::register); [`StoreError::Changed`] where the version is another and
    /// the store not what it is to be; [`StoreError::NotFound`], [`StoreError::Forbidden`].
    pub async fn update(&self, actor: &Actor, id: StoreId, change: UpdateStore) -> Result<Store, StoreError> {
        let known = self.get(actor, id).await?;
        if !self.context.decide(actor, &policy::STORES_UPDATE, Subject::store(id)).is_allowed() {
            return Err(StoreError::Forbidden("change the store"));
        }
        let mut profile = change.profile.normalised();
        profile.check()?;
        if change.version != known.version {
            // The same change again, whose first answer was lost: coordinates that it leaves out may
            // have been found since. Others than the store has are another change.
            let coordinates = profile.coordinates.or(known.profile.coordinates);
            let same = StoreProfile { coordinates, ..profile } == known.profile;
            let same = match &change.contact {
                Some(wanted) => same && self.open_contact(&known)? == *wanted,
                None => same,
            };
            let (expected, stored) = (change.version, known.version);
            return if same && stored.checked_sub(1) == Some(expected) {
                Ok(known)
            } else {
                Err(StoreError::Changed { expected, stored })
            };
        }
        let given = profile.coordinates != known.profile.coordinates;
        let taken_out = given && profile.coordinates.is_none();
        let ask = taken_out || !given && moved(&profile, &known.profile);
        let mut next = known.clone();
        next.geocoding = if given { None } else { known.geocoding };
        if ask {
            profile.coordinates = None;
            (profile.coordinates, next.geocoding) = self.context.locate_store(&profile, 0).await;
        }
        next.profile = profile;
        if let Some(contact) = &change.contact {
            (next.owner_name, next.phone, next.email, next.whatsapp_number) = self.seal_contact(id, contact)?;
        }
        // The shop's profile is public; how to reach its owner is not, and stays out.
        let values = |profile: &StoreProfile| json!({ "profile": profile });
        let (env, expected) = (&self.context.env, known.version);
        let now = env.now();
        (next.version, next.updated_at) = (expected + 1, now);
        let audit = AuditDraft {
            store_id: Some(id),
            action: "store.update",
            entity_type: "store",
            entity_id: id.to_string(),
            old_values: Some(values(&known.profile)),
            new_values: Some(values(&next.profile)),
        }
        .by(actor, env, now);
        match self.context.ports.store.stores.update(next.clone(), expected, audit).await? {
            UpdateOutcome::Updated => Ok(next),
            UpdateOutcome::Stale => Err(StoreError::Concurrent),
        }
    }

    /// Says that the platform has checked a store; one that waits for it is let in. Repeating it
    /// does nothing.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for anyone but the platform; [`StoreError::NotFound`]; storage.
    pub async fn verify(&self, actor: &Actor, id: StoreId) -> Result<Store, StoreError> {
        if !self.context.allows(actor, &policy::STORES_VERIFY) {
            return Err(StoreError::Forbidden("verify a store"));
        }
        for _ in 0..ROUNDS {
            let store = self.context.ports.store.stores.get(id).await?.ok_or(StoreError::NotFound(id))?;
            if store.verified && store.status != StoreStatus::PendingVerification {
                return Ok(store);
            }
            let status = match store.status {
                StoreStatus::PendingVerification => StoreStatus::Active,
                other => other,
            };
            if let Some(next) = self.put_status(actor, &store, status, true, "store.verify").await? {
                return Ok(next);
            }
        }
        Err(StoreError::Concurrent)
    }

    /// Counts what a review now gives, in place of what its earlier revisions gave: for a host
    /// that keeps the reviews itself. Says whether it counted; repeating it does nothing.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for anyone but the host; storage.
    pub async fn rate(&self, actor: &Actor, id: StoreId, review: ReviewRating) -> Result<bool, StoreError> {
        if !self.context.allows(actor, &policy::STORES_RATE) {
            return Err(StoreError::Forbidden("report what a review gives"));
        }
        Ok(self.context.ports.store.counters.rate(id, review).await?)
    }

    /// Moves a store to another status. Owners and managers open and close it; only the
    /// platform lets in, suspends and takes back. Moving it to where it stands does nothing.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`], [`StoreError::Forbidden`], [`StoreError::NotFound`]; storage.
    pub async fn set_status(&self, actor: &Actor, id: StoreId, to: StoreStatus) -> Result<Store, StoreError> {
        for _ in 0..ROUNDS {
            let store = self.get(actor, id).await?;
            let from = store.status;
            if !self.context.decide(actor, &policy::STORES_SET_STATUS, Subject::store(id)).is_allowed() {
                return Err(StoreError::Forbidden("change the status of a store"));
            }
            if from == to {
                return Ok(store);
            }
            if !from.may_become(to) {
                return Err(StoreError::NotAllowed { from, to });
            }
            // Nobody opens a store that the platform has not let in, by whichever way it got here.
            let lets_in = to == StoreStatus::Active && !store.verified;
            if (lets_in || from.is_platform_move(to)) && !actor.holds(&known::SETTINGS_UPDATE, self.context.env.now()) {
                return Err(StoreError::Forbidden("make this change of a store's status"));
            }
            let verified = store.verified || to == StoreStatus::Active;
            if let Some(next) = self.put_status(actor, &store, to, verified, "store.status").await? {
                return Ok(next);
            }
        }
        Err(StoreError::Concurrent)
    }

    /// Writes a status; `None` when someone else changed the store first.
    async fn put_status(
        &self,
        actor: &Actor,
        store: &Store,
        status: StoreStatus,
        verified: bool,
        action: &'static str,
    ) -> Result<Option<Store>, StoreError> {
        let env = &self.context.env;
        let now = env.now();
        let audit = AuditDraft {
            store_id: Some(store.id),
            action,
            entity_type: "store",
            entity_id: store.id.to_string(),
            old_values: Some(json!({ "status": store.status })),
            new_values: Some(json!({ "status": status })),
        }
        .by(actor, env, now);
        let next = Store { status, verified, version: store.version + 1, updated_at: now, ..store.clone() };
        match self.context.ports.store.stores.update(next.clone(), store.version, audit).await? {
            UpdateOutcome::Updated => Ok(Some(next)),
            UpdateOutcome::Stale => Ok(None),
        }
    }
}
