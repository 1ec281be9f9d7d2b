//! The adapter against a PostgreSQL server (`VYAPAR_TEST_POSTGRES_URL`; `scripts/test` starts
//! one). Each test has a database of its own, dropped when it passes and kept when it fails.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

mod batches;
mod database;
mod failures;
mod feed;
mod isolation;
mod migrations;
mod plans;
mod processes;
mod property;

use vyapar_core::testing::Bench;

async fn harness() -> Bench {
    let database = database::TestDatabase::create().await;
    Bench::guarded(database.postgres().ports(), database)
}

vyapar_core::conformance!(harness = harness, areas = [store, product, stock, order, payment, system, saga]);
