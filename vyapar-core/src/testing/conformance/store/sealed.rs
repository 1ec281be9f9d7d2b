//! The sealed texts of stores and invitations.

use super::super::sealing::{Texts, holds, replace, replace_all, replace_at_once, text};
use super::audit;
use crate::page::AllStores;
use crate::store::{Invitation, Store, StorePorts, UpdateOutcome};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

#[track_caller]
fn setup(bench: &Bench) -> (StorePorts, Fixtures) {
    (bench.ports.store.clone(), Fixtures::here())
}

fn entry(make: &Fixtures, store: &Store) -> AuditEntry {
    make.audit(Some(store.id), "store.update", "store", &store.id.to_string())
}

/// The texts of a store, by their contexts.
fn texts(store: &Store) -> Texts {
    let all = [
        ("owner_name", Some(store.owner_name.clone())),
        ("phone", Some(store.phone.clone())),
        ("email", store.email.clone()),
        ("whatsapp_number", store.whatsapp_number.clone()),
    ];
    let there = all.into_iter().filter_map(|(column, sealed)| Some((column, sealed?)));
    there.map(|(column, sealed)| (format!("stores.{column}:{}", store.id), sealed)).collect()
}

fn context(invitation: &Invitation) -> String {
    format!("store_invitations.contact:{}", invitation.id)
}

/// Stores with all texts and with some, each with two invitations and an owner.
async fn many(ports: &StorePorts, make: &Fixtures) -> (Vec<Store>, Vec<Invitation>) {
    let (mut stores, mut invitations) = (Vec::new(), Vec::new());
    for at in 0..6 {
        let store = if at % 2 == 0 { make.full_store() } else { make.store() };
        let owner = make.owner(store.id);
        ports.stores.insert(store.clone(), Some(owner.clone()), entry(make, &store)).await.unwrap();
        for invitation in [make.full_invitation(store.id), make.invitation(store.id)] {
            ports.invitations.insert(store.id, invitation.clone(), audit(make, &owner)).await.unwrap();
            invitations.push(invitation);
        }
        stores.push(store);
    }
    (stores, invitations)
}

/// Every sealed text of every store and invitation is listed once, under its context, as it is
/// now.
pub async fn every_sealed_text_of_stores_is_listed_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    holds(&ports.sealed, &Texts::new()).await;
    let (mut stores, invitations) = many(&ports, &make).await;
    stores[0] = Store { email: None, phone: make.sealed("+919811111111"), version: 2, ..stores[0].clone() };
    let update = ports.stores.update(stores[0].clone(), 1, entry(&make, &stores[0]));
    assert_eq!(update.await.unwrap(), UpdateOutcome::Updated);
    let mut expected: Texts = stores.iter().flat_map(texts).collect();
    expected.extend(invitations.iter().map(|invitation| (context(invitation), invitation.contact.clone())));
    assert_eq!(expected.len(), 17 + 12);
    holds(&ports.sealed, &expected).await;
}

/// A text that is replaced is the only thing that changes of its store or invitation.
pub async fn a_sealed_text_of_a_store_is_replaced_and_nothing_else(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (stores, invitations) = many(&ports, &make).await;
    let now = replace_all(&ports.sealed, &make).await;
    assert_eq!(now.len(), 18 + 12);
    for store in stores {
        let of = |column: &str| now.get(&format!("stores.{column}:{}", store.id)).cloned();
        let store = Store {
            owner_name: of("owner_name").unwrap(),
            phone: of("phone").unwrap(),
            email: of("email"),
            whatsapp_number: of("whatsapp_number"),
            ..store
        };
        assert_eq!(ports.stores.get(store.id).await.unwrap().as_ref(), Some(&store));
        assert_eq!(ports.stores.find_by_slug(&store.slug).await.unwrap().as_ref(), Some(&store));
        // The next write of that version is not stale.
        let next = Store { version: 2, ..store.clone() };
        let outcome = ports.stores.update(next, 1, entry(&make, &store)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
    }
    for invitation in invitations {
        let expected = Invitation { contact: now[&context(&invitation)].clone(), ..invitation };
        assert_eq!(ports.invitations.get(AllStores, expected.id).await.unwrap(), Some(expected));
    }
    holds(&ports.sealed, &now).await;
}

/// A text that changed or went since it was listed is not replaced.
pub async fn a_text_of_a_store_that_moved_on_is_not_replaced(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (stores, _) = many(&ports, &make).await;
    let store = &stores[0];
    let (id, port) = (store.id, &ports.sealed);
    let phone = text(port, &format!("stores.phone:{id}")).await;
    let email = text(port, &format!("stores.email:{id}")).await;
    let name = text(port, &format!("stores.owner_name:{id}")).await;
    let next = Store { phone: make.sealed("+919811111111"), email: None, version: 2, ..store.clone() };
    let outcome = ports.stores.update(next.clone(), 1, entry(&make, store)).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Updated);
    for gone in [&phone, &email] {
        assert!(!replace(port, gone, &make.sealed("late")).await);
    }
    assert_eq!(ports.stores.get(id).await.unwrap().as_ref(), Some(&next));
    let to = make.sealed("Asha");
    assert!(replace(port, &name, &to).await);
    assert_eq!(ports.stores.get(id).await.unwrap(), Some(Store { owner_name: to, ..next }));
}

/// Of sixteen replacements of one text at once one is done.
pub async fn of_sixteen_replacements_at_once_one_is_done(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (stores, invitations) = many(&ports, &make).await;
    let (store, invitation) = (&stores[0], &invitations[3]);
    let name = text(&ports.sealed, &format!("stores.owner_name:{}", store.id)).await;
    let owner_name = replace_at_once(&ports.sealed, &make, &name).await;
    assert_eq!(ports.stores.get(store.id).await.unwrap(), Some(Store { owner_name, ..store.clone() }));
    let sent_to = text(&ports.sealed, &context(invitation)).await;
    let contact = replace_at_once(&ports.sealed, &make, &sent_to).await;
    let expected = Invitation { contact, ..invitation.clone() };
    assert_eq!(ports.invitations.get(AllStores, expected.id).await.unwrap(), Some(expected));
}
