//! Checking that a store's stock adds up.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use vyapar_core::error::Stored;
use vyapar_core::id::{ProductId, StoreId};
use vyapar_core::inventory::{Divergence, Movement, StockLevel, Verification};
use vyapar_core::quantity::{Quantity, QuantityDelta};

use super::DynamoStock;
use super::codec::{read_level, read_movements, read_reservation};
use super::ledger::movements_of;
use crate::db::Query;
use crate::expression::Expression;
use crate::item::text;
use crate::tables::{RESERVATIONS, STOCK, TableDefinition};

/// How many products' movements are read at once.
const AT_ONCE: usize = 8;

impl DynamoStock {
    /// Reads what the store has, item by item: exact while writers rest.
    pub(super) async fn check(&self, store: StoreId) -> Stored<Verification> {
        let mut levels: BTreeMap<ProductId, StockLevel> = BTreeMap::new();
        for item in self.db.query_all(&of_store(&STOCK, store), "listing stock").await? {
            let level = read_level(&item)?.level;
            levels.insert(level.product_id, level);
        }
        let mut found = Verification {
            store_id: store,
            products: levels.len() as u64,
            movements: 0,
            reservations: 0,
            divergences: Vec::new(),
        };
        let ledgers: Vec<(StockLevel, Vec<Movement>)> = stream::iter(levels.values().copied())
            .map(|level| async move { self.ledger_of(store, level.product_id).await.map(|moved| (level, moved)) })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut held: BTreeMap<ProductId, i64> = BTreeMap::new();
        let mut unknown = Vec::new();
        for item in self.db.query_all(&of_store(&RESERVATIONS, store), "listing reservations").await? {
            let reservation = read_reservation(&item)?.reservation;
            found.reservations += 1;
            if !reservation.state.holds_stock() {
                continue;
            }
            for line in reservation.lines.iter().filter(|line| !line.quantity.is_zero()) {
                if levels.contains_key(&line.product_id) {
                    *held.entry(line.product_id).or_default() += line.quantity.thousandths();
                } else {
                    unknown.push(Divergence::Unknown {
                        reservation_id: reservation.hold.id,
                        order_id: reservation.hold.order_id.clone(),
                        product_id: line.product_id,
                    });
                }
            }
        }
        for (level, movements) in &ledgers {
            found.movements += movements.len() as u64;
            found.divergences.extend(ledger_divergences(level, movements));
            let sum = held.get(&level.product_id).copied().unwrap_or(0);
            if sum != level.reserved.thousandths() {
                found.divergences.push(Divergence::Reserved {
                    product_id: level.product_id,
                    held: Quantity::from_thousandths(sum).unwrap_or(Quantity::MAX),
                    reserved: level.reserved,
                });
            }
        }
        // The query gave reservations by id, and lines are by product.
        found.divergences.extend(unknown);
        Ok(found)
    }

    async fn ledger_of(&self, store: StoreId, product: ProductId) -> Stored<Vec<Movement>> {
        let mut movements = Vec::new();
        for item in self.db.query_all(&movements_of(store, product, None), "listing movements").await? {
            movements.extend(read_movements(&item)?);
        }
        Ok(movements)
    }
}

/// What is wrong with one product's ledger: its first wrong balance, and its sum.
fn ledger_divergences(level: &StockLevel, movements: &[Movement]) -> Vec<Divergence> {
    let mut wrong = Vec::new();
    let (mut seq, mut balance, mut sum) = (0, Quantity::ZERO, 0_i64);
    let mut broken = None;
    for movement in movements {
        seq += 1;
        let expected = movement.quantity.applied_to(balance).ok().flatten();
        if broken.is_none() && (movement.seq != seq || expected != Some(movement.balance_after)) {
            broken = Some(movement.seq);
        }
        balance = movement.balance_after;
        sum = sum.saturating_add(movement.quantity.thousandths());
    }
    if sum != level.current.thousandths() {
        wrong.push(Divergence::Ledger {
            product_id: level.product_id,
            movements: QuantityDelta::from_thousandths(sum).unwrap_or(QuantityDelta::ZERO),
            current: level.current,
        });
    }
    if let Some(seq) = broken.or((seq != level.seq).then_some(level.seq)) {
        wrong.push(Divergence::Balance { product_id: level.product_id, seq });
    }
    wrong
}

fn of_store(table: &'static TableDefinition, store: StoreId) -> Query {
    Query {
        table,
        index: None,
        key: Expression::new("#store_id = :store").value(":store", text(store)),
        filter: None,
        newest_first: false,
    }
}
