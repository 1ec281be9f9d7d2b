//! The records of the protocol: reservation, order, payment, and their ids.
//!
//! One idempotency key of one store, one product. Each type holds only what a rule of the protocol
//! reads or an invariant looks at.

use std::fmt;

/// How often one key may start over after an attempt was abandoned.
///
/// Two are enough to meet every rule that compares attempts.
pub(super) const MAX_ATTEMPT: u8 = 2;

/// A process that was asked to place the order; all were given the same key and body.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Caller {
    A,
    B,
    /// Tries once more after everybody has crashed and recovery has run.
    Late,
}

/// An order id is minted by one caller for one attempt, and no other caller or attempt has it.
///
/// So a condition on (attempt, order id) is a condition on this value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OrderId {
    pub(super) caller: Caller,
    pub(super) attempt: u8,
}

impl OrderId {
    pub(super) const ALL: [Self; 6] = [
        Self::new(Caller::A, 1),
        Self::new(Caller::B, 1),
        Self::new(Caller::Late, 1),
        Self::new(Caller::A, 2),
        Self::new(Caller::B, 2),
        Self::new(Caller::Late, 2),
    ];
    /// The order that is there already in set-ups that do not begin from nothing.
    pub(super) const FIRST: Self = Self::new(Caller::A, 1);

    pub(super) const fn new(caller: Caller, attempt: u8) -> Self {
        Self { caller, attempt }
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.attempt - 1) * 3 + self.caller as usize
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.caller, self.attempt)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum ReservationState {
    Held,
    Committed,
    Dispatched,
    Released,
}

/// The one reservation of the key: a newer attempt replaces the closed row of the older one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reservation {
    pub(super) order: OrderId,
    pub(super) state: ReservationState,
    /// True from reserve until commit, or until the order is known to be cancelled or abandoned.
    pub(super) open: bool,
    pub(super) quantity: u8,
    /// The order edition whose amend was applied last; an older one that arrives late is ignored.
    pub(super) amended: u8,
}

impl Reservation {
    /// Whether its quantity counts as reserved or gone out, and not as free to sell.
    pub(super) fn has_stock(self) -> bool {
        self.state != ReservationState::Released
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum CancelledBy {
    /// The customer or the store wanted it.
    Person,
    /// The saga found that the order cannot be had.
    System,
}

/// `Confirmed` stands for confirmed, preparing and ready: the saga treats them alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Status {
    Placed,
    Confirmed,
    OutForDelivery,
    Cancelled(CancelledBy),
}

/// What must follow from a change of the order, stored by the write that makes the change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Effect {
    /// Of a cancellation: give back the stock, then what is left of the money.
    Release,
    /// Of going out for delivery.
    Dispatch,
    /// Of an edit: the reservation shall hold `to` units, and the share of the units between `from`
    /// and `to` is refunded. `edition` is the order's edition after the edit.
    Amend { edition: u8, from: u8, to: u8 },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Order {
    pub(super) status: Status,
    pub(super) quantity: u8,
    /// Counts the edits: the part of the order's version for which order of arrival matters.
    pub(super) edition: u8,
    /// The payment attempt that pays this order. Set once, never changed.
    pub(super) paid_by: Option<Try>,
    pub(super) pending: Option<Effect>,
}

impl Order {
    pub(super) fn is_live(self) -> bool {
        !matches!(self.status, Status::Cancelled(_))
    }
}

/// What is stored under an order's key. An insert and an abandon exclude each other here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Slot {
    Absent,
    Abandoned,
    Order(Order),
}

impl Slot {
    pub(super) fn order(self) -> Option<Order> {
        match self {
            Self::Order(order) => Some(order),
            Self::Absent | Self::Abandoned => None,
        }
    }
}

/// Which of an order's payment attempts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Try {
    First,
    Second,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PaymentId {
    pub(super) order: OrderId,
    pub(super) attempt: Try,
}

impl PaymentId {
    pub(super) const fn new(order: OrderId, attempt: Try) -> Self {
        Self { order, attempt }
    }

    pub(super) fn index(self) -> usize {
        self.order.index() * 2 + self.attempt as usize
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        OrderId::ALL.into_iter().flat_map(|order| [Try::First, Try::Second].map(|attempt| Self { order, attempt }))
    }
}

impl fmt::Debug for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{:?}", self.order, self.attempt)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum PaymentStatus {
    Pending,
    Failed,
    Success,
}

/// Why money goes back. One obligation is stored per payment and reason, however often it is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Reason {
    /// The payment pays no order.
    NotBooked,
    /// The order it pays was cancelled.
    Cancelled,
    /// The edit that made this edition of the order took units away.
    Edit(u8),
}

impl Reason {
    fn index(self) -> usize {
        match self {
            Self::NotBooked => 0,
            Self::Cancelled => 1,
            Self::Edit(edition) => 1 + usize::from(edition),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Payment {
    /// Whether the gateway really has the customer's money. Only the gateway knows this; we learn it
    /// from its event, or by asking.
    pub(super) captured: bool,
    pub(super) status: PaymentStatus,
    /// A success stays unapplied until it is booked on a live order or its refund is obliged.
    pub(super) applied: bool,
    refunds: [u8; 4],
}

impl Payment {
    pub(super) const PENDING: Self =
        Self { captured: false, status: PaymentStatus::Pending, applied: true, refunds: [0; 4] };

    pub(super) fn oblige(&mut self, reason: Reason, amount: u8, once: bool) {
        let refund = &mut self.refunds[reason.index()];
        if *refund == 0 || !once {
            *refund = refund.saturating_add(amount);
        }
    }

    pub(super) fn owes(self, reason: Reason) -> bool {
        self.refunds[reason.index()] > 0
    }

    /// Everything that is to go back, in paise.
    pub(super) fn refunded(self) -> u16 {
        self.refunds.into_iter().map(u16::from).sum()
    }
}

/// What every order costs as a whole, in paise, for three units or for one: so that the share of a
/// unit is not a round number.
pub(super) const TOTAL: u8 = 100;

/// The exact share of the first `cancelled` of `units`: half up to the paisa, and all shares add up
/// to the total.
pub(super) fn share(cancelled: u8, units: u8) -> u8 {
    let doubled = 2 * u16::from(TOTAL) * u16::from(cancelled) + u16::from(units);
    u8::try_from(doubled / (2 * u16::from(units))).unwrap_or(TOTAL)
}
