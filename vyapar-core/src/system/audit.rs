//! One entry of the audit log.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actor::{Actor, RequestContext};
use crate::env::Env;
use crate::id::{AuditId, StoreId, UserId};
use crate::time::Timestamp;

/// What was changed, by whom, from where, when (`audit_logs`). Never updated.
///
/// Values hold no personal data: services put in what decides (statuses, amounts, ids).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id; UUIDv7, so it sorts by time.
    pub id: AuditId,
    /// The store concerned, if one is.
    pub store_id: Option<StoreId>,
    /// The acting user, if a user acted.
    pub user_id: Option<UserId>,
    /// What was done (`order.place`).
    pub action: String,
    /// What kind of thing it was done to (`order`).
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// The state before, as far as it matters.
    pub old_values: Option<Value>,
    /// The state after, as far as it matters.
    pub new_values: Option<Value>,
    /// Where the request came from.
    pub request: RequestContext,
    /// When, by the service's clock.
    pub created_at: Timestamp,
}

/// An entry in the making: what a service says about a change; the rest comes from the
/// actor and the environment.
#[derive(Debug, Clone)]
pub struct AuditDraft {
    /// The store concerned, if one is.
    pub store_id: Option<StoreId>,
    /// What is done (`order.place`).
    pub action: &'static str,
    /// What kind of thing it is done to (`order`).
    pub entity_type: &'static str,
    /// Which one.
    pub entity_id: String,
    /// The state before.
    pub old_values: Option<Value>,
    /// The state after.
    pub new_values: Option<Value>,
}

impl AuditDraft {
    /// The same with the state after.
    #[must_use]
    pub fn with_new(mut self, values: Value) -> Self {
        self.new_values = Some(values);
        self
    }

    /// The entry, as done by `actor` now.
    #[must_use]
    pub fn by(self, actor: &Actor, env: &Env, now: Timestamp) -> AuditEntry {
        self.with_id(AuditId::from_uuid(env.uuid()), actor, now)
    }

    /// The same with an id that the caller has drawn.
    pub(crate) fn with_id(self, id: AuditId, actor: &Actor, now: Timestamp) -> AuditEntry {
        AuditEntry {
            id,
            store_id: self.store_id,
            user_id: actor.user(),
            action: self.action.to_owned(),
            entity_type: self.entity_type.to_owned(),
            entity_id: self.entity_id,
            old_values: self.old_values,
            new_values: self.new_values,
            request: actor.request().clone(),
            created_at: now,
        }
    }
}
