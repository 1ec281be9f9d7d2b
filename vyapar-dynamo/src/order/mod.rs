//! Orders: one item each, with its lines and its history inside.
//!
//! Insert and abandon exclude each other because both want the same key. A tracking id is an
//! item of its own, written with the order, which is what makes it unique over all stores.

mod codec;
mod lists;
mod queue;
mod repository;
mod sealed;

use std::sync::Arc;

use crate::db::Db;
use crate::system::DynamoAudit;

/// The order unit.
#[derive(Debug)]
pub(crate) struct DynamoOrders {
    db: Arc<Db>,
    audit: Arc<DynamoAudit>,
}

impl DynamoOrders {
    pub(crate) const fn new(db: Arc<Db>, audit: Arc<DynamoAudit>) -> Self {
        Self { db, audit }
    }
}
