//! The search for stores nearby.

use async_trait::async_trait;
use vyapar_core::store::{NearbyPosition, NearbyQuery, NearbyStore, StoreSearch};
use vyapar_core::{AllStores, Page, PageRequest, Stored};

use super::Stores;
use super::index::{Ring, chord};
use super::shelf::Place;
use crate::lock::read;
use crate::one_more;

#[async_trait]
impl StoreSearch for Stores {
    async fn nearby(&self, _all: AllStores, query: NearbyQuery, page: PageRequest) -> Stored<Page<NearbyStore>> {
        let after = NearbyPosition::before(&page)?;
        let wanted = one_more(page.limit());
        let rows = read(&self.rows);
        let from = after.map_or(f64::NEG_INFINITY, |after| chord(after.distance_km));
        let ring = Ring { from, to: chord(query.radius.km()) };
        // Each store that is found is found by the definition of the search, not by the tree's.
        let find = |place: Place| {
            let store = rows.stores.at(place)?;
            let distance_km = query.distance_to(&store.profile, store.rating)?;
            let position = NearbyPosition { distance_km, id: store.id };
            after.is_none_or(|after| position > after).then_some((position, store))
        };
        let near = rows.points.nearest(&query, ring, wanted, |place| find(place).is_some());
        let mut found: Vec<_> = near.filter_map(find).collect();
        found.sort_unstable_by_key(|(position, _)| *position);
        found.truncate(wanted);
        let found = found.into_iter();
        let found =
            found.map(|(position, store)| NearbyStore { store: store.into(), distance_km: position.distance_km });
        Ok(Page::of(found.collect(), page.limit(), |last| last.position().cursor()))
    }
}
