//! The search for stores nearby against a look at every store: on both sides of the antimeridian,
//! at the poles, among stores at one place, page by page; and while stores change.

use vyapar_core::geo::{Coordinates, HALF_EARTH_KM, Radius};
use vyapar_core::store::{
    NearbyPosition, NearbyQuery, PublicStore, Rating, Store, StoreFilter, StoreStatus, StoreType,
};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{AllStores, PageRequest, Ports, StoreId};
use vyapar_postgres::Postgres;

use crate::database::TestDatabase;

/// Around which there are stores. The last is on the other side of the earth from the first.
const PLACES: [(f64, f64); 9] = [
    (28.6139, 77.2090),
    (0.0, 0.0),
    (-16.8, 179.995),
    (52.0, -180.0),
    (89.995, 40.0),
    (-90.0, 0.0),
    (69.0, 33.0),
    (8.5, 76.9),
    (-28.6139, -102.7910),
];

fn at(latitude: f64, longitude: f64) -> Coordinates {
    let longitude = if longitude > 180.0 { longitude - 360.0 } else { longitude };
    let longitude = if longitude < -180.0 { longitude + 360.0 } else { longitude };
    Coordinates::new(latitude.clamp(-90.0, 90.0), longitude).unwrap()
}

/// An active store there, otherwise at random.
fn store(make: &Fixtures, place: Coordinates) -> Store {
    let mut store = Store { status: StoreStatus::Active, ..make.store() };
    store.profile.coordinates = Some(place);
    store.profile.store_type = StoreType::ALL[usize::try_from(make.below(3)).unwrap()];
    store.profile.delivery_radius_km = rust_decimal::Decimal::new(i64::try_from(make.below(900)).unwrap(), 2);
    let count = make.below(4);
    store.rating = Rating { sum: count + make.below(4 * count + 1), count };
    store
}

/// Many stores around each place, some exactly there, and a few that nobody may find.
async fn fill(ports: &Ports, make: &Fixtures) -> Vec<Store> {
    let mut stores = Vec::new();
    for (latitude, longitude) in PLACES {
        for n in 0..60_u32 {
            // From metres to some hundred kilometres.
            let spread = 3.0 / f64::from(1_u32 << (n % 16));
            let degrees = || (make.below(2_000_001) as f64 / 1e6 - 1.0) * spread;
            let place =
                if n % 5 == 0 { at(latitude, longitude) } else { at(latitude + degrees(), longitude + degrees()) };
            stores.push(store(make, place));
        }
    }
    stores.push(Store { status: StoreStatus::Suspended, ..store(make, at(28.6139, 77.2090)) });
    let mut nowhere = store(make, at(0.0, 0.0));
    nowhere.profile.coordinates = None;
    stores.push(nowhere);
    for store in &stores {
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
    }
    stores
}

/// What is found, by looking at every store.
fn expected(stores: &[Store], query: &NearbyQuery) -> Vec<(NearbyPosition, PublicStore)> {
    let mut found: Vec<_> = stores
        .iter()
        .filter(|store| store.status == StoreStatus::Active)
        .filter_map(|store| {
            let distance_km = query.distance_to(&store.profile, store.rating)?;
            Some((NearbyPosition { distance_km, id: store.id }, PublicStore::from(store.clone())))
        })
        .collect();
    found.sort_by_key(|(position, _)| *position);
    found
}

/// What the search gives out, page after page.
async fn found(ports: &Ports, query: NearbyQuery, limit: u32) -> Vec<(NearbyPosition, PublicStore)> {
    let (mut all, mut page) = (Vec::new(), PageRequest::first(limit));
    loop {
        let part = ports.store.search.nearby(AllStores, query, page).await.unwrap();
        assert!(part.items.len() <= usize::try_from(limit).unwrap());
        all.extend(part.items.into_iter().map(|near| (near.position(), near.store)));
        let Some(next) = part.next else { return all };
        page = PageRequest::first(limit).after(next);
    }
}

fn within(centre: Coordinates, km: f64) -> NearbyQuery {
    NearbyQuery::within(centre, Radius::from_km(km).unwrap())
}

#[test]
fn finds_what_a_look_at_every_store_finds() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let stores = fill(&ports, &make).await;
        for (latitude, longitude) in PLACES {
            let beside = at(latitude + 0.03, longitude - 0.03);
            for centre in [at(latitude, longitude), beside] {
                for km in [0.0, 0.000_4, 0.7, 12.0, 300.0, 9_000.0, HALF_EARTH_KM] {
                    let all = within(centre, km);
                    let picky = NearbyQuery { store_type: Some(StoreType::Grocery), min_rating: 25, ..all };
                    let delivering = NearbyQuery { delivers: true, ..all };
                    for query in [all, picky, delivering] {
                        let expected = expected(&stores, &query);
                        let found = found(&ports, query, if km > 1_000.0 { 200 } else { 17 }).await;
                        assert_eq!(found, expected, "{query:?}");
                    }
                }
                // The edge is inside, to the last bit, and what is beyond it is not.
                for (position, _) in expected(&stores, &within(centre, 50.0)).iter().step_by(9) {
                    let query = within(centre, position.distance_km);
                    assert_eq!(found(&ports, query, 200).await, expected(&stores, &query), "{query:?}");
                }
            }
        }
    });
}

#[test]
fn goes_on_behind_every_store_of_a_crowd() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let mut stores = Vec::new();
        // Three crowds at one place each, two of them equally far, and others in between.
        for n in 0..700_u64 {
            let place = [(28.6, 77.2), (28.61, 77.2), (28.59, 77.2), (28.6, 77.21)][usize::try_from(n % 4).unwrap()];
            let shift = if n % 4 == 3 { n as f64 / 1e7 } else { 0.0 };
            stores.push(store(&make, at(place.0, place.1 + shift)));
        }
        for store in make.shuffled(stores.clone()) {
            ports.store.stores.insert(store, None, make.bare_audit()).await.unwrap();
        }
        let centre = at(28.6, 77.2);
        // (Within 300 m there is one crowd alone.)
        for (km, limit) in [(30.0, 20), (30.0, 3), (0.3, 40), (0.0, 40)] {
            let query = within(centre, km);
            assert_eq!(found(&ports, query, limit).await, expected(&stores, &query), "{limit} a page");
        }
        for distance_km in [30.1, f64::MAX, f64::INFINITY] {
            let beyond = NearbyPosition { distance_km, id: make.store_id() };
            let page = PageRequest::first(20).after(beyond.cursor());
            let nothing = ports.store.search.nearby(AllStores, within(centre, 30.0), page).await.unwrap();
            assert!(nothing.items.is_empty() && nothing.next.is_none());
        }
    });
}

/// Two cities, one behind the other.
async fn cities(database: &TestDatabase, make: &Fixtures, centre: Coordinates) {
    let stores = database.postgres().ports().store.stores;
    stores.insert(store(make, centre), None, make.bare_audit()).await.unwrap();
    let copies = "
        insert into vyapar.stores
        select c.* from vyapar.stores s, generate_series(1, 4000) n, jsonb_populate_record(s, jsonb_build_object(
            'id', md5(n::text)::uuid, 'store_id', 'copy-' || n,
            'latitude', s.latitude + sin(n) * 0.1 * (n % 97) / 97,
            'longitude', s.longitude + cos(n) * 0.1 * (n % 97) / 97 + 0.2 * (n % 3 / 2))) c";
    sqlx::query(copies).execute(database.pool()).await.unwrap();
    sqlx::query("vacuum analyze").execute(database.pool()).await.unwrap();
}

#[test]
fn goes_on_far_behind_the_first_page() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let centre = at(28.6, 77.2);
        cities(&database, &make, centre).await;
        let (mut stores, mut page) = (Vec::new(), Some(PageRequest::first(200)));
        while let Some(next) = page {
            let part = ports.store.stores.list(AllStores, StoreFilter::default(), next).await.unwrap();
            stores.extend(part.items);
            page = part.next.map(|next| PageRequest::first(200).after(next));
        }
        assert_eq!(stores.len(), 4001);
        for query in [within(centre, 40.0), NearbyQuery { delivers: true, ..within(centre, 40.0) }] {
            let expected = expected(&stores, &query);
            assert_eq!(found(&ports, query, 60).await, expected, "{query:?}");
        }
    });
}

#[test]
fn reads_what_it_finds_and_not_the_whole_circle() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, centre) = (Fixtures::here(), at(28.6, 77.2));
        cities(&database, &make, centre).await;
        // One connection: statistics of another would come late.
        let pool = TestDatabase::pool_of(database.name(), 1);
        let search = Postgres::from_pool(pool.clone()).ports().store.search;
        // How many points were read so far, by index and not.
        let read = async || -> i64 {
            for refresh in ["select pg_stat_force_next_flush()", "select pg_stat_clear_snapshot()"] {
                sqlx::query(refresh).execute(&pool).await.unwrap();
            }
            let read = "select (i.idx_tup_read + t.seq_tup_read)::bigint
                from pg_stat_user_indexes i join pg_stat_user_tables t using (relid)
                where i.indexrelname = 'store_points_place'";
            sqlx::query_scalar(read).fetch_one(&pool).await.unwrap()
        };
        let far = NearbyPosition { distance_km: 9.0, id: make.store_id() };
        let behind = PageRequest::first(20).after(far.cursor());
        for (page, most) in [(PageRequest::first(20), 200), (behind, 2_000)] {
            for km in [5.0, 15.0, 100.0] {
                if km > 9.0 || page.cursor().is_none() {
                    let before = read().await;
                    let found = search.nearby(AllStores, within(centre, km), page.clone()).await.unwrap();
                    assert_eq!(found.items.len(), 20);
                    let read = read().await - before;
                    assert!((20..most).contains(&read), "{read} of 4,001 points read for 20 within {km} km");
                }
            }
        }
        pool.close().await;
    });
}

#[test]
fn finds_a_store_as_it_was_written_last() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        let (here, there) = (at(28.6, 77.2), at(19.07, 72.87));
        let ids =
            async |query| found(&ports, query, 50).await.iter().map(|(near, _)| near.id).collect::<Vec<StoreId>>();
        let mut shop = store(&make, here);
        shop.rating = Rating::default();
        ports.store.stores.insert(shop.clone(), None, make.bare_audit()).await.unwrap();
        let near = |place| within(place, 5.0);
        assert_eq!(ids(near(here)).await, [shop.id]);
        let mut write = async |change: fn(&mut Store, Coordinates), place| {
            change(&mut shop, place);
            shop.version += 1;
            ports.store.stores.update(shop.clone(), shop.version - 1, make.bare_audit()).await.unwrap();
            shop.id
        };
        let id = write(|shop, there| shop.profile.coordinates = Some(there), there).await;
        assert_eq!((ids(near(here)).await, ids(near(there)).await), (vec![], vec![id]));
        for status in [StoreStatus::Inactive, StoreStatus::Suspended] {
            match status {
                StoreStatus::Inactive => write(|shop, _| shop.status = StoreStatus::Inactive, there).await,
                _ => write(|shop, _| shop.status = StoreStatus::Suspended, there).await,
            };
            assert_eq!(ids(near(there)).await, []);
        }
        write(|shop, _| shop.status = StoreStatus::Active, there).await;
        assert_eq!(ids(near(there)).await, [id]);
        let well_rated = NearbyQuery { min_rating: 40, ..near(there) };
        assert_eq!(ids(well_rated).await, []);
        let review = make.env().uuid();
        let review = vyapar_core::store::ReviewRating {
            review_id: vyapar_core::ReviewId::from_uuid(review),
            revision: 1,
            stars: Some(vyapar_core::store::Stars::new(4).unwrap()),
        };
        assert!(ports.store.counters.rate(id, review).await.unwrap());
        assert_eq!(ids(well_rated).await, [id]);
        write(|shop, _| shop.profile.coordinates = None, there).await;
        assert_eq!(ids(near(there)).await, []);
        // By hand as well, whoever does it.
        let by_hand = "update vyapar.stores set latitude = 28.6, longitude = 77.2 where id = $1";
        sqlx::query(by_hand).bind(id.as_uuid()).execute(database.pool()).await.unwrap();
        assert_eq!(ids(near(here)).await, [id]);
    });
}
