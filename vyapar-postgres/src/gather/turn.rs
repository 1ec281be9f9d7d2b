//! Turns of a lane: who is at work on it, where, and what becomes of that when it ends.

use std::sync::Arc;

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::runtime;
use tokio::time::Instant;

use super::lane::{Lane, Work};
use super::queue::{Batch, Key};

/// Batches after which a writer gives its connection back where others may wait for one.
const BATCHES_OF_A_TURN: usize = 16;
/// Batches after which it does so in any case: the pool decides how old a connection gets.
const BATCHES_OF_A_CONNECTION: usize = 1_024;

/// A writer: turn after turn on one connection, as long as there is something to do.
pub(super) async fn write<W: Work>(first: Turn<W>) {
    let lane = Arc::clone(&first.lane);
    let (mut connection, mut batches) = (None, 0);
    let mut turn = Some(first);
    while let Some(next) = turn {
        next.write(&mut connection, &mut batches).await;
        turn = lane.rest(&mut connection).await;
    }
}

/// Where a turn is spawned: where a caller waits.
#[derive(Debug, Clone)]
pub(super) struct Runtime {
    pub(super) handle: runtime::Handle,
    /// Others of the process that stopped with the turns before it.
    stopped: Vec<runtime::Id>,
}

impl Runtime {
    pub(super) fn here() -> Self {
        Self { handle: runtime::Handle::current(), stopped: Vec::new() }
    }
}

/// Somebody at work on a lane: what it keeps others from is given back when it ends, however it
/// ends, even where its runtime stops before it began.
pub(super) struct Turn<W: Work> {
    lane: Arc<Lane<W>>,
    keys: Vec<Key>,
    /// A batch that waits, until it begins.
    pub(super) batch: Option<Batch<W::Ask, W::Answer>>,
    /// What it counts as; nothing once a writer has found nothing more to do.
    at: Option<Place>,
    pub(super) on: Runtime,
    begun: bool,
    /// Whether a batch that waited is through.
    served: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At work on what it does since then.
    Writer(Instant),
    Waiting,
}

impl<W: Work> Turn<W> {
    pub(super) fn new(lane: &Arc<Lane<W>>, keys: Vec<Key>, at: Place, on: Runtime) -> Self {
        Self { lane: Arc::clone(lane), keys, batch: None, at: Some(at), on, begun: false, served: false }
    }

    /// Batch after batch, as long as calls wait.
    async fn write(mut self, connection: &mut Option<PoolConnection<Postgres>>, batches: &mut usize) {
        self.begun = true;
        loop {
            // Those who are about to ask do so first: a caller that asks two things at once, and
            // those just answered, who often ask again. The rows of the last batch are kept until
            // then, so that the first of them does not set out alone.
            if self.lane.queue().len() < self.lane.options.batch {
                tokio::task::yield_now().await;
            }
            let Some(batch) = self.next() else { return };
            self.keys.clone_from(&batch.keys);
            self.lane.serve(batch, connection).await;
            *batches += 1;
            if batches.is_multiple_of(BATCHES_OF_A_CONNECTION)
                || (batches.is_multiple_of(BATCHES_OF_A_TURN) && !self.lane.database.has_spare_connections())
            {
                *connection = None;
            }
        }
    }

    /// A batch that waits for a row of somebody else.
    pub(super) async fn wait(mut self) {
        self.begun = true;
        if let Some(batch) = self.batch.take() {
            self.lane.serve(batch, &mut None).await;
        }
        self.served = true;
    }

    /// Lets others at the last batch's rows, and takes the next one. What waits for a row of
    /// somebody else goes first.
    fn next(&mut self) -> Option<Batch<W::Ask, W::Answer>> {
        self.lane.queue().free(&self.keys);
        self.keys.clear();
        self.lane.dispatch_waiting(&self.on);
        let Some(Place::Writer(since)) = self.at else { return None };
        let (most, shares) = (self.lane.options.batch, self.lane.work.shares_levels());
        let mut queue = self.lane.queue();
        let next = if shares && queue.is_left_to_others(since, most) { None } else { queue.next(most, shares) };
        self.at = match next {
            Some(_) => Some(Place::Writer(queue.go_on(since))),
            None => {
                queue.done(since);
                None
            }
        };
        next
    }
}

impl<W: Work> Drop for Turn<W> {
    fn drop(&mut self) {
        // A writer that found nothing more has given everything back; what is left in the queue
        // waits for a batch under way, which looks at it when it ends.
        let Some(at) = self.at else { return };
        let elsewhere = {
            let mut queue = self.lane.queue();
            if let Some(batch) = self.batch.take() {
                queue.put_back(batch.jobs);
            }
            queue.free(&self.keys);
            match at {
                Place::Writer(since) => queue.done(since),
                Place::Waiting => queue.done_waiting(),
            }
            if self.served {
                None
            } else {
                // Cut short: its runtime is stopping, or it panicked. Who waits on another goes on
                // there.
                self.on.stopped.push(self.on.handle.id());
                queue.runtime_beside(&self.on.stopped)
            }
        };
        if let Some(handle) = elsewhere {
            self.lane.dispatch(&Runtime { handle, stopped: std::mem::take(&mut self.on.stopped) });
        } else if self.begun && runtime::Handle::try_current().is_ok() {
            // A runtime that never let this one begin would do the same to the next.
            self.lane.dispatch(&Runtime { handle: self.on.handle.clone(), stopped: Vec::new() });
        }
    }
}
