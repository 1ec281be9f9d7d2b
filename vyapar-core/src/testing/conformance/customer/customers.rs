//! Profiles with their addresses.

use chrono::TimeDelta;

use super::super::support::{at_once, audited};
use super::{audit, get, inserted, setup};
use crate::customer::{AddressType, Customer, CustomerAddress, CustomerTotals};
use crate::geo::Coordinates;
use crate::id::UserId;
use crate::money::Money;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

/// Plain, with everything, and erased; each with its audit entry.
pub async fn a_customer_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut erased = make.full_customer();
    erased.erase(make.now() + TimeDelta::microseconds(3));
    for customer in [make.customer(), make.full_customer(), erased] {
        let entry = audit(&make, &customer);
        assert!(ports.customers.insert(customer.clone(), entry.clone()).await.unwrap());
        assert_eq!(get(&ports, customer.id).await, Some(customer));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, make.customer_id()).await, None);
}

/// Whatever he is inserted with the second time; and his totals begin at nothing.
pub async fn a_customer_who_is_there_stays_as_he_is(bench: &Bench) {
    let (ports, make) = setup(bench);
    let totals = CustomerTotals { loyalty_points: 9, total_orders: 9, total_spent: Money::MAX };
    let first = Customer { totals, ..make.full_customer() };
    let entry = audit(&make, &first);
    assert!(ports.customers.insert(first.clone(), entry.clone()).await.unwrap());
    let stored = Customer { totals: CustomerTotals::ZERO, ..first };
    assert_eq!(get(&ports, stored.id).await.as_ref(), Some(&stored));
    let again = Customer { id: stored.id, ..make.full_customer() };
    assert!(!ports.customers.insert(again.clone(), audit(&make, &again)).await.unwrap());
    assert_eq!(get(&ports, stored.id).await, Some(stored));
    audited(&ports.audit, &[&entry]).await;
}

/// The others answer that he was there, and he has the addresses of one of them.
pub async fn of_thirty_two_inserts_of_a_customer_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let id = make.customer_id();
    let rivals = (0..32).map(|_| Customer { id, ..make.full_customer() });
    let rivals: Vec<_> = rivals.map(|customer| (audit(&make, &customer), customer)).collect();
    let tasks = rivals.iter().map(|(entry, customer)| {
        let (ports, customer, entry) = (ports.clone(), customer.clone(), entry.clone());
        async move { ports.customers.insert(customer, entry).await.unwrap() }
    });
    let answers = at_once(tasks).await;
    let won: Vec<_> = rivals.iter().zip(&answers).filter(|(_, won)| **won).map(|(rival, _)| rival).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert_eq!(get(&ports, id).await.as_ref(), Some(&won[0].1));
    audited(&ports.audit, &[&won[0].0]).await;
}

/// All but the id, when he first came, and what adds up.
pub async fn an_update_of_a_customer_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.customer();
    let entry = audit(&make, &first);
    assert!(ports.customers.insert(first.clone(), entry.clone()).await.unwrap());
    ports.customers.credit(first.id, make.credited("12.50".parse().unwrap(), 3)).await.unwrap();
    let totals = CustomerTotals { loyalty_points: 3, total_orders: 1, total_spent: "12.50".parse().unwrap() };
    let mut erased = make.full_customer();
    erased.erase(make.now());
    let (mut expected, mut entries) = (1, vec![entry]);
    for next in [make.full_customer(), erased, make.customer()] {
        let later = make.now() + TimeDelta::days(1);
        let user_id = Some(UserId::from_uuid(make.uuid()));
        let next = Customer { id: first.id, user_id, version: expected + 1, created_at: later, ..next };
        let entry = audit(&make, &next);
        let outcome = ports.customers.update(next.clone(), expected, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        let stored = Customer { created_at: first.created_at, totals, ..next };
        assert_eq!(get(&ports, first.id).await, Some(stored));
        expected += 1;
        entries.push(entry);
    }
    audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
}

/// Of a version before or after the stored one, or of nobody; it leaves no entry.
pub async fn a_stale_update_of_a_customer_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let stored = Customer { version: 2, ..make.full_customer() };
    let entry = audit(&make, &stored);
    assert!(ports.customers.insert(stored.clone(), entry.clone()).await.unwrap());
    for expected in [0, 1, 3] {
        let next = Customer { id: stored.id, version: expected + 1, ..make.full_customer() };
        let outcome = ports.customers.update(next, expected, audit(&make, &stored)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale, "{expected}");
    }
    let absent = Customer { version: 2, ..make.customer() };
    let outcome = ports.customers.update(absent.clone(), 1, audit(&make, &stored)).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Stale);
    assert_eq!(get(&ports, absent.id).await, None);
    assert_eq!(get(&ports, stored.id).await, Some(stored));
    audited(&ports.audit, &[&entry]).await;
}

/// With the addresses that it names, and no other.
pub async fn of_sixteen_updates_of_a_customer_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.full_customer();
    let begun = audit(&make, &first);
    assert!(ports.customers.insert(first.clone(), begun.clone()).await.unwrap());
    let rivals = (0..16).map(|_| Customer { id: first.id, version: 2, ..make.full_customer() });
    let rivals: Vec<_> = rivals.map(|next| (audit(&make, &next), next)).collect();
    let tasks = rivals.iter().map(|(entry, next)| {
        let (ports, next, entry) = (ports.clone(), next.clone(), entry.clone());
        async move { ports.customers.update(next, 1, entry).await.unwrap() == UpdateOutcome::Updated }
    });
    let answers = at_once(tasks).await;
    let won: Vec<_> = rivals.iter().zip(&answers).filter(|(_, won)| **won).map(|(rival, _)| rival).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let stored = Customer { created_at: first.created_at, ..won[0].1.clone() };
    assert_eq!(get(&ports, first.id).await, Some(stored));
    audited(&ports.audit, &[&begun, &won[0].0]).await;
}

/// Those that a write no longer names are gone; the others keep the order it gives, change places,
/// and take another one's part as the default. Every type and every corner of the earth.
pub async fn addresses_are_stored_as_a_whole(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut customer = make.full_customer();
    customer.addresses.extend((0..6).map(|_| make.address()));
    let corners = [(-90.0, -180.0), (90.0, 180.0), (0.0, 0.0), (28.613_9, 77.209_021)];
    for (at, address) in customer.addresses.iter_mut().enumerate() {
        let (latitude, longitude) = corners[at % 4];
        address.coordinates = Coordinates::new(latitude, longitude).ok();
        address.address_type = AddressType::ALL[at % 3];
    }
    inserted(&ports, &make, customer.clone()).await;
    let write = |expected: u64, customer: &Customer| {
        let next = Customer { version: expected + 1, ..customer.clone() };
        let (ports, entry) = (ports.clone(), audit(&make, customer));
        async move {
            assert_eq!(ports.customers.update(next.clone(), expected, entry).await.unwrap(), UpdateOutcome::Updated);
            assert_eq!(get(&ports, next.id).await, Some(next));
        }
    };
    customer.addresses.reverse();
    write(1, &customer).await;
    customer.addresses.rotate_left(4);
    let default = customer.addresses[2].id;
    assert!(customer.set_default(default));
    write(2, &customer).await;
    customer.addresses.retain(|address| address.id != default);
    let next = customer.addresses[0].id;
    assert!(customer.set_default(next));
    customer.addresses.insert(1, CustomerAddress { is_default: false, ..make.full_address() });
    write(3, &customer).await;
    customer.addresses.clear();
    write(4, &customer).await;
}

/// Not even under the same id, which clients may choose.
pub async fn customers_share_no_addresses(bench: &Bench) {
    let (ports, make) = setup(bench);
    let one = inserted(&ports, &make, make.full_customer()).await;
    let mut other = make.full_customer();
    other.addresses[0].id = one.addresses[0].id;
    let other = inserted(&ports, &make, other).await;
    assert_eq!(get(&ports, one.id).await.as_ref(), Some(&one));
    assert_eq!(get(&ports, other.id).await.as_ref(), Some(&other));
    let left = Customer { addresses: Vec::new(), version: 2, ..other.clone() };
    let outcome = ports.customers.update(left, 1, audit(&make, &other)).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Updated);
    assert_eq!(get(&ports, one.id).await, Some(one));
}
