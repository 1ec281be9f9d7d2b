//! The search for stores nearby.
//!
//! It looks at growing circles around the centre. For each, the indexes give the places of all
//! stores in the cells that cover it; they are put in order by distance, and read from the table
//! in that order until nothing that is unread can be nearer than what was found. So a page costs
//! what is near and not what is within the radius, and what is given out is what the table says,
//! whatever an index that lags behind has. Only where to look is the index's word: a store that
//! has just moved may be missed until the index has heard of it.
//!
//! What a search may cost: at most [`MAX_CIRCLES`] circles (3 for a radius of 25 km); for each at
//! most [`CELLS`] queries, or [`ALL_CELLS`] where that many cells of the largest size do not cover
//! it, which is only beyond some 4,000 km. That is 160 queries for half of the earth and 48 for
//! 25 km, [`AT_ONCE`] at a time; each goes on for as many pages of 1 MB (about 10,000 stores) as
//! its cell has. Of the table it reads the stores of the page, those that the filters by rating
//! refuse before it is full, and a few more.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::geo::Radius;
use vyapar_core::geo::geohash::{Geohash, Precision, cover};
use vyapar_core::id::StoreId;
use vyapar_core::page::{AllStores, Page, PageRequest};
use vyapar_core::store::{NearbyPosition, NearbyQuery, NearbyStore, StoreSearch, StoreStatus};

use super::DynamoStores;
use super::codec::read_store;
use super::place::{Candidate, in_cell};
use crate::db::Db;
use crate::keys;
use crate::tables::STORES;

const DOING: &str = "looking for stores nearby";

/// The first circle in km: 20 shops of a town's market are in it, and 15 small cells cover it.
const FIRST_KM: f64 = 1.0;
/// How much further each circle reaches: sixteen times the area, so that what was read again is
/// little, and what is read too much is keys.
const GROWTH: f64 = 4.0;
/// Most circles of a search: 1, 4, … 4,096 km, and the whole earth.
const MAX_CIRCLES: usize = 8;
/// Most cells that cover a circle, so most queries for it.
const CELLS: usize = 16;
/// Cells of the largest size on the whole earth.
const ALL_CELLS: usize = 32;
/// The smallest cells asked for, in characters: 1.2 km, so that the first circle is covered by 15
/// of them at the equator, and by more away from it, where larger ones take their place.
const FINEST: u8 = 6;
/// Queries under way at once.
const AT_ONCE: usize = 16;
/// Stores read beyond those that make the page full: they may be as near as its last.
const SPARE: usize = 4;
/// Stores of one batch of reads, and most of them under way at once.
const BATCH: usize = 100;
const BATCHES: usize = 4;

#[async_trait]
impl StoreSearch for DynamoStores {
    async fn nearby(&self, _: AllStores, query: NearbyQuery, page: PageRequest) -> Stored<Page<NearbyStore>> {
        let mut search = Search {
            db: &self.db,
            query,
            after: NearbyPosition::before(&page)?,
            wanted: page.limit() as usize + 1,
            seen: HashSet::new(),
            found: BTreeMap::new(),
        };
        for circle in circles(&query, search.after) {
            if search.within(circle).await? {
                break;
            }
        }
        let found = search.found.into_values().take(search.wanted).collect();
        Ok(Page::of(found, page.limit(), |last| last.position().cursor()))
    }
}

/// The radii of the circles to look at one after the other, the last one the query's own.
fn circles(query: &NearbyQuery, after: Option<NearbyPosition>) -> Vec<f64> {
    let all = query.radius.km();
    // Behind the last store of the page before; a little, because stores stand as close there.
    let mut next = after.map_or(FIRST_KM, |after| (after.distance_km * 1.25).max(FIRST_KM));
    let mut radii = Vec::with_capacity(MAX_CIRCLES);
    // A circle that is nearly all of it saves nothing.
    while next * 2.0 < all {
        radii.push(next);
        next *= GROWTH;
    }
    radii.push(all);
    radii
}

/// The cells that cover a circle.
fn cells(query: &NearbyQuery, km: f64) -> Stored<Vec<Geohash>> {
    let unusable = |error: String| RepositoryError::new(RepositoryErrorKind::Backend, DOING).with_source(error);
    let radius = Radius::from_km(km).map_err(|error| unusable(error.to_string()))?;
    let finest = Precision::new(FINEST).map_err(|error| unusable(error.to_string()))?;
    cover(query.centre, radius, CELLS, finest)
        .or_else(|_| cover(query.centre, radius, ALL_CELLS, finest))
        .map_err(|error| unusable(error.to_string()))
}

struct Search<'a> {
    db: &'a Db,
    query: NearbyQuery,
    after: Option<NearbyPosition>,
    /// One more than the page has: it tells whether there is a next one.
    wanted: usize,
    /// Stores that were read.
    seen: HashSet<StoreId>,
    /// Those of them that belong to this page or a later one.
    found: BTreeMap<NearbyPosition, NearbyStore>,
}

impl Search<'_> {
    /// Reads stores within the circle, the nearest first, until enough are known to be the
    /// nearest; says whether they are.
    async fn within(&mut self, km: f64) -> Stored<bool> {
        let is_last = km >= self.query.radius.km();
        let known_to = if is_last { f64::INFINITY } else { km };
        let mut candidates = self.candidates(km).await?.into_iter().peekable();
        let mut step = self.wanted + SPARE;
        loop {
            // Nothing unread is nearer than the next candidate, and nothing unknown is nearer
            // than the edge.
            let sure_to = candidates.peek().map_or(known_to, |next| next.from_km.min(known_to));
            let sure = self.found.keys().take_while(|position| position.distance_km < sure_to).count();
            if sure >= self.wanted {
                return Ok(true);
            }
            let batch: Vec<_> = candidates.by_ref().take(step).map(|candidate| candidate.id).collect();
            if batch.is_empty() {
                return Ok(false);
            }
            self.read(batch).await?;
            // Where filters refuse many, more are tried at once.
            step = (step * 2).min(BATCH * BATCHES);
        }
    }

    /// What the indexes have within the circle and was not read yet, the nearest first.
    async fn candidates(&self, km: f64) -> Stored<Vec<Candidate>> {
        let queries: Vec<_> = cells(&self.query, km)?.into_iter().map(in_cell).collect();
        let pages: Vec<_> = queries.iter().map(|query| self.db.query_all(query, DOING)).collect();
        let pages: Vec<_> = stream::iter(pages).buffer_unordered(AT_ONCE).try_collect().await?;
        let mut candidates = Vec::new();
        for item in pages.iter().flatten() {
            candidates.extend(Candidate::read(item, &self.query)?);
        }
        candidates.retain(|candidate| {
            candidate.from_km <= km
                && self.after.is_none_or(|after| candidate.to_km >= after.distance_km)
                && !self.seen.contains(&candidate.id)
        });
        candidates.sort_by(|a, b| a.from_km.total_cmp(&b.from_km));
        // A store that moved may still be where it was, too.
        let mut once = HashSet::new();
        candidates.retain(|candidate| once.insert(candidate.id));
        Ok(candidates)
    }

    /// Reads stores as they are, and keeps those that are looked for.
    async fn read(&mut self, ids: Vec<StoreId>) -> Stored<()> {
        self.seen.extend(&ids);
        let db = self.db;
        let batches = try_join_all(ids.chunks(BATCH).map(|ids| {
            let keys: Vec<_> = ids.iter().copied().map(keys::store).collect();
            async move { db.get_all(&STORES, keys, &mut db.patience(), DOING).await }
        }));
        for item in batches.await?.iter().flatten() {
            let store = read_store(item)?;
            let active = store.status == StoreStatus::Active;
            let distance = active.then(|| self.query.distance_to(&store.profile, store.rating)).flatten();
            let Some(distance_km) = distance else { continue };
            let position = NearbyPosition { distance_km, id: store.id };
            if self.after.is_none_or(|after| position > after) {
                self.found.insert(position, NearbyStore { store: store.into(), distance_km });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vyapar_core::geo::{Coordinates, HALF_EARTH_KM};

    fn query(latitude: f64, longitude: f64, km: f64) -> NearbyQuery {
        let centre = Coordinates::new(latitude, longitude).unwrap();
        NearbyQuery::within(centre, Radius::from_km(km).unwrap())
    }

    #[test]
    fn circles_end_with_the_radius_and_are_few() {
        let radii = |km| circles(&query(28.6, 77.2, km), None);
        assert_eq!(radii(0.0), [0.0]);
        assert_eq!(radii(2.0), [2.0]);
        assert_eq!(radii(5.0), [1.0, 5.0]);
        assert_eq!(radii(25.0), [1.0, 4.0, 25.0]);
        assert_eq!(radii(HALF_EARTH_KM).len(), MAX_CIRCLES);
        let after = NearbyPosition { distance_km: 8.0, id: StoreId::from_uuid(Default::default()) };
        assert_eq!(circles(&query(28.6, 77.2, 25.0), Some(after)), [10.0, 25.0]);
    }

    #[test]
    fn queries_are_bounded_everywhere() {
        let (mut most, mut most_near) = (0, 0);
        for latitude in (-90..=90).map(f64::from) {
            for longitude in [-180.0, -179.99, -44.9, 0.0, 77.2, 135.1, 180.0] {
                let count = |km| -> usize {
                    let query = query(latitude, longitude, km);
                    circles(&query, None).into_iter().map(|km| cells(&query, km).unwrap().len()).sum()
                };
                most = most.max(count(HALF_EARTH_KM));
                most_near = most_near.max(count(25.0));
            }
        }
        assert!(most <= (MAX_CIRCLES - 2) * CELLS + 2 * ALL_CELLS, "{most}");
        assert!(most_near <= 3 * CELLS, "{most_near}");
    }
}
