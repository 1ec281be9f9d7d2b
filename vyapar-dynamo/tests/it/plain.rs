//! Every promise, on the server as it answers.

use vyapar_core::testing::Bench;

use crate::support::bench;

async fn harness() -> Bench {
    bench::plain().await
}

vyapar_core::conformance!(
    harness = harness,
    areas = [access, identity, order, saga, security, stock, store, system, town]
);

/// Every call a transaction of its own.
mod alone {
    use super::{Bench, bench};

    async fn harness() -> Bench {
        bench::alone().await
    }

    vyapar_core::conformance!(harness = harness, areas = [saga, stock]);
}
