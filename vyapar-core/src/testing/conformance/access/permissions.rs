//! Permissions.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use super::{setup, taken};
use crate::access::{
    AccessPorts, Permission, PermissionAction, PermissionCategory, PermissionFilter, PermissionId, PermissionStatus,
};
use crate::error::RepositoryErrorKind;
use crate::page::PageRequest;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

fn audit(make: &Fixtures, permission: &Permission) -> AuditEntry {
    make.audit(None, "permission.update", "permission", permission.id.as_str())
}

async fn inserted(ports: &AccessPorts, make: &Fixtures, permission: Permission) -> Permission {
    ports.permissions.insert(permission.clone(), audit(make, &permission)).await.unwrap();
    permission
}

async fn get(ports: &AccessPorts, id: &PermissionId) -> Option<Permission> {
    let mut found = ports.permissions.get_many(std::slice::from_ref(id)).await.unwrap();
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

fn by_id(mut permissions: Vec<Permission>) -> Vec<Permission> {
    permissions.sort_by(|a, b| a.id.cmp(&b.id));
    permissions
}

/// A permission with every field filled, a plain one, and one of each category, action and
/// status, read back exactly, each with its audit entry.
pub async fn a_permission_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    for permission in [make.full_permission(), make.permission()] {
        let entry = audit(&make, &permission);
        ports.permissions.insert(permission.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, &permission.id).await, Some(permission));
        audited(&ports.audit, &[&entry]).await;
    }
    for (at, action) in PermissionAction::ALL.iter().enumerate() {
        let (category, status) = (PermissionCategory::ALL[at % 5], PermissionStatus::ALL[at % 2]);
        let permission = Permission { category, action: *action, status, ..make.permission() };
        let permission = inserted(&ports, &make, permission).await;
        assert_eq!(get(&ports, &permission.id).await, Some(permission));
    }
    assert_eq!(get(&ports, &make.permission_id()).await, None);
}

/// The same id again is refused by its constraint's name and writes nothing, by one caller or
/// sixteen at once.
pub async fn ids_of_permissions_are_unique(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.permission();
    let entry = audit(&make, &first);
    ports.permissions.insert(first.clone(), entry.clone()).await.unwrap();
    let same = Permission { id: first.id.clone(), ..make.full_permission() };
    let kind = refusal(ports.permissions.insert(same.clone(), audit(&make, &same)).await);
    assert_eq!(kind, taken("permissions.permission_id"));
    assert_eq!(get(&ports, &first.id).await, Some(first));
    audited(&ports.audit, &[&entry]).await;

    let id = make.permission_id();
    let rivals: Vec<_> = (0..16)
        .map(|at| {
            let permission = Permission { id: id.clone(), name: format!("rival {at}"), ..make.permission() };
            (audit(&make, &permission), permission)
        })
        .collect();
    let answers = at_once(rivals.iter().cloned().map(|(entry, permission)| {
        let ports = ports.clone();
        async move { ports.permissions.insert(permission, entry).await }
    }))
    .await;
    let mut won = Vec::new();
    for (rival, answer) in rivals.iter().zip(answers) {
        match answer {
            Ok(()) => won.push(rival),
            refused => assert_eq!(refusal(refused), taken("permissions.permission_id")),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(get(&ports, &id).await.as_ref(), Some(&won[0].1));
    audited(&ports.audit, &[&won[0].0]).await;
}

/// Up to 200 ids are looked up at once; those that are not there are left out, and one named
/// twice comes once.
pub async fn permissions_are_read_many_at_a_time(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut stored = Vec::new();
    for _ in 0..12 {
        stored.push(inserted(&ports, &make, make.permission()).await);
    }
    let wanted = &stored[..10];
    let mut ids: Vec<_> = wanted.iter().map(|permission| permission.id.clone()).collect();
    ids.push(ids[3].clone());
    ids.extend((0..189).map(|_| make.permission_id()));
    let found = ports.permissions.get_many(&make.shuffled(ids.clone())).await.unwrap();
    assert_eq!((by_id(found), ids.len()), (by_id(wanted.to_vec()), 200));
    assert_eq!(ports.permissions.get_many(&[]).await.unwrap(), []);
    ids.push(make.permission_id());
    let kind = refusal(ports.permissions.get_many(&ids).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "ids", max: 200 });
}

/// An update replaces all that may change, and nothing else, with its audit entry.
pub async fn an_update_of_a_permission_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make) = setup(bench);
    let bare = make.permission();
    let mut entries = vec![audit(&make, &bare)];
    ports.permissions.insert(bare.clone(), entries[0].clone()).await.unwrap();
    let filled = Permission { id: bare.id.clone(), version: 2, ..make.full_permission() };
    for next in [filled, Permission { version: 3, ..bare.clone() }] {
        let entry = audit(&make, &next);
        let given = Permission { created_at: make.now() + TimeDelta::days(1), ..next.clone() };
        let outcome = ports.permissions.update(given, next.version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        let expected = Permission { created_at: bare.created_at, ..next };
        assert_eq!(get(&ports, &bare.id).await, Some(expected));
        entries.push(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
}

/// An update of another version, or of an absent permission, changes nothing and leaves no
/// audit.
pub async fn a_stale_update_of_a_permission_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let permission = make.permission();
    let entry = audit(&make, &permission);
    ports.permissions.insert(permission.clone(), entry.clone()).await.unwrap();
    for expected in [0, 2, 3] {
        let next = Permission { name: "other".to_owned(), version: expected + 1, ..permission.clone() };
        let outcome = ports.permissions.update(next, expected, audit(&make, &permission)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    for expected in [0, 1] {
        let absent = Permission { version: expected + 1, ..make.permission() };
        let outcome = ports.permissions.update(absent.clone(), expected, audit(&make, &permission)).await.unwrap();
        assert_eq!((outcome, get(&ports, &absent.id).await), (UpdateOutcome::Stale, None));
    }
    assert_eq!(get(&ports, &permission.id).await, Some(permission));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored, and only it is audited.
pub async fn of_sixteen_updates_of_a_permission_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let permission = make.permission();
    let first = audit(&make, &permission);
    ports.permissions.insert(permission.clone(), first.clone()).await.unwrap();
    let changes: Vec<_> = (0..16)
        .map(|at| {
            let next = Permission { name: format!("name {at}"), version: 2, ..permission.clone() };
            (next, audit(&make, &permission))
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|(permission, entry)| {
        let ports = ports.clone();
        async move { ports.permissions.update(permission, 1, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (winner, entry) = won[0].0;
    assert_eq!(get(&ports, &permission.id).await.as_ref(), Some(winner));
    audited(&ports.audit, &[&first, entry]).await;
}

/// Permissions come by id, page by page, each once, by category and status or all, under
/// their present ones.
pub async fn permissions_come_by_id_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut stored = Vec::new();
    for at in 0..21 {
        let (category, status) = (PermissionCategory::ALL[at % 3], PermissionStatus::ALL[usize::from(at % 4 == 3)]);
        let plain = if at % 5 == 0 { make.full_permission() } else { make.permission() };
        stored.push(inserted(&ports, &make, Permission { category, status, ..plain }).await);
    }
    // One moves to another category and status.
    let moved = &mut stored[0];
    moved.version = 2;
    (moved.category, moved.status) = (PermissionCategory::Settings, PermissionStatus::Deprecated);
    let outcome = ports.permissions.update(moved.clone(), 1, audit(&make, moved)).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Updated);
    let stored = by_id(stored);
    let all = PermissionFilter::default();
    let filters = [
        all,
        PermissionFilter { category: Some(PermissionCategory::ProductManagement), ..all },
        PermissionFilter { status: Some(PermissionStatus::Deprecated), ..all },
        PermissionFilter { category: Some(PermissionCategory::UserManagement), status: Some(PermissionStatus::Active) },
        PermissionFilter { category: Some(PermissionCategory::Settings), ..all },
        PermissionFilter { category: Some(PermissionCategory::Analytics), ..all },
    ];
    let mut sizes = Vec::new();
    for filter in filters {
        let matching = |permission: &&Permission| {
            filter.category.is_none_or(|category| permission.category == category)
                && filter.status.is_none_or(|status| permission.status == status)
        };
        let expected: Vec<_> = stored.iter().filter(matching).cloned().collect();
        sizes.push(expected.len());
        for limit in [1, 4, 21, 200] {
            let read = || all_pages(limit, |page| ports.permissions.list(filter, page));
            eventually(expected.clone(), read).await;
        }
    }
    assert_eq!(sizes, [21, 6, 6, 5, 1, 0]);
    let page = ports.permissions.list(all, PageRequest::first(21)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (21, None), "a full last page has no next");
}

/// Cursors of other lists and malformed positions are refused.
pub async fn permissions_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    inserted(&ports, &make, make.permission()).await;
    for status in [None, Some(PermissionStatus::Active)] {
        let filter = PermissionFilter { status, category: None };
        refuses_foreign_cursors("permissions", |page| ports.permissions.list(filter, page)).await;
    }
}
