//! What waits in a lane, and which of it goes together.

use std::collections::VecDeque;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vyapar_core::{OrderId, ProductId, ReservationId, StoreId, Stored};

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
type HashSet<K> = std::collections::HashSet<K, RandomState>;

/// Lines of one batch, whatever the calls in it: bounds how long a transaction lasts.
const MAX_LINES: usize = 2_048;
/// Calls that another writer starts for beside those under way.
const CROWD: usize = 16;
/// Fewer calls than these that want what is under way go with the ones that have it in a moment,
/// rather than behind them.
const FEW: usize = 12;
/// A batch that takes longer than this may take for ever: nobody waits for it any more who need
/// not. Most take a tenth of it, and one that is tried as a whole waits no longer for a row.
pub(super) const SLOW: Duration = Duration::from_millis(25);
/// Batches that wait for rows of others at the same time.
const MAX_WAITING: usize = 4;
/// How often a call is left to a later batch because its levels are in one under way. Then it
/// goes all the same, and its batch waits in the database.
const LEFT: usize = 4;

/// A row that only one batch of the process works on at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Shared by the calls of one batch, and by batches that take it last.
    Level(StoreId, ProductId),
    /// Of one call in a batch.
    Reservation(StoreId, ReservationId),
    /// Of one call in a batch.
    Order(StoreId, OrderId),
}

impl Key {
    fn is_shared(&self) -> bool {
        matches!(self, Self::Level(..))
    }
}

/// A call on its way.
pub(super) struct Job<A, T> {
    pub(super) number: u64,
    pub(super) ask: A,
    pub(super) keys: Vec<Key>,
    pub(super) lines: usize,
    pub(super) deadline: Instant,
    /// A row that somebody outside this process had locked.
    pub(super) wait: Option<Key>,
    /// How often others went, and it stayed because its levels are in a batch under way.
    left: usize,
    /// Where its caller waits, who keeps that going.
    runtime: runtime::Handle,
    pub(super) reply: oneshot::Sender<Stored<T>>,
}

/// Calls that go into one transaction.
pub(super) struct Batch<A, T> {
    pub(super) jobs: Vec<Job<A, T>>,
    /// The row to wait for before anything else.
    pub(super) wait: Option<Key>,
    /// What it keeps other batches of the process from.
    pub(super) keys: Vec<Key>,
}

/// Who works on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// So many batches that end soon.
    Running(usize),
    /// A batch that waits for somebody else; nobody knows how long.
    Waiting,
}

/// Whether a batch takes calls whose levels are in one under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Never,
    /// Only those that were left often enough.
    Late,
    Always,
}

pub(super) struct Queue<A, T> {
    jobs: VecDeque<Job<A, T>>,
    busy: HashMap<Key, Busy>,
    number: u64,
    /// Writers, by when they began what they do.
    writers: Vec<Instant>,
    waiting: usize,
}

impl<A, T> Default for Queue<A, T> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), busy: HashMap::default(), number: 0, writers: Vec::new(), waiting: 0 }
    }
}

impl<A, T> Queue<A, T> {
    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Adds a call; answers its number, and whether it might go at once. (If not, then what
    /// waited before can go no more than it could.)
    pub(super) fn push(
        &mut self,
        ask: A,
        keys: Vec<Key>,
        lines: usize,
        deadline: Instant,
        reply: oneshot::Sender<Stored<T>>,
        shares: bool,
    ) -> (u64, bool) {
        self.number += 1;
        let number = self.number;
        let free = keys.iter().all(|key| self.is_free(key, shares));
        let runtime = runtime::Handle::current();
        self.jobs.push_back(Job { number, ask, keys, lines, deadline, wait: None, left: 0, runtime, reply });
        (number, free)
    }

    /// Puts calls back that met a locked row, to where they came from: before all that arrived
    /// after them.
    pub(super) fn put_back(&mut self, jobs: Vec<Job<A, T>>) {
        for job in jobs {
            let place = self.jobs.partition_point(|other| other.number < job.number);
            self.jobs.insert(place, job);
        }
    }

    /// Takes a call out whose caller gave up; says whether it still waited.
    pub(super) fn leave(&mut self, number: u64) -> bool {
        let before = self.jobs.len();
        self.jobs.retain(|job| job.number != number);
        self.jobs.len() < before
    }

    /// Whether another writer may start: the first at once, another one beside it only for a
    /// crowd, because few calls are served sooner by the writer under way.
    pub(super) fn has_room(&self, writers: usize) -> bool {
        let crowd = if self.writers.is_empty() { 1 } else { CROWD };
        self.writers.len() < writers && self.jobs.len() >= crowd
    }

    /// Whether one may start for whoever waits, because all under way are slow.
    pub(super) fn has_room_beside_slow(&self, writers: usize) -> bool {
        self.writers.len() < writers && !self.jobs.is_empty() && !self.writers.iter().any(is_quick)
    }

    /// Whether a writer, at work since then, may leave what waits to the others: it is little, and
    /// wants what they have.
    pub(super) fn is_left_to_others(&self, since: Instant, most: usize) -> bool {
        let mut others = self.writers.clone();
        if let Some(at) = others.iter().position(|writer| *writer == since) {
            others.swap_remove(at);
        }
        self.jobs.len() < FEW && others.iter().any(is_quick) && !self.most_go_apart(most)
    }

    /// A runtime on which somebody waits, other than these.
    pub(super) fn runtime_beside(&self, stopped: &[runtime::Id]) -> Option<runtime::Handle> {
        let waiting = self.jobs.iter().filter(|job| !job.reply.is_closed());
        waiting.map(|job| &job.runtime).find(|runtime| !stopped.contains(&runtime.id())).cloned()
    }

    /// A batch for a row that somebody else has locked, if calls wait for one that nobody waits
    /// for yet. All that need the row go with it: until it is free they can do nothing.
    pub(super) fn next_waiting(&mut self, most: usize) -> Option<Batch<A, T>> {
        if self.waiting >= MAX_WAITING {
            return None;
        }
        let mut rows: Vec<Key> = self.jobs.iter().filter_map(|job| job.wait.clone()).collect();
        rows.dedup();
        let (row, mut batch) = rows.into_iter().find_map(|row| {
            if self.busy.contains_key(&row) {
                return None;
            }
            let batch = self.gather(most, Sharing::Never, |job| match &job.wait {
                Some(wait) => *wait == row,
                None => job.keys.contains(&row),
            });
            (!batch.jobs.is_empty()).then_some((row, batch))
        })?;
        batch.wait = Some(row.clone());
        batch.keys.retain(|key| !key.is_shared());
        self.occupy(&batch.keys);
        if row.is_shared() {
            batch.keys.push(row.clone());
        }
        self.busy.insert(row, Busy::Waiting);
        self.waiting += 1;
        Some(batch)
    }

    /// A writer starts.
    pub(super) fn start(&mut self) -> Instant {
        let now = Instant::now();
        self.writers.push(now);
        now
    }

    /// A writer, at work since then, begins another batch.
    pub(super) fn go_on(&mut self, since: Instant) -> Instant {
        self.done(since);
        self.start()
    }

    /// A writer's next batch, of calls that can go now.
    ///
    /// Two batches with a level in common follow each other in the database from there on, so one
    /// that `shares` levels takes none if most calls want others: the rest come soon after.
    pub(super) fn next(&mut self, most: usize, shares: bool) -> Option<Batch<A, T>> {
        let sharing = match shares {
            true if self.most_go_apart(most) => Sharing::Late,
            true => Sharing::Always,
            false => Sharing::Never,
        };
        let mut batch = self.gather(most, sharing, |job| job.wait.is_none());
        if batch.jobs.is_empty() && sharing == Sharing::Late {
            // All that might go apart come after one that does not.
            batch = self.gather(most, Sharing::Always, |job| job.wait.is_none());
        }
        if batch.jobs.is_empty() {
            return None;
        }
        self.occupy(&batch.keys);
        Some(batch)
    }

    /// Whether of the calls that can go next at least half want nothing that a batch under way has.
    fn most_go_apart(&self, most: usize) -> bool {
        let waits = |job: &Job<A, T>| {
            job.wait.is_some() || job.keys.iter().any(|key| self.busy.get(key) == Some(&Busy::Waiting))
        };
        let (mut next, mut apart) = (0, 0);
        for job in self.jobs.iter().filter(|job| !waits(job)).take(most) {
            next += 1;
            apart += usize::from(job.keys.iter().all(|key| !self.busy.contains_key(key)));
        }
        2 * apart >= next
    }

    /// A writer is done that was at work since then.
    pub(super) fn done(&mut self, since: Instant) {
        if let Some(at) = self.writers.iter().position(|writer| *writer == since) {
            self.writers.swap_remove(at);
        }
    }

    /// A batch that waited is done.
    pub(super) fn done_waiting(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Lets others at these rows.
    pub(super) fn free(&mut self, keys: &[Key]) {
        for key in keys {
            match self.busy.get_mut(key) {
                Some(Busy::Running(batches)) if *batches > 1 => *batches -= 1,
                _ => drop(self.busy.remove(key)),
            }
        }
    }

    fn occupy(&mut self, keys: &[Key]) {
        for key in keys {
            match self.busy.entry(key.clone()).or_insert(Busy::Running(0)) {
                Busy::Running(batches) => *batches += 1,
                Busy::Waiting => {}
            }
        }
    }

    /// Whether a batch may begin that wants this row; `shares`: it takes levels last.
    fn is_free(&self, key: &Key, shares: bool) -> bool {
        match self.busy.get(key) {
            None => true,
            Some(Busy::Running(_)) => shares && key.is_shared(),
            Some(Busy::Waiting) => false,
        }
    }

    /// Takes out of the queue, in its order, what may go and can. Nothing overtakes a call for
    /// a row that it waits for, except where it waits for somebody outside this process.
    fn gather(&mut self, most: usize, sharing: Sharing, may_go: impl Fn(&Job<A, T>) -> bool) -> Batch<A, T> {
        let calls = self.jobs.len().min(most);
        let mut batch = Batch { jobs: Vec::with_capacity(calls), wait: None, keys: Vec::with_capacity(2 * calls) };
        let mut taken: HashSet<Key> = HashSet::default();
        let mut blocked: HashSet<Key> = HashSet::default();
        // Batches that go on sharing a level would keep a call that waits from its turn, for that
        // level or for another one.
        let waiting = self.jobs.iter().filter(|job| job.wait.is_some());
        let awaited: HashSet<Key> = waiting.flat_map(|job| job.keys.iter().cloned()).collect();
        let mut lines = 0;
        let mut left = VecDeque::new();
        while let Some(mut job) = self.jobs.pop_front() {
            if job.reply.is_closed() {
                continue;
            }
            if batch.jobs.len() >= most || lines >= MAX_LINES {
                left.push_back(job);
                break;
            }
            let theirs = job.keys.iter().any(|key| self.busy.get(key) == Some(&Busy::Waiting));
            if theirs || !may_go(&job) {
                left.push_back(job);
                continue;
            }
            let shares = match sharing {
                Sharing::Never => false,
                Sharing::Late => job.left >= LEFT,
                Sharing::Always => true,
            };
            let free = job.keys.iter().all(|key| {
                self.is_free(key, shares && !awaited.contains(key))
                    && !blocked.contains(key)
                    && (key.is_shared() || !taken.contains(key))
            });
            if !free {
                blocked.extend(job.keys.iter().cloned());
                job.left += usize::from(sharing == Sharing::Late);
                left.push_back(job);
                continue;
            }
            for key in &job.keys {
                if taken.insert(key.clone()) {
                    batch.keys.push(key.clone());
                }
            }
            lines += job.lines;
            batch.jobs.push(job);
        }
        // Where all went, the queue keeps its room for those that come.
        if !left.is_empty() {
            left.append(&mut self.jobs);
            self.jobs = left;
        }
        batch
    }
}

/// Whether what began then will end soon, as far as one can tell.
fn is_quick(began: &Instant) -> bool {
    began.elapsed() < SLOW
}

#[cfg(test)]
mod tests;
