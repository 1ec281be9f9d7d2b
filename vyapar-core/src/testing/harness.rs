//! What runs a promise: fresh ports, a runtime with four workers, a deadline.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use crate::ports::Ports;

/// How long one promise may take. It is there to end a hang, not to measure speed.
pub const DEADLINE: Duration = Duration::from_secs(900);

/// What a promise is checked on: units that nobody else uses.
///
/// A harness is an async function without arguments that returns one. Its units start empty
/// and share nothing with those of another call: promises look at all that is due in *all*
/// stores. Promises of one area use only the units of that area, so a harness for an adapter
/// with few units fills the rest from another one; and nothing of one unit may have to exist
/// for another unit to accept its own (a hybrid could not guarantee it): stock is opened
/// without a product, orders are inserted without a store.
pub struct Bench {
    /// The units.
    pub ports: Ports,
    guard: Box<dyn Any + Send>,
    exhaustive: bool,
}

impl Bench {
    /// Units that need no cleaning up.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self::guarded(ports, ())
    }

    /// Units whose surroundings live as long as `guard`. It is dropped inside the runtime
    /// after the promise, also when that failed ([`std::thread::panicking`] tells), so a
    /// guard may keep a failed test's database for a look.
    #[must_use]
    pub fn guarded(ports: Ports, guard: impl Any + Send) -> Self {
        Self { ports, guard: Box::new(guard), exhaustive: false }
    }

    /// Asks for every combination where a promise tries many; without it, each step meets
    /// half the faults, and its neighbours the others. For backends that answer within
    /// microseconds.
    #[must_use]
    pub fn exhaustive(mut self) -> Self {
        self.exhaustive = true;
        self
    }

    /// Whether every combination is asked for.
    #[must_use]
    pub const fn is_exhaustive(&self) -> bool {
        self.exhaustive
    }

    /// The units and their guard, which must outlive them.
    #[must_use]
    pub fn into_parts(self) -> (Ports, Box<dyn Any + Send>) {
        (self.ports, self.guard)
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

/// Runs one promise on a runtime of its own with four workers, and fails it after
/// [`DEADLINE`].
pub fn run(promise: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            if tokio::time::timeout(DEADLINE, promise).await.is_err() {
                panic!("not finished within {} s", DEADLINE.as_secs());
            }
        });
    }));
    // A worker that hangs must not turn a failure into a hang.
    runtime.shutdown_timeout(Duration::from_secs(10));
    if let Err(failure) = outcome {
        resume_unwind(failure);
    }
}
