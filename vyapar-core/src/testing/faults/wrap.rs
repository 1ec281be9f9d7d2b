//! Every port, with a plan of faults before it.

use std::sync::Arc;

use async_trait::async_trait;

use super::Faults;
use crate::access::{
    Assignment, GrantOutcome, GrantRepository, GrantTarget, Grants, Guard, Permission, PermissionFilter, PermissionId,
    PermissionRepository, Role, RoleFilter, RoleId, RoleRepository,
};
use crate::customer::{CreditOutcome, CreditedOrder, Customer, CustomerRepository};
use crate::error::Stored;
use crate::id::{
    CustomerId, InvitationId, OrderId, PaymentId, ProductId, ReservationId, SessionId, StoreId, TrackingId, UserId,
};
use crate::identity::{
    ContactKind, LoginAttemptRepository, LoginAttempts, OtpBook, OtpRepository, Session, SessionRepository,
    StartOutcome, User, UserFilter, UserRepository,
};
use crate::inventory::{
    Amend, AmendOutcome, ChangeOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, Movement,
    ProductFilter, ProductRepository, ReleaseCause, ReleaseOutcome, Reservation, ReservationQueue, Reservations,
    Reserve, ReserveOutcome, Sku, StockChange, StockLedger, StockLevel, StoreProduct, Verification,
};
use crate::order::{
    AbandonOutcome, AtOnce, AtOnceOutcome, Basis, InsertOutcome, NewOrder, Order, OrderFilter, OrderQueue,
    OrderRepository, OrderSlot, OrderUpdate, PlaceAtOnce, StatusEntry,
};
use crate::page::{AllStores, Page, PageRequest};
use crate::payment::{Payment, PaymentInsert, PaymentQueue, PaymentRepository};
use crate::ports::Ports;
use crate::quantity::StockUnit;
use crate::secret::{Blind, Sealed, SealedText, SealedTexts};
use crate::store::{
    AcceptOutcome, Invitation, InvitationRepository, MemberOutcome, NearbyQuery, NearbyStore, ReviewRating, Slug,
    Store, StoreCounters, StoreFilter, StoreRepository, StoreSearch, StoreUser, StoreUserRepository, UpdateOutcome,
};
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
    let checks_basis = ports.checks_basis();
    before!(ports.identity.users);
    before!(ports.identity.sessions);
    before!(ports.identity.otps);
    before!(ports.identity.attempts);
    before!(ports.identity.sealed);
    before!(ports.access.permissions);
    before!(ports.access.roles);
    before!(ports.access.grants);
    before!(ports.store.stores);
    before!(ports.store.counters);
    before!(ports.store.search);
    before!(ports.store.members);
    before!(ports.store.invitations);
    before!(ports.store.sealed);
    before!(ports.customer.customers);
    before!(ports.customer.sealed);
    before!(ports.product.products);
    before!(ports.stock.ledger);
    before!(ports.stock.reservations);
    before!(ports.stock.queue);
    before!(ports.order.orders);
    before!(ports.order.queue);
    before!(ports.order.sealed);
    before!(ports.payment.payments);
    before!(ports.payment.queue);
    ports.at_once = at_once.map(|inner| {
        let port = Arc::new(Faulty { faults: faults.clone(), inner });
        let at_once = AtOnce::new(port, Arc::clone(&ports.stock.reservations), Arc::clone(&ports.order.orders));
        if checks_basis {
            at_once.checking(Arc::clone(&ports.store.stores), Arc::clone(&ports.product.products))
        } else {
            at_once
        }
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

faulty!(UserRepository = "users" {
    fn insert(user: User, audit: AuditEntry) => (user, audit) -> ();
    fn get(id: UserId) => (id) -> Option<User>;
    fn find(kind: ContactKind, lookups: &[Blind]) => (kind, &lookups) -> Option<User>;
    fn update(user: User, expected: u64, audit: Option<AuditEntry>) => (user, expected, audit) -> UpdateOutcome;
    fn list(filter: UserFilter, page: PageRequest) => (filter, page) -> Page<User>;
});

faulty!(SessionRepository = "sessions" {
    fn start(session: Session, audit: AuditEntry) => (session, audit) -> StartOutcome;
    fn get(id: SessionId) => (id) -> Option<Session>;
    fn touch(id: SessionId, at: Timestamp) => (id, at) -> ();
    fn revoke(user: UserId, id: SessionId, now: Timestamp, audit: AuditEntry) => (user, id, now, audit) -> bool;
    fn list_by_user(user: UserId, page: PageRequest) => (user, page) -> Page<Session>;
    fn sweep(before: Timestamp, limit: u32) => (before, limit) -> u32;
});

faulty!(OtpRepository = "otps" {
    fn get(phone: Blind) => (phone) -> Option<OtpBook>;
    fn save(book: OtpBook, expected: u64, audit: Option<AuditEntry>) => (book, expected, audit) -> UpdateOutcome;
    fn sweep(before: Timestamp, limit: u32) => (before, limit) -> u32;
});

faulty!(LoginAttemptRepository = "attempts" {
    fn get(key: Blind) => (key) -> Option<LoginAttempts>;
    fn save(attempts: LoginAttempts, expected: u64) => (attempts, expected) -> UpdateOutcome;
    fn sweep(before: Timestamp, limit: u32) => (before, limit) -> u32;
});

faulty!(PermissionRepository = "permissions" {
    fn insert(permission: Permission, audit: AuditEntry) => (permission, audit) -> ();
    fn get_many(ids: &[PermissionId]) => (&ids) -> Vec<Permission>;
    fn update(permission: Permission, expected: u64, audit: AuditEntry)
        => (permission, expected, audit) -> UpdateOutcome;
    fn list(filter: PermissionFilter, page: PageRequest) => (filter, page) -> Page<Permission>;
});

faulty!(RoleRepository = "roles" {
    fn insert(role: Role, audit: AuditEntry) => (role, audit) -> ();
    fn get_many(ids: &[RoleId]) => (&ids) -> Vec<Role>;
    fn update(role: Role, expected: u64, audit: AuditEntry) => (role, expected, audit) -> UpdateOutcome;
    fn list(filter: RoleFilter, page: PageRequest) => (filter, page) -> Page<Role>;
});

faulty!(GrantRepository = "grants" {
    fn of_user(user: UserId) => (user) -> Option<Grants>;
    fn save(grants: Grants, expected: u64, guard: Guard, audit: AuditEntry)
        => (grants, expected, guard, audit) -> GrantOutcome;
    fn holders(target: &GrantTarget, page: PageRequest) => (&target, page) -> Page<Assignment>;
});

faulty!(SealedTexts = "sealed" {
    fn list(all: AllStores, page: PageRequest) => (all, page) -> Page<SealedText>;
    fn replace(all: AllStores, text: SealedText, to: Sealed) => (all, text, to) -> bool;
});

faulty!(StoreUserRepository = "members" {
    fn insert(store: StoreId, member: StoreUser, audit: AuditEntry) => (store, member, audit) -> bool;
    fn get(store: StoreId, user: UserId) => (store, user) -> Option<StoreUser>;
    fn update(store: StoreId, member: StoreUser, expected: u64, audit: AuditEntry)
        => (store, member, expected, audit) -> MemberOutcome;
    fn list(store: StoreId, page: PageRequest) => (store, page) -> Page<StoreUser>;
    fn list_by_user(user: UserId) => (user) -> Vec<StoreUser>;
});

faulty!(InvitationRepository = "invitations" {
    fn insert(store: StoreId, invitation: Invitation, audit: AuditEntry) => (store, invitation, audit) -> ();
    fn get(all: AllStores, id: InvitationId) => (all, id) -> Option<Invitation>;
    fn list(store: StoreId, page: PageRequest) => (store, page) -> Page<Invitation>;
    fn accept(store: StoreId, id: InvitationId, member: StoreUser, now: Timestamp, audit: AuditEntry)
        => (store, id, member, now, audit) -> AcceptOutcome;
    fn revoke(store: StoreId, id: InvitationId, now: Timestamp, audit: AuditEntry)
        => (store, id, now, audit) -> bool;
});

faulty!(StoreRepository = "stores" {
    fn insert(store: Store, owner: Option<StoreUser>, audit: AuditEntry) => (store, owner, audit) -> ();
    fn get(id: StoreId) => (id) -> Option<Store>;
    fn find_by_slug(slug: &Slug) => (&slug) -> Option<Store>;
    fn update(store: Store, expected: u64, audit: AuditEntry) => (store, expected, audit) -> UpdateOutcome;
    fn list(all: AllStores, filter: StoreFilter, page: PageRequest) => (all, filter, page) -> Page<Store>;
    fn geocode_due(all: AllStores, now: Timestamp, limit: u32) => (all, now, limit) -> Vec<Store>;
});

faulty!(StoreCounters = "store_counters" {
    fn count_order(store: StoreId, order: &OrderId) => (store, &order) -> bool;
    fn rate(store: StoreId, review: ReviewRating) => (store, review) -> bool;
});

faulty!(StoreSearch = "store_search" {
    fn nearby(all: AllStores, query: NearbyQuery, page: PageRequest) => (all, query, page) -> Page<NearbyStore>;
});

faulty!(CustomerRepository = "customers" {
    fn insert(customer: Customer, audit: AuditEntry) => (customer, audit) -> bool;
    fn get(id: CustomerId) => (id) -> Option<Customer>;
    fn update(customer: Customer, expected: u64, audit: AuditEntry) => (customer, expected, audit) -> UpdateOutcome;
    fn credit(id: CustomerId, order: CreditedOrder) => (id, order) -> CreditOutcome;
    fn geocode_due(all: AllStores, now: Timestamp, limit: u32) => (all, now, limit) -> Vec<Customer>;
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
    fn place(store: StoreId, reserve: Reserve, new: Box<NewOrder>, basis: Option<Basis>)
        => (store, reserve, new, basis) -> AtOnceOutcome;
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
