//! Mocks of the ports (mockall), for a host's own tests.

pub use crate::inventory::{MockProductRepository, MockReservationQueue, MockReservations, MockStockLedger};
pub use crate::order::{MockOrderQueue, MockOrderRepository, MockPlaceAtOnce};
pub use crate::payment::{MockPaymentGateway, MockPaymentQueue, MockPaymentRepository};
pub use crate::store::MockStoreRepository;
pub use crate::system::MockAuditLog;

use std::sync::Arc;

use crate::inventory::{ProductPorts, StockPorts};
use crate::order::OrderPorts;
use crate::payment::PaymentPorts;
use crate::ports::Ports;
use crate::store::StorePorts;
use crate::system::{AuditLog, SystemPorts};

/// Ports that panic when they are called: replace those that a test expects to be called.
#[must_use]
pub fn untouched() -> Ports {
    let audit: Arc<dyn AuditLog> = Arc::new(MockAuditLog::new());
    Ports {
        store: StorePorts { stores: Arc::new(MockStoreRepository::new()), audit: Arc::clone(&audit) },
        product: ProductPorts { products: Arc::new(MockProductRepository::new()), audit: Arc::clone(&audit) },
        stock: StockPorts {
            ledger: Arc::new(MockStockLedger::new()),
            reservations: Arc::new(MockReservations::new()),
            queue: Arc::new(MockReservationQueue::new()),
        },
        order: OrderPorts {
            orders: Arc::new(MockOrderRepository::new()),
            queue: Arc::new(MockOrderQueue::new()),
            audit: Arc::clone(&audit),
        },
        payment: PaymentPorts {
            payments: Arc::new(MockPaymentRepository::new()),
            queue: Arc::new(MockPaymentQueue::new()),
            audit: Arc::clone(&audit),
        },
        system: SystemPorts { audit },
        at_once: None,
    }
}
