//! Row-level security of accounts, memberships and what users were given: a transaction sees
//! them where it names their user, or sets the flag that only look-ups and writes of accounts
//! set; never because it names a store, all stores or a customer.

use sqlx::{Connection, PgConnection};
use vyapar_core::access::{GrantOutcome, GrantTarget, Guard};
use vyapar_core::identity::{StartOutcome, User};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{Ports, StoreId, UserId};

use crate::database::{TestDatabase, server};
use crate::isolation::{changed, fill, refused, seen};

/// Every table bound to accounts, and the column that says whose a row is, if it is one user's.
pub(crate) const TABLES: [(&str, Option<&str>); 9] = [
    ("users", Some("id")),
    ("user_lookups", Some("user_id")),
    ("sessions", Some("user_id")),
    ("user_grants", Some("user_id")),
    ("user_permissions", Some("user_id")),
    ("otp_verifications", None),
    ("otp_books", None),
    ("login_attempts", None),
    ("access_guard", None),
];
/// Tables that every transaction reads, because they are no secret, and only the flag changes.
pub(crate) const CATALOGUE: [&str; 2] = ["permissions", "roles"];

const IDENTITY: &str = "set local vyapar.identity = 'on'";

/// A user with a row in every table, who works in the store.
async fn person(ports: &Ports, make: &Fixtures, store: StoreId) -> UserId {
    let (identity, access) = (&ports.identity, &ports.access);
    let user = User { is_active: true, ..make.full_user() };
    identity.users.insert(user.clone(), make.bare_audit()).await.unwrap();
    let started = identity.sessions.start(make.session(&user), make.bare_audit()).await.unwrap();
    assert_eq!(started, StartOutcome::Started);
    identity.otps.save(make.full_otp_book(), 0, None).await.unwrap();
    identity.attempts.save(make.login_attempts(), 0).await.unwrap();
    let (permission, role) = (make.permission(), make.role());
    access.permissions.insert(permission.clone(), make.bare_audit()).await.unwrap();
    access.roles.insert(role, make.bare_audit()).await.unwrap();
    let given = make.assignment(user.id, GrantTarget::Permission(permission.id));
    let grants = make.grants(user.id, vec![given]);
    assert_eq!(access.grants.save(grants, 0, Guard::Keep, make.bare_audit()).await.unwrap(), GrantOutcome::Saved);
    let member = vyapar_core::store::StoreUser { user_id: user.id, ..make.member(store) };
    assert!(ports.store.members.insert(store, member, make.bare_audit()).await.unwrap());
    user.id
}

/// A database with two stores, their customers, and a user in each; a connection to it.
async fn setup() -> (TestDatabase, PgConnection, [UserId; 2], Vec<String>) {
    let database = TestDatabase::create().await;
    let (make, ports) = (Fixtures::here(), database.postgres().ports());
    let (here, customer) = fill(&database, &make).await;
    let (there, _) = fill(&database, &Fixtures::here()).await;
    let users = [person(&ports, &make, here).await, person(&ports, &make, there).await];
    let connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
    let others = vec![
        "select 1".to_owned(),
        "set local vyapar.\"user\" = ''; set local vyapar.identity = 'off'".to_owned(),
        format!("set local vyapar.stores = '{{{here},{there}}}'"),
        "set local vyapar.all_stores = 'on'".to_owned(),
        format!("set local vyapar.customer = '{customer}'"),
    ];
    (database, connection, users, others)
}

#[test]
fn only_his_own_where_the_transaction_names_him() {
    run(async {
        let (_database, mut connection, [asha, ravi], others) = setup().await;
        let connection = &mut connection;
        let her = format!("set local vyapar.\"user\" = '{asha}'");
        for (table, owner) in TABLES {
            let all = format!("select count(*) from vyapar.{table}");
            for settings in &others {
                assert_eq!(seen(connection, settings, &all).await, 0, "{table} after {settings}");
            }
            assert!(seen(connection, IDENTITY, &all).await > 0, "{table}");
            let Some(owner) = owner else {
                assert_eq!(seen(connection, &her, &all).await, 0, "{table}");
                continue;
            };
            assert!(seen(connection, &her, &all).await > 0, "{table}");
            assert_eq!(seen(connection, &her, &format!("{all} where {owner} <> '{asha}'")).await, 0, "{table}");
            assert!(seen(connection, IDENTITY, &format!("{all} where {owner} = '{ravi}'")).await > 0, "{table}");
        }
    });
}

#[test]
fn a_user_s_name_writes_nothing() {
    run(async {
        let (_database, mut connection, [asha, ravi], mut others) = setup().await;
        let connection = &mut connection;
        others.push(format!("set local vyapar.\"user\" = '{asha}'"));
        for settings in &others {
            for statement in [
                "update vyapar.users set session_epoch = 0",
                "update vyapar.user_lookups set position = 9",
                "delete from vyapar.user_lookups",
                "update vyapar.sessions set revoked_at = null",
                "delete from vyapar.sessions",
                "update vyapar.user_grants set suspended = false",
                "delete from vyapar.user_permissions",
                "update vyapar.otp_books set tries = '[]'",
                "delete from vyapar.login_attempts",
                "update vyapar.access_guard set super_admins = 9",
                "update vyapar.permissions set status = 'deprecated'",
                "update vyapar.roles set permissions = '{*}'",
            ] {
                assert_eq!(changed(connection, settings, statement).await, 0, "{statement} after {settings}");
            }
            for forged in [
                format!("insert into vyapar.user_lookups values ('phone', '\\x01', '{asha}', 1)"),
                format!("insert into vyapar.user_grants values ('{}', false, 1)", uuid::Uuid::nil()),
                format!(
                    "insert into vyapar.user_permissions values
                     ('x', '{asha}', 'ROLE_SUPER_ADMIN', null, 'role_inherited', 'allow', 'platform', null, now())"
                ),
                "insert into vyapar.access_guard values (false, 0)".to_owned(),
            ] {
                assert_eq!(refused(connection, settings, &forged).await, "42501", "{forged} after {settings}");
            }
        }
        // Nor does the flag remove what stays for good.
        for statement in [
            "delete from vyapar.users",
            "delete from vyapar.user_grants",
            "delete from vyapar.roles",
            "delete from vyapar.permissions",
            "update vyapar.user_permissions set effect = 'allow'",
        ] {
            assert_eq!(refused(connection, IDENTITY, statement).await, "42501", "{statement}");
        }
        // And it reaches nothing of stores.
        for table in crate::isolation::TABLES.map(|(table, _)| table) {
            assert_eq!(seen(connection, IDENTITY, &format!("select count(*) from vyapar.{table}")).await, 0, "{table}");
        }
        assert_ne!(asha, ravi);
    });
}

#[test]
fn everyone_reads_the_catalogue_of_permissions_and_roles() {
    run(async {
        let (_database, mut connection, _, others) = setup().await;
        for table in CATALOGUE {
            for settings in &others {
                let all = format!("select count(*) from vyapar.{table}");
                assert_eq!(seen(&mut connection, settings, &all).await, 2, "{table} after {settings}");
            }
        }
    });
}

#[test]
fn a_user_sees_his_own_memberships_in_every_store() {
    run(async {
        let (database, mut connection, [asha, ravi], _) = setup().await;
        let connection = &mut connection;
        let her = format!("set local vyapar.\"user\" = '{asha}'");
        let count = "select count(*) from vyapar.store_users";
        assert_eq!(seen(connection, &her, count).await, 1);
        assert_eq!(seen(connection, &her, &format!("{count} where user_id <> '{asha}'")).await, 0);
        assert_eq!(changed(connection, &her, "update vyapar.store_users set role = 'owner'").await, 0);
        for (table, _) in crate::isolation::TABLES.iter().filter(|(table, _)| *table != "store_users") {
            assert_eq!(seen(connection, &her, &format!("select count(*) from vyapar.{table}")).await, 0, "{table}");
        }
        let members = database.postgres().ports().store.members;
        for user in [asha, ravi] {
            let found = members.list_by_user(user).await.unwrap();
            assert_eq!(found.iter().map(|member| member.user_id).collect::<Vec<_>>(), [user]);
        }
    });
}

#[test]
fn what_a_session_had_set_counts_for_nothing() {
    run(async {
        let (database, _, [asha, ravi], _) = setup().await;
        // A host's connection that says it may see everything.
        let options = server().database(database.name()).options([
            ("vyapar.identity", "on"),
            ("vyapar.all_stores", "on"),
            ("vyapar.user", ravi.to_string().as_str()),
        ]);
        let pool = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        let seen = "select count(*) from vyapar.users";
        let both = async |enter: String| -> i64 {
            let mut transaction = pool.begin().await.unwrap();
            sqlx::query(sqlx::AssertSqlSafe(enter)).execute(&mut *transaction).await.unwrap();
            sqlx::query_scalar(seen).fetch_one(&mut *transaction).await.unwrap()
        };
        assert_eq!(both("select vyapar.enter('{}', 100)".to_owned()).await, 0);
        assert_eq!(both("select vyapar.enter_all_stores(100)".to_owned()).await, 0);
        assert_eq!(both(format!("select vyapar.enter_user('{asha}', 100)")).await, 1);
        assert_eq!(both("select vyapar.enter_identity(100)".to_owned()).await, 2);
        pool.close().await;
    });
}
