//! Permissions, roles, and what users were given.
//!
//! What a user was given is one item, which alone decides. Beside it there is one item for each
//! assignment, written by the same transaction, for the indexes by user and by what is given.
//! Those only find; so nothing changes when TTL takes an expired one away, or when one that is
//! gone stays a moment longer because a transaction was full.

mod assigned;
mod catalogue;
mod codec;
mod grants;
mod roles;

use std::sync::Arc;

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};

use crate::db::Db;
use crate::system::DynamoAudit;

/// The access unit.
#[derive(Debug)]
pub(crate) struct DynamoAccess {
    db: Arc<Db>,
    audit: Arc<DynamoAudit>,
}

impl DynamoAccess {
    pub(crate) const fn new(db: Arc<Db>, audit: Arc<DynamoAudit>) -> Self {
        Self { db, audit }
    }
}

/// Most ids one call may ask for.
const MAX_IDS: usize = 200;

/// Refuses more ids than one call may ask for.
fn bounded<T>(ids: &[T], doing: &'static str) -> Stored<()> {
    if ids.len() <= MAX_IDS {
        return Ok(());
    }
    Err(RepositoryError::new(RepositoryErrorKind::LimitExceeded { what: "ids", max: MAX_IDS as u64 }, doing))
}
