//! The stored format, item by item: what is written here is in the field for years.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value};
use vyapar_core::access::{GrantTarget, Guard, Role, RolePermissions};
use vyapar_core::geo::Coordinates;
use vyapar_core::inventory::{ChangeKind, Delta, ReleaseCause};
use vyapar_core::order::OrderStatus;
use vyapar_core::store::{ReviewRating, Stars, StoreStatus};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{Quantity, ReviewId, StockUnit};
use vyapar_dynamo::tables::TABLES;

use crate::support::bench::{Fresh, fresh};
use crate::support::golden;

/// Everything in all tables, by table and keys.
async fn everything(fresh: &Fresh) -> Value {
    let mut all = Map::new();
    for table in TABLES {
        let mut items = Vec::new();
        let found = fresh.client.scan().table_name(fresh.names.of(table)).send().await.unwrap().items.unwrap();
        for mut item in found {
            // Which of the logs is chosen by chance.
            if let Some(AttributeValue::S(log)) = item.get_mut("log")
                && !log.starts_with("id#")
            {
                *log = "a shard".to_owned();
            }
            items.push(golden::item(&item));
        }
        items.sort_by_key(ToString::to_string);
        all.insert(table.name.to_owned(), Value::Array(items));
    }
    Value::Object(all)
}

#[test]
fn stock_items_are_pinned() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::seeded(1);
        let store = make.store_id();
        let stock = fresh.dynamo.stock();
        let products = make.product_ids(2);
        for product in &products {
            stock.ledger.open(store, *product, StockUnit::Kg, make.now()).await.unwrap();
        }
        let lines =
            [(products[0], Delta::By(Quantity::units(10).inward())), (products[1], Delta::Counted(Quantity::units(3)))];
        stock.ledger.change(store, make.change(ChangeKind::Purchase, &lines)).await.unwrap();
        let quarter = Quantity::from_thousandths(250).unwrap();
        let held = make.reserve(&[(products[0], quarter)]);
        stock.reservations.reserve(store, held).await.unwrap();
        let sold = make.reserve(&[(products[0], Quantity::units(2)), (products[1], Quantity::units(1))]);
        stock.reservations.reserve(store, sold.clone()).await.unwrap();
        stock.reservations.commit(store, sold.hold.clone(), make.now()).await.unwrap();
        stock.reservations.dispatch(store, sold.hold.clone(), make.now()).await.unwrap();
        let back =
            make.give_back(&sold.hold, &[(products[0], quarter, false), (products[1], Quantity::units(1), true)]);
        stock.reservations.give_back(store, back).await.unwrap();
        stock.reservations.release(store, make.hold(), ReleaseCause::Undone, make.now()).await.unwrap();
        golden::check("stock", &everything(&fresh).await);
    });
}

#[test]
fn order_items_are_pinned() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::seeded(2);
        let store = make.store_id();
        let orders = fresh.dynamo.order();
        let mut order = make.full_order(store);
        order.items.truncate(2);
        order.status = OrderStatus::Placed;
        orders.orders.insert(store, make.new_order(&order)).await.unwrap();
        let plain = make.order(store);
        orders.orders.insert(store, make.new_order(&plain)).await.unwrap();
        orders.orders.abandon(store, &make.order_id(), make.now()).await.unwrap();
        let entry = make.bare_audit();
        orders.audit.append(entry).await.unwrap();
        golden::check("orders", &everything(&fresh).await);
    });
}

#[test]
fn identity_items_are_pinned() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::seeded(3);
        let ports = fresh.dynamo.identity();
        let (plain, full) = (make.user(), make.full_user());
        for user in [&plain, &full] {
            ports.users.insert(user.clone(), make.bare_audit()).await.unwrap();
        }
        ports.sessions.start(make.session(&plain), make.bare_audit()).await.unwrap();
        ports.sessions.start(make.full_session(&plain), make.bare_audit()).await.unwrap();
        ports.otps.save(make.full_otp_book(), 0, None).await.unwrap();
        let mut attempts = make.login_attempts();
        attempts.locked_until = Some(make.now());
        ports.attempts.save(attempts, 0).await.unwrap();
        ports.attempts.save(make.login_attempts(), 0).await.unwrap();
        golden::check("identity", &everything(&fresh).await);
    });
}

#[test]
fn access_items_are_pinned() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::seeded(4);
        let ports = fresh.dynamo.access();
        for permission in [make.permission(), make.full_permission()] {
            ports.permissions.insert(permission, make.bare_audit()).await.unwrap();
        }
        let mut deleted = make.role();
        deleted.deleted_at = Some(make.now());
        let mut full = make.full_role();
        if let RolePermissions::Only(ids) = &mut full.permissions {
            *ids = ids.iter().take(2).cloned().collect();
        }
        let all = Role { permissions: RolePermissions::All, ..make.role() };
        for role in [make.role(), full, all, deleted] {
            ports.roles.insert(role, make.bare_audit()).await.unwrap();
        }
        let mut admin = make.super_admin();
        let permission = make.permission_id();
        admin.assignments.push(make.denial(admin.user_id, permission.clone()));
        admin.assignments.push(make.assignment(admin.user_id, GrantTarget::Permission(permission)));
        ports.grants.save(admin, 0, Guard::First, make.bare_audit()).await.unwrap();
        golden::check("access", &everything(&fresh).await);
    });
}

#[test]
fn store_items_are_pinned() {
    run(async {
        let fresh = fresh().await;
        let make = Fixtures::seeded(5);
        let ports = fresh.dynamo.store();
        let full = make.full_store();
        ports.stores.insert(full.clone(), None, make.bare_audit()).await.unwrap();
        // The full one is suspended; this one is found nearby.
        let mut found = make.store();
        found.status = StoreStatus::Active;
        found.profile.coordinates = Coordinates::new(-33.868_8, 151.209_3).ok();
        let owner = make.owner(found.id);
        ports.stores.insert(found.clone(), Some(owner), make.bare_audit()).await.unwrap();
        ports.counters.count_order(found.id, &make.order_id()).await.unwrap();
        for (revision, stars) in [(1, Stars::new(4).ok()), (3, None)] {
            let review_id = ReviewId::from_uuid(make.uuid());
            ports.counters.rate(found.id, ReviewRating { review_id, revision, stars }).await.unwrap();
        }
        let left = make.full_member(found.id);
        ports.members.insert(found.id, left, make.bare_audit()).await.unwrap();
        for invitation in [make.invitation(found.id), make.full_invitation(found.id)] {
            ports.invitations.insert(found.id, invitation, make.bare_audit()).await.unwrap();
        }
        golden::check("stores", &everything(&fresh).await);
    });
}
