//! `Effective::of` against an oracle written from DOMAIN section 3 alone:
//! ((role permissions ∪ direct ∪ override-allow) − override-deny), each only while not expired.

use std::collections::BTreeSet;

use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use uuid::Uuid;
use vyapar_core::access::{
    Assignment, AssignmentType, Effect, Effective, GrantTarget, Grants, Level, Permission, PermissionAction,
    PermissionCategory, PermissionId, PermissionStatus, Role, RoleId, RolePermissions, RoleStatus, Scope,
};
use vyapar_core::{Timestamp, UserId};

/// Instants are a few microseconds apart, the finest that is kept.
pub(crate) fn at(tick: i64) -> Timestamp {
    Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap() + TimeDelta::microseconds(tick)
}

pub(crate) fn user() -> UserId {
    UserId::from_uuid(Uuid::from_u128(7))
}

pub(crate) fn permission(id: &PermissionId, status: PermissionStatus) -> Permission {
    Permission {
        id: id.clone(),
        name: id.to_string(),
        description: String::new(),
        category: PermissionCategory::Settings,
        resource: "things".to_owned(),
        action: PermissionAction::Read,
        status,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn role(id: &RoleId, permissions: RolePermissions, scope: Scope) -> Role {
    Role {
        id: id.clone(),
        name: id.to_string(),
        description: String::new(),
        permissions,
        level: Level::new(40).unwrap(),
        scope,
        is_system: false,
        status: RoleStatus::Active,
        deleted_at: None,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn given(target: GrantTarget, how: AssignmentType, effect: Effect, scope: Scope) -> Assignment {
    Assignment {
        user_id: user(),
        target,
        assignment_type: how,
        effect,
        scope,
        granted_by: None,
        expires_at: None,
        assigned_at: at(0),
    }
}

/// Five ids, of which the last is of no permission.
fn id(n: usize) -> PermissionId {
    format!("PERM_P{n}").parse().unwrap()
}

/// Four ids, of which the last is of no role.
fn role_id(n: usize) -> RoleId {
    format!("ROLE_R{n}").parse().unwrap()
}

#[derive(Debug, Clone)]
struct World {
    grants: Grants,
    roles: Vec<Role>,
    permissions: Vec<Permission>,
}

fn scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(vec![Scope::Stores, Scope::Platform])
}

fn some_role(n: usize) -> impl Strategy<Value = Role> {
    let list = prop_oneof![
        4 => prop::collection::btree_set((0..5_usize).prop_map(id), 0..4).prop_map(RolePermissions::Only),
        1 => Just(RolePermissions::All),
    ];
    (list, scope(), 1..=100_u8, prop::bool::weighted(0.8), prop::bool::weighted(0.15)).prop_map(
        move |(list, scope, level, active, deleted)| Role {
            level: Level::new(level).unwrap(),
            status: if active { RoleStatus::Active } else { RoleStatus::Inactive },
            deleted_at: deleted.then(|| at(1)),
            ..role(&role_id(n), list, scope)
        },
    )
}

fn some_assignment() -> impl Strategy<Value = Assignment> {
    let target = prop_oneof![
        (0..5_usize).prop_map(|n| GrantTarget::Permission(id(n))),
        (0..4_usize).prop_map(|n| GrantTarget::Role(role_id(n))),
    ];
    // Mostly what the services write, now and then what only a broken store can hold.
    let shape = |target: &GrantTarget| match target {
        GrantTarget::Role(_) => vec![(AssignmentType::RoleInherited, Effect::Allow)],
        GrantTarget::Permission(_) => vec![
            (AssignmentType::Direct, Effect::Allow),
            (AssignmentType::Override, Effect::Allow),
            (AssignmentType::Override, Effect::Deny),
        ],
    };
    let any_shape = (prop::sample::select(AssignmentType::ALL.to_vec()), prop::sample::select(Effect::ALL.to_vec()));
    (target, any::<prop::sample::Index>(), any_shape, prop::bool::weighted(0.1), scope(), prop::option::of(0..6_i64))
        .prop_map(move |(target, pick, odd, is_odd, scope, until)| {
            let (how, effect) = if is_odd { odd } else { *pick.get(&shape(&target)) };
            Assignment { expires_at: until.map(at), ..given(target, how, effect, scope) }
        })
}

fn world() -> impl Strategy<Value = World> {
    let status = prop::option::weighted(
        0.9,
        prop_oneof![4 => Just(PermissionStatus::Active), 1 => Just(PermissionStatus::Deprecated)],
    );
    (
        prop::collection::vec(some_assignment(), 0..10),
        (some_role(0), some_role(1), some_role(2)),
        prop::collection::vec(status, 4),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(assignments, (a, b, c), statuses, suspended)| World {
            grants: Grants { assignments, suspended, ..Grants::none(user()) },
            roles: vec![a, b, c],
            permissions: statuses
                .into_iter()
                .enumerate()
                .filter_map(|(n, status)| Some(permission(&id(n), status?)))
                .collect(),
        })
}

/// The oracle: the formula, evaluated from scratch for one question at one instant.
impl World {
    fn roles_of(&self, now: Timestamp) -> Vec<&Role> {
        let held = |role: &&Role| {
            role.status == RoleStatus::Active
                && role.deleted_at.is_none()
                && self.standing(now).any(|given| {
                    given.target == GrantTarget::Role(role.id.clone())
                        && (given.assignment_type, given.effect) == (AssignmentType::RoleInherited, Effect::Allow)
                })
        };
        self.roles.iter().filter(held).collect()
    }

    /// What has not expired: something that ends at an instant no longer counts at it.
    fn standing(&self, now: Timestamp) -> impl Iterator<Item = &Assignment> {
        let all = if self.grants.suspended { &[] } else { self.grants.assignments.as_slice() };
        all.iter().filter(move |given| given.expires_at.is_none_or(|end| end > now))
    }

    fn allows(&self, id: &PermissionId, scope: Scope, now: Timestamp) -> bool {
        // What acts everywhere acts in the user's stores too.
        let reaches = |of: Scope| of == Scope::Platform || scope == Scope::Stores;
        let mut union = BTreeSet::new();
        for role in self.roles_of(now).into_iter().filter(|role| reaches(role.scope)) {
            match &role.permissions {
                RolePermissions::All => union.extend(self.permissions.iter().map(|known| known.id.clone())),
                RolePermissions::Only(ids) => union.extend(ids.iter().cloned()),
            }
        }
        let mut denied = BTreeSet::new();
        for given in self.standing(now) {
            let GrantTarget::Permission(id) = &given.target else { continue };
            match (given.assignment_type, given.effect) {
                (AssignmentType::Direct | AssignmentType::Override, Effect::Allow) if reaches(given.scope) => {
                    union.insert(id.clone());
                }
                (AssignmentType::Override, Effect::Deny) => {
                    denied.insert(id.clone());
                }
                _ => {}
            }
        }
        let counts = |known: &Permission| known.id == *id && known.status == PermissionStatus::Active;
        union.contains(id) && !denied.contains(id) && self.permissions.iter().any(counts)
    }

    fn effective(&self) -> Effective {
        Effective::of(&self.grants, &self.roles, &self.permissions)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    /// Built once and held, it gives the right answer at every instant before, at and after
    /// each end.
    #[test]
    fn answers_as_the_formula_at_every_instant(world in world()) {
        let held = world.effective();
        for now in (-1..=7).map(at) {
            for scope in [Scope::Platform, Scope::Stores] {
                let mut all = Vec::new();
                for id in (0..5).map(id) {
                    let expected = world.allows(&id, scope, now);
                    prop_assert_eq!(held.allows(&id, scope, now), expected, "{} {:?} at {}", id, scope, now);
                    if expected {
                        all.push(id);
                    }
                }
                prop_assert_eq!(held.permissions(scope, now).cloned().collect::<Vec<_>>(), all, "sorted, each once");
            }
            let level = world.roles_of(now).iter().map(|role| role.level).min();
            prop_assert_eq!(held.level(now), level, "the most privileged of the roles that count");
        }
    }

    /// Neither the order of the assignments nor that of roles and permissions matters.
    #[test]
    fn order_does_not_matter(
        (world, mixed) in world().prop_flat_map(|world| {
            let mixed = Just(world.grants.assignments.clone()).prop_shuffle();
            (Just(world), mixed)
        })
    ) {
        let mut other = world.clone();
        other.grants.assignments = mixed;
        other.roles.reverse();
        other.permissions.reverse();
        let (other, world) = (other.effective(), world.effective());
        for now in (-1..=7).map(at) {
            for scope in [Scope::Platform, Scope::Stores] {
                prop_assert!(other.permissions(scope, now).eq(world.permissions(scope, now)));
            }
            prop_assert_eq!(other.level(now), world.level(now));
        }
    }

    /// One more denial never gives, one more grant never takes away, and suspension leaves
    /// nothing.
    #[test]
    fn only_grants_give_and_only_denials_take(world in world(), more in some_assignment()) {
        let before = world.effective();
        let mut with = world.clone();
        let denies = more.effect == Effect::Deny;
        with.grants.assignments.push(more);
        let after = with.effective();
        with.grants.suspended = true;
        let suspended = with.effective();
        for now in (-1..=7).map(at) {
            for scope in [Scope::Platform, Scope::Stores] {
                for id in (0..5).map(id) {
                    let (was, is) = (before.allows(&id, scope, now), after.allows(&id, scope, now));
                    let wrong = if denies { is && !was } else { was && !is };
                    prop_assert!(!wrong);
                    prop_assert!(!suspended.allows(&id, scope, now));
                }
            }
            prop_assert_eq!(suspended.level(now), None);
        }
    }
}

fn world_of(assignments: Vec<Assignment>, roles: Vec<Role>) -> World {
    let permissions = (0..4).map(|n| permission(&id(n), PermissionStatus::Active)).collect();
    World { grants: Grants { assignments, ..Grants::none(user()) }, roles, permissions }
}

fn until(tick: i64, given: Assignment) -> Assignment {
    Assignment { expires_at: Some(at(tick)), ..given }
}

fn direct(n: usize) -> Assignment {
    given(GrantTarget::Permission(id(n)), AssignmentType::Direct, Effect::Allow, Scope::Platform)
}

fn denial(n: usize) -> Assignment {
    given(GrantTarget::Permission(id(n)), AssignmentType::Override, Effect::Deny, Scope::Stores)
}

fn holds(n: usize) -> Assignment {
    given(GrantTarget::Role(role_id(n)), AssignmentType::RoleInherited, Effect::Allow, Scope::Stores)
}

/// Whether permission 0 is allowed everywhere one microsecond before, at and after instant 10.
fn around(world: &World) -> [bool; 3] {
    let held = world.effective();
    [9, 10, 11].map(|tick| held.allows_everywhere(&id(0), at(tick)))
}

#[test]
fn at_its_end_a_grant_no_longer_counts() {
    let gives = || role(&role_id(0), RolePermissions::Only([id(0)].into()), Scope::Platform);
    assert_eq!(around(&world_of(vec![until(10, direct(0))], vec![])), [true, false, false]);
    assert_eq!(around(&world_of(vec![until(10, holds(0))], vec![gives()])), [true, false, false]);
    let allow = Assignment { assignment_type: AssignmentType::Override, ..direct(0) };
    assert_eq!(around(&world_of(vec![until(10, allow)], vec![])), [true, false, false]);
    // The later of two ends counts, and no end is the latest.
    assert_eq!(around(&world_of(vec![until(10, direct(0)), until(11, holds(0))], vec![gives()])), [true, true, false]);
    assert_eq!(around(&world_of(vec![until(10, direct(0)), holds(0)], vec![gives()])), [true; 3]);
}

#[test]
fn at_its_end_a_denial_no_longer_takes() {
    assert_eq!(around(&world_of(vec![direct(0), until(10, denial(0))], vec![])), [false, true, true]);
    // What was given ends as the denial does: never allowed.
    assert_eq!(around(&world_of(vec![until(10, direct(0)), until(10, denial(0))], vec![])), [false; 3]);
    assert_eq!(around(&world_of(vec![until(11, direct(0)), until(10, denial(0))], vec![])), [false, true, false]);
    // A denial in stores denies everywhere; one without an end outlasts one with.
    assert_eq!(around(&world_of(vec![direct(0), denial(0), until(10, denial(0))], vec![])), [false; 3]);
}

#[test]
fn at_the_end_of_a_role_the_next_level_counts() {
    let boss = Role { level: Level::new(10).unwrap(), ..role(&role_id(0), RolePermissions::All, Scope::Platform) };
    let clerk = Role {
        level: Level::new(50).unwrap(),
        ..role(&role_id(1), RolePermissions::Only([id(1)].into()), Scope::Stores)
    };
    let world = world_of(vec![until(10, holds(0)), until(11, holds(1))], vec![boss, clerk]);
    let held = world.effective();
    assert_eq!([9, 10, 11].map(|tick| held.level(at(tick)).map(Level::get)), [Some(10), Some(50), None]);
    let counts = |scope| [9, 10, 11].map(|tick| held.permissions(scope, at(tick)).count());
    assert_eq!(counts(Scope::Platform), [4, 0, 0], "the clerk's is for his stores only");
    assert_eq!(counts(Scope::Stores), [4, 1, 0]);
}

#[test]
fn what_is_unknown_or_deprecated_is_not_allowed() {
    let all = role(&role_id(0), RolePermissions::All, Scope::Platform);
    let mut world = world_of(vec![holds(0), direct(4), direct(1)], vec![all]);
    world.permissions[1].status = PermissionStatus::Deprecated;
    let held = world.effective();
    assert!(held.allows_everywhere(&id(0), at(0)));
    assert!(!held.allows_everywhere(&id(1), at(0)), "deprecated, though given by a role and directly");
    assert!(!held.allows_everywhere(&id(4), at(0)), "unknown, though given directly and by a role with everything");
}
