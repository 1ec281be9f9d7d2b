//! Use cases of products and their stock.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::view::{ProductView, PublicProduct};
use super::{
    Barcode, ChangeKind, ChangeLine, ChangeOutcome, Delta, InventoryError, MAX_LINES, Movement, NewProduct,
    ProductDetails, ProductFilter, ProductPrice, ProductStatus, StockChange, StockLevel, StoreProduct, Verification,
};
use crate::access::policy::{self, Rule};
use crate::actor::{Actor, Decision, Subject};
use crate::error::{ParseError, RepositoryErrorKind};
use crate::id::{OperationId, ProductId, StoreId};
use crate::page::{Page, PageRequest};
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::store::{StoreStatus, UpdateOutcome};
use crate::system::AuditDraft;
use crate::text::{cleaned, has_control};
use crate::vyapar::Context;

/// Most characters of a reason for a change of stock.
const MAX_REASON: usize = 500;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;

/// What a product is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateProduct {
    /// The version that was read before: another one now means that somebody else changed it.
    pub version: u64,
    /// All that the store says about it.
    pub details: ProductDetails,
}

/// Adding and changing products, moving and checking stock.
#[derive(Clone)]
pub struct InventoryService {
    context: Arc<Context>,
}

impl InventoryService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Adds a product and opens its stock at zero.
    ///
    /// Product and stock may live on two backends, so a crash can leave the stock unopened;
    /// adding the same product again (same SKU, same details) completes it and answers the
    /// same product.
    ///
    /// # Errors
    /// [`InventoryError::SkuTaken`] when the SKU is another product's; a malformed text or barcode;
    /// storage.
    pub async fn add_product(
        &self,
        actor: &Actor,
        store: StoreId,
        new: NewProduct,
    ) -> Result<StoreProduct, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_ADD_PRODUCT, store, "add products")?;
        let new = checked(new)?;
        let (env, ports) = (&self.context.env, &self.context.ports);
        let now = env.now();
        let product = StoreProduct {
            id: ProductId::from_uuid(env.uuid()),
            store_id: store,
            details: new,
            status: ProductStatus::Active,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let audit = AuditDraft {
            store_id: Some(store),
            action: "product.add",
            entity_type: "store_product",
            entity_id: product.id.to_string(),
            old_values: None,
            new_values: Some(json!({ "sku": product.details.sku, "price": product.details.price })),
        }
        .by(actor, env, now);
        let product = match ports.product.products.insert(store, product.clone(), audit).await {
            Ok(()) => product,
            Err(error) if matches!(error.kind(), RepositoryErrorKind::AlreadyExists { .. }) => {
                match ports.product.products.find_by_sku(store, &product.details.sku).await? {
                    Some(there) if there.details == product.details => there,
                    _ => return Err(InventoryError::SkuTaken(product.details.sku)),
                }
            }
            Err(error) => return Err(error.into()),
        };
        ports.stock.ledger.open(store, product.id, product.details.stock_unit, now).await?;
        Ok(product)
    }

    /// Products with their stock, as asked; for those who work for the store.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`]; storage; a cursor of another list.
    pub async fn products(
        &self,
        actor: &Actor,
        store: StoreId,
        mut filter: ProductFilter,
        page: PageRequest,
    ) -> Result<Page<ProductView>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_PRODUCTS, store, "see products and their stock")?;
        // What is no barcode is looked for as it is, and found where it was stored before barcodes
        // were checked.
        let barcode = filter.barcode.as_deref().and_then(|text| text.parse::<Barcode>().ok());
        filter.barcode = barcode.map(String::from).or(filter.barcode);
        if filter.barcode.as_deref().is_some_and(has_control) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let page = self.context.ports.product.products.list(store, filter, page).await?;
        let ids: Vec<_> = page.items.iter().map(|product| product.id).collect();
        let mut levels = self.levels_of(store, &ids).await?;
        Ok(page.map(|product| ProductView { level: level_or_zero(&mut levels, &product), product }))
    }

    /// One product with its stock; for those who work for the store.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`], [`InventoryError::NoProduct`]; storage.
    pub async fn product(&self, actor: &Actor, store: StoreId, id: ProductId) -> Result<ProductView, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_PRODUCT, store, "see products and their stock")?;
        let product = self.one(store, id).await?;
        let mut levels = self.levels_of(store, &[id]).await?;
        Ok(ProductView { level: level_or_zero(&mut levels, &product), product })
    }

    /// What everyone may see of an active store's products that are on sale: no cost, no levels.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`] for a store that is not active; storage; a cursor of another list.
    pub async fn catalogue(
        &self,
        actor: &Actor,
        store: StoreId,
        page: PageRequest,
    ) -> Result<Page<PublicProduct>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_CATALOGUE, store, "see products")?;
        let found = self.context.ports.store.stores.get(store).await?;
        if found.is_none_or(|store| store.status != StoreStatus::Active) {
            return Err(InventoryError::NoStore(store));
        }
        let filter = ProductFilter { status: Some(ProductStatus::Active), barcode: None };
        let page = self.context.ports.product.products.list(store, filter, page).await?;
        let ids: Vec<_> = page.items.iter().map(|product| product.id).collect();
        let mut levels = self.levels_of(store, &ids).await?;
        Ok(page.map(|product| PublicProduct::of(ProductView { level: level_or_zero(&mut levels, &product), product })))
    }

    /// Changes what the store says about a product: its name, SKU, barcode, codes, tax rate, levels
    /// to order at. Open orders keep what they were quoted by. Repeating a change answers the product
    /// as it is. A change of price needs `price.update` besides, as [`set_price`](Self::set_price)
    /// does; the stock unit never changes.
    ///
    /// # Errors
    /// [`InventoryError::Changed`] where somebody else changed it since it was read,
    /// [`InventoryError::UnitFixed`], [`InventoryError::SkuTaken`], a malformed text or barcode;
    /// [`InventoryError::NoProduct`], [`InventoryError::Forbidden`]; storage.
    pub async fn update_product(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        change: UpdateProduct,
    ) -> Result<StoreProduct, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_UPDATE_PRODUCT, store, "change products")?;
        let details = checked(change.details)?;
        let known = self.one(store, id).await?;
        if known.version != change.version {
            let (expected, stored) = (change.version, known.version);
            // The same change again, whose first answer was lost.
            let again = stored == expected + 1 && known.details == details;
            return if again { Ok(known) } else { Err(InventoryError::Changed { expected, stored }) };
        }
        if details.price != known.details.price {
            self.check_access(actor, &policy::INVENTORY_SET_PRICE, store, "change prices")?;
        }
        if details.stock_unit != known.details.stock_unit {
            return Err(InventoryError::UnitFixed(known.details.stock_unit));
        }
        if details == known.details {
            return Ok(known);
        }
        let (env, expected) = (&self.context.env, known.version);
        let (old, new) = differences(&known.details, &details);
        let now = env.now();
        let next = StoreProduct { details, version: expected + 1, updated_at: now, ..known };
        let audit = AuditDraft {
            store_id: Some(store),
            action: "product.update",
            entity_type: "store_product",
            entity_id: id.to_string(),
            old_values: Some(old),
            new_values: Some(new),
        }
        .by(actor, env, now);
        match self.context.ports.product.products.update(store, next.clone(), expected, audit).await {
            Ok(UpdateOutcome::Updated) => Ok(next),
            Ok(UpdateOutcome::Stale) => Err(InventoryError::Concurrent),
            Err(error) if matches!(error.kind(), RepositoryErrorKind::AlreadyExists { .. }) => {
                Err(InventoryError::SkuTaken(next.details.sku))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a product's price. Open orders keep theirs: the quote is frozen into them.
    ///
    /// # Errors
    /// [`InventoryError::NoProduct`], [`InventoryError::Forbidden`]; storage.
    pub async fn set_price(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        price: ProductPrice,
    ) -> Result<StoreProduct, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_SET_PRICE, store, "change prices")?;
        self.update(actor, store, id, "product.price", |product| {
            let old = std::mem::replace(&mut product.details.price, price);
            Ok((json!({ "price": old }), json!({ "price": price })))
        })
        .await
    }

    /// Puts a product on sale or takes it off. A discontinued product stays so.
    ///
    /// # Errors
    /// [`InventoryError::NotAllowed`], [`InventoryError::NoProduct`]; storage.
    pub async fn set_product_status(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        to: ProductStatus,
    ) -> Result<StoreProduct, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_SET_PRODUCT_STATUS, store, "take products on and off sale")?;
        self.update(actor, store, id, "product.status", |product| {
            let from = std::mem::replace(&mut product.status, to);
            if from == ProductStatus::Discontinued && to != from {
                return Err(InventoryError::NotAllowed { from, to });
            }
            Ok((json!({ "status": from }), json!({ "status": to })))
        })
        .await
    }

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
        if let Some(reason) = reason.as_deref() {
            if reason.chars().count() > MAX_REASON || reason.contains('\0') {
                return Err(ParseError::new("reason of up to 500 characters", &cleaned(reason, 60)).into());
            }
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

    fn check_access(
        &self,
        actor: &Actor,
        rule: &Rule,
        store: StoreId,
        what: &'static str,
    ) -> Result<(), InventoryError> {
        match self.context.decide(actor, rule, Subject::store(store)) {
            Decision::Allowed => Ok(()),
            Decision::Refused => Err(InventoryError::Forbidden(what)),
            Decision::Hidden => Err(InventoryError::NoStore(store)),
        }
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

    async fn update(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        action: &'static str,
        change: impl Fn(&mut StoreProduct) -> Result<(serde_json::Value, serde_json::Value), InventoryError>,
    ) -> Result<StoreProduct, InventoryError> {
        let (env, ports) = (&self.context.env, &self.context.ports);
        for _ in 0..ROUNDS {
            let mut product = self.one(store, id).await?;
            let expected = product.version;
            let (old, new) = change(&mut product)?;
            if old == new {
                return Ok(product);
            }
            let now = env.now();
            product.version += 1;
            product.updated_at = now;
            let audit = AuditDraft {
                store_id: Some(store),
                action,
                entity_type: "store_product",
                entity_id: id.to_string(),
                old_values: Some(old),
                new_values: Some(new),
            }
            .by(actor, env, now);
            match ports.product.products.update(store, product.clone(), expected, audit).await? {
                UpdateOutcome::Updated => return Ok(product),
                UpdateOutcome::Stale => {}
            }
        }
        Err(InventoryError::Concurrent)
    }

    async fn one(&self, store: StoreId, id: ProductId) -> Result<StoreProduct, InventoryError> {
        let found = self.context.ports.product.products.get_many(store, &[id]).await?;
        found.into_iter().next().ok_or_else(|| InventoryError::NoProduct(vec![id]))
    }

    async fn levels_of(
        &self,
        store: StoreId,
        ids: &[ProductId],
    ) -> Result<HashMap<ProductId, StockLevel>, InventoryError> {
        let levels = self.context.ports.stock.ledger.levels(store, ids).await?;
        Ok(levels.into_iter().map(|level| (level.product_id, level)).collect())
    }
}

fn level_or_zero(levels: &mut HashMap<ProductId, StockLevel>, product: &StoreProduct) -> StockLevel {
    levels.remove(&product.id).unwrap_or(StockLevel {
        product_id: product.id,
        unit: product.details.stock_unit,
        current: Quantity::ZERO,
        reserved: Quantity::ZERO,
        seq: 0,
        updated_at: product.created_at,
    })
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

/// What differs between two states of a product, before and after, by field.
fn differences(old: &ProductDetails, new: &ProductDetails) -> (Value, Value) {
    let fields = |details| match serde_json::to_value(details) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (mut old, mut new) = (fields(old), fields(new));
    old.retain(|name, value| match new.get(name) {
        Some(other) if other == value => {
            new.remove(name);
            false
        }
        _ => true,
    });
    (Value::Object(old), Value::Object(new))
}

/// Refuses what cannot be, and brings the barcode into its one form.
fn checked(mut new: NewProduct) -> Result<NewProduct, InventoryError> {
    let fits = |text: &str, max| (1..=max).contains(&text.trim().chars().count()) && !has_control(text);
    if !fits(&new.product_name, 200) {
        return Err(ParseError::new("product name of 1 to 200 characters", &new.product_name).into());
    }
    for (what, max, text) in [
        ("variant of 1 to 100 characters", 100, &new.variant_type),
        ("unit of a pack's size of 1 to 20 characters", 20, &new.size_unit),
    ] {
        if let Some(text) = text.as_deref().filter(|text| !fits(text, max)) {
            return Err(ParseError::new(what, text).into());
        }
    }
    new.barcode = new.barcode.map(Barcode::try_from).transpose()?.map(String::from);
    Ok(new)
}
