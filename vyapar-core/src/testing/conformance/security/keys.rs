//! Rotating keys.

use std::sync::Arc;

use crate::contact::Phone;
use crate::env::Env;
use crate::identity::{AccountKind, IdentityError, Login, NewUser};
use crate::page::{AllStores, PageRequest};
use crate::reseal::ResealPosition;
use crate::secret::{KeyRing, Sealed, SealedText, SealedTexts, SecretError, SecretKey};
use crate::testing::town::{Town, busy_town};
use crate::testing::{Bench, Fixtures};
use crate::vyapar::Vyapar;

/// The ring every test starts with.
fn first() -> KeyRing {
    KeyRing::new(1, &SecretKey::new([0x11; 32]), &SecretKey::new([0x22; 32]))
}

/// Both keys in use.
fn both() -> KeyRing {
    KeyRing::new(2, &SecretKey::new([0x33; 32]), &SecretKey::new([0x22; 32]))
        .with_old_key(1, &SecretKey::new([0x11; 32]))
        .with_index_key(&SecretKey::new([0x44; 32]))
}

/// The new ones alone.
fn second() -> KeyRing {
    KeyRing::new(2, &SecretKey::new([0x33; 32]), &SecretKey::new([0x22; 32]))
        .with_index_key(&SecretKey::new([0x44; 32]))
        .without_old_index_keys()
}

fn under(town: &Town, keys: KeyRing) -> Vyapar {
    let (clock, entropy) = (town.make.clock().clone(), crate::env::SystemEntropy);
    town.with_env(Env::new(Arc::new(clock), Arc::new(entropy), Arc::new(keys)))
}

async fn sweep(town: &Town, vyapar: &Vyapar, limit: u32) -> usize {
    let (mut position, mut rewritten) = (ResealPosition::default(), 0);
    for _ in 0..10_000 {
        let part = vyapar.secrets().reseal(&town.host, position, limit).await.unwrap();
        assert_eq!(part.unreadable, []);
        rewritten += part.rewritten;
        match part.next {
            // A host stores it between calls.
            Some(next) => position = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap(),
            None => return rewritten,
        }
    }
    panic!("a sweep that does not end");
}

/// While both keys are in use all is found and opened; after the sweep the new ones alone do.
pub async fn rotated_keys_open_and_find_all_that_was_stored(bench: &Bench) {
    let scene = busy_town(bench, Fixtures::here()).await;
    let town = &scene.town;
    let phone = Login::Phone(scene.customer.phone.clone());
    let found = |vyapar: Vyapar| {
        let (host, login) = (town.host.clone(), phone.clone());
        async move { vyapar.identity().find(&host, &login).await.unwrap().map(|profile| profile.id) }
    };
    assert_eq!(found(under(town, first())).await, Some(scene.customer.id));
    assert_eq!(found(under(town, both())).await, Some(scene.customer.id), "under the older index key");
    assert_eq!(found(under(town, second())).await, None, "not yet");
    let rewritten = sweep(town, &under(town, both()), 3).await;
    assert!(rewritten > 10, "{rewritten}");
    assert_eq!(sweep(town, &under(town, both()), 200).await, 0, "all is under the current keys");
    // Once more without the older index key: its hashes go.
    assert!(sweep(town, &under(town, second()), 50).await > 0);
    assert_eq!(sweep(town, &under(town, second()), 50).await, 0);
    let new = under(town, second());
    assert_eq!(found(new.clone()).await, Some(scene.customer.id));
    assert_eq!(found(under(town, first())).await, None, "nothing is left under the older key");
    let order = new.orders().get(&town.host, scene.store, &scene.order).await.unwrap();
    assert_eq!(new.orders().contact(&town.host, &order).unwrap().customer_phone, scene.customer.phone);
    let history = new.orders().history(&town.host, scene.store, &scene.order).await.unwrap();
    assert!(history.iter().any(|row| row.notes.is_some()));
    let store = new.stores().get(&town.host, scene.store).await.unwrap();
    new.stores().contact(&town.host, &store).unwrap();
    let profile = new.customers().profile(&scene.customer.actor).await.unwrap();
    assert_eq!(profile.addresses[0].address.line1.as_str(), "17B Neelkanth Towers");
    let ports = &town.ports;
    let units: [&dyn SealedTexts; 4] =
        [&*ports.identity.sealed, &*ports.store.sealed, &*ports.customer.sealed, &*ports.order.sealed];
    for unit in units {
        let texts = unit.list(AllStores, PageRequest::first(200)).await.unwrap().items;
        assert!(!texts.is_empty());
        assert!(texts.iter().all(|text| crate::secret::Cipher::is_current(&second(), &text.sealed)));
    }
}

/// A number that an account has under the older key is taken under the newer.
pub async fn nobody_signs_up_twice_while_keys_rotate(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let phone: Phone = town.phone();
    let sign_up = async |vyapar: Vyapar, phone: &Phone| {
        let new = NewUser {
            full_name: Town::name("Asha"),
            email: None,
            phone: Some(phone.clone()),
            password: None,
            kind: AccountKind::Customer,
        };
        vyapar.identity().register(&Town::stranger(), new).await
    };
    sign_up(under(&town, first()), &phone).await.unwrap();
    let twice = sign_up(under(&town, both()), &phone).await;
    assert!(matches!(twice, Err(IdentityError::Taken(_))), "{twice:?}");
    let other = town.phone();
    sign_up(under(&town, both()), &other).await.unwrap();
    for ring in [first(), second()] {
        let twice = sign_up(under(&town, ring), &other).await;
        assert!(matches!(twice, Err(IdentityError::Taken(_))), "{twice:?}");
    }
}

/// A stored text that somebody changed, or put in the place of another's, opens for nobody; and
/// says so by its kind.
pub async fn a_text_that_was_changed_or_moved_is_not_opened(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (one, two) = (town.person().await, town.person().await);
    let sealed = &town.ports.identity.sealed;
    let texts = sealed.list(AllStores, PageRequest::first(200)).await.unwrap().items;
    let of = |id: crate::id::UserId| -> SealedText {
        texts.iter().find(|text| text.context == format!("users.full_name:{id}")).cloned().unwrap()
    };
    let mut changed = of(one.id).sealed.as_bytes().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    for (person, with) in [(&one, Sealed::from_bytes(changed)), (&two, of(one.id).sealed)] {
        assert!(sealed.replace(AllStores, of(person.id), with).await.unwrap());
        let opened = town.vyapar.identity().profile(&person.actor, person.id).await;
        assert!(matches!(opened, Err(IdentityError::Secret(SecretError::Tampered))), "{opened:?}");
        // Who he is does not hang on it.
        town.actor(&person.token).await;
    }
    // The sweep names both, and goes on.
    let (mut position, mut unreadable) = (ResealPosition::default(), Vec::new());
    loop {
        let part = under(&town, both()).secrets().reseal(&town.host, position, 1).await.unwrap();
        unreadable.extend(part.unreadable.into_iter().map(|text| text.context));
        match part.next {
            Some(next) => position = next,
            None => break,
        }
    }
    unreadable.sort();
    let mut expected = [one.id, two.id].map(|id| format!("users.full_name:{id}"));
    expected.sort();
    assert_eq!(unreadable, expected);
}
