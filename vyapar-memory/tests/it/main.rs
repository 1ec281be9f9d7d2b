//! The in-memory adapter keeps every promise of the ports.

mod mixed;
mod property;
mod services;

use vyapar_core::testing::Bench;
use vyapar_memory::Memory;

async fn memory() -> Bench {
    Bench::new(Memory::new().ports()).exhaustive()
}

vyapar_core::conformance!(harness = memory, areas = [store, product, stock, order, payment, system, saga]);
