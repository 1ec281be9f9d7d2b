//! Finding the coordinates of stores.

use serde_json::json;

use super::StoreService;
use crate::access::policy;
use crate::actor::Actor;
use crate::contact::PersonalText;
use crate::geo::Coordinates;
use crate::geo::geocoder::{AddressQuery, Asked, GeocodeQuery, GeocodedPending, GeocodingDue};
use crate::page::AllStores;
use crate::store::{Store, StoreError, StoreProfile, UpdateOutcome};
use crate::system::AuditDraft;
use crate::vyapar::Context;

/// Most stores one run asks for: each is a call to a service that costs money.
const MOST_AT_ONCE: u32 = 1000;

impl Context {
    /// Where that address is; `failures` times it was asked for in vain. Without a geocoder it
    /// waits for one.
    pub(crate) async fn ask_for(&self, query: AddressQuery, failures: u32) -> Asked {
        let now = self.env.now();
        let Some(lookups) = &self.geocoder else {
            return Asked::NoGeocoder(GeocodingDue::at_once(now));
        };
        Asked::of(lookups.ask(&GeocodeQuery::Address(query)).await, self.env.now(), failures)
    }

    async fn ask_for_store(&self, profile: &StoreProfile, failures: u32) -> Asked {
        let query = PersonalText::parse("address", &profile.address, usize::MAX).map(|street| AddressQuery {
            street,
            city: profile.city.clone(),
            state: Some(profile.state.clone()),
            pincode: profile.pincode.clone(),
        });
        match query {
            Ok(query) => self.ask_for(query, failures).await,
            // An address that is no text is nowhere.
            Err(_) => Asked::Unknown,
        }
    }

    /// The coordinates of a new or moved store, and when to ask for them again.
    pub(super) async fn locate_store(
        &self,
        profile: &StoreProfile,
        failures: u32,
    ) -> (Option<Coordinates>, Option<GeocodingDue>) {
        match profile.coordinates {
            Some(given) => (Some(given), None),
            None => self.ask_for_store(profile, failures).await.stored(),
        }
    }
}

impl StoreService {
    /// Asks once more for the coordinates of at most `limit` (1 to 1000) stores for which a
    /// geocoder failed, or was missing, and whose turn has come. The host calls it now and then;
    /// several nodes may, and nothing is lost where two ask for the same store. A store that fails
    /// moves its own turn back: 5 minutes, doubling, at most a day.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for anyone but the platform; [`StoreError::NoGeocoder`]; storage.
    pub async fn geocode_pending(&self, actor: &Actor, limit: u32) -> Result<GeocodedPending, StoreError> {
        if !self.context.allows(actor, &policy::STORES_GEOCODE_PENDING) {
            return Err(StoreError::Forbidden("ask for coordinates"));
        }
        if self.context.geocoder.is_none() {
            return Err(StoreError::NoGeocoder);
        }
        let stores = &self.context.ports.store.stores;
        let mut done = GeocodedPending::default();
        for store in stores.geocode_due(AllStores, self.context.env.now(), limit.clamp(1, MOST_AT_ONCE)).await? {
            let failures = store.geocoding.map_or(0, |geocoding| geocoding.failures);
            let asked = self.context.ask_for_store(&store.profile, failures).await;
            let stored = self.put_location(actor, &store, asked).await? == UpdateOutcome::Updated;
            done.count(asked, stored);
            if !asked.goes_on() {
                break;
            }
        }
        Ok(done)
    }

    /// Stores an answer. Where the store changed meanwhile, its address may have too: it keeps
    /// its turn and is asked for again.
    async fn put_location(&self, actor: &Actor, store: &Store, asked: Asked) -> Result<UpdateOutcome, StoreError> {
        let env = &self.context.env;
        let now = env.now();
        let mut next = store.clone();
        let (coordinates, geocoding) = asked.stored();
        next.profile.coordinates = coordinates.or(store.profile.coordinates);
        next.geocoding = geocoding;
        (next.version, next.updated_at) = (store.version + 1, now);
        let audit = AuditDraft {
            store_id: Some(store.id),
            action: "store.geocode",
            entity_type: "store",
            entity_id: store.id.to_string(),
            old_values: None,
            new_values: Some(json!({ "coordinates": next.profile.coordinates, "failed": geocoding.is_some() })),
        }
        .by(actor, env, now);
        Ok(self.context.ports.store.stores.update(next, store.version, audit).await?)
    }
}
