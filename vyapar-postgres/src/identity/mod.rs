//! Accounts (`users`), `sessions`, one-time codes (`otp_verifications`), failed sign-ins.

mod attempts;
mod otps;
mod sealed;
mod sessions;
mod users;

use std::sync::Arc;

use vyapar_core::identity::IdentityPorts;

use crate::database::Database;
use crate::system::AuditLogs;

/// All of the area's repositories.
struct Accounts(Database);

pub(crate) fn ports(database: &Database, audit: Arc<AuditLogs>) -> IdentityPorts {
    let accounts = Arc::new(Accounts(database.clone()));
    IdentityPorts {
        users: accounts.clone(),
        sessions: accounts.clone(),
        otps: accounts.clone(),
        attempts: accounts.clone(),
        sealed: accounts,
        audit,
    }
}
