//! The goals, measured: each row beside its reference in the same run.
//!
//! `scripts/bench` starts what it needs and runs this.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has failed"
)]

#[cfg(feature = "postgres")]
mod by_hand;
mod load;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[path = "../reservation/reference.rs"]
mod reference;
mod report;
mod shop;

use std::time::Duration;

fn main() {
    // cargo passes --bench; the first word that is no option chooses rows by name.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let seconds = std::env::var("VYAPAR_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(1.5);
    let time = Duration::from_secs_f64(seconds);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    report::head();
    memory::rows(time, &wanted);
    #[cfg(feature = "postgres")]
    match std::env::var("VYAPAR_BENCH_POSTGRES_URL") {
        Ok(url) => runtime.block_on(postgres::rows(&url, time, &wanted)),
        Err(_) => println!("| PostgreSQL | not measured: VYAPAR_BENCH_POSTGRES_URL is not set | | | | |"),
    }
}
