//! The check: every single shop is looked at, with no search and no index.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use vyapar::geo::Coordinates;
use vyapar::store::{NearbyStore, Store, StoreFilter, StoreStatus};
use vyapar::{Actor, PageRequest, StoreId, Vyapar};

use crate::Outcome;
use crate::arguments::Search;

pub(crate) struct Expected {
    /// How far, and which shop, in order.
    pub(crate) near: Vec<(f64, StoreId)>,
    pub(crate) looked_at: usize,
}

/// What a search must find, from a list of all shops of any status.
pub(crate) async fn all(vyapar: &Vyapar, search: &Search, centre: Coordinates) -> Outcome<Expected> {
    let staff = Actor::system("example");
    let mut expected = Expected { near: Vec::new(), looked_at: 0 };
    let mut page = PageRequest::first(PageRequest::MAX);
    loop {
        let stores = vyapar.stores().list(&staff, StoreFilter::default(), page).await?;
        expected.looked_at += stores.items.len();
        let near = stores.items.iter().filter_map(|store| Some((wanted(store, search, centre)?, store.id)));
        expected.near.extend(near);
        match stores.next {
            Some(cursor) => page = PageRequest::first(PageRequest::MAX).after(cursor),
            None => break,
        }
    }
    expected.near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    Ok(expected)
}

/// How far a shop is, if it is one that was asked for.
fn wanted(store: &Store, search: &Search, centre: Coordinates) -> Option<f64> {
    let (profile, filter) = (&store.profile, search.filter);
    let km = centre.distance_km(profile.coordinates?);
    let least = Decimal::new(i64::from(filter.min_rating), 1);
    let mean = || Decimal::from(store.rating.sum).checked_div(Decimal::from(store.rating.count));
    let matches = store.status == StoreStatus::Active
        && km <= search.radius.km()
        && filter.store_type.is_none_or(|wanted| wanted == profile.store_type)
        && (least.is_zero() || mean().is_some_and(|mean| mean >= least))
        && (!filter.delivers || profile.delivery_radius_km.to_f64().is_some_and(|radius| km <= radius))
        && (!filter.open_now || profile.business_hours.is_open(search.now));
    matches.then_some(km)
}

/// Where the two part.
pub(crate) fn differences(expected: &[(f64, StoreId)], found: &[NearbyStore]) -> Vec<String> {
    let found: Vec<_> = found.iter().map(|found| (found.distance_km, found.store.id)).collect();
    let place = |at: Option<&(f64, StoreId)>| at.map_or("nothing".to_owned(), |(km, id)| format!("{id} at {km} km"));
    (0..expected.len().max(found.len()))
        .map(|at| (at, expected.get(at), found.get(at)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(at, expected, found)| format!("{}: {} expected, {} found", at + 1, place(expected), place(found)))
        .collect()
}
