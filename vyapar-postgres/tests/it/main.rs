//! The adapter against a PostgreSQL server (`VYAPAR_TEST_POSTGRES_URL`; `scripts/test` starts
//! one). Each test has a database of its own, dropped when it passes and kept when it fails.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod accounts;
mod batches;
mod contracts;
mod customers;
mod database;
mod failures;
mod feed;
mod isolation;
mod killed;
mod migrations;
mod nearby;
mod personal;
mod plans;
mod post_offices;
mod processes;
mod property;
mod public;
mod rivals;

use vyapar_core::Ports;
use vyapar_core::testing::Bench;
use vyapar_postgres::Gathering;

async fn harness() -> Bench {
    let database = database::TestDatabase::create().await;
    let ports = database.postgres().ports();
    assert!(ports.checks_basis(), "promises of area at_once would be skipped");
    Bench::guarded(ports, database)
}

vyapar_core::conformance!(
    harness = harness,
    areas = [identity, access, store, customer, product, stock, order, payment, system, at_once, saga, security, town]
);

/// Every call a transaction of its own.
mod alone {
    use super::{Bench, Gathering, database};

    async fn harness() -> Bench {
        let database = database::TestDatabase::create().await;
        Bench::guarded(database.postgres().with_gathering(Gathering::off()).ports(), database)
    }

    vyapar_core::conformance!(harness = harness, areas = [store, product, stock, order, at_once, saga]);
}

/// Gathered, and cash orders placed in steps, as where stock and orders are in two places.
mod in_steps {
    use super::{Bench, Ports, database};

    async fn harness() -> Bench {
        let database = database::TestDatabase::create().await;
        Bench::guarded(Ports { at_once: None, ..database.postgres().ports() }, database)
    }

    vyapar_core::conformance!(harness = harness, areas = [saga]);
}
