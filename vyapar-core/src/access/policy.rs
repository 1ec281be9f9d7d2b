//! The one table that maps every method of every service to what it requires.
//!
//! Services ask [`Actor::decide`](crate::Actor::decide) with the row of their method before they
//! do or show anything (whose rows they are may have to be read first); methods for anyone have
//! a row too, and decide by what they read. Tests attack every row.

use super::{Capability, PermissionId, known};

/// What a method requires of who calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a public projection, or what comes before signing in.
    Anyone,
    /// A user account, whichever: it works on the caller's own rows.
    SignedIn,
    /// To be a customer: it works on the customer's own rows.
    Customer,
    /// To be a customer whose rows these are; or, in their store, to be a member with the
    /// capability; or an operator of the platform.
    OwnOr(Capability),
    /// To be an active member of the store, with the capability if one is named; or to have the
    /// permission: everywhere, or in one's own stores and be a member. Who is denied the
    /// permission may not, member or not. Where no permission is named, an operator of the
    /// platform may.
    Store {
        /// What a member needs.
        capability: Option<Capability>,
        /// The permission that stands for the same thing on the platform.
        permission: Option<PermissionId>,
    },
    /// The permission, everywhere.
    Platform(PermissionId),
    /// To be the user concerned, or to have the permission everywhere.
    SelfOr(PermissionId),
    /// To be the host itself, or an operator of the platform: sweeps, recovery.
    Operator,
    /// To be the host itself: it reports what others said to it.
    Host,
}

/// Lets its holders operate the platform: everything that has no permission of its own.
pub const OPERATE: PermissionId = known::SETTINGS_SYSTEM_CONFIG;

/// One row: a method and what it requires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Service and method (`orders.place`).
    pub method: &'static str,
    /// What is needed.
    pub needs: Needs,
}

macro_rules! rules {
    ($($name:ident = $method:literal: $needs:expr;)*) => {
        $(
            #[doc = concat!("`", $method, "`")]
            pub static $name: Rule = Rule { method: $method, needs: $needs };
        )*
        /// Every row.
        pub static METHODS: &[&Rule] = &[$(&$name),*];
    };
}

/// A member with the capability, or who has the permission.
const fn store(capability: Capability, permission: PermissionId) -> Needs {
    Needs::Store { capability: Some(capability), permission: Some(permission) }
}

/// A member with the capability, or an operator.
const fn member(capability: Capability) -> Needs {
    Needs::Store { capability: Some(capability), permission: None }
}

/// Any member, or who has the permission.
const fn any_member(permission: PermissionId) -> Needs {
    Needs::Store { capability: None, permission: Some(permission) }
}

rules! {
    STORES_REGISTER = "stores.register": Needs::SignedIn;
    STORES_GET = "stores.get": Needs::Anyone;
    STORES_FIND = "stores.find": Needs::Anyone;
    STORES_LIST = "stores.list": Needs::Anyone;
    STORES_CONTACT = "stores.contact": any_member(known::USER_READ);
    STORES_SET_STATUS = "stores.set_status": store(Capability::StoreUpdate, known::SETTINGS_UPDATE);

    STORES_UPDATE = "stores.update": store(Capability::StoreUpdate, known::SETTINGS_UPDATE);
    STORES_VERIFY = "stores.verify": Needs::Platform(known::SETTINGS_UPDATE);
    STORES_RATE = "stores.rate": Needs::Host;
    STORES_NEARBY = "stores.nearby": Needs::Anyone;
    STORES_CHECK_DELIVERY = "stores.check_delivery": Needs::Anyone;
    STORES_GEOCODE_PENDING = "stores.geocode_pending": Needs::Operator;

    CUSTOMERS_PROFILE = "customers.profile": Needs::Customer;
    CUSTOMERS_GET = "customers.get": Needs::Platform(known::USER_READ);
    CUSTOMERS_PREFER = "customers.prefer": Needs::Customer;
    CUSTOMERS_SAVE_ADDRESS = "customers.save_address": Needs::Customer;
    CUSTOMERS_SET_DEFAULT_ADDRESS = "customers.set_default_address": Needs::Customer;
    CUSTOMERS_REMOVE_ADDRESS = "customers.remove_address": Needs::Customer;
    CUSTOMERS_GEOCODE_PENDING = "customers.geocode_pending": Needs::Operator;

    STAFF_MEMBERS = "staff.members": store(Capability::StaffManage, known::USER_READ);
    STAFF_MINE = "staff.mine": Needs::SignedIn;
    STAFF_INVITE = "staff.invite": member(Capability::StaffManage);
    STAFF_INVITATIONS = "staff.invitations": store(Capability::StaffManage, known::USER_READ);
    STAFF_WITHDRAW = "staff.withdraw": member(Capability::StaffManage);
    STAFF_ACCEPT = "staff.accept": Needs::SignedIn;
    STAFF_CHANGE = "staff.change": member(Capability::StaffManage);
    STAFF_REMOVE = "staff.remove": member(Capability::StaffManage);
    STAFF_LEAVE = "staff.leave": Needs::SignedIn;

    INVENTORY_ADD_PRODUCT = "inventory.add_product": store(Capability::ProductManage, known::PRODUCT_CREATE);
    INVENTORY_CATALOGUE = "inventory.catalogue": Needs::Anyone;
    INVENTORY_PRODUCTS = "inventory.products": any_member(known::PRODUCT_READ);
    INVENTORY_PRODUCTS_BY_STOCK = "inventory.products_by_stock": any_member(known::PRODUCT_READ);
    INVENTORY_PRODUCT = "inventory.product": any_member(known::PRODUCT_READ);
    INVENTORY_UPDATE_PRODUCT = "inventory.update_product": store(Capability::ProductManage, known::PRODUCT_UPDATE);
    INVENTORY_SET_PRICE = "inventory.set_price": store(Capability::PriceUpdate, known::PRODUCT_UPDATE);
    INVENTORY_SET_PRODUCT_STATUS = "inventory.set_product_status":
        store(Capability::ProductManage, known::PRODUCT_DELETE);
    INVENTORY_RECEIVE = "inventory.receive": store(Capability::StockAdjust, known::PRODUCT_UPDATE);
    INVENTORY_ADJUST = "inventory.adjust": store(Capability::StockAdjust, known::PRODUCT_UPDATE);
    INVENTORY_MOVEMENTS = "inventory.movements": any_member(known::PRODUCT_READ);
    INVENTORY_VERIFY = "inventory.verify": any_member(known::PRODUCT_READ);

    ORDERS_PLACE = "orders.place": Needs::OwnOr(Capability::OrderManage);
    ORDERS_GET = "orders.get": Needs::OwnOr(Capability::OrderManage);
    ORDERS_TRACK = "orders.track": Needs::OwnOr(Capability::OrderManage);
    ORDERS_LIST = "orders.list": member(Capability::OrderManage);
    ORDERS_MINE = "orders.mine": Needs::Customer;
    ORDERS_HISTORY = "orders.history": Needs::OwnOr(Capability::OrderManage);
    ORDERS_CONTACT = "orders.contact": Needs::OwnOr(Capability::OrderManage);
    ORDERS_PAY = "orders.pay": Needs::OwnOr(Capability::OrderManage);
    ORDERS_ADVANCE = "orders.advance": Needs::OwnOr(Capability::OrderManage);
    ORDERS_CANCEL = "orders.cancel": Needs::OwnOr(Capability::OrderManage);
    ORDERS_REDUCE = "orders.reduce": Needs::OwnOr(Capability::OrderManage);
    ORDERS_PAYMENTS = "orders.payments": Needs::OwnOr(Capability::OrderManage);
    ORDERS_RETRY_REFUNDS = "orders.retry_refunds": member(Capability::PaymentRefund);
    ORDERS_SETTLE_REFUND = "orders.settle_refund": member(Capability::PaymentRefund);
    ORDERS_PAYMENT_EVENT = "orders.payment_event": Needs::Host;
    ORDERS_RECOVER = "orders.recover": Needs::Operator;
    ORDERS_STUCK = "orders.stuck": Needs::Operator;

    AUDIT_LIST_STORE = "audit.list_of_store": store(Capability::ReportView, known::SETTINGS_VIEW);
    AUDIT_LIST = "audit.list": Needs::Platform(known::SETTINGS_VIEW);
    AUDIT_FEED = "audit.feed": Needs::Operator;

    IDENTITY_REGISTER = "identity.register": Needs::Anyone;
    IDENTITY_CREATE = "identity.create": Needs::Platform(known::USER_CREATE);
    IDENTITY_SIGN_IN = "identity.sign_in": Needs::Anyone;
    IDENTITY_REQUEST_CODE = "identity.request_code": Needs::Anyone;
    IDENTITY_SIGN_IN_WITH_CODE = "identity.sign_in_with_code": Needs::Anyone;
    IDENTITY_RESET_PASSWORD = "identity.reset_password": Needs::Anyone;
    IDENTITY_AUTHENTICATE = "identity.authenticate": Needs::Anyone;
    IDENTITY_VERIFY_PHONE = "identity.verify_phone": Needs::SignedIn;
    IDENTITY_EMAIL_LINK = "identity.email_link": Needs::SignedIn;
    IDENTITY_VERIFY_EMAIL = "identity.verify_email": Needs::Anyone;
    IDENTITY_CHANGE_PASSWORD = "identity.change_password": Needs::SignedIn;
    IDENTITY_SESSIONS = "identity.sessions": Needs::SignedIn;
    IDENTITY_REVOKE_SESSION = "identity.revoke_session": Needs::SignedIn;
    IDENTITY_SIGN_OUT_EVERYWHERE = "identity.sign_out_everywhere": Needs::SignedIn;
    IDENTITY_PROFILE = "identity.profile": Needs::SelfOr(known::USER_READ);
    IDENTITY_FIND = "identity.find": Needs::Platform(known::USER_READ);
    IDENTITY_LIST = "identity.list": Needs::Platform(known::USER_READ);
    IDENTITY_UPDATE_PROFILE = "identity.update_profile": Needs::SelfOr(known::USER_UPDATE);
    IDENTITY_DEACTIVATE = "identity.deactivate": Needs::SelfOr(known::USER_DELETE);
    IDENTITY_REACTIVATE = "identity.reactivate": Needs::Platform(known::USER_DELETE);
    IDENTITY_ERASE = "identity.erase": Needs::SelfOr(known::USER_DELETE);
    IDENTITY_SWEEP = "identity.sweep": Needs::Operator;

    ACCESS_SEED = "access.seed": Needs::Host;
    ACCESS_BOOTSTRAP = "access.bootstrap": Needs::Host;
    ACCESS_ACTOR_OF = "access.actor_of": Needs::Host;
    ACCESS_PERMISSIONS = "access.permissions": Needs::Platform(known::ROLE_READ);
    ACCESS_ADD_PERMISSION = "access.add_permission": Needs::Platform(known::SETTINGS_SYSTEM_CONFIG);
    ACCESS_SET_PERMISSION_STATUS = "access.set_permission_status": Needs::Platform(known::SETTINGS_SYSTEM_CONFIG);
    ACCESS_ROLES = "access.roles": Needs::Platform(known::ROLE_READ);
    ACCESS_ROLE = "access.role": Needs::Platform(known::ROLE_READ);
    ACCESS_ADD_ROLE = "access.add_role": Needs::Platform(known::ROLE_CREATE);
    ACCESS_UPDATE_ROLE = "access.update_role": Needs::Platform(known::ROLE_UPDATE);
    ACCESS_DELETE_ROLE = "access.delete_role": Needs::Platform(known::ROLE_DELETE);
    ACCESS_ASSIGN_ROLE = "access.assign_role": Needs::Platform(known::USER_ASSIGN_ROLES);
    ACCESS_REVOKE_ROLE = "access.revoke_role": Needs::Platform(known::USER_ASSIGN_ROLES);
    ACCESS_GRANT = "access.grant": Needs::Platform(known::USER_ASSIGN_PERMISSIONS);
    ACCESS_OVERRIDE = "access.set_override": Needs::Platform(known::USER_ASSIGN_PERMISSIONS);
    ACCESS_REVOKE = "access.revoke": Needs::Platform(known::USER_ASSIGN_PERMISSIONS);
    ACCESS_GRANTS = "access.grants": Needs::SelfOr(known::USER_READ);
    ACCESS_EFFECTIVE = "access.effective": Needs::SelfOr(known::USER_READ);
    ACCESS_EXPLAIN = "access.explain": Needs::SelfOr(known::USER_READ);
    ACCESS_HOLDERS = "access.holders": Needs::Platform(known::USER_READ);

    SECRETS_RESEAL = "secrets.reseal": Needs::Operator;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_method_has_one_row() {
        let names: BTreeSet<_> = METHODS.iter().map(|rule| rule.method).collect();
        assert_eq!(names.len(), METHODS.len());
    }
}
