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
use crate::id::{ProductId, StoreId};
use crate::inventory::{ProductRepository, Reservations, Reserve, ShortLine};
use crate::store::StoreRepository;

/// What an order was quoted by, where that was remembered and not read: it must still stand
/// when the order is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basis {
    /// The version of the store.
    pub store: u64,
    /// The version of each product.
    pub products: Vec<(ProductId, u64)>,
}

/// How placing at once ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtOnceOutcome {
    /// The stock is committed and the order stored, whole.
    Placed,
    /// The store or a product is not there, or not at the version of the basis. Nothing was
    /// written.
    Changed,
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
/// made is never seen held. Decided in this order: the basis has changed, the reservation's key
/// is taken, lines are short, the order's id is known, the tracking id is taken.
///
/// A basis is looked at while the lines' stock is locked: whoever has the answer to a change of
/// the store or a product finds no order placed by what stood before, by a call that began
/// later, on whatever node. None is given to an adapter that has not said (by
/// [`AtOnce::checking`]) that it has stores and products too.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PlaceAtOnce: Send + Sync {
    /// Places the order of this reservation; `reserve.hold` is `new.order.hold`.
    async fn place(
        &self,
        store: StoreId,
        reserve: Reserve,
        new: Box<NewOrder>,
        basis: Option<Basis>,
    ) -> Stored<AtOnceOutcome>;
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
    catalogue: Option<(Arc<dyn StoreRepository>, Arc<dyn ProductRepository>)>,
}

impl AtOnce {
    /// A port that writes what these two write.
    #[must_use]
    pub fn new(
        port: Arc<dyn PlaceAtOnce>,
        reservations: Arc<dyn Reservations>,
        orders: Arc<dyn OrderRepository>,
    ) -> Self {
        Self { port, reservations, orders, catalogue: None }
    }

    /// The same, which also sees whether what these two read has changed since ([`Basis`]).
    #[must_use]
    pub fn checking(mut self, stores: Arc<dyn StoreRepository>, products: Arc<dyn ProductRepository>) -> Self {
        self.catalogue = Some((stores, products));
        self
    }

    /// Whether it sees changes of what these two read.
    #[must_use]
    pub fn checks(&self, stores: &Arc<dyn StoreRepository>, products: &Arc<dyn ProductRepository>) -> bool {
        let same = |known: &(Arc<dyn StoreRepository>, Arc<dyn ProductRepository>)| {
            Arc::ptr_eq(&known.0, stores) && Arc::ptr_eq(&known.1, products)
        };
        self.catalogue.as_ref().is_some_and(same)
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
