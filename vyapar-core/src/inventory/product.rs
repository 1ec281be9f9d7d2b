//! A store's products (`store_products`, without the stock columns, which are a
//! [`StockLevel`](super::StockLevel)).

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ParseError;
use crate::id::{ProductId, StoreId};
use crate::india::HsnCode;
use crate::money::Money;
use crate::pricing::GstRate;
use crate::quantity::{Quantity, StockUnit};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// Where a product stands (`store_products.status`). `out_of_stock` of the spec follows
    /// from stock and is a view value, so that selling never writes here.
    ProductStatus ("product status") {
        /// Sold.
        Active = "active",
        /// Not sold for now.
        Inactive = "inactive",
        /// Never sold again.
        Discontinued = "discontinued",
    }
}

/// A stock keeping unit: unique in its store, 1 to 64 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sku(String);

impl Sku {
    /// The SKU as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl FromStr for Sku {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let s = s.trim();
        if (1..=64).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(s.to_owned()))
        } else {
            Err(ParseError::new("SKU (1 to 64 visible ASCII characters)", s))
        }
    }
}
impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl TryFrom<String> for Sku {
    type Error = ParseError;
    fn try_from(s: String) -> Result<Self, ParseError> {
        s.parse()
    }
}
impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

/// What a product costs. Selling above the MRP is illegal (Legal Metrology Rules), so a
/// price that does cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawPrice", into = "RawPrice")]
pub struct ProductPrice {
    mrp: Money,
    selling_price: Money,
}

#[derive(Serialize, Deserialize)]
struct RawPrice {
    mrp: Money,
    selling_price: Money,
}

/// A price that may not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a selling price of ₹{selling_price} is not between ₹0.00 and the MRP of ₹{mrp}")]
pub struct PriceError {
    /// The MRP.
    pub mrp: Money,
    /// The refused price.
    pub selling_price: Money,
}

impl ProductPrice {
    /// A price, tax included: 0 ≤ selling price ≤ MRP.
    ///
    /// # Errors
    /// [`PriceError`] with both amounts.
    pub fn new(mrp: Money, selling_price: Money) -> Result<Self, PriceError> {
        if selling_price.is_negative() || selling_price > mrp {
            return Err(PriceError { mrp, selling_price });
        }
        Ok(Self { mrp, selling_price })
    }

    /// The maximum retail price.
    #[must_use]
    pub const fn mrp(self) -> Money {
        self.mrp
    }

    /// What the store asks.
    #[must_use]
    pub const fn selling_price(self) -> Money {
        self.selling_price
    }

    /// The discount on the MRP in percent, two decimals, half-up.
    #[must_use]
    pub fn discount_percentage(self) -> Decimal {
        let (mrp, off) = (self.mrp.paise(), self.mrp.paise() - self.selling_price.paise());
        if mrp == 0 {
            return Decimal::ZERO;
        }
        let hundredths = (i128::from(off) * 20_000 + i128::from(mrp)) / (i128::from(mrp) * 2);
        Decimal::from_i128_with_scale(hundredths, 2)
    }
}

impl TryFrom<RawPrice> for ProductPrice {
    type Error = PriceError;
    fn try_from(raw: RawPrice) -> Result<Self, PriceError> {
        Self::new(raw.mrp, raw.selling_price)
    }
}
impl From<ProductPrice> for RawPrice {
    fn from(price: ProductPrice) -> Self {
        Self { mrp: price.mrp, selling_price: price.selling_price }
    }
}

/// What a store says about a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductDetails {
    /// Unique in the store.
    pub sku: Sku,
    /// Full name with brand, 1 to 200 characters.
    pub product_name: String,
    /// Barcode, as the digits of a [`Barcode`](super::Barcode); several products may carry one (one
    /// EAN at two MRPs).
    pub barcode: Option<String>,
    /// The template it follows (`generic_products`).
    pub generic_product_id: Option<Uuid>,
    /// Its brand (`brands`).
    pub brand_id: Option<Uuid>,
    /// Which variant (`Basmati`).
    pub variant_type: Option<String>,
    /// The pack's size.
    pub size: Option<Decimal>,
    /// The unit of the pack's size (`g`).
    pub size_unit: Option<String>,
    /// HSN code.
    pub hsn_code: Option<HsnCode>,
    /// GST rate in percent, contained in the price.
    pub tax_rate: GstRate,
    /// What it costs.
    pub price: ProductPrice,
    /// What the store paid; members only.
    pub cost_price: Option<Money>,
    /// What its stock is counted in; never changes.
    pub stock_unit: StockUnit,
    /// Below this it should be ordered again.
    pub min_stock_level: Option<Quantity>,
    /// More than this should not be stored.
    pub max_stock_level: Option<Quantity>,
}

/// A product as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreProduct {
    /// Its id.
    pub id: ProductId,
    /// Its store.
    pub store_id: StoreId,
    /// What the store says about it.
    pub details: ProductDetails,
    /// Where it stands.
    pub status: ProductStatus,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed (stock does not count).
    pub updated_at: Timestamp,
}

/// A product to add.
pub type NewProduct = ProductDetails;

#[cfg(test)]
mod tests {
    use super::*;

    fn rupees(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_sells_above_its_mrp() {
        let price = ProductPrice::new(rupees("30"), rupees("28")).unwrap();
        assert_eq!(price.discount_percentage().to_string(), "6.67");
        let err = ProductPrice::new(rupees("30"), rupees("30.01")).unwrap_err();
        assert_eq!(err.to_string(), "a selling price of ₹30.01 is not between ₹0.00 and the MRP of ₹30.00");
        assert!(ProductPrice::new(rupees("30"), rupees("-1")).is_err());
        assert!(serde_json::from_str::<ProductPrice>(r#"{"mrp":"10","selling_price":"11"}"#).is_err());
        assert_eq!(ProductPrice::new(Money::ZERO, Money::ZERO).unwrap().discount_percentage(), Decimal::ZERO);
    }
}
