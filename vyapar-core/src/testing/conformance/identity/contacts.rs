//! How users are found, and what nobody has twice.

use super::super::support::{at_once, audited, refusal};
use super::{audit, get, inserted, setup, taken};
use crate::error::Stored;
use crate::identity::{ContactKind, IdentityPorts, SealedContact, User};
use crate::secret::Blind;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

async fn find(ports: &IdentityPorts, kind: ContactKind, lookups: &[Blind]) -> Option<User> {
    ports.users.find(kind, lookups).await.unwrap()
}

/// Whose that phone is.
async fn phone(ports: &IdentityPorts, contact: &SealedContact) -> Option<User> {
    find(ports, ContactKind::Phone, &contact.lookups).await
}

/// The contact under these hashes.
fn under(make: &Fixtures, lookups: impl IntoIterator<Item = Blind>) -> SealedContact {
    SealedContact { lookups: lookups.into_iter().collect(), ..make.contact() }
}

fn with_phone(make: &Fixtures, contact: SealedContact) -> User {
    User { phone: Some(contact), ..make.user() }
}

fn with_email(make: &Fixtures, contact: SealedContact) -> User {
    User { email: Some(contact), phone: None, ..make.user() }
}

/// Stores the user where the version before it is stored.
async fn update(ports: &IdentityPorts, user: &User) -> UpdateOutcome {
    ports.users.update(user.clone(), user.version - 1, None).await.unwrap()
}

/// The constraint of a kind of contact.
fn constraint(kind: ContactKind) -> &'static str {
    match kind {
        ContactKind::Email => "users.email",
        ContactKind::Phone => "users.phone",
    }
}

/// A user is found by each hash of each of his contacts, among hashes that nobody has, and
/// only as that kind of contact.
pub async fn a_user_is_found_by_any_hash_of_his_contact(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.full_user()).await;
    inserted(&ports, &make, make.full_user()).await;
    for (kind, other) in [(ContactKind::Email, ContactKind::Phone), (ContactKind::Phone, ContactKind::Email)] {
        let lookups = &user.contact(kind).unwrap().lookups;
        assert_eq!(lookups.len(), 4);
        for hash in lookups {
            assert_eq!(find(&ports, kind, &[*hash]).await.as_ref(), Some(&user));
            assert_eq!(find(&ports, kind, &[make.blind(), make.blind(), *hash]).await.as_ref(), Some(&user));
            assert_eq!(find(&ports, other, &[*hash]).await, None);
        }
        assert_eq!(find(&ports, kind, lookups).await.as_ref(), Some(&user));
        assert_eq!(find(&ports, kind, &[make.blind()]).await, None);
        assert_eq!(find(&ports, kind, &[]).await, None);
    }
}

/// Of hashes that several users have, the first one decides.
pub async fn the_first_hash_that_is_found_wins(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut users = Vec::new();
    for _ in 0..4 {
        users.push(inserted(&ports, &make, make.user()).await);
    }
    let hash = |user: &User| user.phone.as_ref().unwrap().lookups[0];
    for _ in 0..8 {
        let order = make.shuffled(users.iter().cloned());
        let lookups: Vec<_> = order.iter().map(hash).collect();
        assert_eq!(find(&ports, ContactKind::Phone, &lookups).await.as_ref(), order.first());
        let later = [make.blind(), lookups[1], lookups[0]];
        assert_eq!(find(&ports, ContactKind::Phone, &later).await.as_ref(), order.get(1));
    }
}

/// A new user with any hash of another's contact is refused by its constraint's name and
/// writes nothing; the same hash of the other kind is nobody's.
pub async fn a_contact_belongs_to_one_user(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.full_user();
    let entry = audit(&make, user.id);
    ports.users.insert(user.clone(), entry.clone()).await.unwrap();
    for kind in [ContactKind::Email, ContactKind::Phone] {
        let held = &user.contact(kind).unwrap().lookups;
        for (at, hash) in held.iter().enumerate() {
            let mut lookups: Vec<_> = (0..3).map(|_| make.blind()).collect();
            lookups.insert(at, *hash);
            let own = under(&make, [make.blind()]);
            let rival = match kind {
                ContactKind::Email => User { email: Some(under(&make, lookups.clone())), ..with_phone(&make, own) },
                ContactKind::Phone => User { phone: Some(under(&make, lookups.clone())), ..with_email(&make, own) },
            };
            let refused = audit(&make, user.id);
            let kind_of_refusal = refusal(ports.users.insert(rival.clone(), refused).await);
            assert_eq!(kind_of_refusal, taken(constraint(kind)));
            assert_eq!(get(&ports, rival.id).await, None);
            for each in [ContactKind::Email, ContactKind::Phone] {
                let free: Vec<_> = rival.contact(each).unwrap().lookups.iter().filter(|one| *one != hash).collect();
                for one in free {
                    assert_eq!(find(&ports, each, &[*one]).await, None);
                }
            }
            // Without the other's hash he is welcome.
            lookups.remove(at);
            let contact = Some(under(&make, lookups));
            let welcome = match kind {
                ContactKind::Email => User { email: contact, ..rival },
                ContactKind::Phone => User { phone: contact, ..rival },
            };
            inserted(&ports, &make, welcome).await;
        }
    }
    let as_phone = with_phone(&make, user.email.clone().unwrap());
    let as_email = with_email(&make, user.phone.clone().unwrap());
    for other in [as_phone, as_email] {
        inserted(&ports, &make, other).await;
    }
    assert_eq!(get(&ports, user.id).await, Some(user));
    audited(&ports.audit, &[&entry]).await;
}

/// An update that would take another's contact is refused by its constraint's name and
/// changes nothing: what the user had is still his.
pub async fn an_update_takes_no_contact_of_another_user(bench: &Bench) {
    let (ports, make) = setup(bench);
    let other = inserted(&ports, &make, make.full_user()).await;
    let user = User { email: Some(make.contact()), ..make.user() };
    let entry = audit(&make, user.id);
    ports.users.insert(user.clone(), entry.clone()).await.unwrap();
    for kind in [ContactKind::Email, ContactKind::Phone] {
        let wanted = make.blind();
        let contact = Some(under(&make, [wanted, other.contact(kind).unwrap().lookups[2]]));
        let next = match kind {
            ContactKind::Email => User { email: contact, version: 2, ..user.clone() },
            ContactKind::Phone => User { phone: contact, version: 2, ..user.clone() },
        };
        let answer = ports.users.update(next, 1, Some(audit(&make, user.id))).await;
        assert_eq!(refusal(answer), taken(constraint(kind)));
        assert_eq!(find(&ports, kind, &[wanted]).await, None);
        for each in [ContactKind::Email, ContactKind::Phone] {
            assert_eq!(find(&ports, each, &user.contact(each).unwrap().lookups).await.as_ref(), Some(&user));
            assert_eq!(find(&ports, each, &other.contact(each).unwrap().lookups).await.as_ref(), Some(&other));
        }
    }
    assert_eq!(get(&ports, user.id).await, Some(user));
    audited(&ports.audit, &[&entry]).await;
}

/// A contact that a user changes or gives up is free at once, and can be another's, and his
/// own again; that of a user who may not sign in is kept.
pub async fn a_contact_that_is_given_up_is_free_at_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (old, new) = (make.full_contact(), make.full_contact());
    let user = inserted(&ports, &make, with_phone(&make, old.clone())).await;
    let changed = User { phone: Some(new.clone()), version: 2, ..user.clone() };
    assert_eq!(update(&ports, &changed).await, UpdateOutcome::Updated);
    for hash in &old.lookups {
        assert_eq!(find(&ports, ContactKind::Phone, &[*hash]).await, None);
    }
    assert_eq!(phone(&ports, &new).await.as_ref(), Some(&changed));
    let heir = inserted(&ports, &make, with_phone(&make, old.clone())).await;
    assert_eq!(phone(&ports, &old).await.as_ref(), Some(&heir));

    let gone = User { is_active: false, version: 3, ..changed };
    assert_eq!(update(&ports, &gone).await, UpdateOutcome::Updated);
    let refused = ports.users.insert(with_phone(&make, new.clone()), audit(&make, user.id)).await;
    assert_eq!(refusal(refused), taken("users.phone"));
    assert_eq!(phone(&ports, &new).await.as_ref(), Some(&gone));

    let erased = User { phone: None, erased_at: Some(make.now()), version: 4, ..gone };
    assert_eq!(update(&ports, &erased).await, UpdateOutcome::Updated);
    assert_eq!(phone(&ports, &new).await, None);
    assert_eq!(get(&ports, erased.id).await.as_ref(), Some(&erased));
    let moved = User { phone: Some(new.clone()), version: 2, ..heir };
    assert_eq!(update(&ports, &moved).await, UpdateOutcome::Updated);
    assert_eq!(phone(&ports, &new).await, Some(moved));
    let back = User { phone: Some(old.clone()), version: 5, ..erased };
    assert_eq!(update(&ports, &back).await, UpdateOutcome::Updated);
    assert_eq!(phone(&ports, &old).await, Some(back));
}

/// A contact gets more hashes, and loses older ones, while its user keeps it throughout.
pub async fn hashes_come_and_go_while_index_keys_rotate(bench: &Bench) {
    let (ports, make) = setup(bench);
    let hashes: Vec<_> = (0..6).map(|_| make.blind()).collect();
    let sealed = make.contact().sealed;
    let contact =
        |range: std::ops::Range<usize>| SealedContact { sealed: sealed.clone(), lookups: hashes[range].to_vec() };
    let mut user = inserted(&ports, &make, with_phone(&make, contact(5..6))).await;
    for range in [4..6, 4..5, 1..5, 2..4, 2..4, 0..4, 0..1] {
        user = User { phone: Some(contact(range.clone())), version: user.version + 1, ..user };
        assert_eq!(update(&ports, &user).await, UpdateOutcome::Updated);
        for (at, hash) in hashes.iter().enumerate() {
            let expected = range.contains(&at).then_some(&user);
            assert_eq!(find(&ports, ContactKind::Phone, &[*hash]).await.as_ref(), expected, "{at} of {range:?}");
        }
    }
}

/// Which of the rivals has the contact that all of them want; the others have nothing.
async fn winner<'a>(
    ports: &IdentityPorts,
    kind: ContactKind,
    rivals: &'a [(User, AuditEntry)],
    answers: Vec<Stored<bool>>,
) -> (&'a User, &'a AuditEntry) {
    let mut won = Vec::new();
    for (rival, answer) in rivals.iter().zip(answers) {
        let lookups = &rival.0.contact(kind).unwrap().lookups;
        match answer {
            Ok(is_stored) => {
                assert!(is_stored);
                assert_eq!(find(ports, kind, lookups).await.as_ref(), Some(&rival.0));
                won.push((&rival.0, &rival.1));
            }
            refused => {
                assert_eq!(refusal(refused), taken(constraint(kind)));
                assert_eq!(find(ports, kind, &lookups[1..]).await, None, "what he alone wanted");
            }
        }
    }
    assert_eq!(won.len(), 1);
    won[0]
}

/// Of sixteen new users with one phone at once exactly one is in, under whichever hash they
/// share.
pub async fn a_phone_wanted_by_sixteen_new_users_goes_to_one(bench: &Bench) {
    let (ports, make) = setup(bench);
    let shared = make.blind();
    let rivals: Vec<_> = (0..16)
        .map(|_| {
            let user = with_phone(&make, under(&make, [shared, make.blind()]));
            let entry = audit(&make, user.id);
            (user, entry)
        })
        .collect();
    let answers = at_once(rivals.iter().cloned().map(|(user, entry)| {
        let ports = ports.clone();
        async move { ports.users.insert(user, entry).await.map(|()| true) }
    }))
    .await;
    let (user, entry) = winner(&ports, ContactKind::Phone, &rivals, answers).await;
    assert_eq!(find(&ports, ContactKind::Phone, &[shared]).await.as_ref(), Some(user));
    audited(&ports.audit, &[entry]).await;
    for (rival, _) in &rivals {
        assert_eq!(get(&ports, rival.id).await.as_ref(), (rival.id == user.id).then_some(user));
    }
}

/// Of sixteen users who change to one address at once exactly one has it.
pub async fn an_address_wanted_by_sixteen_users_goes_to_one(bench: &Bench) {
    let (ports, make) = setup(bench);
    let shared = make.blind();
    let (mut before, mut rivals) = (Vec::new(), Vec::new());
    for _ in 0..16 {
        let user = inserted(&ports, &make, make.user()).await;
        let email = Some(under(&make, [shared, make.blind()]));
        rivals.push((User { email, version: 2, ..user.clone() }, audit(&make, user.id)));
        before.push(user);
    }
    let answers =
        at_once(
            rivals.iter().cloned().map(|(user, entry)| {
                let ports = ports.clone();
                async move {
                    ports.users.update(user, 1, Some(entry)).await.map(|outcome| outcome == UpdateOutcome::Updated)
                }
            }),
        )
        .await;
    let (user, _) = winner(&ports, ContactKind::Email, &rivals, answers).await;
    assert_eq!(find(&ports, ContactKind::Email, &[shared]).await.as_ref(), Some(user));
    for old in before {
        let expected = if old.id == user.id { user.clone() } else { old.clone() };
        assert_eq!(get(&ports, old.id).await, Some(expected));
    }
}
