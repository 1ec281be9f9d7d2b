//! Roles.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use super::{setup, taken};
use crate::access::{
    AccessPorts, Level, PermissionId, Role, RoleFilter, RoleId, RolePermissions, RoleStatus, Scope, known,
};
use crate::error::RepositoryErrorKind;
use crate::page::PageRequest;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

fn audit(make: &Fixtures, role: &Role) -> AuditEntry {
    make.audit(None, "role.update", "role", role.id.as_str())
}

async fn inserted(ports: &AccessPorts, make: &Fixtures, role: Role) -> Role {
    ports.roles.insert(role.clone(), audit(make, &role)).await.unwrap();
    role
}

async fn get(ports: &AccessPorts, id: &RoleId) -> Option<Role> {
    let mut found = ports.roles.get_many(std::slice::from_ref(id)).await.unwrap();
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

/// Stores the role where the version before it is stored.
async fn update(ports: &AccessPorts, make: &Fixtures, role: &Role) -> UpdateOutcome {
    ports.roles.update(role.clone(), role.version - 1, audit(make, role)).await.unwrap()
}

fn level(number: u8) -> Level {
    Level::new(number).unwrap()
}

fn only(ids: impl IntoIterator<Item = PermissionId>) -> RolePermissions {
    RolePermissions::Only(ids.into_iter().collect::<BTreeSet<_>>())
}

/// A role with every field filled, a plain one, and one that gives everything, read back
/// exactly, each with its audit entry.
pub async fn a_role_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let all = Role { permissions: RolePermissions::All, level: Level::TOP, ..make.role() };
    let some = Role { permissions: only([known::PRODUCT_READ, known::ROLE_READ]), ..make.role() };
    for role in [make.full_role(), make.role(), all, some] {
        let entry = audit(&make, &role);
        ports.roles.insert(role.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, &role.id).await, Some(role));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, &make.role_id()).await, None);
}

/// The same id again is refused by its constraint's name and writes nothing, by one caller or
/// sixteen at once.
pub async fn ids_of_roles_are_unique(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.role();
    let entry = audit(&make, &first);
    ports.roles.insert(first.clone(), entry.clone()).await.unwrap();
    let same = Role { id: first.id.clone(), ..make.full_role() };
    let kind = refusal(ports.roles.insert(same.clone(), audit(&make, &same)).await);
    assert_eq!(kind, taken("roles.role_id"));
    assert_eq!(get(&ports, &first.id).await, Some(first));
    audited(&ports.audit, &[&entry]).await;

    let id = make.role_id();
    let rivals: Vec<_> = (1..=16)
        .map(|at| {
            let role = Role { id: id.clone(), level: level(at), ..make.role() };
            (audit(&make, &role), role)
        })
        .collect();
    let answers = at_once(rivals.iter().cloned().map(|(entry, role)| {
        let ports = ports.clone();
        async move { ports.roles.insert(role, entry).await }
    }))
    .await;
    let mut won = Vec::new();
    for (rival, answer) in rivals.iter().zip(answers) {
        match answer {
            Ok(()) => won.push(rival),
            refused => assert_eq!(refusal(refused), taken("roles.role_id")),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(get(&ports, &id).await.as_ref(), Some(&won[0].1));
    audited(&ports.audit, &[&won[0].0]).await;
}

/// A deleted role is still read by its id, which stays taken; no list has it.
pub async fn a_deleted_role_keeps_its_id_and_is_in_no_list(bench: &Bench) {
    let (ports, make) = setup(bench);
    let kept = inserted(&ports, &make, make.role()).await;
    let role = inserted(&ports, &make, make.role()).await;
    let deleted = Role { deleted_at: Some(make.now() + TimeDelta::microseconds(5)), version: 2, ..role };
    assert_eq!(update(&ports, &make, &deleted).await, UpdateOutcome::Updated);
    assert_eq!(get(&ports, &deleted.id).await.as_ref(), Some(&deleted));
    let again = Role { id: deleted.id.clone(), ..make.role() };
    let kind = refusal(ports.roles.insert(again.clone(), audit(&make, &again)).await);
    assert_eq!(kind, taken("roles.role_id"));
    for status in [None, Some(RoleStatus::Active)] {
        let read = || all_pages(5, |page| ports.roles.list(RoleFilter { status }, page));
        eventually(vec![kept.clone()], read).await;
    }
    assert_eq!(get(&ports, &deleted.id).await, Some(deleted));
}

/// Up to 200 ids are looked up at once; those that are not there are left out, and one named
/// twice comes once.
pub async fn roles_are_read_many_at_a_time(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut stored = Vec::new();
    for at in 0..12 {
        let role = Role { deleted_at: (at % 4 == 0).then(|| make.now()), ..make.role() };
        stored.push(inserted(&ports, &make, role).await);
    }
    let mut wanted = stored[..10].to_vec();
    let mut ids: Vec<_> = wanted.iter().map(|role| role.id.clone()).collect();
    ids.push(ids[3].clone());
    ids.extend((0..189).map(|_| make.role_id()));
    let mut found = ports.roles.get_many(&make.shuffled(ids.clone())).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    wanted.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!((found, ids.len()), (wanted, 200));
    assert_eq!(ports.roles.get_many(&[]).await.unwrap(), []);
    ids.push(make.role_id());
    let kind = refusal(ports.roles.get_many(&ids).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "ids", max: 200 });
}

/// An update replaces all that may change, and nothing else, with its audit entry.
pub async fn an_update_of_a_role_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make) = setup(bench);
    let bare = make.role();
    let mut entries = vec![audit(&make, &bare)];
    ports.roles.insert(bare.clone(), entries[0].clone()).await.unwrap();
    let filled = Role { id: bare.id.clone(), version: 2, ..make.full_role() };
    let everything = Role { permissions: RolePermissions::All, scope: Scope::Platform, version: 3, ..bare.clone() };
    for next in [filled, everything, Role { version: 4, ..bare.clone() }] {
        let entry = audit(&make, &next);
        let given = Role { is_system: true, created_at: make.now() + TimeDelta::days(1), ..next.clone() };
        let outcome = ports.roles.update(given, next.version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        let expected = Role { is_system: false, created_at: bare.created_at, ..next };
        assert_eq!(get(&ports, &bare.id).await, Some(expected));
        entries.push(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
}

/// An update of another version, or of an absent role, changes nothing and leaves no audit.
pub async fn a_stale_update_of_a_role_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let role = make.role();
    let entry = audit(&make, &role);
    ports.roles.insert(role.clone(), entry.clone()).await.unwrap();
    for expected in [0, 2, 3] {
        let next = Role { level: Level::TOP, deleted_at: Some(make.now()), version: expected + 1, ..role.clone() };
        let outcome = ports.roles.update(next, expected, audit(&make, &role)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    for expected in [0, 1] {
        let absent = Role { version: expected + 1, ..make.role() };
        let outcome = ports.roles.update(absent.clone(), expected, audit(&make, &role)).await.unwrap();
        assert_eq!((outcome, get(&ports, &absent.id).await), (UpdateOutcome::Stale, None));
    }
    assert_eq!(get(&ports, &role.id).await.as_ref(), Some(&role));
    eventually(vec![role], || all_pages(5, |page| ports.roles.list(RoleFilter::default(), page))).await;
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored and listed, and only it is
/// audited.
pub async fn of_sixteen_updates_of_a_role_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let role = make.role();
    let first = audit(&make, &role);
    ports.roles.insert(role.clone(), first.clone()).await.unwrap();
    let changes: Vec<_> =
        (1..=16).map(|at| (Role { level: level(at), version: 2, ..role.clone() }, audit(&make, &role))).collect();
    let outcomes = at_once(changes.iter().cloned().map(|(role, entry)| {
        let ports = ports.clone();
        async move { ports.roles.update(role, 1, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (winner, entry) = won[0].0;
    assert_eq!(get(&ports, &role.id).await.as_ref(), Some(winner));
    eventually(vec![winner.clone()], || all_pages(5, |page| ports.roles.list(RoleFilter::default(), page))).await;
    audited(&ports.audit, &[&first, entry]).await;
}

/// Roles come by level as a number, those of one level by id, page by page, each once, by
/// status or all, where they stand now.
pub async fn roles_come_by_level_then_id_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let levels = [100, 9, 10, 1, 2, 20];
    let mut stored = Vec::new();
    for at in 0..22 {
        let status = RoleStatus::ALL[usize::from(at % 5 == 2)];
        let plain = if at % 7 == 0 { make.full_role() } else { make.role() };
        stored.push(inserted(&ports, &make, Role { level: level(levels[at % 6]), status, ..plain }).await);
    }
    // One moves to another level, one to another status.
    stored[0].level = level(3);
    stored[1].status = RoleStatus::Inactive;
    for moved in &mut stored[..2] {
        moved.version = 2;
        assert_eq!(update(&ports, &make, moved).await, UpdateOutcome::Updated);
    }
    stored.sort_by(|a, b| (a.level, &a.id).cmp(&(b.level, &b.id)));
    let mut sizes = Vec::new();
    for status in [None, Some(RoleStatus::Active), Some(RoleStatus::Inactive)] {
        let matching = |role: &&Role| status.is_none_or(|status| role.status == status);
        let expected: Vec<_> = stored.iter().filter(matching).cloned().collect();
        sizes.push(expected.len());
        for limit in [1, 3, 22, 200] {
            let read = || all_pages(limit, |page| ports.roles.list(RoleFilter { status }, page));
            eventually(expected.clone(), read).await;
        }
    }
    assert_eq!(sizes, [22, 17, 5]);
    let page = ports.roles.list(RoleFilter::default(), PageRequest::first(22)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (22, None), "a full last page has no next");
}

/// Cursors of other lists and malformed positions are refused.
pub async fn roles_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    inserted(&ports, &make, make.role()).await;
    for status in [None, Some(RoleStatus::Active)] {
        refuses_foreign_cursors("roles", |page| ports.roles.list(RoleFilter { status }, page)).await;
    }
}
