//! Stock and order in one go.

use std::sync::Arc;

use async_trait::async_trait;
use vyapar_core::inventory::{MAX_LINES, ReservationState, Reserve};
use vyapar_core::order::{AtOnceOutcome, InsertOutcome, NewOrder, PlaceAtOnce};
use vyapar_core::{StoreId, Stored};

use crate::inventory::Stock;
use crate::order::Orders;
use crate::{limited, same_store};

/// The store's stock and all orders, locked one after the other: the only place that has both.
pub(crate) struct Together {
    pub(crate) stock: Arc<Stock>,
    pub(crate) orders: Arc<Orders>,
}

#[async_trait]
impl PlaceAtOnce for Together {
    async fn place(&self, store: StoreId, reserve: Reserve, new: NewOrder) -> Stored<AtOnceOutcome> {
        limited("products", reserve.lines.len(), MAX_LINES)?;
        same_store(store, new.order.store_id, "an order")?;
        self.stock.act(store, |shelf| {
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
            orders.insert(new);
            Ok(AtOnceOutcome::Placed)
        })
    }
}
