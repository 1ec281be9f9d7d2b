//! How calls are gathered.

/// How many calls go into one transaction, and how many may wait.
///
/// `scripts/bench` measures the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathering {
    pub(crate) on: bool,
    pub(crate) batch: usize,
    pub(crate) queue: usize,
    pub(crate) writers: usize,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { on: true, batch: 128, queue: 10_000, writers: 2 }
    }
}

impl Gathering {
    /// Every call is a transaction of its own, made by its caller.
    #[must_use]
    pub fn off() -> Self {
        Self { on: false, ..Self::default() }
    }

    /// At most so many calls in one transaction (128 unless set; at least 1).
    #[must_use]
    pub fn batch(mut self, calls: usize) -> Self {
        self.batch = calls.max(1);
        self
    }

    /// At most so many calls of one kind waiting (10,000 unless set; at least 1); further ones
    /// are `Busy` at once.
    #[must_use]
    pub fn queue(mut self, calls: usize) -> Self {
        self.queue = calls.max(1);
        self
    }

    /// At most so many transactions of one kind under way (2 unless set; at least 1), beside
    /// up to four that wait for rows others have locked. Each uses a connection of the pool.
    #[must_use]
    pub fn writers(mut self, transactions: usize) -> Self {
        self.writers = transactions.max(1);
        self
    }
}
