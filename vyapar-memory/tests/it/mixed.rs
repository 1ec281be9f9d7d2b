//! The saga on units that share nothing: stock, orders and payments each in a memory of its own.

use vyapar_core::Ports;
use vyapar_core::testing::Bench;
use vyapar_memory::Memory;

async fn harness() -> Bench {
    let rest = Memory::new().ports();
    let ports = Ports { stock: Memory::new().stock(), payment: Memory::new().payment(), ..rest };
    Bench::new(ports).exhaustive()
}

vyapar_core::conformance!(harness = harness, areas = [saga]);
