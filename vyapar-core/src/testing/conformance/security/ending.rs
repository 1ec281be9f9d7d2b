//! What takes several writes, with every fault at every one of them.

use crate::access::{RoleId, known};
use crate::actor::StoreRole;
use crate::id::StoreId;
use crate::identity::Login;
use crate::store::Invite;
use crate::testing::faults::{Fault, Faults};
use crate::testing::town::{Person, Town};
use crate::testing::{Bench, Fixtures};

/// Ended accounts are ended whole: no session, no permission, no part in a store.
pub async fn a_deactivation_that_goes_wrong_is_finished_by_repeating_it(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let boss = town.super_admin().await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let faults = Faults::new();
    let faulty = town.over(faults.wrap(town.ports.clone()));
    faults.none();
    let clerk = hired(&town, &owner, store, &town.with_role(&boss, &RoleId::ADMIN).await).await;
    faulty.identity().deactivate(&boss.actor, clerk.id).await.unwrap();
    let steps = faults.calls().len();
    assert!(steps > 8, "{steps}");
    for at in 0..steps {
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            // Each step meets half the faults, its neighbours the others, unless all are asked for.
            if !bench.is_exhaustive() && (at + number) % 2 == 1 {
                continue;
            }
            let clerk = town.with_role(&boss, &RoleId::ADMIN).await;
            let clerk = hired(&town, &owner, store, &clerk).await;
            faults.at(at, fault);
            let told = faults.run(faulty.identity().deactivate(&boss.actor, clerk.id)).await;
            let calls = faults.calls();
            faults.none();
            let what = format!("{fault:?} at {at} of {calls:?}, told {told:?}");
            faults.land().await;
            town.vyapar.identity().deactivate(&boss.actor, clerk.id).await.expect(&what);
            assert!(town.vyapar.identity().authenticate(&clerk.token, Town::request()).await.is_err(), "{what}");
            let left = town.vyapar.access().effective(&town.host, clerk.id).await.unwrap();
            assert!(!left.allows_everywhere(&known::USER_READ, town.make.now()), "{what}");
            let row = town.ports.store.members.get(store, clerk.id).await.unwrap().unwrap();
            assert!(!row.is_active, "{what}");
        }
    }
}

/// Whoever did not get an answer asks again and is a member, once.
pub async fn an_invitation_that_goes_wrong_is_accepted_by_repeating_it(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let faults = Faults::new();
    let faulty = town.over(faults.wrap(town.ports.clone()));
    faults.none();
    let (person, token) = invited(&town, &owner, store).await;
    faulty.staff().accept(&person.actor, &token).await.unwrap();
    let steps = faults.calls().len();
    assert!(steps > 4, "{steps}");
    for at in 0..steps {
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            if !bench.is_exhaustive() && (at + number) % 2 == 1 {
                continue;
            }
            let (person, token) = invited(&town, &owner, store).await;
            faults.at(at, fault);
            let told = faults.run(faulty.staff().accept(&person.actor, &token)).await;
            let calls = faults.calls();
            faults.none();
            faults.land().await;
            let what = format!("{fault:?} at {at} of {calls:?}, told {told:?}");
            let row = town.vyapar.staff().accept(&person.actor, &token).await.expect(&what);
            assert!(row.is_active && row.version == 1, "{what}: {row:?}");
        }
    }
}

/// Somebody who was asked to work in the store, and what he was sent.
async fn invited(town: &Town, owner: &Person, store: StoreId) -> (Person, String) {
    let person = town.person().await;
    let token = invite(town, owner, store, &person).await;
    (person, token)
}

async fn invite(town: &Town, owner: &Person, store: StoreId, person: &Person) -> String {
    let contact = Login::Phone(person.phone.clone());
    let invite = Invite { contact, role: StoreRole::Staff, permissions: Default::default() };
    town.vyapar.staff().invite(&owner.actor, store, invite).await.unwrap().token.as_str().to_owned()
}

async fn hired(town: &Town, owner: &Person, store: StoreId, person: &Person) -> Person {
    let token = invite(town, owner, store, person).await;
    town.vyapar.staff().accept(&person.actor, &token).await.unwrap();
    town.again(person).await
}
