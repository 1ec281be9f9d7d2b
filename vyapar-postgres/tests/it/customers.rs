//! Row-level security of customers: a transaction sees and writes the rows of the customer it
//! names; sweeps over all stores read them, and seal the texts of addresses anew.

use sqlx::{Connection, PgConnection};
use vyapar_core::customer::CreditOutcome;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{CustomerId, Money, Ports};

use crate::database::{TestDatabase, server};
use crate::isolation::{changed, refused, seen};

/// Every table that holds a customer's rows, and the column that says whose they are.
pub(crate) const TABLES: [(&str, &str); 3] =
    [("customers", "id"), ("customer_addresses", "customer_id"), ("customer_credits", "customer_id")];

/// A customer with a row in every table.
async fn person(ports: &Ports, make: &Fixtures) -> CustomerId {
    let customer = make.full_customer();
    assert!(ports.customer.customers.insert(customer.clone(), make.bare_audit()).await.unwrap());
    let order = make.credited("9".parse::<Money>().unwrap(), 1);
    assert_eq!(ports.customer.customers.credit(customer.id, order).await.unwrap(), CreditOutcome::Credited);
    customer.id
}

async fn setup() -> (TestDatabase, PgConnection, CustomerId, CustomerId) {
    let database = TestDatabase::create().await;
    let (make, ports) = (Fixtures::here(), database.postgres().ports());
    let (asha, ravi) = (person(&ports, &make).await, person(&ports, &make).await);
    let connection = PgConnection::connect_with(&server().database(database.name())).await.unwrap();
    (database, connection, asha, ravi)
}

#[test]
fn each_reaches_his_own_rows_only() {
    run(async {
        let (_database, mut connection, asha, ravi) = setup().await;
        let connection = &mut connection;
        let hers = format!("set local vyapar.customer = '{asha}'");
        for (table, column) in TABLES {
            let all = format!("select count(*) from vyapar.{table}");
            let own = seen(connection, &hers, &format!("{all} where {column} = '{asha}'")).await;
            assert!(own > 0, "{table}");
            assert_eq!(seen(connection, &hers, &all).await, own, "{table}");
            for settings in [
                "select 1".to_owned(),
                "set local vyapar.customer = ''".to_owned(),
                "set local vyapar.identity = 'on'".to_owned(),
                // Neither a user of that id nor a store of it is the customer.
                format!("set local vyapar.\"user\" = '{asha}'"),
                format!("set local vyapar.stores = '{{{asha}}}'"),
            ] {
                assert_eq!(seen(connection, &settings, &all).await, 0, "{table} after {settings}");
            }
            if table != "customer_credits" {
                let touched =
                    changed(connection, &hers, &format!("update vyapar.{table} set {column} = {column}")).await;
                assert_eq!(i64::try_from(touched).unwrap(), own, "{table}");
                let give = format!("update vyapar.{table} set {column} = '{ravi}'");
                assert_eq!(refused(connection, &hers, &give).await, "42501", "{table}");
            }
        }
        assert_eq!(changed(connection, &hers, "delete from vyapar.customer_addresses").await, 3);
        let forged = format!("insert into vyapar.customer_credits values ('{ravi}', 'ord_1', '{ravi}', 1, 1, now())");
        assert_eq!(refused(connection, &hers, &forged).await, "42501");
        for statement in ["delete from vyapar.customers", "update vyapar.customer_credits set points = 9"] {
            assert_eq!(refused(connection, &hers, statement).await, "42501", "{statement}");
        }
    });
}

#[test]
fn sweeps_read_and_seal_anew_and_nothing_else() {
    run(async {
        let (_database, mut connection, asha, _) = setup().await;
        let connection = &mut connection;
        let all_stores = "set local vyapar.all_stores = 'on'";
        for (table, column) in TABLES {
            let whose = format!("select count(distinct {column}) from vyapar.{table}");
            assert_eq!(seen(connection, all_stores, &whose).await, 2, "{table}");
        }
        let reseal = "update vyapar.customer_addresses set landmark = landmark";
        assert_eq!(changed(connection, all_stores, reseal).await, 6);
        assert_eq!(changed(connection, all_stores, "update vyapar.customers set loyalty_points = 9").await, 0);
        assert_eq!(changed(connection, all_stores, "delete from vyapar.customer_addresses").await, 0);
        let forged = format!("insert into vyapar.customer_credits values ('{asha}', 'ord_1', '{asha}', 1, 1, now())");
        assert_eq!(refused(connection, all_stores, &forged).await, "42501");
    });
}
