//! All that a host hands in: one unit per area, each made whole by one adapter.
//!
//! Everything that one transaction must cover is inside one unit; no transaction crosses
//! units but `at_once`, and nothing of one unit has to exist for another to accept its own: stock is opened
//! without a product row, orders are inserted without a store row. So a host mixes backends by replacing units, and a new port does not compile until
//! every adapter's unit names it.

use std::sync::Arc;

use crate::access::AccessPorts;
use crate::customer::CustomerPorts;
use crate::identity::IdentityPorts;
use crate::inventory::{ProductPorts, StockPorts};
use crate::order::{AtOnce, OrderPorts, PlaceAtOnce};
use crate::payment::PaymentPorts;
use crate::store::StorePorts;
use crate::system::{AuditLog, SystemPorts};

/// The units of a host.
#[derive(Clone)]
pub struct Ports {
    /// Accounts, sessions, one-time codes.
    pub identity: IdentityPorts,
    /// Permissions, roles, grants.
    pub access: AccessPorts,
    /// Stores and their members.
    pub store: StorePorts,
    /// Customers.
    pub customer: CustomerPorts,
    /// Products.
    pub product: ProductPorts,
    /// Stock levels and holds.
    pub stock: StockPorts,
    /// Orders.
    pub order: OrderPorts,
    /// Payments.
    pub payment: PaymentPorts,
    /// What belongs to no other unit.
    pub system: SystemPorts,
    /// Placing in one write, from an adapter that has both stock and orders. Optional, and used
    /// only while `stock` and `order` are that adapter's.
    pub at_once: Option<AtOnce>,
}

impl Ports {
    /// How to place in one write, if stock and orders are in one place.
    #[must_use]
    pub fn place_at_once(&self) -> Option<&Arc<dyn PlaceAtOnce>> {
        self.at_once.as_ref()?.of(&self.stock.reservations, &self.order.orders)
    }

    /// Whether placing in one write also sees changes of stores and products, because they are in
    /// the same place.
    #[must_use]
    pub fn checks_basis(&self) -> bool {
        self.place_at_once().is_some()
            && self.at_once.as_ref().is_some_and(|at_once| at_once.checks(&self.store.stores, &self.product.products))
    }

    /// The audit logs of all units, each once: units of one adapter share theirs.
    #[must_use]
    pub fn audit_logs(&self) -> Vec<Arc<dyn AuditLog>> {
        let mut logs: Vec<Arc<dyn AuditLog>> = Vec::new();
        for log in [
            &self.system.audit,
            &self.identity.audit,
            &self.access.audit,
            &self.store.audit,
            &self.customer.audit,
            &self.product.audit,
            &self.order.audit,
            &self.payment.audit,
        ] {
            if !logs.iter().any(|known| Arc::ptr_eq(known, log)) {
                logs.push(Arc::clone(log));
            }
        }
        logs
    }
}
