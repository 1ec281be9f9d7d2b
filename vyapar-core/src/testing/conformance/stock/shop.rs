//! A store with stock, and short words for what promises do with it.

use std::sync::Arc;

use super::super::support::all_pages;
use crate::id::{ProductId, StoreId};
use crate::inventory::{
    ChangeOutcome, CommitOutcome, DispatchOutcome, Hold, Movement, MovementType, ReleaseCause, ReleaseOutcome,
    Reservation, ReservationQueue, Reservations, Reserve, ReserveOutcome, StockLedger, StockLevel,
};
use crate::page::AllStores;
use crate::quantity::{Quantity, StockUnit};
use crate::testing::{Bench, Fixtures};
use crate::time::Timestamp;

/// So many whole units.
pub(in super::super) const fn q(units: u32) -> Quantity {
    Quantity::units(units)
}

/// A quantity in thousandths.
pub(in super::super) fn milli(thousandths: i64) -> Quantity {
    Quantity::from_thousandths(thousandths).unwrap()
}

/// One store of the bench; clones are the same store.
#[derive(Clone)]
pub(in super::super) struct Shop {
    pub(in super::super) ledger: Arc<dyn StockLedger>,
    pub(in super::super) reservations: Arc<dyn Reservations>,
    pub(in super::super) queue: Arc<dyn ReservationQueue>,
    pub(in super::super) make: Fixtures,
    pub(in super::super) store: StoreId,
}

impl Shop {
    /// An empty shop.
    #[track_caller]
    pub(in super::super) fn new(bench: &Bench) -> Self {
        let make = Fixtures::here();
        let stock = bench.ports.stock.clone();
        let store = make.store_id();
        Self { ledger: stock.ledger, reservations: stock.reservations, queue: stock.queue, make, store }
    }

    /// Another shop on the same ports.
    pub(in super::super) fn neighbour(&self) -> Self {
        Self { store: self.make.store_id(), ..self.clone() }
    }

    /// What the clock shows.
    pub(in super::super) fn now(&self) -> Timestamp {
        self.make.now()
    }

    /// `count` products in the order of their ids, opened, with so much of each.
    pub(in super::super) async fn products(&self, count: usize, unit: StockUnit, quantity: Quantity) -> Vec<ProductId> {
        let products = self.make.product_ids(count);
        for product in &products {
            self.ledger.open(self.store, *product, unit, self.now()).await.unwrap();
        }
        if !quantity.is_zero() {
            for some in products.chunks(crate::inventory::MAX_LINES) {
                let answer = self.ledger.change(self.store, self.make.purchase(some, quantity)).await.unwrap();
                assert!(matches!(answer, ChangeOutcome::Applied(_)), "{answer:?}");
            }
        }
        products
    }

    /// One product counted in pieces, with so many of it.
    pub(in super::super) async fn pieces(&self, count: u32) -> ProductId {
        self.products(1, StockUnit::Piece, q(count)).await[0]
    }

    /// Reserves.
    pub(in super::super) async fn reserve(&self, request: &Reserve) -> ReserveOutcome {
        self.reservations.reserve(self.store, request.clone()).await.unwrap()
    }

    /// A fresh hold on these lines.
    pub(in super::super) async fn held(&self, lines: &[(ProductId, Quantity)]) -> Hold {
        let request = self.make.reserve(lines);
        assert_eq!(self.reserve(&request).await, ReserveOutcome::Held);
        request.hold
    }

    /// A fresh committed reservation of these lines.
    pub(in super::super) async fn committed(&self, lines: &[(ProductId, Quantity)]) -> Hold {
        let hold = self.held(lines).await;
        assert_eq!(self.commit(&hold).await, CommitOutcome::Committed);
        hold
    }

    /// A fresh dispatched reservation of these lines.
    pub(in super::super) async fn dispatched(&self, lines: &[(ProductId, Quantity)]) -> Hold {
        let hold = self.committed(lines).await;
        assert_eq!(self.dispatch(&hold).await, DispatchOutcome::Dispatched);
        hold
    }

    /// A fresh released reservation of these lines, still open.
    pub(in super::super) async fn undone(&self, lines: &[(ProductId, Quantity)]) -> Hold {
        let hold = self.held(lines).await;
        assert_eq!(self.release(&hold, ReleaseCause::Undone).await, ReleaseOutcome::Released);
        hold
    }

    /// Commits.
    pub(in super::super) async fn commit(&self, hold: &Hold) -> CommitOutcome {
        self.reservations.commit(self.store, hold.clone(), self.now()).await.unwrap()
    }

    /// Dispatches.
    pub(in super::super) async fn dispatch(&self, hold: &Hold) -> DispatchOutcome {
        self.reservations.dispatch(self.store, hold.clone(), self.now()).await.unwrap()
    }

    /// Releases.
    pub(in super::super) async fn release(&self, hold: &Hold, cause: ReleaseCause) -> ReleaseOutcome {
        self.reservations.release(self.store, hold.clone(), cause, self.now()).await.unwrap()
    }

    /// Closes.
    pub(in super::super) async fn close(&self, hold: &Hold) {
        self.reservations.close(self.store, hold.clone(), self.now()).await.unwrap();
    }

    /// The reservation under the hold's key, whatever its attempt.
    pub(in super::super) async fn find(&self, hold: &Hold) -> Option<Reservation> {
        self.reservations.find(self.store, hold.id).await.unwrap()
    }

    /// The reservation, which must be there.
    pub(in super::super) async fn stored(&self, hold: &Hold) -> Reservation {
        self.find(hold).await.unwrap()
    }

    /// The product's level, which must be open.
    pub(in super::super) async fn level(&self, product: ProductId) -> StockLevel {
        let levels = self.ledger.levels(self.store, &[product]).await.unwrap();
        assert_eq!(levels.len(), 1, "levels of one product: {levels:?}");
        levels[0]
    }

    /// (current, reserved) of a product.
    pub(in super::super) async fn stock(&self, product: ProductId) -> (Quantity, Quantity) {
        let level = self.level(product).await;
        (level.current, level.reserved)
    }

    /// All movements of a product, oldest first.
    pub(in super::super) async fn movements(&self, product: ProductId) -> Vec<Movement> {
        let list = |page| self.ledger.movements(self.store, product, page);
        let mut movements = all_pages(200, list).await.unwrap();
        movements.reverse();
        movements
    }

    /// Kinds and quantities (in thousandths) of a product's movements, oldest first.
    pub(in super::super) async fn ledger_of(&self, product: ProductId) -> Vec<(MovementType, i64)> {
        let movements = self.movements(product).await;
        movements.iter().map(|m| (m.movement_type, m.quantity.thousandths())).collect()
    }

    /// The reservations recovery would look at now.
    pub(in super::super) async fn due(&self, now: Timestamp) -> Result<Vec<Hold>, crate::RepositoryError> {
        Ok(self.queue.due(AllStores, now, 200).await?.into_iter().map(|found| found.hold).collect())
    }

    /// Everything adds up, by the adapter's own check and by ours: `holds` are all the
    /// reservations ever asked for.
    pub(in super::super) async fn adds_up(&self, products: &[ProductId], holds: &[Hold]) {
        let verification = self.ledger.verify(self.store).await.unwrap();
        assert!(verification.is_clean(), "{verification:#?}");
        let mut reserved = vec![0_i64; products.len()];
        for hold in holds {
            let Some(found) = self.find(hold).await.filter(|found| found.state.holds_stock()) else { continue };
            for line in &found.lines {
                let at = products.iter().position(|product| *product == line.product_id).unwrap();
                reserved[at] += line.quantity.thousandths();
            }
        }
        for (product, reserved) in products.iter().zip(reserved) {
            let level = self.level(*product).await;
            let mut balance = 0;
            let movements = self.movements(*product).await;
            for (movement, seq) in movements.iter().zip(1..) {
                balance += movement.quantity.thousandths();
                assert_eq!((movement.seq, movement.balance_after.thousandths()), (seq, balance), "{movement:?}");
            }
            let found = (level.current.thousandths(), level.reserved.thousandths(), level.seq);
            assert_eq!(found, (balance, reserved, movements.len() as u64), "{level:?}");
        }
    }
}
