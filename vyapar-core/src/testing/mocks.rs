//! Mocks of the ports (mockall), for a host's own tests.

pub use crate::access::{MockGrantRepository, MockPermissionRepository, MockRoleRepository};
pub use crate::customer::MockCustomerRepository;
pub use crate::geo::geocoder::MockGeocoder;
pub use crate::identity::{
    MockLoginAttemptRepository, MockOtpRepository, MockOtpSender, MockPasswordHasher, MockSessionRepository,
    MockUserRepository,
};
pub use crate::inventory::{MockProductRepository, MockReservationQueue, MockReservations, MockStockLedger};
pub use crate::order::{MockOrderQueue, MockOrderRepository, MockPlaceAtOnce};
pub use crate::payment::{MockPaymentGateway, MockPaymentQueue, MockPaymentRepository};
pub use crate::secret::MockSealedTexts;
pub use crate::store::{
    MockInvitationRepository, MockStoreCounters, MockStoreRepository, MockStoreSearch, MockStoreUserRepository,
};
pub use crate::system::MockAuditLog;

use std::sync::Arc;

use crate::access::AccessPorts;
use crate::customer::CustomerPorts;
use crate::identity::IdentityPorts;
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
        identity: IdentityPorts {
            users: Arc::new(MockUserRepository::new()),
            sessions: Arc::new(MockSessionRepository::new()),
            otps: Arc::new(MockOtpRepository::new()),
            attempts: Arc::new(MockLoginAttemptRepository::new()),
            sealed: Arc::new(MockSealedTexts::new()),
            audit: Arc::clone(&audit),
        },
        access: AccessPorts {
            permissions: Arc::new(MockPermissionRepository::new()),
            roles: Arc::new(MockRoleRepository::new()),
            grants: Arc::new(MockGrantRepository::new()),
            audit: Arc::clone(&audit),
        },
        store: StorePorts {
            stores: Arc::new(MockStoreRepository::new()),
            counters: Arc::new(MockStoreCounters::new()),
            search: Arc::new(MockStoreSearch::new()),
            members: Arc::new(MockStoreUserRepository::new()),
            invitations: Arc::new(MockInvitationRepository::new()),
            sealed: Arc::new(MockSealedTexts::new()),
            audit: Arc::clone(&audit),
        },
        customer: CustomerPorts {
            customers: Arc::new(MockCustomerRepository::new()),
            sealed: Arc::new(MockSealedTexts::new()),
            audit: Arc::clone(&audit),
        },
        product: ProductPorts { products: Arc::new(MockProductRepository::new()), audit: Arc::clone(&audit) },
        stock: StockPorts {
            ledger: Arc::new(MockStockLedger::new()),
            reservations: Arc::new(MockReservations::new()),
            queue: Arc::new(MockReservationQueue::new()),
        },
        order: OrderPorts {
            orders: Arc::new(MockOrderRepository::new()),
            queue: Arc::new(MockOrderQueue::new()),
            sealed: Arc::new(MockSealedTexts::new()),
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
