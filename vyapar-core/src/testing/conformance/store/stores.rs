//! Stores.

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use crate::error::RepositoryErrorKind;
use crate::id::StoreId;
use crate::india::PinCode;
use crate::page::{AllStores, PageRequest};
use crate::store::{Store, StoreFilter, StorePorts, StoreProfile, StoreStatus, StoreType, UpdateOutcome};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

#[track_caller]
fn setup(bench: &Bench) -> (StorePorts, Fixtures) {
    (bench.ports.store.clone(), Fixtures::here())
}

fn audit(make: &Fixtures, store: &Store) -> AuditEntry {
    make.audit(Some(store.id), "store.update", "store", &store.id.to_string())
}

async fn inserted(ports: &StorePorts, make: &Fixtures, store: Store) -> Store {
    ports.stores.insert(store.clone(), None, audit(make, &store)).await.unwrap();
    store
}

async fn get(ports: &StorePorts, id: StoreId) -> Option<Store> {
    ports.stores.get(id).await.unwrap()
}

fn taken(constraint: &'static str) -> RepositoryErrorKind {
    RepositoryErrorKind::AlreadyExists { constraint }
}

/// A store with every field filled, and one with nothing optional, read back exactly, by id
/// and by readable name, each with its audit entry.
pub async fn a_store_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    for store in [make.full_store(), make.store()] {
        let entry = audit(&make, &store);
        ports.stores.insert(store.clone(), None, entry.clone()).await.unwrap();
        assert_eq!(get(&ports, store.id).await.as_ref(), Some(&store));
        assert_eq!(ports.stores.find_by_slug(&store.slug).await.unwrap(), Some(store));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, make.store_id()).await, None);
    assert_eq!(ports.stores.find_by_slug(&make.slug()).await.unwrap(), None);
}

/// Every type, status and coordinate a store can have is stored.
pub async fn every_kind_of_store_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let corners = [(-90.0, -180.0), (90.0, 180.0), (0.0, 0.0), (28.613_9, 77.209_021)];
    for (at, store_type) in StoreType::ALL.iter().enumerate() {
        let (latitude, longitude) = corners[at % 4];
        let plain = make.store();
        let coordinates = crate::geo::Coordinates::new(latitude, longitude).ok();
        let store = Store {
            profile: StoreProfile { store_type: *store_type, coordinates, ..plain.profile },
            status: StoreStatus::ALL[at % 4],
            ..plain
        };
        let store = inserted(&ports, &make, store).await;
        assert_eq!(get(&ports, store.id).await, Some(store));
    }
}

/// The same id, or the same readable name, is refused by its constraint's name and writes
/// nothing: no store, no audit entry.
pub async fn ids_and_slugs_of_stores_are_unique(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.store();
    let entry = audit(&make, &first);
    ports.stores.insert(first.clone(), None, entry.clone()).await.unwrap();
    let same_id = Store { id: first.id, ..make.full_store() };
    let kind = refusal(ports.stores.insert(same_id.clone(), None, audit(&make, &same_id)).await);
    assert_eq!(kind, taken("stores.id"));
    assert_eq!(ports.stores.find_by_slug(&same_id.slug).await.unwrap(), None);

    let same_slug = Store { slug: first.slug.clone(), ..make.full_store() };
    let refused = AuditEntry { entity_id: first.id.to_string(), ..audit(&make, &same_slug) };
    assert_eq!(refusal(ports.stores.insert(same_slug.clone(), None, refused).await), taken("stores.store_id"));
    assert_eq!(get(&ports, same_slug.id).await, None);

    assert_eq!(get(&ports, first.id).await, Some(first.clone()));
    assert_eq!(ports.stores.find_by_slug(&first.slug).await.unwrap(), Some(first));
    // A name that was refused with its store is free.
    inserted(&ports, &make, Store { slug: same_id.slug, ..make.store() }).await;
    audited(&ports.audit, &[&entry]).await;
}

/// Sixteen stores with one readable name at once: one gets it.
pub async fn a_slug_wanted_by_sixteen_stores_goes_to_one(bench: &Bench) {
    let (ports, make) = setup(bench);
    let slug = make.slug();
    let stores: Vec<_> = (0..16).map(|_| Store { slug: slug.clone(), ..make.store() }).collect();
    let answers = at_once(stores.iter().cloned().map(|store| {
        let (ports, entry) = (ports.clone(), audit(&make, &store));
        async move { ports.stores.insert(store, None, entry).await }
    }))
    .await;
    let mut won = Vec::new();
    for (store, answer) in stores.into_iter().zip(answers) {
        match answer {
            Ok(()) => won.push(store),
            refused => {
                assert_eq!(refusal(refused), taken("stores.store_id"));
                assert_eq!(get(&ports, store.id).await, None);
            }
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(ports.stores.find_by_slug(&slug).await.unwrap().as_ref(), won.first());
}

/// An update replaces all that may change, with its audit entry.
pub async fn an_update_of_a_store_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make) = setup(bench);
    let bare = make.store();
    let first = audit(&make, &bare);
    ports.stores.insert(bare.clone(), None, first.clone()).await.unwrap();
    let keep = |store: &Store, version| Store {
        id: bare.id,
        slug: bare.slug.clone(),
        created_at: bare.created_at,
        version,
        ..store.clone()
    };
    let mut entries = vec![first];
    for (version, store) in [(2, keep(&make.full_store(), 2)), (3, keep(&bare, 3))] {
        let entry = audit(&make, &store);
        let outcome = ports.stores.update(store.clone(), version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        assert_eq!(get(&ports, bare.id).await, Some(store.clone()));
        assert_eq!(ports.stores.find_by_slug(&bare.slug).await.unwrap(), Some(store));
        entries.push(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
}

/// An update of another version, or of an absent store, changes nothing and leaves no audit.
pub async fn a_stale_update_of_a_store_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let store = make.store();
    let entry = audit(&make, &store);
    ports.stores.insert(store.clone(), None, entry.clone()).await.unwrap();
    for expected in [0, 2, 3] {
        let next = Store { status: StoreStatus::Active, version: expected + 1, ..store.clone() };
        let outcome = ports.stores.update(next, expected, audit(&make, &store)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    let absent = make.store();
    let outcome = ports.stores.update(Store { version: 2, ..absent.clone() }, 1, audit(&make, &store)).await.unwrap();
    assert_eq!((outcome, get(&ports, absent.id).await), (UpdateOutcome::Stale, None));
    assert_eq!(get(&ports, store.id).await, Some(store));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored, and only it is audited.
pub async fn of_sixteen_updates_of_a_store_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let store = make.store();
    let first = audit(&make, &store);
    ports.stores.insert(store.clone(), None, first.clone()).await.unwrap();
    let changes: Vec<_> = (0..16)
        .map(|minutes| {
            let profile = StoreProfile { preparation_minutes: minutes, ..store.profile.clone() };
            (Store { profile, version: 2, ..store.clone() }, audit(&make, &store))
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|(store, entry)| {
        let ports = ports.clone();
        async move { ports.stores.update(store, 1, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (winner, entry) = won[0].0;
    assert_eq!(get(&ports, store.id).await.as_ref(), Some(winner));
    audited(&ports.audit, &[&first, entry]).await;
}

/// Stores come by id, page by page, each once, by status and PIN code or all.
pub async fn stores_come_by_id_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let pins: [PinCode; 2] = ["110001", "560034"].map(|pin| pin.parse().unwrap());
    let mut stores = Vec::new();
    for at in 0..21 {
        let plain = make.store();
        let profile = StoreProfile { pincode: pins[at % 2].clone(), ..plain.profile };
        let status = [StoreStatus::Active, StoreStatus::Inactive, StoreStatus::Active][at % 3];
        stores.push(inserted(&ports, &make, Store { profile, status, ..plain }).await);
    }
    stores.sort_by_key(|store| store.id);
    let filters = [
        StoreFilter::default(),
        StoreFilter { status: Some(StoreStatus::Active), pincode: None },
        StoreFilter { status: None, pincode: Some(pins[1].clone()) },
        StoreFilter { status: Some(StoreStatus::Inactive), pincode: Some(pins[0].clone()) },
        StoreFilter { status: Some(StoreStatus::Suspended), pincode: None },
    ];
    let mut sizes = Vec::new();
    for filter in filters {
        let matching = |store: &&Store| {
            filter.status.is_none_or(|status| store.status == status)
                && filter.pincode.as_ref().is_none_or(|pin| store.profile.pincode == *pin)
        };
        let expected: Vec<_> = stores.iter().filter(matching).cloned().collect();
        sizes.push(expected.len());
        for limit in [1, 4, 7, 200] {
            let read = || all_pages(limit, |page| ports.stores.list(AllStores, filter.clone(), page));
            eventually(expected.clone(), read).await;
        }
    }
    assert_eq!(sizes, [21, 14, 10, 3, 0]);
    let page = ports.stores.list(AllStores, StoreFilter::default(), PageRequest::first(21)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (21, None), "a full last page has no next");
}

/// Cursors of other lists and malformed positions are refused.
pub async fn stores_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    inserted(&ports, &make, make.store()).await;
    refuses_foreign_cursors("stores", |page| ports.stores.list(AllStores, StoreFilter::default(), page)).await;
}
