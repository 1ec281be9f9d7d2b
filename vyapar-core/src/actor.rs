//! Who is asking: every service method takes an [`Actor`] and checks it first.

use serde::{Deserialize, Serialize};

use crate::id::{CustomerId, StoreId, UserId};
use crate::text_enum::text_enum;

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

/// Who is asking.
///
/// Built by the host from what it has authenticated. What an actor may do follows from its
/// kind and its store memberships; a store it has no part in is, for it, not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    memberships: Vec<(StoreId, StoreRole)>,
    request: RequestContext,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ActorKind {
    Customer(CustomerId, Option<UserId>),
    Member(UserId),
    Platform(UserId),
    System(&'static str),
}

impl Actor {
    /// A customer, acting for himself.
    #[must_use]
    pub fn customer(customer: CustomerId, user: Option<UserId>) -> Self {
        Self::of(ActorKind::Customer(customer, user))
    }

    /// A user with a part in stores.
    #[must_use]
    pub fn member(user: UserId, memberships: impl IntoIterator<Item = (StoreId, StoreRole)>) -> Self {
        Self { memberships: memberships.into_iter().collect(), ..Self::of(ActorKind::Member(user)) }
    }

    /// An operator of the platform: every store.
    #[must_use]
    pub fn platform(user: UserId) -> Self {
        Self::of(ActorKind::Platform(user))
    }

    /// The host itself, named by what runs (`scheduler`, `gateway-webhook`): every store.
    #[must_use]
    pub fn system(name: &'static str) -> Self {
        Self::of(ActorKind::System(name))
    }

    fn of(kind: ActorKind) -> Self {
        Self { kind, memberships: Vec::new(), request: RequestContext::default() }
    }

    /// The same actor with the request it came by.
    #[must_use]
    pub fn via(mut self, request: RequestContext) -> Self {
        self.request = request;
        self
    }

    /// The request it came by.
    #[must_use]
    pub const fn request(&self) -> &RequestContext {
        &self.request
    }

    /// The user account, if there is one.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match &self.kind {
            ActorKind::Customer(_, user) => *user,
            ActorKind::Member(user) | ActorKind::Platform(user) => Some(*user),
            ActorKind::System(_) => None,
        }
    }

    /// The customer, if it acts for himself.
    #[must_use]
    pub const fn as_customer(&self) -> Option<CustomerId> {
        match &self.kind {
            ActorKind::Customer(customer, _) => Some(*customer),
            _ => None,
        }
    }

    /// Whether it is the host itself.
    #[must_use]
    pub const fn is_system(&self) -> bool {
        matches!(self.kind, ActorKind::System(_))
    }

    /// Whether it works for the store: as a member, as the platform, or as the host.
    #[must_use]
    pub fn works_for(&self, store: StoreId) -> bool {
        self.runs_platform() || self.memberships.iter().any(|(of, _)| *of == store)
    }

    /// Whether it may change how the store is run: its owner or manager, the platform, the host.
    #[must_use]
    pub fn manages(&self, store: StoreId) -> bool {
        self.runs_platform() || self.memberships.iter().any(|(of, role)| *of == store && *role <= StoreRole::Manager)
    }

    /// Whether it acts for the whole platform.
    #[must_use]
    pub const fn runs_platform(&self) -> bool {
        matches!(self.kind, ActorKind::Platform(_) | ActorKind::System(_))
    }

    /// How history and audit name it.
    #[must_use]
    pub fn party(&self) -> Party {
        match &self.kind {
            ActorKind::Customer(..) => Party::Customer,
            ActorKind::Member(_) | ActorKind::Platform(_) => Party::Store,
            ActorKind::System(_) => Party::System,
        }
    }
}
