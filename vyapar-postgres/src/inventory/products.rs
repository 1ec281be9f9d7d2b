//! Products of a store (`store_products`).

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::inventory::{ProductDetails, ProductFilter, ProductPrice, ProductRepository, Sku, StoreProduct};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, ProductId, StoreId, Stored};

use crate::catalogue::{self, Catalogue};
use crate::database::{Database, Scope};
use crate::encode::{bigint, decimal, decimal_opt, time};
use crate::gather::Lane;
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of product lists carry.
const LIST: &str = "products";
/// Most ids one call may name.
pub(super) const MAX_IDS: usize = 200;

pub(crate) struct Products {
    pub(crate) database: Database,
    pub(crate) catalogue: Arc<Lane<Catalogue>>,
}

#[async_trait]
impl ProductRepository for Products {
    async fn insert(&self, store: StoreId, product: StoreProduct, audit: AuditEntry) -> Stored<()> {
        if product.store_id != store {
            return Err(error::foreign("inserting a product"));
        }
        let function = sqlx::query("select from vyapar.insert_product($1, $2, $3)")
            .bind(encode(store, &product))
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        self.database.call(function, "inserting a product").await.map(drop)
    }

    async fn get_many(&self, store: StoreId, ids: &[ProductId]) -> Stored<Vec<StoreProduct>> {
        if ids.len() > MAX_IDS {
            return Err(error::too_many("ids", MAX_IDS));
        }
        match self.catalogue.call(catalogue::Ask::Products(store, ids.to_vec())).await? {
            catalogue::Answer::Products(products) => Ok(products),
            catalogue::Answer::Store(_) => Err(catalogue::unclear()),
        }
    }

    async fn find_by_sku(&self, store: StoreId, sku: &Sku) -> Stored<Option<StoreProduct>> {
        let query = sqlx::query("select * from vyapar.store_products where store_id = $1 and sku = $2")
            .bind(store.as_uuid())
            .bind(sku.as_str());
        let mut reader = self.database.reader(Scope::Store(store), "finding a product by its SKU").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        rows.first().map(decode).transpose()
    }

    async fn update(
        &self,
        store: StoreId,
        product: StoreProduct,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_product($1, $2, $3, $4)")
            .bind(encode(store, &product))
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        let updated = self.database.call_one(function, "updating a product").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list(&self, store: StoreId, filter: ProductFilter, page: PageRequest) -> Stored<Page<StoreProduct>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.store_products
              where store_id = $1 and ($2::varchar is null or status = $2)
                and ($3::varchar is null or barcode = $3) and ($4::uuid is null or id > $4)
              order by id limit $5",
        )
        .bind(store.as_uuid())
        .bind(filter.status.map(|status| status.as_str()))
        .bind(filter.barcode)
        .bind(after)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Store(store), "listing products").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let products = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(products, page.limit(), |product: &StoreProduct| Cursor::new(LIST, product.id.to_string())))
    }
}

fn encode(store: StoreId, product: &StoreProduct) -> Value {
    let details = &product.details;
    json!({
        "id": product.id,
        "store_id": store,
        "generic_product_id": details.generic_product_id,
        "sku": details.sku.as_str(),
        "barcode": details.barcode,
        "product_name": details.product_name,
        "brand_id": details.brand_id,
        "variant_type": details.variant_type,
        "size": decimal_opt(details.size),
        "size_unit": details.size_unit,
        "hsn_code": details.hsn_code.as_ref().map(|code| code.as_str()),
        "mrp": decimal(details.price.mrp()),
        "cost_price": decimal_opt(details.cost_price),
        "selling_price": decimal(details.price.selling_price()),
        "tax_rate": decimal(details.tax_rate),
        "discount_percentage": decimal(details.price.discount_percentage()),
        "stock_unit": details.stock_unit.as_str(),
        "min_stock_level": decimal_opt(details.min_stock_level),
        "max_stock_level": decimal_opt(details.max_stock_level),
        "status": product.status.as_str(),
        "version": product.version,
        "created_at": time(product.created_at),
        "updated_at": time(product.updated_at),
    })
}

pub(crate) fn decode(row: &PgRow) -> Stored<StoreProduct> {
    let fields = Fields::of(row, "store_products", "id");
    let price = ProductPrice::new(fields.decimal("mrp")?, fields.decimal("selling_price")?)
        .map_err(|e| fields.corrupt("selling_price").with_source(e))?;
    Ok(StoreProduct {
        id: ProductId::from_uuid(fields.get("id")?),
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        details: ProductDetails {
            sku: fields.parse("sku")?,
            product_name: fields.get("product_name")?,
            barcode: fields.get("barcode")?,
            generic_product_id: fields.get("generic_product_id")?,
            brand_id: fields.get("brand_id")?,
            variant_type: fields.get("variant_type")?,
            size: fields.get("size")?,
            size_unit: fields.get("size_unit")?,
            hsn_code: fields.parse_opt("hsn_code")?,
            tax_rate: fields.decimal("tax_rate")?,
            price,
            cost_price: fields.decimal_opt("cost_price")?,
            stock_unit: fields.parse("stock_unit")?,
            min_stock_level: fields.decimal_opt("min_stock_level")?,
            max_stock_level: fields.decimal_opt("max_stock_level")?,
        },
        status: fields.parse("status")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
