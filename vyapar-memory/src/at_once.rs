//! Stock and order in one go.

use std::sync::Arc;

use async_trait::async_trait;
use vyapar_core::inventory::{MAX_LINES, ReservationState, Reserve};
use vyapar_core::order::{AtOnceOutcome, Basis, InsertOutcome, NewOrder, PlaceAtOnce};
use vyapar_core::{StoreId, Stored};

use crate::inventory::{Products, Stock};
use crate::order::Orders;
use crate::store::Stores;
use crate::{limited, same_store};

/// The store's stock, the catalogue and all orders, locked one after the other: the only place
/// that has all of them.
pub(crate) struct Together {
    pub(crate) stock: Arc<Stock>,
    pub(crate) orders: Arc<Orders>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) products: Arc<Products>,
}

impl Together {
    /// Whether store and products are what the order was quoted by.
    fn stands(&self, store: StoreId, basis: &Basis) -> bool {
        self.stores.is_at(store, basis.store) && self.products.are_at(store, &basis.products)
    }
}

#[async_trait]
impl PlaceAtOnce for Together {
    async fn place(
        &self,
        store: StoreId,
        reserve: Reserve,
        new: Box<NewOrder>,
        basis: Option<Basis>,
    ) -> Stored<AtOnceOutcome> {
        limited("products", reserve.lines.len(), MAX_LINES)?;
        same_store(store, new.order.store_id, "an order")?;
        self.stock.act(store, |shelf| {
            if basis.is_some_and(|basis| !self.stands(store, &basis)) {
                return Ok(AtOnceOutcome::Changed);
            }
            if shelf.is_taken(&reserve.hold) {
                return Ok(AtOnceOutcome::Taken);
            }
            let lines = match shelf.find_lines(&reserve)? {
                Ok(lines) => lines,
                Err(short) => return Ok(AtOnceOutcome::Short(short)),
            };
            let mut orders = self.orders.lock();
            match orders.may_insert(&new) {
                InsertOutcome::Inserted => {}
                InsertOutcome::TrackingIdTaken => return Ok(AtOnceOutcome::TrackingIdTaken),
                InsertOutcome::AlreadyThere | InsertOutcome::Abandoned => return Ok(AtOnceOutcome::Taken),
            }
            shelf.hold(reserve, lines, ReservationState::Committed);
            orders.insert(*new);
            Ok(AtOnceOutcome::Placed)
        })
    }
}
