//! The search for stores nearby.

use super::super::support::{all_pages, eventually, refuses_foreign_cursors};
use crate::error::Stored;
use crate::geo::{Bearing, Coordinates, HALF_EARTH_KM, Radius};
use crate::id::{ReviewId, StoreId};
use crate::page::{AllStores, PageRequest};
use crate::store::{
    NearbyPosition, NearbyQuery, NearbyStore, Rating, ReviewRating, Stars, Store, StorePorts, StoreStatus, StoreType,
    UpdateOutcome,
};
use crate::testing::{Bench, Fixtures};

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

fn within(centre: Coordinates, km: f64) -> NearbyQuery {
    NearbyQuery::within(centre, Radius::from_km(km).unwrap())
}

fn away(from: Coordinates, degrees: f64, km: f64) -> Coordinates {
    from.destination(Bearing::from_degrees(degrees).unwrap(), Radius::from_km(km).unwrap())
}

fn bazaar() -> Coordinates {
    at(28.656, 77.230)
}

/// Stores as they are stored, and what a full search over them finds.
struct City {
    ports: StorePorts,
    make: Fixtures,
    stores: Vec<Store>,
}

impl City {
    fn new(bench: &Bench, make: Fixtures) -> Self {
        Self { ports: bench.ports.store.clone(), make, stores: Vec::new() }
    }

    /// An active store there.
    async fn open(&mut self, at: Coordinates) -> StoreId {
        self.open_as(|store| store.profile.coordinates = Some(at)).await
    }

    async fn open_as(&mut self, change: impl FnOnce(&mut Store)) -> StoreId {
        let mut store = self.make.store();
        store.status = StoreStatus::Active;
        change(&mut store);
        let id = store.id;
        let entry = self.make.audit(Some(id), "store.register", "store", &id.to_string());
        self.ports.stores.insert(store.clone(), None, entry).await.unwrap();
        self.stores.push(store);
        id
    }

    async fn change(&mut self, id: StoreId, change: impl FnOnce(&mut Store)) {
        let store = self.stores.iter_mut().find(|store| store.id == id).unwrap();
        let expected = store.version;
        change(store);
        store.version += 1;
        let entry = self.make.audit(Some(id), "store.update", "store", &id.to_string());
        let outcome = self.ports.stores.update(store.clone(), expected, entry).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
    }

    async fn rate(&mut self, id: StoreId, stars: &[u8]) {
        let store = self.stores.iter_mut().find(|store| store.id == id).unwrap();
        for stars in stars {
            let review_id = ReviewId::from_uuid(self.make.uuid());
            let stars = Stars::new(*stars).ok();
            let review = ReviewRating { review_id, revision: 1, stars };
            assert!(self.ports.counters.rate(id, review).await.unwrap());
            store.rating = store.rating.with(None, stars);
        }
    }

    /// By the definition.
    fn expected(&self, query: &NearbyQuery) -> Vec<NearbyStore> {
        let active = self.stores.iter().filter(|store| store.status == StoreStatus::Active);
        let mut found: Vec<_> = active
            .filter_map(|store| {
                let distance_km = query.distance_to(&store.profile, store.rating)?;
                Some(NearbyStore { store: store.clone().into(), distance_km })
            })
            .collect();
        found.sort_by_key(NearbyStore::position);
        found
    }

    async fn found(&self, query: NearbyQuery, size: u32) -> Stored<Vec<NearbyStore>> {
        all_pages(size, |page| self.ports.search.nearby(AllStores, query, page)).await
    }

    /// The search finds exactly what a full one does, in pages of that size; how many.
    async fn finds(&self, query: NearbyQuery, size: u32) -> usize {
        let expected = self.expected(&query);
        let count = expected.len();
        eventually(expected, || self.found(query, size)).await;
        count
    }

    /// The same, and these are the stores.
    async fn finds_these(&self, query: NearbyQuery, ids: &[StoreId]) {
        let found: Vec<_> = self.expected(&query).iter().map(|found| found.store.id).collect();
        assert_eq!(found, ids, "what the promise expects");
        self.finds(query, 200).await;
    }
}

/// With distances; a radius that ends exactly at a store has it.
pub async fn the_nearest_come_first_and_the_edge_is_within(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let mut ids = Vec::new();
    for (degrees, km) in [(10.0, 0.0), (200.0, 0.004), (80.0, 1.0), (300.0, 1.1), (160.0, 4.999), (20.0, 24.0)] {
        ids.push(city.open(away(bazaar(), degrees, km)).await);
    }
    city.open(away(bazaar(), 95.0, 700.0)).await;
    city.finds_these(within(bazaar(), 25.0), &ids).await;
    city.finds_these(within(bazaar(), 5.0), &ids[..5]).await;
    for (store, count) in [(2, 3), (3, 4), (4, 5)] {
        let edge = bazaar().distance_km(city.stores[store].profile.coordinates.unwrap());
        city.finds_these(within(bazaar(), edge), &ids[..count]).await;
        city.finds_these(within(bazaar(), edge.next_down()), &ids[..count - 1]).await;
    }
    city.finds_these(within(bazaar(), 0.0), &ids[..1]).await;
    city.finds_these(within(at(-33.0, 18.0), 25.0), &[]).await;
}

/// A market hall of thirty, and others a step away.
pub async fn stores_at_one_place_come_by_id(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let mut hall = Vec::new();
    for n in 0..30 {
        hall.push(city.open(bazaar()).await);
        if n % 6 == 0 {
            city.open(away(bazaar(), f64::from(n) * 11.0, 0.01)).await;
        }
    }
    hall.sort();
    for (centre, count) in [(bazaar(), 35), (away(bazaar(), 45.0, 2.0), 35)] {
        for size in [1, 7, 30, 200] {
            assert_eq!(city.finds(within(centre, 3.0), size).await, count);
        }
    }
    let first = city.found(within(bazaar(), 3.0), 200).await.unwrap();
    assert_eq!(first.iter().take(30).map(|found| found.store.id).collect::<Vec<_>>(), hall);
}

/// Neither those that wait, are closed or suspended, nor those that nobody located.
pub async fn only_active_stores_with_coordinates_are_found(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    for status in StoreStatus::ALL {
        for coordinates in [Some(bazaar()), None] {
            city.open_as(|store| (store.status, store.profile.coordinates) = (*status, coordinates)).await;
        }
    }
    let active = city.stores.iter().find(|s| s.status == StoreStatus::Active && s.profile.coordinates.is_some());
    let active = active.unwrap().id;
    city.finds_these(within(bazaar(), 1.0), &[active]).await;
}

/// Moved, closed, opened, located, changed, rated: each time anew, and nowhere else.
pub async fn a_store_is_found_as_it_is_now(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let (one, two) = (city.open(bazaar()).await, city.open(away(bazaar(), 0.0, 1.0)).await);
    let (here, there) = (within(bazaar(), 2.0), within(at(19.0, 72.8), 2.0));
    city.finds_these(here, &[one, two]).await;
    city.change(one, |store| store.profile.coordinates = Some(at(19.0, 72.8))).await;
    city.finds_these(here, &[two]).await;
    city.finds_these(there, &[one]).await;
    city.change(one, |store| store.profile.coordinates = Some(away(bazaar(), 90.0, 1.5))).await;
    city.finds_these(here, &[two, one]).await;
    city.finds_these(there, &[]).await;
    for status in [StoreStatus::Inactive, StoreStatus::Active, StoreStatus::Suspended, StoreStatus::Active] {
        city.change(two, |store| store.status = status).await;
        let found = if status == StoreStatus::Active { vec![two, one] } else { vec![one] };
        city.finds_these(here, &found).await;
    }
    city.change(two, |store| store.profile.coordinates = None).await;
    city.finds_these(here, &[one]).await;
    city.change(two, |store| store.profile.coordinates = Some(bazaar())).await;
    city.change(two, |store| store.profile.store_name = "Verma Stores".to_owned()).await;
    city.finds_these(here, &[two, one]).await;
    let pharmacy = NearbyQuery { store_type: Some(StoreType::Pharmacy), ..here };
    city.finds_these(pharmacy, &[]).await;
    city.change(two, |store| store.profile.store_type = StoreType::Pharmacy).await;
    city.finds_these(pharmacy, &[two]).await;
    let good = NearbyQuery { min_rating: 45, ..here };
    city.rate(one, &[4, 5]).await;
    city.finds_these(good, &[one]).await;
    city.rate(one, &[4]).await;
    city.finds_these(good, &[]).await;
    assert_eq!(city.stores.iter().find(|store| store.id == one).map(|s| s.rating), Some(Rating { sum: 13, count: 3 }));
}

/// Type, rating at the tenth, delivery at its edge.
pub async fn every_filter_counts_alone_and_together(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let radii = ["0", "0.99", "1", "1.01", "2.5", "499.99"];
    for n in 0..24_usize {
        let there = away(bazaar(), n as f64 * 15.0, (n % 4) as f64);
        let id = city
            .open_as(|store| {
                store.profile.coordinates = Some(there);
                store.profile.store_type = StoreType::ALL[n % 3];
                store.profile.delivery_radius_km = radii[n % 6].parse().unwrap();
            })
            .await;
        let stars: &[u8] = [&[][..], &[5], &[4, 5], &[1, 2, 2], &[4, 4, 5, 5, 4]][n % 5];
        city.rate(id, stars).await;
    }
    let all = within(bazaar(), 10.0);
    let mut counts = Vec::new();
    for store_type in [None, Some(StoreType::ALL[1]), Some(StoreType::General)] {
        for min_rating in [0, 1, 16, 17, 44, 45, 50] {
            for delivers in [false, true] {
                counts.push(city.finds(NearbyQuery { store_type, min_rating, delivers, ..all }, 5).await);
            }
        }
    }
    counts.sort_unstable();
    counts.dedup();
    assert!(counts.len() > 8, "too few different answers to tell: {counts:?}");
}

/// Cursors travel as text.
pub async fn pages_of_any_size_give_the_whole_list(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    for n in 0..40 {
        city.open(away(bazaar(), f64::from(n) * 77.0, f64::from(n / 3) * 1.7)).await;
    }
    for size in [1, 2, 3, 7, 39, 40, 41, 200] {
        assert_eq!(city.finds(within(bazaar(), 30.0), size).await, 40);
    }
    let full = city.ports.search.nearby(AllStores, within(bazaar(), 30.0), PageRequest::first(40)).await.unwrap();
    assert_eq!((full.items.len(), full.next), (40, None), "no page of nothing follows");
}

/// Stores that open, close or move before what was given out, or behind it, are there or not; the
/// others all come, once.
pub async fn what_happens_between_two_pages_shifts_nothing(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let mut ids = Vec::new();
    for n in 1..=12 {
        ids.push(city.open(away(bazaar(), 30.0, f64::from(n))).await);
    }
    let query = within(bazaar(), 50.0);
    city.finds_these(query, &ids).await;
    let first = city.ports.search.nearby(AllStores, query, PageRequest::first(5)).await.unwrap();
    assert_eq!(first.items.last().map(|found| found.store.id), Some(ids[4]));
    let new = city.open(away(bazaar(), 30.0, 0.5)).await;
    let behind = city.open(away(bazaar(), 30.0, 6.5)).await;
    city.change(ids[4], |store| store.status = StoreStatus::Inactive).await;
    city.change(ids[6], |store| store.profile.coordinates = Some(away(bazaar(), 30.0, 0.1))).await;
    city.change(ids[1], |store| store.profile.coordinates = Some(away(bazaar(), 30.0, 20.0))).await;
    let whole = [ids[6], new, ids[0], ids[2], ids[3], ids[5], behind];
    let whole: Vec<_> = whole.into_iter().chain(ids[7..].iter().copied()).chain([ids[1]]).collect();
    city.finds_these(query, &whole).await;
    let next = PageRequest::first(50).after(first.next.unwrap().to_string().parse().unwrap());
    let rest = city.ports.search.nearby(AllStores, query, next).await.unwrap();
    let rest: Vec<_> = rest.items.iter().map(|found| found.store.id).collect();
    assert_eq!(rest, whole[5..]);
}

/// Where longitudes jump, and where they mean nothing; and the whole earth.
pub async fn over_the_antimeridian_and_the_poles(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    for (latitude, longitude) in [
        (-16.80, 179.99),
        (-16.80, -179.99),
        (-16.81, 180.0),
        (-16.81, -180.0),
        (0.0, 180.0),
        (89.99, 10.0),
        (89.99, -170.0),
        (90.0, 0.0),
        (90.0, 123.0),
        (-90.0, 0.0),
        (-89.95, 77.0),
        (-89.95, -103.0),
        (0.0, 0.0),
        (0.0, -0.001),
        (28.0, 77.0),
    ] {
        city.open(at(latitude, longitude)).await;
    }
    for (centre, km, count) in [
        (at(-16.80, 179.999), 3.0, 4),
        (at(-16.80, -179.999), 3.0, 4),
        (at(0.0, 180.0), 0.0, 1),
        (at(0.0, -180.0), 1e-6, 1),
        (at(90.0, 55.0), 2.0, 4),
        (at(89.999, -90.0), 1.3, 4),
        (at(-90.0, 55.0), 1e-6, 1),
        (at(-89.96, 77.0), 2.0, 1),
        (at(-89.96, 77.0), 12.0, 3),
        (at(0.0, 0.0), 0.2, 2),
        (at(28.0, 77.0), HALF_EARTH_KM, 15),
        (at(-28.0, -103.0), HALF_EARTH_KM, 15),
    ] {
        for size in [2, 200] {
            assert_eq!(city.finds(within(centre, km), size).await, count, "{centre:?} {km}");
        }
    }
}

/// Three hundred stores, forty searches, all of it by chance: towns, villages, market halls, the
/// edges of the map.
pub async fn any_search_finds_what_a_full_search_finds(bench: &Bench) {
    let make = Fixtures::here();
    let dice = make.clone();
    // The low half of a fresh id is random; from 0 to 1.
    let roll = || (dice.uuid().as_u128() & u128::from(u32::MAX)) as f64 / f64::from(u32::MAX);
    let pick = |count: usize| ((roll() * count as f64) as usize).min(count - 1);
    let towns = [bazaar(), at(19.07, 72.88), at(-16.8, 179.995), at(89.98, 0.0), at(-89.9, 40.0), at(0.0, 0.0)];
    let somewhere = |spread: f64| match pick(8) {
        0 => at((roll() * 2.0 - 1.0).asin().to_degrees(), roll() * 360.0 - 180.0),
        _ => away(towns[pick(6)], roll() * 360.0, roll() * roll() * spread),
    };
    let mut city = City::new(bench, make);
    let mut last = bazaar();
    for n in 0..300 {
        if pick(6) > 0 {
            last = somewhere(40.0);
        }
        let (there, kind, radius, closed) = (last, pick(3), pick(12), pick(10) == 0);
        let id = city
            .open_as(|store| {
                store.profile.coordinates = Some(there);
                store.profile.store_type = StoreType::ALL[kind];
                store.profile.delivery_radius_km = rust_decimal::Decimal::from(radius);
                if closed {
                    store.status = StoreStatus::Inactive;
                }
            })
            .await;
        if n % 4 == 0 {
            city.rate(id, &[1 + u8::try_from(pick(5)).unwrap()]).await;
        }
    }
    let mut found = 0;
    for _ in 0..40 {
        let km = [0.5, 5.0, 25.0, 100.0, 3_000.0, HALF_EARTH_KM][pick(6)] * roll();
        let query = NearbyQuery {
            store_type: (pick(3) == 0).then(|| StoreType::ALL[pick(3)]),
            min_rating: if pick(4) == 0 { u8::try_from(pick(51)).unwrap() } else { 0 },
            delivers: pick(4) == 0,
            ..within(somewhere(40.0), km)
        };
        found += city.finds(query, [3, 20, 200][pick(3)]).await;
    }
    assert!(found > 400, "{found} found in all are too few to tell");
}

/// Nor positions that are none.
pub async fn searches_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let mut city = City::new(bench, Fixtures::here());
    let id = city.open(bazaar()).await;
    let query = within(bazaar(), 1.0);
    refuses_foreign_cursors("nearby", |page| city.ports.search.nearby(AllStores, query, page)).await;
    // Behind the only one, and far behind the edge, is nothing.
    for distance_km in [0.0, 5.0, HALF_EARTH_KM, f64::INFINITY] {
        let after = NearbyPosition { distance_km, id }.cursor();
        let page = city.ports.search.nearby(AllStores, query, PageRequest::first(5).after(after)).await.unwrap();
        assert_eq!((page.items.len(), page.next), (0, None), "behind {distance_km} km");
    }
}
