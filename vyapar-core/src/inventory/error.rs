//! Why products or stock were not changed.

use crate::error::{ParseError, RepositoryError};
use crate::id::{ProductId, StoreId};
use crate::inventory::{BarcodeError, CountedBelowReserved, ProductStatus, ShortLine, Sku};
use crate::quantity::{QuantityError, StockUnit};

/// Why products or stock were not changed. Refusals write nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// No such store, or not this actor's to run.
    #[error("no store `{0}`")]
    NoStore(StoreId),
    /// No such products in the store.
    #[error("no product {}", join(.0))]
    NoProduct(Vec<ProductId>),
    /// The actor may see it but not do this.
    #[error("not allowed to {0}")]
    Forbidden(&'static str),
    /// The SKU belongs to another product of the store.
    #[error("SKU `{0}` is taken by another product")]
    SkuTaken(Sku),
    /// A text that is empty or too long.
    #[error(transparent)]
    Malformed(#[from] ParseError),
    /// A barcode that is none.
    #[error(transparent)]
    Barcode(#[from] BarcodeError),
    /// A quantity that the product cannot have.
    #[error("product `{product_id}`: {source}")]
    Quantity {
        /// The product.
        product_id: ProductId,
        /// What is wrong.
        source: QuantityError,
    },
    /// Nothing to do, or too much at once.
    #[error("{count} lines, 1 to {max} are allowed")]
    Lines {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Not enough free stock: every short line.
    #[error("not enough stock: {}", .0.iter().map(|line| format!("{} of `{}` to take, {} free", line.requested, line.product_id, line.available)).collect::<Vec<_>>().join("; "))]
    InsufficientStock(Vec<ShortLine>),
    /// A count below what open orders hold.
    #[error("counted less than is held: {}", .0.iter().map(|c| format!("{} of `{}` counted, {} held by {} orders", c.counted, c.product_id, c.reserved, c.orders.len())).collect::<Vec<_>>().join("; "))]
    CountedBelowReserved(Vec<CountedBelowReserved>),
    /// More than a level can hold.
    #[error("the stock of product `{0}` would be too large")]
    TooMuch(ProductId),
    /// A discontinued product stays so.
    #[error("a product that is {from} cannot become {to}")]
    NotAllowed {
        /// Where it stands.
        from: ProductStatus,
        /// Where it should go.
        to: ProductStatus,
    },
    /// What stock is counted in stays as it was when the product was added.
    #[error("the product's stock is counted in {0} and stays so")]
    UnitFixed(StockUnit),
    /// Somebody changed it since it was read.
    #[error("the product was changed: it is at version {stored} now, not {expected}")]
    Changed {
        /// The version that was read.
        expected: u64,
        /// The version it has now.
        stored: u64,
    },
    /// Someone else changed it at the same time, again and again.
    #[error("the product changed at the same time; try again")]
    Concurrent,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
}

fn join(ids: &[ProductId]) -> String {
    ids.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
