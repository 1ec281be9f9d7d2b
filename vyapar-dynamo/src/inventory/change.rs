//! Changes of stock by the store's own people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::{OrderId, ProductId, StoreId};
use vyapar_core::inventory::{ChangeOutcome, CountedBelowReserved, Delta, Movement, ShortLine, StockChange};
use vyapar_core::quantity::{Quantity, QuantityDelta};

use super::books::{Books, Why};
use super::codec::read_movements;
use super::waiting::Ask;
use super::{DynamoStock, within_limit};
use crate::db::Query;
use crate::expression::Expression;
use crate::item::text;
use crate::keys;
use crate::retry::Patience;
use crate::tables::{RESERVATIONS, STOCK_MOVEMENTS};

/// Most orders named with a count below what they hold.
const MAX_ORDERS: usize = 20;

/// What the books say about a change.
enum Decided {
    Answer(ChangeOutcome),
    /// These counts are below what is held; who holds it is still to be found out.
    Reserved(Vec<CountedBelowReserved>),
    /// Applied before; which movements it left.
    Already(Vec<(ProductId, u64)>),
}

impl DynamoStock {
    pub(super) async fn apply(&self, store: StoreId, change: StockChange) -> Stored<ChangeOutcome> {
        within_limit(change.lines.len())?;
        let products: BTreeSet<_> = change.lines.iter().map(|line| line.product_id).collect();
        let (change, mut patience) = (Arc::new(change), self.db.patience());
        match self.decided(store, &change, &mut patience).await? {
            ChangeOutcome::Short(_) | ChangeOutcome::Reserved(_) => {
                self.free_due(store, &products, change.now, &mut patience).await?;
                self.decided(store, &change, &mut patience).await
            }
            decided => Ok(decided),
        }
    }

    async fn decided(
        &self,
        store: StoreId,
        change: &Arc<StockChange>,
        patience: &mut Patience,
    ) -> Stored<ChangeOutcome> {
        let ask = Ask {
            store,
            reservation: None,
            operation: Some(change.operation),
            products: change.lines.iter().map(|line| line.product_id).collect(),
            fresh: false,
            sells: false,
        };
        let change = Arc::clone(change);
        match self.gatherer.ask(ask, patience, move |books| decide(&change, books)).await? {
            Decided::Answer(outcome) => Ok(outcome),
            Decided::Reserved(lines) => self.name_holders(store, lines).await,
            Decided::Already(left) => self.already(store, left, patience).await,
        }
    }

    /// The movements that an applied operation left.
    async fn already(
        &self,
        store: StoreId,
        left: Vec<(ProductId, u64)>,
        patience: &mut Patience,
    ) -> Stored<ChangeOutcome> {
        let wanted = left.iter().map(|(product, seq)| keys::movement(store, *product, *seq));
        let items = self.db.get_all(&STOCK_MOVEMENTS, wanted, patience, "reading movements").await?;
        let mut found: BTreeMap<(ProductId, u64), Movement> = BTreeMap::new();
        for item in &items {
            for movement in read_movements(item)? {
                found.insert((movement.product_id, movement.seq), movement);
            }
        }
        let movements = left.into_iter().map(|(product, seq)| {
            found.remove(&(product, seq)).ok_or_else(|| {
                RepositoryError::new(
                    RepositoryErrorKind::Corrupt,
                    format!(
                        "table {}, column seq, row product_id {product}, seq {seq} is missing",
                        STOCK_MOVEMENTS.name
                    ),
                )
            })
        });
        movements.collect::<Stored<_>>().map(ChangeOutcome::AlreadyApplied)
    }

    async fn name_holders(&self, store: StoreId, mut lines: Vec<CountedBelowReserved>) -> Stored<ChangeOutcome> {
        let query = Query {
            table: &RESERVATIONS,
            index: Some("holding-index"),
            key: Expression::new("#holding_store = :store").value(":store", text(store)),
            filter: None,
            newest_first: false,
        };
        let holders = self.holding(store, &query).await?;
        for line in &mut lines {
            let orders: BTreeSet<OrderId> = holders
                .iter()
                .map(|item| &item.reservation)
                .filter(|reservation| {
                    reservation.state.holds_stock()
                        && reservation
                            .lines
                            .iter()
                            .any(|held| held.product_id == line.product_id && !held.quantity.is_zero())
                })
                .map(|reservation| reservation.hold.order_id.clone())
                .collect();
            line.orders = orders.into_iter().take(MAX_ORDERS).collect();
        }
        Ok(ChangeOutcome::Reserved(lines))
    }
}

fn decide(change: &StockChange, books: &mut Books) -> Stored<Decided> {
    if let Some(left) = books.operation(change.operation) {
        return Ok(Decided::Already(left.to_vec()));
    }
    let mut missing = Vec::new();
    let mut below = Vec::new();
    let mut short = Vec::new();
    let mut too_much = None;
    let mut deltas = Vec::new();
    for line in &change.lines {
        let product_id = line.product_id;
        let Some(level) = books.level(product_id) else {
            missing.push(product_id);
            continue;
        };
        let delta = match line.delta {
            Delta::By(delta) => delta,
            Delta::Counted(counted) => match counted.minus(level.reserved) {
                Some(free) => free.since(level.current),
                None => {
                    let reserved = level.reserved;
                    below.push(CountedBelowReserved { product_id, counted, reserved, orders: Vec::new() });
                    continue;
                }
            },
        };
        // On hand must fit, not only what is free: a release then always does.
        let fits = |free: Quantity| free.plus(level.reserved).is_ok();
        match delta.applied_to(level.current) {
            Ok(Some(after)) if !delta.is_outward() && !fits(after) => too_much = too_much.or(Some(product_id)),
            Ok(Some(_)) => deltas.push((product_id, delta)),
            Ok(None) => {
                short.push(ShortLine { product_id, requested: delta.magnitude(), available: level.current });
            }
            Err(_) => too_much = too_much.or(Some(product_id)),
        }
    }
    if !missing.is_empty() {
        return Ok(Decided::Answer(ChangeOutcome::NotOpen(missing)));
    }
    if !below.is_empty() {
        return Ok(Decided::Reserved(below));
    }
    if !short.is_empty() {
        return Ok(Decided::Answer(ChangeOutcome::Short(short)));
    }
    if let Some(product) = too_much {
        return Ok(Decided::Answer(ChangeOutcome::TooMuch(product)));
    }
    let why = Why::manual(change.operation, change.performed_by, change.now).with_reason(change.reason.clone());
    let mut movements = Vec::with_capacity(deltas.len());
    for (product, delta) in deltas {
        if delta == QuantityDelta::ZERO {
            books.insist(product);
        } else {
            movements.push(books.book(product, change.kind.movement_type(), delta, &why)?);
        }
    }
    books.apply(change.operation, &movements);
    Ok(Decided::Answer(ChangeOutcome::Applied(movements)))
}
