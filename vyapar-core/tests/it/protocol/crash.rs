//! Everybody crashed: recovery runs alone, a caller tries once more, and all must be well.

use super::actor::{Pc, Recover};
use super::invariant::{self, Violation};
use super::place::Place;
use super::record::{Caller, OrderId};
use super::setup::{Role, Setup};
use super::store::Store;
use super::turn::{Move, Turn};

/// More jobs, or more steps of one job, than any honest recovery needs.
const TOO_MANY: usize = 200;

/// What a store is worth if everybody crashes on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) violation: Option<Violation>,
    /// The orders of which nobody may have been told that they are placed.
    pub(super) gone: [bool; OrderId::ALL.len()],
}

impl Verdict {
    pub(super) fn on(store: &Store, setup: &Setup) -> Self {
        match judge(store, setup) {
            Ok(recovered) => Self { violation: None, gone: invariant::gone(&recovered) },
            Err(violation) => Self { violation: Some(violation), gone: [false; OrderId::ALL.len()] },
        }
    }
}

fn judge(store: &Store, setup: &Setup) -> Result<Store, Violation> {
    invariant::always(store, setup)?;
    let recovered = recover_alone(*store, setup)?;
    invariant::always(&recovered, setup)?;
    invariant::recovered(&recovered, setup)?;
    let (after, told) = retry(recovered, setup)?;
    invariant::always(&after, setup)?;
    invariant::retried(&recovered, &after, told, setup)?;
    Ok(recovered)
}

/// Runs job after job until none changes anything. Every answer arrives, and every hold is due.
///
/// The order of jobs does not matter here: recovery among the actors takes them in every order.
fn recover_alone(mut store: Store, setup: &Setup) -> Result<Store, Violation> {
    let idle = Pc::Recover(Recover::Idle);
    for _ in 0..TOO_MANY {
        let mut changed = false;
        for job in steps(&store, setup, Role::Recovery, idle) {
            let after = finish(store, setup, job)?;
            if after != store {
                store = after;
                changed = true;
                break;
            }
        }
        if !changed {
            return Ok(store);
        }
    }
    Err(Violation::RecoveryDoesNotEnd)
}

/// Takes one job from its first step to its end.
fn finish(mut store: Store, setup: &Setup, first: Move) -> Result<Store, Violation> {
    let mut step = first;
    for _ in 0..TOO_MANY {
        store = step.store.unwrap_or(store);
        if step.next == Pc::Recover(Recover::Idle) {
            return Ok(store);
        }
        // A job that has begun has exactly one next step.
        match steps(&store, setup, Role::Recovery, step.next).pop() {
            Some(next) => step = next,
            None => return Ok(store),
        }
    }
    Err(Violation::RecoveryDoesNotEnd)
}

/// Lets one more caller place the order with the same key.
fn retry(mut store: Store, setup: &Setup) -> Result<(Store, Pc), Violation> {
    let mut at = Pc::Place(Place::begin(Caller::Late, 1, setup));
    for _ in 0..TOO_MANY {
        let Some(step) = steps(&store, setup, Role::Caller(Caller::Late), at).pop() else {
            return Ok((store, at));
        };
        store = step.store.unwrap_or(store);
        at = step.next;
    }
    Err(Violation::KeyIsStuck)
}

fn steps(store: &Store, setup: &Setup, role: Role, at: Pc) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut turn = Turn { setup, store, due: true, lossy: false, moves: &mut moves };
    at.step(role, &mut turn);
    moves
}
