//! The search for stores nearby beside a look at every store, at whatever places one has.

use futures_util::future::try_join_all;

use super::Fixtures;
use super::conformance::support::{all_pages, eventually};
use crate::geo::{Bearing, Coordinates, HALF_EARTH_KM, Radius};
use crate::page::AllStores;
use crate::store::{NearbyPosition, NearbyQuery, Store, StorePorts, StoreStatus, StoreType};

/// How many stores are written at the same time.
const AT_ONCE: usize = 32;

/// Opens an active store at each point, of three types and with four delivery radii, and searches
/// around points at random, with filters at random, in pages: each list is exactly what a look at
/// every store finds. Ends with the poles, the antimeridian and the whole earth. Says how many
/// stores were found in all.
///
/// # Panics
/// Where a list is another, with both.
pub async fn agrees_with_a_full_search(
    ports: &StorePorts,
    make: &Fixtures,
    points: &[Coordinates],
    searches: usize,
) -> usize {
    let mut stores = Vec::with_capacity(points.len());
    for (at, point) in points.iter().enumerate() {
        let mut store = Store { status: StoreStatus::Active, ..make.store() };
        store.profile.coordinates = Some(*point);
        store.profile.store_type = StoreType::ALL[at % 3];
        store.profile.delivery_radius_km = ["0", "2.5", "10", "250"][at % 4].parse().unwrap();
        stores.push(store);
    }
    for some in stores.chunks(AT_ONCE) {
        let inserts = some.iter().map(|store| ports.stores.insert(store.clone(), None, make.bare_audit()));
        try_join_all(inserts).await.unwrap();
    }
    let pick = |count: usize| usize::try_from(make.below(count as u64)).unwrap();
    let edges = [(90.0, 0.0), (-90.0, 77.0), (0.0, 180.0), (0.0, -180.0), (28.0, 77.0)];
    let edges = edges.map(|(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap());
    let mut found = 0;
    for number in 0..searches + edges.len() {
        let (centre, km) = match number.checked_sub(searches) {
            Some(edge) => (edges[edge], HALF_EARTH_KM),
            None => {
                let bearing = Bearing::from_degrees(pick(360) as f64).unwrap();
                let off = Radius::from_km([0.0, 0.3, 8.0, 60.0][pick(4)]).unwrap();
                (points[pick(points.len())].destination(bearing, off), [0.0, 2.0, 5.0, 25.0, 100.0][pick(5)])
            }
        };
        let query = NearbyQuery {
            store_type: (pick(3) == 0).then(|| StoreType::ALL[pick(3)]),
            delivers: pick(4) == 0,
            ..NearbyQuery::within(centre, Radius::from_km(km).unwrap())
        };
        found += agrees(ports, &stores, query, [7, 50, 200][pick(3)]).await;
    }
    found
}

async fn agrees(ports: &StorePorts, stores: &[Store], query: NearbyQuery, size: u32) -> usize {
    let mut expected: Vec<_> = stores
        .iter()
        .filter_map(|store| {
            let distance_km = query.distance_to(&store.profile, store.rating)?;
            Some(NearbyPosition { distance_km, id: store.id })
        })
        .collect();
    expected.sort_unstable();
    // Far searches find all there is: their first pages tell.
    expected.truncate(600);
    let count = expected.len();
    eventually(expected, || async {
        let mut left = count;
        let found = all_pages(size, |page| {
            let search = ports.search.nearby(AllStores, query, page);
            let enough = left;
            left = left.saturating_sub(size as usize);
            async move {
                let mut page = search.await?;
                page.items.truncate(enough);
                page.next = page.next.filter(|_| enough > size as usize);
                Ok(page)
            }
        });
        Ok(found.await?.iter().map(|found| found.position()).collect::<Vec<_>>())
    })
    .await;
    count
}
