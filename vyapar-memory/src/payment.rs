//! Payments with their refunds.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::payment::{Payment, PaymentInsert, PaymentQueue, PaymentRepository, Refund};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{AllStores, OrderId, PaymentId, StoreId, Stored, Timestamp};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{MAX_ROWS, Map, count, same_store};

#[derive(Default)]
struct Till {
    by_id: Map<PaymentId, Arc<Payment>>,
    by_order: Map<OrderId, BTreeSet<PaymentId>>,
}

#[derive(Default)]
struct Rows {
    stores: Map<StoreId, Till>,
    /// Payments that recovery must look at, by when.
    queue: BTreeSet<(Timestamp, StoreId, PaymentId)>,
}

impl Rows {
    fn queued(&self) -> impl Iterator<Item = &Arc<Payment>> {
        self.queue.iter().filter_map(|(_, store, id)| self.stores.get(store)?.by_id.get(id))
    }

    /// Stores a payment in place of what its id had.
    fn put(&mut self, payment: Payment) {
        let Self { stores, queue } = self;
        let (store, id, due) = (payment.store_id, payment.id, payment.recover_at);
        let till = stores.entry(store).or_default();
        till.by_order.entry(payment.order_id.clone()).or_default().insert(id);
        let before = till.by_id.insert(id, Arc::new(payment));
        if let Some(at) = before.and_then(|before| before.recover_at) {
            queue.remove(&(at, store, id));
        }
        if let Some(at) = due {
            queue.insert((at, store, id));
        }
    }
}

/// All payments, under one lock.
pub(crate) struct Payments {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Payments {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

/// The stored refunds with their new status, and those that are new: none is ever lost.
fn merged(stored: &[Refund], given: Vec<Refund>) -> Vec<Refund> {
    let mut refunds = stored.to_vec();
    for refund in given {
        match refunds.iter_mut().find(|known| known.id == refund.id) {
            Some(known) => known.status = refund.status,
            None => refunds.push(refund),
        }
    }
    refunds
}

#[async_trait]
impl PaymentRepository for Payments {
    async fn insert(&self, store: StoreId, payment: Payment, audit: AuditEntry) -> Stored<PaymentInsert> {
        same_store(store, payment.store_id, "a payment")?;
        let mut rows = write(&self.rows);
        if rows.stores.get(&store).is_some_and(|till| till.by_id.contains_key(&payment.id)) {
            return Ok(PaymentInsert::AlreadyThere);
        }
        rows.put(payment);
        self.audit.record(audit);
        Ok(PaymentInsert::Inserted)
    }

    async fn get(&self, store: StoreId, id: PaymentId) -> Stored<Option<Payment>> {
        let payment = read(&self.rows).stores.get(&store).and_then(|till| till.by_id.get(&id)).cloned();
        Ok(payment.map(Arc::unwrap_or_clone))
    }

    async fn update(
        &self,
        store: StoreId,
        payment: Payment,
        expected: u64,
        audit: Option<AuditEntry>,
    ) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let stored = rows.stores.get(&store).and_then(|till| till.by_id.get(&payment.id));
        let Some(stored) = stored.filter(|stored| stored.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let payment = Payment {
            store_id: store,
            order_id: stored.order_id.clone(),
            amount: stored.amount,
            method: stored.method,
            refunds: merged(&stored.refunds, payment.refunds),
            version: expected.saturating_add(1),
            created_at: stored.created_at,
            ..payment
        };
        rows.put(payment);
        if let Some(audit) = audit {
            self.audit.record(audit);
        }
        Ok(UpdateOutcome::Updated)
    }

    async fn list_by_order(&self, store: StoreId, order: &OrderId) -> Stored<Vec<Payment>> {
        let rows = read(&self.rows);
        let Some(till) = rows.stores.get(&store) else { return Ok(Vec::new()) };
        let ids = till.by_order.get(order).into_iter().flatten();
        let payments = ids.filter_map(|id| till.by_id.get(id)).take(MAX_ROWS);
        Ok(payments.map(|payment| Payment::clone(payment)).collect())
    }
}

#[async_trait]
impl PaymentQueue for Payments {
    async fn due(&self, _all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Payment>> {
        let rows = read(&self.rows);
        let due = rows.queued().take_while(|payment| payment.recover_at.is_some_and(|at| at <= now));
        Ok(due.take(count(limit)).map(|payment| Payment::clone(payment)).collect())
    }

    async fn stuck(&self, _all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Payment>> {
        let rows = read(&self.rows);
        let stuck = rows.queued().filter(|payment| payment.failures >= failures);
        Ok(stuck.take(count(limit)).map(|payment| Payment::clone(payment)).collect())
    }
}
