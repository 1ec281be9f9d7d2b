//! Breadth first through every state of a set-up, until one is wrong.

use super::interner::Interner;
use super::setup::Setup;
use super::trace::{Counterexample, way_to};
use super::world::World;

/// What exploring a set-up came to.
pub(super) struct Report {
    pub(super) states: usize,
    /// Distinct stores: so many times recovery ran alone.
    pub(super) stores: usize,
    pub(super) counterexample: Option<Counterexample>,
}

/// Visits every reachable state, or stops at the first that is wrong.
pub(super) fn explore(setup: &Setup) -> Report {
    let mut world = World::new(setup);
    let mut states = Interner::new();
    // For each state, the one it was first reached from. The states in order of their numbers are
    // the queue.
    let mut parents = vec![0_u32];
    let start = world.start();
    states.intern(start);
    let mut wrong = world.violation(start).map(|violation| (violation, 0, None));
    let mut successors = Vec::new();
    let mut next = 0;
    while next < states.len() && wrong.is_none() {
        world.successors(states.get(next), &mut successors);
        for successor in successors.drain(..) {
            if let Some(violation) = successor.violation {
                wrong = Some((violation, next, Some(world.event(successor))));
                break;
            }
            let (number, is_new) = states.intern(successor.state);
            if is_new {
                parents.push(next as u32);
                if let Some(violation) = world.violation(successor.state) {
                    wrong = Some((violation, number, None));
                    break;
                }
            }
        }
        next += 1;
    }
    if setup.without.is_none() && wrong.is_none() {
        world.assert_spent_calls_do_nothing();
    }
    let counterexample = wrong.map(|(violation, at, last)| Counterexample {
        violation,
        steps: way_to(&mut world, &states, &parents, at, last),
    });
    Report { states: states.len(), stores: world.stores(), counterexample }
}
