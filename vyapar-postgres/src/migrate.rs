//! The schema's migrations, beside a host's own.

use std::sync::LazyLock;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, Executor, PgPool, SqlSafeStr};
use vyapar_core::{RepositoryError, RepositoryErrorKind, Stored};

use crate::error;

/// (version, what it does, SQL) of each file in `migrations/`. A shipped file never changes.
macro_rules! files {
    ($(($version:literal, $name:literal)),* $(,)?) => {
        &[$(($version, $name, include_str!(concat!("../migrations/", $version, "_", $name, ".sql")))),*]
    };
}

const FILES: &[(&str, &str, &str)] = files![
    ("0001", "system_schema"),
    ("0002", "system_audit"),
    ("0003", "store_stores"),
    ("0004", "inventory_products"),
    ("0005", "inventory_stock"),
    ("0006", "inventory_reserve"),
    ("0007", "inventory_settle"),
    ("0008", "inventory_change"),
    ("0009", "order_orders"),
    ("0010", "payment_payments"),
    ("0011", "inventory_reserve_many"),
    ("0012", "inventory_settle_many"),
    ("0013", "order_insert_many"),
    ("0014", "store_find_many"),
    ("0015", "order_place_many"),
    ("0016", "system_scopes"),
    ("0017", "identity_users"),
    ("0018", "identity_codes"),
    ("0019", "access_grants"),
    ("0020", "store_members"),
    ("0021", "order_own_rows"),
    ("0022", "store_public"),
    ("0023", "order_line_notes"),
    ("0024", "store_counters"),
    ("0025", "store_nearby"),
    ("0026", "customer_customers"),
    ("0027", "order_place_all"),
    ("0028", "order_place_all_inline"),
    ("0029", "inventory_movement_ids"),
    ("0030", "system_fewer_indexes"),
    ("0031", "order_natural_keys"),
    ("0032", "system_domains"),
    ("0033", "order_abandoned_in_history"),
    ("0034", "inventory_upc"),
    ("0035", "order_lean_batches"),
    ("0036", "system_ids_by_bytes"),
    ("0037", "inventory_largest_returns"),
];

/// The migrations, for hosts that run them with their own tools. What was applied is noted in
/// `vyapar.migrations`, never in the host's `_sqlx_migrations`.
///
/// A host that ran the files by hand notes them with `MIGRATOR.skip(&pool, None)`.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let migrations = FILES
        .iter()
        .zip(1_i64..)
        .map(|((_, name, sql), version)| {
            Migration::new(version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.create_schema("vyapar");
    migrator.dangerous_set_table_name("vyapar.migrations");
    migrator
});

/// Runs what has not run yet. Safe to call from several processes at once: they take turns.
pub(crate) async fn run(pool: &PgPool) -> Stored<()> {
    // A connection of its own: the turn is a lock of the session, and must end with it even
    // when a migration fails or the caller goes away.
    let mut connection = pool.acquire().await.map_err(|e| error::connecting(e, "migrating"))?.detach();
    connection.execute("set statement_timeout = 0").await.map_err(|e| error::connecting(e, "migrating"))?;
    MIGRATOR
        .run_direct(None, &mut connection, false)
        .await
        .map_err(|e| RepositoryError::new(RepositoryErrorKind::Backend, format!("migrating: {e}")).with_source(e))?;
    connection.close().await.map_err(|e| error::connecting(e, "migrating"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_listed_in_its_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut on_disk: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        on_disk.sort();
        let listed: Vec<_> = FILES.iter().map(|(version, name, _)| format!("{version}_{name}.sql")).collect();
        assert_eq!(listed, on_disk);
        for (number, (version, ..)) in (1..).zip(FILES) {
            assert_eq!(version.parse(), Ok(number));
        }
    }
}
