//! What the ports of customers, and those of stores that add up or wait for coordinates, say of
//! themselves; each answer and each row beside the memory adapter's.

use chrono::TimeDelta;
use vyapar_core::customer::{CreditOutcome, Customer, CustomerTotals};
use vyapar_core::geo::geocoder::GeocodingDue;
use vyapar_core::store::{Rating, ReviewRating, Stars, Store, UpdateOutcome};
use vyapar_core::system::AuditFilter;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{AllStores, Money, PageRequest, Ports, ReviewId, Sealed, Timestamp};
use vyapar_memory::Memory;

use crate::database::TestDatabase;

/// The adapter, and the one it is compared with.
async fn both() -> (TestDatabase, [Ports; 2], Fixtures) {
    let database = TestDatabase::create().await;
    let ports = [database.postgres().ports(), Memory::new().ports()];
    (database, ports, Fixtures::here())
}

/// What both answer.
macro_rules! alike {
    ($ports:ident, |$one:ident| $call:expr) => {{
        let [mine, model] = &$ports;
        let ($one, mut answers) = (mine, Vec::new());
        answers.push($call.await.unwrap());
        let $one = model;
        answers.push($call.await.unwrap());
        assert_eq!(answers[0], answers[1], "what memory answers to {}", stringify!($call));
        answers.remove(0)
    }};
}

#[test]
fn a_customer_is_stored_and_read_as_a_whole() {
    run(async {
        let (_database, ports, make) = both().await;
        let given = CustomerTotals { loyalty_points: 7, total_orders: 7, total_spent: "7".parse().unwrap() };
        let first = Customer { totals: given, ..make.full_customer() };
        let (audit, again) = (make.bare_audit(), make.bare_audit());
        assert!(alike!(ports, |on| on.customer.customers.insert(first.clone(), audit.clone())));
        let other = Customer { preferred_stores: Vec::new(), ..first.clone() };
        assert!(!alike!(ports, |on| on.customer.customers.insert(other.clone(), again.clone())));
        let read = alike!(ports, |on| on.customer.customers.get(first.id)).unwrap();
        assert_eq!(read, Customer { totals: CustomerTotals::ZERO, ..first.clone() });
        // In another order, one gone, one new, another the default; the totals and the beginning stay.
        let mut second = first.clone();
        second.addresses.reverse();
        second.addresses.remove(1);
        second.put_address(make.address()).unwrap();
        let newest = second.addresses[2].id;
        assert!(second.set_default(newest));
        (second.version, second.created_at) = (2, first.created_at + TimeDelta::days(1));
        for (expected, outcome) in [(2, UpdateOutcome::Stale), (1, UpdateOutcome::Updated), (1, UpdateOutcome::Stale)] {
            let update = |on: &Ports| {
                let customers = on.customer.customers.clone();
                let (second, audit) = (second.clone(), again.clone());
                async move { customers.update(second, expected, audit).await }
            };
            assert_eq!(alike!(ports, |on| update(on)), outcome);
        }
        let read = alike!(ports, |on| on.customer.customers.get(first.id)).unwrap();
        let (totals, created_at) = (CustomerTotals::ZERO, first.created_at);
        assert_eq!(read, Customer { totals, created_at, ..second.clone() });
        // Erased, he stays, and his orders count.
        second.erase(make.now());
        second.version = 3;
        alike!(ports, |on| on.customer.customers.update(second.clone(), 2, make.bare_audit()));
        let order = make.credited("0.01".parse().unwrap(), 0);
        let credited = alike!(ports, |on| on.customer.customers.credit(first.id, order.clone()));
        assert_eq!(credited, CreditOutcome::Credited);
        let read = alike!(ports, |on| on.customer.customers.get(first.id)).unwrap();
        assert_eq!((read.addresses.len(), read.user_id, read.totals.total_orders), (0, None, 1));
        // Each write left its entry, and what wrote nothing none.
        let entries = ports[0].customer.audit.list(AuditFilter::default(), PageRequest::first(50)).await.unwrap();
        assert_eq!(entries.items.len(), 3);
    });
}

#[test]
fn an_order_is_credited_once_and_changes_nothing_else() {
    run(async {
        let (_database, ports, make) = both().await;
        let (customer, stranger) = (make.full_customer(), make.customer());
        alike!(ports, |on| on.customer.customers.insert(customer.clone(), make.bare_audit()));
        let largest = make.credited(Money::MAX, 0);
        let orders = [make.credited("120.50".parse().unwrap(), 12), make.credited(Money::ZERO, 0), largest];
        let credit = async |of: &Customer, order| {
            let order = &order;
            alike!(ports, |on| on.customer.customers.credit(of.id, Clone::clone(order)))
        };
        for order in &orders[..2] {
            assert_eq!(credit(&customer, order.clone()).await, CreditOutcome::Credited);
            assert_eq!(credit(&customer, order.clone()).await, CreditOutcome::Already);
            assert_eq!(credit(&stranger, order.clone()).await, CreditOutcome::NoCustomer);
        }
        // More than an amount holds is refused, and nothing of it stays.
        for on in &ports {
            on.customer.customers.credit(customer.id, orders[2].clone()).await.unwrap_err();
        }
        let read = alike!(ports, |on| on.customer.customers.get(customer.id)).unwrap();
        let totals = CustomerTotals { loyalty_points: 12, total_orders: 2, total_spent: "120.50".parse().unwrap() };
        assert_eq!(read, Customer { totals, ..customer });
    });
}

#[test]
fn what_waits_longest_for_its_coordinates_comes_first() {
    run(async {
        let (_database, ports, make) = both().await;
        let at = |minutes: u64| make.now() + TimeDelta::minutes(i64::try_from(minutes).unwrap());
        let waits = |minutes| Some(GeocodingDue { due: at(minutes), failures: 1 });
        for _ in 0..40 {
            let mut customer = make.customer();
            for _ in 0..make.below(4) {
                let mut address = make.address();
                address.geocoding = waits(make.below(12)).filter(|_| make.below(4) > 0);
                customer.put_address(address).unwrap();
            }
            alike!(ports, |on| on.customer.customers.insert(customer.clone(), make.bare_audit()));
            let store = Store { geocoding: waits(make.below(12)).filter(|_| make.below(2) > 0), ..make.store() };
            for on in &ports {
                on.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
            }
        }
        for (now, limit) in [(0, 50), (5, 50), (5, 3), (11, 50), (11, 1), (11, 0)] {
            let now: Timestamp = at(now);
            let customers = alike!(ports, |on| on.customer.customers.geocode_due(AllStores, now, limit));
            let stores = alike!(ports, |on| on.store.stores.geocode_due(AllStores, now, limit));
            let most = usize::try_from(limit).unwrap();
            assert!(customers.len() <= most && stores.len() <= most);
        }
    });
}

#[test]
fn texts_of_addresses_are_sealed_anew_by_compare_and_set() {
    run(async {
        let (_database, ports, make) = both().await;
        let customers = [make.full_customer(), make.customer(), make.full_customer()];
        for customer in &customers {
            alike!(ports, |on| on.customer.customers.insert(customer.clone(), make.bare_audit()));
        }
        let sealed = &ports[0].customer.sealed;
        let (mut texts, mut page) = (Vec::new(), Some(PageRequest::first(3)));
        while let Some(next) = page {
            let part = sealed.list(AllStores, next).await.unwrap();
            texts.extend(part.items);
            page = part.next.map(|next| PageRequest::first(3).after(next));
        }
        // Two plain addresses with one text each, and a full one with three, twice.
        assert_eq!(texts.len(), 10);
        let to = Sealed::from_bytes(vec![7; 9]);
        for text in &texts {
            assert!(sealed.replace(AllStores, text.clone(), to.clone()).await.unwrap(), "{}", text.locator);
            assert!(!sealed.replace(AllStores, text.clone(), to.clone()).await.unwrap(), "{}", text.locator);
        }
        for customer in &customers {
            let mut expected = customer.clone();
            for address in &mut expected.addresses {
                address.address_line1 = to.clone();
                address.address_line2 = address.address_line2.as_ref().map(|_| to.clone());
                address.landmark = address.landmark.as_ref().map(|_| to.clone());
            }
            assert_eq!(ports[0].customer.customers.get(customer.id).await.unwrap(), Some(expected));
        }
        let mut nowhere = texts.remove(0);
        for locator in ["", "x", "city a b", &nowhere.locator.replace("address_line1", "city")] {
            nowhere.locator = locator.to_owned();
            nowhere.sealed = to.clone();
            assert!(!sealed.replace(AllStores, nowhere.clone(), to.clone()).await.unwrap(), "{locator}");
        }
    });
}

#[test]
fn what_a_store_collects_is_kept_by_its_counters_alone() {
    run(async {
        let (_database, ports, make) = both().await;
        let mut store =
            Store { rating: Rating { sum: 9, count: 2 }, total_orders: 3, geocoding: None, ..make.full_store() };
        for on in &ports {
            on.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        }
        let (order, nobody) = (make.order_id(), make.store_id());
        for (of, counted) in [(store.id, true), (store.id, false), (nobody, false)] {
            assert_eq!(alike!(ports, |on| on.store.counters.count_order(of, &order)), counted);
        }
        let review_id = ReviewId::from_uuid(make.uuid());
        let gives = |revision, stars: u8| ReviewRating { review_id, revision, stars: Stars::new(stars).ok() };
        for (review, counts) in [
            (gives(2, 4), true),
            (gives(2, 5), false),
            (gives(1, 5), false),
            (gives(3, 1), true),
            (gives(4, 0), true),
            (gives(3, 5), false),
            (gives(9, 5), true),
        ] {
            assert_eq!(alike!(ports, |on| on.store.counters.rate(store.id, review)), counts, "{review:?}");
            assert!(!alike!(ports, |on| on.store.counters.rate(nobody, review)));
        }
        // A write of the store does not undo them, and they are no write of the store.
        store.version = 2;
        let updated = alike!(ports, |on| on.store.stores.update(store.clone(), 1, make.bare_audit()));
        assert_eq!(updated, UpdateOutcome::Updated);
        let read = alike!(ports, |on| on.store.stores.get(store.id)).unwrap();
        assert_eq!((read.rating, read.total_orders), (Rating { sum: 14, count: 3 }, 4));
        assert_eq!(read, Store { rating: read.rating, total_orders: read.total_orders, ..store });
    });
}
