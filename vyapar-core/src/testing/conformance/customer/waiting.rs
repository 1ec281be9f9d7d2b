//! Addresses that wait for their coordinates.

use chrono::TimeDelta;

use super::super::support::eventually;
use super::{audit, inserted, setup};
use crate::customer::Customer;
use crate::geo::geocoder::GeocodingDue;
use crate::page::AllStores;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

/// Customers by the longest due of their addresses, then by id, as many as asked for; none whose
/// turn has not come, and none who waits no more.
pub async fn addresses_that_wait_come_when_they_are_due(bench: &Bench) {
    let (ports, make) = setup(bench);
    let now = make.now();
    let due = |seconds: i64| Some(GeocodingDue { due: now + TimeDelta::seconds(seconds), failures: 3 });
    let mut customers = Vec::new();
    for waits in [
        vec![due(10)],
        vec![],
        vec![None],
        vec![due(50), due(5), due(5)],
        vec![due(10)],
        vec![due(11), None],
        vec![due(0)],
    ] {
        let mut customer = make.customer();
        for geocoding in waits {
            let mut address = make.address();
            address.geocoding = geocoding;
            customer.put_address(address).unwrap();
        }
        customers.push(inserted(&ports, &make, customer).await);
    }
    let mut tied = [customers[0].clone(), customers[4].clone()];
    tied.sort_by_key(|customer| customer.id);
    let [first, second] = tied;
    let expected = [customers[6].clone(), customers[3].clone(), first, second.clone(), customers[5].clone()];
    for (seconds, limit, count) in [(-1, 9, 0), (0, 9, 1), (5, 9, 2), (9, 9, 2), (10, 9, 4), (10, 3, 3), (99, 9, 5)] {
        let at = now + TimeDelta::seconds(seconds);
        eventually(expected[..count].to_vec(), || ports.customers.geocode_due(AllStores, at, limit)).await;
    }
    // Who was located, or moved on to a later turn, is not among them any more.
    let mut located = second;
    located.addresses[0].geocoding = None;
    let mut later = customers[3].clone();
    later.addresses[1].geocoding = None;
    later.addresses[2].geocoding = due(70);
    for next in [&mut located, &mut later] {
        next.version = 2;
        let outcome = ports.customers.update(Customer::clone(next), 1, audit(&make, next)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
    }
    let left = vec![expected[0].clone(), expected[2].clone(), expected[4].clone(), later];
    let at = now + TimeDelta::seconds(99);
    eventually(left, || ports.customers.geocode_due(AllStores, at, 9)).await;
}
