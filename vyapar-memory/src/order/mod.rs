//! Orders with their items and history.

mod sealed;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use async_trait::async_trait;
use vyapar_core::order::{
    AbandonOutcome, InsertOutcome, NewOrder, Order, OrderFilter, OrderQueue, OrderRepository, OrderSlot, OrderStatus,
    OrderUpdate, StatusEntry,
};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::{AllStores, Cursor, CustomerId, OrderId, Page, PageRequest, StoreId, Stored, Timestamp, TrackingId};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{MAX_ROWS, Map, count, one_more, same_store};

/// What stands under an order's key. Orders are shared, so that a reader copies one after it
/// has let go of the lock.
enum Slot {
    Abandoned,
    Order { order: Arc<Order>, history: Vec<StatusEntry> },
}

impl Slot {
    fn order(&self) -> Option<&Arc<Order>> {
        match self {
            Self::Abandoned => None,
            Self::Order { order, .. } => Some(order),
        }
    }
}

/// One store's orders.
#[derive(Default)]
struct Book {
    slots: BTreeMap<OrderId, Slot>,
    by_status: Map<OrderStatus, BTreeSet<OrderId>>,
}

impl Book {
    fn order(&self, id: &OrderId) -> Option<&Arc<Order>> {
        self.slots.get(id).and_then(Slot::order)
    }

    /// Orders below `before`, newest first, of all statuses or of one.
    fn orders<'a>(
        &'a self,
        status: Option<OrderStatus>,
        before: Bound<&'a OrderId>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Order>> + 'a> {
        let range = (Bound::Unbounded, before);
        match status {
            None => Box::new(self.slots.range::<OrderId, _>(range).rev().filter_map(|(_, slot)| slot.order())),
            Some(status) => {
                let ids = self.by_status.get(&status).into_iter();
                let ids = ids.flat_map(move |ids| ids.range::<OrderId, _>(range).rev());
                Box::new(ids.filter_map(|id| self.order(id)))
            }
        }
    }
}

#[derive(Default)]
struct Rows {
    stores: Map<StoreId, Book>,
    by_tracking: Map<TrackingId, (StoreId, OrderId)>,
    by_customer: Map<CustomerId, BTreeSet<(OrderId, StoreId)>>,
    /// Orders that recovery must look at, by when.
    queue: BTreeSet<(Timestamp, StoreId, OrderId)>,
}

impl Rows {
    fn queued(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.queue.iter().filter_map(|(_, store, id)| self.stores.get(store)?.order(id))
    }

    fn order(&self, store: StoreId, id: &OrderId) -> Option<&Arc<Order>> {
        self.stores.get(&store)?.order(id)
    }
}

/// All orders, under one lock: tracking ids and customers go across stores.
pub(crate) struct Orders {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Orders {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }

    /// Everything, for writing.
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked { rows: write(&self.rows), audit: &self.audit }
    }
}

/// Orders that nobody else reads or writes at the moment.
pub(crate) struct Locked<'a> {
    rows: RwLockWriteGuard<'a, Rows>,
    audit: &'a AuditTrail,
}

impl Locked<'_> {
    /// How inserting it would end.
    pub(crate) fn may_insert(&self, new: &NewOrder) -> InsertOutcome {
        let order = &new.order;
        match self.rows.stores.get(&order.store_id).and_then(|book| book.slots.get(&order.id)) {
            Some(Slot::Abandoned) => InsertOutcome::Abandoned,
            Some(Slot::Order { .. }) => InsertOutcome::AlreadyThere,
            None if self.rows.by_tracking.contains_key(&order.tracking_id) => InsertOutcome::TrackingIdTaken,
            None => InsertOutcome::Inserted,
        }
    }

    /// Inserts what may be inserted.
    pub(crate) fn insert(&mut self, new: NewOrder) {
        let NewOrder { order, history, audit } = new;
        let rows = &mut *self.rows;
        let (id, store) = (order.id.clone(), order.store_id);
        rows.by_tracking.insert(order.tracking_id.clone(), (store, id.clone()));
        rows.by_customer.entry(order.customer_id).or_default().insert((id.clone(), store));
        if let Some(at) = order.recover_at {
            rows.queue.insert((at, store, id.clone()));
        }
        let book = rows.stores.entry(store).or_default();
        book.by_status.entry(order.status).or_default().insert(id.clone());
        book.slots.insert(id, Slot::Order { order: Arc::new(order), history: vec![history] });
        self.audit.record(audit);
    }
}

/// Name of a store's list, in its cursors.
const LIST: &str = "orders";
/// Name of a customer's list, in its cursors.
const CUSTOMER_LIST: &str = "customer_orders";

fn copies(orders: Vec<Arc<Order>>) -> Vec<Order> {
    orders.into_iter().map(Arc::unwrap_or_clone).collect()
}

#[async_trait]
impl OrderRepository for Orders {
    async fn insert(&self, store: StoreId, new: NewOrder) -> Stored<InsertOutcome> {
        same_store(store, new.order.store_id, "an order")?;
        let mut locked = self.lock();
        let outcome = locked.may_insert(&new);
        if outcome == InsertOutcome::Inserted {
            locked.insert(new);
        }
        Ok(outcome)
    }

    async fn abandon(&self, store: StoreId, id: &OrderId, _now: Timestamp) -> Stored<AbandonOutcome> {
        let mut rows = write(&self.rows);
        let slot = rows.stores.entry(store).or_default().slots.entry(id.clone()).or_insert(Slot::Abandoned);
        Ok(match slot {
            Slot::Abandoned => AbandonOutcome::Abandoned,
            Slot::Order { order, .. } => AbandonOutcome::Exists(Box::new(Order::clone(order))),
        })
    }

    async fn find(&self, store: StoreId, id: &OrderId) -> Stored<OrderSlot> {
        let order = {
            let rows = read(&self.rows);
            match rows.stores.get(&store).and_then(|book| book.slots.get(id)) {
                None => return Ok(OrderSlot::Absent),
                Some(Slot::Abandoned) => return Ok(OrderSlot::Abandoned),
                Some(Slot::Order { order, .. }) => Arc::clone(order),
            }
        };
        Ok(OrderSlot::Order(Box::new(Arc::unwrap_or_clone(order))))
    }

    async fn update(&self, store: StoreId, update: OrderUpdate) -> Stored<UpdateOutcome> {
        let OrderUpdate { order, expected, history, audit } = update;
        let mut rows = write(&self.rows);
        let Rows { stores, queue, .. } = &mut *rows;
        let Some(Book { slots, by_status }) = stores.get_mut(&store) else { return Ok(UpdateOutcome::Stale) };
        let Some(Slot::Order { order: stored, history: trail }) = slots.get_mut(&order.id) else {
            return Ok(UpdateOutcome::Stale);
        };
        if stored.version != expected {
            return Ok(UpdateOutcome::Stale);
        }
        let order = Order {
            order_number: stored.order_number.clone(),
            tracking_id: stored.tracking_id.clone(),
            store_id: store,
            customer_id: stored.customer_id,
            hold: stored.hold.clone(),
            fingerprint: stored.fingerprint,
            channel: stored.channel,
            version: expected.saturating_add(1),
            created_at: stored.created_at,
            ..order
        };
        if stored.status != order.status {
            if let Some(ids) = by_status.get_mut(&stored.status) {
                ids.remove(&order.id);
            }
            by_status.entry(order.status).or_default().insert(order.id.clone());
        }
        if stored.recover_at != order.recover_at {
            if let Some(at) = stored.recover_at {
                queue.remove(&(at, store, order.id.clone()));
            }
            if let Some(at) = order.recover_at {
                queue.insert((at, store, order.id.clone()));
            }
        }
        *stored = Arc::new(order);
        trail.extend(history);
        if let Some(audit) = audit {
            self.audit.record(audit);
        }
        Ok(UpdateOutcome::Updated)
    }

    async fn history(&self, store: StoreId, id: &OrderId) -> Stored<Vec<StatusEntry>> {
        let rows = read(&self.rows);
        Ok(match rows.stores.get(&store).and_then(|book| book.slots.get(id)) {
            Some(Slot::Order { history, .. }) => history.iter().take(MAX_ROWS).cloned().collect(),
            Some(Slot::Abandoned) | None => Vec::new(),
        })
    }

    async fn list(&self, store: StoreId, filter: OrderFilter, page: PageRequest) -> Stored<Page<Order>> {
        let OrderFilter { status } = filter;
        let cursor: Option<OrderId> = page.cursor().map(|cursor| cursor.parse_position(LIST)).transpose()?;
        let before = cursor.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let orders = {
            let rows = read(&self.rows);
            let Some(book) = rows.stores.get(&store) else { return Ok(Page { items: Vec::new(), next: None }) };
            book.orders(status, before).take(one_more(page.limit())).cloned().collect()
        };
        Ok(Page::of(copies(orders), page.limit(), |order: &Order| Cursor::new(LIST, order.id.as_str())))
    }

    async fn list_by_customer(&self, customer: CustomerId, page: PageRequest) -> Stored<Page<Order>> {
        let before = match page.cursor() {
            Some(cursor) => Bound::Excluded(customer_position(cursor)?),
            None => Bound::Unbounded,
        };
        let orders = {
            let rows = read(&self.rows);
            let Some(keys) = rows.by_customer.get(&customer) else {
                return Ok(Page { items: Vec::new(), next: None });
            };
            let keys = keys.range((Bound::Unbounded, before)).rev();
            keys.filter_map(|(id, store)| rows.order(*store, id)).take(one_more(page.limit())).cloned().collect()
        };
        Ok(Page::of(copies(orders), page.limit(), |order: &Order| {
            Cursor::new(CUSTOMER_LIST, format!("{} {}", order.id, order.store_id))
        }))
    }

    async fn find_by_tracking(&self, tracking: &TrackingId) -> Stored<Option<(StoreId, OrderId)>> {
        Ok(read(&self.rows).by_tracking.get(tracking).cloned())
    }
}

/// The key that a customer's list goes on below.
fn customer_position(cursor: &Cursor) -> Stored<(OrderId, StoreId)> {
    let (order, store) = cursor.position(CUSTOMER_LIST)?.split_once(' ').unwrap_or_default();
    // Parsed through cursors again, so that a malformed part is refused as a malformed cursor.
    let part = |text: &str| Cursor::new(CUSTOMER_LIST, text);
    Ok((part(order).parse_position(CUSTOMER_LIST)?, part(store).parse_position(CUSTOMER_LIST)?))
}

#[async_trait]
impl OrderQueue for Orders {
    async fn due(&self, _all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Order>> {
        let orders = {
            let rows = read(&self.rows);
            let due = rows.queued().take_while(|order| order.recover_at.is_some_and(|at| at <= now));
            due.take(count(limit)).cloned().collect()
        };
        Ok(copies(orders))
    }

    async fn stuck(&self, _all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Order>> {
        let orders = {
            let rows = read(&self.rows);
            rows.queued().filter(|order| order.failures >= failures).take(count(limit)).cloned().collect()
        };
        Ok(copies(orders))
    }
}
