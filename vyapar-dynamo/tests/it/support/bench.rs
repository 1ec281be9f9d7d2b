//! The units that promises are checked on: this adapter's, and the memory adapter's for
//! areas that this one does not have.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use vyapar_core::Ports;
use vyapar_core::testing::Bench;
use vyapar_dynamo::{Dynamo, Gathering, TableNames};
use vyapar_memory::Memory;

use super::client;
use super::faults::{Faults, mix};
use super::server::Server;

/// Longer than the default deadline: what is tested is what the adapter does, not how fast an
/// unoptimised server on a busy machine does its part.
const PATIENT: Duration = Duration::from_secs(60);

/// An adapter on tables of its own.
pub struct Fresh {
    pub dynamo: Dynamo,
    pub client: Client,
    pub names: TableNames,
    pub server: Server,
}

/// Table names nobody else uses, also on a server that outlives the test.
fn fresh_names() -> TableNames {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let run = mix(started.as_nanos() as u64 ^ u64::from(std::process::id()));
    TableNames::new("vyapar", format!("t{run:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub async fn fresh() -> Fresh {
    let server = Server::start().await;
    let client = client::plain(server.endpoint());
    let names = fresh_names();
    let dynamo = Dynamo::with_deadline(client.clone(), names.clone(), PATIENT);
    dynamo.create_tables().await.expect("tables are created");
    Fresh { dynamo, client, names, server }
}

/// An adapter that meets `faults`.
pub async fn faulty(faults: Arc<Faults>) -> Fresh {
    let server = Server::start().await;
    let client = client::faulty(server.endpoint(), faults);
    let names = fresh_names();
    let dynamo = Dynamo::with_deadline(client.clone(), names.clone(), PATIENT);
    dynamo.create_tables().await.expect("tables are created");
    Fresh { dynamo, client, names, server }
}

/// The adapter's units, and the memory adapter's.
pub fn ports(dynamo: &Dynamo) -> Ports {
    Ports {
        identity: dynamo.identity(),
        access: dynamo.access(),
        store: dynamo.store(),
        stock: dynamo.stock(),
        order: dynamo.order(),
        system: dynamo.system(),
        ..Memory::new().ports()
    }
}

fn bench(fresh: Fresh) -> Bench {
    Bench::guarded(ports(&fresh.dynamo), fresh.server)
}

/// On the server as it answers.
pub async fn plain() -> Bench {
    bench(fresh().await)
}

/// On the server as it answers, every stock write a transaction of its own.
pub async fn alone() -> Bench {
    let mut fresh = fresh().await;
    fresh.dynamo = fresh.dynamo.with_gathering(Gathering::off());
    bench(fresh)
}

/// Through a bad day whose seed is the same in every run.
pub async fn bad_day() -> Bench {
    bench(faulty(Arc::new(Faults::bad_day(2026))).await)
}
