//! What users were given.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use super::{audit, count, held_by, next, of_user, permission, save, saved, setup, sorted};
use crate::access::{
    AccessPorts, Assignment, AssignmentType, GrantOutcome, GrantTarget, Grants, Guard, MAX_ASSIGNMENTS, Scope,
};
use crate::error::RepositoryErrorKind;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// Every kind of assignment, none at all, and a suspended account read back exactly, each
/// with its audit entry.
pub async fn grants_read_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let both = make.permission_id();
    let full = Grants {
        suspended: true,
        ..make.grants(
            user,
            vec![
                make.denial(user, both.clone()),
                make.assignment(user, GrantTarget::Permission(both)),
                make.assignment(user, GrantTarget::Role(make.role_id())),
                Assignment {
                    granted_by: Some(make.user_id()),
                    scope: Scope::Platform,
                    expires_at: Some(make.now() - TimeDelta::days(3)),
                    assigned_at: make.now() + TimeDelta::microseconds(1),
                    ..make.assignment(user, permission(&make))
                },
                make.denial(user, make.full_permission().id),
                make.assignment(user, GrantTarget::Role(make.full_role().id)),
            ],
        )
    };
    let empty = make.grants(make.user_id(), Vec::new());
    for grants in [full, empty] {
        let entry = audit(&make, grants.user_id);
        let outcome = ports.grants.save(grants.clone(), 0, Guard::Keep, entry.clone()).await.unwrap();
        assert_eq!(outcome, GrantOutcome::Saved);
        assert_eq!(of_user(&ports, grants.user_id).await, Some(sorted(grants)));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(of_user(&ports, make.user_id()).await, None);
}

/// Another save replaces all that a user has, and leaves other users alone.
pub async fn grants_are_replaced_whole(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (user, other) = (make.user_id(), make.user_id());
    let shared = permission(&make);
    let theirs = saved(&ports, &make, make.grants(other, vec![make.assignment(other, shared.clone())])).await;
    let mine = make.assignment(user, shared);
    let first = make.grants(user, vec![mine.clone(), make.assignment(user, permission(&make))]);
    let mut entries = vec![audit(&make, user)];
    ports.grants.save(first.clone(), 0, Guard::Keep, entries[0].clone()).await.unwrap();
    let changed = Assignment { expires_at: Some(make.now() + TimeDelta::days(1)), ..mine };
    let second = next(&first, vec![make.assignment(user, GrantTarget::Role(make.role_id())), changed]);
    let third = Grants { suspended: true, ..next(&second, Vec::new()) };
    let fourth = Grants { suspended: false, ..next(&third, first.assignments.clone()) };
    for grants in [second, third, fourth] {
        let entry = audit(&make, user);
        let outcome = ports.grants.save(grants.clone(), grants.version - 1, Guard::Keep, entry.clone()).await.unwrap();
        assert_eq!(outcome, GrantOutcome::Saved);
        assert_eq!(of_user(&ports, user).await, Some(sorted(grants)));
        entries.push(entry);
        audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    }
    assert_eq!(of_user(&ports, other).await, Some(theirs));
}

/// A save of another version than the stored one changes nothing: neither the record, nor its
/// rows, nor the audit log.
pub async fn a_stale_save_of_grants_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let (had, wanted) = (permission(&make), permission(&make));
    let first = make.grants(user, vec![make.assignment(user, had.clone())]);
    let mut entries = vec![audit(&make, user)];
    ports.grants.save(first.clone(), 0, Guard::Keep, entries[0].clone()).await.unwrap();
    let second = next(&first, first.assignments.clone());
    entries.push(audit(&make, user));
    ports.grants.save(second.clone(), 1, Guard::Keep, entries[1].clone()).await.unwrap();
    for expected in [0, 1, 3, 9] {
        let late = Grants { version: expected + 1, ..make.grants(user, vec![make.assignment(user, wanted.clone())]) };
        let outcome = ports.grants.save(late, expected, Guard::Keep, audit(&make, user)).await.unwrap();
        assert_eq!(outcome, GrantOutcome::Stale);
    }
    let absent = Grants { version: 2, ..make.grants(make.user_id(), Vec::new()) };
    assert_eq!(save(&ports, &make, &absent, Guard::Keep).await, GrantOutcome::Stale);
    assert_eq!(of_user(&ports, absent.user_id).await, None);
    held_by(&ports, &had, &second.assignments).await;
    held_by(&ports, &wanted, &[]).await;
    assert_eq!(of_user(&ports, user).await, Some(second));
    audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
}

/// Sixteen saves of one version at once: one is stored, with its own rows and audit entry.
async fn race(ports: &AccessPorts, make: &Fixtures, before: &Grants, entries: &[&AuditEntry]) {
    let user = before.user_id;
    let saves: Vec<_> = (0..16)
        .map(|_| {
            let grants = next(before, vec![make.assignment(user, permission(make))]);
            (grants, audit(make, user))
        })
        .collect();
    let outcomes = at_once(saves.iter().cloned().map(|(grants, entry)| {
        let (ports, expected) = (ports.clone(), before.version);
        async move { ports.grants.save(grants, expected, Guard::Keep, entry).await.unwrap() }
    }))
    .await;
    let mut won = Vec::new();
    for ((grants, entry), outcome) in saves.iter().zip(&outcomes) {
        let is_stored = *outcome == GrantOutcome::Saved;
        held_by(ports, &grants.assignments[0].target, if is_stored { &grants.assignments } else { &[] }).await;
        if is_stored {
            won.push((grants, entry));
        }
    }
    assert_eq!((won.len(), count(&outcomes, GrantOutcome::Stale)), (1, 15), "{outcomes:?}");
    assert_eq!(of_user(ports, user).await.as_ref(), Some(won[0].0));
    let mut entries = entries.to_vec();
    entries.push(won[0].1);
    audited(&ports.audit, &entries).await;
}

/// Of sixteen first saves for one user at once exactly one is stored.
pub async fn of_sixteen_first_saves_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    race(&ports, &make, &Grants::none(make.user_id()), &[]).await;
}

/// Of sixteen saves of one version at once exactly one is stored, and what it replaced is
/// gone.
pub async fn of_sixteen_saves_of_one_version_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let first = make.grants(user, vec![make.assignment(user, permission(&make))]);
    let entry = audit(&make, user);
    ports.grants.save(first.clone(), 0, Guard::Keep, entry.clone()).await.unwrap();
    race(&ports, &make, &first, &[&entry]).await;
    held_by(&ports, &first.assignments[0].target, &[]).await;
}

/// A user has as many assignments as the limit says, all replaced in one write, and not one
/// more.
pub async fn a_user_has_so_many_assignments_and_no_more(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let many = |count: usize| (0..count).map(|_| make.assignment(user, permission(&make))).collect::<Vec<_>>();
    let first = make.grants(user, many(MAX_ASSIGNMENTS));
    let entry = audit(&make, user);
    ports.grants.save(first.clone(), 0, Guard::Keep, entry.clone()).await.unwrap();
    assert_eq!(of_user(&ports, user).await, Some(sorted(first.clone())));
    // None of the old ones stays, and none of the new ones is among the old.
    let second = next(&first, many(MAX_ASSIGNMENTS));
    let other = audit(&make, user);
    let outcome = ports.grants.save(second.clone(), 1, Guard::Keep, other.clone()).await.unwrap();
    assert_eq!(outcome, GrantOutcome::Saved);
    let second = sorted(second);
    assert_eq!(of_user(&ports, user).await.as_ref(), Some(&second));
    let third = next(&second, many(MAX_ASSIGNMENTS + 1));
    let kind = refusal(ports.grants.save(third, 2, Guard::Keep, audit(&make, user)).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "assignments", max: 64 });
    assert_eq!(of_user(&ports, user).await, Some(second));
    audited(&ports.audit, &[&entry, &other]).await;
}

/// Holders are what the records say: as given, as replaced, and no longer once removed.
pub async fn holders_follow_the_record(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let id = make.permission_id();
    let (target, role) = (GrantTarget::Permission(id.clone()), GrantTarget::Role(make.role_id()));
    let direct = make.assignment(user, target.clone());
    let denied = make.denial(user, id);
    let has_role = make.assignment(user, role.clone());
    let first = saved(&ports, &make, make.grants(user, vec![direct.clone(), denied.clone(), has_role.clone()])).await;
    held_by(&ports, &target, &[direct.clone(), denied.clone()]).await;
    held_by(&ports, &role, std::slice::from_ref(&has_role)).await;
    held_by(&ports, &permission(&make), &[]).await;

    let until = Some(make.now() + TimeDelta::hours(1));
    let replaced = Assignment { expires_at: until, granted_by: Some(make.user_id()), ..direct };
    let second = saved(&ports, &make, next(&first, vec![replaced.clone(), denied])).await;
    held_by(&ports, &target, &second.assignments).await;
    held_by(&ports, &role, &[]).await;

    let third = saved(&ports, &make, next(&second, vec![replaced])).await;
    held_by(&ports, &target, &third.assignments).await;
    saved(&ports, &make, next(&third, Vec::new())).await;
    held_by(&ports, &target, &[]).await;
}

/// Holders come by user id, a user's by type, page by page, each once, expired ones too.
pub async fn holders_come_by_user_then_type_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let id = make.permission_id();
    let target = GrantTarget::Permission(id.clone());
    let mut expected = Vec::new();
    for at in 0..11 {
        let user = make.user_id();
        let mut given = Vec::new();
        if at % 3 != 1 {
            given.push(Assignment {
                expires_at: (at % 2 == 0).then(|| make.now() - TimeDelta::days(1)),
                ..make.assignment(user, target.clone())
            });
        }
        if at % 3 != 2 {
            given.push(make.denial(user, id.clone()));
        }
        expected.extend(given.iter().cloned());
        given.push(make.assignment(user, permission(&make)));
        saved(&ports, &make, make.grants(user, make.shuffled(given))).await;
    }
    expected.sort_by_key(|given| (given.user_id, given.assignment_type != AssignmentType::Direct));
    for limit in [1, 2, 5, 15, 200] {
        eventually(expected.clone(), || all_pages(limit, |page| ports.grants.holders(&target, page))).await;
    }
    assert_eq!(expected.len(), 15);
}

/// Cursors of other lists and malformed positions are refused.
pub async fn holders_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let target = permission(&make);
    saved(&ports, &make, make.grants(user, vec![make.assignment(user, target.clone())])).await;
    refuses_foreign_cursors("holders", |page| ports.grants.holders(&target, page)).await;
}
