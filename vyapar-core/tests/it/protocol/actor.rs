//! Program counters: where each actor stands, and how it goes on.

use super::booking::Booking;
use super::edit::Edit;
use super::effects::Perform;
use super::gateway::{Gateway, PayAgain};
use super::people;
use super::people::{Cancelling, Staffing};
use super::place::Place;
use super::record::OrderId;
use super::row::Row;
use super::setup::{Role, Setup};
use super::turn::Turn;

/// Where an actor stands. What it read earlier is in here, and may be stale by now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pc {
    /// Answered, gave up, or crashed for good.
    Done,
    /// A caller was told that this order is placed.
    ToldPlaced(OrderId),
    Place(Place),
    Buy,
    Cancel(Cancelling),
    Staff(Staffing),
    Gateway(Gateway),
    PayAgain(PayAgain),
    Edit(Edit),
    Recover(Recover),
}

/// One node's `recover`: between jobs, or in one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Recover {
    Idle,
    Row(Row),
    Perform(Perform),
    Booking(Booking),
}

impl Pc {
    pub(super) fn at_start(role: Role, setup: &Setup) -> Self {
        match role {
            Role::Caller(caller) => Self::Place(Place::begin(caller, 1, setup)),
            Role::OtherBuyer => Self::Buy,
            Role::Canceller => Self::Cancel(Cancelling::Look),
            Role::Staff => Self::Staff(Staffing::Look),
            Role::Gateway(_) => Self::Gateway(Gateway::Waiting),
            Role::Payer => Self::PayAgain(PayAgain::Look),
            Role::Editor => Self::Edit(Edit::Look),
            Role::Recovery => Self::Recover(Recover::Idle),
        }
    }

    /// Adds the steps that the actor can take from here. None: it has finished, or waits.
    pub(super) fn step(self, role: Role, turn: &mut Turn<'_>) {
        match (self, role) {
            (Self::Place(place), Role::Caller(caller)) => place.step(caller, turn),
            (Self::Buy, _) => people::buy(turn),
            (Self::Cancel(cancelling), _) => cancelling.step(turn),
            (Self::Staff(staffing), _) => staffing.step(turn),
            (Self::Gateway(gateway), Role::Gateway(attempt)) => gateway.step(attempt, turn),
            (Self::PayAgain(again), _) => again.step(turn),
            (Self::Edit(edit), _) => edit.step(turn),
            (Self::Recover(recover), _) => recover.step(turn),
            _ => {}
        }
    }
}
