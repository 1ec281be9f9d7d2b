//! A lane: calls of one kind on their way through shared transactions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Instrument;
use vyapar_core::{RepositoryError, RepositoryErrorKind, Stored};

use super::options::Gathering;
use super::queue::{Batch, Job, Key, Queue, SLOW};
use super::statistics::{Counters, LaneStatistics};
use super::turn::{Place, Runtime, Turn, write};
use crate::database::Database;
use crate::error::{self, Intent};

/// How long a writer with nothing to do keeps its connection, if nobody needs it. A pool hands
/// connections round, and a backend that was not used lately is slow: what it has read and
/// planned is out of the processor's caches, or was never read.
const REST: Duration = Duration::from_millis(5);
/// After so long it gives it back in any case: a runtime that nobody drove meanwhile let it rest.
const STALE: Duration = Duration::from_millis(250);

/// A kind of call.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// What a caller asks.
    type Ask: Send + Sync + 'static;
    /// What it is answered.
    type Answer: Send + 'static;

    /// What it is called in errors and traces.
    const NAME: &'static str;
    /// What a lost answer means.
    const INTENT: Intent;

    /// The rows that a call works on.
    fn keys(&self, ask: &Self::Ask) -> Vec<Key>;

    /// How large a call is.
    fn lines(&self, ask: &Self::Ask) -> usize;

    /// Whether batches under way may want the same levels: each takes them last, waits for them,
    /// and holds nothing meanwhile that others wait for.
    fn shares_levels(&self) -> bool {
        false
    }

    /// How often a transaction that was tried as a whole was refused.
    fn refusals(&self) -> u64 {
        0
    }

    /// Does all calls in one transaction, or none; waits for at most one row that somebody else
    /// has locked, `wait`, before it locks any other, and for no longer than `patience`.
    /// Answers in the order of the calls.
    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Self::Ask],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Self::Answer>>>, sqlx::Error>;
}

/// How a call of a batch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply<T> {
    /// With its answer.
    Done(T),
    /// Undone, because somebody else has locked this row.
    Locked(Key),
}

/// Calls of one kind.
pub(crate) struct Lane<W: Work> {
    pub(super) work: W,
    pub(super) database: Database,
    pub(super) options: Gathering,
    queue: Mutex<Queue<W::Ask, W::Answer>>,
    /// Writers that have a connection and nothing to do, with their runtime: the latest last.
    resting: Mutex<Vec<(runtime::Id, oneshot::Sender<Turn<W>>)>>,
    counters: Counters,
}

impl<W: Work> Lane<W> {
    pub(crate) fn new(work: W, database: Database, options: Gathering) -> Arc<Self> {
        Arc::new(Self {
            work,
            database,
            options,
            queue: Mutex::default(),
            resting: Mutex::default(),
            counters: Counters::default(),
        })
    }

    pub(crate) fn statistics(&self) -> LaneStatistics {
        self.counters.read(self.work.refusals())
    }

    /// Does one call, together with others or alone.
    pub(crate) async fn call(self: &Arc<Self>, ask: W::Ask) -> Stored<W::Answer> {
        self.counters.calls.add(1);
        let deadline = Instant::now() + self.database.deadline();
        if !self.options.on {
            // In a box: with it, every call that is gathered would carry its 9 kB about.
            return Box::pin(self.alone(&ask, deadline)).await;
        }
        let (reply, mut answer) = oneshot::channel();
        let (keys, lines) = (self.work.keys(&ask), self.work.lines(&ask));
        let (number, free) = {
            let mut queue = self.queue();
            if queue.len() >= self.options.queue {
                drop(queue);
                return Err(self.refused("the queue is full"));
            }
            queue.push(ask, keys, lines, deadline, reply, self.work.shares_levels())
        };
        if free {
            self.dispatch(&Runtime::here());
        }
        let mut patience = SLOW;
        let answered = loop {
            let until = deadline.min(Instant::now() + patience);
            match tokio::time::timeout_at(until, &mut answer).await {
                Err(_) if until < deadline => {
                    // Those under way may be in for a long time: whoever need not wait for them goes
                    // with another one.
                    self.start_if(Queue::has_room_beside_slow, &Runtime::here());
                    patience *= 2;
                }
                answered => break answered,
            }
        };
        let answered = match answered {
            Ok(answered) => answered,
            Err(_) if self.queue().leave(number) => return Err(self.refused("the deadline passed in the queue")),
            // Under way: it ends soon, by itself.
            Err(_) => answer.await,
        };
        // A reply goes away unused only when the runtime that worked on the call stopped.
        answered.unwrap_or_else(|_| Err(error::timed_out(W::INTENT, W::NAME)))
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<W::Ask, W::Answer>> {
        // Consistent between any two statements, so a panic elsewhere spoils nothing.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, why: &'static str) -> RepositoryError {
        self.counters.refused.add(1);
        RepositoryError::new(RepositoryErrorKind::Busy, W::NAME).with_source(why)
    }

    /// Starts what can start now.
    pub(super) fn dispatch(self: &Arc<Self>, on: &Runtime) {
        self.dispatch_waiting(on);
        self.start_if(Queue::has_room, on);
    }

    /// Starts a writer if there is room for one.
    fn start_if(self: &Arc<Self>, has_room: impl Fn(&Queue<W::Ask, W::Answer>, usize) -> bool, on: &Runtime) {
        let starts = {
            let mut queue = self.queue();
            has_room(&queue, self.options.writers).then(|| queue.start())
        };
        if let Some(now) = starts {
            self.start(Turn::new(self, Vec::new(), Place::Writer(now), on.clone()));
        }
    }

    /// Lets a writer begin: one that rests, with its connection, or else a new one.
    fn start(self: &Arc<Self>, mut turn: Turn<W>) {
        let on = turn.on.handle.clone();
        while let Some(resting) = self.one_resting(on.id()) {
            match resting.send(turn) {
                Ok(()) => return,
                // It has just stopped resting.
                Err(back) => turn = back,
            }
        }
        on.spawn(write(turn));
    }

    /// The writer that has rested least, of that runtime: nobody may be driving another one.
    fn one_resting(&self, on: runtime::Id) -> Option<oneshot::Sender<Turn<W>>> {
        let mut resting = self.resting();
        let at = resting.iter().rposition(|(runtime, _)| *runtime == on)?;
        Some(resting.remove(at).1)
    }

    fn resting(&self) -> MutexGuard<'_, Vec<(runtime::Id, oneshot::Sender<Turn<W>>)>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment for another turn, with a connection that nobody else needs.
    pub(super) async fn rest(&self, connection: &mut Option<PoolConnection<Postgres>>) -> Option<Turn<W>> {
        if connection.is_none() || !self.database.has_spare_connections() {
            return None;
        }
        let (sender, mut receiver) = oneshot::channel();
        {
            let mut resting = self.resting();
            resting.retain(|(_, sender)| !sender.is_closed());
            resting.push((runtime::Handle::current().id(), sender));
        }
        let began = Instant::now();
        let turn = match tokio::time::timeout(REST, &mut receiver).await {
            Ok(turn) => turn.ok(),
            Err(_) => {
                receiver.close();
                // Sent at the last moment.
                receiver.try_recv().ok()
            }
        };
        if began.elapsed() > STALE {
            *connection = None;
        }
        turn
    }

    pub(super) fn dispatch_waiting(self: &Arc<Self>, on: &Runtime) {
        loop {
            let Some(batch) = self.queue().next_waiting(self.options.batch) else { return };
            let mut turn = Turn::new(self, batch.keys.clone(), Place::Waiting, on.clone());
            turn.batch = Some(batch);
            on.handle.spawn(turn.wait());
        }
    }

    /// Does a batch and answers its calls.
    pub(super) async fn serve(
        self: &Arc<Self>,
        batch: Batch<W::Ask, W::Answer>,
        connection: &mut Option<PoolConnection<Postgres>>,
    ) {
        let Batch { jobs, wait, .. } = batch;
        let span = tracing::debug_span!(
            "batch",
            of = W::NAME,
            calls = jobs.len(),
            lines = jobs.iter().map(|job| job.lines).sum::<usize>(),
            waits = wait.is_some()
        );
        self.counters.largest.raise_to(jobs.len());
        let back = self.all(jobs, wait, connection).instrument(span).await;
        if !back.is_empty() {
            self.counters.locked.add(back.len());
            self.queue().put_back(back);
        }
    }

    /// Answers all calls but those that met a locked row, which it gives back.
    async fn all(
        &self,
        mut jobs: Vec<Job<W::Ask, W::Answer>>,
        wait: Option<Key>,
        connection: &mut Option<PoolConnection<Postgres>>,
    ) -> Vec<Job<W::Ask, W::Answer>> {
        let now = Instant::now();
        let patience = jobs.iter().map(|job| job.deadline.saturating_duration_since(now)).min().unwrap_or_default();
        let asks: Vec<&W::Ask> = jobs.iter().map(|job| &job.ask).collect();
        let replies = match self.once(&asks, wait.as_ref(), patience, connection).await {
            Ok(replies) => replies,
            Err(Failed { error, ones_own }) if jobs.len() == 1 || !ones_own => {
                let failed = Arc::new(error);
                for job in jobs {
                    let _ = job.reply.send(Err(share(&failed)));
                }
                return Vec::new();
            }
            Err(_) => {
                self.counters.split.add(1);
                return Box::pin(self.one_by_one(jobs, wait, connection)).await;
            }
        };
        let mut back = Vec::new();
        for (mut job, reply) in jobs.drain(..).zip(replies) {
            let answer = match reply {
                Ok(Reply::Locked(_)) if job.deadline <= Instant::now() => Err(self.refused("a row stayed locked")),
                Ok(Reply::Locked(row)) => {
                    job.wait = Some(row);
                    back.push(job);
                    continue;
                }
                Ok(Reply::Done(answer)) => Ok(answer),
                Err(error) => Err(error),
            };
            // The caller may be gone.
            let _ = job.reply.send(answer);
        }
        back
    }

    /// After a failure that one call of the batch may have caused: each in a transaction of its own.
    async fn one_by_one(
        &self,
        jobs: Vec<Job<W::Ask, W::Answer>>,
        wait: Option<Key>,
        connection: &mut Option<PoolConnection<Postgres>>,
    ) -> Vec<Job<W::Ask, W::Answer>> {
        let mut back = Vec::new();
        for job in jobs {
            back.append(&mut self.all(vec![job], wait.clone(), connection).await);
        }
        back
    }

    /// Does one call on its caller's own time.
    async fn alone(&self, ask: &W::Ask, deadline: Instant) -> Stored<W::Answer> {
        let mut wait = None;
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            let replies = self.once(&[ask], wait.as_ref(), patience, &mut None).await.map_err(|failed| failed.error)?;
            self.counters.largest.raise_to(1);
            match replies.into_iter().next().unwrap_or_else(|| Err(short_of_answers(W::NAME)))? {
                Reply::Done(answer) => return Ok(answer),
                Reply::Locked(_) if deadline <= Instant::now() => return Err(self.refused("a row stayed locked")),
                Reply::Locked(row) => wait = Some(row),
            }
        }
    }

    /// Runs one transaction.
    async fn once(
        &self,
        asks: &[&W::Ask],
        wait: Option<&Key>,
        patience: Duration,
        slot: &mut Option<PoolConnection<Postgres>>,
    ) -> Result<Vec<Stored<Reply<W::Answer>>>, Failed> {
        self.counters.batches.add(1);
        let mut connection = match slot.take() {
            Some(connection) => connection,
            None => self.database.connection(W::NAME).await.map_err(Failed::of_all)?,
        };
        let running = self.work.run(&mut connection, asks, wait, patience);
        match tokio::time::timeout(self.database.patience(), running).await {
            Ok(Ok(replies)) if replies.len() == asks.len() => {
                *slot = Some(connection);
                Ok(replies)
            }
            Ok(Ok(_)) => Err(Failed::of_all(short_of_answers(W::NAME))),
            Ok(Err(error)) => {
                let outdated = error::is_outdated(&error);
                let error = error::running(error, W::INTENT, W::NAME);
                // Refused by the server, and nothing was written: one of the calls may be why, or on
                // another connection they succeed.
                let ones_own =
                    outdated || (!error.is_outcome_unknown() && error.kind() != &RepositoryErrorKind::Unavailable);
                if outdated {
                    connection.close_on_drop();
                } else if ones_own {
                    *slot = Some(connection);
                }
                Err(Failed { error, ones_own })
            }
            Err(_) => {
                // Nobody knows when its answer comes: the connection is of no use any more.
                connection.close_on_drop();
                Err(Failed::of_all(error::timed_out(W::INTENT, W::NAME)))
            }
        }
    }
}

/// How a transaction failed.
struct Failed {
    error: RepositoryError,
    /// Whether one of its calls may be the reason, so that the others succeed without it.
    ones_own: bool,
}

impl Failed {
    fn of_all(error: RepositoryError) -> Self {
        Self { error, ones_own: false }
    }
}

/// One failure for several callers: each gets its kind, and what was said of it.
fn share(failed: &Arc<RepositoryError>) -> RepositoryError {
    RepositoryError::new(failed.kind().clone(), "").with_source(Shared(Arc::clone(failed)))
}

#[derive(Debug)]
struct Shared(Arc<RepositoryError>);

impl std::fmt::Display for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Shared {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

fn short_of_answers(name: &'static str) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::Backend, format!("an answer of {name}"))
}
