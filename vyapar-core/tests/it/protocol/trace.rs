//! How a wrong state came about, to be read.

use std::fmt;

use super::interner::Interner;
use super::invariant::Violation;
use super::state::State;
use super::store::Store;
use super::turn::Deed;
use super::world::{Event, World};

/// A shortest way to something that must not be.
pub(super) struct Counterexample {
    pub(super) violation: Violation,
    pub(super) steps: Vec<(Event, Store)>,
}

/// Goes back from a state to the start, then says what happened on the way.
///
/// What led from a state to the next is not kept: it is found again by taking every step once more.
pub(super) fn way_to(
    world: &mut World<'_>,
    states: &Interner<State>,
    parents: &[u32],
    end: usize,
    last: Option<Event>,
) -> Vec<(Event, Store)> {
    let mut steps: Vec<_> = last.map(|event| (event, world.store(states.get(end)))).into_iter().collect();
    let mut at = end;
    while at != 0 {
        let (before, after) = (states.get(parents[at] as usize), states.get(at));
        let mut successors = Vec::new();
        world.successors(before, &mut successors);
        let taken = successors.iter().find(|s| s.state == after);
        steps.extend(taken.map(|s| (world.event(*s), world.store(after))));
        at = parents[at] as usize;
    }
    steps.reverse();
    steps
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeadlinePasses => write!(f, "the deadline passes"),
            Self::Lands(call, answer) => write!(f, "late: {call:?} -> {answer:?}"),
            Self::Acts(role, deed) => {
                write!(f, "{role:?} ")?;
                match deed {
                    Deed::Looks(what) => write!(f, "{what}"),
                    Deed::Calls(call, answer) => write!(f, "calls {call:?} -> {answer:?}"),
                    Deed::CallsTwice(call, answer) => {
                        write!(f, "calls {call:?} twice -> {answer:?}, the first is under way")
                    }
                    Deed::HearsNothing(call) => write!(f, "calls {call:?} and hears nothing"),
                }
            }
        }
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({} steps)", self.violation, self.steps.len())?;
        for (number, (event, store)) in self.steps.iter().enumerate() {
            writeln!(f, "  {:>2}. {event}\n        [{store}]", number + 1)?;
        }
        Ok(())
    }
}
