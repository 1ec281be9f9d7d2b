//! How calls that want the same products are gathered, and what gathering did.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many calls may wait, and whether those that want the same products share transactions.
///
/// A transaction carries at most 100 actions, which is 93 orders of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathering {
    pub(crate) on: bool,
    pub(crate) queue: usize,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { on: true, queue: 10_000 }
    }
}

impl Gathering {
    /// Every call is a transaction of its own. Calls of one process that want the same product
    /// still take turns, because the service would cancel all but one of them.
    #[must_use]
    pub fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    /// At most so many calls waiting (10,000 unless set; at least 1); further ones are `Busy` at
    /// once.
    #[must_use]
    pub fn queue(mut self, calls: usize) -> Self {
        self.queue = calls.max(1);
        self
    }
}

/// What gathering did since the adapter was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatherStatistics {
    /// Calls that write stock.
    pub calls: u64,
    /// Groups of calls that were decided together.
    pub groups: u64,
    /// Calls of the largest group.
    pub largest: u64,
    /// Groups whose levels were remembered and did not have to be read.
    pub remembered: u64,
    /// Times that another process had changed what was decided by, and the group was decided anew.
    pub anew: u64,
    /// Calls refused because the queue was full, or because their deadline passed in it.
    pub refused: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) largest: AtomicU64,
    pub(crate) remembered: AtomicU64,
    pub(crate) anew: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl Counters {
    pub(crate) fn read(&self) -> GatherStatistics {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        GatherStatistics {
            calls: of(&self.calls),
            groups: of(&self.groups),
            largest: of(&self.largest),
            remembered: of(&self.remembered),
            anew: of(&self.anew),
            refused: of(&self.refused),
        }
    }
}

/// One more.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
