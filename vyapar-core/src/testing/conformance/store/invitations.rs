//! Invitations.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refuses_foreign_cursors};
use super::{another_shop, found, hired, shop};
use crate::actor::StoreRole;
use crate::id::{InvitationId, StoreId};
use crate::page::{AllStores, PageRequest};
use crate::store::{AcceptOutcome, Invitation, StorePorts, StoreUser};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

fn audit(make: &Fixtures, invitation: &Invitation) -> AuditEntry {
    make.audit(Some(invitation.store_id), "staff.invite", "invitation", &invitation.id.to_string())
}

async fn sent(ports: &StorePorts, make: &Fixtures, invitation: Invitation) -> Invitation {
    let entry = audit(make, &invitation);
    ports.invitations.insert(invitation.store_id, invitation.clone(), entry).await.unwrap();
    invitation
}

async fn get(ports: &StorePorts, id: InvitationId) -> Option<Invitation> {
    ports.invitations.get(AllStores, id).await.unwrap()
}

/// Accepts it for the member, now.
async fn accept(ports: &StorePorts, make: &Fixtures, invitation: &Invitation, member: &StoreUser) -> AcceptOutcome {
    let (store, id, entry) = (member.store_id, invitation.id, audit(make, invitation));
    ports.invitations.accept(store, id, member.clone(), make.now(), entry).await.unwrap()
}

async fn revoke(ports: &StorePorts, make: &Fixtures, store: StoreId, invitation: &Invitation) -> bool {
    ports.invitations.revoke(store, invitation.id, make.now(), audit(make, invitation)).await.unwrap()
}

/// An invitation with every field filled, and one with nothing optional, read back exactly,
/// each with its audit entry.
pub async fn an_invitation_reads_back_exactly(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    for invitation in [make.full_invitation(store), make.invitation(store)] {
        let entry = audit(&make, &invitation);
        ports.invitations.insert(store, invitation.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, invitation.id).await, Some(invitation));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, make.invitation_id()).await, None);
}

/// An invitation inserted again stays as it is, also when it was used meanwhile.
pub async fn an_invitation_inserted_again_stays_as_it_is(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let invitation = make.invitation(store);
    let entry = audit(&make, &invitation);
    for _ in 0..2 {
        ports.invitations.insert(store, invitation.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, invitation.id).await.as_ref(), Some(&invitation));
    }
    audited(&ports.audit, &[&entry]).await;
    assert_eq!(accept(&ports, &make, &invitation, &make.member(store)).await, AcceptOutcome::Accepted);
    ports.invitations.insert(store, invitation.clone(), entry).await.unwrap();
    let used = Invitation { accepted_at: Some(make.now()), ..invitation };
    assert_eq!(get(&ports, used.id).await.as_ref(), Some(&used));
    assert_eq!(accept(&ports, &make, &used, &make.member(store)).await, AcceptOutcome::NotOpen);
    eventually(vec![used], || all_pages(5, |page| ports.invitations.list(store, page))).await;
}

/// A store's invitations come newest first, page by page, each once, as they stand now; those
/// of other stores do not.
pub async fn a_stores_invitations_come_newest_first_page_by_page(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let other = another_shop(&ports, &make).await;
    sent(&ports, &make, make.invitation(other)).await;
    let mut all = Vec::new();
    for at in 0..17 {
        make.clock().advance(TimeDelta::milliseconds(at % 3));
        all.push(if at % 4 == 0 { make.full_invitation(store) } else { make.invitation(store) });
    }
    for invitation in make.shuffled(all.clone()) {
        sent(&ports, &make, invitation).await;
    }
    assert_eq!(accept(&ports, &make, &all[1], &make.member(store)).await, AcceptOutcome::Accepted);
    all[1].accepted_at = Some(make.now());
    assert!(revoke(&ports, &make, store, &all[2]).await);
    all[2].revoked_at = Some(make.now());
    all.sort_by_key(|invitation| std::cmp::Reverse(invitation.id));
    for limit in [1, 4, 17, 200] {
        eventually(all.clone(), || all_pages(limit, |page| ports.invitations.list(store, page))).await;
    }
    let page = ports.invitations.list(store, PageRequest::first(17)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (17, None), "a full last page has no next");
    eventually(Vec::new(), || all_pages(5, |page| ports.invitations.list(make.store_id(), page))).await;
}

/// Accepting an invitation uses it up and makes the member, with its audit entry, in one
/// write.
pub async fn accepting_makes_a_member(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let invitation = make.invitation(store);
    let first = audit(&make, &invitation);
    ports.invitations.insert(store, invitation.clone(), first.clone()).await.unwrap();
    let permissions = make.full_member(store).permissions;
    let member = StoreUser { role: StoreRole::Manager, permissions, ..make.member(store) };
    let now = make.clock().advance(TimeDelta::microseconds(7));
    let entry = audit(&make, &invitation);
    let outcome = ports.invitations.accept(store, invitation.id, member.clone(), now, entry.clone()).await.unwrap();
    assert_eq!(outcome, AcceptOutcome::Accepted);
    assert_eq!(found(&ports, &member).await.as_ref(), Some(&member));
    assert_eq!(ports.members.list_by_user(member.user_id).await.unwrap(), std::slice::from_ref(&member));
    eventually(vec![member], || all_pages(5, |page| ports.members.list(store, page))).await;
    assert_eq!(get(&ports, invitation.id).await, Some(Invitation { accepted_at: Some(now), ..invitation }));
    audited(&ports.audit, &[&first, &entry]).await;
}

/// Who left and is invited again is active again under his row: its id and beginning stay,
/// the rest is as invited.
pub async fn who_left_comes_back_under_his_row(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let former = hired(&ports, &make, StoreUser { version: 41, ..make.full_member(store) }).await;
    let invitation = sent(&ports, &make, make.invitation(store)).await;
    make.clock().advance(TimeDelta::days(1));
    let member = StoreUser { user_id: former.user_id, ..make.member(store) };
    assert_eq!(accept(&ports, &make, &invitation, &member).await, AcceptOutcome::Accepted);
    let back = StoreUser { id: former.id, created_at: former.created_at, version: 42, ..member };
    assert_eq!(found(&ports, &former).await.as_ref(), Some(&back));
    assert_eq!(ports.members.list_by_user(former.user_id).await.unwrap(), std::slice::from_ref(&back));
    eventually(vec![back], || all_pages(5, |page| ports.members.list(store, page))).await;
}

/// Who is an active member already uses no invitation up.
pub async fn an_active_member_accepts_nothing(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let member = hired(&ports, &make, make.member(store)).await;
    let invitation = make.invitation(store);
    let entry = audit(&make, &invitation);
    ports.invitations.insert(store, invitation.clone(), entry.clone()).await.unwrap();
    let more = StoreUser { user_id: member.user_id, ..make.owner(store) };
    assert_eq!(accept(&ports, &make, &invitation, &more).await, AcceptOutcome::AlreadyMember);
    assert_eq!(found(&ports, &member).await, Some(member));
    assert_eq!(get(&ports, invitation.id).await.as_ref(), Some(&invitation));
    audited(&ports.audit, &[&entry]).await;
    assert_eq!(accept(&ports, &make, &invitation, &make.member(store)).await, AcceptOutcome::Accepted);
}

/// An invitation that is absent, of another store, used, withdrawn or expired is not open:
/// nothing is written.
pub async fn only_an_open_invitation_is_accepted(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let other = another_shop(&ports, &make).await;
    let (now, instant) = (make.now(), TimeDelta::microseconds(1));
    let elsewhere = sent(&ports, &make, make.invitation(other)).await;
    let used = sent(&ports, &make, Invitation { accepted_at: Some(now), ..make.invitation(store) }).await;
    let withdrawn = sent(&ports, &make, Invitation { revoked_at: Some(now), ..make.invitation(store) }).await;
    let expired = sent(&ports, &make, Invitation { expires_at: now, ..make.invitation(store) }).await;
    let absent = make.invitation(store);
    for invitation in [&elsewhere, &used, &withdrawn, &expired, &absent] {
        let (member, former) = (make.member(store), hired(&ports, &make, make.full_member(store)).await);
        let back = StoreUser { user_id: former.user_id, ..make.member(store) };
        for who in [&member, &back] {
            assert_eq!(accept(&ports, &make, invitation, who).await, AcceptOutcome::NotOpen);
        }
        assert_eq!(found(&ports, &member).await, None);
        assert_eq!(found(&ports, &former).await, Some(former));
        let stored = (*invitation != absent).then_some(invitation);
        assert_eq!(get(&ports, invitation.id).await.as_ref(), stored);
        assert_eq!(ports.members.list_by_user(member.user_id).await.unwrap(), []);
    }
    let last = Invitation { expires_at: now + instant, ..make.invitation(store) };
    let last = sent(&ports, &make, last).await;
    assert_eq!(accept(&ports, &make, &last, &make.member(store)).await, AcceptOutcome::Accepted);
}

/// An invitation is withdrawn once, in its own store, unless it was accepted; then nobody
/// accepts it.
pub async fn an_invitation_is_withdrawn_once(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let other = another_shop(&ports, &make).await;
    let invitation = make.invitation(store);
    let first = audit(&make, &invitation);
    ports.invitations.insert(store, invitation.clone(), first.clone()).await.unwrap();
    assert!(!revoke(&ports, &make, other, &invitation).await);
    assert_eq!(get(&ports, invitation.id).await.as_ref(), Some(&invitation));
    let now = make.clock().advance(TimeDelta::microseconds(7));
    let entry = audit(&make, &invitation);
    assert!(ports.invitations.revoke(store, invitation.id, now, entry.clone()).await.unwrap());
    make.clock().advance(TimeDelta::seconds(1));
    assert!(!revoke(&ports, &make, store, &invitation).await);
    let withdrawn = Invitation { revoked_at: Some(now), ..invitation };
    assert_eq!(accept(&ports, &make, &withdrawn, &make.member(store)).await, AcceptOutcome::NotOpen);
    assert_eq!(get(&ports, withdrawn.id).await.as_ref(), Some(&withdrawn));
    audited(&ports.audit, &[&first, &entry]).await;

    let used = sent(&ports, &make, make.invitation(store)).await;
    assert_eq!(accept(&ports, &make, &used, &make.member(store)).await, AcceptOutcome::Accepted);
    let used = Invitation { accepted_at: Some(make.now()), ..used };
    assert!(!revoke(&ports, &make, store, &used).await);
    assert_eq!(get(&ports, used.id).await, Some(used));
    assert!(!revoke(&ports, &make, store, &make.invitation(store)).await);
    // An expired one is neither accepted nor withdrawn yet.
    let expired = Invitation { expires_at: make.now(), ..make.invitation(store) };
    let expired = sent(&ports, &make, expired).await;
    assert!(revoke(&ports, &make, store, &expired).await);
}

/// Of sixteen users who accept one invitation at once one is in.
pub async fn of_sixteen_users_who_accept_at_once_one_is_in(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let invitation = make.invitation(store);
    let first = audit(&make, &invitation);
    ports.invitations.insert(store, invitation.clone(), first.clone()).await.unwrap();
    let rivals: Vec<_> = (0..16).map(|_| (make.member(store), audit(&make, &invitation))).collect();
    let outcomes = at_once(rivals.iter().cloned().map(|(member, entry)| {
        let (ports, id, now) = (ports.clone(), invitation.id, make.now());
        async move { ports.invitations.accept(store, id, member, now, entry).await.unwrap() }
    }))
    .await;
    let mut won = Vec::new();
    for ((member, entry), outcome) in rivals.iter().zip(&outcomes) {
        let is_in = *outcome == AcceptOutcome::Accepted;
        assert_eq!(found(&ports, member).await.as_ref(), is_in.then_some(member));
        if is_in {
            won.push((member, entry));
        } else {
            assert_eq!(*outcome, AcceptOutcome::NotOpen);
        }
    }
    assert_eq!(won.len(), 1, "{outcomes:?}");
    eventually(vec![won[0].0.clone()], || all_pages(5, |page| ports.members.list(store, page))).await;
    audited(&ports.audit, &[&first, won[0].1]).await;
}

/// A user who accepts one invitation sixteen times at once is in once.
pub async fn a_user_who_accepts_sixteen_times_at_once_is_in_once(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let former = hired(&ports, &make, make.full_member(store)).await;
    for (user, version) in [(make.user_id(), 1), (former.user_id, 2)] {
        let invitation = make.invitation(store);
        let first = audit(&make, &invitation);
        ports.invitations.insert(store, invitation.clone(), first.clone()).await.unwrap();
        let calls: Vec<_> =
            (0..16).map(|_| (StoreUser { user_id: user, ..make.member(store) }, audit(&make, &invitation))).collect();
        let outcomes = at_once(calls.iter().cloned().map(|(member, entry)| {
            let (ports, id, now) = (ports.clone(), invitation.id, make.now());
            async move { ports.invitations.accept(store, id, member, now, entry).await.unwrap() }
        }))
        .await;
        let won: Vec<_> = calls.iter().zip(&outcomes).filter(|(_, o)| **o == AcceptOutcome::Accepted).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        let (member, entry) = won[0].0;
        let id = if version == 1 { member.id } else { former.id };
        let expected = StoreUser { id, version, ..member.clone() };
        assert_eq!(found(&ports, member).await, Some(expected));
        audited(&ports.audit, &[&first, entry]).await;
    }
}

/// Of sixteen invitations that one user accepts at once one is used up; the others stay open.
pub async fn of_sixteen_invitations_accepted_by_one_user_one_is_used(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    let user = make.user_id();
    let mut calls = Vec::new();
    for _ in 0..16 {
        let invitation = sent(&ports, &make, make.invitation(store)).await;
        calls.push((invitation, StoreUser { user_id: user, ..make.member(store) }));
    }
    let outcomes = at_once(calls.iter().cloned().map(|(invitation, member)| {
        let (ports, now, entry) = (ports.clone(), make.now(), audit(&make, &invitation));
        async move { ports.invitations.accept(store, invitation.id, member, now, entry).await.unwrap() }
    }))
    .await;
    let mut won = Vec::new();
    for ((invitation, member), outcome) in calls.into_iter().zip(&outcomes) {
        let stored = get(&ports, invitation.id).await.unwrap();
        if *outcome == AcceptOutcome::Accepted {
            assert_eq!(stored.accepted_at, Some(make.now()));
            won.push(member);
        } else {
            assert_eq!((*outcome, stored), (AcceptOutcome::AlreadyMember, invitation));
        }
    }
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert_eq!(ports.members.list_by_user(user).await.unwrap(), won);
}

/// Of accepting and withdrawing at once one side has the invitation.
pub async fn of_accepting_and_withdrawing_at_once_one_side_has_it(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    for _ in 0..8 {
        let invitation = sent(&ports, &make, make.invitation(store)).await;
        let member = make.member(store);
        let answers = at_once((0..8).map(|at| {
            let (ports, member, id, now) = (ports.clone(), member.clone(), invitation.id, make.now());
            let entry = audit(&make, &invitation);
            async move {
                if at % 2 == 0 {
                    let outcome = ports.invitations.accept(store, id, member, now, entry).await.unwrap();
                    outcome == AcceptOutcome::Accepted
                } else {
                    ports.invitations.revoke(store, id, now, entry).await.unwrap()
                }
            }
        }))
        .await;
        let won: Vec<_> = (0..8).filter(|at| answers[*at]).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        let is_accepted = won[0] % 2 == 0;
        let stored = get(&ports, invitation.id).await.unwrap();
        assert_eq!((stored.accepted_at.is_some(), stored.revoked_at.is_some()), (is_accepted, !is_accepted));
        assert_eq!(found(&ports, &member).await.is_some(), is_accepted);
    }
}

/// Cursors of other lists and malformed positions are refused.
pub async fn invitations_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make, store) = shop(bench).await;
    sent(&ports, &make, make.invitation(store)).await;
    refuses_foreign_cursors("invitations", |page| ports.invitations.list(store, page)).await;
}
