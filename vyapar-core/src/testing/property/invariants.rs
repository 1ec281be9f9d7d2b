//! What holds whatever was done, read from the outside.

use std::collections::BTreeMap;

use super::calls::{World, settled};
use super::{Mismatch, same};
use crate::error::RepositoryError;
use crate::id::{OrderId, ProductId};
use crate::inventory::{
    Movement, MovementType, Reference, Reservation, ReservationState, StockLevel, StockPorts, Verification,
};
use crate::page::PageRequest;

/// All that a store's ports show of the two stores.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Records {
    /// By product.
    pub(super) levels: Vec<StockLevel>,
    /// By product, oldest first.
    pub(super) movements: BTreeMap<ProductId, Vec<Movement>>,
    /// By store and id.
    pub(super) reservations: Vec<Reservation>,
    verifications: Vec<Verification>,
}

/// Movements a page: few, so that paging is part of the check.
const PAGE: u32 = 7;

fn unreadable(error: RepositoryError) -> Mismatch {
    Mismatch { at: "reading the records".to_owned(), what: error.to_string() }
}

impl Records {
    pub(super) async fn read(stock: &StockPorts, world: &World) -> Result<Self, Mismatch> {
        let mut movements = BTreeMap::new();
        for (store, product) in world.products() {
            let mut newest_first = Vec::new();
            let mut page = PageRequest::first(PAGE);
            loop {
                let found = stock.ledger.movements(store, product, page).await.map_err(unreadable)?;
                newest_first.extend(found.items);
                let Some(next) = found.next else { break };
                page = PageRequest::first(PAGE).after(next);
            }
            newest_first.reverse();
            if !newest_first.is_empty() {
                movements.insert(product, newest_first);
            }
        }
        let mut reservations = Vec::new();
        for (store, id) in world.reservations() {
            reservations.extend(stock.reservations.find(store, id).await.map_err(unreadable)?.map(settled));
        }
        let mut verifications = Vec::new();
        for store in world.stores() {
            verifications.push(stock.ledger.verify(store).await.map_err(unreadable)?);
        }
        let levels = world.levels(stock).await.map_err(unreadable)?;
        Ok(Self { levels, movements, reservations, verifications })
    }

    /// Ledger and level agree, holds and `reserved` agree, every hold was released or
    /// returned exactly as often as its state says, and `verify` finds the same.
    pub(super) fn check(&self) -> Result<(), Mismatch> {
        let expect = |what: &str, product: ProductId, expected: i64, found: i64| {
            same(|| format!("{what} of {product}"), ["expected", "found"], &expected, &found)
        };
        for level in &self.levels {
            let product = level.product_id;
            let mut balance = 0;
            for (movement, seq) in self.movements.get(&product).into_iter().flatten().zip(1_u64..) {
                balance += movement.quantity.thousandths();
                same(|| format!("numbering of {product}"), ["expected", "found"], &seq, &movement.seq)?;
                expect("balance", product, balance, movement.balance_after.thousandths())?;
            }
            expect("sum of movements", product, balance, level.current.thousandths())?;
            expect("sum of holds", product, self.held(product), level.reserved.thousandths())?;
            for (order, found) in self.sold(product) {
                expect(&format!("goods out for {order}"), product, self.out(product, &order), found)?;
            }
        }
        match self.verifications.iter().find(|found| !found.is_clean()) {
            None => Ok(()),
            Some(found) => Err(Mismatch { at: "verify".to_owned(), what: format!("{found:#?}") }),
        }
    }

    fn held(&self, product: ProductId) -> i64 {
        let holding = self.reservations.iter().filter(|reservation| reservation.state.holds_stock());
        let lines = holding.flat_map(|reservation| &reservation.lines).filter(|line| line.product_id == product);
        lines.map(|line| line.quantity.thousandths()).sum()
    }

    /// Σ of the product's movements of each order, without what was then written off.
    fn sold(&self, product: ProductId) -> BTreeMap<String, i64> {
        let movements = self.movements.get(&product).into_iter().flatten();
        let mut sums = BTreeMap::new();
        for movement in movements.filter(|movement| movement.reference_type == Reference::Order) {
            let counted = movement.movement_type != MovementType::Damage;
            let sum: &mut i64 = sums.entry(movement.reference_id.clone()).or_default();
            *sum += if counted { movement.quantity.thousandths() } else { 0 };
        }
        sums
    }

    /// What that sum must be: nothing for a hold that was released or replaced, else what is
    /// held or gone and has not come back.
    fn out(&self, product: ProductId, order: &str) -> i64 {
        let of_order = |reservation: &&Reservation| OrderId::as_str(&reservation.hold.order_id) == order;
        let kept = self.reservations.iter().find(of_order);
        let kept = kept.filter(|reservation| reservation.state != ReservationState::Released);
        let lines = kept.into_iter().flat_map(|reservation| &reservation.lines);
        let lines = lines.filter(|line| line.product_id == product);
        lines.map(|line| line.given_back.thousandths() - line.quantity.thousandths()).sum()
    }
}
