//! Which item shape and which writer should carry stock on DynamoDB?
//!
//! Shapes, each one transaction with a reservation and one movement per line:
//! - **B**: `SET current_stock = current_stock - :q IF current_stock >= :q`, one
//!   transaction an order, `balance_after` unknown to the writer;
//! - **C**: read, then compare-and-set on the product's `seq`, with an exact
//!   `balance_after`, one transaction an order;
//! - **G**: C inside a gatherer that is the only writer of a product in its
//!   process: it remembers the item it wrote last, puts orders that share a
//!   product into one transaction, and lets disjoint ones run side by side;
//! - **2G**: the same with two gatherers that know nothing of each other, as in
//!   two processes;
//! - **V**: this crate's adapter as it ships, through its port; its units and retries are not
//!   counted.
//!
//! `cargo bench -p vyapar-dynamo --bench stock_shape [-- seconds]` prints a
//! table; `README.md` beside this file keeps what we decided by it.
//!
//! All but V measure shapes, not the adapter, and so talk to the SDK directly.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a measurement that cannot run has to stop"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

mod gather;
mod shapes;
mod shop;
#[path = "../../tests/it/support/mod.rs"]
mod support;

use gather::{Gatherer, Request};
use shapes::{Bench, Counters, Lines, setup};
use shop::Shop;
use support::client;
use support::faults::{Faults, mix};
use support::server::Server;

#[derive(Clone, Copy)]
enum Shape {
    B,
    C,
    G(usize),
    V,
}

async fn run(shape: Shape, model: bool, products: usize, lines: usize, callers: usize, time: Duration) {
    let server = Server::start().await;
    let faults = Arc::new(if model { Faults::conflict_model() } else { Faults::none() });
    let client = client::faulty(server.endpoint(), Arc::clone(&faults));
    faults.pause(true);
    setup(&client, products, &[]).await;
    let shop = Arc::new(Shop::open(&client, if matches!(shape, Shape::V) { products } else { 0 }).await);
    faults.pause(false);
    let bench = Arc::new(Bench { client, counters: Counters::default(), next: AtomicU64::new(1) });
    let gatherers: Vec<_> = match shape {
        Shape::G(count) => (0..count).map(|_| Gatherer::start(Arc::clone(&bench))).collect(),
        _ => Vec::new(),
    };
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (bench, shop) = (Arc::clone(&bench), Arc::clone(&shop));
        let gatherer = gatherers.get(caller % gatherers.len().max(1)).cloned();
        tasks.spawn(async move {
            let mut took = Vec::new();
            let mut seed = mix(caller as u64);
            while start.elapsed() < time {
                let mut wanted = Lines::new();
                while wanted.len() < lines {
                    seed = mix(seed);
                    let p = (seed % products as u64) as usize;
                    if !wanted.contains(&p) {
                        wanted.push(p);
                    }
                }
                let began = Instant::now();
                match shape {
                    Shape::B => bench.arithmetic(&wanted).await,
                    Shape::C => bench.compare(&wanted).await,
                    Shape::V => shop.reserve(&wanted).await,
                    Shape::G(_) => {
                        let (done, answer) = oneshot::channel();
                        let request = Request { order: bench.order(), lines: wanted, done };
                        let gatherer = gatherer.as_ref().expect("started above");
                        assert!(gatherer.send(request).await.is_ok(), "the gatherer lives");
                        answer.await.expect("the gatherer answers");
                    }
                }
                took.push(began.elapsed());
            }
            took
        });
    }
    let mut took = Vec::new();
    while let Some(of_caller) = tasks.join_next().await {
        took.extend(of_caller.expect("no caller panics"));
    }
    let elapsed = start.elapsed().as_secs_f64();
    took.sort();
    let orders = took.len() as f64;
    let ms = |part: f64| took[((orders - 1.0) * part) as usize].as_secs_f64() * 1000.0;
    let per_order = |c: &AtomicU64| c.load(Ordering::Relaxed) as f64 / orders;
    let name = match shape {
        Shape::B => "B".to_owned(),
        Shape::C => "C".to_owned(),
        Shape::V => "V".to_owned(),
        Shape::G(1) => "G".to_owned(),
        Shape::G(count) => format!("{count}G"),
    };
    println!(
        "| {name} | {} | {} | {callers} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} / {:.0} |",
        if model { "model" } else { "plain" },
        if products == 1 { "hot 1x1".to_owned() } else { format!("{products}x{lines}") },
        orders / elapsed,
        per_order(&bench.counters.write_units) / 10.0,
        per_order(&bench.counters.read_units),
        per_order(&bench.counters.retries),
        per_order(&bench.counters.transactions),
        ms(0.5),
        ms(0.99),
    );
}

fn main() {
    let seconds = std::env::args().filter_map(|a| a.parse::<f64>().ok()).next().unwrap_or(1.0);
    let time = Duration::from_secs_f64(seconds);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    println!(
        "| shape | server | load | callers | orders/s | write units/order | read units/order | \
         retries/order | transactions/order | p50 / p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for model in [false, true] {
        for (products, lines) in [(1, 1), (1000, 3)] {
            for callers in [16, 32] {
                for shape in [Shape::B, Shape::C, Shape::G(1), Shape::G(2), Shape::V] {
                    runtime.block_on(run(shape, model, products, lines, callers, time));
                }
            }
        }
    }
}
