//! What one actor can do next.
//!
//! An actor does one thing at a time: it looks, or it sends one call. A call that may lose its answer
//! has a second outcome: it is still under way, and nobody knows whether and when it lands. It may
//! land at once (only the answer was lost), much later, or never, so these need no cases of their own.

use super::actor::Pc;
use super::invariant::{self, Violation};
use super::setup::Setup;
use super::store::{Answer, Call, Store};

/// What an actor did, for the trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    Looks(&'static str),
    Calls(Call, Answer),
    /// The first answer was lost, the call was sent again and answered, and the first is under way.
    CallsTwice(Call, Answer),
    HearsNothing(Call),
}

/// One possible next step of one actor.
pub(super) struct Move {
    pub(super) deed: Deed,
    /// The store after it, where it was written to.
    pub(super) store: Option<Store>,
    /// A call that is under way after it.
    pub(super) sent: Option<Call>,
    pub(super) next: Pc,
    pub(super) violation: Option<Violation>,
}

/// What an actor sees when it is its turn, and where it puts the steps it can take.
pub(super) struct Turn<'a> {
    pub(super) setup: &'a Setup,
    pub(super) store: &'a Store,
    /// Every hold is due.
    pub(super) due: bool,
    /// Whether this actor's calls may stay without an answer.
    pub(super) lossy: bool,
    pub(super) moves: &'a mut Vec<Move>,
}

impl Turn<'_> {
    /// A step that writes nothing.
    pub(super) fn look(&mut self, what: &'static str, next: Pc) {
        self.moves.push(Move { deed: Deed::Looks(what), store: None, sent: None, next, violation: None });
    }

    /// A step that sends a call; `unanswered` is where the actor stands if it hears nothing.
    pub(super) fn call(&mut self, call: Call, unanswered: Pc, next: impl FnOnce(Answer) -> Pc) {
        self.call_surely(call, next);
        if self.lossy {
            self.moves.push(Move {
                deed: Deed::HearsNothing(call),
                store: None,
                sent: Some(call),
                next: unanswered,
                violation: None,
            });
        }
    }

    /// A step that sends a call whose answer cannot be lost, because nobody waits for it.
    pub(super) fn call_surely(&mut self, call: Call, next: impl FnOnce(Answer) -> Pc) {
        let answered = self.answered(call, next);
        self.moves.push(answered);
    }

    /// Like [`Self::call`], for a call that the actor may send twice before it gives up.
    pub(super) fn call_stubbornly(&mut self, call: Call, unanswered: Pc, next: impl Fn(Answer) -> Pc) {
        self.call(call, unanswered, &next);
        if self.lossy {
            let answered = self.answered(call, next);
            if let Deed::Calls(call, answer) = answered.deed {
                self.moves.push(Move { deed: Deed::CallsTwice(call, answer), sent: Some(call), ..answered });
            }
        }
    }

    fn answered(&self, call: Call, next: impl FnOnce(Answer) -> Pc) -> Move {
        let mut store = *self.store;
        let answer = store.apply(call, self.setup);
        Move {
            deed: Deed::Calls(call, answer),
            store: Some(store),
            sent: None,
            next: next(answer),
            violation: invariant::answer(call, answer, self.store),
        }
    }
}
