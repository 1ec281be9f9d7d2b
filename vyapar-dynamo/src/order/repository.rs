//! Writing orders, and reading one.

use async_trait::async_trait;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::{CustomerId, OrderId, StoreId, TrackingId};
use vyapar_core::order::{
    AbandonOutcome, InsertOutcome, NewOrder, Order, OrderFilter, OrderRepository, OrderSlot, OrderUpdate, StatusEntry,
};
use vyapar_core::page::{Page, PageRequest};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::time::Timestamp;

use super::DynamoOrders;
use super::codec::{abandoned_item, order_change, order_item, read_history, read_slot, read_tracking, tracking_item};
use crate::db::Written;
use crate::expression::Expression;
use crate::item::{number, text};
use crate::keys;
use crate::retry::Patience;
use crate::tables::ORDERS;

/// Most rows of history given.
const MAX_HISTORY: usize = 200;

#[async_trait]
impl OrderRepository for DynamoOrders {
    async fn insert(&self, store: StoreId, new: NewOrder) -> Stored<InsertOutcome> {
        own(store, &new.order)?;
        let mut patience = self.db.patience();
        loop {
            let place = self.audit.place(&mut patience).await?;
            let actions = vec![
                self.db.put(&ORDERS, order_item(&new)?, &absent())?,
                self.db.put(&ORDERS, tracking_item(&new.order), &absent())?,
                self.audit.action(place, &new.audit)?,
            ];
            let refusals = match self.db.transact(actions, &mut patience, "inserting an order").await? {
                Written::Done => return Ok(InsertOutcome::Inserted),
                Written::Refused(refusals) => refusals,
            };
            match refusals.at(2) {
                Some(refused) => self.audit.was_taken(place, refused),
                None => self.audit.give_back(place),
            }
            // What stands under the order's key decides before anything else: an insert
            // repeated after a lost answer meets its own tracking id, too, and that alone where
            // somebody is just writing the order itself.
            if refusals.at(0).is_some() || refusals.at(1).is_some() {
                match self.slot(store, &new.order.id, &mut patience).await? {
                    OrderSlot::Order(_) => return Ok(InsertOutcome::AlreadyThere),
                    OrderSlot::Abandoned => return Ok(InsertOutcome::Abandoned),
                    OrderSlot::Absent if refusals.at(1).is_some() => return Ok(InsertOutcome::TrackingIdTaken),
                    OrderSlot::Absent => {}
                }
            }
            patience.check("inserting an order")?;
        }
    }

    async fn abandon(&self, store: StoreId, id: &OrderId, now: Timestamp) -> Stored<AbandonOutcome> {
        let mut patience = self.db.patience();
        loop {
            let actions = vec![self.db.put(&ORDERS, abandoned_item(store, id, now), &absent())?];
            if let Written::Done = self.db.transact(actions, &mut patience, "abandoning an order").await? {
                return Ok(AbandonOutcome::Abandoned);
            }
            match self.slot(store, id, &mut patience).await? {
                OrderSlot::Abandoned => return Ok(AbandonOutcome::Abandoned),
                OrderSlot::Order(order) => return Ok(AbandonOutcome::Exists(order)),
                OrderSlot::Absent => {}
            }
            patience.check("abandoning an order")?;
        }
    }

    async fn find(&self, store: StoreId, id: &OrderId) -> Stored<OrderSlot> {
        self.slot(store, id, &mut self.db.patience()).await
    }

    async fn update(&self, store: StoreId, update: OrderUpdate) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let order = &Order { version: update.expected + 1, ..update.order };
        if order.store_id != store {
            return Ok(UpdateOutcome::Stale);
        }
        let change = order_change(order, update.history.as_ref())?;
        // A marker of an abandoned order has no version, and so is never the expected one.
        let expected = Expression::new("#version = :expected").value(":expected", number(update.expected));
        let mut patience = self.db.patience();
        loop {
            let mut actions = vec![self.db.update(&ORDERS, keys::order(store, &order.id), &change, &expected)?];
            let place = match &update.audit {
                None => None,
                Some(entry) => {
                    let place = self.audit.place(&mut patience).await?;
                    actions.push(self.audit.action(place, entry)?);
                    Some(place)
                }
            };
            let refusals = match self.db.transact(actions, &mut patience, "updating an order").await? {
                Written::Done => return Ok(UpdateOutcome::Updated),
                Written::Refused(refusals) => refusals,
            };
            match (place, refusals.at(1)) {
                (Some(place), Some(refused)) => self.audit.was_taken(place, refused),
                (Some(place), None) => self.audit.give_back(place),
                (None, _) => {}
            }
            if refusals.at(0).is_some() {
                return Ok(UpdateOutcome::Stale);
            }
            patience.check("updating an order")?;
        }
    }

    async fn history(&self, store: StoreId, id: &OrderId) -> Stored<Vec<StatusEntry>> {
        let patience = &mut self.db.patience();
        let found = self.db.get(&ORDERS, keys::order(store, id), patience, "reading an order's history").await?;
        let mut history = found.as_ref().map(read_history).transpose()?.unwrap_or_default();
        history.truncate(MAX_HISTORY);
        Ok(history)
    }

    async fn list(&self, store: StoreId, filter: OrderFilter, page: PageRequest) -> Stored<Page<Order>> {
        match filter.status {
            None => self.of_store(store, page).await,
            Some(status) => {
                let of = (keys::store_status(store, status), "store_status");
                self.of_index("status-index", of, "orders", page, |order| order.status == status).await
            }
        }
    }

    async fn list_by_customer(&self, customer: CustomerId, page: PageRequest) -> Stored<Page<Order>> {
        let of = (text(customer), "customer_id");
        self.of_index("customer_id-index", of, "customer_orders", page, |_| true).await
    }

    async fn find_by_tracking(&self, tracking: &TrackingId) -> Stored<Option<(StoreId, OrderId)>> {
        let patience = &mut self.db.patience();
        let found = self.db.get(&ORDERS, keys::tracking(tracking), patience, "finding a tracking id").await?;
        found.as_ref().map(read_tracking).transpose()
    }
}

impl DynamoOrders {
    async fn slot(&self, store: StoreId, id: &OrderId, patience: &mut Patience) -> Stored<OrderSlot> {
        match self.db.get(&ORDERS, keys::order(store, id), patience, "reading an order").await? {
            None => Ok(OrderSlot::Absent),
            Some(item) => read_slot(&item),
        }
    }
}

/// The condition that nothing stands under a key.
fn absent() -> Expression {
    Expression::new("attribute_not_exists(#store_id)")
}

/// Refuses an order that names another store than the call does: the item's key comes from
/// the order, and must never be another tenant's.
fn own(store: StoreId, order: &Order) -> Stored<()> {
    if order.store_id == store {
        return Ok(());
    }
    let what = format!("order {} belongs to another store than the one it is written for", order.id);
    Err(RepositoryError::new(RepositoryErrorKind::Backend, what))
}
