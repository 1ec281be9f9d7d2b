//! What gathering did, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// What each kind of call did since the adapter was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatherStatistics {
    /// Holding stock.
    pub reserve: LaneStatistics,
    /// Commits, releases, dispatches and closes of reservations.
    pub settle: LaneStatistics,
    /// Inserting orders.
    pub insert_order: LaneStatistics,
    /// Placing orders in one transaction.
    pub place: LaneStatistics,
    /// Reading stores and products.
    pub catalogue: LaneStatistics,
}

/// What one kind of call did since the adapter was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneStatistics {
    /// Calls that were made.
    pub calls: u64,
    /// Transactions that did them.
    pub batches: u64,
    /// Calls of the largest transaction.
    pub largest: u64,
    /// Calls that met a row somebody else had locked, and came again.
    pub locked: u64,
    /// Transactions that failed and were done again call by call.
    pub split: u64,
    /// Transactions of reservations or orders that could not be done as a whole and wrote nothing:
    /// a key was known, there was not enough for all, somebody else had a level, or what an order
    /// was quoted by has changed. Their calls were decided one by one, or tried again without it.
    pub doubted: u64,
    /// Calls refused because the queue was full, or because their deadline passed in it.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) calls: Counter,
    pub(super) batches: Counter,
    pub(super) largest: Counter,
    pub(super) locked: Counter,
    pub(super) split: Counter,
    pub(super) refused: Counter,
}

impl Counters {
    /// All of them, with what the work counts by itself.
    pub(super) fn read(&self, doubted: u64) -> LaneStatistics {
        LaneStatistics {
            calls: self.calls.get(),
            batches: self.batches.get(),
            largest: self.largest.get(),
            locked: self.locked.get(),
            split: self.split.get(),
            doubted,
            refused: self.refused.get(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn raise_to(&self, count: usize) {
        self.0.fetch_max(count.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
