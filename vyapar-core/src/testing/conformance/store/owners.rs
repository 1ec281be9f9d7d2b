//! A store that has an active owner keeps one.

use super::super::support::{at_once, audited, refusal};
use super::{another_shop, audit, found, hired, shop};
use crate::access::{Capabilities, CapabilityChanges};
use crate::actor::StoreRole;
use crate::error::RepositoryErrorKind;
use crate::id::StoreId;
use crate::store::{AcceptOutcome, MemberOutcome, Store, StorePorts, StoreUser};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// Stores the member where the version before it is stored.
async fn update(ports: &StorePorts, make: &Fixtures, member: &StoreUser) -> MemberOutcome {
    let (expected, entry) = (member.version - 1, audit(make, member));
    ports.members.update(member.store_id, member.clone(), expected, entry).await.unwrap()
}

/// The member one version on, no longer active.
fn left(member: &StoreUser) -> StoreUser {
    StoreUser { is_active: false, version: member.version + 1, ..member.clone() }
}

/// The member one version on, in another role.
fn moved(member: &StoreUser, role: StoreRole) -> StoreUser {
    StoreUser { role, version: member.version + 1, ..member.clone() }
}

/// A store comes with its first owner, or neither is written.
pub async fn a_store_and_its_first_owner_are_one_write(bench: &Bench) {
    let (ports, make, _) = shop(bench).await;
    let store = make.full_store();
    let owner = make.owner(store.id);
    let entry = audit(&make, &owner);
    ports.stores.insert(store.clone(), Some(owner.clone()), entry.clone()).await.unwrap();
    assert_eq!(ports.stores.get(store.id).await.unwrap().as_ref(), Some(&store));
    assert_eq!(found(&ports, &owner).await.as_ref(), Some(&owner));
    assert_eq!(ports.members.list_by_user(owner.user_id).await.unwrap(), std::slice::from_ref(&owner));

    let refused = async |rival: Store, constraint| {
        let member = make.owner(rival.id);
        let entry = AuditEntry { entity_id: owner.id.to_string(), ..audit(&make, &member) };
        let kind = refusal(ports.stores.insert(rival, Some(member.clone()), entry).await);
        assert_eq!(kind, RepositoryErrorKind::AlreadyExists { constraint });
        assert_eq!(found(&ports, &member).await, None);
        assert_eq!(ports.members.list_by_user(member.user_id).await.unwrap(), []);
    };
    let same_slug = Store { slug: store.slug.clone(), ..make.store() };
    refused(same_slug.clone(), "stores.store_id").await;
    refused(Store { id: store.id, ..make.store() }, "stores.id").await;
    assert_eq!(ports.stores.get(same_slug.id).await.unwrap(), None);
    audited(&ports.audit, &[&entry]).await;
    // The owner that came with the store is the last one.
    assert_eq!(update(&ports, &make, &left(&owner)).await, MemberOutcome::LastOwner);
}

/// The last active owner can neither leave nor take another role; all else of him changes.
/// Owners who left, and owners of other stores, do not count.
pub async fn the_last_owner_stays(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let owner = make.owner(store);
    let first = audit(&make, &owner);
    ports.members.insert(store, owner.clone(), first.clone()).await.unwrap();
    let gone = hired(&ports, &make, StoreUser { is_active: false, ..make.owner(store) }).await;
    let elsewhere = make.owner(another_shop(&ports, &make).await);
    hired(&ports, &make, elsewhere).await;
    let manager = hired(&ports, &make, StoreUser { role: StoreRole::Manager, ..make.member(store) }).await;
    for next in [left(&owner), moved(&owner, StoreRole::Manager), moved(&left(&owner), StoreRole::Staff)] {
        let next = StoreUser { version: 2, ..next };
        assert_eq!(update(&ports, &make, &next).await, MemberOutcome::LastOwner);
    }
    assert_eq!(found(&ports, &owner).await.as_ref(), Some(&owner));
    assert_eq!(ports.members.list_by_user(owner.user_id).await.unwrap(), std::slice::from_ref(&owner));

    let permissions = CapabilityChanges { granted: Capabilities::NONE, denied: Capabilities::ALL };
    let entry = audit(&make, &owner);
    let kept = StoreUser { permissions, version: 2, ..owner.clone() };
    let outcome = ports.members.update(store, kept.clone(), 1, entry.clone()).await.unwrap();
    assert_eq!(outcome, MemberOutcome::Updated);
    audited(&ports.audit, &[&first, &entry]).await;
    // Others come and go freely.
    assert_eq!(update(&ports, &make, &left(&manager)).await, MemberOutcome::Updated);
    assert_eq!(update(&ports, &make, &left(&kept)).await, MemberOutcome::LastOwner);
    // With another owner he may go, and then the other may not.
    let back = StoreUser { is_active: true, version: 2, ..gone };
    assert_eq!(update(&ports, &make, &back).await, MemberOutcome::Updated);
    assert_eq!(update(&ports, &make, &left(&kept)).await, MemberOutcome::Updated);
    assert_eq!(update(&ports, &make, &moved(&back, StoreRole::Staff)).await, MemberOutcome::LastOwner);
    assert_eq!(found(&ports, &back).await, Some(back));
}

/// Whoever became an owner, whichever way, is one of those of whom one stays.
pub async fn every_way_to_become_an_owner_counts(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let mut owners = vec![hired(&ports, &make, make.owner(store)).await];
    let promoted = hired(&ports, &make, make.member(store)).await;
    owners.push(moved(&promoted, StoreRole::Owner));
    let returned = hired(&ports, &make, StoreUser { is_active: false, ..make.owner(store) }).await;
    owners.push(StoreUser { is_active: true, version: 2, ..returned });
    for owner in &owners[1..] {
        assert_eq!(update(&ports, &make, owner).await, MemberOutcome::Updated);
    }
    let former = hired(&ports, &make, make.full_member(store)).await;
    let invited = make.owner(store);
    let back = StoreUser { user_id: former.user_id, ..make.owner(store) };
    for member in [&invited, &back] {
        accepted(&ports, &make, store, member).await;
    }
    owners.push(invited);
    owners.push(StoreUser { id: former.id, version: 2, ..back });
    // Each goes while another stays, whoever is last.
    let owners = make.shuffled(owners);
    let (last, others) = owners.split_last().unwrap();
    for (at, owner) in others.iter().enumerate() {
        let next = if at % 2 == 0 { left(owner) } else { moved(owner, StoreRole::Staff) };
        assert_eq!(update(&ports, &make, &next).await, MemberOutcome::Updated);
    }
    assert_eq!(update(&ports, &make, &left(last)).await, MemberOutcome::LastOwner);
    assert_eq!(found(&ports, last).await.as_ref(), Some(last));
}

/// The member, in by an invitation.
async fn accepted(ports: &StorePorts, make: &Fixtures, store: StoreId, member: &StoreUser) {
    let invitation = make.invitation(store);
    ports.invitations.insert(store, invitation.clone(), audit(make, member)).await.unwrap();
    let accept = ports.invitations.accept(store, invitation.id, member.clone(), make.now(), audit(make, member));
    assert_eq!(accept.await.unwrap(), AcceptOutcome::Accepted);
}

/// So many owners leave at once: all but one of them go.
async fn all_leave(ports: &StorePorts, make: &Fixtures, store: StoreId, count: usize) {
    let mut owners = Vec::new();
    for _ in 0..count {
        owners.push(hired(ports, make, make.owner(store)).await);
    }
    let outcomes = at_once(owners.iter().enumerate().map(|(at, owner)| {
        let next = if at % 2 == 0 { left(owner) } else { moved(owner, StoreRole::Manager) };
        let (ports, entry) = (ports.clone(), audit(make, owner));
        async move { ports.members.update(store, next, 1, entry).await.unwrap() }
    }))
    .await;
    let stayed: Vec<_> = owners.iter().zip(&outcomes).filter(|(_, o)| **o == MemberOutcome::LastOwner).collect();
    assert_eq!(stayed.len(), 1, "{outcomes:?}");
    assert!(!outcomes.contains(&MemberOutcome::Stale), "{outcomes:?}");
    for owner in &owners {
        let now = found(ports, owner).await.unwrap();
        assert_eq!(now.is_owner(), owner.id == stayed[0].0.id);
    }
    assert_eq!(found(ports, stayed[0].0).await.as_ref(), Some(stayed[0].0));
}

/// Of two owners who remove each other at once one stays, in every store anew.
pub async fn of_two_owners_who_remove_each_other_one_stays(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    all_leave(&ports, &make, store, 2).await;
    let other = another_shop(&ports, &make).await;
    all_leave(&ports, &make, other, 2).await;
}

/// Of sixteen owners who leave at once one stays.
pub async fn of_sixteen_owners_who_leave_at_once_one_stays(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    all_leave(&ports, &make, store, 16).await;
}
