//! Use cases of products and their stock.

mod products;
mod stock;

use std::sync::Arc;

use super::InventoryError;
use crate::access::policy::Rule;
use crate::actor::{Actor, Decision, Subject};
use crate::id::StoreId;
use crate::vyapar::Context;

pub use products::{StockState, UpdateProduct};

/// Adding and changing products, moving and checking stock.
#[derive(Clone)]
pub struct InventoryService {
    context: Arc<Context>,
}

impl InventoryService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    fn check_access(
        &self,
        actor: &Actor,
        rule: &Rule,
        store: StoreId,
        what: &'static str,
    ) -> Result<(), InventoryError> {
        match self.context.decide(actor, rule, Subject::store(store)) {
            Decision::Allowed => Ok(()),
            Decision::Refused => Err(InventoryError::Forbidden(what)),
            Decision::Hidden => Err(InventoryError::NoStore(store)),
        }
    }
}
