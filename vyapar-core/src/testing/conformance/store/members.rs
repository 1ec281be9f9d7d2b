//! Members of stores.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refuses_foreign_cursors};
use super::{another_shop, audit, found, hired, shop};
use crate::access::{Capabilities, Capability, CapabilityChanges};
use crate::actor::StoreRole;
use crate::page::PageRequest;
use crate::store::{MAX_MEMBERSHIPS, MemberOutcome, StorePorts, StoreUser};
use crate::testing::{Bench, Fixtures};

/// Stores the member where the version before it is stored.
async fn update(ports: &StorePorts, make: &Fixtures, member: &StoreUser) -> MemberOutcome {
    let (expected, entry) = (member.version - 1, audit(make, member));
    ports.members.update(member.store_id, member.clone(), expected, entry).await.unwrap()
}

/// A member with every field filled, a plain one, and one of each role and capability, read
/// back exactly, each with its audit entry.
pub async fn a_member_reads_back_exactly(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let mut members = vec![make.full_member(store), make.member(store)];
    for (at, capability) in Capability::ALL.iter().enumerate() {
        let one = Capabilities::NONE.with(*capability);
        let permissions = CapabilityChanges { granted: one, denied: Capabilities::ALL.without(one) };
        members.push(StoreUser { role: StoreRole::ALL[at % 3], permissions, ..make.member(store) });
    }
    for member in members {
        let entry = audit(&make, &member);
        assert!(ports.members.insert(store, member.clone(), entry.clone()).await.unwrap());
        assert_eq!(found(&ports, &member).await, Some(member));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(ports.members.get(store, make.user_id()).await.unwrap(), None);
}

/// A user who has a row in the store, active or not, gets no other one; in another store he
/// does.
pub async fn a_user_has_one_row_a_store(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    for member in [make.member(store), make.full_member(store)] {
        let entry = audit(&make, &member);
        ports.members.insert(store, member.clone(), entry.clone()).await.unwrap();
        let other = StoreUser { user_id: member.user_id, ..make.owner(store) };
        for again in [member.clone(), other, StoreUser { id: member.id, ..make.owner(store) }] {
            let again = StoreUser { user_id: member.user_id, ..again };
            let refused = crate::system::AuditEntry { entity_id: member.id.to_string(), ..audit(&make, &again) };
            assert!(!ports.members.insert(store, again, refused).await.unwrap());
        }
        assert_eq!(found(&ports, &member).await.as_ref(), Some(&member));
        audited(&ports.audit, &[&entry]).await;
        let elsewhere = StoreUser { user_id: member.user_id, ..make.member(another_shop(&ports, &make).await) };
        let elsewhere = hired(&ports, &make, elsewhere).await;
        assert_eq!(found(&ports, &elsewhere).await, Some(elsewhere));
        assert_eq!(found(&ports, &member).await, Some(member));
    }
}

/// Sixteen callers who make one user a member at once make him one once.
pub async fn of_sixteen_inserts_of_one_user_one_makes_the_member(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let user = make.user_id();
    let rivals: Vec<_> = (0..16)
        .map(|_| {
            let member = StoreUser { user_id: user, ..make.member(store) };
            (audit(&make, &member), member)
        })
        .collect();
    let answers = at_once(rivals.iter().cloned().map(|(entry, member)| {
        let ports = ports.clone();
        async move { ports.members.insert(store, member, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = rivals.iter().zip(&answers).filter(|(_, is_in)| **is_in).map(|(rival, _)| rival).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let (entry, member) = won[0];
    assert_eq!(found(&ports, member).await.as_ref(), Some(member));
    assert_eq!(ports.members.list_by_user(user).await.unwrap(), std::slice::from_ref(member));
    eventually(vec![member.clone()], || all_pages(5, |page| ports.members.list(store, page))).await;
    audited(&ports.audit, &[entry]).await;
}

/// An update replaces all that may change, and nothing else, with its audit entry.
pub async fn an_update_of_a_member_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let bare = make.member(store);
    let mut entries = vec![audit(&make, &bare)];
    ports.members.insert(store, bare.clone(), entries[0].clone()).await.unwrap();
    let full = make.full_member(store);
    for (version, next) in [(2, full), (3, bare.clone()), (4, make.owner(store))] {
        let given = StoreUser {
            user_id: bare.user_id,
            created_at: make.now() + TimeDelta::days(1),
            updated_at: make.now() + TimeDelta::microseconds(i64::try_from(version).unwrap()),
            version,
            ..next
        };
        let entry = audit(&make, &bare);
        let outcome = ports.members.update(store, given.clone(), version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, MemberOutcome::Updated);
        let expected = StoreUser { id: bare.id, created_at: bare.created_at, ..given };
        assert_eq!(found(&ports, &bare).await, Some(expected));
        entries.push(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
}

/// An update of another version, or of who is no member, changes nothing and leaves no audit.
pub async fn a_stale_update_of_a_member_changes_nothing(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let member = make.member(store);
    let entry = audit(&make, &member);
    ports.members.insert(store, member.clone(), entry.clone()).await.unwrap();
    for expected in [0, 2, 3] {
        let next = StoreUser { is_active: false, version: expected + 1, ..member.clone() };
        let outcome = ports.members.update(store, next, expected, audit(&make, &member)).await.unwrap();
        assert_eq!(outcome, MemberOutcome::Stale);
    }
    for expected in [0, 1] {
        let absent = StoreUser { version: expected + 1, ..make.owner(store) };
        let outcome = ports.members.update(store, absent.clone(), expected, audit(&make, &member)).await.unwrap();
        assert_eq!((outcome, found(&ports, &absent).await), (MemberOutcome::Stale, None));
    }
    assert_eq!(ports.members.list_by_user(member.user_id).await.unwrap(), std::slice::from_ref(&member));
    assert_eq!(found(&ports, &member).await, Some(member));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored, and only it is audited.
pub async fn of_sixteen_updates_of_a_member_at_once_one_is_stored(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let member = make.member(store);
    let first = audit(&make, &member);
    ports.members.insert(store, member.clone(), first.clone()).await.unwrap();
    let changes: Vec<_> = (0..16)
        .map(|at| {
            let updated_at = make.now() + TimeDelta::seconds(at);
            (StoreUser { is_active: at % 2 == 0, updated_at, version: 2, ..member.clone() }, audit(&make, &member))
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|(member, entry)| {
        let ports = ports.clone();
        async move { ports.members.update(store, member, 1, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == MemberOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (winner, entry) = won[0].0;
    assert_eq!(found(&ports, &member).await.as_ref(), Some(winner));
    let active: Vec<_> = Some(winner.clone()).into_iter().filter(|winner| winner.is_active).collect();
    assert_eq!(ports.members.list_by_user(member.user_id).await.unwrap(), active);
    audited(&ports.audit, &[&first, entry]).await;
}

/// A store's members come by user id, page by page, each once, active or not, as they are
/// now; those of other stores do not.
pub async fn members_come_by_user_page_by_page(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    hired(&ports, &make, make.member(another_shop(&ports, &make).await)).await;
    let mut members = Vec::new();
    for at in 0..17 {
        let plain = if at % 3 == 0 { make.full_member(store) } else { make.member(store) };
        members.push(StoreUser { role: StoreRole::ALL[at % 3], ..plain });
    }
    for member in make.shuffled(members.clone()) {
        hired(&ports, &make, member).await;
    }
    members[1] = StoreUser { is_active: false, version: 2, ..members[1].clone() };
    assert_eq!(update(&ports, &make, &members[1]).await, MemberOutcome::Updated);
    members.sort_by_key(|member| member.user_id);
    for limit in [1, 4, 17, 200] {
        eventually(members.clone(), || all_pages(limit, |page| ports.members.list(store, page))).await;
    }
    let page = ports.members.list(store, PageRequest::first(17)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (17, None), "a full last page has no next");
    eventually(Vec::new(), || all_pages(5, |page| ports.members.list(make.store_id(), page))).await;
}

/// A user's stores are those where he is active now, by store id, known at once.
pub async fn a_users_stores_are_those_where_he_is_active(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let user = make.user_id();
    let mut stores = vec![store];
    for _ in 0..4 {
        stores.push(another_shop(&ports, &make).await);
    }
    let mut rows = Vec::new();
    for (at, store) in make.shuffled(stores).into_iter().enumerate() {
        hired(&ports, &make, make.owner(store)).await;
        let member = StoreUser { user_id: user, role: StoreRole::ALL[at % 3], ..make.member(store) };
        rows.push(hired(&ports, &make, StoreUser { is_active: at != 4, ..member }).await);
        let active = active_by_store(&rows);
        assert_eq!(ports.members.list_by_user(user).await.unwrap(), active);
    }
    // He leaves two, comes back to one, and joins the one where he never was active.
    for (at, is_active) in [(0, false), (2, false), (0, true), (4, true), (1, false)] {
        rows[at] = StoreUser { is_active, version: rows[at].version + 1, ..rows[at].clone() };
        assert_eq!(update(&ports, &make, &rows[at]).await, MemberOutcome::Updated);
        assert_eq!(ports.members.list_by_user(user).await.unwrap(), active_by_store(&rows));
    }
    assert_eq!(ports.members.list_by_user(make.user_id()).await.unwrap(), []);
}

fn active_by_store(rows: &[StoreUser]) -> Vec<StoreUser> {
    let mut active: Vec<_> = rows.iter().filter(|row| row.is_active).cloned().collect();
    active.sort_by_key(|row| row.store_id);
    active
}

/// All of as many stores as a user can work in are given.
pub async fn a_user_works_in_two_hundred_stores(bench: &Bench) {
    let (ports, make, _) = shop(bench).await;
    let user = make.user_id();
    let mut rows = Vec::new();
    for _ in 0..MAX_MEMBERSHIPS {
        let store = make.store();
        let owner = StoreUser { user_id: user, ..make.owner(store.id) };
        ports.stores.insert(store, Some(owner.clone()), audit(&make, &owner)).await.unwrap();
        rows.push(owner);
    }
    assert_eq!(ports.members.list_by_user(user).await.unwrap(), active_by_store(&rows));
}

/// A member of another store is absent: neither read, listed nor changed there.
pub async fn another_store_reaches_no_member(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let other = another_shop(&ports, &make).await;
    let member = make.member(store);
    let entry = audit(&make, &member);
    ports.members.insert(store, member.clone(), entry.clone()).await.unwrap();
    assert_eq!(ports.members.get(other, member.user_id).await.unwrap(), None);
    eventually(Vec::new(), || all_pages(5, |page| ports.members.list(other, page))).await;
    let next = StoreUser { store_id: other, is_active: false, version: 2, ..member.clone() };
    let refused = audit(&make, &member);
    assert_eq!(ports.members.update(other, next, 1, refused).await.unwrap(), MemberOutcome::Stale);
    assert_eq!(ports.members.get(other, member.user_id).await.unwrap(), None);
    assert_eq!(found(&ports, &member).await, Some(member));
    audited(&ports.audit, &[&entry]).await;
}

/// Cursors of other lists and malformed positions are refused.
pub async fn members_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    hired(&ports, &make, make.member(store)).await;
    refuses_foreign_cursors("members", |page| ports.members.list(store, page)).await;
}
