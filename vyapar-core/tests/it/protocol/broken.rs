//! Without any one of its rules, the protocol breaks.
//!
//! Each mutation has a set-up in which the rule that it leaves out is missed, and what goes wrong
//! there first. A check that finds nothing any more fails here.

use super::explore::explore;
use super::invariant::Violation;
use super::mutation::Mutation;
use super::setup::Setup;
use super::setups::{
    COD_CANCEL_STAFF, COD_DISPATCH, COD_EDITS, COD_ONE_EDIT, COD_OTHER_BUYER, COD_TWO_CALLERS, ONLINE_CANCEL,
    ONLINE_DISPATCH, ONLINE_EDIT_CANCEL, ONLINE_EDITS_CANCEL, ONLINE_EDITS_STAFF, TWO_PAYMENTS,
};

/// Where the rule is missed, and how.
fn missed(rule: Mutation) -> (Setup, Violation) {
    match rule {
        Mutation::UndoFromHeldOnly => (COD_TWO_CALLERS, Violation::ToldPlacedThenGone),
        Mutation::ReleasedStaysOpen => (COD_OTHER_BUYER, Violation::OrderWithoutStock),
        Mutation::AbandonLeavesMarker => (COD_TWO_CALLERS, Violation::OrderWithoutStock),
        Mutation::CancelStoresEffects => (COD_CANCEL_STAFF, Violation::StockWithoutOrder),
        Mutation::ConfirmOnlyCommitted => (COD_CANCEL_STAFF, Violation::HeldForEver),
        Mutation::SuccessStaysUnapplied => (ONLINE_CANCEL, Violation::LiveButUnpaid),
        Mutation::ReplayResumes => (COD_TWO_CALLERS, Violation::ToldPlacedThenGone),
        Mutation::ReleaseLeavesTombstone => (COD_TWO_CALLERS, Violation::ToldPlacedThenGone),
        Mutation::ReserveFindsKeyFirst => (COD_TWO_CALLERS, Violation::KeyIsStuck),
        Mutation::AbandonedStartsOver => (COD_OTHER_BUYER, Violation::KeyIsStuck),

        Mutation::DispatchIsStored => (COD_DISPATCH, Violation::OrderWithoutStock),
        Mutation::OrderMovesFirst => (COD_DISPATCH, Violation::OrderWithoutStock),
        Mutation::StatusMoveIsConditional => (ONLINE_DISPATCH, Violation::OrderWithoutStock),

        Mutation::AmendIsAbsolute => (COD_EDITS, Violation::WrongQuantity),
        Mutation::AmendIsVersioned => (COD_EDITS, Violation::WrongQuantity),
        Mutation::EditStoresEffects => (COD_EDITS, Violation::WrongQuantity),
        Mutation::EditNamesEdition => (COD_ONE_EDIT, Violation::EditedTwice),
        Mutation::EditOnlyWhenPaid => (ONLINE_EDIT_CANCEL, Violation::PaymentLost),
        Mutation::MoveWaitsForEffects => (ONLINE_EDITS_STAFF, Violation::WrongQuantity),
        Mutation::ClearNamesEffect => (COD_EDITS, Violation::WrongQuantity),
        Mutation::RefundIsKeyed => (ONLINE_DISPATCH, Violation::RefundedTooMuch),
        Mutation::CancelRefundsRest => (ONLINE_EDITS_CANCEL, Violation::RefundedTooMuch),

        Mutation::PaidByIsConditional => (TWO_PAYMENTS, Violation::PaymentLost),
        Mutation::SecondSuccessIsRefunded => (TWO_PAYMENTS, Violation::PaymentLost),
        Mutation::LateCaptureCounts => (TWO_PAYMENTS, Violation::CaptureNotNoticed),
        Mutation::FailureNeverOverwrites => (TWO_PAYMENTS, Violation::PaidByNoSuccess),
        Mutation::FailedIsAskedAgain => (TWO_PAYMENTS, Violation::CaptureNotNoticed),
    }
}

fn breaks_without_each_of(rules: &[Mutation]) {
    for rule in rules {
        let (setup, expected) = missed(*rule);
        let report = explore(&setup.without(*rule));
        let Some(counterexample) = report.counterexample else {
            panic!("{}: holds without {rule:?}", setup.name);
        };
        assert_eq!(counterexample.violation, expected, "without {rule:?}: {counterexample}");
        println!("without {rule:?}, {}: {counterexample}", setup.name);
    }
}

#[test]
fn the_saga_needs_each_of_its_rules() {
    breaks_without_each_of(&Mutation::OF_THE_SAGA);
}

#[test]
fn dispatch_needs_each_of_its_rules() {
    breaks_without_each_of(&Mutation::OF_DISPATCH);
}

#[test]
fn edits_need_each_of_their_rules() {
    breaks_without_each_of(&Mutation::OF_EDITS);
}

#[test]
fn payments_need_each_of_their_rules() {
    breaks_without_each_of(&Mutation::OF_PAYMENTS);
}
