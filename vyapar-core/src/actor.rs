//! Who is asking: every service method takes an [`Actor`] and checks it first.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::policy::{Needs, OPERATE, Rule};
use crate::access::{Capability, CapabilityChanges, Effective, PermissionId};
use crate::id::{CustomerId, SessionId, StoreId, UserId};
use crate::text::cleaned;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// A member's part in a store (`store_users.role`), from most to least.
    StoreRole ("store role") {
        /// Owns the store.
        Owner = "owner",
        /// Runs the store.
        Manager = "manager",
        /// Works in the store.
        Staff = "staff",
    }
}

text_enum! {
    /// On whose side of an order someone acts.
    Party ("party") {
        /// The customer himself.
        Customer = "customer",
        /// The store, or the platform for it.
        Store = "store",
        /// vyapar itself: an expired hold, a lost payment.
        System = "system",
    }
}

/// Where a request came from, for the audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestContext {
    /// The caller's address as the host saw it.
    pub ip_address: Option<String>,
    /// The caller's browser or app.
    pub user_agent: Option<String>,
}

/// Most characters of a caller's address; the rest is cut. (An IPv6 address with its zone.)
const MAX_IP_ADDRESS: usize = 64;
/// Most characters of what a browser calls itself; the rest is cut.
const MAX_USER_AGENT: usize = 512;

/// An active part in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The store.
    pub store: StoreId,
    /// As what.
    pub role: StoreRole,
    /// With what beside the role's own capabilities.
    pub changes: CapabilityChanges,
}

/// Who is asking.
///
/// Built by [`IdentityService::authenticate`](crate::identity::IdentityService::authenticate)
/// from a session, or by a host that has its own way to know its users. What an actor may do
/// follows from its kind, its permissions and its memberships; a store it has no part in is,
/// for it, not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    access: Arc<Effective>,
    memberships: Vec<Membership>,
    session: Option<SessionId>,
    request: RequestContext,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ActorKind {
    Anonymous,
    Customer(CustomerId, Option<UserId>),
    User(UserId),
    Platform(UserId),
    System(&'static str),
}

/// What the table says of an actor and a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed,
    /// The actor may know that it is there, but not do this.
    Refused,
    /// For the actor it is not there.
    Hidden,
}

impl Decision {
    /// Whether to go on.
    #[must_use]
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed)
    }

    const fn allowed_or(self, allowed: bool) -> Self {
        if allowed { Self::Allowed } else { self }
    }
}

/// What a call is about, as far as the table asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Subject {
    /// The store concerned.
    pub store: Option<StoreId>,
    /// The customer whose rows they are.
    pub customer: Option<CustomerId>,
    /// The user concerned.
    pub user: Option<UserId>,
}

impl Subject {
    /// Nobody's in particular.
    pub const NONE: Self = Self { store: None, customer: None, user: None };

    /// A store's.
    #[must_use]
    pub const fn store(store: StoreId) -> Self {
        Self { store: Some(store), ..Self::NONE }
    }

    /// A customer's rows in a store.
    #[must_use]
    pub const fn order(store: StoreId, customer: CustomerId) -> Self {
        Self { store: Some(store), customer: Some(customer), user: None }
    }

    /// A user's.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self { user: Some(user), ..Self::NONE }
    }
}

impl Actor {
    /// Nobody yet: who signs up or in, or looks around.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::of(ActorKind::Anonymous)
    }

    /// A customer, acting for himself.
    #[must_use]
    pub fn customer(customer: CustomerId, user: Option<UserId>) -> Self {
        Self::of(ActorKind::Customer(customer, user))
    }

    /// A user with a part in stores and no permissions. He is also his own customer
    /// ([`CustomerId::of`]).
    #[must_use]
    pub fn member(user: UserId, memberships: impl IntoIterator<Item = (StoreId, StoreRole)>) -> Self {
        let changes = CapabilityChanges::default();
        let memberships = memberships.into_iter().map(|(store, role)| Membership { store, role, changes });
        Self::user_with(user, memberships, Effective::default())
    }

    /// A user with his memberships and permissions. He is also his own customer
    /// ([`CustomerId::of`]).
    #[must_use]
    pub fn user_with(user: UserId, memberships: impl IntoIterator<Item = Membership>, access: Effective) -> Self {
        let memberships = memberships.into_iter().collect();
        Self { memberships, access: Arc::new(access), ..Self::of(ActorKind::User(user)) }
    }

    /// An operator of the platform whom the host vouches for: everything in every store.
    #[must_use]
    pub fn platform(user: UserId) -> Self {
        Self::of(ActorKind::Platform(user))
    }

    /// The host itself, named by what runs (`scheduler`, `gateway-webhook`) for `Debug` and traces:
    /// every store. What it does has no user in the audit log.
    #[must_use]
    pub fn system(name: &'static str) -> Self {
        Self::of(ActorKind::System(name))
    }

    fn of(kind: ActorKind) -> Self {
        let (access, request) = (Arc::default(), RequestContext::default());
        Self { kind, access, memberships: Vec::new(), session: None, request }
    }

    /// The same actor with the request it came by. What came with the request is cut and cleaned of
    /// control characters: a caller chooses it.
    #[must_use]
    pub fn via(mut self, request: RequestContext) -> Self {
        self.request = RequestContext {
            ip_address: request.ip_address.map(|text| cleaned(&text, MAX_IP_ADDRESS)),
            user_agent: request.user_agent.map(|text| cleaned(&text, MAX_USER_AGENT)),
        };
        self
    }

    /// The same actor with the session it showed.
    #[must_use]
    pub const fn in_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// The request it came by.
    #[must_use]
    pub const fn request(&self) -> &RequestContext {
        &self.request
    }

    /// The session it showed, if it showed one.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The user account, if there is one.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match &self.kind {
            ActorKind::Customer(_, user) => *user,
            ActorKind::User(user) | ActorKind::Platform(user) => Some(*user),
            ActorKind::Anonymous | ActorKind::System(_) => None,
        }
    }

    /// The customer, if it acts for himself.
    #[must_use]
    pub const fn as_customer(&self) -> Option<CustomerId> {
        match &self.kind {
            ActorKind::Customer(customer, _) => Some(*customer),
            ActorKind::User(user) => Some(CustomerId::of(*user)),
            _ => None,
        }
    }

    /// Its active parts in stores.
    #[must_use]
    pub fn memberships(&self) -> &[Membership] {
        &self.memberships
    }

    /// What it may do beside its parts in stores.
    #[must_use]
    pub fn access(&self) -> &Effective {
        &self.access
    }

    /// Whether it is the host itself.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        matches!(self.kind, ActorKind::System(_))
    }

    /// Whether everything is allowed to it: the host itself, and operators it vouches for.
    #[must_use]
    pub const fn is_unbound(&self) -> bool {
        matches!(self.kind, ActorKind::Platform(_) | ActorKind::System(_))
    }

    /// Its part in the store.
    #[must_use]
    pub fn membership(&self, store: StoreId) -> Option<&Membership> {
        self.memberships.iter().find(|membership| membership.store == store)
    }

    /// Whether the permission is its own everywhere at `now`.
    #[must_use]
    pub fn holds(&self, permission: &PermissionId, now: Timestamp) -> bool {
        self.is_unbound() || self.access.allows_everywhere(permission, now)
    }

    /// Whether it may call the method of that row about that subject at `now`.
    #[must_use]
    pub fn decide(&self, rule: &Rule, subject: Subject, now: Timestamp) -> Decision {
        if self.is_unbound() {
            return match &rule.needs {
                Needs::Host => Decision::Refused.allowed_or(self.is_system()),
                Needs::Customer => Decision::Refused,
                _ => Decision::Allowed,
            };
        }
        let refused = Decision::Refused;
        match &rule.needs {
            Needs::Anyone => Decision::Allowed,
            Needs::SignedIn => refused.allowed_or(self.user().is_some()),
            Needs::Customer => refused.allowed_or(self.as_customer().is_some()),
            Needs::Platform(permission) => refused.allowed_or(self.holds(permission, now)),
            Needs::SelfOr(permission) => {
                let own = subject.user.is_some() && subject.user == self.user();
                Decision::Hidden.allowed_or(own || self.holds(permission, now))
            }
            Needs::Operator => refused.allowed_or(self.holds(&OPERATE, now)),
            Needs::Host => refused,
            Needs::OwnOr(capability) => {
                let own = subject.customer.is_some() && subject.customer == self.as_customer();
                self.in_store(subject.store, Some(*capability), None, now).allowed_or(own)
            }
            Needs::Store { capability, permission } => {
                self.in_store(subject.store, *capability, permission.as_ref(), now)
            }
        }
    }

    fn in_store(
        &self,
        store: Option<StoreId>,
        capability: Option<Capability>,
        permission: Option<&PermissionId>,
        now: Timestamp,
    ) -> Decision {
        let member = store.and_then(|store| self.membership(store));
        let otherwise = if member.is_some() { Decision::Refused } else { Decision::Hidden };
        if permission.is_some_and(|permission| self.access.denies(permission, now)) {
            return otherwise;
        }
        if self.holds(permission.unwrap_or(&OPERATE), now) {
            return Decision::Allowed;
        }
        let Some(member) = member else { return otherwise };
        let own = capability.is_none_or(|one| member.changes.applied_to(member.role).contains(one));
        let denied = capability.is_some_and(|one| member.changes.denied.contains(one));
        let given = permission.is_some_and(|permission| self.access.allows_in_own_stores(permission, now));
        otherwise.allowed_or(own || (given && !denied))
    }

    /// On whose side of a customer's order in a store it acts at `now`. A member of the store who
    /// is also its customer acts as the store, if he may manage its orders.
    #[must_use]
    pub fn party(&self, store: StoreId, customer: CustomerId, now: Timestamp) -> Party {
        let manages = || {
            self.membership(store).is_some()
                && self.in_store(Some(store), Some(Capability::OrderManage), None, now) == Decision::Allowed
        };
        match &self.kind {
            ActorKind::System(_) => Party::System,
            _ if self.as_customer() == Some(customer) && !manages() => Party::Customer,
            _ => Party::Store,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Capabilities, policy};
    use uuid::Uuid;

    const NOW: Timestamp = chrono::DateTime::UNIX_EPOCH;

    fn store(n: u128) -> StoreId {
        StoreId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn a_member_has_what_his_role_and_his_row_say() {
        let user = UserId::from_uuid(Uuid::from_u128(9));
        let denied = Capabilities::NONE.with(Capability::StockAdjust);
        let changes = CapabilityChanges { granted: Capabilities::NONE, denied };
        let membership = Membership { store: store(1), role: StoreRole::Manager, changes };
        let manager = Actor::user_with(user, [membership], Effective::default());
        let decide = |rule, at| manager.decide(rule, Subject::store(store(at)), NOW);
        assert_eq!(decide(&policy::INVENTORY_SET_PRICE, 1), Decision::Allowed);
        assert_eq!(decide(&policy::INVENTORY_ADJUST, 1), Decision::Refused);
        assert_eq!(decide(&policy::INVENTORY_SET_PRICE, 2), Decision::Hidden);
        assert_eq!(decide(&policy::STAFF_INVITE, 1), Decision::Refused);
        assert_eq!(decide(&policy::ORDERS_RECOVER, 1), Decision::Refused);
    }

    #[test]
    fn a_customer_reaches_his_own_rows_only() {
        let user = UserId::from_uuid(Uuid::from_u128(9));
        let someone = Actor::member(user, []);
        let own = Subject::order(store(1), CustomerId::of(user));
        let other = Subject::order(store(1), CustomerId::from_uuid(Uuid::from_u128(8)));
        assert_eq!(someone.decide(&policy::ORDERS_GET, own, NOW), Decision::Allowed);
        assert_eq!(someone.decide(&policy::ORDERS_GET, other, NOW), Decision::Hidden);
        assert_eq!(Actor::anonymous().decide(&policy::ORDERS_GET, Subject::store(store(1)), NOW), Decision::Hidden);
        assert_eq!(someone.party(store(1), CustomerId::of(user), NOW), Party::Customer);
        let owner = Actor::member(user, [(store(1), StoreRole::Owner)]);
        assert_eq!(owner.party(store(1), CustomerId::of(user), NOW), Party::Store);
    }
}
