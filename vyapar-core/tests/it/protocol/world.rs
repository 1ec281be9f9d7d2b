//! What can happen next, from any state.

use super::actor::Pc;
use super::crash::Verdict;
use super::interner::Interner;
use super::invariant::Violation;
use super::record::OrderId;
use super::setup::{Role, Setup, Start};
use super::spent::{assert_lasting, is_spent};
use super::state::{MAX_ACTORS, PC_BITS, Pcs, State};
use super::store::{Answer, Call, Store};
use super::turn::{Deed, Turn};

/// Calls under way are a set in one word.
const MAX_CALLS: usize = 64;

/// What made one state out of another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    DeadlinePasses,
    Lands(Call, Answer),
    Acts(Role, Deed),
}

/// One thing that can happen; [`World::event`] says what.
#[derive(Clone, Copy)]
pub(super) struct Successor {
    cause: Cause,
    pub(super) state: State,
    pub(super) violation: Option<Violation>,
}

#[derive(Clone, Copy)]
enum Cause {
    Deadline,
    Landing { number: usize },
    Step { situation: usize, outcome: usize },
}

/// All that an actor's step depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Situation {
    store: u32,
    pc: u32,
    actor: u8,
    due: bool,
}

/// What comes of a step, in numbers.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    event: Event,
    store: u32,
    pc: usize,
    sent: u64,
    violation: Option<Violation>,
}

/// A store, and what was found out about it.
struct Known {
    verdict: Verdict,
    /// The calls that are spent on it, among the first so many.
    spent: u64,
    looked_at: usize,
}

/// Everything that was met so far, each thing once.
pub(super) struct World<'a> {
    setup: &'a Setup,
    /// Wherever two actors of one role stand side by side, the first of them.
    twins: Vec<usize>,
    stores: Interner<Store>,
    known: Vec<Known>,
    pcs: Interner<Pc>,
    calls: Interner<Call>,
    /// Far fewer than states, so each one's outcomes are worked out once and then looked up.
    situations: Interner<Situation>,
    outcomes: Vec<Vec<Outcome>>,
    landings: Interner<(u32, u32)>,
    landed: Vec<(Answer, u32)>,
}

impl<'a> World<'a> {
    pub(super) fn new(setup: &'a Setup) -> Self {
        assert!(setup.roles.len() <= MAX_ACTORS, "{}", setup.name);
        let pairs = setup.roles.windows(2).enumerate();
        let twins = pairs.filter(|(_, pair)| pair[0] == pair[1]);
        Self {
            setup,
            twins: twins.map(|(first, _)| first).collect(),
            stores: Interner::new(),
            known: Vec::new(),
            pcs: Interner::new(),
            calls: Interner::new(),
            situations: Interner::new(),
            outcomes: Vec::new(),
            landings: Interner::new(),
            landed: Vec::new(),
        }
    }

    pub(super) fn start(&mut self) -> State {
        let mut pcs = Pcs::default();
        for (actor, role) in self.setup.roles.iter().enumerate() {
            pcs = pcs.with(actor, self.pc_number(Pc::at_start(*role, self.setup)));
        }
        State { store: self.store_number(Store::at_start(self.setup)), due: false, pcs, under_way: 0 }
    }

    pub(super) fn stores(&self) -> usize {
        self.stores.len()
    }

    pub(super) fn store(&self, state: State) -> Store {
        self.stores.get(state.store as usize)
    }

    /// What is wrong with a state, if everybody crashes in it.
    pub(super) fn violation(&self, state: State) -> Option<Violation> {
        let verdict = self.known[state.store as usize].verdict;
        if verdict.violation.is_some() {
            return verdict.violation;
        }
        let started_placed = self.setup.start == Start::Placed;
        let told = (0..self.setup.roles.len())
            .filter_map(|actor| match self.pcs.get(state.pcs.get(actor)) {
                Pc::ToldPlaced(order) => Some(order),
                _ => None,
            })
            .chain(started_placed.then_some(OrderId::FIRST))
            .any(|order| verdict.gone[order.index()]);
        told.then_some(Violation::ToldPlacedThenGone)
    }

    /// Adds all that can happen next.
    pub(super) fn successors(&mut self, state: State, into: &mut Vec<Successor>) {
        if !state.due {
            into.push(Successor { cause: Cause::Deadline, state: State { due: true, ..state }, violation: None });
        }
        let mut left = state.under_way;
        while left != 0 {
            let number = left.trailing_zeros();
            left &= left - 1;
            let landing = self.land(state.store, number);
            let mut next = state;
            next.store = self.landed[landing].1;
            next.under_way ^= 1 << number;
            self.forget_spent(&mut next);
            into.push(Successor { cause: Cause::Landing { number: landing }, state: next, violation: None });
        }
        for actor in 0..self.setup.roles.len() {
            let situation = self.situation_number(state, actor);
            for number in 0..self.outcomes[situation].len() {
                let outcome = &self.outcomes[situation][number];
                let mut next = state;
                next.store = outcome.store;
                next.pcs = state.pcs.with(actor, outcome.pc);
                next.under_way |= outcome.sent;
                let violation = outcome.violation;
                self.sort_twins(&mut next.pcs);
                self.forget_spent(&mut next);
                into.push(Successor { cause: Cause::Step { situation, outcome: number }, state: next, violation });
            }
        }
    }

    pub(super) fn event(&self, successor: Successor) -> Event {
        match successor.cause {
            Cause::Deadline => Event::DeadlinePasses,
            Cause::Landing { number } => {
                let (_, call) = self.landings.get(number);
                Event::Lands(self.calls.get(call as usize), self.landed[number].0)
            }
            Cause::Step { situation, outcome } => self.outcomes[situation][outcome].event,
        }
    }

    /// Two actors of one role are exchangeable: their states in either order are one state.
    fn sort_twins(&self, pcs: &mut Pcs) {
        for first in self.twins.iter().copied() {
            let (one, other) = (pcs.get(first), pcs.get(first + 1));
            if one > other {
                *pcs = pcs.with(first, other).with(first + 1, one);
            }
        }
    }

    /// Checks that dropping spent calls was right.
    pub(super) fn assert_spent_calls_do_nothing(&self) {
        let calls: Vec<_> = (0..self.calls.len()).map(|n| self.calls.get(n)).collect();
        let acted = self.outcomes.iter().enumerate().flat_map(|(situation, all)| {
            let before = self.situations.get(situation).store;
            all.iter().map(move |outcome| (before, outcome.store))
        });
        let landed = self.landed.iter().enumerate();
        let landed = landed.map(|(number, (_, after))| (self.landings.get(number).0, *after));
        let mut steps: Vec<_> = acted.chain(landed).collect();
        steps.sort_unstable();
        steps.dedup();
        let store = |number: u32| self.stores.get(number as usize);
        let steps = steps.into_iter().map(|(a, b)| (store(a), store(b)));
        assert_lasting(&calls, steps, self.setup);
    }

    fn forget_spent(&mut self, state: &mut State) {
        // Without one of the rules, what is spent may not stay so.
        if state.under_way == 0 || self.setup.without.is_some() {
            return;
        }
        let known = &mut self.known[state.store as usize];
        if known.looked_at < self.calls.len() {
            let store = self.stores.get(state.store as usize);
            for number in known.looked_at..self.calls.len() {
                known.spent |= u64::from(is_spent(self.calls.get(number), &store)) << number;
            }
            known.looked_at = self.calls.len();
        }
        state.under_way &= !known.spent;
    }

    fn situation_number(&mut self, state: State, actor: usize) -> usize {
        let situation =
            Situation { store: state.store, pc: state.pcs.get(actor) as u32, actor: actor as u8, due: state.due };
        let (number, is_new) = self.situations.intern(situation);
        if is_new {
            let outcomes = self.outcomes_at(situation, self.setup.roles[actor]);
            self.outcomes.push(outcomes);
        }
        number
    }

    fn outcomes_at(&mut self, situation: Situation, role: Role) -> Vec<Outcome> {
        let mut moves = Vec::new();
        let mut turn = Turn {
            setup: self.setup,
            store: &self.stores.get(situation.store as usize),
            due: situation.due,
            lossy: self.setup.loses(role),
            moves: &mut moves,
        };
        self.pcs.get(situation.pc as usize).step(role, &mut turn);
        let outcomes = moves.into_iter().map(|step| Outcome {
            event: Event::Acts(role, step.deed),
            store: step.store.map_or(situation.store, |s| self.store_number(s)),
            pc: self.pc_number(step.next),
            sent: step.sent.map_or(0, |call| self.call_bit(call)),
            violation: step.violation,
        });
        outcomes.collect()
    }

    /// What comes of a call that lands late.
    fn land(&mut self, store: u32, call: u32) -> usize {
        let (number, is_new) = self.landings.intern((store, call));
        if is_new {
            let mut after = self.stores.get(store as usize);
            let answer = after.apply(self.calls.get(call as usize), self.setup);
            let after = self.store_number(after);
            self.landed.push((answer, after));
        }
        number
    }

    /// A store met for the first time is judged at once, and never again.
    fn store_number(&mut self, store: Store) -> u32 {
        let (number, is_new) = self.stores.intern(store);
        if is_new {
            self.known.push(Known { verdict: Verdict::on(&store, self.setup), spent: 0, looked_at: 0 });
        }
        u32::try_from(number).expect("fewer than 2^32 stores")
    }

    fn pc_number(&mut self, pc: Pc) -> usize {
        let (number, _) = self.pcs.intern(pc);
        assert!(number < 1 << PC_BITS, "more program counters than fit in a word");
        number
    }

    fn call_bit(&mut self, call: Call) -> u64 {
        let (number, _) = self.calls.intern(call);
        assert!(number < MAX_CALLS, "more calls than one word holds");
        1 << number
    }
}
