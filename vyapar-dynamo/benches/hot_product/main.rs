//! One hot product on DynamoDB, with the conflicts the service answers and the server in the test
//! process does not: the adapter beside one transaction an order.
//!
//! The reference is the leanest transaction there is (shape B of `stock_shape`): an arithmetic
//! update, the reservation with the two indexes without which nothing could be freed or recovered,
//! the movement without its balance. Its retries are the adapter's: full jitter. The conflict model
//! is an assumption about the service (3 ms latency, then 5 ms for a transaction, with its items
//! locked), so the ratio is one too.
//!
//! Prints its row of the goals' table; `scripts/bench` runs it.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    dead_code,
    reason = "a measurement that cannot run has to stop"
)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

#[path = "../stock_shape/shapes.rs"]
mod shapes;
#[path = "../stock_shape/shop.rs"]
mod shop;
#[path = "../../tests/it/support/mod.rs"]
mod support;

use shapes::{Bench, Counters, setup};
use shop::Shop;
use support::client;
use support::faults::Faults;
use support::server::Server;

/// Rounds, reference and adapter in turn.
const ROUNDS: usize = 5;

/// What a run came to.
#[derive(Clone, Copy)]
struct Seen {
    per_second: f64,
    p99: Duration,
    /// Write units an order, as the server reckons them, indexes included.
    units: f64,
}

async fn run(gathered: bool, callers: usize, time: Duration, meter: bool) -> Seen {
    let server = Server::start().await;
    let mut faults = Faults::conflict_model();
    faults.meter = meter;
    let faults = Arc::new(faults);
    let client = client::faulty(server.endpoint(), Arc::clone(&faults));
    faults.pause(true);
    setup(&client, 1, &["holding", "recover"]).await;
    let shop = Arc::new(Shop::open(&client, 1).await);
    faults.pause(false);
    let bench = Arc::new(Bench { client, counters: Counters::default(), next: AtomicU64::new(1) });
    let before = faults.write_units();
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (bench, shop) = (Arc::clone(&bench), Arc::clone(&shop));
        tasks.spawn(async move {
            let mut took = Vec::new();
            while start.elapsed() < time {
                let began = Instant::now();
                if gathered {
                    shop.reserve(&vec![0]).await;
                } else {
                    bench.arithmetic(&vec![0]).await;
                }
                took.push(began.elapsed());
            }
            took
        });
    }
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let elapsed = start.elapsed().as_secs_f64();
    took.sort_unstable();
    let orders = took.len() as f64;
    Seen {
        per_second: orders / elapsed,
        p99: took[took.len() * 99 / 100],
        units: (faults.write_units() - before) / orders,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(what: &str, measured: &str, reference: &str, ratio: f64, goal: &str, met: bool) {
    let verdict = if met { "pass" } else { "MISS" };
    println!("| {what} | {measured} | {reference} | {ratio:.2} x | {goal} | {verdict} |");
}

fn main() {
    let seconds = std::env::var("VYAPAR_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let time = Duration::from_secs_f64(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for callers in [32, 128] {
        let (mut reference, mut adapter) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            reference.push(runtime.block_on(run(false, callers, time, false)));
            adapter.push(runtime.block_on(run(true, callers, time, false)));
        }
        let pairs = || adapter.iter().zip(&reference);
        let rate = |seen: &[Seen]| {
            let per_second = median(seen.iter().map(|seen| seen.per_second));
            let p99 = median(seen.iter().map(|seen| seen.p99.as_secs_f64() * 1e3));
            format!("{per_second:.0}/s, p99 {p99:.0} ms")
        };
        let ratio = median(pairs().map(|(adapter, reference)| adapter.per_second / reference.per_second));
        let what = format!("DynamoDB, assumed conflict model: reserve one hot product, {callers} callers");
        row(&what, &rate(&adapter), &rate(&reference), ratio, "at least 20 x", ratio >= 20.0);
        // Metered apart: it costs the client time.
        let units = |gathered| runtime.block_on(run(gathered, callers, time, true)).units;
        let (reference, adapter) = (units(false), units(true));
        let what = format!("DynamoDB: write units an order, {callers} callers");
        let ratio = adapter / reference;
        row(&what, &format!("{adapter:.1}"), &format!("{reference:.1}"), ratio, "at most 1 x", ratio <= 1.0);
    }
}
