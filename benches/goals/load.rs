//! Callers that ask again and again for a while, and what they saw.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// What a run of calls came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) per_second: f64,
    /// Half the calls took at most this long.
    pub(crate) p50: Duration,
    /// 99 of 100 calls took at most this long.
    pub(crate) p99: Duration,
}

/// Lets so many callers call for so long. A caller gets its number and that of its call.
pub(crate) async fn run<F, R>(callers: u64, time: Duration, call: F) -> Seen
where
    F: Fn(u64, u64) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let call = Arc::new(call);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let call = Arc::clone(&call);
        tasks.spawn(async move {
            let mut took = Vec::new();
            let mut number = 0;
            while started.elapsed() < time {
                let began = Instant::now();
                call(caller, number).await;
                took.push(began.elapsed());
                number += 1;
            }
            took
        });
    }
    let mut took: Vec<Duration> = tasks.join_all().await.into_iter().flatten().collect();
    let elapsed = started.elapsed().as_secs_f64();
    took.sort_unstable();
    let part = |share: f64| took.get((took.len() as f64 * share) as usize).copied().unwrap_or_default();
    Seen { per_second: took.len() as f64 / elapsed, p50: part(0.5), p99: part(0.99) }
}

/// The measurement in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// SplitMix64: one well-mixed number for another.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
