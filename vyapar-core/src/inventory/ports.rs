//! Storage of products, stock and reservations.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Amend, AmendOutcome, ChangeOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, Movement,
    ProductStatus, ReleaseCause, ReleaseOutcome, Reservation, Reserve, ReserveOutcome, Sku, StockChange, StockLevel,
    StoreProduct, Verification,
};
use crate::error::Stored;
use crate::id::{ProductId, ReservationId, StoreId};
use crate::page::{AllStores, Page, PageRequest};
use crate::quantity::StockUnit;
use crate::store::UpdateOutcome;
use crate::system::{AuditEntry, AuditLog};
use crate::time::Timestamp;

/// Which products of a store to list. Every given field must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductFilter {
    /// Only of this status.
    pub status: Option<ProductStatus>,
    /// Only with this barcode.
    pub barcode: Option<String>,
}

/// Storage of a store's products.
///
/// # Contract
/// (store, sku) is unique (`store_products.sku`). A product of another store is absent. A
/// write stores its audit entry in the same transaction, or neither.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ProductRepository: Send + Sync {
    /// Adds a product. The same id again is [`AlreadyExists`] with `store_products.id`, the
    /// same SKU in the store with `store_products.sku`.
    ///
    /// [`AlreadyExists`]: crate::RepositoryErrorKind::AlreadyExists
    async fn insert(&self, store: StoreId, product: StoreProduct, audit: AuditEntry) -> Stored<()>;

    /// The products of these ids, in any order; absent ones are left out. At most 200 ids.
    async fn get_many(&self, store: StoreId, ids: &[ProductId]) -> Stored<Vec<StoreProduct>>;

    /// The product of that SKU.
    async fn find_by_sku(&self, store: StoreId, sku: &Sku) -> Stored<Option<StoreProduct>>;

    /// Stores the new state (whose `version` is the old one + 1) where the stored version is
    /// `expected`. `id`, `store_id`, `stock_unit` and `created_at` never change. A taken SKU
    /// is `AlreadyExists` with `store_products.sku`.
    async fn update(
        &self,
        store: StoreId,
        product: StoreProduct,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<UpdateOutcome>;

    /// Products that match, by id.
    async fn list(&self, store: StoreId, filter: ProductFilter, page: PageRequest) -> Stored<Page<StoreProduct>>;
}

/// Stock levels and their movements. The model and what always holds: [`level`](super::level).
///
/// # Contract
/// Each call is one transaction that either happens whole or not at all, decided by the
/// result of its own conditional write: two callers can never both get the last unit.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StockLedger: Send + Sync {
    /// Opens a product's stock at zero. Once open, opening it again changes nothing.
    async fn open(&self, store: StoreId, product: ProductId, unit: StockUnit, now: Timestamp) -> Stored<()>;

    /// Applies a change once. More than [`MAX_LINES`](super::MAX_LINES) lines are
    /// `LimitExceeded`, before any write.
    ///
    /// What is short or counted below what is held is final only after holds of its products that
    /// are due at the change's `now` were freed, as in [`Reservations::reserve`].
    async fn change(&self, store: StoreId, change: StockChange) -> Stored<ChangeOutcome>;

    /// The levels of these products, in any order; never opened and foreign ones are left
    /// out. At most 200 ids.
    async fn levels(&self, store: StoreId, products: &[ProductId]) -> Stored<Vec<StockLevel>>;

    /// A product's movements, newest first (by `seq`); the list is called `movements` in its
    /// cursors, as every list of every port has one name on all adapters: `stores`,
    /// `products`, `movements`, `orders`, `customer_orders`, `audit`, and `feed`.
    async fn movements(&self, store: StoreId, product: ProductId, page: PageRequest) -> Stored<Page<Movement>>;

    /// Checks everything [`level`](super::level) says always holds, over the whole store.
    /// All reservations count, released ones and tombstones included.
    ///
    /// Reads a consistent state where the backend has one; otherwise it may report a
    /// divergence while writers run, and is exact when they rest.
    async fn verify(&self, store: StoreId) -> Stored<Verification>;
}

/// Holding stock for orders. The states and their moves: [`reservation`](super::reservation).
///
/// # Contract
/// - Each call is one transaction, whole or not at all, decided by its own conditional write.
/// - A caller that lost its answer repeats the call and gets the same answer.
/// - Short is final only after due holds are freed: a reserve that comes up short first
///   releases the store's holds with `due <= now` on the short products, each as a whole, by
///   (due, id), in a transaction of their own, as [`ReleaseCause::Undone`] does; then it
///   decides once more, also when another call freed them first. So an expired hold frees its
///   stock at `due` even if nothing sweeps. They stay freed if the reserve is short all the
///   same. An amendment frees nothing.
/// - Movements of a reservation refer to its order: `sale` for what is taken, `return` for
///   what goes back, and `damage` beside it for what comes back unsellable.
/// - Callers that want the same product wait for each other inside the adapter; only a
///   deadline ends that, with `Busy` and nothing written. Callers of disjoint products never
///   wait for each other's transaction, and baskets in opposite order never deadlock.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Reservations: Send + Sync {
    /// Holds all lines, or none. May replace a reservation only where it is released, closed
    /// and of a lower attempt. More than [`MAX_LINES`](super::MAX_LINES) lines are
    /// `LimitExceeded`, before any write.
    async fn reserve(&self, store: StoreId, request: Reserve) -> Stored<ReserveOutcome>;

    /// The reservation of that key; reads what the last completed move wrote.
    async fn find(&self, store: StoreId, id: ReservationId) -> Stored<Option<Reservation>>;

    /// held → committed, and closes it.
    async fn commit(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<CommitOutcome>;

    /// Gives the stock back; see [`ReleaseCause`] for from where, and what stays open. A
    /// release that would take `reserved` below zero is `Corrupt`, never clamped.
    async fn release(&self, store: StoreId, hold: Hold, cause: ReleaseCause, now: Timestamp) -> Stored<ReleaseOutcome>;

    /// committed → dispatched: takes the lines out of `reserved`.
    async fn dispatch(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<DispatchOutcome>;

    /// Sets a held or committed reservation to absolute quantities. Decided in this order:
    /// not holding, an older revision, short lines, then `LimitExceeded` when old lines and
    /// new targets together are more than [`MAX_LINES`](super::MAX_LINES). A product that
    /// does not change has no movement.
    async fn amend(&self, store: StoreId, request: Amend) -> Stored<AmendOutcome>;

    /// Books goods of a dispatched reservation that came back. Operations are remembered per
    /// reservation; not dispatched is decided first, then whether it is booked already, then
    /// whether it is too much.
    async fn give_back(&self, store: StoreId, request: GiveBack) -> Stored<GiveBackOutcome>;

    /// Marks a released reservation of this attempt as done with; anything else it leaves
    /// as it is.
    async fn close(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<()>;
}

/// What recovery works on among reservations.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ReservationQueue: Send + Sync {
    /// Open reservations whose `recover_at` has come, oldest first, at most `limit`.
    /// A row that cannot be read is left out, here and in [`stuck`](Self::stuck)
    /// ([`readable`](crate::error::readable)).
    ///
    /// `recover_at` is `due` for a hold, the moment of release for a released one.
    async fn due(&self, all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Reservation>>;

    /// Moves `recover_at` of an open reservation of this attempt, and stores how often
    /// recovery has failed on it. `due` stays: the hold still frees its stock in time.
    async fn defer(&self, store: StoreId, hold: Hold, recover_at: Timestamp, failures: u32) -> Stored<()>;

    /// Open reservations on which recovery failed at least `failures` times, at most `limit`.
    async fn stuck(&self, all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Reservation>>;
}

/// Products: what the `inventory` area needs of one adapter beside stock.
#[derive(Clone)]
pub struct ProductPorts {
    /// The products.
    pub products: Arc<dyn ProductRepository>,
    /// The audit log of these writes.
    pub audit: Arc<dyn AuditLog>,
}

/// Stock: what the `inventory` area needs of one adapter for levels and holds, which one
/// transaction must cover.
#[derive(Clone)]
pub struct StockPorts {
    /// Levels and movements.
    pub ledger: Arc<dyn StockLedger>,
    /// Holds.
    pub reservations: Arc<dyn Reservations>,
    /// Holds that recovery must look at.
    pub queue: Arc<dyn ReservationQueue>,
}
