//! Permissions (`permissions`), roles (`roles`), and what users were given (`user_permissions`).

mod grants;
mod permissions;
mod roles;

use std::sync::Arc;

use vyapar_core::access::AccessPorts;

use crate::database::Database;
use crate::system::AuditLogs;

/// Most ids that one call looks up.
const MAX_IDS: usize = 200;

/// All of the area's repositories.
struct Access(Database);

pub(crate) fn ports(database: &Database, audit: Arc<AuditLogs>) -> AccessPorts {
    let access = Arc::new(Access(database.clone()));
    AccessPorts { permissions: access.clone(), roles: access.clone(), grants: access, audit }
}
