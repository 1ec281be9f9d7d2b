//! Stores that wait for their coordinates.

use chrono::TimeDelta;

use super::super::support::eventually;
use crate::geo::geocoder::GeocodingDue;
use crate::page::AllStores;
use crate::store::{Store, StoreStatus, UpdateOutcome};
use crate::testing::{Bench, Fixtures};

/// The longest due first, then by id, whatever their status; as many as asked for; none whose turn
/// has not come, and none that waits no more.
pub async fn stores_that_wait_come_when_they_are_due(bench: &Bench) {
    let (ports, make) = (bench.ports.store.clone(), Fixtures::here());
    let now = make.now();
    let audit = |store: &Store| make.audit(Some(store.id), "store.update", "store", &store.id.to_string());
    let due = |seconds: i64| Some(GeocodingDue { due: now + TimeDelta::seconds(seconds), failures: 1 });
    let mut stores = Vec::new();
    for (at, geocoding) in [due(10), None, due(5), due(10), due(0), due(11), due(10)].into_iter().enumerate() {
        let store = Store { geocoding, status: StoreStatus::ALL[at % 4], ..make.store() };
        ports.stores.insert(store.clone(), None, audit(&store)).await.unwrap();
        stores.push(store);
    }
    let mut tied = vec![stores[0].clone(), stores[3].clone(), stores[6].clone()];
    tied.sort_by_key(|store| store.id);
    let mut expected = vec![stores[4].clone(), stores[2].clone()];
    expected.extend(tied.iter().cloned());
    expected.push(stores[5].clone());
    let cases = [(-1, 9, 0), (0, 9, 1), (4, 9, 1), (5, 9, 2), (10, 9, 5), (10, 4, 4), (11, 9, 6), (99, 1, 1)];
    for (seconds, limit, count) in cases {
        let at = now + TimeDelta::seconds(seconds);
        eventually(expected[..count].to_vec(), || ports.stores.geocode_due(AllStores, at, limit)).await;
    }
    let located = Store { geocoding: None, version: 2, ..stores[4].clone() };
    let later = Store { geocoding: due(20), version: 2, ..stores[2].clone() };
    let begun = Store { geocoding: due(-9), version: 2, ..stores[1].clone() };
    for next in [&located, &later, &begun] {
        assert_eq!(ports.stores.update(next.clone(), 1, audit(next)).await.unwrap(), UpdateOutcome::Updated);
    }
    let mut left = vec![begun];
    left.extend(tied);
    left.extend([stores[5].clone(), later]);
    let at = now + TimeDelta::seconds(99);
    eventually(left, || ports.stores.geocode_due(AllStores, at, 9)).await;
}
