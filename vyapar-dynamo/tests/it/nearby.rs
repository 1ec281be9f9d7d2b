//! The search for stores nearby: against the definition, all over the earth; and what it costs.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use vyapar_core::geo::{Bearing, Coordinates, HALF_EARTH_KM, Radius};
use vyapar_core::page::AllStores;
use vyapar_core::store::{NearbyPosition, NearbyQuery, Rating, Store, StorePorts, StoreStatus, StoreType};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, StoreId};
use vyapar_dynamo::tables::STORES;

use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::faults::{Faults, mix};

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

fn km(km: f64) -> Radius {
    Radius::from_km(km).unwrap()
}

/// A number in 0 to 1 that is the same in every run.
fn fraction(n: u64) -> f64 {
    mix(n) as f64 / u64::MAX as f64
}

/// As many points, anywhere within so many km.
fn points(centre: Coordinates, within_km: f64, count: u64) -> impl Iterator<Item = Coordinates> {
    (0..count).map(move |n| {
        let seed = mix(count ^ within_km.to_bits() ^ centre.latitude().to_bits()).wrapping_add(2 * n);
        let bearing = Bearing::from_degrees(fraction(seed) * 360.0).unwrap();
        centre.destination(bearing, km(fraction(seed + 1).sqrt() * within_km))
    })
}

/// An active store there, one of several kinds.
fn shop(make: &Fixtures, there: Coordinates, n: usize) -> Store {
    let mut store = make.store();
    store.status = StoreStatus::Active;
    store.profile.coordinates = Some(there);
    store.profile.store_type = StoreType::ALL[n % 3];
    store.profile.delivery_radius_km = ["0.50", "3", "499.99"][n / 3 % 3].parse().unwrap();
    // From unrated to five stars, given by two.
    let stars = (n % 6) as u64;
    store.rating = Rating { sum: 2 * stars, count: if stars == 0 { 0 } else { 2 } };
    store
}

async fn open(ports: &StorePorts, make: &Fixtures, stores: &[Store]) {
    for some in stores.chunks(32) {
        let inserts = some.iter().map(|store| ports.stores.insert(store.clone(), None, make.bare_audit()));
        try_join_all(inserts).await.unwrap();
    }
}

/// What the definition says.
fn expected(stores: &[Store], query: &NearbyQuery) -> Vec<NearbyPosition> {
    let active = stores.iter().filter(|store| store.status == StoreStatus::Active);
    let mut found: Vec<_> = active
        .filter_map(|store| {
            let distance_km = query.distance_to(&store.profile, store.rating)?;
            Some(NearbyPosition { distance_km, id: store.id })
        })
        .collect();
    found.sort();
    found
}

async fn page(ports: &StorePorts, query: &NearbyQuery, limit: u32) -> Vec<NearbyPosition> {
    let page = ports.search.nearby(AllStores, *query, PageRequest::first(limit)).await.unwrap();
    page.items.iter().map(|found| found.position()).collect()
}

/// All pages.
async fn search(ports: &StorePorts, query: &NearbyQuery, limit: u32) -> Vec<NearbyPosition> {
    let (mut all, mut request) = (Vec::new(), PageRequest::first(limit));
    loop {
        let page = ports.search.nearby(AllStores, *query, request).await.unwrap();
        all.extend(page.items.iter().map(|found| found.position()));
        let Some(next) = page.next else { return all };
        assert_eq!(page.items.len(), limit as usize);
        request = PageRequest::first(limit).after(next);
    }
}

#[test]
fn what_is_found_is_what_the_definition_says_all_over_the_earth() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        let centres = [
            at(28.613_9, 77.209),
            at(-16.8, 179.99),
            at(89.999, 12.0),
            at(-90.0, 0.0),
            at(0.0, 0.0),
            // The corner of four of the largest cells.
            at(45.0, 90.0),
        ];
        let mut there: Vec<_> = centres.iter().flat_map(|centre| points(*centre, 12.0, 8)).collect();
        there.extend(centres.iter().flat_map(|centre| points(*centre, 900.0, 6)));
        there.extend(points(centres[4], HALF_EARTH_KM, 40));
        there
            .extend([(90.0, 180.0), (90.0, -180.0), (0.0, 180.0), (0.0, -180.0), (1e-200, 0.0)].map(|(a, b)| at(a, b)));
        // Two stores in one place.
        there.extend([centres[0], centres[0]]);
        let mut stores: Vec<_> = there.into_iter().enumerate().map(|(n, there)| shop(&make, there, n)).collect();
        stores[0].status = StoreStatus::Inactive;
        stores.push(Store { status: StoreStatus::Active, ..make.store() });
        open(&ports, &make, &stores).await;
        let mut found = 0;
        for centre in centres {
            for radius in [0.0, 0.8, 5.0, 40.0, 1_500.0, HALF_EARTH_KM] {
                let query = NearbyQuery::within(centre, km(radius));
                let all = expected(&stores, &query);
                found += all.len();
                let limit = if radius > 1_000.0 { 23 } else { 7 };
                assert_eq!(search(&ports, &query, limit).await, all, "{query:?}, by {limit}");
                if radius == 0.0 || radius == 0.8 {
                    continue;
                }
                for query in [
                    NearbyQuery { store_type: Some(StoreType::Pharmacy), ..query },
                    NearbyQuery { min_rating: 40, ..query },
                    NearbyQuery { delivers: true, ..query },
                    NearbyQuery { delivers: true, min_rating: 1, store_type: Some(StoreType::Grocery), ..query },
                ] {
                    assert_eq!(search(&ports, &query, 50).await, expected(&stores, &query), "{query:?}");
                }
            }
        }
        assert!(found > 900, "{found}");
    });
}

/// Throttled and cut off again and again, a search still gives all there is.
#[test]
fn a_bad_day_finds_what_any_day_does() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = faulty(Arc::new(Faults::bad_day(11))).await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        let here = at(12.971_6, 77.594_6);
        let there = points(here, 0.9, 20).chain(points(here, 20.0, 20)).chain(points(here, 300.0, 20));
        let stores: Vec<_> = there.enumerate().map(|(n, there)| shop(&make, there, n)).collect();
        open(&ports, &make, &stores).await;
        for (radius, limit) in [(1.0, 5), (25.0, 20), (290.0, 9)] {
            let query = NearbyQuery::within(here, km(radius));
            assert_eq!(search(&ports, &query, limit).await, expected(&stores, &query));
        }
    });
}

/// 1,200 stores in one quarter are more than one page of keys; half of them are in one place.
#[test]
fn a_market_longer_than_a_page_is_read_to_its_end() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        // The middle of a cell, so that all of it is around.
        let chowk = "ttnfv2u".parse::<vyapar_core::geo::geohash::Geohash>().unwrap().centre();
        let there = points(chowk, 0.05, 600).chain(std::iter::repeat_n(chowk, 600));
        let stores: Vec<_> = there.enumerate().map(|(n, there)| shop(&make, there, n)).collect();
        open(&ports, &make, &stores).await;
        let query = NearbyQuery::within(chowk, km(3.0));
        assert_eq!(search(&ports, &query, 200).await, expected(&stores, &query));
        let few = NearbyQuery { min_rating: 50, ..query };
        assert_eq!(search(&ports, &few, 33).await, expected(&stores, &few));
    });
}

#[test]
fn a_page_costs_what_is_near_and_not_what_is_within_the_radius() {
    run(async {
        let faults = Arc::new(Faults::none());
        let Fresh { dynamo, server: _server, .. } = faulty(Arc::clone(&faults)).await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        let city = at(19.076, 72.877_7);
        // Six a square km around the centre, one a square km further out.
        let there = points(city, 5.0, 450).chain(points(city, 18.0, 900));
        let stores: Vec<_> = there.enumerate().map(|(n, there)| shop(&make, there, n)).collect();
        open(&ports, &make, &stores).await;
        let query = NearbyQuery::within(city, km(25.0));
        faults.asked();
        assert_eq!(page(&ports, &query, 20).await, expected(&stores, &query)[..20]);
        let asked = faults.asked();
        assert!(asked["Query"] <= 32 && asked["keys"] <= 60, "{asked:?}");
        // Only every third is a chemist, and the others are not read.
        let chemists = NearbyQuery { store_type: Some(StoreType::Pharmacy), ..query };
        assert_eq!(page(&ports, &chemists, 20).await, expected(&stores, &chemists)[..20]);
        let asked = faults.asked();
        assert!(asked["Query"] <= 48 && asked["keys"] <= 60, "{asked:?}");
        // A page further on does not begin anew.
        let far = expected(&stores, &query)[600];
        let request = PageRequest::first(20).after(far.cursor());
        let next = ports.search.nearby(AllStores, query, request).await.unwrap();
        let next: Vec<_> = next.items.iter().map(|found| found.position()).collect();
        assert_eq!(next, expected(&stores, &query)[601..621]);
        let asked = faults.asked();
        assert!(asked["Query"] <= 32 && asked["keys"] <= 60, "{asked:?}");
        // Nothing anywhere else: the whole earth is looked at, with as many queries as are promised.
        let away = NearbyQuery::within(at(-19.0, -107.0), km(HALF_EARTH_KM));
        let all = expected(&stores, &away);
        assert_eq!(page(&ports, &away, 20).await, all[..20]);
        let asked = faults.asked();
        assert!(asked["Query"] <= 160 && asked["keys"] <= 60, "{asked:?}");
    });
}

/// What an index says may be late; the table decides.
#[test]
fn what_an_index_has_of_stores_that_changed_misleads_nobody() {
    run(async {
        let fresh = fresh().await;
        let (ports, make) = (fresh.dynamo.store(), Fixtures::here());
        let here = at(25.594_1, 85.137_6);
        // The last is further away, and stays there.
        let further = here.destination(Bearing::from_degrees(0.0).unwrap(), km(5.0));
        let there = points(here, 0.4, 6).chain([further]);
        let mut stores: Vec<_> = there.enumerate().map(|(n, there)| shop(&make, there, 3 * n)).collect();
        open(&ports, &make, &stores).await;
        // Changed as if the indexes had not heard of it yet: their own attributes stay.
        let set = async |id: StoreId, attribute: &str, value: &str| {
            let update = fresh.client.update_item().table_name(fresh.names.of(&STORES));
            let update = update.key("id", AttributeValue::S(id.to_string())).update_expression("SET #a = :to");
            let update = update.expression_attribute_names("#a", attribute);
            update.expression_attribute_values(":to", AttributeValue::S(value.to_owned())).send().await.unwrap();
        };
        set(stores[0].id, "status", "inactive").await;
        stores[0].status = StoreStatus::Inactive;
        for (n, longitude) in [(1, 85.137_7), (2, 85.25), (3, -85.0), (5, 85.26)] {
            set(stores[n].id, "longitude", &longitude.to_string()).await;
            let latitude = stores[n].profile.coordinates.unwrap().latitude();
            stores[n].profile.coordinates = Some(at(latitude, longitude));
        }
        set(stores[4].id, "store_type", "pharmacy").await;
        stores[4].profile.store_type = StoreType::Pharmacy;
        let grocers = NearbyQuery { store_type: Some(StoreType::Grocery), ..NearbyQuery::within(here, km(40.0)) };
        assert_eq!(expected(&stores, &grocers).len(), 4);
        let all = expected(&stores, &grocers);
        for limit in [1, 2, 50] {
            // A later page does not look where the index still has those that went further away.
            let known = if limit == 50 { &all[..] } else { &all[..2] };
            assert_eq!(search(&ports, &grocers, limit).await, known);
        }
    });
}
