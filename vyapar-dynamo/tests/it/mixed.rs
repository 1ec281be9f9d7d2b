//! The saga on two backends: orders here, stock in memory. (In `plain` both are here, and the
//! rest is in memory.)

use vyapar_core::Ports;
use vyapar_core::testing::Bench;
use vyapar_memory::Memory;

use crate::support::bench;

async fn harness() -> Bench {
    let (ports, server) = bench::plain().await.into_parts();
    Bench::guarded(Ports { stock: Memory::new().stock(), ..ports }, server)
}

vyapar_core::conformance!(harness = harness, areas = [saga]);
