//! With all its rules, the protocol holds in every state of every set-up.

use super::explore::explore;
use super::setup::Setup;
use super::setups;

fn holds(setup: &Setup) {
    let report = explore(setup);
    println!("{}: {} states, {} stores", setup.name, report.states, report.stores);
    if let Some(counterexample) = report.counterexample {
        panic!("{}: {counterexample}", setup.name);
    }
}

/// One test for each set-up, so that they run side by side and fail by name.
macro_rules! holds {
    ($($test:ident: $setup:ident;)+) => {
        $(
            #[test]
            fn $test() {
                holds(&setups::$setup);
            }
        )+
    };
}

holds! {
    cod_two_callers: COD_TWO_CALLERS;
    cod_two_callers_two_recoveries: COD_TWO_CALLERS_TWO_RECOVERIES;
    cod_two_callers_other_buyer: COD_TWO_CALLERS_OTHER_BUYER;
    cod_two_callers_cancel: COD_TWO_CALLERS_CANCEL;
    at_once_two_callers: AT_ONCE_TWO_CALLERS;
    at_once_and_in_steps: AT_ONCE_AND_IN_STEPS;
    at_once_and_in_steps_other_buyer: AT_ONCE_AND_IN_STEPS_OTHER_BUYER;
    at_once_cancel: AT_ONCE_CANCEL;
    at_once_everybody: AT_ONCE_EVERYBODY;
    cod_other_buyer: COD_OTHER_BUYER;
    cod_everybody: COD_EVERYBODY;
    cod_cancel_staff: COD_CANCEL_STAFF;
    online_cancel: ONLINE_CANCEL;
    online_staff: ONLINE_STAFF;
    online_cancel_staff: ONLINE_CANCEL_STAFF;
    online_two_callers: ONLINE_TWO_CALLERS;
    online_two_recoveries: ONLINE_TWO_RECOVERIES;

    cod_dispatch: COD_DISPATCH;
    online_dispatch: ONLINE_DISPATCH;

    cod_one_edit: COD_ONE_EDIT;
    cod_edits: COD_EDITS;
    cod_edits_cancel_staff: COD_EDITS_CANCEL_STAFF;
    online_edits_cancel: ONLINE_EDITS_CANCEL;
    online_edits_staff: ONLINE_EDITS_STAFF;
    cod_edit_two_callers: COD_EDIT_TWO_CALLERS;
    online_edit_cancel: ONLINE_EDIT_CANCEL;

    two_payments: TWO_PAYMENTS;
    two_payments_other_buyer: TWO_PAYMENTS_OTHER_BUYER;
    two_payments_staff: TWO_PAYMENTS_STAFF;
    two_payments_cancel: TWO_PAYMENTS_CANCEL;
    two_payments_edit: TWO_PAYMENTS_EDIT;
    two_payments_edit_cancel: TWO_PAYMENTS_EDIT_CANCEL;
    two_payments_from_nothing: TWO_PAYMENTS_FROM_NOTHING;
}
