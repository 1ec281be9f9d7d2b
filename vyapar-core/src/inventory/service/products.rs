//! Products: adding, editing, showing them with their stock.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::InventoryService;
use crate::access::policy;
use crate::actor::Actor;
use crate::error::{ParseError, RepositoryErrorKind};
use crate::id::{ProductId, StoreId};
use crate::inventory::view::{ProductView, PublicProduct};
use crate::inventory::{
    Barcode, InventoryError, NewProduct, ProductDetails, ProductFilter, ProductPrice, ProductStatus, StockLevel,
    StoreProduct,
};
use crate::page::{Page, PageRequest};
use crate::quantity::Quantity;
use crate::store::{StoreStatus, UpdateOutcome};
use crate::system::AuditDraft;
use crate::text::has_control;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;
/// Most pages of products that one search by stock looks at.
const MOST_PAGES: usize = 20;

/// What a product is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateProduct {
    /// The version that was read before: another one now means that somebody else changed it.
    pub version: u64,
    /// All that the store says about it.
    pub details: ProductDetails,
}

/// What there is of a product, as lists for the store's people tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockState {
    /// Nothing is free to sell (`out_of_stock` of the spec).
    OutOfStock,
    /// At or below the level at which the store wants to order again, or out of stock.
    ToReorder,
}

impl StockState {
    fn is_of(self, view: &ProductView) -> bool {
        match self {
            Self::OutOfStock => view.is_out_of_stock(),
            Self::ToReorder => view.is_out_of_stock() || view.is_low(),
        }
    }
}

impl InventoryService {
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
        self.views(store, filter, page).await
    }

    /// Products on sale of which there is nothing or little, by id; for those who work for the
    /// store. That follows from the stock, which is no part of a product's row: one call looks at 20
    /// pages of products at most, and a page may be short, or empty, and still have a next one.
    ///
    /// # Errors
    /// [`InventoryError::NoStore`]; storage; a cursor of another list.
    pub async fn products_by_stock(
        &self,
        actor: &Actor,
        store: StoreId,
        state: StockState,
        page: PageRequest,
    ) -> Result<Page<ProductView>, InventoryError> {
        self.check_access(actor, &policy::INVENTORY_PRODUCTS_BY_STOCK, store, "see products and their stock")?;
        let wanted = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let (mut items, mut part, mut pages) = (Vec::new(), page, MOST_PAGES);
        loop {
            let filter = ProductFilter { status: Some(ProductStatus::Active), barcode: None };
            let found = self.views(store, filter, part).await?;
            items.extend(found.items.into_iter().filter(|view| state.is_of(view)));
            // Cursors name no place within a page, so no more is asked for than there is room for.
            let room = wanted.saturating_sub(items.len());
            pages -= 1;
            match found.next {
                Some(next) if room * 4 >= wanted && pages > 0 => {
                    part = PageRequest::first(u32::try_from(room).unwrap_or(u32::MAX)).after(next);
                }
                next => return Ok(Page { items, next }),
            }
        }
    }

    /// A page of products with their stock.
    async fn views(
        &self,
        store: StoreId,
        filter: ProductFilter,
        page: PageRequest,
    ) -> Result<Page<ProductView>, InventoryError> {
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
        Ok(self.views(store, filter, page).await?.map(PublicProduct::of))
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
        loop {
            let known = self.one(store, id).await?;
            if known.version != change.version {
                let (expected, stored) = (change.version, known.version);
                // The same change again, whose first answer was lost.
                let again = stored.checked_sub(1) == Some(expected) && known.details == details;
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
            let (old, new) = differences(&known.details, &details);
            let next = StoreProduct { details: details.clone(), ..known };
            if let Some(written) = self.write(actor, next, "product.update", old, new).await? {
                return Ok(written);
            }
            // Somebody was quicker: which version it has now is told, or that it was this change.
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

    async fn update(
        &self,
        actor: &Actor,
        store: StoreId,
        id: ProductId,
        action: &'static str,
        change: impl Fn(&mut StoreProduct) -> Result<(Value, Value), InventoryError>,
    ) -> Result<StoreProduct, InventoryError> {
        for _ in 0..ROUNDS {
            let mut product = self.one(store, id).await?;
            let (old, new) = change(&mut product)?;
            if old == new {
                return Ok(product);
            }
            if let Some(written) = self.write(actor, product, action, old, new).await? {
                return Ok(written);
            }
        }
        Err(InventoryError::Concurrent)
    }

    /// Writes a changed product as its next version; `None` when somebody else changed it first.
    async fn write(
        &self,
        actor: &Actor,
        changed: StoreProduct,
        action: &'static str,
        old: Value,
        new: Value,
    ) -> Result<Option<StoreProduct>, InventoryError> {
        let (env, expected) = (&self.context.env, changed.version);
        let now = env.now();
        let next = StoreProduct { version: expected + 1, updated_at: now, ..changed };
        let audit = AuditDraft {
            store_id: Some(next.store_id),
            action,
            entity_type: "store_product",
            entity_id: next.id.to_string(),
            old_values: Some(old),
            new_values: Some(new),
        }
        .by(actor, env, now);
        match self.context.ports.product.products.update(next.store_id, next.clone(), expected, audit).await {
            Ok(UpdateOutcome::Updated) => Ok(Some(next)),
            Ok(UpdateOutcome::Stale) => Ok(None),
            Err(error) if matches!(error.kind(), RepositoryErrorKind::AlreadyExists { .. }) => {
                Err(InventoryError::SkuTaken(next.details.sku))
            }
            Err(error) => Err(error.into()),
        }
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
