//! Products, stock and reservations.
//!
//! `products` has `store_products`; `ledger` has levels and movements; `reservations` what is
//! held, and what recovery looks at. Stock is changed only by the functions in
//! `migrations/*_inventory_*.sql`.

mod ledger;
pub(crate) mod products;
mod reservations;
pub(crate) mod reserve;
mod settle;
mod verify;
pub(crate) mod whole;

use std::sync::Arc;

use crate::database::Database;
use crate::gather::Lane;

pub(crate) use products::Products;
pub(crate) use reserve::Reserving;
pub(crate) use settle::Settling;

/// Levels, movements and reservations: one unit, because transactions cover them together.
pub(crate) struct Stock {
    pub(crate) database: Database,
    pub(crate) reserve: Arc<Lane<Reserving>>,
    pub(crate) settle: Arc<Lane<Settling>>,
}
