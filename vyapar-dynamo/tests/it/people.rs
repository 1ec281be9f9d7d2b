//! Accounts and grants: what TTL takes away, and what a full transaction leaves behind.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::PageRequest;
use vyapar_core::access::{Assignment, GrantOutcome, GrantTarget, Grants, Guard};
use vyapar_core::identity::ContactKind;
use vyapar_core::testing::{Fixtures, run};
use vyapar_dynamo::tables::USER_PERMISSIONS;

use crate::support::bench::{Fresh, fresh};

fn next(grants: &Grants, assignments: Vec<Assignment>) -> Grants {
    Grants { assignments, version: grants.version + 1, ..grants.clone() }
}

async fn save(fresh: &Fresh, make: &Fixtures, grants: &Grants, guard: Guard) {
    let ports = fresh.dynamo.access();
    let outcome = ports.grants.save(grants.clone(), grants.version - 1, guard, make.bare_audit()).await.unwrap();
    assert_eq!(outcome, GrantOutcome::Saved);
}

async fn holders(fresh: &Fresh, target: &GrantTarget) -> Vec<Assignment> {
    fresh.dynamo.access().grants.holders(target, PageRequest::default()).await.unwrap().items
}

/// How many items stand in the table.
async fn count(fresh: &Fresh) -> i32 {
    fresh.client.scan().table_name(fresh.names.of(&USER_PERMISSIONS)).send().await.unwrap().count()
}

#[test]
fn expired_assignments_vanish_from_the_indexes_alone() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::here();
        let mut admin = make.super_admin();
        let user = admin.user_id;
        let permission = make.permission_id();
        let target = GrantTarget::Permission(permission.clone());
        // The test's clock is in the past, so what expires by it has expired by the server's.
        admin.assignments.push(make.denial(user, permission));
        save(&fresh, &make, &admin, Guard::First).await;
        assert_eq!(count(&fresh).await, 4);
        assert_eq!(holders(&fresh, &target).await.len(), 1);
        let Some(swept) = fresh.server.sweep_ttl() else { return };
        assert_eq!((swept, count(&fresh).await), (1, 3));
        assert_eq!(holders(&fresh, &target).await, []);
        let grants = fresh.dynamo.access().grants;
        let mut stored = grants.of_user(user).await.unwrap().unwrap();
        stored.assignments.sort_by_key(|given| given.target.clone());
        admin.assignments.sort_by_key(|given| given.target.clone());
        assert_eq!(stored, admin, "what decides is whole");
        // What is gone from the indexes can be kept, replaced and removed.
        let kept = next(&admin, admin.assignments.clone());
        save(&fresh, &make, &kept, Guard::Keep).await;
        let mut replaced = next(&kept, kept.assignments.clone());
        for given in replaced.assignments.iter_mut().filter(|given| given.target == target) {
            given.expires_at = None;
        }
        save(&fresh, &make, &replaced, Guard::Keep).await;
        assert_eq!(holders(&fresh, &target).await.len(), 1);
        fresh.server.sweep_ttl();
        let none = next(&replaced, Vec::new());
        let last = grants.save(none, replaced.version, Guard::Remove, make.bare_audit()).await.unwrap();
        assert_eq!(last, GrantOutcome::Guarded);
        assert_eq!(count(&fresh).await, 4);
    });
}

#[test]
fn what_a_full_transaction_left_misleads_nobody_and_goes_with_the_next() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::here();
        let user = make.user_id();
        let many = || (0..64).map(|_| make.assignment(user, GrantTarget::Permission(make.permission_id()))).collect();
        let first = make.grants(user, many());
        save(&fresh, &make, &first, Guard::Keep).await;
        // 64 removed and 64 added are more than one transaction has room for.
        let second = next(&first, many());
        save(&fresh, &make, &second, Guard::Keep).await;
        assert_eq!(count(&fresh).await, 65, "cleared at once");
        // As if the process had died before it cleared: one is left.
        let table = fresh.names.of(&USER_PERMISSIONS);
        let gone = &first.assignments[0];
        let id = AttributeValue::S(gone.assignment_id());
        let put = fresh.client.put_item().table_name(&table).item("assignment_id", id.clone());
        let put = put.item("user_id", AttributeValue::S(user.to_string()));
        let put = put.item("assignment_type", AttributeValue::S("direct".to_owned()));
        put.item("permission_id", AttributeValue::S(gone.target.to_string())).send().await.unwrap();
        let head = AttributeValue::S(format!("grants#{user}"));
        let update = fresh.client.update_item().table_name(&table).key("assignment_id", head);
        let left = AttributeValue::Ss(vec![gone.assignment_id()]);
        update
            .update_expression("SET leftover = :left")
            .expression_attribute_values(":left", left)
            .send()
            .await
            .unwrap();
        assert_eq!(count(&fresh).await, 66);
        assert_eq!(holders(&fresh, &gone.target).await, []);
        let third = next(&second, second.assignments[1..].to_vec());
        save(&fresh, &make, &third, Guard::Keep).await;
        assert_eq!(count(&fresh).await, 64);
    });
}

#[test]
fn expiry_takes_sessions_codes_and_failed_sign_ins_and_no_account() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::here();
        let ports = fresh.dynamo.identity();
        let user = make.user();
        ports.users.insert(user.clone(), make.bare_audit()).await.unwrap();
        let (open, over) = (make.session(&user), make.full_session(&user));
        let mut open = open;
        open.expires_at = "2999-01-01T00:00:00Z".parse().unwrap();
        for session in [&open, &over] {
            ports.sessions.start(session.clone(), make.bare_audit()).await.unwrap();
        }
        let (book, attempts) = (make.otp_book(), make.login_attempts());
        ports.otps.save(book.clone(), 0, None).await.unwrap();
        ports.attempts.save(attempts.clone(), 0).await.unwrap();
        let Some(swept) = fresh.server.sweep_ttl() else { return };
        assert_eq!(swept, 4, "a session, a code, its book, a failed sign-in");
        assert_eq!(ports.sessions.get(open.id).await.unwrap(), Some(open));
        assert_eq!(ports.sessions.get(over.id).await.unwrap(), None);
        assert_eq!(ports.sessions.list_by_user(user.id, PageRequest::default()).await.unwrap().items.len(), 1);
        assert_eq!(ports.otps.get(book.phone).await.unwrap(), None);
        assert_eq!(ports.attempts.get(attempts.key).await.unwrap(), None);
        let lookups = user.phone.as_ref().unwrap().lookups.clone();
        let found = ports.users.find(ContactKind::Phone, &lookups).await.unwrap();
        assert_eq!(found.map(|user| user.id), Some(user.id));
    });
}
