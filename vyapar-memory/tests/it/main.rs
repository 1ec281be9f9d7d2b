//! The in-memory adapter keeps every promise of the ports.

mod mixed;
mod nearby_data;
mod neighbours;
mod property;
mod rights;
mod services;

use vyapar_core::Ports;
use vyapar_core::testing::Bench;
use vyapar_memory::Memory;

async fn memory() -> Bench {
    let ports = Memory::new().ports();
    assert!(ports.checks_basis(), "promises of area at_once would be skipped");
    Bench::new(ports).exhaustive()
}

vyapar_core::conformance!(
    harness = memory,
    areas = [identity, access, store, customer, product, stock, order, payment, system, at_once, saga, security, town]
);

/// The saga in steps, as it is where stock and orders are in two places.
mod in_steps {
    use super::{Bench, Memory, Ports};

    async fn harness() -> Bench {
        Bench::new(Ports { at_once: None, ..Memory::new().ports() }).exhaustive()
    }

    vyapar_core::conformance!(harness = harness, areas = [saga]);
}
