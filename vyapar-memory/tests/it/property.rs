//! Random operations. Failures are shrunk and kept in `tests/proptest-regressions/`, which belongs in
//! version control: every run begins with them.

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use vyapar_core::testing::property::{Mismatch, check_against_model, check_alike, check_racing, operations};
use vyapar_memory::Memory;

pub(crate) fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build()
}

fn case(outcome: Result<(), Mismatch>) -> Result<(), TestCaseError> {
    outcome.map_err(|wrong| TestCaseError::fail(wrong.to_string()))
}

pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/proptest-regressions/property.txt");
    ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|given| given.parse().ok()).unwrap_or(cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn memory_does_what_the_contracts_say(ops in operations(80)) {
        case(runtime(1)?.block_on(check_against_model(&Memory::new().stock(), &ops)))?;
    }

    #[test]
    fn two_of_a_kind_are_alike(ops in operations(40)) {
        case(runtime(1)?.block_on(check_alike(&Memory::new().stock(), &Memory::new().stock(), &ops)))?;
    }

    #[test]
    fn what_always_holds_holds_after_a_race(ops in operations(80)) {
        case(runtime(4)?.block_on(check_racing(&Memory::new().stock(), &ops, 4)))?;
    }
}
