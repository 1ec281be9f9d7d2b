//! The sealed texts of accounts.

use std::sync::Arc;

use super::super::sealing::{Port, Texts, holds, replace, replace_all, replace_at_once, text};
use super::{get, inserted, setup};
use crate::identity::{ContactKind, IdentityPorts, SealedContact, User};
use crate::store::UpdateOutcome;
use crate::testing::{Bench, Fixtures};

fn port(ports: &IdentityPorts) -> Port {
    Arc::clone(&ports.sealed)
}

/// The texts of a user, by their contexts.
fn texts(user: &User) -> Texts {
    let of = |contact: &Option<SealedContact>| contact.as_ref().map(|contact| contact.sealed.clone());
    let all = [("email", of(&user.email)), ("phone", of(&user.phone)), ("full_name", user.full_name.clone())];
    let there = all.into_iter().filter_map(|(column, sealed)| Some((column, sealed?)));
    there.map(|(column, sealed)| (format!("users.{column}:{}", user.id), sealed)).collect()
}

/// The user with what stands for his contexts now.
fn resealed(mut user: User, now: &Texts) -> User {
    let of = |column: &str| now.get(&format!("users.{column}:{}", user.id)).cloned();
    let (email, phone, name) = (of("email"), of("phone"), of("full_name"));
    for (contact, sealed) in [(&mut user.email, email), (&mut user.phone, phone)] {
        *contact = contact.take().zip(sealed).map(|(contact, sealed)| SealedContact { sealed, ..contact });
    }
    user.full_name = user.full_name.and(name);
    user
}

/// Users of every kind: with all texts, with some, with none.
async fn many(ports: &IdentityPorts, make: &Fixtures) -> Vec<User> {
    let mut users = Vec::new();
    for at in 0..9 {
        let user = match at % 3 {
            0 => make.full_user(),
            1 => User { full_name: Some(make.sealed("Asha")), ..make.user() },
            _ => User { phone: None, ..make.user() },
        };
        users.push(inserted(ports, make, user).await);
    }
    users
}

/// Every sealed text of every user is listed once, under its context, as it is now.
pub async fn every_sealed_text_of_users_is_listed_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    holds(&port(&ports), &Texts::new()).await;
    let mut users = many(&ports, &make).await;
    // One is erased, one gets an address.
    users[0] = User { email: None, phone: None, full_name: None, version: 2, ..users[0].clone() };
    users[2] = User { email: Some(make.contact()), version: 2, ..users[2].clone() };
    for user in [&users[0], &users[2]] {
        assert_eq!(ports.users.update(user.clone(), 1, None).await.unwrap(), UpdateOutcome::Updated);
    }
    let expected: Texts = users.iter().flat_map(texts).collect();
    assert_eq!(expected.len(), 13);
    holds(&port(&ports), &expected).await;
}

/// A text that is replaced is the only thing that changes of its user: not his version, nor
/// how he is found.
pub async fn a_sealed_text_of_a_user_is_replaced_and_nothing_else(bench: &Bench) {
    let (ports, make) = setup(bench);
    let users = many(&ports, &make).await;
    let now = replace_all(&port(&ports), &make).await;
    assert_eq!(now.len(), 15);
    for user in users {
        let user = resealed(user, &now);
        assert_eq!(get(&ports, user.id).await.as_ref(), Some(&user));
        for kind in [ContactKind::Email, ContactKind::Phone] {
            for hash in user.contact(kind).into_iter().flat_map(|contact| &contact.lookups) {
                assert_eq!(ports.users.find(kind, &[*hash]).await.unwrap().as_ref(), Some(&user));
            }
        }
        // The next write of that version is not stale.
        let next = User { version: 2, ..user };
        assert_eq!(ports.users.update(next, 1, None).await.unwrap(), UpdateOutcome::Updated);
    }
    holds(&port(&ports), &now).await;
}

/// A text that changed or went since it was listed is not replaced.
pub async fn a_text_of_a_user_that_moved_on_is_not_replaced(bench: &Bench) {
    let (ports, make) = setup(bench);
    let full = inserted(&ports, &make, make.full_user()).await;
    let (port, id) = (port(&ports), full.id);
    let email = text(&port, &format!("users.email:{id}")).await;
    let phone = text(&port, &format!("users.phone:{id}")).await;
    let name = text(&port, &format!("users.full_name:{id}")).await;
    let next = User { email: Some(make.contact()), phone: None, version: 2, ..full };
    assert_eq!(ports.users.update(next.clone(), 1, None).await.unwrap(), UpdateOutcome::Updated);
    for gone in [&email, &phone] {
        assert!(!replace(&port, gone, &make.sealed("late")).await);
    }
    assert_eq!(get(&ports, id).await.as_ref(), Some(&next));
    // What stayed is replaced, whatever else of the row changed.
    let to = make.sealed("Asha");
    assert!(replace(&port, &name, &to).await);
    assert_eq!(get(&ports, id).await, Some(User { full_name: Some(to), ..next }));
}

/// Of sixteen replacements of one text at once one is done.
pub async fn of_sixteen_replacements_at_once_one_is_done(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.full_user()).await;
    let port = port(&ports);
    let text = text(&port, &format!("users.full_name:{}", user.id)).await;
    let full_name = Some(replace_at_once(&port, &make, &text).await);
    assert_eq!(get(&ports, user.id).await, Some(User { full_name, ..user }));
}
