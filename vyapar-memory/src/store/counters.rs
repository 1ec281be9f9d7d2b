//! What adds up in stores.

use async_trait::async_trait;
use vyapar_core::store::{ReviewRating, StoreCounters};
use vyapar_core::{OrderId, StoreId, Stored};

use super::Stores;
use super::index::Spot;
use crate::lock::write;

#[async_trait]
impl StoreCounters for Stores {
    async fn count_order(&self, store: StoreId, order: &OrderId) -> Stored<bool> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let Some(row) = rows.stores.get_mut(store) else { return Ok(false) };
        let now = rows.counted.insert((store, order.clone()));
        row.total_orders = row.total_orders.saturating_add(u64::from(now));
        Ok(now)
    }

    async fn rate(&self, store: StoreId, review: ReviewRating) -> Stored<bool> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let place = rows.stores.place_of(store);
        let Some(row) = rows.stores.get_mut(store) else { return Ok(false) };
        let key = (store, review.review_id);
        let before = rows.reviews.get(&key);
        if before.is_some_and(|before| before.revision >= review.revision) {
            return Ok(false);
        }
        let spot = Spot::of(row, place);
        row.rating = row.rating.with(before.and_then(|before| before.stars), review.stars);
        rows.points.replace(spot, Spot::of(row, place));
        rows.reviews.insert(key, review);
        Ok(true)
    }
}
