//! Every promise again, through conflicts, throttling and lost answers.

use vyapar_core::testing::Bench;

use crate::support::bench;

async fn harness() -> Bench {
    bench::bad_day().await
}

vyapar_core::conformance!(harness = harness, areas = [access, identity, order, stock, store, system]);
