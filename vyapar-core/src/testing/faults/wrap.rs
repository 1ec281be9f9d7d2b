//! Every port, with a plan of faults before it.

use std::sync::Arc;

use async_trait::async_trait;

use super::Faults;
use crate::error::Stored;
use crate::id::{CustomerId, OrderId, PaymentId, ProductId, ReservationId, StoreId, TrackingId};
use crate::inventory::{
    Amend, AmendOutcome, ChangeOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, Movement,
    ProductFilter, ProductRepository, ReleaseCause, ReleaseOutcome, Reservation, ReservationQueue, Reservations,
    Reserve, ReserveOutcome, Sku, StockChange, StockLedger, StockLevel, StoreProduct, Verification,
};
use crate::order::{
    AbandonOutcome, AtOnce, AtOnceOutcome, InsertOutcome, NewOrder, Order, OrderFilter, OrderQueue, OrderRepository,
    OrderSlot, OrderUpdate, PlaceAtOnce, StatusEntry,
};
use crate::page::{AllStores, Page, PageRequest};
use crate::payment::{Payment, PaymentInsert, PaymentQueue, PaymentRepository};
use crate::ports::Ports;
use crate::quantity::StockUnit;
use crate::store::{Slug, Store, StoreFilter, StoreRepository, UpdateOutcome};
use crate::system::AuditEntry;
use crate::time::Timestamp;

/// One port behind a plan.
struct Faulty<P: ?Sized> {
    faults: Faults,
    inner: Arc<P>,
}

pub(super) fn wrap(faults: &Faults, ports: Ports) -> Ports {
    macro_rules! before {
        ($port:expr) => {
            $port = Arc::new(Faulty { faults: faults.clone(), inner: $port })
        };
    }
    // The audit logs stay as they are: units of one adapter are known by sharing theirs.
    let mut ports = ports;
    let at_once = ports.place_at_once().cloned();
    before!(ports.store.stores);
    before!(ports.product.products);
    before!(ports.stock.ledger);
    before!(ports.stock.reservations);
    before!(ports.stock.queue);
    before!(ports.order.orders);
    before!(ports.order.queue);
    before!(ports.payment.payments);
    before!(ports.payment.queue);
    ports.at_once = at_once.map(|inner| {
        let port = Arc::new(Faulty { faults: faults.clone(), inner });
        AtOnce::new(port, Arc::clone(&ports.stock.reservations), Arc::clone(&ports.order.orders))
    });
    ports
}

/// Implements a port by calling the one behind it through the plan. Arguments are owned by
/// the call, because a delayed one outlives its caller; `=> (…)` says how they are passed on.
macro_rules! faulty {
    ($port:ident = $name:literal {
        $(fn $method:ident($($arg:ident: $ty:ty),*) => ($($pass:expr),*) -> $out:ty;)*
    }) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> {
            $(async fn $method(&self, $($arg: $ty),*) -> Stored<$out> {
                let inner = Arc::clone(&self.inner);
                $(let $arg = $arg.to_owned();)*
                let work = move || {
                    let inner = Arc::clone(&inner);
                    $(let $arg = $arg.clone();)*
                    let work: super::Work<Stored<$out>> = Box::pin(async move { inner.$method($($pass),*).await });
                    work
                };
                self.faults.call(concat!($name, ".", stringify!($method)), work).await
            })*
        }
    };
}

faulty!(StoreRepository = "stores" {
    fn insert(store: Store, audit: AuditEntry) => (store, audit) -> ();
    fn get(id: StoreId) => (id) -> Option<Store>;
    fn find_by_slug(slug: &Slug) => (&slug) -> Option<Store>;
    fn update(store: Store, expected: u64, audit: AuditEntry) => (store, expected, audit) -> UpdateOutcome;
    fn list(all: AllStores, filter: StoreFilter, page: PageRequest) => (all, filter, page) -> Page<Store>;
});

faulty!(ProductRepository = "products" {
    fn insert(store: StoreId, product: StoreProduct, audit: AuditEntry) => (store, product, audit) -> ();
    fn get_many(store: StoreId, ids: &[ProductId]) => (store, &ids) -> Vec<StoreProduct>;
    fn find_by_sku(store: StoreId, sku: &Sku) => (store, &sku) -> Option<StoreProduct>;
    fn update(store: StoreId, product: StoreProduct, expected: u64, audit: AuditEntry)
        => (store, product, expected, audit) -> UpdateOutcome;
    fn list(store: StoreId, filter: ProductFilter, page: PageRequest) => (store, filter, page) -> Page<StoreProduct>;
});

faulty!(StockLedger = "ledger" {
    fn open(store: StoreId, product: ProductId, unit: StockUnit, now: Timestamp) => (store, product, unit, now) -> ();
    fn change(store: StoreId, change: StockChange) => (store, change) -> ChangeOutcome;
    fn levels(store: StoreId, products: &[ProductId]) => (store, &products) -> Vec<StockLevel>;
    fn movements(store: StoreId, product: ProductId, page: PageRequest) => (store, product, page) -> Page<Movement>;
    fn verify(store: StoreId) => (store) -> Verification;
});

faulty!(Reservations = "reservations" {
    fn reserve(store: StoreId, request: Reserve) => (store, request) -> ReserveOutcome;
    fn find(store: StoreId, id: ReservationId) => (store, id) -> Option<Reservation>;
    fn commit(store: StoreId, hold: Hold, now: Timestamp) => (store, hold, now) -> CommitOutcome;
    fn release(store: StoreId, hold: Hold, cause: ReleaseCause, now: Timestamp)
        => (store, hold, cause, now) -> ReleaseOutcome;
    fn dispatch(store: StoreId, hold: Hold, now: Timestamp) => (store, hold, now) -> DispatchOutcome;
    fn amend(store: StoreId, request: Amend) => (store, request) -> AmendOutcome;
    fn give_back(store: StoreId, request: GiveBack) => (store, request) -> GiveBackOutcome;
    fn close(store: StoreId, hold: Hold, now: Timestamp) => (store, hold, now) -> ();
});

faulty!(ReservationQueue = "reservation_queue" {
    fn due(all: AllStores, now: Timestamp, limit: u32) => (all, now, limit) -> Vec<Reservation>;
    fn defer(store: StoreId, hold: Hold, recover_at: Timestamp, failures: u32)
        => (store, hold, recover_at, failures) -> ();
    fn stuck(all: AllStores, failures: u32, limit: u32) => (all, failures, limit) -> Vec<Reservation>;
});

faulty!(OrderRepository = "orders" {
    fn insert(store: StoreId, new: NewOrder) => (store, new) -> InsertOutcome;
    fn abandon(store: StoreId, id: &OrderId, now: Timestamp) => (store, &id, now) -> AbandonOutcome;
    fn find(store: StoreId, id: &OrderId) => (store, &id) -> OrderSlot;
    fn update(store: StoreId, update: OrderUpdate) => (store, update) -> UpdateOutcome;
    fn history(store: StoreId, id: &OrderId) => (store, &id) -> Vec<StatusEntry>;
    fn list(store: StoreId, filter: OrderFilter, page: PageRequest) => (store, filter, page) -> Page<Order>;
    fn list_by_customer(customer: CustomerId, page: PageRequest) => (customer, page) -> Page<Order>;
    fn find_by_tracking(tracking: &TrackingId) => (&tracking) -> Option<(StoreId, OrderId)>;
});

faulty!(PlaceAtOnce = "at_once" {
    fn place(store: StoreId, reserve: Reserve, new: NewOrder) => (store, reserve, new) -> AtOnceOutcome;
});

faulty!(OrderQueue = "order_queue" {
    fn due(all: AllStores, now: Timestamp, limit: u32) => (all, now, limit) -> Vec<Order>;
    fn stuck(all: AllStores, failures: u32, limit: u32) => (all, failures, limit) -> Vec<Order>;
});

faulty!(PaymentRepository = "payments" {
    fn insert(store: StoreId, payment: Payment, audit: AuditEntry) => (store, payment, audit) -> PaymentInsert;
    fn get(store: StoreId, id: PaymentId) => (store, id) -> Option<Payment>;
    fn update(store: StoreId, payment: Payment, expected: u64, audit: Option<AuditEntry>)
        => (store, payment, expected, audit) -> UpdateOutcome;
    fn list_by_order(store: StoreId, order: &OrderId) => (store, &order) -> Vec<Payment>;
});

faulty!(PaymentQueue = "payment_queue" {
    fn due(all: AllStores, now: Timestamp, limit: u32) => (all, now, limit) -> Vec<Payment>;
    fn stuck(all: AllStores, failures: u32, limit: u32) => (all, failures, limit) -> Vec<Payment>;
});
