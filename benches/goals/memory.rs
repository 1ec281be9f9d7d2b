//! The rows of the in-memory adapter.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use vyapar::Ports;
use vyapar::env::{Entropy, SystemEntropy};
use vyapar::inventory::{ReleaseCause, Reserve, ReserveOutcome};
use vyapar::memory::Memory;

use crate::load::median;
use crate::reference::Reference;
use crate::report::{Goal, row};
use crate::shop::{Basket, Shop};

const PRODUCTS: usize = 1_000;
/// Reservations made before their stock is given back, untimed.
const BATCH: u64 = 1_000;
const ROUNDS: usize = 7;
/// How many short rounds of two threads there are for each of the others, and how short they are.
const SCALING_ROUNDS: usize = 4;
const SCALING_PARTS: u32 = 10;
const BASKET: Basket = Basket::Spread(3);

pub(crate) fn rows(time: Duration, wanted: &str) {
    let is = |name: &str| wanted.is_empty() || name.contains(wanted);
    if is("memory-reserve") {
        reserve(time / 4);
        two_stores(time);
    }
    if is("memory-place") {
        place(time);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn shop() -> Shop {
    shop_of(Memory::new().ports())
}

fn shop_of(memory: Ports) -> Shop {
    runtime().block_on(Shop::open(memory, PRODUCTS))
}

/// Nanoseconds a call, over as many as fit into the time; each batch is given back untimed.
fn nanos(time: Duration, mut batch: impl FnMut(u64) -> Duration) -> f64 {
    let (mut spent, mut calls, mut seed) = (Duration::ZERO, 0, 0);
    while spent < time {
        spent += batch(seed);
        calls += BATCH;
        seed += BATCH;
    }
    spent.as_secs_f64() * 1e9 / calls as f64
}

fn by_adapter(runtime: &tokio::runtime::Runtime, shop: &Shop, time: Duration) -> f64 {
    let reservations = Arc::clone(&shop.ports.stock.reservations);
    nanos(time, |seed| {
        let requests: Vec<Reserve> = (0..BATCH).map(|number| shop.reserve(BASKET, seed + number)).collect();
        let holds: Vec<_> = requests.iter().map(|request| request.hold.clone()).collect();
        let started = Instant::now();
        runtime.block_on(async {
            for request in requests {
                let outcome = reservations.reserve(shop.store, request).await.expect("memory");
                assert!(matches!(black_box(outcome), ReserveOutcome::Held));
            }
        });
        let spent = started.elapsed();
        runtime.block_on(async {
            for hold in holds {
                let cause = ReleaseCause::Cancelled;
                reservations.release(shop.store, hold, cause, shop.env.now()).await.expect("memory");
            }
        });
        spent
    })
}

fn by_struct(shop: &Shop, reference: &Reference, time: Duration) -> f64 {
    nanos(time, |seed| {
        let requests: Vec<Reserve> = (0..BATCH).map(|number| shop.reserve(BASKET, seed + number)).collect();
        let holds: Vec<_> = requests.iter().map(|request| request.hold.clone()).collect();
        let started = Instant::now();
        for request in requests {
            assert!(black_box(reference.reserve(request)));
        }
        let spent = started.elapsed();
        holds.iter().for_each(|hold| reference.release(hold));
        spent
    })
}

fn reserve(time: Duration) {
    let (runtime, shop) = (runtime(), shop());
    let reference = Reference::open(&shop.products);
    let (mut adapter, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(by_struct(&shop, &reference, time));
        adapter.push(by_adapter(&runtime, &shop, time));
    }
    let ratio = median(adapter.iter().zip(&plain).map(|(adapter, plain)| adapter / plain).collect());
    row(
        "memory: reserve 3 lines through `Arc<dyn Reservations>`",
        &format!("{:.0} ns", median(adapter)),
        &format!("plain struct under a mutex, {:.0} ns", median(plain)),
        ratio,
        Goal::AtMost(1.5),
    );
}

/// The same work on one thread, and on two threads on a store each, of one adapter; and how far
/// two threads of this machine get with two plain structs, which share nothing at all.
fn two_stores(time: Duration) {
    let memory = Memory::new().ports();
    let adapter = || {
        let (runtime, shop) = (runtime(), shop_of(memory.clone()));
        move |time| 1e9 / by_adapter(&runtime, &shop, time)
    };
    let structs = || {
        let shop = shop();
        let plain = Reference::open(&shop.products);
        move |time| 1e9 / by_struct(&shop, &plain, time)
    };
    scaling("memory: reserve 3 lines, two threads on two stores", time, adapter, Goal::AtLeast(1.8));
    scaling("memory: the plain struct, two threads on two of them", time, structs, Goal::None);
}

/// Each thread alone just before and just after both together, in short rounds: what others do on
/// the machine meanwhile then weighs on all three. What a thread works on it has made itself, and
/// keeps: the system's allocator has threads wait for each other that free what others allocated.
fn scaling<R: Fn(Duration) -> f64>(what: &str, time: Duration, make: impl Fn() -> R + Sync, goal: Goal) {
    let time = time / SCALING_PARTS;
    let step = Barrier::new(2);
    let thread = |at: usize| {
        let rate = make();
        let alone = |whose| {
            step.wait();
            if whose == at { rate(time) } else { 0.0 }
        };
        let both = || {
            step.wait();
            rate(time)
        };
        (0..ROUNDS * SCALING_ROUNDS).map(|_| [alone(0), both(), alone(1)]).collect::<Vec<_>>()
    };
    let [here, there] = std::thread::scope(|scope| {
        let other = scope.spawn(|| thread(1));
        [thread(0), other.join().expect("it runs")]
    });
    let sums = here.iter().zip(&there).map(|(here, there)| [0, 1, 2].map(|at| here[at] + there[at]));
    let (mut single, mut double, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for [first, both, second] in sums {
        let alone = f64::midpoint(first, second);
        single.push(alone);
        double.push(both);
        ratios.push(both / alone);
    }
    let ratio = median(ratios);
    row(what, &format!("{:.0}/s", median(double)), &format!("one thread, {:.0}/s", median(single)), ratio, goal);
}

/// Whole orders on one thread, beside a count that every second one has to reach.
fn place(time: Duration) {
    const GOAL: f64 = 50_000.0;
    let (runtime, shop) = (runtime(), shop());
    let mut rates = Vec::new();
    for round in 0..ROUNDS as u64 {
        let mut seed = round << 32;
        let rate = 1e9
            / nanos(time / 4, |_| {
                let requests: Vec<_> = (0..BATCH).map(|number| shop.order(BASKET, seed + number)).collect();
                seed += BATCH;
                let started = Instant::now();
                runtime.block_on(async {
                    for (actor, request) in requests {
                        black_box(shop.vyapar.orders().place(&actor, request).await.expect("stock"));
                    }
                });
                started.elapsed()
            });
        rates.push(rate);
    }
    let rate = median(rates);
    row(
        "memory: place an order of 3 lines, one core",
        &format!("{rate:.0}/s, {:.1} µs each", 1e6 / rate),
        "the goal itself, 50,000/s",
        rate / GOAL,
        Goal::AtLeast(1.0),
    );
    whereto(&runtime, &shop, time / 8, 1e6 / rate);
}

/// Where the time of an order goes: its parts, each measured alone.
fn whereto(runtime: &tokio::runtime::Runtime, shop: &Shop, time: Duration, whole: f64) {
    let each = |name: &str, mut part: Box<dyn FnMut(u64) + '_>| {
        let mut once = || {
            nanos(time / 3, |seed| {
                let started = Instant::now();
                (0..BATCH).for_each(|number| part(seed + number));
                started.elapsed()
            })
        };
        let nanos = median((0..3).map(|_| once()).collect());
        row(
            &format!("memory: of an order of 3 lines, {name}"),
            &format!("{:.1} µs", nanos / 1e3),
            &format!("the whole, {whole:.1} µs"),
            nanos / 1e3 / whole,
            Goal::None,
        );
    };
    let env = &shop.env;
    let (ports, store) = (&shop.ports, shop.store);
    each(
        "sealing name and phone",
        Box::new(|_| {
            for (column, text) in [("customer_name", "Ravi Kumar"), ("customer_phone", "+919123456789")] {
                black_box(env.seal(column, text).expect("a key"));
            }
        }),
    );
    each(
        "hashing key and request",
        Box::new(|seed| {
            let body = [0_u8; 200];
            black_box(env.mac("reservation", &[&body[..48], &seed.to_be_bytes()]));
            black_box(env.mac("place order v1", &[&body]));
        }),
    );
    each(
        "randomness for ids and nonces, and the time",
        Box::new(|_| {
            let mut bytes = [0_u8; 96];
            SystemEntropy.fill(&mut bytes);
            black_box((bytes, env.now()));
        }),
    );
    each(
        "holding the stock alone",
        Box::new(|seed| {
            let request = shop.reserve(BASKET, seed);
            black_box(runtime.block_on(ports.stock.reservations.reserve(store, request)).expect("memory"));
        }),
    );
}
