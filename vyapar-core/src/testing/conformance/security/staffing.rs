//! Stores and their staff.

use chrono::TimeDelta;

use crate::access::{Capabilities, Capability, CapabilityChanges};
use crate::actor::StoreRole;
use crate::id::StoreId;
use crate::identity::{IdentityError, Login};
use crate::inventory::{InventoryError, ProductFilter};
use crate::page::PageRequest;
use crate::store::{Invite, StoreError};
use crate::testing::conformance::support::at_once;
use crate::testing::town::{Person, Town};
use crate::testing::{Bench, Fixtures};

impl Town {
    /// Somebody who joined the store by an invitation.
    async fn joined(&self, by: &Person, store: StoreId, role: StoreRole, permissions: CapabilityChanges) -> Person {
        let person = self.person().await;
        let invite = Invite { contact: Login::Phone(person.phone.clone()), role, permissions };
        let invited = self.vyapar.staff().invite(&by.actor, store, invite).await.unwrap();
        self.vyapar.staff().accept(&person.actor, invited.token.as_str()).await.unwrap();
        self.again(&person).await
    }
}

fn granted(all: &[Capability]) -> CapabilityChanges {
    CapabilityChanges { granted: all.iter().copied().collect(), denied: Capabilities::NONE }
}

/// By the write that registers it; and a store registered for somebody is his.
pub async fn who_registers_a_store_owns_it(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let (store, owner) = town.store_of(&person).await;
    let part = owner.actor.membership(store).unwrap();
    assert_eq!((part.role, part.changes), (StoreRole::Owner, CapabilityChanges::default()));
    let other = town.person().await;
    let mut new = town.new_store();
    new.owner = Some(other.id);
    let refused = town.vyapar.stores().register(&person.actor, new.clone()).await;
    assert!(matches!(refused, Err(StoreError::Forbidden(_))), "{refused:?}");
    let theirs = town.vyapar.stores().register(&town.host, new.clone()).await.unwrap();
    assert_eq!(town.again(&other).await.actor.membership(theirs.id).unwrap().role, StoreRole::Owner);
    new.owner = Some(town.make.user_id());
    let nobody = town.vyapar.stores().register(&town.host, new).await;
    assert!(matches!(nobody, Err(StoreError::NoUser(_))), "{nobody:?}");
}

/// Token and verified contact both count; once; seven days.
pub async fn an_invitation_makes_whom_it_was_sent_to_a_member_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let staff = town.vyapar.staff();
    let (store, owner) = town.store_of(&town.person().await).await;
    let (invitee, other) = (town.person().await, town.person().await);
    let invite = |person: &Person| Invite {
        contact: Login::Phone(person.phone.clone()),
        role: StoreRole::Staff,
        permissions: granted(&[Capability::StockAdjust]),
    };
    let invited = staff.invite(&owner.actor, store, invite(&invitee)).await.unwrap();
    for (person, token) in [(&other, invited.token.as_str()), (&invitee, "x"), (&invitee, owner.token.as_str())] {
        let refused = staff.accept(&person.actor, token).await;
        assert!(matches!(refused, Err(StoreError::NoInvitation)), "{refused:?}");
    }
    let answers = at_once((0..8).map(|_| {
        let (staff, actor, token) = (staff.clone(), invitee.actor.clone(), invited.token.clone());
        async move { staff.accept(&actor, token.as_str()).await }
    }))
    .await;
    assert!(answers.iter().all(Result::is_ok), "who asks again is answered the same: {answers:?}");
    let member = town.again(&invitee).await;
    let part = member.actor.membership(store).unwrap();
    assert!(part.changes.applied_to(part.role).contains(Capability::StockAdjust));
    let page = PageRequest::default();
    assert_eq!(staff.members(&owner.actor, store, page.clone()).await.unwrap().items.len(), 2);
    // Withdrawn, expired, or for a number that is not verified: it does not count.
    let withdrawn = staff.invite(&owner.actor, store, invite(&other)).await.unwrap();
    assert!(staff.withdraw(&owner.actor, store, withdrawn.invitation.id).await.unwrap());
    assert!(!staff.withdraw(&owner.actor, store, withdrawn.invitation.id).await.unwrap());
    assert!(staff.accept(&other.actor, withdrawn.token.as_str()).await.is_err());
    let expired = staff.invite(&owner.actor, store, invite(&other)).await.unwrap();
    town.make.clock().advance(TimeDelta::days(7));
    assert!(staff.accept(&other.actor, expired.token.as_str()).await.is_err());
    assert_eq!(staff.invitations(&owner.actor, store, page).await.unwrap().items.len(), 3);
}

/// Not a role above or beside one's own, not a capability one lacks, not by changing a row.
pub async fn nobody_hands_out_more_of_a_store_than_he_has(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let staff = town.vyapar.staff();
    let (store, owner) = town.store_of(&town.person().await).await;
    let mut rights = granted(&[Capability::StaffManage]);
    rights.denied = Capabilities::NONE.with(Capability::PaymentRefund);
    let manager = town.joined(&owner, store, StoreRole::Manager, rights).await;
    let helper = town.joined(&manager, store, StoreRole::Staff, granted(&[Capability::PriceUpdate])).await;
    let invite = |role, permissions| Invite { contact: Login::Phone(town.phone()), role, permissions };
    for refused in [
        invite(StoreRole::Owner, CapabilityChanges::default()),
        invite(StoreRole::Manager, CapabilityChanges::default()),
        invite(StoreRole::Staff, granted(&[Capability::PaymentRefund])),
    ] {
        let answer = staff.invite(&manager.actor, store, refused).await;
        assert!(matches!(answer, Err(StoreError::NotYours(_))), "{answer:?}");
    }
    let none = CapabilityChanges::default();
    for (user, role, changes) in [
        (manager.id, StoreRole::Owner, none),
        (manager.id, StoreRole::Manager, none),
        (owner.id, StoreRole::Staff, none),
        (helper.id, StoreRole::Manager, none),
        (helper.id, StoreRole::Staff, granted(&[Capability::PaymentRefund])),
    ] {
        let answer = staff.change(&manager.actor, store, user, role, changes).await;
        assert!(matches!(answer, Err(StoreError::NotYours(_))), "{user} {role}: {answer:?}");
    }
    let answer = staff.remove(&manager.actor, store, owner.id).await;
    assert!(matches!(answer, Err(StoreError::NotYours(_))), "{answer:?}");
    let answer = staff.change(&helper.actor, store, helper.id, StoreRole::Manager, none).await;
    assert!(matches!(answer, Err(StoreError::Forbidden(_))), "{answer:?}");
    staff.change(&manager.actor, store, helper.id, StoreRole::Staff, none).await.unwrap();
    staff.change(&owner.actor, store, helper.id, StoreRole::Manager, none).await.unwrap();
    // Another store's owner is nobody here.
    let (_, stranger) = town.store_of(&town.person().await).await;
    let answer = staff.change(&stranger.actor, store, helper.id, StoreRole::Staff, none).await;
    assert!(matches!(answer, Err(StoreError::NotFound(id)) if id == store), "{answer:?}");
}

/// Who sent an invitation must be able to send it still when it is accepted: role and capabilities.
pub async fn an_invitation_is_worth_what_who_sent_it_still_has(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let staff = town.vyapar.staff();
    let (store, owner) = town.store_of(&town.person().await).await;
    let none = CapabilityChanges::default();
    let partner = town.joined(&owner, store, StoreRole::Owner, none).await;
    let mut sent = Vec::new();
    for (role, permissions) in
        [(StoreRole::Owner, none), (StoreRole::Staff, granted(&[Capability::PaymentRefund])), (StoreRole::Staff, none)]
    {
        let invitee = town.person().await;
        let invite = Invite { contact: Login::Phone(invitee.phone.clone()), role, permissions };
        sent.push((staff.invite(&partner.actor, store, invite).await.unwrap().token, invitee));
    }
    // He still may invite, but neither owners nor whoever gives money back.
    let mut rights = granted(&[Capability::StaffManage]);
    rights.denied = Capabilities::NONE.with(Capability::PaymentRefund);
    staff.change(&owner.actor, store, partner.id, StoreRole::Manager, rights).await.unwrap();
    for (token, invitee) in &sent[..2] {
        let refused = staff.accept(&invitee.actor, token.as_str()).await;
        assert!(matches!(refused, Err(StoreError::NoInvitation)), "{refused:?}");
    }
    let (token, invitee) = &sent[2];
    staff.accept(&invitee.actor, token.as_str()).await.unwrap();
    // With his rights back, so are his invitations.
    staff.change(&owner.actor, store, partner.id, StoreRole::Owner, none).await.unwrap();
    staff.accept(&sent[0].1.actor, sent[0].0.as_str()).await.unwrap();
}

/// By whichever way the last one would go, alone or two at once.
pub async fn a_store_keeps_an_owner(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let staff = town.vyapar.staff();
    let (store, owner) = town.store_of(&town.person().await).await;
    let (none, identity) = (CapabilityChanges::default(), town.vyapar.identity());
    let last = |answer: Result<_, StoreError>| assert!(matches!(answer, Err(StoreError::LastOwner)), "{answer:?}");
    last(staff.leave(&owner.actor, store).await.map(drop));
    last(staff.remove(&owner.actor, store, owner.id).await.map(drop));
    last(staff.change(&owner.actor, store, owner.id, StoreRole::Manager, none).await.map(drop));
    for answer in [identity.deactivate(&owner.actor, owner.id).await, identity.erase(&town.host, owner.id).await] {
        assert!(matches!(answer, Err(IdentityError::Store(StoreError::LastOwner))), "{answer:?}");
    }
    assert_eq!(town.again(&owner).await.actor.membership(store).unwrap().role, StoreRole::Owner);
    let second = town.joined(&owner, store, StoreRole::Owner, none).await;
    let answers = at_once([owner.actor.clone(), second.actor.clone()].map(|actor| {
        let staff = staff.clone();
        async move { staff.leave(&actor, store).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    let members = staff.members(&town.host, store, PageRequest::default()).await.unwrap().items;
    assert_eq!(members.iter().filter(|row| row.is_owner()).count(), 1);
}

/// With the next request; and an account that ends leaves every store.
pub async fn who_is_removed_can_do_nothing_more(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (staff, inventory) = (town.vyapar.staff(), town.vyapar.inventory());
    let (store, owner) = town.store_of(&town.person().await).await;
    let helper = town.joined(&owner, store, StoreRole::Staff, CapabilityChanges::default()).await;
    let see = async |person: &Person| {
        inventory.products(&person.actor, store, ProductFilter::default(), PageRequest::default()).await
    };
    see(&helper).await.unwrap();
    staff.remove(&owner.actor, store, helper.id).await.unwrap();
    staff.remove(&owner.actor, store, helper.id).await.unwrap();
    let gone = see(&town.again(&helper).await).await;
    assert!(matches!(gone, Err(InventoryError::NoStore(_))), "{gone:?}");
    staff.change(&owner.actor, store, helper.id, StoreRole::Staff, CapabilityChanges::default()).await.unwrap();
    see(&town.again(&helper).await).await.unwrap();
    town.vyapar.identity().deactivate(&helper.actor, helper.id).await.unwrap();
    let rows = staff.members(&owner.actor, store, PageRequest::default()).await.unwrap().items;
    assert!(rows.iter().any(|row| row.user_id == helper.id && !row.is_active));
    let nobody = staff.change(&owner.actor, store, helper.id, StoreRole::Staff, CapabilityChanges::default()).await;
    assert!(matches!(nobody, Err(StoreError::NoUser(_))), "{nobody:?}");
}
