//! Coordinates of stores and addresses: asked for once, and again where that failed.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use crate::geo::Coordinates;
use crate::geo::geocoder::{GeocodeError, GeocodedPending};
use crate::page::AllStores;
use crate::store::{NewStore, StoreError, StoreProfile, StoreStatus, UpdateStore};
use crate::testing::conformance::support::eventually;
use crate::testing::town::{Town, TownMap};
use crate::testing::{Bench, Fixtures};
use crate::vyapar::Vyapar;

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

fn in_street(town: &Town, street: &str) -> NewStore {
    let mut new = town.new_store();
    new.profile.address = format!("12 {street}");
    new
}

/// What one run does once `due` stores are seen to be due.
async fn run_over_stores(town: &Town, due: usize) -> GeocodedPending {
    let now = town.make.now();
    eventually(due, || async { Ok(town.ports.store.stores.geocode_due(AllStores, now, 100).await?.len()) }).await;
    town.vyapar.stores().geocode_pending(&town.host, 100).await.unwrap()
}

/// A given point is kept without asking; an address that nobody knows is kept without a point.
pub async fn a_registration_asks_once_and_keeps_the_answer(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    town.map.teach("Station Road", at(21.2, 72.8));
    let stores = town.vyapar.stores();
    let found = stores.register(&town.host, in_street(&town, "Station Road")).await.unwrap();
    assert_eq!((found.profile.coordinates, found.geocoding), (Some(at(21.2, 72.8)), None));
    assert_eq!(stores.get(&town.host, found.id).await.unwrap(), found);
    let unknown = stores.register(&town.host, in_street(&town, "Nowhere Lane")).await.unwrap();
    assert_eq!((unknown.profile.coordinates, unknown.geocoding), (None, None));
    assert_eq!(town.map.calls(), 2);
    town.map.fail(Some(GeocodeError::InvalidQuery));
    let odd = stores.register(&town.host, in_street(&town, "##")).await.unwrap();
    assert_eq!((odd.profile.coordinates, odd.geocoding, town.map.calls()), (None, None, 1), "asking again is no use");
    let mut given = in_street(&town, "Station Road");
    given.profile.coordinates = Some(at(21.3, 72.9));
    let given = stores.register(&town.host, given).await.unwrap();
    assert_eq!((given.profile.coordinates, town.map.calls()), (Some(at(21.3, 72.9)), 0));
}

/// The store is kept without coordinates, and found later, when its turn comes.
pub async fn a_geocoder_that_fails_costs_no_store(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let stores = town.vyapar.stores();
    town.map.fail(Some(GeocodeError::TimedOut));
    let new = in_street(&town, "Station Road");
    let store = stores.register(&town.host, new).await.unwrap();
    let waits = store.geocoding.unwrap();
    assert_eq!((store.profile.coordinates, waits.failures), (None, 1));
    assert_eq!(waits.due - town.make.now(), TimeDelta::minutes(5));
    town.map.calls();
    assert_eq!(run_over_stores(&town, 0).await, GeocodedPending::default());
    assert_eq!(town.map.calls(), 0, "not its turn yet");
    town.make.clock().set(waits.due);
    let failed = run_over_stores(&town, 1).await;
    assert_eq!((failed.failed, failed.located, failed.stopped), (1, 0, None));
    let waits = stores.get(&town.host, store.id).await.unwrap().geocoding.unwrap();
    assert_eq!((waits.failures, waits.due - town.make.now()), (2, TimeDelta::minutes(10)));
    town.make.clock().set(waits.due);
    town.map.fail(None);
    town.map.teach("Station Road", at(21.2, 72.8));
    let done = run_over_stores(&town, 1).await;
    assert_eq!((done.located, done.failed), (1, 0));
    let located = stores.get(&town.host, store.id).await.unwrap();
    assert_eq!((located.profile.coordinates, located.geocoding), (Some(at(21.2, 72.8)), None));
    assert_eq!(run_over_stores(&town, 0).await, GeocodedPending::default());
}

/// The same for a customer's addresses: each has its own turn.
pub async fn a_geocoder_that_fails_costs_no_address(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let customers = town.vyapar.customers();
    let lane = |line1: &str| crate::customer::NewAddress { line1: Town::name(line1), ..town.new_address() };
    town.map.teach("known", at(23.0, 72.5));
    let known = customers.save_address(&person.actor, None, lane("7 known lane")).await.unwrap();
    assert_eq!((known.address.coordinates, town.map.calls()), (Some(at(23.0, 72.5)), 1));
    for id in [None, Some(known.id)] {
        let again = customers.save_address(&person.actor, id, lane("7 known lane")).await.unwrap();
        assert_eq!((again, town.map.calls()), (known.clone(), 0), "what did not move is not asked for again");
    }
    town.map.fail(Some(GeocodeError::Unavailable));
    for name in ["8 late lane", "9 lost lane"] {
        let late = customers.save_address(&person.actor, None, lane(name)).await.unwrap();
        assert_eq!(late.address.coordinates, None);
    }
    assert_eq!(customers.profile(&person.actor).await.unwrap().addresses.len(), 3);
    let run = |due: usize| {
        let (town, now) = (&town, town.make.now());
        async move {
            let customers = &town.ports.customer.customers;
            eventually(due, || async { Ok(customers.geocode_due(AllStores, now, 100).await?.len()) }).await;
            town.vyapar.customers().geocode_pending(&town.host, 100).await.unwrap()
        }
    };
    assert_eq!(run(0).await, GeocodedPending::default());
    town.make.clock().advance(TimeDelta::minutes(5));
    town.map.fail(None);
    town.map.teach("late", at(23.1, 72.6));
    let done = run(1).await;
    assert_eq!((done.located, done.unknown, done.failed), (1, 1, 0));
    let points: Vec<_> = customers.profile(&person.actor).await.unwrap().addresses;
    let points: Vec<_> = points.into_iter().map(|view| view.address.coordinates).collect();
    assert_eq!(points, [Some(at(23.0, 72.5)), Some(at(23.1, 72.6)), None]);
    town.make.clock().advance(TimeDelta::days(30));
    assert_eq!(run(0).await, GeocodedPending::default(), "what nobody knows is not asked for again");
}

/// They are due at once, for the host that has one.
pub async fn without_a_geocoder_addresses_wait_for_one(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let plain = Vyapar::builder(town.ports.clone(), town.make.env().clone()).build();
    let store = plain.stores().register(&town.host, in_street(&town, "Station Road")).await.unwrap();
    let waits = store.geocoding.unwrap();
    assert_eq!((waits.failures, waits.due), (0, town.make.now()));
    let nobody = plain.stores().geocode_pending(&town.host, 10).await;
    assert!(matches!(nobody, Err(StoreError::NoGeocoder)), "{nobody:?}");
    let nobody = plain.customers().geocode_pending(&town.host, 10).await;
    assert!(matches!(nobody, Err(crate::customer::CustomerError::NoGeocoder)), "{nobody:?}");
    town.map.teach("Station Road", at(21.2, 72.8));
    assert_eq!(run_over_stores(&town, 1).await.located, 1);
}

/// Asking on would only cost: the rest keep their turns.
pub async fn a_used_up_quota_ends_the_run(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    town.map.fail(Some(GeocodeError::Unavailable));
    for _ in 0..3 {
        town.vyapar.stores().register(&town.host, in_street(&town, "Station Road")).await.unwrap();
    }
    town.make.clock().advance(TimeDelta::minutes(5));
    let used_up = GeocodeError::QuotaExceeded { retry_after: Some(Duration::from_secs(3600)) };
    town.map.fail(Some(used_up));
    town.map.calls();
    let run = run_over_stores(&town, 3).await;
    assert_eq!((run.failed, run.stopped, town.map.calls()), (1, Some(used_up), 1));
    town.map.fail(None);
    town.map.teach("Station Road", at(21.2, 72.8));
    assert_eq!(run_over_stores(&town, 2).await.located, 2, "the third waits as long as the service asked");
    town.make.clock().advance(TimeDelta::hours(1));
    assert_eq!(run_over_stores(&town, 1).await.located, 1);
}

/// Its old point is not kept for the new address; a point given with it is not asked for, one that
/// is taken out is.
pub async fn a_store_that_moves_is_asked_for_anew(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let stores = town.vyapar.stores();
    town.map.teach("Station Road", at(21.2, 72.8));
    town.map.teach("Market Yard", at(21.4, 72.7));
    let store = stores.register(&town.host, in_street(&town, "Station Road")).await.unwrap();
    town.map.calls();
    let change = |version, change: &dyn Fn(&mut StoreProfile), profile: &StoreProfile| {
        let mut profile = profile.clone();
        change(&mut profile);
        UpdateStore { version, profile, contact: None }
    };
    let renamed = change(1, &|profile| profile.store_name = "Verma Stores".to_owned(), &store.profile);
    let renamed = stores.update(&town.host, store.id, renamed).await.unwrap();
    assert_eq!((renamed.profile.coordinates, town.map.calls()), (Some(at(21.2, 72.8)), 0));
    let moved = change(2, &|profile| profile.address = "3 Market Yard".to_owned(), &renamed.profile);
    let moved = stores.update(&town.host, store.id, moved.clone()).await.unwrap();
    assert_eq!((moved.profile.coordinates, town.map.calls()), (Some(at(21.4, 72.7)), 1));
    town.map.fail(Some(GeocodeError::TimedOut));
    let lost = change(3, &|profile| profile.address = "4 Fort Gate".to_owned(), &moved.profile);
    let lost = stores.update(&town.host, store.id, lost).await.unwrap();
    assert_eq!((lost.profile.coordinates, lost.geocoding.map(|waits| waits.failures)), (None, Some(1)));
    town.map.calls();
    let given = change(4, &|profile| profile.coordinates = Some(at(21.5, 72.6)), &lost.profile);
    let given = stores.update(&town.host, store.id, given).await.unwrap();
    assert_eq!((given.profile.coordinates, given.geocoding, town.map.calls()), (Some(at(21.5, 72.6)), None, 0));
    town.map.fail(None);
    town.map.teach("Fort Gate", at(21.6, 72.5));
    let taken_out = change(5, &|profile| profile.coordinates = None, &given.profile);
    let found = stores.update(&town.host, store.id, taken_out).await.unwrap();
    assert_eq!((found.profile.coordinates, town.map.calls()), (Some(at(21.6, 72.5)), 1));
}

/// An answer for the address that a store had is not stored as that of its new one.
pub async fn a_store_that_moves_while_it_is_asked_for_keeps_its_turn(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let stores = town.vyapar.stores();
    town.map.fail(Some(GeocodeError::TimedOut));
    let store = stores.register(&town.host, in_street(&town, "Station Road")).await.unwrap();
    town.make.clock().advance(TimeDelta::minutes(5));
    town.map.fail(None);
    town.map.teach("Station Road", at(21.2, 72.8));
    town.map.teach("Market Yard", at(21.4, 72.7));
    let now = town.make.now();
    eventually(1, || async { Ok(town.ports.store.stores.geocode_due(AllStores, now, 10).await?.len()) }).await;
    // Whoever moves it is faster than the answer: this map answers only after a while.
    let moving = Vyapar::builder(town.ports.clone(), town.make.env().clone()).geocoder(Arc::new(TownMap::default()));
    let (run, moved) = tokio::join!(stores.geocode_pending(&town.host, 10), async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let vyapar = moving.build();
        let mut profile = store.profile.clone();
        (profile.address, profile.preparation_minutes) = ("3 Market Yard".to_owned(), 5);
        vyapar.stores().set_status(&town.host, store.id, StoreStatus::Active).await.unwrap();
        let version = vyapar.stores().get(&town.host, store.id).await.unwrap().version;
        vyapar.stores().update(&town.host, store.id, UpdateStore { version, profile, contact: None }).await
    });
    let run = run.unwrap();
    // Either came first; the old street's point is nowhere to be found beside the new street.
    let stored = stores.get(&town.host, store.id).await.unwrap();
    assert_eq!(run.located + run.changed, 1, "{run:?}");
    if run.changed == 1 {
        assert_eq!(stored.profile.coordinates, None, "what came too late is not stored");
    }
    if moved.is_ok() {
        assert_eq!((stored.profile.address.as_str(), stored.profile.coordinates), ("3 Market Yard", None));
    } else {
        assert_eq!(stored.profile.coordinates, Some(at(21.2, 72.8)));
    }
}
