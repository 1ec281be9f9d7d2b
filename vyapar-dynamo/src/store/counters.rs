//! What adds up in stores.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::id::{OrderId, StoreId};
use vyapar_core::store::{ReviewRating, Stars, StoreCounters};

use super::DynamoStores;
use super::codec::{counted_order_item, read_review, review_item};
use crate::db::Written;
use crate::expression::Expression;
use crate::item::number;
use crate::keys;
use crate::tables::{STORE_COUNTS, STORES};

/// The condition that what counts has a store: an update would make one.
fn there() -> Expression {
    Expression::new("attribute_exists(#id)")
}

/// The condition that nothing is known of what is to count.
fn new() -> Expression {
    Expression::new("attribute_not_exists(#store_id)")
}

#[async_trait]
impl StoreCounters for DynamoStores {
    async fn count_order(&self, store: StoreId, order: &OrderId) -> Stored<bool> {
        let one = Expression::new("ADD #total_orders :one").value(":one", number(1));
        let actions = vec![
            self.db.put(&STORE_COUNTS, counted_order_item(store, order), &new())?,
            self.db.update(&STORES, keys::store(store), &one, &there())?,
        ];
        // Refused is one that counts already, and one of a store that is not there.
        let written = self.db.transact(actions, &mut self.db.patience(), "counting an order").await?;
        Ok(matches!(written, Written::Done))
    }

    async fn rate(&self, store: StoreId, review: ReviewRating) -> Stored<bool> {
        const DOING: &str = "counting a review";
        let mut patience = self.db.patience();
        loop {
            // What it adds follows from what counts now; that it still does is what the
            // transaction insists on.
            let key = keys::counted_review(store, review.review_id);
            let found = self.db.get(&STORE_COUNTS, key, &mut patience, DOING).await?;
            let before = found.as_ref().map(read_review).transpose()?;
            let (unchanged, stars) = match before {
                Some((revision, _)) if revision >= review.revision => return Ok(false),
                Some((revision, stars)) => {
                    (Expression::new("#revision = :seen").value(":seen", number(revision)), stars)
                }
                None => (new(), None),
            };
            let (sum, count) = difference(stars, review.stars);
            let change = Expression::new("ADD #rating_sum :sum, #rating_count :count")
                .value(":sum", number(sum))
                .value(":count", number(count));
            let actions = vec![
                self.db.put(&STORE_COUNTS, review_item(store, &review), &unchanged)?,
                self.db.update(&STORES, keys::store(store), &change, &there())?,
            ];
            match self.db.transact(actions, &mut patience, DOING).await? {
                Written::Done => return Ok(true),
                Written::Refused(refusals) if refusals.at(1).is_some() => return Ok(false),
                Written::Refused(_) => patience.check(DOING)?,
            }
        }
    }
}

/// What a review adds to the sum and to the number, in place of what it gave before.
fn difference(before: Option<Stars>, now: Option<Stars>) -> (i64, i64) {
    let of = |stars: Option<Stars>| (stars.map_or(0, |stars| i64::from(stars.get())), i64::from(stars.is_some()));
    let ((sum, count), (sum_before, count_before)) = (of(now), of(before));
    (sum - sum_before, count - count_before)
}
