//! Stock: receiving, counting, writing off, and what is known of it.

use std::collections::HashMap;

use super::InventoryService;
use crate::access::policy;
use crate::actor::Actor;
use crate::error::ParseError;
use crate::id::{OperationId, ProductId, StoreId};
use crate::inventory::{
    ChangeKind, ChangeLine, ChangeOutcome, Delta, InventoryError, MAX_LINES, Movement, StockChange, Verification,
};
use crate::page::{Page, PageRequest};
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::text::{cleaned, has_control};

/// Most characters of a reason for a change of stock.
const MAX_REASON: usize = 500;

impl InventoryService {
    /// Books goods received. The same operation id is booked once.
    ///
    /// # Errors
    /// As [`adjust`](Self::adjust).
    pub async fn receive(
        &self,
        actor: &Actor,
        store: StoreId,
        operation: OperationId,
        lines: &[(ProductId, Quantity)],
    ) -> Result<Vec<Movement>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_RECEIVE, store, "receive stock")?;
        let lines = lines.iter().map(|(id, quantity)| (*id, Delta::By(quantity.inward()))).collect::<Vec<_>>();
        self.change(actor, store, operation, ChangeKind::Purchase, &lines, None).await
    }

    /// Changes stock: all lines or none. Lines of one product are summed (counts of one
    /// product must agree). The same operation id is applied once, and answers the same
    /// movements again.
    ///
    /// # Errors
    /// All short lines ([`InventoryError::InsufficientStock`]), all counts below what is held
    /// ([`InventoryError::CountedBelowReserved`]), quantities the unit cannot have, products
    /// the store does not have, a reason of more than 500 characters; storage.
    pub async fn adjust(
        &self,
        actor: &Actor,
        store: StoreId,
        operation: OperationId,
        kind: ChangeKind,
        lines: &[(ProductId, Delta)],
        reason: Option<String>,
    ) -> Result<Vec<Movement>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_ADJUST, store, "change stock")?;
        let fits = |reason: &&str| reason.chars().count() <= MAX_REASON && !has_control(reason);
        if let Some(reason) = reason.as_deref().filter(|reason| !fits(reason)) {
            return Err(ParseError::new("reason of up to 500 characters", &cleaned(reason, 60)).into());
        }
        self.change(actor, store, operation, kind, lines, reason).await
    }

    async fn change(
        &self,
        actor: &Actor,
        store: StoreId,
        operation: OperationId,
        kind: ChangeKind,
        lines: &[(ProductId, Delta)],
        reason: Option<String>,
    ) -> Result<Vec<Movement>, InventoryError> {
        let lines = self.change_lines(store, lines).await?;
        let now = self.context.env.now();
        let ledger = &self.context.ports.stock.ledger;
        let change = StockChange { operation, kind, lines, reason, performed_by: actor.user(), now };
        let mut opened = false;
        loop {
            return match ledger.change(store, change.clone()).await? {
                ChangeOutcome::Applied(movements) | ChangeOutcome::AlreadyApplied(movements) => Ok(movements),
                ChangeOutcome::Short(lines) => Err(InventoryError::InsufficientStock(lines)),
                ChangeOutcome::Reserved(counts) => Err(InventoryError::CountedBelowReserved(counts)),
                ChangeOutcome::TooMuch(product) => Err(InventoryError::TooMuch(product)),
                ChangeOutcome::NotOpen(missing) if !opened => {
                    // The products exist (checked above): a crash came between them and their stock.
                    for product in self.context.ports.product.products.get_many(store, &missing).await? {
                        ledger.open(store, product.id, product.details.stock_unit, now).await?;
                    }
                    opened = true;
                    continue;
                }
                ChangeOutcome::NotOpen(missing) => Err(InventoryError::NoProduct(missing)),
            };
        }
    }

    /// A product's movements, newest first; for those who work for the store.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`]; storage; a cursor of another list.
    pub async fn movements(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        page: PageRequest,
    ) -> Result<Page<Movement>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_MOVEMENTS, store, "see stock movements")?;
        Ok(self.context.ports.stock.ledger.movements(store, id, page).await?)
    }

    /// Checks that levels, movements and reservations of the store add up.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`]; storage.
    pub async fn verify(&self, actor: &Actor, store: StoreId) -> Result<Verification, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_VERIFY, store, "verify stock")?;
        Ok(self.context.ports.stock.ledger.verify(store).await?)
    }

    async fn change_lines(
        &self,
        store: StoreId,
        lines: &[(ProductId, Delta)],
    ) -> Result<Vec<ChangeLine>, InventoryError> {
        let count = lines.len();
        let mut merged: Vec<ChangeLine> = Vec::with_capacity(count.min(MAX_LINES));
        for (product_id, delta) in lines {
            match merged.iter_mut().find(|line| line.product_id == *product_id) {
                Some(line) => line.delta = sum(line.delta, *delta, *product_id)?,
                None => merged.push(ChangeLine { product_id: *product_id, delta: *delta }),
            }
            if merged.len() > MAX_LINES {
                return Err(InventoryError::Lines { count, max: MAX_LINES });
            }
        }
        if merged.is_empty() {
            return Err(InventoryError::Lines { count, max: MAX_LINES });
        }
        let ids: Vec<_> = merged.iter().map(|line| line.product_id).collect();
        let products = self.context.ports.product.products.get_many(store, &ids).await?;
        let units: HashMap<ProductId, StockUnit> = products.iter().map(|p| (p.id, p.details.stock_unit)).collect();
        let missing: Vec<_> = ids.into_iter().filter(|id| !units.contains_key(id)).collect();
        if !missing.is_empty() {
            return Err(InventoryError::NoProduct(missing));
        }
        for line in &merged {
            let unit = units.get(&line.product_id).copied().unwrap_or(StockUnit::Piece);
            let checked = match line.delta {
                Delta::By(delta) => unit.check(delta.magnitude()),
                Delta::Counted(count) => unit.check_precision(count),
            };
            checked.map_err(|source| InventoryError::Quantity { product_id: line.product_id, source })?;
        }
        Ok(merged)
    }
}

fn sum(a: Delta, b: Delta, product_id: ProductId) -> Result<Delta, InventoryError> {
    let overflow = |source| InventoryError::Quantity { product_id, source };
    match (a, b) {
        (Delta::By(a), Delta::By(b)) => {
            QuantityDelta::from_thousandths(a.thousandths() + b.thousandths()).map(Delta::By).map_err(overflow)
        }
        (Delta::Counted(a), Delta::Counted(b)) if a == b => Ok(Delta::Counted(a)),
        _ => Err(ParseError::new("single count of one product", &product_id.to_string()).into()),
    }
}
