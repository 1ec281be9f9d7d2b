//! Random stock operations against an independent model, and adapters against each other.
//!
//! [`operations`] draws sequences of plain, printable [`Op`]s: few stores, few products, small
//! quantities, few keys, so that operations meet. [`check_against_model`] performs them on an
//! adapter and on [`Model`], a plain reading of the ports' contracts, and compares every
//! answer and level; [`check_alike`] compares two adapters, all fields of all movements and
//! reservations included; [`check_racing`] lets them run at the same time and checks what must
//! hold all the same. [`money`] does the like for amounts.
//!
//! An adapter's test draws cases with proptest and runs them on its own runtime:
//!
//! ```
//! # use vyapar_core::inventory::StockPorts;
//! # use vyapar_core::testing::property::{check_against_model, operations};
//! use proptest::prelude::*;
//!
//! fn behaves_as_the_model(stock: &StockPorts, runtime: &tokio::runtime::Runtime) {
//!     let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(32));
//!     let outcome = runner.run(&operations(40), |ops| {
//!         runtime.block_on(check_against_model(stock, &ops)).map_err(|wrong| TestCaseError::fail(wrong.to_string()))
//!     });
//!     assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
//! }
//! ```
//!
//! Every check works in stores of its own, with random ids, so that many run on one database;
//! what it leaves there stays. Only recovery's lists go across stores, and a check looks at
//! its own rows of them.

pub mod money;

mod calls;
mod invariants;
mod model;
mod ops;

use std::fmt;
use std::sync::Arc;

pub use calls::{Answer, Call, World};
pub use model::Model;
pub use ops::{Line, Op, Slot, Store, operations};

use crate::inventory::StockPorts;

/// Where a check failed, and how.
#[derive(Debug, Clone)]
pub struct Mismatch {
    /// What was being done: the step's number and the operation.
    pub at: String,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\n{}", self.at, self.what)
    }
}

impl std::error::Error for Mismatch {}

/// Refuses what differs, showing both.
fn same<T: PartialEq + fmt::Debug>(
    at: impl FnOnce() -> String,
    names: [&str; 2],
    expected: &T,
    found: &T,
) -> Result<(), Mismatch> {
    if expected == found {
        return Ok(());
    }
    let [first, second] = names;
    Err(Mismatch { at: at(), what: format!("{first}: {expected:#?}\n{second}: {found:#?}") })
}

/// Performs the operations on the adapter and compares every answer and every level with the
/// model's; at the end also movements, reservations and recovery's list, and the
/// [invariants](crate::inventory::level).
///
/// # Errors
/// The first difference.
pub async fn check_against_model(stock: &StockPorts, ops: &[Op]) -> Result<(), Mismatch> {
    let (world, mut model) = (World::fresh(), Model::default());
    let names = ["model", "adapter"];
    for (step, op, call) in world.calls(ops) {
        let at = || format!("step {step}, {op:?}");
        same(at, names, &model.perform(&call), &call.perform(stock, &world).await)?;
        let levels = world.levels(stock).await.map_err(|error| Mismatch { at: at(), what: error.to_string() })?;
        same(|| format!("levels after {}", at()), names, &model.levels(), &levels)?;
    }
    let found = invariants::Records::read(stock, &world).await?;
    same(|| "movements at the end".to_owned(), names, &model.movements(), &found.movements)?;
    same(|| "reservations at the end".to_owned(), names, &model.reservations(), &found.reservations)?;
    found.check()
}

/// Performs the operations on both adapters in the same order and compares every answer and
/// every level; at the end all fields of movements, reservations and verifications.
///
/// # Errors
/// The first difference.
pub async fn check_alike(reference: &StockPorts, other: &StockPorts, ops: &[Op]) -> Result<(), Mismatch> {
    let world = World::fresh();
    let names = ["reference", "other"];
    for (step, op, call) in world.calls(ops) {
        let at = || format!("step {step}, {op:?}");
        same(at, names, &call.perform(reference, &world).await, &call.perform(other, &world).await)?;
        let unreadable = |error: crate::RepositoryError| Mismatch { at: at(), what: error.to_string() };
        let levels = world.levels(reference).await.map_err(unreadable)?;
        same(|| format!("levels after {}", at()), names, &levels, &world.levels(other).await.map_err(unreadable)?)?;
    }
    let (first, second) =
        (invariants::Records::read(reference, &world).await?, invariants::Records::read(other, &world).await?);
    same(|| "records at the end".to_owned(), names, &first, &second)?;
    first.check()
}

/// Performs the operations from `tasks` tasks at the same time (each takes every `tasks`-th),
/// ignores the answers, and checks the invariants when all rest.
///
/// # Errors
/// What does not hold.
pub async fn check_racing(stock: &StockPorts, ops: &[Op], tasks: usize) -> Result<(), Mismatch> {
    let (world, tasks) = (Arc::new(World::fresh()), tasks.max(1));
    let calls: Vec<Call> = world.calls(ops).map(|(_, _, call)| call).collect();
    let mut running = tokio::task::JoinSet::new();
    for first in 0..tasks {
        let mine: Vec<Call> = calls.iter().skip(first).step_by(tasks).cloned().collect();
        let (stock, world) = (stock.clone(), Arc::clone(&world));
        running.spawn(async move {
            for call in mine {
                call.perform(&stock, &world).await;
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| Mismatch { at: "a racing task".to_owned(), what: error.to_string() })?;
    }
    invariants::Records::read(stock, &world).await?.check()
}
