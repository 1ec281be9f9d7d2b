//! Stores: what adds up through lost answers and rivals, lists that an index finds, owners.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use futures_util::future::try_join_all;
use vyapar_core::geo::geocoder::GeocodingDue;
use vyapar_core::page::AllStores;
use vyapar_core::store::{
    AcceptOutcome, MemberOutcome, Rating, ReviewRating, Stars, Store, StoreFilter, StorePorts, StoreStatus, StoreUser,
    UpdateOutcome,
};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, ReviewId, StoreId};
use vyapar_dynamo::Dynamo;
use vyapar_dynamo::tables::STORES;

use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::client;
use crate::support::faults::{Fault, Faults};

const FAULTS: [Fault; 4] = [Fault::CutAfter, Fault::CutBefore, Fault::Throttle, Fault::Conflict];

async fn opened(ports: &StorePorts, make: &Fixtures) -> Store {
    let store = make.store();
    ports.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
    store
}

async fn stored(ports: &StorePorts, id: StoreId) -> Store {
    ports.stores.get(id).await.unwrap().unwrap()
}

fn review(make: &Fixtures) -> ReviewId {
    ReviewId::from_uuid(make.uuid())
}

fn gives(review_id: ReviewId, revision: u64, stars: u8) -> ReviewRating {
    ReviewRating { review_id, revision, stars: Stars::new(stars).ok() }
}

#[test]
fn a_count_whose_answer_is_lost_counts_once() {
    run(async {
        let faults = Arc::new(Faults::none());
        let Fresh { dynamo, server: _server, .. } = faulty(Arc::clone(&faults)).await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        let store = opened(&ports, &make).await.id;
        for fault in FAULTS {
            let (order, review) = (make.order_id(), review(&make));
            faults.push("TransactWriteItems", fault);
            assert!(ports.counters.count_order(store, &order).await.unwrap(), "{fault:?}");
            assert!(!ports.counters.count_order(store, &order).await.unwrap(), "{fault:?}");
            faults.push("TransactWriteItems", fault);
            assert!(ports.counters.rate(store, gives(review, 2, 5)).await.unwrap(), "{fault:?}");
            assert!(!ports.counters.rate(store, gives(review, 2, 1)).await.unwrap(), "{fault:?}");
            faults.push("TransactWriteItems", fault);
            assert!(ports.counters.rate(store, gives(review, 3, 4)).await.unwrap(), "{fault:?}");
        }
        let now = stored(&ports, store).await;
        assert_eq!((now.total_orders, now.rating), (4, Rating { sum: 16, count: 4 }));
        // Nothing counts where no store is, and no store is made of it.
        let nowhere = make.store_id();
        assert!(!ports.counters.count_order(nowhere, &make.order_id()).await.unwrap());
        assert!(!ports.counters.rate(nowhere, gives(review(&make), 1, 5)).await.unwrap());
        assert_eq!(ports.stores.get(nowhere).await.unwrap(), None);
    });
}

/// Two processes count the same, again and again, on a bad day, while others change the store.
#[test]
fn rivals_count_everything_once_and_changes_of_the_store_undo_nothing() {
    run(async {
        let first = fresh().await;
        let rival = client::faulty(first.server.endpoint(), Arc::new(Faults::bad_day(3)));
        let adapters =
            [0, 1].map(|_| Dynamo::with_deadline(rival.clone(), first.names.clone(), Duration::from_secs(60)));
        let (ports, make) = (first.dynamo.store(), Fixtures::here());
        let store = opened(&ports, &make).await;
        let orders: Vec<_> = (0..6).map(|_| make.order_id()).collect();
        let reviews: Vec<_> = (0..3).map(|_| review(&make)).collect();
        let (mut counts, mut rates) = (Vec::new(), Vec::new());
        for n in 0..24_usize {
            let counters = adapters[n % 2].store().counters;
            let (id, order, review_id) = (store.id, orders[n % 6].clone(), reviews[n % 3]);
            // Every review goes up to revision 4; the first of them is withdrawn then.
            let revision = (n / 6 + 1) as u64;
            let stars = if n % 3 == 0 && revision == 4 { None } else { Stars::new(revision as u8 + 1).ok() };
            let rating = ReviewRating { review_id, revision, stars };
            counts.push(tokio::spawn({
                let counters = Arc::clone(&counters);
                async move { counters.count_order(id, &order).await.unwrap() }
            }));
            rates.push(tokio::spawn(async move { counters.rate(id, rating).await.unwrap() }));
        }
        let mut version = 1;
        for _ in 0..5 {
            let next = Store { version: version + 1, ..store.clone() };
            let outcome = adapters[0].store().stores.update(next, version, make.bare_audit()).await.unwrap();
            assert_eq!(outcome, UpdateOutcome::Updated);
            version += 1;
        }
        let mut counted = 0;
        for count in counts {
            counted += usize::from(count.await.unwrap());
        }
        for rate in rates {
            rate.await.unwrap();
        }
        assert_eq!(counted, 6);
        let now = stored(&ports, store.id).await;
        let expected = Store { total_orders: 6, rating: Rating { sum: 10, count: 2 }, version, ..store };
        assert_eq!(now, expected);
    });
}

#[test]
fn people_are_changed_once_though_answers_are_lost() {
    run(async {
        let faults = Arc::new(Faults::none());
        let Fresh { dynamo, server: _server, .. } = faulty(Arc::clone(&faults)).await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        for fault in FAULTS {
            let store = make.store();
            let owner = make.owner(store.id);
            faults.push("TransactWriteItems", fault);
            ports.stores.insert(store.clone(), Some(owner.clone()), make.bare_audit()).await.unwrap();
            let invitation = make.invitation(store.id);
            faults.push("TransactWriteItems", fault);
            ports.invitations.insert(store.id, invitation.clone(), make.bare_audit()).await.unwrap();
            let other = make.owner(store.id);
            faults.push("TransactWriteItems", fault);
            let accept =
                ports.invitations.accept(store.id, invitation.id, other.clone(), make.now(), make.bare_audit());
            assert_eq!(accept.await.unwrap(), AcceptOutcome::Accepted, "{fault:?}");
            // One of two may go; were one counted twice, both could.
            for (member, outcome) in [(&owner, MemberOutcome::Updated), (&other, MemberOutcome::LastOwner)] {
                let gone = StoreUser { is_active: false, version: 2, ..member.clone() };
                faults.push("TransactWriteItems", fault);
                let update = ports.members.update(store.id, gone, 1, make.bare_audit());
                assert_eq!(update.await.unwrap(), outcome, "{fault:?}");
            }
        }
        // One entry each of the store, the invitation, its acceptance, and who went.
        assert_eq!(ports.audit.feed(None, 100).await.unwrap().entries.len(), 16);
    });
}

fn waiting(make: &Fixtures, seconds: i64) -> Store {
    let due = make.now() + TimeDelta::seconds(seconds);
    Store { geocoding: Some(GeocodingDue { due, failures: 1 }), ..make.store() }
}

#[test]
fn stores_wait_for_their_coordinates_in_order() {
    run(async {
        let fresh = fresh().await;
        let (ports, make) = (fresh.dynamo.store(), Fixtures::here());
        // Several of one instant, over all shards.
        let mut stores: Vec<_> = (0..40).map(|n| waiting(&make, n / 10 * 7 - 20)).collect();
        stores.push(waiting(&make, 3_600));
        stores.push(make.store());
        for store in make.shuffled(stores.clone()) {
            ports.stores.insert(store, None, make.bare_audit()).await.unwrap();
        }
        let now = make.now();
        let due = |stores: &[Store]| {
            let mut due: Vec<_> = stores
                .iter()
                .filter_map(|store| Some((store.geocoding?.due, store.id)).filter(|(due, _)| *due <= now))
                .collect();
            due.sort();
            due.into_iter().map(|(_, id)| id).collect::<Vec<_>>()
        };
        let asked = async |limit| {
            let found = ports.stores.geocode_due(AllStores, now, limit).await.unwrap();
            found.into_iter().map(|store| store.id).collect::<Vec<_>>()
        };
        let all = due(&stores);
        assert_eq!(all.len(), 30);
        for limit in [0, 1, 4, 13, 30, 200] {
            assert_eq!(asked(limit).await, all[..all.len().min(limit as usize)], "{limit}");
        }
        // Some are moved back, and some are known now.
        for (n, store) in stores.iter_mut().take(15).enumerate() {
            store.geocoding =
                (n % 2 == 0).then(|| GeocodingDue { due: now + TimeDelta::seconds(n as i64 - 7), failures: u32::MAX });
            store.version = 2;
            let outcome = ports.stores.update(store.clone(), 1, make.bare_audit()).await.unwrap();
            assert_eq!(outcome, UpdateOutcome::Updated);
            assert_eq!(stored(&ports, store.id).await, *store);
        }
        // One more, of which the index has not heard yet.
        let late = due(&stores)[2];
        let update = fresh.client.update_item().table_name(fresh.names.of(&STORES));
        let update = update.key("id", AttributeValue::S(late.to_string()));
        update.update_expression("REMOVE geocode_due").send().await.unwrap();
        let gone = stores.iter_mut().find(|store| store.id == late).unwrap();
        gone.geocoding = None;
        let all = due(&stores);
        for limit in [1, 3, 20, 200] {
            assert_eq!(asked(limit).await, all[..all.len().min(limit as usize)], "{limit}");
        }
    });
}

#[test]
fn lists_leave_out_what_an_index_has_not_heard_of() {
    run(async {
        let fresh = fresh().await;
        let (ports, make) = (fresh.dynamo.store(), Fixtures::here());
        let mut stores = Vec::new();
        for _ in 0..12 {
            stores.push(opened(&ports, &make).await);
        }
        stores.sort_by_key(|store| store.id);
        for store in stores.iter().step_by(2) {
            let update = fresh.client.update_item().table_name(fresh.names.of(&STORES));
            let update = update.key("id", AttributeValue::S(store.id.to_string()));
            let update = update.update_expression("SET #status = :to").expression_attribute_names("#status", "status");
            update.expression_attribute_values(":to", AttributeValue::S("active".to_owned())).send().await.unwrap();
        }
        let waiting: Vec<_> = stores.iter().skip(1).step_by(2).map(|store| store.id).collect();
        let status = Some(StoreStatus::PendingVerification);
        for pincode in [None, Some("110001".parse().unwrap())] {
            for limit in [1, 2, 5, 50] {
                let (mut found, mut request) = (Vec::new(), PageRequest::first(limit));
                loop {
                    let filter = StoreFilter { status, pincode: pincode.clone() };
                    let page = ports.stores.list(AllStores, filter, request).await.unwrap();
                    found.extend(page.items.iter().map(|store| store.id));
                    let Some(next) = page.next else { break };
                    request = PageRequest::first(limit).after(next);
                }
                assert_eq!(found, waiting);
            }
        }
    });
}

/// Of a user who was in more stores than one page of reads has, those where he still is.
#[test]
fn a_user_who_left_many_stores_is_found_in_the_few_where_he_is() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let (ports, make) = (dynamo.store(), Fixtures::here());
        let user = make.user_id();
        let rows: Vec<_> = (0..450)
            .map(|n| StoreUser { user_id: user, is_active: n % 90 == 89, ..make.member(make.store_id()) })
            .collect();
        for some in rows.chunks(32) {
            let hire = some.iter().map(|row| ports.members.insert(row.store_id, row.clone(), make.bare_audit()));
            try_join_all(hire).await.unwrap();
        }
        let mut active: Vec<_> = rows.into_iter().filter(|row| row.is_active).collect();
        active.sort_by_key(|row| row.store_id);
        assert_eq!(active.len(), 5);
        assert_eq!(ports.members.list_by_user(user).await.unwrap(), active);
    });
}
