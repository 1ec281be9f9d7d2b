//! Faults between services and storage.
//!
//! [`Faults::wrap`] puts itself before every port. Each call is numbered; a plan says which
//! calls fail, are repeated, lose or delay their answer, or never come back. The saga's own
//! promises are checked with it, and a host can test its recovery the same way:
//!
//! ```
//! # use vyapar_core::testing::faults::{Fault, Faults};
//! let faults = Faults::new();
//! faults.plan(|call| (call.name == "orders.insert").then_some(Fault::LoseAnswer));
//! // let vyapar = Vyapar::builder(faults.wrap(ports), env).build();
//! ```

mod wrap;

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::{RepositoryError, RepositoryErrorKind, Stored};
use crate::ports::Ports;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Not done; the answer says so (`Unavailable`).
    Fail,
    /// Not done; the answer is an error that says nothing about it (`Backend`).
    Break,
    /// Done; the answer is lost (`OutcomeUnknown`).
    LoseAnswer,
    /// Not done, and the answer is lost all the same.
    LoseCall,
    /// The answer is lost, and the call is done later, at [`Faults::land`].
    Delay,
    /// Done twice; the second answer counts.
    Repeat,
    /// The caller dies before the call is done: it never comes back.
    CrashBefore,
    /// The caller dies after the call is done: it never comes back.
    CrashAfter,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 8] = [
        Self::Fail,
        Self::Break,
        Self::LoseAnswer,
        Self::LoseCall,
        Self::Delay,
        Self::Repeat,
        Self::CrashBefore,
        Self::CrashAfter,
    ];
}

/// One call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number since the last [`Faults::plan`], from 0.
    pub number: usize,
    /// Which port and method (`reservations.reserve`).
    pub name: &'static str,
}

type Plan = Box<dyn Fn(Call) -> Option<Fault> + Send>;
type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

struct State {
    plan: Plan,
    calls: Vec<&'static str>,
    answered: usize,
    late: Vec<Work<()>>,
}

/// A plan of faults; its clones share it.
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
    crashed: Arc<Notify>,
}

impl Faults {
    /// No faults, until one is planned.
    #[must_use]
    pub fn new() -> Self {
        let state = State { plan: Box::new(|_| None), calls: Vec::new(), answered: 0, late: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), crashed: Arc::new(Notify::new()) }
    }

    /// The same ports with this plan before each of them.
    #[must_use]
    pub fn wrap(&self, ports: Ports) -> Ports {
        wrap::wrap(self, ports)
    }

    /// From now on, what `plan` says of a call happens to it; calls are numbered from 0 again.
    pub fn plan(&self, plan: impl Fn(Call) -> Option<Fault> + Send + 'static) {
        let mut state = self.lock();
        state.plan = Box::new(plan);
        state.calls.clear();
        state.answered = 0;
    }

    /// From now on, nothing goes wrong.
    pub fn none(&self) {
        self.plan(|_| None);
    }

    /// From now on, `fault` happens to the call of that number, and nothing else.
    pub fn at(&self, number: usize, fault: Fault) {
        self.plan(move |call| (call.number == number).then_some(fault));
    }

    /// The calls since the last plan, in their order.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.lock().calls.clone()
    }

    /// How many of the calls since the last plan have their answer.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.lock().answered
    }

    /// Does the delayed calls now, oldest first. Says how many.
    pub async fn land(&self) -> usize {
        let late = std::mem::take(&mut self.lock().late);
        let count = late.len();
        for work in late {
            work.await;
        }
        count
    }

    /// Runs `work` until it ends, or until a crash was planned into it: then it is dropped
    /// there, and the answer is `None`.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = work => Some(answer),
            () = self.crashed.notified() => None,
        }
    }

    /// One call through the plan.
    async fn call<T: Send + 'static>(&self, name: &'static str, work: impl Fn() -> Work<Stored<T>>) -> Stored<T> {
        // Ports in memory never wait: this is where another task, or a drop, gets its turn.
        tokio::task::yield_now().await;
        let fault = {
            let mut state = self.lock();
            let number = state.calls.len();
            state.calls.push(name);
            (state.plan)(Call { number, name })
        };
        let answer = match fault {
            None => work().await,
            Some(Fault::Fail) => Err(error(RepositoryErrorKind::Unavailable, name)),
            Some(Fault::Break) => Err(error(RepositoryErrorKind::Backend, name)),
            Some(Fault::LoseCall) => Err(error(RepositoryErrorKind::OutcomeUnknown, name)),
            Some(Fault::LoseAnswer) => {
                // Whatever it was: the caller does not get to know.
                let _ = work().await;
                Err(error(RepositoryErrorKind::OutcomeUnknown, name))
            }
            Some(Fault::Delay) => {
                let work = work();
                self.lock().late.push(Box::pin(async move {
                    let _ = work.await;
                }));
                Err(error(RepositoryErrorKind::OutcomeUnknown, name))
            }
            Some(Fault::Repeat) => {
                let _ = work().await;
                work().await
            }
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                let _ = work().await;
                self.crash().await
            }
        };
        self.lock().answered += 1;
        tokio::task::yield_now().await;
        answer
    }

    async fn crash<T>(&self) -> T {
        self.crashed.notify_one();
        std::future::pending().await
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults").field("calls", &self.lock().calls).finish_non_exhaustive()
    }
}

fn error(kind: RepositoryErrorKind, name: &str) -> RepositoryError {
    RepositoryError::new(kind, format!("a planned fault of {name}"))
}
