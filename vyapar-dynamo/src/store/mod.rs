//! Stores, who works in them, who was asked to, what adds up in them, and which are near.
//!
//! A readable name is unique because it is an item of its own, written by the store's
//! transaction. How many active owners a store has is one, too: a write that makes or ends an
//! owner changes it, and the one that would end the last is refused by it.
//!
//! What adds up (`rating_sum`, `rating_count`, `total_orders`) lies in the store's own item.
//! Stores are read far more often than orders are delivered, each order and each search reads
//! them with their rating, and one item is half the price of two. Nothing undoes a count: a
//! changed store is written by an expression that does not name these attributes. That an order
//! or a review counts is an item beside the store, written with the count.

mod codec;
mod counters;
mod invitations;
mod lists;
mod members;
mod nearby;
mod people;
mod place;
mod sealed;
mod stores;

use std::sync::Arc;

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::StoreId;

use crate::db::Db;
use crate::system::DynamoAudit;

/// The store unit.
#[derive(Debug)]
pub(crate) struct DynamoStores {
    db: Arc<Db>,
    audit: Arc<DynamoAudit>,
}

impl DynamoStores {
    pub(crate) const fn new(db: Arc<Db>, audit: Arc<DynamoAudit>) -> Self {
        Self { db, audit }
    }
}

/// Refuses what is of another store than the one it is written for.
fn own(store: StoreId, of: StoreId, what: &'static str) -> Stored<()> {
    if of == store {
        return Ok(());
    }
    let what = format!("{what} of store {of} written for store {store}");
    Err(RepositoryError::new(RepositoryErrorKind::Backend, what))
}
