//! The number of super admins, which goes with the grants.

use super::super::support::{at_once, audited};
use super::{audit, count, held_by, next, of_user, permission, save, saved, setup};
use crate::access::{AccessPorts, GrantOutcome, GrantTarget, Grants, Guard, RoleId};
use crate::testing::{Bench, Fixtures};

/// The first super admin is made while there is none, and never again.
pub async fn the_first_super_admin_is_made_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (first, second) = (make.super_admin(), make.super_admin());
    let entry = audit(&make, first.user_id);
    let outcome = ports.grants.save(first.clone(), 0, Guard::First, entry.clone()).await.unwrap();
    assert_eq!(outcome, GrantOutcome::Saved);
    let theirs = permission(&make);
    let assignments = vec![second.assignments[0].clone(), make.assignment(second.user_id, theirs.clone())];
    let refused = Grants { assignments, ..second.clone() };
    assert_eq!(save(&ports, &make, &refused, Guard::First).await, GrantOutcome::Guarded);
    assert_eq!(of_user(&ports, second.user_id).await, None);
    held_by(&ports, &theirs, &[]).await;
    held_by(&ports, &GrantTarget::Role(RoleId::SUPER_ADMIN), &first.assignments).await;
    // What was refused is not counted either.
    assert_eq!(save(&ports, &make, &next(&first, Vec::new()), Guard::Remove).await, GrantOutcome::Guarded);
    let own = audit(&make, second.user_id);
    let outcome = ports.grants.save(second.clone(), 0, Guard::Add, own.clone()).await.unwrap();
    assert_eq!(outcome, GrantOutcome::Saved);
    assert_eq!(of_user(&ports, second.user_id).await, Some(second));
    audited(&ports.audit, &[&entry]).await;
    audited(&ports.audit, &[&own]).await;
}

/// The last super admin cannot be removed, others can; where there is none, none is removed.
pub async fn the_last_super_admin_stays(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (first, second) = (make.super_admin(), make.super_admin());
    let nobody = make.grants(make.user_id(), Vec::new());
    assert_eq!(save(&ports, &make, &nobody, Guard::Remove).await, GrantOutcome::Guarded);
    assert_eq!(save(&ports, &make, &first, Guard::First).await, GrantOutcome::Saved);
    let removed = |grants: &Grants| next(grants, Vec::new());
    assert_eq!(save(&ports, &make, &removed(&first), Guard::Remove).await, GrantOutcome::Guarded);
    assert_eq!(of_user(&ports, first.user_id).await.as_ref(), Some(&first));
    let entry = audit(&make, second.user_id);
    let outcome = ports.grants.save(second.clone(), 0, Guard::Add, entry.clone()).await.unwrap();
    assert_eq!(outcome, GrantOutcome::Saved);
    assert_eq!(save(&ports, &make, &removed(&first), Guard::Remove).await, GrantOutcome::Saved);
    assert_eq!(of_user(&ports, first.user_id).await, Some(removed(&first)));
    assert_eq!(save(&ports, &make, &removed(&second), Guard::Remove).await, GrantOutcome::Guarded);
    held_by(&ports, &GrantTarget::Role(RoleId::SUPER_ADMIN), &second.assignments).await;
    assert_eq!(of_user(&ports, second.user_id).await, Some(second));
    audited(&ports.audit, &[&entry]).await;
}

/// Saves that say so leave the number of super admins as it is, whatever they contain.
pub async fn a_save_that_keeps_the_count_moves_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = make.user_id();
    let plain = saved(&ports, &make, make.grants(user, vec![make.assignment(user, permission(&make))])).await;
    saved(&ports, &make, make.super_admin()).await;
    let first = make.super_admin();
    assert_eq!(save(&ports, &make, &first, Guard::First).await, GrantOutcome::Saved, "none was counted before");
    saved(&ports, &make, next(&plain, Vec::new())).await;
    let kept = saved(&ports, &make, next(&first, first.assignments.clone())).await;
    assert_eq!(save(&ports, &make, &next(&kept, Vec::new()), Guard::Remove).await, GrantOutcome::Guarded);
}

/// A save of another version is stale also where its guard would refuse it, and moves no count
/// where the guard would not.
pub async fn a_stale_save_is_stale_whatever_its_guard_says(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.super_admin();
    let entry = audit(&make, first.user_id);
    ports.grants.save(first.clone(), 0, Guard::First, entry.clone()).await.unwrap();
    for guard in [Guard::Keep, Guard::First, Guard::Add, Guard::Remove] {
        for expected in [0, 2] {
            let late = Grants { version: expected + 1, assignments: Vec::new(), ..first.clone() };
            let outcome = ports.grants.save(late, expected, guard, audit(&make, first.user_id)).await.unwrap();
            assert_eq!(outcome, GrantOutcome::Stale, "{guard:?} at {expected}");
        }
    }
    assert_eq!(save(&ports, &make, &next(&first, Vec::new()), Guard::Remove).await, GrantOutcome::Guarded);
    assert_eq!(of_user(&ports, first.user_id).await, Some(first));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen who want to be the first super admin at once exactly one is.
pub async fn sixteen_first_super_admins_at_once_are_one(bench: &Bench) {
    let (ports, make) = setup(bench);
    let rivals: Vec<_> = (0..16)
        .map(|_| {
            let grants = make.super_admin();
            (audit(&make, grants.user_id), grants)
        })
        .collect();
    let outcomes = at_once(rivals.iter().cloned().map(|(entry, grants)| {
        let ports = ports.clone();
        async move { ports.grants.save(grants, 0, Guard::First, entry).await.unwrap() }
    }))
    .await;
    assert_eq!(count(&outcomes, GrantOutcome::Saved), 1, "{outcomes:?}");
    assert_eq!(count(&outcomes, GrantOutcome::Guarded), 15, "{outcomes:?}");
    for ((entry, grants), outcome) in rivals.iter().zip(outcomes) {
        if outcome == GrantOutcome::Saved {
            assert_eq!(of_user(&ports, grants.user_id).await.as_ref(), Some(grants));
            audited(&ports.audit, &[entry]).await;
            held_by(&ports, &GrantTarget::Role(RoleId::SUPER_ADMIN), &grants.assignments).await;
        } else {
            assert_eq!(of_user(&ports, grants.user_id).await, None);
        }
    }
}

/// So many super admins are removed at once: all but one of them go.
async fn remove_all(ports: &AccessPorts, make: &Fixtures, count_of_them: usize) {
    let mut admins = Vec::new();
    for at in 0..count_of_them {
        let admin = make.super_admin();
        let guard = if at == 0 { Guard::First } else { Guard::Add };
        assert_eq!(save(ports, make, &admin, guard).await, GrantOutcome::Saved);
        admins.push(admin);
    }
    let outcomes = at_once(admins.iter().map(|admin| {
        let (ports, grants, entry) = (ports.clone(), next(admin, Vec::new()), audit(make, admin.user_id));
        async move { ports.grants.save(grants, 1, Guard::Remove, entry).await.unwrap() }
    }))
    .await;
    assert_eq!(count(&outcomes, GrantOutcome::Guarded), 1, "{outcomes:?}");
    assert_eq!(count(&outcomes, GrantOutcome::Saved), count_of_them - 1, "{outcomes:?}");
    let mut left = Vec::new();
    for admin in &admins {
        let grants = of_user(ports, admin.user_id).await.unwrap();
        if grants.is_super_admin() {
            assert_eq!(grants, *admin);
            left.extend(grants.assignments);
        }
    }
    assert_eq!(left.len(), 1, "{left:?}");
    held_by(ports, &GrantTarget::Role(RoleId::SUPER_ADMIN), &left).await;
}

/// Of two super admins who remove each other at once one stays, time and again.
pub async fn of_two_super_admins_who_remove_each_other_one_stays(bench: &Bench) {
    let (ports, make) = setup(bench);
    remove_all(&ports, &make, 2).await;
    // The one who stayed is counted: another pair beside him goes, both of them.
    let pair = [make.super_admin(), make.super_admin()];
    for admin in &pair {
        assert_eq!(save(&ports, &make, admin, Guard::Add).await, GrantOutcome::Saved);
    }
    let outcomes = at_once(pair.iter().map(|admin| {
        let (ports, grants, entry) = (ports.clone(), next(admin, Vec::new()), audit(&make, admin.user_id));
        async move { ports.grants.save(grants, 1, Guard::Remove, entry).await.unwrap() }
    }))
    .await;
    assert_eq!(outcomes, [GrantOutcome::Saved, GrantOutcome::Saved]);
}

/// Of sixteen super admins removed at once one stays.
pub async fn of_sixteen_super_admins_removed_at_once_one_stays(bench: &Bench) {
    let (ports, make) = setup(bench);
    remove_all(&ports, &make, 16).await;
}
