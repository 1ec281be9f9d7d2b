//! Random operations against the model of the ports, and against the memory adapter.
//!
//! Failures are shrunk and kept in `tests/proptest-regressions/`, which belongs in version
//! control: every run begins with them.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use tokio::runtime::{Builder, Runtime};
use vyapar_core::testing::property::{Mismatch, check_against_model, check_alike, check_racing, operations};
use vyapar_memory::Memory;

use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::faults::Faults;

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(4).enable_all().build()
}

fn case(outcome: Result<(), Mismatch>) -> Result<(), TestCaseError> {
    outcome.map_err(|wrong| TestCaseError::fail(wrong.to_string()))
}

fn cases(cases: u32) -> ProptestConfig {
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/property.txt");
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|given| given.parse().ok()).unwrap_or(cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        // Each step of shrinking is a new server; a few are enough to read a failure.
        max_shrink_iters: 64,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn it_does_what_the_contracts_say(ops in operations(40)) {
        case(runtime()?.block_on(async {
            let Fresh { dynamo, server: _server, .. } = fresh().await;
            check_against_model(&dynamo.stock(), &ops).await
        }))?;
    }

    #[test]
    fn it_does_what_memory_does(ops in operations(40)) {
        case(runtime()?.block_on(async {
            let Fresh { dynamo, server: _server, .. } = fresh().await;
            check_alike(&dynamo.stock(), &Memory::new().stock(), &ops).await
        }))?;
    }

    #[test]
    fn what_always_holds_holds_after_a_race_on_a_bad_day(seed: u64, ops in operations(40)) {
        case(runtime()?.block_on(async {
            let Fresh { dynamo, server: _server, .. } = faulty(Arc::new(Faults::bad_day(seed))).await;
            check_racing(&dynamo.stock(), &ops, 4).await
        }))?;
    }
}
