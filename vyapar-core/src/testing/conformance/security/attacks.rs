//! Every method of every service, called by those who may not.

use chrono::TimeDelta;

use crate::access::policy::{METHODS, Needs, OPERATE, Rule};
use crate::access::{
    AccessError, AssignmentType, Capabilities, Capability, CapabilityChanges, Effect, Effective, Grant, GrantTarget,
    Level, NewRole, Permission, PermissionAction, PermissionCategory, PermissionFilter, PermissionStatus, RoleChange,
    RoleFilter, RoleId, Scope, known,
};
use crate::actor::{Actor, Membership, Party, StoreRole};
use crate::contact::PersonalText;
use crate::customer::CustomerError;
use crate::geo::{Coordinates, Radius};
use crate::id::{AddressId, CustomerId, OperationId, OrderId, ProductId, StoreId, TrackingId};
use crate::identity::{AccountKind, IdentityError, Login, NewUser, OtpPurpose, ProfileChange, UserFilter};
use crate::inventory::{ChangeKind, Delta, InventoryError, ProductPrice, ProductStatus, StockState, UpdateProduct};
use crate::order::{Channel, Destination, OrderError, OrderStatus, PaymentMethod, PlaceLine, PlaceOrder};
use crate::page::PageRequest;
use crate::payment::ChargeState;
use crate::quantity::{Quantity, StockUnit};
use crate::reseal::ResealError;
use crate::store::{
    Invite, Nearby, NearbyError, NearbyFilter, Origin, ReviewRating, Stars, StoreError, StoreFilter, StoreStatus,
    UpdateStore,
};
use crate::system::{AuditError, AuditFilter, FeedPosition};
use crate::testing::town::{Person, Town};
use crate::testing::{Bench, Fixtures};

/// Whether a call got past the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Through,
    Refused,
}

trait Denial {
    fn is_denial(&self) -> bool;
}

macro_rules! denials {
    ($($error:ty => $pattern:pat,)*) => {
        $(impl Denial for $error {
            fn is_denial(&self) -> bool { matches!(self, $pattern) }
        })*
    };
}
denials! {
    OrderError => OrderError::Forbidden(_) | OrderError::NoStore(_) | OrderError::NotFound(_),
    InventoryError => InventoryError::Forbidden(_) | InventoryError::NoStore(_),
    StoreError => StoreError::Forbidden(_) | StoreError::NotFound(_),
    AuditError => AuditError::Forbidden,
    IdentityError => IdentityError::Forbidden(_) | IdentityError::NotFound(_),
    AccessError => AccessError::Forbidden(_) | AccessError::NoUser(_),
    ResealError => ResealError::Forbidden,
    CustomerError => CustomerError::Forbidden(_) | CustomerError::NotFound(_) | CustomerError::NoAddress(_),
    NearbyError => NearbyError::NoAddress(_),
}

fn judge<T, E: Denial>(answer: Result<T, E>) -> Verdict {
    match answer {
        Err(error) if error.is_denial() => Verdict::Refused,
        _ => Verdict::Through,
    }
}

/// What is attacked: a store with a product and an order, and their people.
struct Scene {
    store: StoreId,
    owner: Person,
    customer: Person,
    product: ProductId,
    order: OrderId,
    tracking: TrackingId,
    address: AddressId,
}

fn basket(store: StoreId, product: ProductId, customer: CustomerId, key: &str) -> PlaceOrder {
    PlaceOrder {
        store_id: store,
        idempotency_key: key.to_owned(),
        customer_id: customer,
        customer_name: PersonalText::parse("name", "Ravi Verma", 100).unwrap(),
        customer_phone: "98765 43210".parse().unwrap(),
        destination: Destination::Pickup,
        lines: vec![PlaceLine { product_id: product, quantity: Quantity::units(1), notes: None }],
        payment_method: PaymentMethod::Cod,
        expected_total: None,
        delivery_notes: None,
        customer_note: None,
        channel: Channel::App,
        language: "hi".to_owned(),
    }
}

async fn scene(town: &Town) -> Scene {
    let (store, owner) = town.store_of(&town.person().await).await;
    let customer = town.person().await;
    let mut details = town.make.product(store).details;
    details.stock_unit = StockUnit::Piece;
    let product = town.vyapar.inventory().add_product(&owner.actor, store, details).await.unwrap().id;
    let lines = [(product, Quantity::units(50))];
    town.vyapar.inventory().receive(&owner.actor, store, town.make.operation(), &lines).await.unwrap();
    let request = basket(store, product, CustomerId::of(customer.id), "first");
    let order = town.vyapar.orders().place(&customer.actor, request).await.unwrap().order;
    let address = town.vyapar.customers().save_address(&customer.actor, None, town.new_address()).await.unwrap().id;
    Scene { store, owner, customer, product, order: order.id, tracking: order.tracking_id, address }
}

impl Scene {
    /// Calls the method of that row as `actor`, about this scene's store, order and people.
    #[expect(clippy::too_many_lines, reason = "one arm a method")]
    async fn call(&self, town: &Town, rule: &Rule, actor: &Actor) -> Verdict {
        let v = &town.vyapar;
        let (store, order, product) = (self.store, &self.order, self.product);
        let (page, user) = (PageRequest::default(), self.owner.id);
        let five: [(ProductId, Quantity); 1] = [(product, Quantity::units(5))];
        let operation = || -> OperationId { town.make.operation() };
        let grant = || Grant { permission: known::USER_READ, scope: Scope::Stores, expires_at: None };
        let price: ProductPrice = ProductPrice::new("10".parse().unwrap(), "9".parse().unwrap()).unwrap();
        let none = CapabilityChanges::default();
        match rule.method {
            "stores.register" => judge(v.stores().register(actor, town.new_store()).await),
            "stores.get" => judge(v.stores().get(actor, store).await),
            "stores.find" => judge(v.stores().find(actor, &town.make.slug()).await),
            "stores.list" => judge(v.stores().list(actor, StoreFilter::default(), page).await),
            "stores.contact" => {
                let found = v.stores().get(&town.host, store).await.unwrap();
                judge(v.stores().contact(actor, &found))
            }
            "stores.set_status" => judge(v.stores().set_status(actor, store, StoreStatus::Active).await),
            "stores.update" => {
                let found = v.stores().get(&town.host, store).await.unwrap();
                let change = UpdateStore { version: found.version, profile: found.profile, contact: None };
                judge(v.stores().update(actor, store, change).await)
            }
            "stores.verify" => judge(v.stores().verify(actor, store).await),
            "stores.rate" => {
                let review = ReviewRating {
                    review_id: crate::id::ReviewId::from_uuid(town.make.uuid()),
                    revision: 1,
                    stars: Stars::new(1).ok(),
                };
                judge(v.stores().rate(actor, store, review).await)
            }
            "stores.nearby" => {
                let origin = Origin::Point(Coordinates::new(28.6, 77.2).unwrap());
                let radius = Radius::from_km(1.0).unwrap();
                let search = Nearby { origin, radius, filter: NearbyFilter::default(), page };
                judge(v.stores().nearby(actor, search).await)
            }
            "stores.check_delivery" => judge(v.stores().check_delivery(actor, store, None, None).await),
            "stores.geocode_pending" => judge(v.stores().geocode_pending(actor, 1).await),
            "customers.profile" => judge(v.customers().profile(actor).await),
            "customers.get" => judge(v.customers().get(actor, CustomerId::of(self.customer.id)).await),
            "customers.prefer" => judge(v.customers().prefer(actor, store, true).await),
            "customers.save_address" => judge(v.customers().save_address(actor, None, town.new_address()).await),
            "customers.remove_address" => judge(v.customers().remove_address(actor, self.address).await),
            "customers.set_default_address" => judge(v.customers().set_default_address(actor, self.address).await),
            "customers.geocode_pending" => judge(v.customers().geocode_pending(actor, 1).await),
            "staff.members" => judge(v.staff().members(actor, store, page).await),
            "staff.mine" => judge(v.staff().mine(actor).await),
            "staff.invite" => {
                let contact = Login::Phone(town.phone());
                let invite = Invite { contact, role: StoreRole::Staff, permissions: none };
                judge(v.staff().invite(actor, store, invite).await)
            }
            "staff.invitations" => judge(v.staff().invitations(actor, store, page).await),
            "staff.withdraw" => {
                let id = crate::id::InvitationId::from_uuid(town.make.uuid());
                judge(v.staff().withdraw(actor, store, id).await)
            }
            "staff.accept" => judge(v.staff().accept(actor, "x").await),
            "staff.change" => judge(v.staff().change(actor, store, user, StoreRole::Owner, none).await),
            "staff.remove" => judge(v.staff().remove(actor, store, user).await),
            "staff.leave" => judge(v.staff().leave(actor, store).await),
            "inventory.add_product" => {
                judge(v.inventory().add_product(actor, store, town.make.product(store).details).await)
            }
            "inventory.catalogue" => judge(v.inventory().catalogue(actor, store, page).await),
            "inventory.products" => judge(v.inventory().products(actor, store, Default::default(), page).await),
            "inventory.products_by_stock" => {
                judge(v.inventory().products_by_stock(actor, store, StockState::ToReorder, page).await)
            }
            "inventory.product" => judge(v.inventory().product(actor, store, product).await),
            "inventory.update_product" => {
                let known = v.inventory().product(&town.host, store, product).await.unwrap().product;
                let change = UpdateProduct { version: known.version, details: known.details };
                judge(v.inventory().update_product(actor, store, product, change).await)
            }
            "inventory.set_price" => judge(v.inventory().set_price(actor, store, product, price).await),
            "inventory.set_product_status" => {
                judge(v.inventory().set_product_status(actor, store, product, ProductStatus::Active).await)
            }
            "inventory.receive" => judge(v.inventory().receive(actor, store, operation(), &five).await),
            "inventory.adjust" => {
                let lines = [(product, Delta::By(Quantity::units(1).outward()))];
                let kind = ChangeKind::Damage;
                judge(v.inventory().adjust(actor, store, operation(), kind, &lines, None).await)
            }
            "inventory.movements" => judge(v.inventory().movements(actor, store, product, page).await),
            "inventory.verify" => judge(v.inventory().verify(actor, store).await),
            "orders.place" => {
                let request = basket(store, product, CustomerId::of(self.customer.id), "another");
                judge(v.orders().place(actor, request).await)
            }
            "orders.get" => judge(v.orders().get(actor, store, order).await),
            // Answers "nothing" where others say "not found".
            "orders.track" => match v.orders().track(actor, &self.tracking).await {
                Ok(None) => Verdict::Refused,
                answer => judge(answer),
            },
            "orders.list" => judge(v.orders().list(actor, store, Default::default(), page).await),
            "orders.mine" => judge(v.orders().mine(actor, page).await),
            "orders.history" => judge(v.orders().history(actor, store, order).await),
            "orders.contact" => {
                let found = v.orders().get(&town.host, store, order).await.unwrap();
                judge(v.orders().contact(actor, &found))
            }
            "orders.pay" => judge(v.orders().pay(actor, store, order).await),
            "orders.advance" => judge(v.orders().advance(actor, store, order, OrderStatus::Confirmed, None).await),
            "orders.cancel" => judge(v.orders().cancel(actor, store, order, Some("a test")).await),
            "orders.reduce" => judge(v.orders().reduce(actor, store, order, &five).await),
            "orders.payments" => judge(v.orders().payments(actor, store, order).await),
            "orders.retry_refunds" => {
                let payment = crate::id::PaymentId::from_uuid(town.make.uuid());
                judge(v.orders().retry_refunds(actor, store, payment).await)
            }
            "orders.settle_refund" => {
                let (payment, refund) = (town.make.uuid(), crate::id::RefundId::from_uuid(town.make.uuid()));
                let payment = crate::id::PaymentId::from_uuid(payment);
                judge(v.orders().settle_refund(actor, store, payment, refund, "UTR 1").await)
            }
            "orders.payment_event" => {
                let payment = crate::id::PaymentId::from_uuid(town.make.uuid());
                let state = ChargeState::Pending;
                judge(v.orders().payment_event(actor, store, payment, &state).await)
            }
            "orders.recover" => judge(v.orders().recover(actor, 1).await),
            "orders.stuck" => judge(v.orders().stuck(actor, 1).await),
            "audit.list_of_store" => {
                let filter = AuditFilter { store_id: Some(store), ..AuditFilter::default() };
                judge(v.audit().list(actor, filter, page).await)
            }
            "audit.list" => judge(v.audit().list(actor, AuditFilter::default(), page).await),
            "audit.feed" => judge(v.audit().feed(actor, FeedPosition::default(), 1).await),
            "identity.register" => judge(v.identity().register(actor, self.new_user(town)).await),
            "identity.create" => judge(v.identity().create(actor, self.new_user(town)).await),
            "identity.sign_in" => judge(v.identity().sign_in(actor, &Login::Phone(town.phone()), "wrong", None).await),
            "identity.request_code" => judge(v.identity().request_code(actor, &town.phone(), OtpPurpose::Login).await),
            "identity.sign_in_with_code" => {
                judge(v.identity().sign_in_with_code(actor, &town.phone(), "000000", None, None).await)
            }
            "identity.reset_password" => {
                judge(v.identity().reset_password(actor, &town.phone(), "000000", "some password").await)
            }
            "identity.authenticate" => judge(v.identity().authenticate("x", Town::request()).await),
            "identity.verify_phone" => judge(v.identity().verify_phone(actor, &town.phone(), "000000").await),
            "identity.email_link" => judge(v.identity().email_link(actor).await),
            "identity.verify_email" => judge(v.identity().verify_email(actor, "x").await),
            "identity.change_password" => judge(v.identity().change_password(actor, "", "short").await),
            "identity.sessions" => judge(v.identity().sessions(actor, page).await),
            "identity.revoke_session" => {
                let session = crate::id::SessionId::from_uuid(town.make.uuid());
                judge(v.identity().revoke_session(actor, session).await)
            }
            "identity.sign_out_everywhere" => judge(v.identity().sign_out_everywhere(actor).await),
            "identity.profile" => judge(v.identity().profile(actor, user).await),
            "identity.find" => judge(v.identity().find(actor, &Login::Phone(self.owner.phone.clone())).await),
            "identity.list" => judge(v.identity().list(actor, UserFilter::default(), page).await),
            "identity.update_profile" => {
                let change = ProfileChange { full_name: Some(Town::name("Other")), email: None };
                judge(v.identity().update_profile(actor, user, change).await)
            }
            "identity.deactivate" => judge(v.identity().deactivate(actor, user).await),
            "identity.reactivate" => judge(v.identity().reactivate(actor, user).await),
            "identity.erase" => judge(v.identity().erase(actor, user).await),
            "identity.sweep" => judge(v.identity().sweep(actor, 1).await),
            "access.seed" => judge(v.access().seed(actor).await),
            "access.bootstrap" => judge(v.access().bootstrap(actor, user).await),
            "access.actor_of" => judge(v.access().actor_of(actor, user).await),
            "access.permissions" => judge(v.access().permissions(actor, PermissionFilter::default(), page).await),
            "access.add_permission" => judge(v.access().add_permission(actor, self.new_permission(town)).await),
            "access.set_permission_status" => {
                let id = "PERM_NONE".parse().unwrap();
                judge(v.access().set_permission_status(actor, &id, PermissionStatus::Deprecated).await)
            }
            "access.roles" => judge(v.access().roles(actor, RoleFilter::default(), page).await),
            "access.role" => judge(v.access().role(actor, &RoleId::VIEWER).await),
            "access.add_role" => {
                let role = NewRole {
                    id: "ROLE_ATTACK".parse().unwrap(),
                    name: "Attack".to_owned(),
                    description: "Attack".to_owned(),
                    permissions: Default::default(),
                    level: Level::new(99).unwrap(),
                    scope: Scope::Stores,
                };
                judge(v.access().add_role(actor, role).await)
            }
            "access.update_role" => judge(v.access().update_role(actor, &RoleId::VIEWER, RoleChange::default()).await),
            "access.delete_role" => judge(v.access().delete_role(actor, &RoleId::VIEWER).await),
            "access.assign_role" => judge(v.access().assign_role(actor, user, &RoleId::VIEWER, None).await),
            "access.revoke_role" => judge(v.access().revoke_role(actor, user, &RoleId::VIEWER).await),
            "access.grant" => judge(v.access().grant(actor, user, grant()).await),
            "access.set_override" => judge(v.access().set_override(actor, user, grant(), Effect::Allow).await),
            "access.revoke" => judge(v.access().revoke(actor, user, &known::USER_READ, AssignmentType::Direct).await),
            "access.grants" => judge(v.access().grants(actor, user).await),
            "access.effective" => judge(v.access().effective(actor, user).await),
            "access.explain" => judge(v.access().explain(actor, user, &known::USER_READ).await),
            "access.holders" => judge(v.access().holders(actor, &GrantTarget::Role(RoleId::VIEWER), page).await),
            "secrets.reseal" => judge(v.secrets().reseal(actor, Default::default(), 1).await),
            other => panic!("no attack on {other}: every method needs one"),
        }
    }

    fn new_user(&self, town: &Town) -> NewUser {
        let (full_name, kind) = (Town::name("Asha"), AccountKind::Customer);
        NewUser { full_name, email: None, phone: Some(town.phone()), password: None, kind }
    }

    fn new_permission(&self, town: &Town) -> Permission {
        Permission {
            id: format!("PERM_{}", town.make.uuid().simple()).to_uppercase().parse().unwrap(),
            name: "Attack".to_owned(),
            description: "Attack".to_owned(),
            category: PermissionCategory::Settings,
            resource: "attack".to_owned(),
            action: PermissionAction::Read,
            status: PermissionStatus::Active,
            version: 1,
            created_at: town.make.now(),
            updated_at: town.make.now(),
        }
    }
}

/// No session, another store's owner, another customer, a right that has ended, a part without
/// capabilities: each is refused by every method but those that are for everyone or about
/// one's own; and leaves no trace in the audit log.
pub async fn every_method_refuses_whom_the_table_refuses(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let boss = town.super_admin().await;
    let scene = scene(&town).await;
    let (_, elsewhere) = town.store_of(&town.person().await).await;
    let another = town.person().await;
    // All that an admin and an editor may do, until a moment ago.
    let ended = town.person().await;
    let soon = town.make.now() + TimeDelta::minutes(5);
    for role in [&RoleId::ADMIN, &RoleId::CATALOG_EDITOR, &RoleId::VIEWER] {
        town.vyapar.access().assign_role(&boss.actor, ended.id, role, Some(soon)).await.unwrap();
    }
    let ended = town.again(&ended).await;
    assert!(ended.actor.holds(&known::USER_READ, town.make.now()));
    // A member of the store who may do nothing in it, a viewer of his stores beside that.
    let lower = town.with_role(&boss, &RoleId::VIEWER).await;
    let permissions = CapabilityChanges { granted: Capabilities::NONE, denied: Capabilities::ALL };
    let contact = Login::Phone(lower.phone.clone());
    let invite = Invite { contact, role: StoreRole::Staff, permissions };
    let invited = town.vyapar.staff().invite(&scene.owner.actor, scene.store, invite).await.unwrap();
    town.vyapar.staff().accept(&lower.actor, invited.token.as_str()).await.unwrap();
    let lower = town.again(&lower).await;
    town.make.clock().set(soon);

    let nobody = Town::stranger();
    let attackers = [
        ("no session", &nobody),
        ("another store's owner", &elsewhere.actor),
        ("another customer", &another.actor),
        ("a right that has ended", &ended.actor),
        ("a part without capabilities", &lower.actor),
    ];
    let before = town.audit(AuditFilter::default()).await.len();
    for rule in METHODS {
        for (who, actor) in attackers {
            let own = actor.user().is_some() && matches!(rule.needs, Needs::SignedIn | Needs::Customer);
            // A member sees what every member sees.
            let member = who.starts_with("a part") && matches!(rule.needs, Needs::Store { capability: None, .. });
            if matches!(rule.needs, Needs::Anyone) || own || member {
                continue;
            }
            let verdict = scene.call(&town, rule, actor).await;
            assert_eq!(verdict, Verdict::Refused, "{} by {who}", rule.method);
        }
    }
    assert_eq!(town.audit(AuditFilter::default()).await.len(), before, "an attack left a trace");
    // The same calls by who may get through: so each attack did reach its method.
    for rule in METHODS {
        let actor = match rule.needs {
            Needs::SignedIn | Needs::Customer => &scene.customer.actor,
            _ => &town.host,
        };
        // Erasing and closing come last in no list; they are shown where they belong.
        if !["identity.deactivate", "identity.erase", "staff.leave", "staff.remove"].contains(&rule.method) {
            let verdict = scene.call(&town, rule, actor).await;
            assert_eq!(verdict, Verdict::Through, "{} by who may", rule.method);
        }
    }
}

/// For each row: who has only what it asks for gets through, who has everything but that does not.
/// So a row that asked for another thing, or a method that asked another row, would be seen.
pub async fn every_method_asks_for_what_its_row_says(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    town.super_admin().await;
    let scene = scene(&town).await;
    // Closing and erasing would end the scene; who may not is shown all the same.
    let ends = ["identity.deactivate", "identity.erase", "staff.remove"];
    for rule in METHODS {
        let (capability, permission) = match &rule.needs {
            Needs::OwnOr(capability) => (Some(*capability), None),
            Needs::Store { capability, permission } => (*capability, permission.clone()),
            Needs::Platform(permission) | Needs::SelfOr(permission) => (None, Some(permission.clone())),
            Needs::Operator => (None, Some(OPERATE)),
            Needs::Anyone | Needs::SignedIn | Needs::Customer | Needs::Host => continue,
        };
        if let Some(one) = capability {
            let only = CapabilityChanges {
                granted: Capabilities::NONE.with(one),
                denied: Capabilities::ALL.without(Capabilities::NONE.with(one)),
            };
            let but = CapabilityChanges { granted: only.denied, denied: only.granted };
            for (changes, expected) in [(only, Verdict::Through), (but, Verdict::Refused)] {
                let part = Membership { store: scene.store, role: StoreRole::Manager, changes };
                let actor = Actor::user_with(town.person().await.id, [part], Effective::default());
                if expected == Verdict::Refused || !ends.contains(&rule.method) {
                    let verdict = scene.call(&town, rule, &actor).await;
                    assert_eq!(verdict, expected, "{} with {changes:?}", rule.method);
                }
            }
        }
        if let Some(one) = permission {
            let person = town.person().await;
            let access = town.vyapar.access();
            let grant = Grant { permission: one.clone(), scope: Scope::Platform, expires_at: None };
            access.grant(&town.host, person.id, grant.clone()).await.unwrap();
            if !ends.contains(&rule.method) {
                let verdict = scene.call(&town, rule, &town.again(&person).await.actor).await;
                assert_eq!(verdict, Verdict::Through, "{} with {one} only", rule.method);
            }
            let other = town.person().await;
            access.assign_role(&town.host, other.id, &RoleId::SUPER_ADMIN, None).await.unwrap();
            access.set_override(&town.host, other.id, grant, Effect::Deny).await.unwrap();
            let verdict = scene.call(&town, rule, &town.again(&other).await.actor).await;
            assert_eq!(verdict, Verdict::Refused, "{} with all but {one}", rule.method);
        }
    }
}

/// Who works in a store but may not manage its orders is a customer of it like any other.
pub async fn a_member_who_manages_no_orders_is_only_a_customer_of_his_own(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let scene = scene(&town).await;
    let (orders, store) = (town.vyapar.orders(), scene.store);
    let denied = Capabilities::NONE.with(Capability::OrderManage);
    let buyer = |changes| {
        let part = Membership { store, role: StoreRole::Manager, changes };
        let user = town.make.user_id();
        (CustomerId::of(user), Actor::user_with(user, [part], Effective::default()))
    };
    let (customer, actor) = buyer(CapabilityChanges { granted: Capabilities::NONE, denied });
    let placed = orders.place(&actor, basket(store, scene.product, customer, "own")).await.unwrap().order;
    let moved = orders.advance(&actor, store, &placed.id, OrderStatus::Confirmed, None).await;
    assert!(matches!(moved, Err(OrderError::NotAllowed { .. })), "{moved:?}");
    for to in [OrderStatus::Confirmed, OrderStatus::Preparing] {
        orders.advance(&scene.owner.actor, store, &placed.id, to, None).await.unwrap();
    }
    let late = orders.cancel(&actor, store, &placed.id, Some("changed my mind")).await;
    assert!(matches!(late, Err(OrderError::NotAllowed { .. })), "{late:?}");
    let history = orders.history(&actor, store, &placed.id).await.unwrap();
    assert_eq!(history[0].entry.party, Party::Customer);
    // Who may manage them acts as the store, also on what he ordered himself.
    let (customer, actor) = buyer(CapabilityChanges::default());
    let placed = orders.place(&actor, basket(store, scene.product, customer, "own")).await.unwrap().order;
    orders.advance(&actor, store, &placed.id, OrderStatus::Confirmed, None).await.unwrap();
}

/// Everyone sees active stores and what they sell; a customer his own orders; nobody more.
pub async fn public_and_own_rows_are_for_those_who_may_see_them(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let scene = scene(&town).await;
    let (v, nobody, page) = (&town.vyapar, Town::stranger(), PageRequest::default());
    let store = v.stores().get(&nobody, scene.store).await.unwrap();
    assert!(v.stores().contact(&nobody, &store).is_err());
    let products = v.inventory().catalogue(&nobody, scene.store, page.clone()).await.unwrap().items;
    assert_eq!((products.len(), products[0].in_stock), (1, true));
    let order = v.orders().get(&scene.customer.actor, scene.store, &scene.order).await.unwrap();
    assert_eq!(v.orders().contact(&scene.customer.actor, &order).unwrap().customer_name.as_str(), "Ravi Verma");
    let tracked = v.orders().track(&scene.customer.actor, &scene.tracking).await.unwrap();
    assert_eq!(tracked.map(|order| order.id), Some(scene.order.clone()));
    let mut mine = Vec::new();
    for _ in 0..1000 {
        mine = v.orders().mine(&scene.customer.actor, page.clone()).await.unwrap().items;
        if !mine.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(mine.len(), 1);
    assert!(v.orders().mine(&scene.owner.actor, page.clone()).await.unwrap().items.is_empty(), "the owner bought none");
    // Closed to the public, open to its own.
    v.stores().set_status(&scene.owner.actor, scene.store, StoreStatus::Inactive).await.unwrap();
    assert!(v.stores().get(&nobody, scene.store).await.is_err());
    assert!(v.inventory().catalogue(&nobody, scene.store, page).await.is_err());
    v.stores().get(&scene.owner.actor, scene.store).await.unwrap();
    v.orders().get(&scene.customer.actor, scene.store, &scene.order).await.unwrap();
}
