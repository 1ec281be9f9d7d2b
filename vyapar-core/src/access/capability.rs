//! Store capabilities: what a member may do in one store.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::actor::StoreRole;
use crate::text_enum::text_enum;

text_enum! {
    /// One thing that a store's member may do, or not (`store_users.permissions`).
    Capability ("store capability") {
        /// See the store's orders, place them for customers, move them along.
        OrderManage = "order.manage",
        /// Receive, count and write off stock.
        StockAdjust = "stock.adjust",
        /// Set prices.
        PriceUpdate = "price.update",
        /// Add products and take them out of sale.
        ProductManage = "product.manage",
        /// Make and end offers.
        OfferManage = "offer.manage",
        /// Give money back.
        PaymentRefund = "payment.refund",
        /// Invite, change and remove members.
        StaffManage = "staff.manage",
        /// See reports and the store's audit log.
        ReportView = "report.view",
        /// Change the store's profile, open and close it.
        StoreUpdate = "store.update",
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Capability>", into = "Vec<Capability>")]
pub struct Capabilities(u16);

impl Capabilities {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << Capability::ALL.len()) - 1);

    /// Whether it has that one.
    #[must_use]
    pub const fn contains(self, one: Capability) -> bool {
        self.0 & (1 << one as u16) != 0
    }

    /// The same with that one.
    #[must_use]
    pub const fn with(self, one: Capability) -> Self {
        Self(self.0 | (1 << one as u16))
    }

    /// What is in both or either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this one only.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in the order of the list.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(move |one| self.contains(*one))
    }

    /// What a role has by itself (DOMAIN section 3): an owner all, a manager all but the
    /// staff, staff the orders.
    #[must_use]
    pub const fn of(role: StoreRole) -> Self {
        match role {
            StoreRole::Owner => Self::ALL,
            StoreRole::Manager => Self::ALL.without(Self::NONE.with(Capability::StaffManage)),
            StoreRole::Staff => Self::NONE.with(Capability::OrderManage),
        }
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(all: I) -> Self {
        all.into_iter().fold(Self::NONE, Self::with)
    }
}
impl From<Vec<Capability>> for Capabilities {
    fn from(all: Vec<Capability>) -> Self {
        all.into_iter().collect()
    }
}
impl From<Capabilities> for Vec<Capability> {
    fn from(set: Capabilities) -> Self {
        set.iter().collect()
    }
}
impl fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}

/// What a member has beside his role's own capabilities (`store_users.permissions`, stored as
/// `{"granted": […], "denied": […]}`). A denial wins, but over an owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityChanges {
    /// Given in addition.
    pub granted: Capabilities,
    /// Taken away.
    pub denied: Capabilities,
}

impl CapabilityChanges {
    /// What a member of that role has in the end. An owner has everything: nothing is denied to
    /// those of whom a store keeps at least one.
    #[must_use]
    pub const fn applied_to(self, role: StoreRole) -> Capabilities {
        match role {
            StoreRole::Owner => Capabilities::ALL,
            _ => Capabilities::of(role).union(self.granted).without(self.denied),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_their_own_and_a_denial_wins() {
        assert_eq!(Capabilities::of(StoreRole::Owner).iter().count(), Capability::ALL.len());
        assert!(!Capabilities::of(StoreRole::Manager).contains(Capability::StaffManage));
        let both = Capabilities::NONE.with(Capability::StockAdjust);
        let changes = CapabilityChanges { granted: both.with(Capability::ReportView), denied: both };
        let has: Vec<_> = changes.applied_to(StoreRole::Staff).iter().collect();
        assert_eq!(has, [Capability::OrderManage, Capability::ReportView]);
        let json = serde_json::to_string(&changes).unwrap();
        assert_eq!(json, r#"{"granted":["stock.adjust","report.view"],"denied":["stock.adjust"]}"#);
        assert_eq!(serde_json::from_str::<CapabilityChanges>(&json).unwrap(), changes);
    }
}
