//! Access: `PermissionRepository`, `RoleRepository`, `GrantRepository`.

pub mod grants;
pub mod permissions;
pub mod roles;
pub mod super_admins;

use super::support::{all_pages, eventually};
use crate::access::{AccessPorts, Assignment, GrantOutcome, GrantTarget, Grants, Guard};
use crate::error::RepositoryErrorKind;
use crate::id::UserId;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// The unit, and fixtures of the calling line.
#[track_caller]
fn setup(bench: &Bench) -> (AccessPorts, Fixtures) {
    (bench.ports.access.clone(), Fixtures::here())
}

const fn taken(constraint: &'static str) -> RepositoryErrorKind {
    RepositoryErrorKind::AlreadyExists { constraint }
}

/// An entry about what that user was given.
fn audit(make: &Fixtures, user: UserId) -> AuditEntry {
    make.audit(None, "access.grant", "user", &user.to_string())
}

/// Stores the grants where the version before them is stored.
async fn save(ports: &AccessPorts, make: &Fixtures, grants: &Grants, guard: Guard) -> GrantOutcome {
    let (expected, entry) = (grants.version - 1, audit(make, grants.user_id));
    ports.grants.save(grants.clone(), expected, guard, entry).await.unwrap()
}

/// The grants, saved without a change of the number of super admins.
async fn saved(ports: &AccessPorts, make: &Fixtures, grants: Grants) -> Grants {
    assert_eq!(save(ports, make, &grants, Guard::Keep).await, GrantOutcome::Saved);
    grants
}

/// The same grants, their assignments in one order: the record keeps none of its own.
fn sorted(mut grants: Grants) -> Grants {
    grants.assignments.sort_by_key(Assignment::assignment_id);
    grants
}

async fn of_user(ports: &AccessPorts, user: UserId) -> Option<Grants> {
    ports.grants.of_user(user).await.unwrap().map(sorted)
}

/// The next version of the grants, with other assignments.
fn next(grants: &Grants, assignments: Vec<Assignment>) -> Grants {
    Grants { assignments, version: grants.version + 1, ..grants.clone() }
}

fn permission(make: &Fixtures) -> GrantTarget {
    GrantTarget::Permission(make.permission_id())
}

async fn held_by(ports: &AccessPorts, target: &GrantTarget, expected: &[Assignment]) {
    eventually(expected.to_vec(), || all_pages(50, |page| ports.grants.holders(target, page))).await;
}

/// How many of the outcomes are that one.
fn count(outcomes: &[GrantOutcome], which: GrantOutcome) -> usize {
    outcomes.iter().filter(|outcome| **outcome == which).count()
}

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __access_promises {
    ($then:ident) => {
        $crate::$then! { access
            permissions [
                a_permission_reads_back_exactly
                ids_of_permissions_are_unique
                permissions_are_read_many_at_a_time
                an_update_of_a_permission_replaces_all_that_may_change
                a_stale_update_of_a_permission_changes_nothing
                of_sixteen_updates_of_a_permission_at_once_one_is_stored
                permissions_come_by_id_page_by_page
                permissions_refuse_cursors_they_did_not_give_out
            ]
            roles [
                a_role_reads_back_exactly
                ids_of_roles_are_unique
                a_deleted_role_keeps_its_id_and_is_in_no_list
                roles_are_read_many_at_a_time
                an_update_of_a_role_replaces_all_that_may_change
                a_stale_update_of_a_role_changes_nothing
                of_sixteen_updates_of_a_role_at_once_one_is_stored
                roles_come_by_level_then_id_page_by_page
                roles_refuse_cursors_they_did_not_give_out
            ]
            grants [
                grants_read_back_exactly
                grants_are_replaced_whole
                a_stale_save_of_grants_changes_nothing
                of_sixteen_first_saves_at_once_one_is_stored
                of_sixteen_saves_of_one_version_one_is_stored
                a_user_has_so_many_assignments_and_no_more
                holders_follow_the_record
                holders_come_by_user_then_type_page_by_page
                holders_refuse_cursors_they_did_not_give_out
            ]
            super_admins [
                the_first_super_admin_is_made_once
                the_last_super_admin_stays
                a_save_that_keeps_the_count_moves_nothing
                a_stale_save_is_stale_whatever_its_guard_says
                sixteen_first_super_admins_at_once_are_one
                of_two_super_admins_who_remove_each_other_one_stays
                of_sixteen_super_admins_removed_at_once_one_stays
            ]
        }
    };
}
