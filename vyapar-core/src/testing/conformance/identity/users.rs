//! User accounts.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use super::{audit, get, inserted, setup, taken};
use crate::identity::{AccountKind, ContactKind, SealedContact, User, UserFilter};
use crate::page::PageRequest;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

/// A user with every field filled, and ones with one contact, or none, read back exactly,
/// each with his audit entry.
pub async fn a_user_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let by_mail = User { phone: None, email: Some(make.full_contact()), kind: AccountKind::Admin, ..make.user() };
    let unreachable = User { phone: None, ..make.user() };
    for user in [make.full_user(), make.user(), by_mail, unreachable] {
        let entry = audit(&make, user.id);
        ports.users.insert(user.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, user.id).await, Some(user));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, make.user_id()).await, None);
}

/// The same id again is refused by its constraint's name and writes nothing, by one caller or
/// sixteen at once.
pub async fn ids_of_users_are_unique(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.user();
    let entry = audit(&make, first.id);
    ports.users.insert(first.clone(), entry.clone()).await.unwrap();
    let same = User { id: first.id, ..make.full_user() };
    let kind = refusal(ports.users.insert(same.clone(), audit(&make, first.id)).await);
    assert_eq!(kind, taken("users.id"));
    assert_eq!(get(&ports, first.id).await.as_ref(), Some(&first));
    audited(&ports.audit, &[&entry]).await;
    // The contacts that came with him are free.
    inserted(&ports, &make, User { id: make.user_id(), ..same }).await;

    let rival = make.user_id();
    let rivals: Vec<_> = (0..16).map(|_| (User { id: rival, ..make.user() }, audit(&make, rival))).collect();
    let answers = at_once(rivals.iter().cloned().map(|(user, entry)| {
        let ports = ports.clone();
        async move { ports.users.insert(user, entry).await }
    }))
    .await;
    let mut won = Vec::new();
    for (rival, answer) in rivals.iter().zip(answers) {
        match answer {
            Ok(()) => won.push(rival),
            refused => assert_eq!(refusal(refused), taken("users.id")),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(get(&ports, rival).await.as_ref(), Some(&won[0].0));
    audited(&ports.audit, &[&won[0].1]).await;
}

/// An update replaces all that may change, and nothing else: neither the beginning nor the
/// last login; with its audit entry, if it has one.
pub async fn an_update_of_a_user_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make) = setup(bench);
    let bare = make.user();
    let mut entries = vec![audit(&make, bare.id)];
    ports.users.insert(bare.clone(), entries[0].clone()).await.unwrap();
    let full = make.full_user();
    let erased = User { phone: None, ..bare.clone() };
    for (version, next) in [(2, full), (3, bare.clone()), (4, make.full_user()), (5, erased)] {
        let given = User {
            id: bare.id,
            created_at: make.now() + TimeDelta::days(1),
            last_login: Some(make.now() + TimeDelta::days(2)),
            version,
            ..next
        };
        let entry = (version % 2 == 0).then(|| audit(&make, bare.id));
        let outcome = ports.users.update(given.clone(), version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        let expected = User { created_at: bare.created_at, last_login: None, ..given };
        assert_eq!(get(&ports, bare.id).await, Some(expected));
        entries.extend(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
    let known = inserted(&ports, &make, make.full_user()).await;
    let given = User { last_login: None, version: 2, ..known.clone() };
    assert_eq!(ports.users.update(given, 1, None).await.unwrap(), UpdateOutcome::Updated);
    assert_eq!(get(&ports, known.id).await, Some(User { version: 2, ..known }));
}

/// An update of another version, or of an absent user, changes nothing: neither the user, nor
/// who is found, nor the audit log.
pub async fn a_stale_update_of_a_user_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user();
    let entry = audit(&make, user.id);
    ports.users.insert(user.clone(), entry.clone()).await.unwrap();
    let contact = make.contact();
    let find = async |contact: &SealedContact| ports.users.find(ContactKind::Phone, &contact.lookups).await.unwrap();
    for expected in [0, 2, 3] {
        let next = User { phone: Some(contact.clone()), version: expected + 1, ..user.clone() };
        let outcome = ports.users.update(next, expected, Some(audit(&make, user.id))).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    for expected in [0, 1] {
        let absent = User { phone: Some(contact.clone()), version: expected + 1, ..make.user() };
        let outcome = ports.users.update(absent.clone(), expected, Some(audit(&make, user.id))).await.unwrap();
        assert_eq!((outcome, get(&ports, absent.id).await), (UpdateOutcome::Stale, None));
    }
    assert_eq!(find(&contact).await, None);
    assert_eq!(find(user.phone.as_ref().unwrap()).await.as_ref(), Some(&user));
    assert_eq!(get(&ports, user.id).await, Some(user));
    audited(&ports.audit, &[&entry]).await;
    // What the refused ones wanted is free.
    inserted(&ports, &make, User { phone: Some(contact), ..make.user() }).await;
}

/// Of sixteen updates of one version at once exactly one is stored, and only its contact and
/// audit entry.
pub async fn of_sixteen_updates_of_a_user_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user();
    let first = audit(&make, user.id);
    ports.users.insert(user.clone(), first.clone()).await.unwrap();
    let changes: Vec<_> = (0..16)
        .map(|_| (User { phone: Some(make.contact()), version: 2, ..user.clone() }, audit(&make, user.id)))
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|(user, entry)| {
        let ports = ports.clone();
        async move { ports.users.update(user, 1, Some(entry)).await.unwrap() }
    }))
    .await;
    let mut won = Vec::new();
    for ((change, entry), outcome) in changes.iter().zip(&outcomes) {
        let lookups = &change.phone.as_ref().unwrap().lookups;
        let found = ports.users.find(ContactKind::Phone, lookups).await.unwrap();
        let is_stored = *outcome == UpdateOutcome::Updated;
        assert_eq!(found.as_ref(), is_stored.then_some(change));
        if is_stored {
            won.push((change, entry));
        }
    }
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert_eq!(get(&ports, user.id).await.as_ref(), Some(won[0].0));
    audited(&ports.audit, &[&first, won[0].1]).await;
}

/// Users come by id, page by page, each once, by kind and by whether they may sign in, or
/// all, as they are now.
pub async fn users_come_by_id_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut users = Vec::new();
    for at in 0..21 {
        make.clock().advance(TimeDelta::milliseconds(at % 2));
        let at = usize::try_from(at).unwrap();
        let plain = if at % 5 == 0 { make.full_user() } else { make.user() };
        users.push(User { kind: AccountKind::ALL[at % 3], is_active: at % 4 != 3, ..plain });
    }
    for user in make.shuffled(users.clone()) {
        inserted(&ports, &make, user).await;
    }
    let moved = &mut users[0];
    (moved.kind, moved.is_active, moved.version) = (AccountKind::Admin, false, 2);
    assert_eq!(ports.users.update(moved.clone(), 1, None).await.unwrap(), UpdateOutcome::Updated);
    users.sort_by_key(|user| user.id);
    let all = UserFilter::default;
    let filters = [
        all(),
        UserFilter { kind: Some(AccountKind::Customer), ..all() },
        UserFilter { is_active: Some(false), ..all() },
        UserFilter { is_active: Some(true), ..all() },
        UserFilter { kind: Some(AccountKind::Admin), is_active: Some(true) },
        UserFilter { kind: Some(AccountKind::Admin), is_active: Some(false) },
    ];
    let mut sizes = Vec::new();
    for filter in filters {
        let matching = |user: &&User| {
            filter.kind.is_none_or(|kind| user.kind == kind)
                && filter.is_active.is_none_or(|is_active| user.is_active == is_active)
        };
        let expected: Vec<_> = users.iter().filter(matching).cloned().collect();
        sizes.push(expected.len());
        for limit in [1, 4, 21, 200] {
            eventually(expected.clone(), || all_pages(limit, |page| ports.users.list(filter.clone(), page))).await;
        }
    }
    assert_eq!(sizes, [21, 6, 6, 15, 6, 2]);
    let page = ports.users.list(all(), PageRequest::first(21)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (21, None), "a full last page has no next");
}

/// Cursors of other lists and malformed positions are refused.
pub async fn users_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    inserted(&ports, &make, make.user()).await;
    for kind in [None, Some(AccountKind::Customer)] {
        let filter = UserFilter { kind, is_active: None };
        refuses_foreign_cursors("users", |page| ports.users.list(filter.clone(), page)).await;
    }
}
