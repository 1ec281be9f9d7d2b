//! Products of stores.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::inventory::{ProductDetails, ProductFilter, ProductRepository, Sku, StoreProduct};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, ProductId, StoreId, Stored};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{MAX_IDS, Map, limited, one_more, same_store, taken};

/// One store's products and what they are found by.
#[derive(Default)]
struct Shelf {
    by_id: BTreeMap<ProductId, StoreProduct>,
    by_sku: Map<Sku, ProductId>,
    by_barcode: Map<String, BTreeSet<ProductId>>,
}

impl Shelf {
    fn index(&mut self, product: &StoreProduct) {
        self.by_sku.insert(product.details.sku.clone(), product.id);
        if let Some(barcode) = &product.details.barcode {
            self.by_barcode.entry(barcode.clone()).or_default().insert(product.id);
        }
    }

    fn unindex(&mut self, product: &StoreProduct) {
        self.by_sku.remove(&product.details.sku);
        if let Some(barcode) = &product.details.barcode
            && let Some(ids) = self.by_barcode.get_mut(barcode)
        {
            ids.remove(&product.id);
            if ids.is_empty() {
                self.by_barcode.remove(barcode);
            }
        }
    }

    /// Ids after `after`, in order, of all products or of those with the barcode.
    fn ids<'a>(
        &'a self,
        barcode: Option<&String>,
        after: Bound<ProductId>,
    ) -> Box<dyn Iterator<Item = ProductId> + 'a> {
        let range = (after, Bound::Unbounded);
        match barcode {
            None => Box::new(self.by_id.range(range).map(|(id, _)| *id)),
            Some(code) => {
                let ids = self.by_barcode.get(code);
                Box::new(ids.into_iter().flat_map(move |ids| ids.range(range).copied()))
            }
        }
    }
}

#[derive(Default)]
struct Rows {
    stores: Map<StoreId, Shelf>,
    /// Product ids are unique over all stores, as a primary key is.
    known: Map<ProductId, StoreId>,
}

/// All products, under one lock: they are read a lot and change rarely.
pub(crate) struct Products {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Products {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }

    /// Whether these products of the store are there, at these versions.
    pub(crate) fn are_at(&self, store: StoreId, versions: &[(ProductId, u64)]) -> bool {
        let rows = read(&self.rows);
        let Some(shelf) = rows.stores.get(&store) else { return versions.is_empty() };
        versions.iter().all(|(id, version)| shelf.by_id.get(id).is_some_and(|product| product.version == *version))
    }
}

/// Name of the list, in its cursors.
const LIST: &str = "products";

#[async_trait]
impl ProductRepository for Products {
    async fn insert(&self, store: StoreId, product: StoreProduct, audit: AuditEntry) -> Stored<()> {
        same_store(store, product.store_id, "a product")?;
        let mut rows = write(&self.rows);
        if rows.known.contains_key(&product.id) {
            return Err(taken("store_products.id", product.id.to_string()));
        }
        let shelf = rows.stores.entry(store).or_default();
        if shelf.by_sku.contains_key(&product.details.sku) {
            return Err(taken("store_products.sku", product.details.sku.as_str()));
        }
        shelf.index(&product);
        let id = product.id;
        shelf.by_id.insert(id, product);
        rows.known.insert(id, store);
        self.audit.record(audit);
        Ok(())
    }

    async fn get_many(&self, store: StoreId, ids: &[ProductId]) -> Stored<Vec<StoreProduct>> {
        limited("ids", ids.len(), MAX_IDS)?;
        // Each once, by id.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let rows = read(&self.rows);
        let Some(shelf) = rows.stores.get(&store) else { return Ok(Vec::new()) };
        let mut products = Vec::with_capacity(ids.len());
        products.extend(ids.iter().filter_map(|id| shelf.by_id.get(id)).cloned());
        Ok(products)
    }

    async fn find_by_sku(&self, store: StoreId, sku: &Sku) -> Stored<Option<StoreProduct>> {
        let rows = read(&self.rows);
        let find = |shelf: &Shelf| shelf.by_sku.get(sku).and_then(|id| shelf.by_id.get(id)).cloned();
        Ok(rows.stores.get(&store).and_then(find))
    }

    async fn update(
        &self,
        store: StoreId,
        product: StoreProduct,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(shelf) = rows.stores.get_mut(&store) else { return Ok(UpdateOutcome::Stale) };
        let Some(row) = shelf.by_id.get(&product.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        if shelf.by_sku.get(&product.details.sku).is_some_and(|id| *id != product.id) {
            return Err(taken("store_products.sku", product.details.sku.as_str()));
        }
        let before = row.clone();
        let after = StoreProduct {
            store_id: store,
            details: ProductDetails { stock_unit: before.details.stock_unit, ..product.details },
            version: expected.saturating_add(1),
            created_at: before.created_at,
            ..product
        };
        shelf.unindex(&before);
        shelf.index(&after);
        shelf.by_id.insert(after.id, after);
        self.audit.record(audit);
        Ok(UpdateOutcome::Updated)
    }

    async fn list(&self, store: StoreId, filter: ProductFilter, page: PageRequest) -> Stored<Page<StoreProduct>> {
        let ProductFilter { status, barcode } = filter;
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<ProductId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let Some(shelf) = rows.stores.get(&store) else { return Ok(Page { items: Vec::new(), next: None }) };
        let items = shelf
            .ids(barcode.as_ref(), after)
            .filter_map(|id| shelf.by_id.get(&id))
            .filter(|product| status.is_none_or(|status| product.status == status))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |product: &StoreProduct| Cursor::new(LIST, product.id.to_string())))
    }
}
