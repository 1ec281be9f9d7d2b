//! Levels and movements.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use vyapar_core::inventory::{
    ChangeLine, ChangeOutcome, CountedBelowReserved, Delta, MAX_LINES, Movement, ShortLine, StockChange, StockLedger,
    StockLevel, Verification,
};
use vyapar_core::{Cursor, OrderId, Page, PageRequest, ProductId, Quantity, StockUnit, StoreId, Stored, Timestamp};

use super::Stock;
use super::shelf::{Cause, Level, Origin, Shelf};
use crate::{MAX_IDS, limited, one_more};

/// Most orders named with a refused count.
const MAX_ORDERS: usize = 20;
/// Name of the list of movements, in its cursors.
const LIST: &str = "movements";

/// What a line comes to.
enum Step {
    To(Quantity),
    Reserved(CountedBelowReserved),
    Short(ShortLine),
    TooMuch,
}

impl Shelf {
    pub(super) fn open(&mut self, product: ProductId, unit: StockUnit, now: Timestamp) {
        let Self { levels, places, .. } = self;
        places.entry(product).or_insert_with(|| {
            levels.push(Level {
                product,
                unit,
                current: Quantity::ZERO,
                reserved: Quantity::ZERO,
                updated_at: now,
                entries: Vec::new(),
                held: BTreeSet::new(),
            });
            levels.len().saturating_sub(1)
        });
    }

    fn change(&mut self, change: StockChange) -> Stored<ChangeOutcome> {
        let now = change.now;
        let products: Vec<_> = change.lines.iter().map(|line| line.product_id).collect();
        match self.decide(change.clone()) {
            ChangeOutcome::Short(_) | ChangeOutcome::Reserved(_) => {
                self.free_due(products, now)?;
                Ok(self.decide(change))
            }
            decided => Ok(decided),
        }
    }

    fn decide(&mut self, change: StockChange) -> ChangeOutcome {
        if let Some(left) = self.operations.get(&change.operation) {
            return ChangeOutcome::AlreadyApplied(self.movements_at(left));
        }
        let found: Vec<_> = change.lines.iter().map(|line| (line, self.level(line.product_id))).collect();
        let unknown: Vec<_> = found.iter().filter(|(_, at)| at.is_none()).map(|(line, _)| line.product_id).collect();
        if !unknown.is_empty() {
            return ChangeOutcome::NotOpen(unknown);
        }
        let steps = found.iter().filter_map(|(line, at)| at.map(|(place, level)| (place, self.step(line, level))));
        let (mut targets, mut reserved, mut short, mut too_much) = (Vec::new(), Vec::new(), Vec::new(), None);
        for ((place, step), line) in steps.zip(&change.lines) {
            match step {
                Step::To(current) => targets.push((place, current)),
                Step::Reserved(line) => reserved.push(line),
                Step::Short(line) => short.push(line),
                Step::TooMuch => too_much = too_much.or(Some(line.product_id)),
            }
        }
        if !reserved.is_empty() {
            return ChangeOutcome::Reserved(reserved);
        }
        if !short.is_empty() {
            return ChangeOutcome::Short(short);
        }
        if let Some(product) = too_much {
            return ChangeOutcome::TooMuch(product);
        }
        let kind = change.kind.movement_type();
        let cause = Arc::new(Cause {
            origin: Origin::Operation(change.operation),
            reason: change.reason,
            performed_by: change.performed_by,
            at: change.now,
        });
        let mut left = Vec::new();
        for (place, current) in targets {
            if let Some(level) = self.levels.get_mut(place).filter(|level| level.current != current) {
                level.post(kind, current.since(level.current), current, &cause);
                left.push((place, level.seq()));
            }
        }
        let movements = self.movements_at(&left);
        self.operations.insert(change.operation, left);
        ChangeOutcome::Applied(movements)
    }

    fn step(&self, line: &ChangeLine, level: &Level) -> Step {
        match line.delta {
            Delta::Counted(counted) => match counted.minus(level.reserved) {
                Some(current) => Step::To(current),
                None => Step::Reserved(CountedBelowReserved {
                    product_id: level.product,
                    counted,
                    reserved: level.reserved,
                    orders: self.holders(level.product),
                }),
            },
            Delta::By(delta) => match delta.applied_to(level.current) {
                Err(_) => Step::TooMuch,
                Ok(None) => Step::Short(ShortLine {
                    product_id: level.product,
                    requested: delta.magnitude(),
                    available: level.current,
                }),
                Ok(Some(current)) if delta.is_outward() || level.fits(delta.magnitude()) => Step::To(current),
                Ok(Some(_)) => Step::TooMuch,
            },
        }
    }

    /// The orders that hold some of a product, by id. Looks at all reservations: only a
    /// refused count asks.
    fn holders(&self, product: ProductId) -> Vec<OrderId> {
        let holding = self.rows.values().filter(|row| row.state.holds_stock());
        let holding = holding.filter(|row| {
            let mut lines = row.lines.iter();
            lines.any(|line| line.product == product && !line.quantity.is_zero())
        });
        let orders: BTreeSet<&OrderId> = holding.map(|row| &row.order).collect();
        orders.into_iter().take(MAX_ORDERS).cloned().collect()
    }

    fn movements_at(&self, left: &[(usize, u64)]) -> Vec<Movement> {
        left.iter().filter_map(|(place, seq)| self.levels.get(*place)?.movement(*seq)).collect()
    }
}

#[async_trait]
impl StockLedger for Stock {
    async fn open(&self, store: StoreId, product: ProductId, unit: StockUnit, now: Timestamp) -> Stored<()> {
        self.act(store, |shelf| shelf.open(product, unit, now));
        Ok(())
    }

    async fn change(&self, store: StoreId, change: StockChange) -> Stored<ChangeOutcome> {
        limited("products", change.lines.len(), MAX_LINES)?;
        self.act(store, |shelf| shelf.change(change))
    }

    async fn levels(&self, store: StoreId, products: &[ProductId]) -> Stored<Vec<StockLevel>> {
        limited("ids", products.len(), MAX_IDS)?;
        let products: BTreeSet<_> = products.iter().copied().collect();
        let levels = self.look(store, |shelf| {
            products.into_iter().filter_map(|product| shelf.level(product)).map(|(_, level)| level.view()).collect()
        });
        Ok(levels.unwrap_or_default())
    }

    async fn movements(&self, store: StoreId, product: ProductId, page: PageRequest) -> Stored<Page<Movement>> {
        let before: u64 = page.cursor().map_or(Ok(u64::MAX), |cursor| cursor.parse_position(LIST))?;
        let items = self.look(store, |shelf| {
            let Some((_, level)) = shelf.level(product) else { return Vec::new() };
            let last = level.seq().min(before.saturating_sub(1));
            (1..=last).rev().take(one_more(page.limit())).filter_map(|seq| level.movement(seq)).collect()
        });
        let cursor = |movement: &Movement| Cursor::new(LIST, movement.seq.to_string());
        Ok(Page::of(items.unwrap_or_default(), page.limit(), cursor))
    }

    async fn verify(&self, store: StoreId) -> Stored<Verification> {
        let verification = self.look(store, Shelf::verify);
        Ok(verification.unwrap_or_else(|| Shelf::new(store).verify()))
    }
}
