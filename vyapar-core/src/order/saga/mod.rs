//! The order saga: stock and orders agree although no transaction covers both.
//!
//! Records: the reservation R, the order O (or the marker that it will never be), payments P.
//! While R is held, R decides; once R is committed, O decides. Every step is one conditional
//! write that may be repeated, so a caller that vanishes at any point leaves a state that
//! the next caller of the same key, or [`recover`], takes on from there. The protocol is
//! checked exhaustively in this crate's tests (`tests/it/protocol`).
//!
//! - [`place`]: quote, reserve (refused where the key has an R: then find it and go on from
//!   there), insert O, commit (or begin the payment).
//!   Cash orders do the last three in one write where one adapter has both stock and orders
//!   ([`PlaceAtOnce`](crate::order::PlaceAtOnce)), and where that adapter has stores and products
//!   too, quote by what was read for earlier orders ([`remembered`]);
//! - [`undo`]: only by the caller that made the hold, after an error in between;
//! - [`effects`]: what must follow from a change of O;
//! - [`money`]: payments, and what is owed back;
//! - [`recover`]: what is left to do, after a crash.

mod build;
mod effects;
mod money;
mod place;
mod recover;
mod refunds;
mod remembered;
mod undo;

use std::sync::Arc;

use chrono::TimeDelta;
pub(in crate::order) use effects::{Step, cancel_effects};
pub use recover::{Recovered, Stuck};
use remembered::Remembered;

use crate::id::{OrderId, StoreId};
use crate::order::{Order, OrderError, OrderSlot};
use crate::time::Timestamp;
use crate::vyapar::Context;

/// How often a decision is made anew because another caller was faster.
const ROUNDS: usize = 8;

/// How often recovery tries before a person must look; such entries are listed by `stuck`.
const STUCK_AFTER: u32 = 10;

/// The saga over one host's ports.
#[derive(Clone)]
pub(super) struct Saga {
    context: Arc<Context>,
    remembered: Arc<Remembered>,
}

impl Saga {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self { context, remembered: Arc::default() }
    }

    fn now(&self) -> Timestamp {
        self.context.env.now()
    }

    /// The order that must be there: its stock is committed for it.
    async fn order_of_stock(&self, store: StoreId, id: &OrderId) -> Result<Order, OrderError> {
        match self.context.ports.order.orders.find(store, id).await? {
            OrderSlot::Order(order) => Ok(*order),
            OrderSlot::Absent | OrderSlot::Abandoned => Err(OrderError::Inconsistent(id.clone())),
        }
    }
}

/// When recovery tries again after so many failures: 30 s, doubling, at most an hour.
fn backoff(now: Timestamp, failures: u32) -> Timestamp {
    let seconds = 30_i64.saturating_mul(1 << failures.min(7)).min(3600);
    now + TimeDelta::seconds(seconds)
}
