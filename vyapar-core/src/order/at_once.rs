//! Placing in one write, where one adapter has both stock and orders.
//!
//! The saga needs no transaction that covers both, and an order that is paid online cannot use
//! one: the payment comes in between. But for an order paid on delivery nothing does, and where
//! one database has both units, holding, inserting and committing can be one transaction
//! instead of three. To everybody else that looks like the three steps in a row, so nothing of
//! the protocol changes (`tests/it/protocol` checks both ways side by side).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{NewOrder, OrderRepository};
use crate::error::Stored;
use crate::id::StoreId;
use crate::inventory::{Reservations, Reserve, ShortLine};

/// How placing at once ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtOnceOutcome {
    /// The stock is committed and the order stored, whole.
    Placed,
    /// The key has a reservation that does not give way, or the order's id is known, as an
    /// order or as one that will never be. Nothing was written.
    Taken,
    /// Not enough, after every due hold was freed: all short lines, in the order of the lines.
    /// Nothing was written.
    Short(Vec<ShortLine>),
    /// Another order has this tracking id. Nothing was written.
    TrackingIdTaken,
}

/// Storage that holds stock and stores the order in one transaction.
///
/// # Contract
/// What [`Reservations::reserve`], [`OrderRepository::insert`] and [`Reservations::commit`] do
/// one after the other, with their contracts, all of it or nothing. A hold that only this call
/// made is never seen held. Decided in this order: the reservation's key is taken, lines are
/// short, the order's id is known, the tracking id is taken.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PlaceAtOnce: Send + Sync {
    /// Places the order of this reservation; `reserve.hold` is `new.order.hold`.
    async fn place(&self, store: StoreId, reserve: Reserve, new: NewOrder) -> Stored<AtOnceOutcome>;
}

/// The port, with the ports whose storage it writes.
///
/// A host that replaces one of these units in its [`Ports`](crate::Ports) has stock and orders
/// in two places; then this is not used, whoever forgot to take it out.
#[derive(Clone)]
pub struct AtOnce {
    port: Arc<dyn PlaceAtOnce>,
    reservations: Arc<dyn Reservations>,
    orders: Arc<dyn OrderRepository>,
}

impl AtOnce {
    /// A port that writes what these two write.
    #[must_use]
    pub fn new(
        port: Arc<dyn PlaceAtOnce>,
        reservations: Arc<dyn Reservations>,
        orders: Arc<dyn OrderRepository>,
    ) -> Self {
        Self { port, reservations, orders }
    }

    /// The port, if it writes what these two write.
    #[must_use]
    pub fn of(
        &self,
        reservations: &Arc<dyn Reservations>,
        orders: &Arc<dyn OrderRepository>,
    ) -> Option<&Arc<dyn PlaceAtOnce>> {
        let same = Arc::ptr_eq(&self.reservations, reservations) && Arc::ptr_eq(&self.orders, orders);
        same.then_some(&self.port)
    }
}

impl fmt::Debug for AtOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtOnce").finish_non_exhaustive()
    }
}
