//! A set-up: who takes part, what is there at the start, and what may go wrong.

use super::mutation::Mutation;
use super::record::{Caller, Try};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Method {
    Cod,
    Online,
}

/// Somebody who acts on the records, one port call at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Places the order.
    Caller(Caller),
    /// Wants one unit of the same product under a key of his own.
    OtherBuyer,
    /// The customer or the store, who cancels the order.
    Canceller,
    /// The store's staff: confirms, then hands the order out.
    Staff,
    /// Brings the gateway's events about the order's first or second payment attempt.
    Gateway(Try),
    /// The customer who, still unpaid, opens a second payment attempt.
    Payer,
    /// The customer or the store, who cancels some units of several.
    Editor,
    /// The host's scheduler, running `recover` on one node.
    Recovery,
}

/// Whose calls may stay without an answer, and land late.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Loss {
    Nobody,
    /// For the largest set-ups.
    AllButRecovery,
    Everybody,
}

/// What is there before the first step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    Nothing,
    /// Order A1 is inserted, its stock held, its first payment attempt open.
    AwaitingPayment,
    /// Order A1 is placed, its stock committed, its payment (online) booked, its caller told so.
    Placed,
}

/// One world to explore.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) roles: &'static [Role],
    pub(super) loss: Loss,
    pub(super) start: Start,
    /// Units that the order asks for.
    pub(super) units: u8,
    /// Units that the store has.
    pub(super) stock: u8,
    /// Callers whose host has stock and orders of one adapter: they place cash orders at once.
    pub(super) at_once: &'static [Caller],
    /// Whether the gateway may report a failure before (or instead of) a success.
    pub(super) failures: bool,
    /// The rule left out, if any.
    pub(super) without: Option<Mutation>,
}

impl Setup {
    /// One unit for one cash order, any answer lost: what the set-ups vary.
    pub(super) const COD: Self = Self {
        name: "",
        method: Method::Cod,
        roles: &[],
        loss: Loss::Everybody,
        start: Start::Nothing,
        units: 1,
        stock: 1,
        at_once: &[],
        failures: false,
        without: None,
    };
    pub(super) const ONLINE: Self = Self { method: Method::Online, ..Self::COD };

    /// The same world without one rule.
    pub(super) const fn without(self, mutation: Mutation) -> Self {
        Self { without: Some(mutation), ..self }
    }

    /// Whether a rule is in force.
    pub(super) fn obeys(&self, rule: Mutation) -> bool {
        self.without != Some(rule)
    }

    pub(super) fn loses(&self, role: Role) -> bool {
        match self.loss {
            Loss::Nobody => false,
            Loss::AllButRecovery => role != Role::Recovery,
            Loss::Everybody => true,
        }
    }

    pub(super) fn places_at_once(&self, caller: Caller) -> bool {
        !self.is_online() && self.at_once.contains(&caller)
    }

    pub(super) fn is_online(&self) -> bool {
        self.method == Method::Online
    }
}
