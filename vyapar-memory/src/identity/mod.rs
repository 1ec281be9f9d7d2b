//! Accounts with their sessions, one-time codes, failed sign-ins.

mod attempts;
mod otps;
mod sealed;
mod sessions;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use vyapar_core::identity::{ContactKind, Session, User};
use vyapar_core::{Blind, SessionId, Timestamp, UserId};

use crate::Map;
use crate::system::AuditTrail;

pub(crate) use attempts::Attempts;
pub(crate) use otps::Otps;

#[derive(Default)]
struct Rows {
    users: BTreeMap<UserId, User>,
    by_contact: Map<(ContactKind, Blind), UserId>,
    sessions: Map<SessionId, Session>,
    sessions_of: Map<UserId, BTreeSet<SessionId>>,
    sessions_by_end: BTreeSet<(Timestamp, SessionId)>,
}

/// All accounts and their sessions, under one lock: a session starts only while its user may
/// sign in.
pub(crate) struct Accounts {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Accounts {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}
