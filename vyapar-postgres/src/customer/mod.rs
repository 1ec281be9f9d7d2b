//! Customers (`customers`) with their addresses (`customer_addresses`), what was credited to them
//! (`customer_credits`), and their sealed texts.

mod customers;
mod sealed;

use std::sync::Arc;

use vyapar_core::customer::CustomerPorts;

use crate::database::Database;
use crate::system::AuditLogs;

/// All of the area's repositories.
struct Customers(Database);

/// The area's unit.
pub(crate) fn ports(database: &Database, audit: Arc<AuditLogs>) -> CustomerPorts {
    let customers = Arc::new(Customers(database.clone()));
    CustomerPorts { customers: customers.clone(), sealed: customers, audit }
}
