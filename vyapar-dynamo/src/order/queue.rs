//! Orders with pending effects that recovery must look at.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use vyapar_core::error::{ROOM_FOR_UNREADABLE, Stored, readable};
use vyapar_core::order::{Order, OrderQueue, OrderSlot};
use vyapar_core::page::AllStores;
use vyapar_core::time::Timestamp;

use super::DynamoOrders;
use super::codec::read_slot;
use super::lists::order_key;
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text, time};
use crate::keys;
use crate::tables::ORDERS;

#[async_trait]
impl OrderQueue for DynamoOrders {
    async fn due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Order>> {
        let room = limit.saturating_add(ROOM_FOR_UNREADABLE) as usize;
        let patience = self.db.patience();
        // Each shard's oldest: the oldest of all are among them.
        let shards = try_join_all(keys::shards().map(|shard| {
            let key = Expression::new("#recover_shard = :shard AND #recover_at <= :now")
                .value(":shard", text(shard))
                .value(":now", time(now));
            let mut patience = patience.clone();
            async move { self.db.query(&pending(key), room, &mut patience, "listing due orders").await }
        }))
        .await?;
        let mut found: Vec<(String, Attributes)> = Vec::new();
        for item in shards.iter().flatten() {
            found.push((Row::new(ORDERS.name, item).string("recover_at")?, order_key(item)?));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.truncate(room);
        let mut due = self.read_pending(found.into_iter().map(|(_, key)| key).collect()).await?;
        // The index may lag: the table decides.
        due.retain(|order| order.recover_at.is_some_and(|at| at <= now));
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn stuck(&self, _: AllStores, failures: u32, limit: u32) -> Stored<Vec<Order>> {
        let mut stuck = Vec::new();
        // Every order with pending effects is looked at: they are few, and people ask this.
        for shard in keys::shards() {
            let key = Expression::new("#recover_shard = :shard").value(":shard", text(shard));
            let found = self.db.query_all(&pending(key), "listing orders with pending effects").await?;
            let keys = found.iter().map(order_key).collect::<Stored<Vec<_>>>()?;
            let orders = self.read_pending(keys).await?;
            stuck.extend(orders.into_iter().filter(|order| order.failures >= failures && order.recover_at.is_some()));
        }
        stuck.sort_by(oldest_first);
        stuck.truncate(limit as usize);
        Ok(stuck)
    }
}

impl DynamoOrders {
    async fn read_pending(&self, keys: Vec<Attributes>) -> Stored<Vec<Order>> {
        let patience = &mut self.db.patience();
        let items = self.db.get_all(&ORDERS, keys, patience, "reading orders with pending effects").await?;
        let slots = readable(items.iter().map(read_slot), u32::MAX)?.into_iter();
        let mut orders: Vec<_> =
            slots.filter_map(|slot| if let OrderSlot::Order(order) = slot { Some(*order) } else { None }).collect();
        orders.sort_by(oldest_first);
        Ok(orders)
    }
}

fn oldest_first(a: &Order, b: &Order) -> std::cmp::Ordering {
    (a.recover_at, a.store_id, &a.id).cmp(&(b.recover_at, b.store_id, &b.id))
}

fn pending(key: Expression) -> Query {
    Query { table: &ORDERS, index: Some("recover-index"), key, filter: None, newest_first: false }
}
