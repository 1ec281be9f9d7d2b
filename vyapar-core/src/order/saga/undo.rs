//! Undoing an attempt: step 9, only by the caller that made the hold.

use super::Saga;
use crate::id::StoreId;
use crate::inventory::{Hold, ReleaseCause, ReleaseOutcome};
use crate::order::{AbandonOutcome, Order, OrderError};

/// How an undo ended.
pub(super) enum Undone {
    /// Nothing of the attempt is left.
    Done,
    /// Another caller completed the attempt: its order is placed.
    Committed,
    /// The key has moved on: look again.
    Again,
    /// Part of it failed; recovery finishes it.
    Unfinished,
}

impl Saga {
    /// Releases the hold (from held only), sees to it that the order will never be, closes.
    pub(super) async fn undo(&self, store: StoreId, hold: &Hold) -> Undone {
        let mut attempt = self.try_undo(store, hold).await;
        if attempt.is_err() {
            attempt = self.try_undo(store, hold).await;
        }
        attempt.unwrap_or_else(|error| {
            tracing::warn!(%store, order = %hold.order_id, %error, "an undo failed and is left to recovery");
            Undone::Unfinished
        })
    }

    async fn try_undo(&self, store: StoreId, hold: &Hold) -> Result<Undone, OrderError> {
        let reservations = &self.context.ports.stock.reservations;
        match reservations.release(store, hold.clone(), ReleaseCause::Undone, self.now()).await? {
            ReleaseOutcome::Released => {}
            ReleaseOutcome::Committed | ReleaseOutcome::Dispatched => return Ok(Undone::Committed),
            ReleaseOutcome::Other => return Ok(Undone::Again),
        }
        match self.context.ports.order.orders.abandon(store, &hold.order_id, self.now()).await? {
            AbandonOutcome::Abandoned => {}
            AbandonOutcome::Exists(order) => {
                self.cancel_lost(*order).await?;
            }
        }
        reservations.close(store, hold.clone(), self.now()).await?;
        Ok(Undone::Done)
    }

    /// The order's stock is gone: cancels it as the system, and performs what follows. The
    /// order as it stands after that, which may be another than cancelled when someone else
    /// moved it first.
    pub(super) async fn cancel_lost(&self, order: Order) -> Result<Order, OrderError> {
        // In a box: it comes up rarely, and every order on its way would carry its 7 kB about.
        Box::pin(self.cancel_by_system(order, "the stock held for it was released")).await
    }
}
