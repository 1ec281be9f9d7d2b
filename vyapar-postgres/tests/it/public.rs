//! What everyone sees: two views, and nothing else.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};
use vyapar_core::inventory::ProductStatus;
use vyapar_core::store::{Store, StoreStatus};
use vyapar_core::testing::{Fixtures, run};

use crate::database::{TestDatabase, server};

/// What a statement answers as `vyapar_public`: how many rows, or the SQLSTATE of its refusal.
async fn publicly(connection: &mut PgConnection, statement: &str) -> Result<usize, String> {
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("set local role vyapar_public").await.unwrap();
    // Settings that open everything for `vyapar_app` open nothing here.
    transaction.execute("set local vyapar.all_stores = 'on'; set local vyapar.identity = 'on'").await.unwrap();
    match transaction.fetch_all(AssertSqlSafe(statement.to_owned())).await {
        Ok(rows) => Ok(rows.len()),
        Err(sqlx::Error::Database(error)) => Err(error.code().unwrap().into_owned()),
        Err(other) => panic!("{statement}: {other:?}"),
    }
}

/// The columns of a view.
async fn columns(connection: &mut PgConnection, view: &str) -> Vec<String> {
    let columns =
        "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0 order by attnum";
    let rows = connection.fetch_all(sqlx::query(columns).bind(format!("vyapar.{view}"))).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn active_products_of_active_stores_without_anything_private() {
    run(async {
        let database = TestDatabase::create().await;
        let (make, ports) = (Fixtures::here(), database.postgres().ports());
        for store_status in StoreStatus::ALL {
            let store = Store { status: *store_status, ..make.full_store() };
            ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
            for status in ProductStatus::ALL {
                let mut product = make.full_product(store.id);
                product.status = *status;
                ports.product.products.insert(store.id, product, make.bare_audit()).await.unwrap();
            }
        }
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let connection = &mut connection;
        assert_eq!(publicly(connection, "select * from vyapar.public_stores").await, Ok(1));
        assert_eq!(publicly(connection, "select * from vyapar.public_products").await, Ok(1));
        let joined = "select from vyapar.public_products p join vyapar.public_stores s on s.id = p.store_id";
        assert_eq!(publicly(connection, joined).await, Ok(1));
        let stores = "id store_id store_name address city state pincode latitude longitude store_type business_hours \
                      delivery_radius_km min_order_amount delivery_fee preparation_minutes accepts_online_payment \
                      verified rating rating_count";
        assert_eq!(columns(connection, "public_stores").await.join(" "), stores);
        let products = "id store_id generic_product_id sku barcode product_name brand_id variant_type size size_unit \
                        hsn_code mrp selling_price tax_rate discount_percentage stock_unit";
        assert_eq!(columns(connection, "public_products").await.join(" "), products);
    });
}

#[test]
fn nothing_else() {
    run(async {
        let database = TestDatabase::create().await;
        let mut connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
        let connection = &mut connection;
        let tables = "select relname::text from pg_class
            where relnamespace = 'vyapar'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
              and relname not like 'public\\_%'";
        let tables: Vec<String> = connection.fetch_all(tables).await.unwrap().iter().map(|row| row.get(0)).collect();
        assert!(tables.len() > 20);
        let denied = Err("42501".to_owned());
        for table in tables {
            assert_eq!(publicly(connection, &format!("select * from vyapar.{table}")).await, denied, "{table}");
        }
        for statement in [
            "update vyapar.public_stores set verified = true",
            "delete from vyapar.public_stores",
            "create table vyapar.mine (id integer)",
        ] {
            assert_eq!(publicly(connection, statement).await, denied, "{statement}");
        }
    });
}

#[test]
fn not_through_the_functions_either() {
    run(async {
        let database = TestDatabase::create().await;
        let login = database.name().replace("vyapar_test", "vyapar_web");
        let mut admin = PgConnection::connect_with(&server()).await.unwrap();
        let create = format!("create role {login} login; grant vyapar_public to {login}");
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        let options = server().database(database.name()).username(&login);
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        connection.execute("select * from vyapar.public_stores").await.unwrap();
        for call in [
            "select vyapar.find_user(gen_random_uuid(), 100)",
            "select vyapar.find_order(gen_random_uuid(), 'x', 100)",
            "select vyapar.enter_identity(100)",
            "select vyapar.insert_audit('{}')",
            "select vyapar.isolate_identity('users')",
        ] {
            let refusal = connection.execute(call).await.unwrap_err();
            assert_eq!(refusal.as_database_error().unwrap().code().as_deref(), Some("42501"), "{call}");
        }
        connection.close().await.unwrap();
        drop(database);
        admin.execute(AssertSqlSafe(format!("drop role {login}"))).await.unwrap();
    });
}
