//! Stock reservation and order placing on the in-memory adapter.
//!
//! `cargo bench --bench reservation` prints, beside each measurement, a reference taken in the
//! same run: a plain struct under one mutex that does the same bookkeeping and nothing else.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has failed"
)]

#[path = "../goals/load.rs"]
#[allow(dead_code, reason = "shared with the goals")]
mod load;
mod reference;
#[path = "../goals/shop.rs"]
#[allow(dead_code, reason = "shared with the goals")]
mod shop;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vyapar::inventory::{ReleaseCause, ReserveOutcome};

use reference::Reference;
use shop::{Basket, Shop};
use vyapar::memory::Memory;

/// Products of the shop.
const PRODUCTS: usize = 1_000;
/// Lines in a basket.
const BASKETS: [usize; 3] = [1, 3, 20];

/// How many reservations are made before their stock is given back, untimed.
const ROUND: u64 = 1_000;

fn open() -> Shop {
    // Opening a shop needs tasks; measuring does not.
    let tasks = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime");
    tasks.block_on(Shop::open(Memory::new().ports(), PRODUCTS))
}

fn reserve(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("reserve");
    for lines in BASKETS {
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("memory, Arc<dyn Reservations>", lines), |bencher| {
            let shop = open();
            let reservations = Arc::clone(&shop.ports.stock.reservations);
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                let mut left = times;
                while left > 0 {
                    let round = left.min(ROUND);
                    let requests: Vec<_> =
                        (0..round).map(|number| shop.reserve(Basket::Spread(lines), left + number)).collect();
                    let holds: Vec<_> = requests.iter().map(|request| request.hold.clone()).collect();
                    let started = Instant::now();
                    runtime.block_on(async {
                        for request in requests {
                            let outcome = reservations.reserve(shop.store, request).await.expect("memory");
                            assert!(matches!(black_box(outcome), ReserveOutcome::Held));
                        }
                    });
                    spent += started.elapsed();
                    runtime.block_on(async {
                        for hold in holds {
                            let cause = ReleaseCause::Cancelled;
                            reservations.release(shop.store, hold, cause, shop.env.now()).await.expect("memory");
                        }
                    });
                    left -= round;
                }
                spent
            });
        });
        group.bench_function(BenchmarkId::new("reference, struct under a mutex", lines), |bencher| {
            let shop = open();
            let reference = Reference::open(&shop.products);
            bencher.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                let mut left = times;
                while left > 0 {
                    let round = left.min(ROUND);
                    let requests: Vec<_> =
                        (0..round).map(|number| shop.reserve(Basket::Spread(lines), left + number)).collect();
                    let holds: Vec<_> = requests.iter().map(|request| request.hold.clone()).collect();
                    let started = Instant::now();
                    for request in requests {
                        assert!(black_box(reference.reserve(request)));
                    }
                    spent += started.elapsed();
                    holds.iter().for_each(|hold| reference.release(hold));
                    left -= round;
                }
                spent
            });
        });
    }
    group.finish();
}

fn place(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut group = criterion.benchmark_group("place order, end to end");
    group.throughput(Throughput::Elements(1));
    for lines in BASKETS {
        group.bench_function(BenchmarkId::new("memory", lines), |bencher| {
            let shop = open();
            bencher.iter_custom(|times| {
                let requests: Vec<_> = (0..times).map(|number| shop.order(Basket::Spread(lines), number)).collect();
                let started = Instant::now();
                runtime.block_on(async {
                    for (actor, request) in requests {
                        black_box(shop.vyapar.orders().place(&actor, request).await.expect("stock"));
                    }
                });
                started.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = reserve, place
}
criterion_main!(benches);
