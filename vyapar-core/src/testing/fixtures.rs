//! Stored things to test with: ids follow from a seed, so a test meets the same ones in
//! every run, and two tests never meet each other's.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::Location;

use chrono::TimeDelta;
use uuid::Uuid;

use super::env::{ManualClock, TestEnv};
use crate::env::Env;
use crate::id::{
    AuditId, CustomerId, HistoryId, InvitationId, OperationId, OrderId, OrderItemId, OtpId, PaymentId, ProductId,
    RefundId, ReservationId, SessionId, StoreId, StoreUserId, UserId,
};
use crate::inventory::{Amend, ChangeKind, ChangeLine, Delta, GiveBack, GiveBackLine, Hold, Reserve, StockChange};
use crate::quantity::Quantity;
use crate::secret::{Blind, Sealed};
use crate::time::Timestamp;

mod access;
mod customers;
mod orders;
mod people;
mod records;

/// Makes ids and stored things; its clones share one clock and one stream of ids.
#[derive(Debug, Clone)]
pub struct Fixtures {
    test: TestEnv,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $method:ident -> $id:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $method(&self) -> $id {
            $id::from_uuid(self.uuid())
        }
    )*};
}

impl Fixtures {
    /// Those of the calling line: the same in every run, different from any other line's.
    #[must_use]
    #[track_caller]
    pub fn here() -> Self {
        let caller = Location::caller();
        let mut hasher = DefaultHasher::new();
        (caller.file(), caller.line(), caller.column()).hash(&mut hasher);
        Self::seeded(hasher.finish())
    }

    /// Those of `seed`.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { test: TestEnv::new(seed) }
    }

    /// The environment they come from.
    #[must_use]
    pub const fn env(&self) -> &Env {
        &self.test.env
    }

    /// The clock they are stamped by.
    #[must_use]
    pub const fn clock(&self) -> &ManualClock {
        &self.test.clock
    }

    /// What that clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.test.now()
    }

    /// A number below `bound`.
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        self.test.entropy.below(bound)
    }

    /// The same things in another order.
    #[must_use]
    pub fn shuffled<T>(&self, things: impl IntoIterator<Item = T>) -> Vec<T> {
        let mut keyed: Vec<_> = things.into_iter().map(|thing| (self.test.entropy.next(), thing)).collect();
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, thing)| thing).collect()
    }

    /// A fresh UUIDv7.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.test.env.uuid()
    }

    ids! {
        /// A fresh store id.
        store_id -> StoreId;
        /// A fresh user id.
        user_id -> UserId;
        /// A fresh customer id.
        customer_id -> CustomerId;
        /// A fresh product id.
        product_id -> ProductId;
        /// A fresh order id.
        order_id -> OrderId;
        /// A fresh item id.
        item_id -> OrderItemId;
        /// A fresh history id.
        history_id -> HistoryId;
        /// A fresh payment id.
        payment_id -> PaymentId;
        /// A fresh refund id.
        refund_id -> RefundId;
        /// A fresh session id.
        session_id -> SessionId;
        /// A fresh one-time code's id.
        otp_id -> OtpId;
        /// A fresh store member's id.
        store_user_id -> StoreUserId;
        /// A fresh invitation id.
        invitation_id -> InvitationId;
        /// A fresh audit id.
        audit_id -> AuditId;
        /// A fresh operation id.
        operation -> OperationId;
        /// A fresh reservation id.
        reservation_id -> ReservationId;
    }

    /// `count` fresh product ids in their order.
    #[must_use]
    pub fn product_ids(&self, count: usize) -> Vec<ProductId> {
        let mut ids: Vec<_> = (0..count).map(|_| self.product_id()).collect();
        ids.sort();
        ids
    }

    /// A fresh keyed hash.
    #[must_use]
    pub fn blind(&self) -> Blind {
        self.env().mac("fixture", &[self.uuid().as_bytes()])
    }

    /// `text`, sealed.
    #[must_use]
    pub fn sealed(&self, text: &str) -> Sealed {
        self.env().seal("fixture", text).unwrap_or_else(|error| panic!("the test keys seal: {error}"))
    }

    /// The first attempt of a fresh reservation.
    #[must_use]
    pub fn hold(&self) -> Hold {
        Hold { id: self.reservation_id(), attempt: 1, order_id: self.order_id() }
    }

    /// The next attempt of a reservation, for a fresh order.
    #[must_use]
    pub fn next_attempt(&self, hold: &Hold) -> Hold {
        Hold { id: hold.id, attempt: hold.attempt + 1, order_id: self.order_id() }
    }

    /// A request to hold `lines` for two minutes from now, as the first attempt.
    #[must_use]
    pub fn reserve(&self, lines: &[(ProductId, Quantity)]) -> Reserve {
        let mut lines = lines.to_vec();
        lines.sort();
        Reserve {
            hold: self.hold(),
            fingerprint: self.blind(),
            lines,
            due: self.now() + TimeDelta::minutes(2),
            performed_by: Some(self.user_id()),
            now: self.now(),
        }
    }

    /// A change of these products, in the order given.
    #[must_use]
    pub fn change(&self, kind: ChangeKind, lines: &[(ProductId, Delta)]) -> StockChange {
        StockChange {
            operation: self.operation(),
            kind,
            lines: lines
                .iter()
                .map(|(product_id, delta)| ChangeLine { product_id: *product_id, delta: *delta })
                .collect(),
            reason: Some("चालान 17".to_owned()),
            performed_by: Some(self.user_id()),
            now: self.now(),
        }
    }

    /// Goods received, the same quantity of each product.
    #[must_use]
    pub fn purchase(&self, products: &[ProductId], quantity: Quantity) -> StockChange {
        let lines: Vec<_> = products.iter().map(|product| (*product, Delta::By(quantity.inward()))).collect();
        self.change(ChangeKind::Purchase, &lines)
    }

    /// An amendment to `targets`.
    #[must_use]
    pub fn amend(&self, hold: &Hold, revision: u64, targets: &[(ProductId, Quantity)]) -> Amend {
        let mut targets = targets.to_vec();
        targets.sort();
        Amend { hold: hold.clone(), revision, targets, performed_by: Some(self.user_id()), now: self.now() }
    }

    /// Goods that come back; the flag says whether they can be sold again.
    #[must_use]
    pub fn give_back(&self, hold: &Hold, lines: &[(ProductId, Quantity, bool)]) -> GiveBack {
        let mut lines: Vec<_> = lines
            .iter()
            .map(|(product_id, quantity, sellable)| GiveBackLine {
                product_id: *product_id,
                quantity: *quantity,
                sellable: *sellable,
            })
            .collect();
        lines.sort_by_key(|line| line.product_id);
        GiveBack {
            hold: hold.clone(),
            operation: self.operation(),
            lines,
            reason: Some("customer was not at home".to_owned()),
            performed_by: Some(self.user_id()),
            now: self.now(),
        }
    }
}
