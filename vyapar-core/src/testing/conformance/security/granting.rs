//! Permissions and roles, handed out and taken back.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use crate::access::{
    AccessError, AssignmentType, Effect, Grant, GrantTarget, Level, NewRole, Permission, PermissionAction,
    PermissionCategory, PermissionFilter, PermissionId, PermissionStatus, Reason, RoleChange, RoleFilter, RoleId,
    RoleStatus, Scope, known,
};
use crate::id::UserId;
use crate::identity::IdentityError;
use crate::page::PageRequest;
use crate::testing::conformance::support::at_once;
use crate::testing::town::{Person, Town};
use crate::testing::{Bench, Fixtures};
use crate::time::Timestamp;

fn grant(permission: &PermissionId) -> Grant {
    Grant { permission: permission.clone(), scope: Scope::Platform, expires_at: None }
}

fn role(id: &str, level: u8, permissions: &[PermissionId]) -> NewRole {
    NewRole {
        id: id.parse().unwrap(),
        name: "A role".to_owned(),
        description: "For a test".to_owned(),
        permissions: permissions.iter().cloned().collect(),
        level: Level::new(level).unwrap(),
        scope: Scope::Platform,
    }
}

impl Town {
    async fn allows(&self, user: UserId, permission: &PermissionId) -> bool {
        let effective = self.vyapar.access().effective(&self.host, user).await.unwrap();
        effective.allows_everywhere(permission, self.make.now())
    }

    /// A role of the platform below the admins', and somebody who has it.
    async fn helper(&self, boss: &Person, id: &str, level: u8, permissions: &[PermissionId]) -> Person {
        let made = self.vyapar.access().add_role(&boss.actor, role(id, level, permissions)).await.unwrap();
        self.with_role(boss, &made.id).await
    }
}

/// 22 permissions, 5 roles, however often and from however many nodes.
pub async fn seeding_twice_is_seeding_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    at_once((0..4).map(|_| {
        let (access, host) = (access.clone(), town.host.clone());
        async move { access.seed(&host).await.unwrap() }
    }))
    .await;
    let page = PageRequest::first(100);
    let permissions = access.permissions(&town.host, PermissionFilter::default(), page.clone()).await.unwrap();
    assert_eq!(permissions.items.len(), 22);
    let roles = access.roles(&town.host, RoleFilter::default(), page).await.unwrap();
    let levels: Vec<_> = roles.items.iter().map(|role| role.level.get()).collect();
    assert_eq!(levels, [1, 10, 20, 30, 50]);
    assert!(roles.items.iter().all(|role| role.version == 1 && role.is_system));
}

/// Of sixteen who are to be the first, one is; and nobody after him.
pub async fn the_first_super_admin_is_made_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let mut people = Vec::new();
    for _ in 0..16 {
        people.push(town.person().await.id);
    }
    let answers = at_once(people.iter().copied().map(|user| {
        let (access, host) = (town.vyapar.access().clone(), town.host.clone());
        async move { access.bootstrap(&host, user).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers.iter().filter(|answer| answer.is_err()) {
        assert!(matches!(answer, Err(AccessError::SuperAdminExists)), "{answer:?}");
    }
    let nobody = town.vyapar.access().bootstrap(&town.host, town.make.user_id()).await;
    assert!(matches!(nobody, Err(AccessError::NoUser(_))), "{nobody:?}");
}

/// Level and permissions both count: the level alone would let a manager hand out what he lacks.
pub async fn nobody_hands_out_what_he_does_not_hold_or_stand_above(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss, &RoleId::ADMIN).await;
    let someone = town.person().await;
    // At level 10: not his own level, not above it; below it what he has.
    for id in [RoleId::ADMIN, RoleId::SUPER_ADMIN] {
        let refused = access.assign_role(&admin.actor, someone.id, &id, None).await;
        assert!(matches!(refused, Err(AccessError::NotAbove(_))), "{id}: {refused:?}");
    }
    access.assign_role(&admin.actor, someone.id, &RoleId::CATALOG_EDITOR, None).await.unwrap();
    access.revoke_role(&admin.actor, someone.id, &RoleId::CATALOG_EDITOR).await.unwrap();
    // Level 15 stands above 30, but lacks what it gives.
    let giver = [known::USER_ASSIGN_ROLES, known::USER_ASSIGN_PERMISSIONS, known::PRODUCT_READ];
    let giver = town.helper(&boss, "ROLE_GIVER", 15, &giver).await;
    let refused = access.assign_role(&giver.actor, someone.id, &RoleId::CATALOG_EDITOR, None).await;
    let Err(AccessError::NotHeld(missing)) = refused else { panic!("{refused:?}") };
    assert_eq!(missing.len(), 4, "{missing:?}");
    access.grant(&giver.actor, someone.id, grant(&known::PRODUCT_READ)).await.unwrap();
    let refused = access.grant(&giver.actor, someone.id, grant(&known::PRODUCT_UPDATE)).await;
    assert!(matches!(refused, Err(AccessError::NotHeld(_))), "{refused:?}");
    // Nothing is done to whom one does not stand above, neither giving nor denying nor taking.
    for user in [boss.id, admin.id] {
        let deny = access.set_override(&giver.actor, user, grant(&known::PRODUCT_READ), Effect::Deny).await;
        assert!(matches!(deny, Err(AccessError::NotAbove(_))), "{deny:?}");
        let take = access.revoke_role(&giver.actor, user, &RoleId::ADMIN).await;
        assert!(matches!(take, Err(AccessError::NotAbove(_))), "{take:?}");
    }
    // Without the ASSIGN permission nothing at all, and without a role nothing is handed out.
    let editor = town.with_role(&boss, &RoleId::CATALOG_EDITOR).await;
    let refused = access.assign_role(&editor.actor, someone.id, &RoleId::VIEWER, None).await;
    assert!(matches!(refused, Err(AccessError::Forbidden(_))), "{refused:?}");
    let bare = town.person().await;
    access.grant(&boss.actor, bare.id, grant(&known::USER_ASSIGN_PERMISSIONS)).await.unwrap();
    let bare = town.again(&bare).await;
    let refused = access.grant(&bare.actor, someone.id, grant(&known::USER_ASSIGN_PERMISSIONS)).await;
    assert!(matches!(refused, Err(AccessError::NotAbove(_))), "{refused:?}");
    // What one has in his own stores only is not handed out: it would act in another's.
    let giver = town.helper(&boss, "ROLE_LOCAL_GIVER", 15, &[known::USER_ASSIGN_PERMISSIONS]).await;
    let local = Grant { scope: Scope::Stores, ..grant(&known::PRODUCT_UPDATE) };
    access.grant(&boss.actor, giver.id, local.clone()).await.unwrap();
    let refused = access.grant(&giver.actor, someone.id, local).await;
    assert!(matches!(refused, Err(AccessError::NotHeld(_))), "{refused:?}");
    let unknown = access.grant(&boss.actor, someone.id, grant(&"PERM_TIME_TRAVEL".parse().unwrap())).await;
    assert!(matches!(unknown, Err(AccessError::NoPermission(_))), "{unknown:?}");
    let nobody = access.grant(&boss.actor, town.make.user_id(), grant(&known::PRODUCT_READ)).await;
    assert!(matches!(nobody, Err(AccessError::NoUser(_))), "{nobody:?}");
    let past = Grant { expires_at: Some(town.make.now()), ..grant(&known::PRODUCT_READ) };
    assert!(matches!(access.grant(&boss.actor, someone.id, past).await, Err(AccessError::Past(_))));
}

/// Not by a role, not by a permission, not by changing a role that one has.
pub async fn nobody_raises_himself(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss, &RoleId::ADMIN).await;
    let all = [known::ROLE_CREATE, known::ROLE_UPDATE, known::ROLE_DELETE, known::USER_ASSIGN_ROLES];
    let keeper = town.helper(&boss, "ROLE_KEEPER", 12, &all).await;
    let own: RoleId = "ROLE_KEEPER".parse().unwrap();
    for id in [RoleId::SUPER_ADMIN, RoleId::ADMIN, RoleId::VIEWER, own.clone()] {
        assert!(access.assign_role(&admin.actor, admin.id, &id, None).await.is_err(), "{id}");
        assert!(access.assign_role(&keeper.actor, keeper.id, &id, None).await.is_err(), "{id}");
    }
    assert!(access.grant(&admin.actor, admin.id, grant(&known::ROLE_CREATE)).await.is_err());
    let more: BTreeSet<_> = all.iter().cloned().chain([known::SETTINGS_UPDATE]).collect();
    let change = RoleChange { permissions: Some(more), ..RoleChange::default() };
    let refused = access.update_role(&keeper.actor, &own, change).await;
    assert!(matches!(refused, Err(AccessError::NotAbove(_))), "{refused:?}");
    let higher = access.add_role(&keeper.actor, role("ROLE_HIGHER", 12, &[])).await;
    assert!(matches!(higher, Err(AccessError::NotAbove(_))), "{higher:?}");
    let wider = access.add_role(&keeper.actor, role("ROLE_WIDER", 13, &[known::SETTINGS_UPDATE])).await;
    assert!(matches!(wider, Err(AccessError::NotHeld(_))), "{wider:?}");
    // A role made below, lifted above afterwards.
    let low = access.add_role(&keeper.actor, role("ROLE_LOW", 60, &[])).await.unwrap();
    let change = RoleChange { level: Some(Level::TOP), ..RoleChange::default() };
    let lifted = access.update_role(&keeper.actor, &low.id, change).await;
    assert!(matches!(lifted, Err(AccessError::NotAbove(_))), "{lifted:?}");
    // Two who lift each other: each stands above nobody of his own level.
    let other = town.with_role(&boss, &own).await;
    for (by, to) in [(&keeper, &other), (&other, &keeper)] {
        let refused = access.assign_role(&by.actor, to.id, &low.id, None).await;
        assert!(matches!(refused, Err(AccessError::NotAbove(_))), "{refused:?}");
    }
    for id in [RoleId::SUPER_ADMIN, RoleId::VIEWER] {
        let change = RoleChange { status: Some(RoleStatus::Inactive), ..RoleChange::default() };
        assert!(matches!(access.update_role(&boss.actor, &id, change).await, Err(AccessError::System(_))));
        assert!(matches!(access.delete_role(&boss.actor, &id).await, Err(AccessError::System(_))));
    }
    let weaker = access.set_permission_status(&boss.actor, &known::USER_READ, PermissionStatus::Deprecated).await;
    assert!(matches!(weaker, Err(AccessError::System(_))), "{weaker:?}");
}

/// ((roles ∪ direct ∪ allowed) − denied), each only until its end; also for an actor who is
/// held that long.
pub async fn grants_count_until_they_end_and_a_denial_wins(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let someone = town.person().await;
    let soon: Timestamp = town.make.now() + TimeDelta::hours(1);
    let until = |permission: &PermissionId| Grant { expires_at: Some(soon), ..grant(permission) };
    access.grant(&boss.actor, someone.id, until(&known::USER_READ)).await.unwrap();
    access.grant(&boss.actor, someone.id, grant(&known::ROLE_READ)).await.unwrap();
    access.set_override(&boss.actor, someone.id, until(&known::ROLE_READ), Effect::Deny).await.unwrap();
    access.assign_role(&boss.actor, someone.id, &RoleId::ADMIN, Some(soon)).await.unwrap();
    let held = town.again(&someone).await.actor;
    let now = town.make.now();
    assert!(held.holds(&known::USER_READ, now) && held.holds(&known::SETTINGS_UPDATE, now));
    assert!(!held.holds(&known::ROLE_READ, now), "denied");
    assert_eq!(held.access().level(now), Some(Level::new(10).unwrap()));
    town.make.clock().set(soon);
    for actor in [held, town.again(&someone).await.actor] {
        assert!(!actor.holds(&known::USER_READ, soon) && !actor.holds(&known::SETTINGS_UPDATE, soon));
        assert!(actor.holds(&known::ROLE_READ, soon), "the denial has ended");
        assert_eq!(actor.access().level(soon), None);
    }
    // What has ended makes room with the next write; the same again writes nothing.
    let grants = access.grant(&boss.actor, someone.id, grant(&known::PRODUCT_READ)).await.unwrap();
    assert_eq!(grants.assignments.len(), 2, "{grants:?}");
    let again = access.grant(&boss.actor, someone.id, grant(&known::PRODUCT_READ)).await.unwrap();
    assert_eq!(again.version, grants.version);
    // Also an end that is finer than what is stored of it.
    let fine = soon + TimeDelta::hours(1) + TimeDelta::nanoseconds(123);
    let fine = Grant { expires_at: Some(fine), ..grant(&known::ANALYTICS_VIEW) };
    let given = access.grant(&boss.actor, someone.id, fine.clone()).await.unwrap();
    assert_eq!(access.grant(&boss.actor, someone.id, fine).await.unwrap().version, given.version);
    let none = access.revoke(&boss.actor, someone.id, &known::USER_READ, AssignmentType::Direct).await;
    assert!(matches!(none, Err(AccessError::NotGiven(_))), "{none:?}");
    // A permission of the host's own, deprecated: nobody has it, not even who has all.
    let own: PermissionId = "PERM_LOYALTY_AWARD".parse().unwrap();
    let new = Permission {
        id: own.clone(),
        name: "Award loyalty points".to_owned(),
        description: "Gives points to customers".to_owned(),
        category: PermissionCategory::UserManagement,
        resource: "customers".to_owned(),
        action: PermissionAction::Update,
        status: PermissionStatus::Active,
        version: 1,
        created_at: soon,
        updated_at: soon,
    };
    access.add_permission(&boss.actor, new.clone()).await.unwrap();
    assert!(matches!(access.add_permission(&boss.actor, new).await, Err(AccessError::Exists(_))));
    access.grant(&boss.actor, someone.id, grant(&own)).await.unwrap();
    assert!(town.allows(someone.id, &own).await && town.allows(boss.id, &own).await);
    access.set_permission_status(&boss.actor, &own, PermissionStatus::Deprecated).await.unwrap();
    assert!(!town.allows(someone.id, &own).await && !town.allows(boss.id, &own).await);
}

/// Not removed, not given an end, not denied anything, not deactivated, not erased.
pub async fn the_last_super_admin_stays(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (access, identity) = (town.vyapar.access(), town.vyapar.identity());
    let boss = town.super_admin().await;
    let soon = town.make.now() + TimeDelta::days(1);
    let last =
        |answer: Result<_, AccessError>| assert!(matches!(answer, Err(AccessError::LastSuperAdmin)), "{answer:?}");
    for by in [&boss.actor, &town.host] {
        last(access.revoke_role(by, boss.id, &RoleId::SUPER_ADMIN).await.map(drop));
        last(access.assign_role(by, boss.id, &RoleId::SUPER_ADMIN, Some(soon)).await.map(drop));
        last(access.set_override(by, boss.id, grant(&known::USER_READ), Effect::Deny).await.map(drop));
        for answer in [identity.deactivate(by, boss.id).await, identity.erase(by, boss.id).await] {
            assert!(matches!(answer, Err(IdentityError::LastSuperAdmin)), "{answer:?}");
        }
    }
    town.actor(&boss.token).await;
    // With another one it may be; and then that one is the last.
    let other = town.with_role(&boss, &RoleId::SUPER_ADMIN).await;
    identity.deactivate(&other.actor, boss.id).await.unwrap();
    last(access.revoke_role(&other.actor, other.id, &RoleId::SUPER_ADMIN).await.map(drop));
    identity.reactivate(&other.actor, boss.id).await.unwrap();
    access.revoke_role(&other.actor, other.id, &RoleId::SUPER_ADMIN).await.unwrap();
    let third = town.person().await;
    let again = access.bootstrap(&town.host, third.id).await;
    assert!(matches!(again, Err(AccessError::SuperAdminExists)), "{again:?}");
}

/// At once, each ending the other in his own way.
pub async fn two_super_admins_who_end_each_other_leave_one(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let one = town.super_admin().await;
    for round in 0..4 {
        let two = town.with_role(&one, &RoleId::SUPER_ADMIN).await;
        let (access, identity) = (town.vyapar.access().clone(), town.vyapar.identity().clone());
        let (a, b) = (one.clone(), two.clone());
        let first = async move { access.revoke_role(&a.actor, b.id, &RoleId::SUPER_ADMIN).await.is_ok() };
        let (a, b, access) = (one.clone(), two.clone(), town.vyapar.access().clone());
        let second = async move {
            if round % 2 == 0 {
                access.revoke_role(&b.actor, a.id, &RoleId::SUPER_ADMIN).await.is_ok()
            } else {
                identity.deactivate(&b.actor, a.id).await.is_ok()
            }
        };
        let tasks: [std::pin::Pin<Box<dyn Future<Output = bool> + Send>>; 2] = [Box::pin(first), Box::pin(second)];
        let done = at_once(tasks).await;
        let mut left = 0;
        for person in [&one, &two] {
            left += usize::from(town.allows(person.id, &known::ROLE_DELETE).await);
        }
        assert_eq!(left, 1, "round {round}: {done:?}");
        if !town.allows(one.id, &known::ROLE_DELETE).await {
            town.vyapar.identity().reactivate(&two.actor, one.id).await.unwrap();
            town.vyapar.access().assign_role(&two.actor, one.id, &RoleId::SUPER_ADMIN, None).await.unwrap();
            town.vyapar.access().revoke_role(&two.actor, two.id, &RoleId::SUPER_ADMIN).await.unwrap();
        }
    }
}

/// Whoever has a role has what it gives now; a deleted one gives nothing, ever again.
pub async fn roles_change_for_those_who_have_them_and_deleted_ones_never_return(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let helper = town.helper(&boss, "ROLE_HELPER", 40, &[known::USER_READ]).await;
    let id: RoleId = "ROLE_HELPER".parse().unwrap();
    let change = RoleChange { permissions: Some([known::ROLE_READ].into()), ..RoleChange::default() };
    let changed = access.update_role(&boss.actor, &id, change.clone()).await.unwrap();
    assert_eq!(access.update_role(&boss.actor, &id, change).await.unwrap().version, changed.version);
    assert!(!town.allows(helper.id, &known::USER_READ).await && town.allows(helper.id, &known::ROLE_READ).await);
    for (status, counts) in [(RoleStatus::Inactive, false), (RoleStatus::Active, true)] {
        let change = RoleChange { status: Some(status), ..RoleChange::default() };
        access.update_role(&boss.actor, &id, change).await.unwrap();
        assert_eq!(town.allows(helper.id, &known::ROLE_READ).await, counts);
    }
    let mut refused = access.delete_role(&boss.actor, &id).await;
    // (The list of holders may lag.)
    for _ in 0..100 {
        if refused.is_err() {
            break;
        }
        refused = access.delete_role(&boss.actor, &id).await;
    }
    assert!(matches!(refused, Err(AccessError::InUse { .. })), "{refused:?}");
    access.revoke_role(&boss.actor, helper.id, &id).await.unwrap();
    for _ in 0..1000 {
        if access.delete_role(&boss.actor, &id).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let gone = access.assign_role(&boss.actor, helper.id, &id, None).await;
    assert!(matches!(gone, Err(AccessError::NoRole(_))), "{gone:?}");
    let again = access.add_role(&boss.actor, role("ROLE_HELPER", 40, &[known::USER_READ])).await;
    assert!(matches!(again, Err(AccessError::Exists(_))), "{again:?}");
}

/// An admin who is none any more hands out nothing, whatever his actor was built from.
pub async fn who_hands_out_is_judged_by_what_is_stored(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss, &RoleId::ADMIN).await;
    let someone = town.person().await;
    access.revoke_role(&boss.actor, admin.id, &RoleId::ADMIN).await.unwrap();
    let refused = access.assign_role(&admin.actor, someone.id, &RoleId::VIEWER, None).await;
    assert!(matches!(refused, Err(AccessError::Forbidden(_))), "{refused:?}");
    let new = role("ROLE_NEW", 60, &[known::USER_READ]);
    assert!(access.add_role(&boss.actor, new).await.is_ok());
}

/// Which rows allow, which deny, which would if they still counted.
pub async fn an_explanation_names_the_rows(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let someone = town.with_role(&boss, &RoleId::ADMIN).await;
    let why = async |permission: &PermissionId| access.explain(&someone.actor, someone.id, permission).await.unwrap();
    let by_role = why(&known::USER_READ).await;
    assert!(by_role.everywhere);
    assert!(
        matches!(&by_role.reasons[..], [Reason::AllowedBy { role: Some(id), scope: Scope::Platform, .. }] if *id == RoleId::ADMIN)
    );
    access.set_override(&boss.actor, someone.id, grant(&known::USER_READ), Effect::Deny).await.unwrap();
    let denied = why(&known::USER_READ).await;
    assert!(!denied.everywhere && !denied.in_own_stores);
    let [_, Reason::DeniedBy(row)] = &denied.reasons[..] else { panic!("{denied:?}") };
    assert_eq!((row.granted_by, row.target.clone()), (Some(boss.id), GrantTarget::Permission(known::USER_READ)));
    assert_eq!(why(&known::ROLE_DELETE).await.reasons, [Reason::NotGiven]);
    assert_eq!(why(&"PERM_TIME_TRAVEL".parse().unwrap()).await.reasons, [Reason::Unknown]);
    let stranger = town.person().await;
    let refused = access.explain(&stranger.actor, someone.id, &known::USER_READ).await;
    assert!(matches!(refused, Err(AccessError::NoUser(_))), "{refused:?}");
}
