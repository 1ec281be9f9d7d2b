//! The set-ups that are explored.

use super::record::{Caller, Try};
use super::setup::Role::{self, Caller as Places, Canceller, Editor, Gateway, OtherBuyer, Payer, Recovery, Staff};
use super::setup::{Loss, Setup, Start};

const A: Role = Places(Caller::A);
const B: Role = Places(Caller::B);
const EVENT: Role = Gateway(Try::First);
const SECOND_EVENT: Role = Gateway(Try::Second);

// The saga, from nothing, with one unit to sell.

pub(super) const COD_TWO_CALLERS: Setup =
    Setup { name: "cash: two callers of one key", roles: &[A, B, Recovery], ..Setup::COD };
pub(super) const COD_TWO_CALLERS_TWO_RECOVERIES: Setup =
    Setup { name: "cash: two callers of one key, two recoveries", roles: &[A, B, Recovery, Recovery], ..Setup::COD };
pub(super) const COD_TWO_CALLERS_OTHER_BUYER: Setup =
    Setup { name: "cash: two callers of one key, other buyer", roles: &[A, B, OtherBuyer, Recovery], ..Setup::COD };
pub(super) const COD_TWO_CALLERS_CANCEL: Setup =
    Setup { name: "cash: two callers of one key, cancel", roles: &[A, B, Canceller, Recovery], ..Setup::COD };
/// Both callers of a host with stock and orders of one adapter.
const AT_ONCE: &[Caller] = &[Caller::A, Caller::B, Caller::Late];
pub(super) const AT_ONCE_TWO_CALLERS: Setup =
    Setup { name: "at once: two callers of one key", at_once: AT_ONCE, ..COD_TWO_CALLERS };
pub(super) const AT_ONCE_AND_IN_STEPS: Setup = Setup {
    name: "at once: one caller of two, two recoveries",
    at_once: &[Caller::A],
    ..COD_TWO_CALLERS_TWO_RECOVERIES
};
pub(super) const AT_ONCE_AND_IN_STEPS_OTHER_BUYER: Setup =
    Setup { name: "at once: one caller of two, other buyer", at_once: &[Caller::B], ..COD_TWO_CALLERS_OTHER_BUYER };
pub(super) const AT_ONCE_CANCEL: Setup =
    Setup { name: "at once: two callers of one key, cancel", at_once: AT_ONCE, ..COD_TWO_CALLERS_CANCEL };
pub(super) const AT_ONCE_EVERYBODY: Setup =
    Setup { name: "at once: cancel, staff, other buyer", at_once: AT_ONCE, ..COD_EVERYBODY };
pub(super) const COD_OTHER_BUYER: Setup =
    Setup { name: "cash: other buyer, two recoveries", roles: &[A, OtherBuyer, Recovery, Recovery], ..Setup::COD };
pub(super) const COD_EVERYBODY: Setup = Setup {
    name: "cash: cancel, staff, other buyer",
    roles: &[A, Canceller, Staff, OtherBuyer, Recovery],
    ..Setup::COD
};
pub(super) const COD_CANCEL_STAFF: Setup =
    Setup { name: "cash: cancel, staff", roles: &[A, Canceller, Staff, Recovery], ..Setup::COD };
pub(super) const ONLINE_CANCEL: Setup =
    Setup { name: "online: cancel, other buyer", roles: &[A, EVENT, Canceller, OtherBuyer, Recovery], ..Setup::ONLINE };
pub(super) const ONLINE_STAFF: Setup =
    Setup { name: "online: staff, other buyer", roles: &[A, EVENT, Staff, OtherBuyer, Recovery], ..Setup::ONLINE };
pub(super) const ONLINE_CANCEL_STAFF: Setup =
    Setup { name: "online: cancel, staff", roles: &[A, EVENT, Canceller, Staff, Recovery], ..Setup::ONLINE };
pub(super) const ONLINE_TWO_CALLERS: Setup =
    Setup { name: "online: two callers of one key", roles: &[A, B, EVENT, Recovery], ..Setup::ONLINE };
pub(super) const ONLINE_TWO_RECOVERIES: Setup = Setup {
    name: "online: cancel, two recoveries",
    roles: &[A, EVENT, Canceller, Recovery, Recovery],
    ..Setup::ONLINE
};

// Dispatch, from a placed order.

pub(super) const COD_DISPATCH: Setup = Setup {
    name: "dispatch, cash: cancel, other buyer, two recoveries",
    roles: &[Staff, Canceller, OtherBuyer, Recovery, Recovery],
    start: Start::Placed,
    ..Setup::COD
};
pub(super) const ONLINE_DISPATCH: Setup = Setup {
    name: "dispatch, online: cancel, two recoveries",
    roles: &[Staff, Canceller, Recovery, Recovery],
    start: Start::Placed,
    ..Setup::ONLINE
};

// Partial cancel.

pub(super) const COD_ONE_EDIT: Setup = Setup {
    name: "edits, cash: one edit of three units",
    roles: &[Editor, Recovery],
    start: Start::Placed,
    units: 3,
    stock: 3,
    ..Setup::COD
};
pub(super) const COD_EDITS: Setup = Setup {
    name: "edits, cash: two edits of three units, other buyer, two recoveries",
    roles: &[Editor, Editor, OtherBuyer, Recovery, Recovery],
    ..COD_ONE_EDIT
};
pub(super) const COD_EDITS_CANCEL_STAFF: Setup = Setup {
    name: "edits, cash: two edits of three units, cancel, staff",
    roles: &[Editor, Editor, Canceller, Staff, Recovery],
    ..COD_ONE_EDIT
};
pub(super) const ONLINE_EDITS_CANCEL: Setup = Setup {
    name: "edits, online: two edits of three units, cancel",
    roles: &[Editor, Editor, Canceller, Recovery],
    start: Start::Placed,
    units: 3,
    stock: 3,
    ..Setup::ONLINE
};
pub(super) const ONLINE_EDITS_STAFF: Setup = Setup {
    name: "edits, online: two edits of three units, staff, two recoveries",
    roles: &[Editor, Editor, Staff, Recovery, Recovery],
    ..ONLINE_EDITS_CANCEL
};
pub(super) const COD_EDIT_TWO_CALLERS: Setup = Setup {
    name: "edits, cash: from nothing, two callers of one key",
    roles: &[A, B, Editor, Recovery],
    units: 2,
    stock: 2,
    ..Setup::COD
};
pub(super) const ONLINE_EDIT_CANCEL: Setup = Setup {
    name: "edits, online: from nothing, cancel",
    roles: &[A, EVENT, Editor, Canceller, Recovery],
    units: 2,
    stock: 2,
    ..Setup::ONLINE
};

// Two payment attempts.

pub(super) const TWO_PAYMENTS: Setup = Setup {
    name: "two payments",
    roles: &[EVENT, SECOND_EVENT, Payer, Recovery],
    start: Start::AwaitingPayment,
    failures: true,
    ..Setup::ONLINE
};
pub(super) const TWO_PAYMENTS_OTHER_BUYER: Setup = Setup {
    name: "two payments: other buyer",
    roles: &[EVENT, SECOND_EVENT, Payer, OtherBuyer, Recovery],
    ..TWO_PAYMENTS
};
pub(super) const TWO_PAYMENTS_STAFF: Setup =
    Setup { name: "two payments: staff", roles: &[EVENT, SECOND_EVENT, Payer, Staff, Recovery], ..TWO_PAYMENTS };
pub(super) const TWO_PAYMENTS_CANCEL: Setup = Setup {
    name: "two payments: cancel",
    roles: &[EVENT, SECOND_EVENT, Payer, Canceller, Recovery],
    loss: Loss::AllButRecovery,
    ..TWO_PAYMENTS
};
pub(super) const TWO_PAYMENTS_EDIT: Setup = Setup {
    name: "two payments: edit of two units",
    roles: &[EVENT, SECOND_EVENT, Payer, Editor, Recovery],
    loss: Loss::AllButRecovery,
    units: 2,
    stock: 2,
    ..TWO_PAYMENTS
};
/// Every answer arrives here, and still anybody may stop anywhere: it has the most actors.
pub(super) const TWO_PAYMENTS_EDIT_CANCEL: Setup = Setup {
    name: "two payments: edit of two units, cancel, every answer arrives",
    roles: &[EVENT, SECOND_EVENT, Payer, Editor, Canceller, Recovery],
    loss: Loss::Nobody,
    ..TWO_PAYMENTS_EDIT
};
pub(super) const TWO_PAYMENTS_FROM_NOTHING: Setup = Setup {
    name: "two payments: from nothing",
    roles: &[A, EVENT, SECOND_EVENT, Payer, Recovery],
    failures: true,
    ..Setup::ONLINE
};
