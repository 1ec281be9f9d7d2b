//! Random stock operations: answers as the contracts say, the same as the memory adapter's,
//! and sound after a race.

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, TestRunner};
use vyapar_core::inventory::StockPorts;
use vyapar_core::testing::property::{Mismatch, Op, check_against_model, check_alike, check_racing, operations};
use vyapar_core::testing::run;
use vyapar_memory::Memory;

use crate::database::TestDatabase;

/// Draws cases and checks each on one database: every check works in stores of its own.
fn check_all<C, F>(length: usize, check: C)
where
    C: Fn(StockPorts, Vec<Op>) -> F + Send + 'static,
    F: Future<Output = Result<(), Mismatch>>,
{
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|given| given.parse().ok()).unwrap_or(16);
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/property.txt");
    let config = ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    };
    run(async move {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let handle = tokio::runtime::Handle::current();
        let checking = tokio::task::spawn_blocking(move || {
            TestRunner::new(config).run(&operations(length), |ops| {
                let outcome = handle.block_on(check(stock.clone(), ops));
                outcome.map_err(|wrong| TestCaseError::fail(wrong.to_string()))
            })
        });
        checking.await.unwrap().unwrap_or_else(|failure| panic!("{failure}"));
        drop(database);
    });
}

#[test]
fn stock_does_what_the_contracts_say() {
    check_all(60, |stock, ops| async move { check_against_model(&stock, &ops).await });
}

#[test]
fn stock_is_like_the_memory_adapter_s() {
    check_all(40, |stock, ops| async move { check_alike(&Memory::new().stock(), &stock, &ops).await });
}

#[test]
fn what_always_holds_holds_after_a_race() {
    check_all(60, |stock, ops| async move { check_racing(&stock, &ops, 4).await });
}
