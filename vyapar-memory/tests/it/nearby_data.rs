//! The search for stores nearby against a look at every store: at all post offices of India, and
//! anywhere on earth; and against another library's answers.
//!
//! The post offices lie beside the repository (`../shared/data`); without them the test says so
//! and passes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use uuid::Uuid;
use vyapar_core::geo::{Coordinates, HALF_EARTH_KM, Radius};
use vyapar_core::store::{
    NearbyPosition, NearbyQuery, Rating, ReviewRating, Stars, Store, StorePorts, StoreSearch, StoreStatus, StoreType,
};
use vyapar_core::testing::Fixtures;
use vyapar_core::{AllStores, PageRequest, ReviewId, StoreId};
use vyapar_memory::Memory;

use crate::property::{cases, runtime};

/// A file of the data that lies beside the repository, or nothing, with the reason printed.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there", path.display());
    None
}

/// Unpacked by the system's gzip.
fn post_offices() -> Option<String> {
    let path = shared("pincodes/post_offices.tsv.gz")?;
    match Command::new("gzip").arg("-dc").arg(&path).output() {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).ok(),
        other => {
            println!("skipped: no gzip that reads {} ({other:?})", path.display());
            None
        }
    }
}

/// Stores in memory, and the same stores to look through.
struct Map {
    ports: StorePorts,
    stores: Vec<Store>,
    by_id: HashMap<StoreId, usize>,
    make: Fixtures,
}

impl Map {
    fn new(make: Fixtures) -> Self {
        Self { ports: Memory::new().ports().store, stores: Vec::new(), by_id: HashMap::new(), make }
    }

    async fn open(&mut self, store: Store) {
        self.ports.stores.insert(store.clone(), None, self.make.bare_audit()).await.unwrap();
        self.by_id.insert(store.id, self.stores.len());
        self.stores.push(store);
    }

    /// What the search must find, by its definition alone.
    fn look(&self, query: &NearbyQuery) -> Vec<NearbyPosition> {
        let active = self.stores.iter().filter(|store| store.status == StoreStatus::Active);
        let position = |store: &Store| {
            let distance_km = query.distance_to(&store.profile, store.rating)?;
            Some(NearbyPosition { distance_km, id: store.id })
        };
        let mut near: Vec<_> = active.filter_map(position).collect();
        near.sort_unstable();
        near
    }

    /// The page after a place of the list has what it must have, and says whether there is a next
    /// one.
    async fn check(
        &self,
        search: &Search,
        expected: &[NearbyPosition],
        after: Option<usize>,
    ) -> Result<(), TestCaseError> {
        let begin = after.map_or(0, |after| after + 1);
        let end = expected.len().min(begin + search.limit);
        let mut page = PageRequest::first(u32::try_from(search.limit).unwrap());
        if let Some(after) = after {
            page = page.after(expected[after].cursor());
        }
        let found = self.ports.search.nearby(AllStores, search.query, page).await.unwrap();
        let positions: Vec<_> = found.items.iter().map(|found| found.position()).collect();
        prop_assert_eq!(&positions, &expected[begin..end], "after {:?} of {}", after, expected.len());
        prop_assert_eq!(found.next.is_some(), end < expected.len());
        for found in found.items {
            let stored = &self.stores[self.by_id[&found.store.id]];
            prop_assert_eq!(found.store, stored.into());
        }
        Ok(())
    }
}

#[derive(Debug, Clone)]
struct Search {
    query: NearbyQuery,
    limit: usize,
    after: Index,
}

/// Anywhere, but often where a map has its edges.
fn anywhere() -> impl Strategy<Value = Coordinates> {
    let latitude = prop_oneof![
        3 => -90.0..=90.0,
        2 => prop::sample::select(vec![-90.0, -89.999_999, 0.0, 89.999_999, 90.0]),
    ];
    let longitude = prop_oneof![
        3 => -180.0..=180.0,
        2 => prop::sample::select(vec![-180.0, -179.999_99, -1e-9, 0.0, 179.999_99, 180.0]),
    ];
    (latitude, longitude).prop_map(|(latitude, longitude)| Coordinates::new(latitude, longitude).unwrap())
}

fn radius() -> impl Strategy<Value = Radius> {
    prop_oneof![
        Just(0.0),
        0.0..30.0,
        0.0..500.0,
        0.0..HALF_EARTH_KM,
        prop::sample::select(vec![HALF_EARTH_KM / 2.0, HALF_EARTH_KM - 1e-6, HALF_EARTH_KM]),
    ]
    .prop_map(|km| Radius::from_km(km).unwrap())
}

fn search(centre: impl Strategy<Value = Coordinates>) -> impl Strategy<Value = Search> {
    let store_type = prop::option::weighted(0.3, prop::sample::select(StoreType::ALL));
    let min_rating = prop_oneof![3 => Just(0_u8), 2 => 0..=50_u8];
    let delivers = prop::bool::weighted(0.3);
    let conditions = (store_type, min_rating, delivers);
    let limit = prop_oneof![1..6_usize, 1..=200_usize];
    (centre, radius(), conditions, limit, any::<Index>()).prop_map(
        |(centre, radius, (store_type, min_rating, delivers), limit, after)| {
            let query = NearbyQuery { store_type, min_rating, delivers, ..NearbyQuery::within(centre, radius) };
            Search { query, limit, after }
        },
    )
}

/// One post office as a store; those that the directory's authors suspect are hardware shops.
fn office(number: usize, like: &Store, line: &str) -> Option<Store> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [pin, name, _, _, _, _, latitude, longitude, quality] = cells[..] else { panic!("{line}") };
    let at = Coordinates::new(latitude.parse().ok()?, longitude.parse().ok()?).ok()?;
    let mut store = like.clone();
    store.id = StoreId::from_uuid(Uuid::from_u128(number as u128));
    store.slug = format!("office-{number}").parse().unwrap();
    store.profile.store_name = name.to_owned();
    store.profile.pincode = pin.parse().unwrap();
    store.profile.store_type = if quality == "suspect" { StoreType::Hardware } else { StoreType::Grocery };
    store.profile.coordinates = Some(at);
    store.profile.delivery_radius_km = (number % 12).into();
    store.rating = Rating { sum: (number % 11 * (1 + number % 5)) as u64, count: (number % 11) as u64 };
    store.status = StoreStatus::Active;
    Some(store)
}

#[derive(serde::Deserialize)]
struct Expected {
    lat: f64,
    lon: f64,
    radius_km: f64,
    expected: Vec<(String, String, f64)>,
}

/// The radius that the other library takes the earth to have.
const SPHERE_KM: f64 = 6_371.0;

/// Who is near, by whole metres: order among equals is free there.
fn answer(of: impl Iterator<Item = (String, String, f64)>) -> BTreeSet<(u64, String, String)> {
    of.map(|(pin, name, km)| ((km * 1_000.0).round() as u64, pin, name)).collect()
}

/// What the search finds within the other library's radius, page by page.
async fn found(search: &Arc<dyn StoreSearch>, asked: &Expected) -> BTreeSet<(u64, String, String)> {
    let centre = Coordinates::new(asked.lat, asked.lon).unwrap();
    // Its sphere is smaller by 1.4 millionths, which makes distances smaller: look further.
    let radius = Radius::from_km(asked.radius_km * 1.000_01).unwrap();
    let query = NearbyQuery { store_type: Some(StoreType::Grocery), ..NearbyQuery::within(centre, radius) };
    let (mut near, mut page) = (Vec::new(), PageRequest::first(PageRequest::MAX));
    loop {
        let part = search.nearby(AllStores, query, page).await.unwrap();
        near.extend(part.items.into_iter().map(|found| found.store.profile));
        match part.next {
            Some(next) => page = PageRequest::first(PageRequest::MAX).after(next),
            None => break,
        }
    }
    let near = near.into_iter().map(|profile| {
        let km = centre.distance_on_sphere(profile.coordinates.unwrap(), SPHERE_KM);
        (profile.pincode.to_string(), profile.store_name, km)
    });
    answer(near.filter(|(_, _, km)| *km <= asked.radius_km))
}

#[test]
fn post_offices_are_found_as_by_a_full_search_and_by_another_library() {
    let (Some(text), Some(queries)) = (post_offices(), shared("geodesic/nearby_post_offices_expected.jsonl")) else {
        return;
    };
    let runtime = runtime(1).unwrap();
    let mut map = Map::new(Fixtures::here());
    let like = map.make.store();
    let offices = (1..).zip(text.lines().skip(1)).filter_map(|(number, line)| office(number, &like, line));
    runtime.block_on(async {
        for office in offices {
            map.open(office).await;
        }
    });
    let suspect = map.stores.iter().filter(|store| store.profile.store_type == StoreType::Hardware).count();
    println!("{} post offices with coordinates, {suspect} of them suspect", map.stores.len());
    assert!(map.stores.len() > 100_000);

    let (mut count, mut all) = (0, 0);
    for line in std::fs::read_to_string(queries).unwrap().lines() {
        let asked: Expected = serde_json::from_str(line).unwrap();
        let found = runtime.block_on(found(&map.ports.search, &asked));
        count += 1;
        all += found.len();
        assert_eq!(found, answer(asked.expected.iter().cloned()), "around {} {}", asked.lat, asked.lon);
    }
    println!("{count} answers of another library, {all} offices in them");
    assert_eq!(count, 150);

    let points: Vec<_> = map.stores.iter().filter_map(|store| store.profile.coordinates).collect();
    let centre = prop_oneof![3 => prop::sample::select(points), 1 => anywhere()];
    let compared = TestRunner::new(cases(48)).run(&search(centre), |search| {
        let expected = map.look(&search.query);
        runtime.block_on(map.check(&search, &expected, None))?;
        match expected.len() {
            0 => Ok(()),
            places => runtime.block_on(map.check(&search, &expected, Some(search.after.index(places)))),
        }
    });
    compared.unwrap_or_else(|wrong| panic!("{wrong}"));
}

/// What becomes of a store.
#[derive(Debug, Clone)]
enum Change {
    Move(Option<Coordinates>),
    Status(StoreStatus),
    Type(StoreType),
    Delivers(u32),
    Rate(u128, u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        prop::option::of(anywhere()).prop_map(Change::Move),
        prop::sample::select(StoreStatus::ALL).prop_map(Change::Status),
        prop::sample::select(StoreType::ALL).prop_map(Change::Type),
        (0..60_000_u32).prop_map(Change::Delivers),
        (0..4_u128, 1..=5_u8).prop_map(|(review, stars)| Change::Rate(review, stars)),
    ]
}

impl Map {
    async fn change(&mut self, at: usize, change: Change, revision: u64) {
        let mut store = self.stores[at].clone();
        match change {
            Change::Move(to) => store.profile.coordinates = to,
            Change::Status(status) => store.status = status,
            Change::Type(store_type) => store.profile.store_type = store_type,
            Change::Delivers(km) => store.profile.delivery_radius_km = km.into(),
            Change::Rate(review, stars) => {
                let review_id = ReviewId::from_uuid(Uuid::from_u128(review));
                let review = ReviewRating { review_id, revision, stars: Some(Stars::new(stars).unwrap()) };
                self.ports.counters.rate(store.id, review).await.unwrap();
                // What a rating becomes is promised elsewhere.
                self.stores[at] = self.ports.stores.get(store.id).await.unwrap().unwrap();
                return;
            }
        }
        let expected = store.version;
        store.version += 1;
        self.ports.stores.update(store.clone(), expected, self.make.bare_audit()).await.unwrap();
        self.stores[at] = store;
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn whatever_becomes_of_stores_anywhere_the_search_is_a_full_search(
        points in prop::collection::vec(anywhere(), 0..80),
        changes in prop::collection::vec((any::<Index>(), change()), 0..60),
        searches in prop::collection::vec((search(anywhere()), any::<Index>(), any::<bool>()), 1..8),
    ) {
        let mut map = Map::new(Fixtures::here());
        let like = map.make.store();
        runtime(1)?.block_on(async {
            for (number, at) in (0..).zip(&points) {
                let mut store = Store { id: map.make.store_id(), status: StoreStatus::Active, ..like.clone() };
                store.slug = format!("shop-{number}").parse().unwrap();
                store.profile.coordinates = Some(*at);
                map.open(store).await;
            }
            for (revision, (at, change)) in (1..).zip(changes) {
                if !points.is_empty() {
                    map.change(at.index(points.len()), change, revision).await;
                }
            }
            for (mut search, at, there) in searches {
                // Often from where a store is, and as far as another one: the edge is included.
                if there && !points.is_empty() {
                    search.query.centre = points[at.index(points.len())];
                    let edge = search.query.centre.distance_km(points[search.after.index(points.len())]);
                    search.query.radius = Radius::from_km(edge.min(HALF_EARTH_KM)).unwrap();
                }
                let expected = map.look(&search.query);
                map.check(&search, &expected, None).await?;
                for after in 0..expected.len() {
                    map.check(&search, &expected, Some(after)).await?;
                }
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
