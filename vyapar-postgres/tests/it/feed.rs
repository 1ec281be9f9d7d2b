//! The audit feed while writers run: what commits late appears late, never behind a cursor.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use vyapar_core::system::AuditLog;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{AuditId, Cursor};

use crate::database::{TestDatabase, server};

/// Follows the feed until it has given `count` entries, however late: transactions of any
/// database of the server hold it up.
async fn follow(audit: &dyn AuditLog, mut from: Option<Cursor>, count: usize) -> (Vec<AuditId>, Option<Cursor>) {
    let mut seen = Vec::new();
    while seen.len() < count {
        let page = audit.feed(from, 100).await.unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.id));
        from = Some(page.next);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (seen, from)
}

#[test]
fn nothing_is_given_out_ahead_of_a_running_transaction() {
    run(async {
        let database = TestDatabase::create().await;
        let audit = database.postgres().ports().system.audit;
        let fixtures = Fixtures::here();
        let entries: Vec<_> = (0..3).map(|_| fixtures.bare_audit()).collect();
        audit.append(entries[0].clone()).await.unwrap();
        let mut other = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let mut slow = other.begin().await.unwrap();
        let late = fixtures.audit_id();
        slow.execute(AssertSqlSafe(format!(
            "insert into vyapar.audit_logs (id, action, entity_type, entity_id, created_at)
             values ('{late}', 'slow', 'user', '1', now())"
        )))
        .await
        .unwrap();
        // Written after the slow one began, and committed before it.
        audit.append(entries[1].clone()).await.unwrap();
        let (first, cursor) = follow(&*audit, None, 1).await;
        assert_eq!(first, [entries[0].id]);
        for _ in 0..10 {
            assert_eq!(audit.feed(cursor.clone(), 100).await.unwrap().entries, []);
        }
        slow.commit().await.unwrap();
        audit.append(entries[2].clone()).await.unwrap();
        let (rest, cursor) = follow(&*audit, cursor, 3).await;
        assert_eq!(rest, [late, entries[1].id, entries[2].id]);
        assert_eq!(audit.feed(cursor, 100).await.unwrap().entries, []);
    });
}
