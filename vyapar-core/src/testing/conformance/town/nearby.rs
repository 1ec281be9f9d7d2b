//! Searching stores from wherever one is.

use crate::customer::NewAddress;
use crate::geo::geocoder::{GeocodeError, PlaceQuery};
use crate::geo::{Bearing, Coordinates, Radius};
use crate::id::{AddressId, StoreId};
use crate::page::{Cursor, PageRequest};
use crate::store::{
    BusinessHours, CentreSource, DayHours, DeliveryRefusal, Nearby, NearbyError, NearbyFilter, NearbyPage, Origin,
    StoreProfile, UpdateStore,
};
use crate::testing::conformance::support::{at_once, eventually};
use crate::testing::town::Town;
use crate::testing::{Bench, Fixtures};

fn home() -> Coordinates {
    Coordinates::new(21.17, 72.83).unwrap()
}

fn km(km: f64) -> Radius {
    Radius::from_km(km).unwrap()
}

fn away(from: Coordinates, distance: f64) -> Coordinates {
    from.destination(Bearing::from_degrees(60.0).unwrap(), km(distance))
}

/// An active store at that point.
async fn open_at(town: &Town, at: Coordinates, change: impl FnOnce(&mut StoreProfile)) -> StoreId {
    let mut new = town.new_store();
    new.profile.coordinates = Some(at);
    change(&mut new.profile);
    let store = town.vyapar.stores().register(&town.host, new).await.unwrap();
    town.vyapar.stores().verify(&town.host, store.id).await.unwrap();
    store.id
}

fn search(origin: Origin, radius: f64) -> Nearby {
    Nearby { origin, radius: km(radius), filter: NearbyFilter::default(), page: PageRequest::default() }
}

/// What a search finds once the index has these many.
async fn found(town: &Town, search: &Nearby, count: usize) -> NearbyPage {
    let ask = || town.vyapar.stores().nearby(&town.host, search.clone());
    eventually(count, || async { Ok(ask().await.map_or(usize::MAX, |page| page.items.len())) }).await;
    ask().await.unwrap()
}

fn ids(page: &NearbyPage) -> Vec<StoreId> {
    page.items.iter().map(|item| item.store.id).collect()
}

/// No call as long as one active store says where the PIN code is; one call otherwise, and none
/// when it is asked again.
pub async fn a_pin_code_is_where_its_stores_are(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let pin = || Origin::Pin("395003".parse().unwrap());
    town.map.teach("395003", away(home(), 3.0));
    town.map.fail(Some(GeocodeError::Unavailable));
    let failed = town.vyapar.stores().nearby(&town.host, search(pin(), 5.0)).await;
    assert!(matches!(failed, Err(NearbyError::Geocoder(GeocodeError::Unavailable))), "{failed:?}");
    town.map.fail(None);
    town.map.calls();
    for calls in [1, 0] {
        let page = town.vyapar.stores().nearby(&town.host, search(pin(), 5.0)).await.unwrap();
        assert_eq!((page.centre, page.source), (away(home(), 3.0), CentreSource::Geocoder));
        assert_eq!(town.map.calls(), calls);
    }
    let in_pin = |profile: &mut StoreProfile| profile.pincode = "395003".parse().unwrap();
    // One that the platform has not let in does not say where the PIN code is.
    let mut waiting = town.new_store();
    (waiting.profile.coordinates, waiting.profile.pincode) = (Some(away(home(), 90.0)), "395003".parse().unwrap());
    town.vyapar.stores().register(&town.host, waiting).await.unwrap();
    let page = town.vyapar.stores().nearby(&town.host, search(pin(), 5.0)).await.unwrap();
    assert_eq!(page.source, CentreSource::Geocoder);
    let first = open_at(&town, home(), in_pin).await;
    let page = found(&town, &search(pin(), 5.0), 1).await;
    assert_eq!((page.centre, page.source, ids(&page)), (home(), CentreSource::Stores, vec![first]));
    // The middle one of three, not the mean: one of them is far off.
    open_at(&town, away(home(), 0.2), in_pin).await;
    open_at(&town, away(home(), 400.0), in_pin).await;
    let page = found(&town, &search(pin(), 5.0), 2).await;
    assert_eq!((page.centre, page.source), (away(home(), 0.2), CentreSource::Stores));
    assert_eq!(town.map.calls(), 0);
}

/// However many ask at the same time, in whichever case.
pub async fn one_call_answers_all_who_ask_for_a_landmark(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    town.map.teach("Clock Tower", home());
    let store = open_at(&town, away(home(), 1.0), |_| ()).await;
    let place =
        |text: &str| Origin::Place(PlaceQuery { text: Town::name(text), city: Some("Surat".to_owned()), state: None });
    found(&town, &search(Origin::Point(home()), 5.0), 1).await;
    let asking = (0..32).map(|n| {
        let search = search(place(if n % 2 == 0 { "Clock Tower" } else { " clock  tower" }), 5.0);
        let (vyapar, host) = (town.vyapar.clone(), town.host.clone());
        async move { vyapar.stores().nearby(&host, search).await.unwrap() }
    });
    // The two spellings meet in one call, whichever of them it is made with.
    for page in at_once(asking).await {
        assert_eq!((page.centre, page.source, ids(&page)), (home(), CentreSource::Geocoder, vec![store]));
    }
    assert_eq!(town.map.calls(), 1);
    let unknown = town.vyapar.stores().nearby(&town.host, search(place("Lost Arch"), 5.0)).await;
    assert!(matches!(unknown, Err(NearbyError::UnknownPlace)), "{unknown:?}");
}

/// An address without coordinates counts as its PIN code; another's address is not there.
pub async fn a_search_begins_at_ones_own_addresses_only(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (person, other) = (town.person().await, town.person().await);
    let (customers, stores) = (town.vyapar.customers(), town.vyapar.stores());
    let near = NewAddress { coordinates: Some(home()), ..town.new_address() };
    let near = customers.save_address(&person.actor, None, near).await.unwrap();
    let vague = NewAddress { line1: Town::name("somewhere"), ..town.new_address() };
    let vague = customers.save_address(&person.actor, None, vague).await.unwrap();
    assert_eq!(vague.address.coordinates, None);
    let from = |id| search(Origin::Address(id), 5.0);
    let page = stores.nearby(&person.actor, from(near.id)).await.unwrap();
    assert_eq!((page.centre, page.source), (home(), CentreSource::Address));
    town.map.teach("380001", away(home(), 200.0));
    let page = stores.nearby(&person.actor, from(vague.id)).await.unwrap();
    assert_eq!((page.centre, page.source), (away(home(), 200.0), CentreSource::Geocoder));
    for (who, id) in [
        (&other.actor, near.id),
        (&town.host, near.id),
        (&Town::stranger(), near.id),
        (&person.actor, AddressId::from_uuid(town.make.uuid())),
    ] {
        let absent = stores.nearby(who, from(id)).await;
        assert!(matches!(absent, Err(NearbyError::NoAddress(no)) if no == id), "{absent:?}");
    }
}

/// However many closed ones lie between, in pages of any size; and not at the minute they close.
pub async fn open_stores_are_found_beyond_closed_ones(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let now = crate::time::ist_midnight(crate::time::ist_date(town.make.now())) + chrono::TimeDelta::hours(20);
    town.make.clock().set(now);
    let day = |text: &str| BusinessHours::daily(&text.parse::<DayHours>().unwrap());
    let mut open = Vec::new();
    for n in 0..40_u32 {
        let hours = match n % 5 {
            0 => day("08:00-20:01"),
            1 => day("08:00-20:00"),
            2 => day("20:01-23:00"),
            3 => day("closed"),
            _ => day("21:00-03:00"),
        };
        let id = open_at(&town, away(home(), f64::from(n) * 0.05), |profile| profile.business_hours = hours).await;
        if n % 5 == 0 {
            open.push(id);
        }
    }
    let all = search(Origin::Point(home()), 5.0);
    found(&town, &Nearby { page: PageRequest::first(200), ..all.clone() }, 40).await;
    let filter = NearbyFilter { open_now: true, ..NearbyFilter::default() };
    for size in [1, 3, 8, 9, 50] {
        assert_eq!(whole(&town, &Nearby { filter, ..all.clone() }, size).await, open, "in pages of {size}");
    }
}

/// All pages of a search.
async fn whole(town: &Town, search: &Nearby, size: u32) -> Vec<StoreId> {
    let mut page = PageRequest::first(size);
    let mut all = Vec::new();
    loop {
        let part = town.vyapar.stores().nearby(&town.host, Nearby { page, ..search.clone() }).await.unwrap();
        assert!(part.items.len() <= size as usize);
        all.extend(ids(&part));
        match part.next {
            Some(next) => page = PageRequest::first(size).after(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

/// A PIN code whose stores change between two pages does not move the second one.
pub async fn pages_begin_where_the_first_one_did(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let in_pin = |profile: &mut StoreProfile| profile.pincode = "395003".parse().unwrap();
    let mut expected = Vec::new();
    for distance in [0.0, 1.0, 2.0, 3.0] {
        let change = |profile: &mut StoreProfile| {
            if distance == 0.0 {
                in_pin(profile)
            }
        };
        expected.push(open_at(&town, away(home(), distance), change).await);
    }
    let pin = search(Origin::Pin("395003".parse().unwrap()), 10.0);
    found(&town, &pin, 4).await;
    let first = Nearby { page: PageRequest::first(2), ..pin.clone() };
    let first = town.vyapar.stores().nearby(&town.host, first).await.unwrap();
    assert_eq!((ids(&first), first.centre), (expected[..2].to_vec(), home()));
    // The PIN code's only store moves away.
    let store = town.vyapar.stores().get(&town.host, expected[0]).await.unwrap();
    let profile = StoreProfile { coordinates: Some(away(home(), 8.0)), ..store.profile };
    let moved = UpdateStore { version: store.version, profile, contact: None };
    town.vyapar.stores().update(&town.host, expected[0], moved).await.unwrap();
    let next = PageRequest::first(2).after(first.next.unwrap().to_string().parse().unwrap());
    let second = town.vyapar.stores().nearby(&town.host, Nearby { page: next, ..pin.clone() }).await.unwrap();
    assert_eq!((ids(&second), second.centre, second.source), (expected[2..].to_vec(), home(), CentreSource::Cursor));
}

/// The search's "delivers here" and the check of one store agree, and the check says why not.
pub async fn what_delivers_here_is_what_checking_says(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let mut all = Vec::new();
    for (distance, radius) in [(1.0, "2"), (3.0, "2"), (4.0, "4.5"), (0.0, "0"), (4.9, "4.89")] {
        let change = |profile: &mut StoreProfile| {
            profile.delivery_radius_km = radius.parse().unwrap();
            profile.min_order_amount = "100".parse().unwrap();
            profile.preparation_minutes = 15;
        };
        all.push(open_at(&town, away(home(), distance), change).await);
    }
    let here = search(Origin::Point(home()), 5.0);
    found(&town, &here, 5).await;
    let filter = NearbyFilter { delivers: true, ..NearbyFilter::default() };
    let delivering = whole(&town, &Nearby { filter, ..here }, 2).await;
    let stores = town.vyapar.stores();
    for id in &all {
        let check = stores.check_delivery(&Town::stranger(), *id, Some(home()), None).await.unwrap();
        assert_eq!(check.refusals.is_empty(), delivering.contains(id), "{check:?}");
    }
    assert_eq!(delivering, [all[3], all[0], all[2]]);
    let small = "99.99".parse().ok();
    let check = stores.check_delivery(&Town::stranger(), all[1], Some(home()), small).await.unwrap();
    assert!(
        matches!(check.refusals.as_slice(), [DeliveryRefusal::TooFar { .. }, DeliveryRefusal::BelowMinimum { .. }]),
        "{check:?}"
    );
    assert_eq!(check.refusals[0].to_string(), "the address is 3.0 km away, the store delivers within 2 km");
    // 3 km at 15 km an hour are 12 minutes, after 15 of packing.
    assert_eq!(check.estimated_delivery, Some(town.make.now() + chrono::TimeDelta::minutes(15 + 13)));
    assert!(check.distance_km.is_some_and(|distance| (distance - 3.0).abs() < 1e-6));
    let anywhere = stores.check_delivery(&Town::stranger(), all[1], None, None).await.unwrap();
    assert_eq!((anywhere.refusals, anywhere.distance_km), (Vec::new(), None));
}

/// With the value that is too much, and cursors of no list.
pub async fn searches_that_cannot_be_are_refused(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let ask = |search| town.vyapar.stores().nearby(&town.host, search);
    let wide = ask(search(Origin::Point(home()), 500.1)).await.unwrap_err();
    assert_eq!(wide.to_string(), "a search within 500.1 km, at most 500 are allowed");
    let filter = NearbyFilter { min_rating: 51, ..NearbyFilter::default() };
    let rating = ask(Nearby { filter, ..search(Origin::Point(home()), 5.0) }).await.unwrap_err();
    assert!(matches!(rating, NearbyError::Rating(51)), "{rating:?}");
    let text = crate::contact::PersonalText::parse("place", &"x".repeat(201), 300).unwrap();
    let long = ask(search(Origin::Place(PlaceQuery { text, city: None, state: None }), 5.0)).await.unwrap_err();
    assert!(matches!(long, NearbyError::Text { field: "place", max: 200, length: 201 }), "{long:?}");
    assert_eq!(town.map.calls(), 0);
    for cursor in [Cursor::new("stores nearby", "1 2 3"), Cursor::new("nearby", "1"), Cursor::new("stores", "1")] {
        let page = PageRequest::default().after(cursor);
        let refused = ask(Nearby { page, ..search(Origin::Point(home()), 5.0) }).await.unwrap_err();
        let invalid = matches!(&refused, NearbyError::Storage(error)
            if *error.kind() == crate::RepositoryErrorKind::InvalidCursor);
        assert!(invalid, "{refused:?}");
    }
}
