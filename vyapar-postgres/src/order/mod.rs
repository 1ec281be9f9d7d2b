//! Orders (`orders`, `order_items`, `order_status_history`) and what recovery looks at among
//! them. `rows` has how they are written and read back.

mod at_once;
mod insert;
mod rows;
mod sealed;

use std::sync::Arc;

use async_trait::async_trait;
use vyapar_core::error::readable;
use vyapar_core::order::{
    AbandonOutcome, InsertOutcome, NewOrder, Order, OrderFilter, OrderQueue, OrderRepository, OrderSlot, OrderUpdate,
    StatusEntry,
};
use vyapar_core::page::AllStores;
use vyapar_core::store::UpdateOutcome;
use vyapar_core::{
    Cursor, CustomerId, OrderId, Page, PageRequest, RepositoryError, RepositoryErrorKind, StoreId, Stored, Timestamp,
    TrackingId,
};

pub(crate) use at_once::{Placing, Together};
pub(crate) use insert::Inserting;

use crate::database::{Database, Scope};
use crate::encode::{bigint, integer, with_room};
use crate::gather::Lane;
use crate::row::Fields;
use crate::system;

/// The name that cursors of a store's lists carry.
const LIST: &str = "orders";
/// The name that cursors of a customer's lists carry.
const CUSTOMER_LIST: &str = "customer_orders";
/// Most rows of history that one call gives.
const MAX_HISTORY: i64 = 200;

pub(crate) struct Orders {
    pub(crate) database: Database,
    pub(crate) insert: Arc<Lane<Inserting>>,
}

#[async_trait]
impl OrderRepository for Orders {
    async fn insert(&self, store: StoreId, new: NewOrder) -> Stored<InsertOutcome> {
        insert::check(store, &new, "inserting an order")?;
        self.insert.call(Box::new(new)).await
    }

    async fn abandon(&self, store: StoreId, id: &OrderId, now: Timestamp) -> Stored<AbandonOutcome> {
        let function = sqlx::query("select vyapar.abandon_order($1, $2, $3, $4)")
            .bind(store.as_uuid())
            .bind(id.as_str())
            .bind(now)
            .bind(self.database.lock_timeout());
        if self.database.call_one(function, "abandoning an order").await? {
            return Ok(AbandonOutcome::Abandoned);
        }
        // Orders are never deleted, so one that stood in the way is still there.
        match self.find(store, id).await? {
            OrderSlot::Order(order) => Ok(AbandonOutcome::Exists(order)),
            OrderSlot::Absent | OrderSlot::Abandoned => Err(RepositoryError::new(
                RepositoryErrorKind::Corrupt,
                format!("order_status_history.status of row {id} 1"),
            )),
        }
    }

    async fn find(&self, store: StoreId, id: &OrderId) -> Stored<OrderSlot> {
        let function = sqlx::query("select f.abandoned, (f.found).*, f.items from vyapar.find_order($1, $2, $3) f")
            .bind(store.as_uuid())
            .bind(id.as_str())
            .bind(self.database.lock_timeout());
        let found = self.database.ask(function, "finding an order").await?;
        match found.first() {
            None => Ok(OrderSlot::Absent),
            Some(row) if Fields::of(row, "order_status_history", "id").get("abandoned")? => Ok(OrderSlot::Abandoned),
            Some(row) => Ok(OrderSlot::Order(Box::new(rows::decode(row)?))),
        }
    }

    async fn update(&self, store: StoreId, update: OrderUpdate) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_order($1, $2, $3, $4, $5, $6)")
            .bind(rows::encode(store, &update.order)?)
            .bind(rows::encode_items(store, &update.order))
            .bind(bigint(update.expected))
            .bind(update.history.map(|entry| rows::encode_history(store, &entry)))
            .bind(update.audit.map(|entry| system::encode(&entry)))
            .bind(self.database.lock_timeout());
        let updated = self.database.call_one(function, "updating an order").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn history(&self, store: StoreId, id: &OrderId) -> Stored<Vec<StatusEntry>> {
        let query = sqlx::query(
            "select * from vyapar.order_status_history
              where store_id = $1 and order_id = $2 and status <> 'abandoned' order by version limit $3",
        )
        .bind(store.as_uuid())
        .bind(id.as_str())
        .bind(MAX_HISTORY);
        let mut reader = self.database.reader(Scope::Store(store), "reading an order's history").await?;
        let entries = reader.rows(query).await?;
        reader.finish().await?;
        entries.iter().map(rows::decode_history).collect()
    }

    async fn list(&self, store: StoreId, filter: OrderFilter, page: PageRequest) -> Stored<Page<Order>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<OrderId>(LIST)).transpose()?;
        let query = sqlx::query(
            "select o.*, vyapar.items_of(o.store_id, o.id) as items from vyapar.orders o
              where store_id = $1 and ($2::varchar is null or status = $2) and ($3::varchar is null or id < $3)
              order by id desc limit $4",
        )
        .bind(store.as_uuid())
        .bind(filter.status.map(|status| status.as_str()))
        .bind(before.as_ref().map(OrderId::as_str))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Store(store), "listing orders").await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        let orders = found.iter().map(rows::decode).collect::<Stored<_>>()?;
        Ok(Page::of(orders, page.limit(), |order: &Order| Cursor::new(LIST, order.id.as_str())))
    }

    async fn list_by_customer(&self, customer: CustomerId, page: PageRequest) -> Stored<Page<Order>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<OrderId>(CUSTOMER_LIST)).transpose()?;
        let query = sqlx::query(
            "select o.*, vyapar.items_of(o.store_id, o.id) as items from vyapar.orders o where customer_id = $1 and ($2::varchar is null or id < $2)
              order by id desc limit $3",
        )
        .bind(customer.as_uuid())
        .bind(before.as_ref().map(OrderId::as_str))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Customer(customer), "listing a customer's orders").await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        let orders = found.iter().map(rows::decode).collect::<Stored<_>>()?;
        Ok(Page::of(orders, page.limit(), |order: &Order| Cursor::new(CUSTOMER_LIST, order.id.as_str())))
    }

    async fn find_by_tracking(&self, tracking: &TrackingId) -> Stored<Option<(StoreId, OrderId)>> {
        let query =
            sqlx::query("select store_id, id from vyapar.orders where tracking_id = $1").bind(tracking.as_str());
        let mut reader = self.database.reader(Scope::AllStores, "finding an order by its tracking id").await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        let key = |row| {
            let fields = Fields::of(row, "orders", "id");
            Ok((StoreId::from_uuid(fields.get("store_id")?), fields.parse("id")?))
        };
        found.first().map(key).transpose()
    }
}

#[async_trait]
impl OrderQueue for Orders {
    async fn due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Order>> {
        let query = sqlx::query(
            "select o.*, vyapar.items_of(o.store_id, o.id) as items from vyapar.orders o where recover_at <= $1 order by recover_at, store_id, id limit $2",
        )
        .bind(now)
        .bind(with_room(limit));
        let mut reader = self.database.reader(Scope::AllStores, "listing due orders").await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        readable(found.iter().map(rows::decode), limit)
    }

    async fn stuck(&self, _: AllStores, failures: u32, limit: u32) -> Stored<Vec<Order>> {
        let query = sqlx::query(
            "select o.*, vyapar.items_of(o.store_id, o.id) as items from vyapar.orders o where failures >= $1 and recover_at is not null
              order by recover_at, store_id, id limit $2",
        )
        .bind(integer(failures))
        .bind(i64::from(limit));
        let mut reader = self.database.reader(Scope::AllStores, "listing stuck orders").await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        readable(found.iter().map(rows::decode), limit)
    }
}
