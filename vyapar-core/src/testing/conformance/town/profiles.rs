//! Customers' profiles.

use crate::customer::{AddressType, Customer, CustomerError, CustomerTotals, NewAddress};
use crate::id::{AddressId, CustomerId, UserId};
use crate::identity::{AccountKind, NewUser};
use crate::store::StoreStatus;
use crate::testing::conformance::support::at_once;
use crate::testing::town::{Person, Town};
use crate::testing::{Bench, Fixtures};

fn lane(town: &Town, line1: &str) -> NewAddress {
    NewAddress { line1: Town::name(line1), ..town.new_address() }
}

async fn lanes(town: &Town, person: &Person) -> Vec<(String, bool)> {
    let profile = town.vyapar.customers().profile(&person.actor).await.unwrap();
    profile.addresses.iter().map(|view| (view.address.line1.as_str().to_owned(), view.is_default)).collect()
}

/// With a customer's registration, or with the first look at it; not with a shopkeeper's.
pub async fn a_profile_begins_with_the_account(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let register = |kind| {
        let (full_name, phone) = (Town::name("Asha Kulkarni"), Some(town.phone()));
        let new = NewUser { full_name, email: None, phone, password: None, kind };
        town.vyapar.identity().register(&town.host, new)
    };
    let stored = |id| town.ports.customer.customers.get(CustomerId::of(id));
    let customer = register(AccountKind::Customer).await.unwrap();
    let begun = stored(customer.id).await.unwrap().unwrap();
    assert_eq!((begun.user_id, begun.totals), (Some(customer.id), CustomerTotals::ZERO));
    let owner = register(AccountKind::StoreOwner).await.unwrap();
    assert_eq!(stored(owner.id).await.unwrap(), None);
    let person = town.person().await;
    assert!(stored(person.id).await.unwrap().is_some(), "who signs up by code is a customer");
    let shopkeeper = crate::Actor::member(owner.id, []);
    let profile = town.vyapar.customers().profile(&shopkeeper).await.unwrap();
    assert_eq!((profile.id, profile.addresses.len()), (CustomerId::of(owner.id), 0));
    assert_eq!(town.vyapar.customers().get(&town.host, profile.id).await.unwrap(), profile);
    let absent = town.vyapar.customers().get(&town.host, town.make.customer_id()).await;
    assert!(matches!(absent, Err(CustomerError::NotFound(_))), "{absent:?}");
    let nobody = town.vyapar.customers().profile(&Town::stranger()).await;
    assert!(matches!(nobody, Err(CustomerError::Forbidden(_))), "{nobody:?}");
}

/// By the shop, for a customer who ordered at its counter; his account finds it.
pub async fn a_profile_that_somebody_else_began_gets_its_account(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let user = UserId::from_uuid(town.make.uuid());
    let id = CustomerId::of(user);
    let customers = &town.ports.customer.customers;
    let begun = Customer::new(id, None, town.make.now());
    assert!(customers.insert(begun, town.make.bare_audit()).await.unwrap());
    let by_shop = town.vyapar.customers().get(&town.host, id).await.unwrap();
    assert_eq!(customers.get(id).await.unwrap().unwrap().user_id, None, "nobody but its customer claims it");
    let own = town.vyapar.customers().profile(&crate::Actor::member(user, [])).await.unwrap();
    assert_eq!(own, by_shop);
    let claimed = customers.get(id).await.unwrap().unwrap();
    assert_eq!((claimed.user_id, claimed.version), (Some(user), 2));
    town.vyapar.customers().profile(&crate::Actor::member(user, [])).await.unwrap();
    assert_eq!(customers.get(id).await.unwrap().unwrap(), claimed, "once");
}

/// Word for word the same is the same; changed, it keeps its id; removed, another takes its part.
pub async fn an_address_is_kept_once_and_one_is_the_default(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let customers = town.vyapar.customers();
    let save = |id, new| customers.save_address(&person.actor, id, new);
    let first = save(None, lane(&town, "1 First Lane")).await.unwrap();
    assert!(first.is_default);
    assert_eq!(save(None, lane(&town, "1 First Lane")).await.unwrap(), first, "the same again");
    let second = save(None, NewAddress { make_default: true, ..lane(&town, "2 Second Lane") }).await.unwrap();
    let third = save(None, lane(&town, "3 Third Lane")).await.unwrap();
    let state = |lanes: [(&str, bool); 3]| lanes.map(|(lane, default)| (lane.to_owned(), default)).to_vec();
    let expected = [("1 First Lane", false), ("2 Second Lane", true), ("3 Third Lane", false)];
    assert_eq!(lanes(&town, &person).await, state(expected));
    let edited = NewAddress { address_type: AddressType::Work, ..lane(&town, "22 Second Lane") };
    let edited = save(Some(second.id), edited).await.unwrap();
    assert_eq!((edited.id, edited.address_type, edited.is_default), (second.id, AddressType::Work, true));
    customers.set_default_address(&person.actor, first.id).await.unwrap();
    customers.set_default_address(&person.actor, first.id).await.unwrap();
    let expected = [("1 First Lane", true), ("22 Second Lane", false), ("3 Third Lane", false)];
    assert_eq!(lanes(&town, &person).await, state(expected));
    for _ in 0..2 {
        customers.remove_address(&person.actor, first.id).await.unwrap();
    }
    let left = customers.profile(&person.actor).await.unwrap();
    assert_eq!(left.default_address().map(|view| view.id), Some(third.id));
    assert_eq!(left.addresses.len(), 2);
    let unknown = AddressId::from_uuid(town.make.uuid());
    let other = town.person().await;
    for (who, id) in [(&person, unknown), (&other, third.id), (&person, first.id)] {
        let changed = customers.save_address(&who.actor, Some(id), lane(&town, "4 Lane")).await;
        assert!(matches!(changed, Err(CustomerError::NoAddress(no)) if no == id), "{changed:?}");
        let default = customers.set_default_address(&who.actor, id).await;
        assert!(matches!(default, Err(CustomerError::NoAddress(no)) if no == id), "{default:?}");
    }
    // Somebody else's removal removes nothing.
    customers.remove_address(&other.actor, third.id).await.unwrap();
    assert_eq!(customers.profile(&person.actor).await.unwrap(), left);
}

/// Texts of no or too many characters, and more addresses than one keeps.
pub async fn what_no_address_can_be_is_refused(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let customers = town.vyapar.customers();
    let long = || crate::contact::PersonalText::parse("line", &"x".repeat(201), 300).unwrap();
    for (new, field) in [
        (NewAddress { line1: long(), ..town.new_address() }, "line1"),
        (NewAddress { line2: Some(long()), ..town.new_address() }, "line2"),
        (NewAddress { landmark: Some(long()), ..town.new_address() }, "landmark"),
        (NewAddress { city: "  ".to_owned(), ..town.new_address() }, "city"),
        (NewAddress { city: "x".repeat(81), ..town.new_address() }, "city"),
    ] {
        let refused = customers.save_address(&person.actor, None, new).await;
        assert!(matches!(refused, Err(CustomerError::Text { field: no, .. }) if no == field), "{refused:?}");
    }
    let given = |n: usize| NewAddress {
        coordinates: crate::geo::Coordinates::new(23.0, 72.5).ok(),
        ..lane(&town, &format!("{n} Long Lane"))
    };
    for n in 0..crate::customer::MAX_ADDRESSES {
        customers.save_address(&person.actor, None, given(n)).await.unwrap();
    }
    let full = customers.save_address(&person.actor, None, given(99)).await.unwrap_err();
    assert_eq!(full.to_string(), "at most 30 addresses are kept");
    customers.save_address(&person.actor, None, given(7)).await.unwrap();
}

/// Twelve devices at once, two of which say the same: every address is kept, each once, and one
/// of them is the default.
pub async fn changes_at_once_lose_nothing(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let saving = (0..12).map(|n| n / 2).map(|n| {
        let (vyapar, actor) = (town.vyapar.clone(), person.actor.clone());
        let new = NewAddress { make_default: n % 2 == 0, ..lane(&town, &format!("{n} Side Lane")) };
        async move {
            for _ in 0..50 {
                match vyapar.customers().save_address(&actor, None, new.clone()).await {
                    Err(CustomerError::Concurrent) => {}
                    saved => return saved.map(drop).unwrap(),
                }
            }
            panic!("never saved");
        }
    });
    at_once(saving).await;
    let mut kept = lanes(&town, &person).await;
    assert_eq!(kept.iter().filter(|(_, default)| *default).count(), 1);
    kept.sort();
    let names: Vec<_> = kept.into_iter().map(|(lane, _)| lane).collect();
    assert_eq!(names, (0..6).map(|n| format!("{n} Side Lane")).collect::<Vec<_>>());
}

/// Active stores only; taken out again, also when they are gone.
pub async fn preferred_stores_are_kept_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let customers = town.vyapar.customers();
    let (one, owner) = town.store_of(&town.person().await).await;
    let (two, _) = town.store_of(&town.person().await).await;
    for store in [two, one, two] {
        customers.prefer(&person.actor, store, true).await.unwrap();
    }
    assert_eq!(customers.profile(&person.actor).await.unwrap().preferred_stores, [two, one]);
    town.vyapar.stores().set_status(&owner.actor, one, StoreStatus::Inactive).await.unwrap();
    for store in [one, town.make.store_id()] {
        let refused = customers.prefer(&person.actor, store, true).await;
        assert!(matches!(refused, Err(CustomerError::NoStore(no)) if no == store), "{refused:?}");
        customers.prefer(&person.actor, store, false).await.unwrap();
    }
    assert_eq!(customers.profile(&person.actor).await.unwrap().preferred_stores, [two]);
}

/// Nor preferred stores; and nothing begins the profile again.
pub async fn an_erased_account_keeps_no_address(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let (store, _) = town.store_of(&town.person().await).await;
    let customers = town.vyapar.customers();
    customers.save_address(&person.actor, None, town.new_address()).await.unwrap();
    customers.prefer(&person.actor, store, true).await.unwrap();
    let id = CustomerId::of(person.id);
    town.vyapar.identity().erase(&town.host, person.id).await.unwrap();
    let left = town.ports.customer.customers.get(id).await.unwrap().unwrap();
    town.vyapar.identity().erase(&town.host, person.id).await.unwrap();
    assert!(left.addresses.is_empty() && left.preferred_stores.is_empty() && left.user_id.is_none());
    assert!(left.erased_at.is_some());
    for gone in [customers.profile(&person.actor).await.map(drop), customers.get(&town.host, id).await.map(drop)] {
        assert!(matches!(gone, Err(CustomerError::NotFound(no)) if no == id), "{gone:?}");
    }
    let refused = customers.save_address(&person.actor, None, town.new_address()).await;
    assert!(matches!(refused, Err(CustomerError::NotFound(_))), "{refused:?}");
    assert_eq!(town.ports.customer.customers.get(id).await.unwrap(), Some(left));
    // Nor does one that had no profile yet: a call that is under way cannot begin it.
    let (full_name, phone) = (Town::name("Asha Kulkarni"), Some(town.phone()));
    let new = NewUser { full_name, email: None, phone, password: None, kind: AccountKind::StoreOwner };
    let owner = town.vyapar.identity().register(&town.host, new).await.unwrap();
    town.vyapar.identity().erase(&town.host, owner.id).await.unwrap();
    let late = crate::Actor::member(owner.id, []);
    let refused = customers.save_address(&late, None, town.new_address()).await;
    assert!(matches!(refused, Err(CustomerError::NotFound(_))), "{refused:?}");
}
