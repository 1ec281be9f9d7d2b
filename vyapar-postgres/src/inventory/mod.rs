//! Products, stock and reservations.
//!
//! `products` has `store_products`; `ledger` has levels and movements; `reservations` what is
//! held, and what recovery looks at. Stock is changed only by the functions in
//! `migrations/000[5-8]_inventory_*.sql`.

mod ledger;
mod products;
mod reservations;
mod reserve;
mod verify;

use crate::database::Database;

pub(crate) use products::Products;

/// Levels, movements and reservations: one unit, because transactions cover them together.
pub(crate) struct Stock(pub(crate) Database);
