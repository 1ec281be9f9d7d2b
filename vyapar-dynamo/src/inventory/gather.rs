//! Gathering: calls that want the same products are decided together and stored by one
//! transaction.
//!
//! In its process the gatherer is the only writer of a product's stock, so its transactions
//! never cancel each other. While one is under way, calls that want one of its products
//! wait; when it is done and those it answered have had a chance to ask again, all that wait
//! and share a product go into the next, each is decided on what the ones before it leave, and
//! each is answered on its own. Calls that share
//! nothing with others never wait: an idle system answers at once. Between processes the
//! compare-and-set decides, and a group that lost it is decided anew.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Instrument;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};

use super::books::Books;
use super::codec::{read_levels, read_operation, read_reservation};
use super::remembered::Remembered;
use super::waiting::{Ask, Deliver, Job, Key, Waiting};
use crate::db::{Db, Written};
use crate::gathering::{Counters, GatherStatistics, Gathering, count};
use crate::item::Row;
use crate::keys;
use crate::retry::Patience;
use crate::tables::{RESERVATIONS, STOCK, STOCK_OPERATIONS};

/// Turns of the scheduler that callers just answered have at most to ask again.
const TURNS: usize = 8;

/// The one writer of stock in its process.
pub(crate) struct Gatherer {
    db: Arc<Db>,
    waiting: Mutex<Waiting>,
    remembered: Remembered,
    options: Gathering,
    counters: Counters,
}

impl fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatherer").finish_non_exhaustive()
    }
}

impl Gatherer {
    pub(crate) fn new(db: Arc<Db>, options: Gathering) -> Self {
        Self {
            db,
            waiting: Mutex::default(),
            remembered: Remembered::default(),
            options,
            counters: Counters::default(),
        }
    }

    pub(crate) fn statistics(&self) -> GatherStatistics {
        self.counters.read()
    }

    fn refused(&self, why: &'static str) -> RepositoryError {
        count(&self.counters.refused);
        RepositoryError::new(RepositoryErrorKind::Busy, why)
    }

    /// Lets `decide` make something of what `ask` names, and answers when that is stored.
    /// `decide` may be called several times, each time on books read anew.
    ///
    /// A caller that goes away while waiting leaves its call behind: it is done all the same,
    /// as if only its answer had been lost. (Unless his runtime goes away with him.)
    pub(crate) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        ask: Ask,
        patience: &Patience,
        decide: impl Fn(&mut Books) -> Stored<T> + Send + Sync + 'static,
    ) -> Stored<T> {
        count(&self.counters.calls);
        let (send, mut answer) = oneshot::channel::<Stored<T>>();
        let send = Arc::new(Mutex::new(Some(send)));
        let (failing, listening) = (Arc::clone(&send), Arc::clone(&send));
        let (number, free) = {
            let mut waiting = self.lock();
            if waiting.jobs.len() >= self.options.queue {
                drop(waiting);
                return Err(self.refused("the queue of stock writes is full"));
            }
            // If it cannot go, then what waited before can go no more than it could.
            let free = ask.keys().all(|key| !waiting.busy.contains(&key));
            waiting.number += 1;
            let number = waiting.number;
            waiting.jobs.push_back(Job {
                number,
                ask,
                patience: patience.clone(),
                decide: Box::new(move |books| {
                    let decided = decide(books)?;
                    let send = Arc::clone(&send);
                    Ok(Box::new(move || deliver(&send, Ok(decided))))
                }),
                fail: Box::new(move |error| deliver(&failing, Err(error))),
                runtime: Handle::current(),
                listens: Box::new(move || listens(&listening)),
            });
            (number, free)
        };
        if free {
            self.dispatch(&Handle::current());
        }
        let answered = match tokio::time::timeout_at(patience.deadline(), &mut answer).await {
            Ok(answered) => answered,
            // Still waiting: leave, nothing was written. Under way: it ends soon by itself.
            Err(_) if self.leave(number) => return Err(self.refused("waiting for a turn to write stock")),
            Err(_) => answer.await,
        };
        // The sender goes away unused only when the work on the call was cut short.
        answered.unwrap_or_else(|_| {
            Err(RepositoryError::new(RepositoryErrorKind::OutcomeUnknown, "the runtime stopped while writing stock"))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Consistent between any two statements, so a panic elsewhere spoils nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, number: u64) -> bool {
        let mut waiting = self.lock();
        let before = waiting.jobs.len();
        waiting.jobs.retain(|job| job.number != number);
        waiting.jobs.len() < before
    }

    /// Starts a group for everything that can go now.
    fn dispatch(self: &Arc<Self>, on: &Handle) {
        let groups = {
            let mut waiting = self.lock();
            let groups = waiting.group(self.options.on);
            for group in &groups {
                waiting.busy.extend(group.keys.iter().copied());
            }
            groups
        };
        for group in groups {
            count(&self.counters.groups);
            self.counters.largest.fetch_max(group.jobs.len().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            let (calls, actions) = (group.jobs.len(), group.actions);
            let span = tracing::debug_span!("group", of = "stock writes", calls, actions);
            let mut turn = Turn {
                gatherer: Arc::clone(self),
                keys: group.keys,
                on: on.clone(),
                jobs: Some(group.jobs),
                ended: false,
            };
            let work = async move {
                let jobs = turn.jobs.take().unwrap_or_default();
                turn.gatherer.work(&jobs).await;
                turn.gatherer.let_them_ask().await;
                turn.ended = true;
                drop(turn);
            };
            on.spawn(work.instrument(span));
        }
    }

    /// Lets those who are about to ask do so, before the keys of a group are free again: callers
    /// just answered often ask for more, and the first of them would set out alone, with all
    /// others waiting for it. Turns of the scheduler, not time: it costs microseconds, and ends
    /// when nobody more came.
    async fn let_them_ask(&self) {
        let mut waiting = self.lock().jobs.len();
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            let before = std::mem::replace(&mut waiting, self.lock().jobs.len());
            if waiting <= before {
                return;
            }
        }
    }

    /// Decides a group until a decision stands, and answers every call of it.
    async fn work(&self, jobs: &[Job]) {
        // The call with the most time left: the others of its group are served with it.
        let Some(mut patience) = jobs.iter().map(|job| job.patience.clone()).max_by_key(Patience::deadline) else {
            return;
        };
        let failed = match self.store(jobs, &mut patience).await {
            Ok(answers) => {
                for (job, answer) in jobs.iter().zip(answers) {
                    match answer {
                        Ok(deliver) => deliver(),
                        Err(error) => (job.fail)(error),
                    }
                }
                return;
            }
            Err(error) => error,
        };
        for job in jobs {
            // One failure for all: each gets its kind, and what was said of it.
            let error = RepositoryError::new(failed.kind().clone(), "writing stock").with_source(failed.to_string());
            (job.fail)(error);
        }
    }

    async fn store(&self, jobs: &[Job], patience: &mut Patience) -> Stored<Vec<Stored<Deliver>>> {
        // What is remembered saves reading it. Only what leads to a write may be decided by it:
        // the write finds out whether it still stood, but an answer such as "short" would not.
        if let Some(books) = self.recall(jobs) {
            count(&self.counters.remembered);
            let (books, answers, all_write) = decide(jobs, books);
            if all_write
                && let Written::Done = self.db.transact(books.actions(&self.db)?, patience, "writing stock").await?
            {
                self.remembered.put(books);
                return Ok(answers);
            }
        }
        loop {
            let books = self.read(jobs, patience).await?;
            let (books, answers, _) = decide(jobs, books);
            let actions = books.actions(&self.db)?;
            if actions.is_empty() {
                return Ok(answers);
            }
            match self.db.transact(actions, patience, "writing stock").await? {
                Written::Done => {
                    self.remembered.put(books);
                    return Ok(answers);
                }
                Written::Refused(_) => {
                    count(&self.counters.anew);
                    patience.check("other writers kept changing the stock")?;
                }
            }
        }
    }

    /// The books of a group from memory, if all of it is there.
    fn recall(&self, jobs: &[Job]) -> Option<Books> {
        let store = jobs.first()?.ask.store;
        let levels = self.remembered.take(store, jobs.iter().flat_map(|job| job.ask.products.iter().copied()));
        let fresh = jobs.iter().all(|job| job.ask.fresh);
        levels.filter(|_| fresh).map(|levels| Books::new(store, levels, BTreeMap::new(), BTreeMap::new()))
    }

    /// Reads all that a group names, in one go. A group is of one store, since that is part
    /// of every key.
    async fn read(&self, jobs: &[Job], patience: &mut Patience) -> Stored<Books> {
        let Some(store) = jobs.first().map(|job| job.ask.store) else {
            return Err(RepositoryError::new(RepositoryErrorKind::Backend, "an empty group"));
        };
        let keys: HashSet<Key> = jobs.iter().flat_map(|job| job.ask.keys()).collect();
        let wanted = keys.iter().map(|key| match *key {
            Key::Product(store, product) => (&STOCK, keys::level(store, product)),
            Key::Reservation(store, id) => (&RESERVATIONS, keys::reservation(store, id)),
            Key::Operation(store, id) => (&STOCK_OPERATIONS, keys::operation(store, id)),
        });
        let found = self.db.get_many(wanted.collect(), patience, "reading stock").await?;
        let of = |table| found.get(&self.db.names().of(table)).map_or(&[][..], Vec::as_slice);
        let mut reservations = BTreeMap::new();
        for item in of(&RESERVATIONS) {
            let item = read_reservation(item)?;
            reservations.insert(item.reservation.hold.id, item);
        }
        let mut operations = BTreeMap::new();
        for item in of(&STOCK_OPERATIONS) {
            let id = Row::new(STOCK_OPERATIONS.name, item).parse("operation_id")?;
            operations.insert(id, read_operation(item)?);
        }
        Ok(Books::new(store, read_levels(of(&STOCK))?, reservations, operations))
    }
}

/// Decides calls one after another, each on what the ones before it leave. The books, the
/// answers, and whether every call leads to a write.
fn decide(jobs: &[Job], fresh: Books) -> (Books, Vec<Stored<Deliver>>, bool) {
    let mut failed: HashMap<usize, RepositoryError> = HashMap::new();
    'again: loop {
        let mut books = fresh.clone();
        let mut answers = Vec::with_capacity(jobs.len());
        let mut all_write = true;
        for (number, job) in jobs.iter().enumerate() {
            if failed.contains_key(&number) {
                answers.push(None);
                all_write = false;
                continue;
            }
            let before = books.writes();
            match (job.decide)(&mut books) {
                Ok(answer) => answers.push(Some(answer)),
                // It may have got half way: from the start, without it.
                Err(error) => {
                    failed.insert(number, error);
                    continue 'again;
                }
            }
            all_write &= books.writes() > before;
        }
        let answer = |(number, answer): (usize, Option<Deliver>)| match answer {
            Some(deliver) => Ok(deliver),
            None => Err(failed
                .remove(&number)
                .unwrap_or_else(|| RepositoryError::new(RepositoryErrorKind::Backend, "deciding about stock"))),
        };
        return (books, answers.into_iter().enumerate().map(answer).collect(), all_write);
    }
}

/// A group's turn: its keys are free again when it ends, however it ends, even where its runtime
/// stops before it began.
struct Turn {
    gatherer: Arc<Gatherer>,
    keys: HashSet<Key>,
    on: Handle,
    /// Its calls, until it begins.
    jobs: Option<Vec<Job>>,
    ended: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let never_began = self.jobs.is_some();
        let stopped = never_began || (!self.ended && !std::thread::panicking());
        let (gone, elsewhere) = {
            let mut waiting = self.gatherer.lock();
            for key in &self.keys {
                waiting.busy.remove(key);
            }
            waiting.put_back(self.jobs.take().unwrap_or_default());
            let gone = if stopped { waiting.leave_with(self.on.id()) } else { Vec::new() };
            (gone, if stopped { waiting.runtime() } else { Some(self.on.clone()) })
        };
        // Nothing was written for those who waited on a runtime that stopped, and they go with it;
        // who waits on another goes on there.
        for job in gone {
            (job.fail)(RepositoryError::new(RepositoryErrorKind::Unavailable, "the runtime stopped"));
        }
        if let Some(on) = elsewhere {
            self.gatherer.dispatch(&on);
        }
    }
}

fn listens<T>(send: &Mutex<Option<oneshot::Sender<Stored<T>>>>) -> bool {
    let send = send.lock().unwrap_or_else(PoisonError::into_inner);
    send.as_ref().is_some_and(|send| !send.is_closed())
}

fn deliver<T>(send: &Mutex<Option<oneshot::Sender<Stored<T>>>>, answer: Stored<T>) {
    let send = send.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(send) = send {
        // The caller may be gone.
        let _ = send.send(answer);
    }
}
