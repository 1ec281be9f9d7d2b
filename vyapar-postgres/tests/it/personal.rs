//! Nothing personal lies in the clear in any table, whatever column it could be in.

use sqlx::{AssertSqlSafe, Row};
use vyapar_core::testing::town::{PERSONAL, busy_town};
use vyapar_core::testing::{Bench, Fixtures, run};

use crate::database::TestDatabase;

/// The needle as `bytea` is printed.
fn hex(needle: &str) -> String {
    needle.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn raw_tables_hold_nothing_personal() {
    run(async {
        let database = TestDatabase::create().await;
        busy_town(&Bench::new(database.postgres().ports()), Fixtures::here()).await;
        let tables = "select format('%I', c.relname) from pg_class c
             where c.relnamespace = 'vyapar'::regnamespace and c.relkind = 'r' order by 1";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(database.pool()).await.unwrap();
        assert!(tables.len() >= 20, "{tables:?}");
        let mut raw = String::new();
        for table in &tables {
            // (As the tests' own login, which sees every row.)
            let rows = format!("select t::text from vyapar.{table} t");
            let rows = sqlx::query(AssertSqlSafe(rows)).fetch_all(database.pool()).await.unwrap();
            rows.iter().for_each(|row| raw.push_str(row.get::<&str, _>(0)));
        }
        for public in ["ROLE_VIEWER", "order.place", "Sharma Kirana"] {
            assert!(raw.contains(public), "{public} is not personal and is there");
        }
        for needle in PERSONAL {
            assert!(!raw.contains(needle) && !raw.contains(&hex(needle)), "{needle} is stored in the clear");
        }
    });
}
