//! How products are shown: to everyone, and to those who work for the store.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ProductPrice, StockLevel, StoreProduct};
use crate::id::ProductId;
use crate::quantity::StockUnit;

/// What everyone may see of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicProduct {
    /// Its id.
    pub id: ProductId,
    /// Full name with brand.
    pub product_name: String,
    /// Barcode as printed.
    pub barcode: Option<String>,
    /// The template it follows.
    pub generic_product_id: Option<Uuid>,
    /// Its brand.
    pub brand_id: Option<Uuid>,
    /// Which variant.
    pub variant_type: Option<String>,
    /// The pack's size.
    pub size: Option<Decimal>,
    /// The unit of the pack's size.
    pub size_unit: Option<String>,
    /// MRP and selling price.
    pub price: ProductPrice,
    /// What it is sold by.
    pub stock_unit: StockUnit,
    /// Whether any of it is free to sell.
    pub in_stock: bool,
}

impl PublicProduct {
    /// What everyone may see of a product with its stock.
    #[must_use]
    pub fn of(view: ProductView) -> Self {
        let in_stock = !view.is_out_of_stock();
        let StoreProduct { id, details: of, .. } = view.product;
        Self {
            id,
            product_name: of.product_name,
            barcode: of.barcode,
            generic_product_id: of.generic_product_id,
            brand_id: of.brand_id,
            variant_type: of.variant_type,
            size: of.size,
            size_unit: of.size_unit,
            price: of.price,
            stock_unit: of.stock_unit,
            in_stock,
        }
    }
}

/// A product with its stock, as the store's people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    /// The product.
    pub product: StoreProduct,
    /// Its stock; zero of everything before any was opened.
    pub level: StockLevel,
}

impl ProductView {
    /// Whether nothing is free to sell (`out_of_stock` of the spec).
    #[must_use]
    pub const fn is_out_of_stock(&self) -> bool {
        self.level.current.is_zero()
    }

    /// Whether it should be ordered again.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.product.details.min_stock_level.is_some_and(|least| self.level.current <= least)
    }
}
