//! Accounts, sessions, one-time codes, failed sign-ins.
//!
//! An account's contacts are unique because each hash of one is an item of its own, written by
//! the account's transaction. Sessions, codes and failed sign-ins are left to TTL; sweeps do the
//! same for hosts that cannot wait for it, by going through the table.

mod attempts;
mod codec;
mod list;
mod otps;
mod sealed;
mod sessions;
mod temporary;
mod users;

use std::sync::Arc;

use crate::db::Db;
use crate::system::DynamoAudit;

/// The identity unit.
#[derive(Debug)]
pub(crate) struct DynamoIdentity {
    db: Arc<Db>,
    audit: Arc<DynamoAudit>,
}

impl DynamoIdentity {
    pub(crate) const fn new(db: Arc<Db>, audit: Arc<DynamoAudit>) -> Self {
        Self { db, audit }
    }
}
