//! A whole day in a town: everybody does what he does, so that whatever is stored was stored.

use chrono::TimeDelta;

use super::{Person, Town};
use crate::access::{
    Effect, Grant, NewRole, Permission, PermissionAction, PermissionCategory, PermissionStatus, RoleChange, RoleId,
    Scope, known,
};
use crate::actor::StoreRole;
use crate::contact::PersonalText;
use crate::customer::{AddressType, NewAddress};
use crate::id::{CustomerId, OrderId, StoreId};
use crate::identity::{AccountKind, Login, NewUser, OtpPurpose, ProfileChange};
use crate::inventory::ProductPrice;
use crate::order::{Channel, DeliveryAddress, Destination, OrderStatus, PaymentMethod, PlaceLine, PlaceOrder};
use crate::quantity::{Quantity, StockUnit};
use crate::store::{Invite, StoreStatus};
use crate::testing::{Bench, Fixtures};

/// What a day's people are called, live at, write and are reached by: none of it may be found in
/// anything that is stored or printed.
pub const PERSONAL: &[&str] = &[
    "Kulkarni",
    "Verma",
    "Neelkanth Towers",
    "Hanuman Mandir",
    "bell twice",
    "ripe mangoes",
    "Savitri",
    "before packing",
    "about Diwali",
    "asha.kulkarni",
    "dukaan.malik",
    "9876543210",
    "9123456789",
    // The first digits of every phone in town.
    "98100000",
    "battery staple",
];

/// A town after a busy day.
pub struct BusyTown {
    pub(crate) town: Town,
    pub(crate) store: StoreId,
    pub(crate) owner: Person,
    pub(crate) customer: Person,
    pub(crate) order: OrderId,
}

impl std::fmt::Debug for BusyTown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BusyTown").field("store", &self.store).field("order", &self.order).finish_non_exhaustive()
    }
}

fn text(text: &str) -> PersonalText {
    PersonalText::parse("text", text, 200).unwrap()
}

/// People sign up, sign in, fail to, order, cancel, invite, are promoted, leave and are erased.
pub async fn busy_town(bench: &Bench, make: Fixtures) -> BusyTown {
    let town = Town::open(bench, make).await;
    let boss = town.super_admin().await;
    let (store, owner) = open_store(&town).await;
    let customer = regular(&town).await;
    let order = trade(&town, store, &owner, &customer).await;
    hire_and_fire(&town, store, &owner).await;
    administer(&town, &boss).await;
    town.make.clock().advance(TimeDelta::minutes(1));
    BusyTown { owner: town.again(&owner).await, customer: town.again(&customer).await, town, store, order }
}

async fn open_store(town: &Town) -> (StoreId, Person) {
    let person = town.person().await;
    let mut new = town.new_store();
    new.contact.email = Some(text("dukaan.malik@example.in"));
    new.contact.whatsapp_number = "91234 56789".parse().ok();
    let store = town.vyapar.stores().register(&person.actor, new).await.unwrap().id;
    town.vyapar.stores().set_status(&town.host, store, StoreStatus::Active).await.unwrap();
    (store, town.again(&person).await)
}

/// A customer with everything that an account can have.
async fn regular(town: &Town) -> Person {
    let identity = town.vyapar.identity();
    let person = town.person().await;
    let change = ProfileChange { full_name: Some(text("Ravi Verma")), email: "Asha.Kulkarni@example.in".parse().ok() };
    identity.update_profile(&person.actor, person.id, change).await.unwrap();
    let link = identity.email_link(&person.actor).await.unwrap().token;
    identity.verify_email(&Town::stranger(), link.as_str()).await.unwrap();
    identity.change_password(&person.actor, "", "battery staple 1").await.unwrap();
    let login = Login::Phone(person.phone.clone());
    for wrong in ["battery staple 2", "battery staple 3"] {
        identity.sign_in(&Town::stranger(), &login, wrong, None).await.unwrap_err();
    }
    let first = identity.sign_in(&Town::stranger(), &login, "battery staple 1", Some("Pixel")).await.unwrap();
    let first = town.actor(first.token.as_str()).await;
    let second = identity.sign_in(&Town::stranger(), &login, "battery staple 1", None).await.unwrap();
    identity.revoke_session(&first, second.session.id).await.unwrap();
    identity.sign_out_everywhere(&first).await.unwrap();
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::Login).await.unwrap();
    identity.sign_in_with_code(&Town::stranger(), &person.phone, "not it", None, None).await.unwrap_err();
    let code = town.codes.last(&person.phone, OtpPurpose::Login);
    let token = identity.sign_in_with_code(&Town::stranger(), &person.phone, &code, None, None).await.unwrap().token;
    let token = token.as_str().to_owned();
    Person { actor: town.actor(&token).await, token, ..person }
}

/// An order that goes on, and one that is called off.
async fn trade(town: &Town, store: StoreId, owner: &Person, customer: &Person) -> OrderId {
    let (inventory, orders) = (town.vyapar.inventory(), town.vyapar.orders());
    let mut details = town.make.product(store).details;
    details.stock_unit = StockUnit::Piece;
    let product = inventory.add_product(&owner.actor, store, details).await.unwrap().id;
    inventory.receive(&owner.actor, store, town.make.operation(), &[(product, Quantity::units(50))]).await.unwrap();
    let price = ProductPrice::new("12".parse().unwrap(), "11".parse().unwrap()).unwrap();
    inventory.set_price(&owner.actor, store, product, price).await.unwrap();
    let customers = town.vyapar.customers();
    let saved = customers.save_address(&customer.actor, None, town.new_address()).await.unwrap().id;
    let work =
        NewAddress { address_type: AddressType::Work, line2: Some(text("Opposite Savitri")), ..town.new_address() };
    customers.save_address(&customer.actor, None, work).await.unwrap();
    customers.prefer(&customer.actor, store, true).await.unwrap();
    let address = DeliveryAddress {
        line1: text("17B Neelkanth Towers"),
        line2: None,
        landmark: Some(text("Hanuman Mandir")),
        city: "Ahmedabad".to_owned(),
        state: "24".parse().unwrap(),
        pincode: "380001".parse().unwrap(),
        coordinates: None,
    };
    let request = |key: &str| PlaceOrder {
        store_id: store,
        idempotency_key: key.to_owned(),
        customer_id: CustomerId::of(customer.id),
        customer_name: text("Ravi Verma"),
        customer_phone: customer.phone.clone(),
        destination: Destination::Delivery(address.clone()),
        lines: vec![PlaceLine {
            product_id: product,
            quantity: Quantity::units(2),
            notes: Some("Wrapped for Savitri".to_owned()),
        }],
        payment_method: PaymentMethod::Cod,
        expected_total: None,
        delivery_notes: Some(text("Ring the bell twice")),
        customer_note: Some(text("Only ripe mangoes")),
        channel: Channel::App,
        language: "hi".to_owned(),
    };
    let kept = orders.place(&customer.actor, request("one")).await.unwrap().order.id;
    let to_saved = PlaceOrder { destination: Destination::Saved(saved), ..request("saved") };
    let delivered = orders.place(&customer.actor, to_saved).await.unwrap().order.id;
    for to in [
        OrderStatus::Confirmed,
        OrderStatus::Preparing,
        OrderStatus::Ready,
        OrderStatus::OutForDelivery,
        OrderStatus::Delivered,
    ] {
        orders.advance(&owner.actor, store, &delivered, to, None).await.unwrap();
    }
    for (to, note) in [(OrderStatus::Confirmed, Some("Call before packing")), (OrderStatus::Preparing, None)] {
        orders.advance(&owner.actor, store, &kept, to, note).await.unwrap();
    }
    let other = orders.place(&customer.actor, request("two")).await.unwrap().order.id;
    let reason = Some("Changed my mind about Diwali");
    orders.cancel(&customer.actor, store, &other, reason).await.unwrap();
    kept
}

async fn hire_and_fire(town: &Town, store: StoreId, owner: &Person) {
    let staff = town.vyapar.staff();
    let helper = town.person().await;
    let permissions = Default::default();
    let invite = |contact| Invite { contact, role: StoreRole::Staff, permissions };
    let invited = staff.invite(&owner.actor, store, invite(Login::Phone(helper.phone.clone()))).await.unwrap();
    staff.accept(&helper.actor, invited.token.as_str()).await.unwrap();
    staff.change(&owner.actor, store, helper.id, StoreRole::Manager, permissions).await.unwrap();
    staff.remove(&owner.actor, store, helper.id).await.unwrap();
    let email = "asha.kulkarni@example.org".parse().unwrap();
    staff.invite(&owner.actor, store, invite(email)).await.unwrap();
}

async fn administer(town: &Town, boss: &Person) {
    let (access, identity) = (town.vyapar.access(), town.vyapar.identity());
    let now = town.make.now();
    let own = Permission {
        id: "PERM_LOYALTY_AWARD".parse().unwrap(),
        name: "Award points".to_owned(),
        description: "Gives points".to_owned(),
        category: PermissionCategory::UserManagement,
        resource: "customers".to_owned(),
        action: PermissionAction::Update,
        status: PermissionStatus::Active,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    access.add_permission(&boss.actor, own.clone()).await.unwrap();
    let id: RoleId = "ROLE_AWARDER".parse().unwrap();
    let role = NewRole {
        id: id.clone(),
        name: "Awarder".to_owned(),
        description: "Gives points".to_owned(),
        permissions: [own.id.clone()].into(),
        level: crate::access::Level::new(60).unwrap(),
        scope: Scope::Platform,
    };
    access.add_role(&boss.actor, role).await.unwrap();
    let more = RoleChange { permissions: Some([own.id, known::USER_READ].into()), ..RoleChange::default() };
    access.update_role(&boss.actor, &id, more).await.unwrap();
    let clerk = town.person().await;
    access.assign_role(&boss.actor, clerk.id, &RoleId::VIEWER, None).await.unwrap();
    let deny = Grant { permission: known::USER_READ, scope: Scope::Platform, expires_at: None };
    access.set_override(&boss.actor, clerk.id, deny, Effect::Deny).await.unwrap();
    access.revoke_role(&boss.actor, clerk.id, &RoleId::VIEWER).await.unwrap();
    access.delete_role(&boss.actor, &id).await.unwrap();
    identity.deactivate(&boss.actor, clerk.id).await.unwrap();
    let new = NewUser {
        full_name: text("Asha Kulkarni"),
        email: "asha.kulkarni@example.com".parse().ok(),
        phone: Some(town.phone()),
        password: Some("battery staple 4".to_owned()),
        kind: AccountKind::StoreOwner,
    };
    let passing = identity.register(&Town::stranger(), new).await.unwrap();
    identity.erase(&town.host, passing.id).await.unwrap();
    let leaving = town.person().await;
    town.vyapar.customers().save_address(&leaving.actor, None, town.new_address()).await.unwrap();
    identity.erase(&leaving.actor, leaving.id).await.unwrap();
}
