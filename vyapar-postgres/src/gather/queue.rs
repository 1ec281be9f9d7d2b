//! What waits in a lane, and which of it goes together.

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use tokio::sync::oneshot;
use tokio::time::Instant;
use vyapar_core::{OrderId, ProductId, ReservationId, StoreId, Stored};

type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;
type HashSet<K> = std::collections::HashSet<K, RandomState>;

/// Lines of one batch, whatever the calls in it: bounds how long a transaction lasts.
const MAX_LINES: usize = 2_048;
/// Calls that another writer starts for beside those under way.
const CROWD: usize = 16;
/// Batches that wait for rows of others at the same time.
const MAX_WAITING: usize = 4;

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

pub(super) struct Queue<A, T> {
    jobs: VecDeque<Job<A, T>>,
    busy: HashMap<Key, Busy>,
    number: u64,
    running: usize,
    waiting: usize,
}

impl<A, T> Default for Queue<A, T> {
    fn default() -> Self {
        Self { jobs: VecDeque::new(), busy: HashMap::default(), number: 0, running: 0, waiting: 0 }
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
        self.jobs.push_back(Job { number, ask, keys, lines, deadline, wait: None, reply });
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
        let crowd = if self.running == 0 { 1 } else { CROWD };
        self.running < writers && self.jobs.len() >= crowd
    }

    /// A batch for a row that somebody else has locked, if calls wait for one that nobody waits
    /// for yet. All that need the row go with it: until it is free they can do nothing.
    pub(super) fn next_waiting(&mut self, most: usize) -> Option<Batch<A, T>> {
        if self.waiting >= MAX_WAITING {
            return None;
        }
        let row = self.jobs.iter().filter_map(|job| job.wait.as_ref()).find(|row| !self.busy.contains_key(row))?;
        let row = row.clone();
        let mut batch = self.gather(most, false, |job| match &job.wait {
            Some(wait) => *wait == row,
            None => job.keys.contains(&row),
        });
        if batch.jobs.is_empty() {
            return None;
        }
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
    pub(super) fn start(&mut self) {
        self.running += 1;
    }

    /// A writer's next batch, of calls that can go now.
    pub(super) fn next(&mut self, most: usize, shares: bool) -> Option<Batch<A, T>> {
        let batch = self.gather(most, shares, |job| job.wait.is_none());
        if batch.jobs.is_empty() {
            return None;
        }
        self.occupy(&batch.keys);
        Some(batch)
    }

    /// A writer is done.
    pub(super) fn done(&mut self) {
        self.running = self.running.saturating_sub(1);
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
    fn gather(&mut self, most: usize, shares: bool, may_go: impl Fn(&Job<A, T>) -> bool) -> Batch<A, T> {
        let mut batch = Batch { jobs: Vec::new(), wait: None, keys: Vec::new() };
        let mut taken: HashSet<Key> = HashSet::default();
        let mut blocked: HashSet<Key> = HashSet::default();
        // Batches that go on sharing a level would keep a call that waits for it from its turn.
        let awaited: HashSet<Key> = self.jobs.iter().filter_map(|job| job.wait.clone()).collect();
        let mut lines = 0;
        let mut left = VecDeque::new();
        while let Some(job) = self.jobs.pop_front() {
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
            let free = job.keys.iter().all(|key| {
                self.is_free(key, shares && !awaited.contains(key))
                    && !blocked.contains(key)
                    && (key.is_shared() || !taken.contains(key))
            });
            if !free {
                blocked.extend(job.keys.iter().cloned());
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
        left.append(&mut self.jobs);
        self.jobs = left;
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use uuid::Uuid;

    type Answers = Vec<oneshot::Receiver<Stored<()>>>;

    fn level(product: u128) -> Key {
        Key::Level(StoreId::from_uuid(Uuid::nil()), ProductId::from_uuid(Uuid::from_u128(product)))
    }

    fn reservation(id: u128) -> Key {
        Key::Reservation(StoreId::from_uuid(Uuid::nil()), ReservationId::from_uuid(Uuid::from_u128(id)))
    }

    /// A queue of calls, each with its reservation and its products.
    fn queue(calls: &[(u128, &[u128])]) -> (Queue<u128, ()>, Answers) {
        let mut queue = Queue::default();
        let mut answers = Vec::new();
        for (id, products) in calls {
            let (reply, answer) = oneshot::channel();
            let keys = products.iter().copied().map(level).chain([reservation(*id)]).collect();
            queue.push(*id, keys, products.len(), Instant::now() + Duration::from_secs(5), reply, false);
            answers.push(answer);
        }
        (queue, answers)
    }

    fn ids(batch: Option<&Batch<u128, ()>>) -> Vec<u128> {
        batch.into_iter().flat_map(|batch| batch.jobs.iter().map(|job| job.ask)).collect()
    }

    #[tokio::test]
    async fn batches_under_way_share_no_row_and_nothing_overtakes() {
        let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[1]), (3, &[3])]);
        let first = queue.next(2, false);
        assert_eq!(ids(first.as_ref()), [1, 2]);
        let (reply, _answer) = oneshot::channel();
        queue.push(4, vec![level(2), level(4), reservation(4)], 2, Instant::now(), reply, false);
        let (reply, _answer) = oneshot::channel();
        queue.push(5, vec![level(4), reservation(5)], 1, Instant::now(), reply, false);
        // 4 wants what the first batch has; 5 wants what 4 wants.
        assert_eq!(ids(queue.next(9, false).as_ref()), [3]);
        queue.free(&first.unwrap().keys);
        assert_eq!(ids(queue.next(9, false).as_ref()), [4, 5]);
    }

    #[tokio::test]
    async fn batches_that_take_levels_last_share_them_and_nothing_else() {
        let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[1]), (2, &[3]), (3, &[3])]);
        let first = queue.next(1, true).unwrap();
        // The second 2 wants the reservation of the first, and 3 the product of the second.
        let second = queue.next(9, true).unwrap();
        assert_eq!((ids(Some(&first)), ids(Some(&second))), (vec![1], vec![2]));
        assert!(queue.next(9, true).is_none());
        let (reply, _answer) = oneshot::channel();
        let (_, free) = queue.push(4, vec![level(1), reservation(4)], 1, Instant::now(), reply, true);
        assert!(free);
        // One that takes levels first waits for both.
        assert!(queue.next(9, false).is_none());
        queue.free(&first.keys);
        assert!(queue.next(9, false).is_none());
        queue.free(&second.keys);
        assert_eq!(ids(queue.next(9, false).as_ref()), [2, 3, 4]);
    }

    #[tokio::test]
    async fn a_level_that_a_call_waits_for_is_shared_no_longer() {
        let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1])]);
        let mut first = queue.next(1, true).unwrap();
        let second = queue.next(1, true).unwrap();
        let mut job = first.jobs.pop().unwrap();
        job.wait = Some(level(1));
        queue.free(&first.keys);
        queue.put_back(vec![job]);
        let (reply, _answer) = oneshot::channel();
        queue.push(3, vec![level(1), reservation(3)], 1, Instant::now(), reply, true);
        // Batches that go on sharing the level would keep the call waiting for ever.
        assert!(queue.next(9, true).is_none());
        queue.free(&second.keys);
        assert_eq!(ids(queue.next_waiting(9).as_ref()), [1, 3]);
    }

    #[tokio::test]
    async fn a_reservation_is_once_in_a_batch() {
        let (mut queue, _answers) = queue(&[(7, &[1]), (7, &[1]), (8, &[1])]);
        // 8 wants the product that the second 7 waits for.
        let first = queue.next(9, false).unwrap();
        assert_eq!(first.jobs.len(), 1);
        assert!(queue.next(9, false).is_none());
        queue.free(&first.keys);
        assert_eq!(ids(queue.next(9, false).as_ref()), [7, 8]);
    }

    #[tokio::test]
    async fn who_needs_a_row_of_somebody_else_waits_beside_the_others() {
        let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[2])]);
        let mut first = queue.next(1, false).unwrap();
        let mut job = first.jobs.pop().unwrap();
        job.wait = Some(level(1));
        queue.free(&first.keys);
        queue.put_back(vec![job]);
        let (reply, _answer) = oneshot::channel();
        queue.push(3, vec![level(1), reservation(3)], 1, Instant::now(), reply, false);
        let waiting = queue.next_waiting(9).unwrap();
        assert_eq!((ids(Some(&waiting)), waiting.wait.clone()), (vec![1, 3], Some(level(1))));
        // One batch waits for a row, and the other product is free.
        assert!(queue.next_waiting(9).is_none());
        let (reply, _answer) = oneshot::channel();
        queue.push(4, vec![level(1), level(5), reservation(4)], 2, Instant::now(), reply, false);
        let (reply, _answer) = oneshot::channel();
        queue.push(5, vec![level(5), reservation(5)], 1, Instant::now(), reply, false);
        assert_eq!(ids(queue.next(9, false).as_ref()), [2, 5]);
        queue.free(&waiting.keys);
        assert!(queue.next(9, false).is_none(), "4 wants what the last batch has");
    }

    #[tokio::test]
    async fn whoever_went_away_is_left_out() {
        let (mut queue, mut answers) = queue(&[(1, &[1]), (2, &[1])]);
        drop(answers.remove(0));
        assert_eq!(ids(queue.next(9, false).as_ref()), [2]);
        assert!(!queue.leave(1));
    }
}
