//! What adds up in a store: orders delivered (`store_order_counts`) and what reviews give
//! (`store_ratings`).

use async_trait::async_trait;
use vyapar_core::store::{ReviewRating, StoreCounters};
use vyapar_core::{OrderId, StoreId, Stored};

use super::Stores;
use crate::encode::bigint;

#[async_trait]
impl StoreCounters for Stores {
    async fn count_order(&self, store: StoreId, order: &OrderId) -> Stored<bool> {
        let function = sqlx::query("select vyapar.count_store_order($1, $2, $3)")
            .bind(store.as_uuid())
            .bind(order.as_str())
            .bind(self.database.lock_timeout());
        self.database.call_one(function, "counting an order of a store").await
    }

    async fn rate(&self, store: StoreId, review: ReviewRating) -> Stored<bool> {
        let function = sqlx::query("select vyapar.rate_store($1, $2, $3, $4, $5)")
            .bind(store.as_uuid())
            .bind(review.review_id.as_uuid())
            .bind(bigint(review.revision))
            .bind(review.stars.map(|stars| i32::from(stars.get())))
            .bind(self.database.lock_timeout());
        self.database.call_one(function, "rating a store").await
    }
}
