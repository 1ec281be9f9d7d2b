//! Hot calls find their rows by index, not by reading tables: counted by the server itself
//! (`pg_stat_user_tables.seq_scan`) on some ten thousand rows a table.

use std::collections::BTreeMap;

use sqlx::{Executor, PgPool, Row};
use uuid::Uuid;
use vyapar_core::access::{GrantTarget, Guard, PermissionFilter, RoleFilter, RoleStatus};
use vyapar_core::customer::Customer;
use vyapar_core::geo::Radius;
use vyapar_core::identity::{AccountKind, ContactKind, LoginAttempts, OtpBook, UserFilter};
use vyapar_core::inventory::{Hold, ProductFilter, ProductStatus, ReleaseCause};
use vyapar_core::order::{OrderFilter, OrderStatus};
use vyapar_core::page::AllStores;
use vyapar_core::store::{
    NearbyPosition, NearbyQuery, ReviewRating, Stars, Store, StoreFilter, StoreStatus, StoreType, StoreUser,
};
use vyapar_core::system::AuditFilter;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{
    Blind, CustomerId, InvitationId, Money, OrderId, PageRequest, Ports, Quantity, ReviewId, SessionId, StoreId, UserId,
};
use vyapar_postgres::Postgres;

use crate::database::TestDatabase;

/// Copies of one whole store, so that every row is one that the adapter can read.
const STORES: i32 = 24;
/// Copies of its rows in each.
const ROWS: i32 = 500;

/// A store with a row of everything, many times over.
async fn fill(pool: &PgPool, fixtures: &Fixtures, store: StoreId) -> Hold {
    let ports = Postgres::from_pool(pool.clone()).ports();
    let product = fixtures.full_product(store);
    ports.product.products.insert(store, product.clone(), fixtures.bare_audit()).await.unwrap();
    let unit = product.details.stock_unit;
    ports.stock.ledger.open(store, product.id, unit, fixtures.now()).await.unwrap();
    ports.stock.ledger.change(store, fixtures.purchase(&[product.id], Quantity::units(900))).await.unwrap();
    let request = fixtures.reserve(&[(product.id, Quantity::units(1))]);
    ports.stock.reservations.reserve(store, request.clone()).await.unwrap();
    let order = fixtures.full_order(store);
    ports.order.orders.insert(store, fixtures.new_order(&order)).await.unwrap();
    let payment = fixtures.full_payment(store, &order.id);
    ports.payment.payments.insert(store, payment, fixtures.bare_audit()).await.unwrap();
    let shop = fixtures.full_store();
    let owner = fixtures.owner(shop.id);
    ports.store.stores.insert(shop.clone(), Some(owner), fixtures.bare_audit()).await.unwrap();
    ports.store.invitations.insert(shop.id, fixtures.invitation(shop.id), fixtures.bare_audit()).await.unwrap();
    // Only an active store has a point.
    let open = Store { status: StoreStatus::Active, ..fixtures.full_store() };
    ports.store.stores.insert(open, None, fixtures.bare_audit()).await.unwrap();
    ports.store.counters.count_order(shop.id, &fixtures.order_id()).await.unwrap();
    ports.store.counters.rate(shop.id, rating(fixtures)).await.unwrap();
    people(&ports, fixtures).await;
    // Copies come in an order of ours, whatever refers to what.
    pool.execute("set session_replication_role = replica").await.unwrap();
    for table in ["stores", "store_products", "stock_levels", "stock_movements", "stock_operations", "reservations"] {
        copy(pool, table, store).await;
    }
    for table in ["orders", "order_items", "order_status_history", "payments", "refunds", "audit_logs"] {
        copy(pool, table, store).await;
    }
    for table in ["store_users", "store_invitations", "users", "user_lookups", "sessions", "otp_verifications"] {
        copy(pool, table, store).await;
    }
    for table in ["store_order_counts", "store_ratings", "store_points"] {
        copy(pool, table, store).await;
    }
    for table in ["customers", "customer_addresses", "customer_credits"] {
        copy(pool, table, store).await;
    }
    for table in ["otp_books", "login_attempts", "permissions", "roles", "user_grants", "user_permissions"] {
        copy(pool, table, store).await;
    }
    pool.execute("reset session_replication_role").await.unwrap();
    pool.execute("vacuum analyze").await.unwrap();
    request.hold
}

fn rating(fixtures: &Fixtures) -> ReviewRating {
    ReviewRating { review_id: ReviewId::from_uuid(fixtures.uuid()), revision: 1, stars: Stars::new(4).ok() }
}

/// A row of everything that is nobody's store's.
async fn people(ports: &Ports, fixtures: &Fixtures) {
    let (identity, access) = (&ports.identity, &ports.access);
    let user = fixtures.user();
    identity.users.insert(user.clone(), fixtures.bare_audit()).await.unwrap();
    identity.sessions.start(fixtures.session(&user), fixtures.bare_audit()).await.unwrap();
    identity.otps.save(fixtures.otp_book(), 0, None).await.unwrap();
    identity.attempts.save(fixtures.login_attempts(), 0).await.unwrap();
    access.permissions.insert(fixtures.permission(), fixtures.bare_audit()).await.unwrap();
    access.roles.insert(fixtures.role(), fixtures.bare_audit()).await.unwrap();
    let given = fixtures.assignment(user.id, GrantTarget::Permission(fixtures.permission_id()));
    let grants = fixtures.grants(user.id, vec![given]);
    access.grants.save(grants, 0, Guard::Keep, fixtures.bare_audit()).await.unwrap();
    let mut customer = fixtures.customer();
    customer.put_address(fixtures.full_address()).unwrap();
    ports.customer.customers.insert(customer.clone(), fixtures.bare_audit()).await.unwrap();
    ports.customer.customers.credit(customer.id, fixtures.credited(Money::ZERO, 1)).await.unwrap();
}

/// Copies a table's first row: fresh keys, everything else as it is.
async fn copy(pool: &PgPool, table: &str, store: StoreId) {
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute
          where attrelid = ('vyapar.' || $1)::regclass and attnum > 0 and not attisdropped and attgenerated = ''
            and attidentity = ''",
    )
    .bind(table)
    .fetch_all(pool)
    .await
    .unwrap();
    // The same numbers give the same keys in every table, so that copies belong together.
    let id = |what: &str| format!("md5('{what}' || s || '-' || n)::uuid");
    let order = "'ord_' || lpad((s * 1000 + n)::text, 26, '0')".to_owned();
    let values: Vec<String> = columns
        .iter()
        .map(|column| match (table, column.as_str()) {
            ("stores", "store_id") => "'copy-' || s || '-' || n".to_owned(),
            ("stores", "pincode") => "lpad((110000 + (s * 500 + n) % 20000)::text, 6, '1')".to_owned(),
            ("store_points", "store_id") => id("stores"),
            ("store_points", "latitude" | "longitude") => format!("{column} + (s * {ROWS} + n) / 1e4"),
            ("store_points", "place") => {
                format!("vyapar.on_map(latitude + (s * {ROWS} + n) / 1e4, longitude + (s * {ROWS} + n) / 1e4)")
            }
            (_, "store_id") => format!("case s when 0 then '{store}'::uuid else md5('store' || s)::uuid end"),
            ("orders", "id") | (_, "order_id") => order.clone(),
            ("orders", "order_number") => "'ORD-' || lpad((s * 1000 + n)::text, 26, '0')".to_owned(),
            ("orders", "tracking_id") => "'TRK-' || lpad((s * 1000 + n)::text, 12, '0')".to_owned(),
            ("customers", "id") | ("customer_addresses" | "customer_credits", "customer_id") => id("customer"),
            (_, "customer_id") => "md5('customer' || n)::uuid".to_owned(),
            ("store_products", "id") | (_, "store_product_id") => id("product"),
            ("payments", "id") | (_, "payment_id") if table != "orders" => id("payment"),
            (_, "operation_id") => id("operation"),
            (_, "review_id") => id("review"),
            (_, "sku") => "'SKU-' || n".to_owned(),
            (_, "barcode") => "'890' || n".to_owned(),
            ("stock_movements", "seq") => "1".to_owned(),
            // Most of what recovery looks at lies in the future.
            (_, "due" | "recover_at" | "geocoding_due") => format!("{column} + n * interval '1 hour'"),
            (_, "failures") => "n % 50".to_owned(),
            (_, "entity_id") => "n::text".to_owned(),
            ("audit_logs", "user_id") => "md5('user' || n)::uuid".to_owned(),
            ("users", "id") | (_, "user_id") => id("user"),
            (_, "lookup") | ("otp_books", "phone") | ("login_attempts", "key") => {
                "sha256((s || '-' || n)::bytea)".to_owned()
            }
            (_, "permission_id") => "'PERM_' || s || '_' || n".to_owned(),
            (_, "role_id") => "'ROLE_' || s || '_' || n".to_owned(),
            (_, "hierarchy_level") => "1 + n % 100".to_owned(),
            (_, "assignment_id") => "s || '-' || n".to_owned(),
            // Most of what is swept some day is not old.
            ("sessions", "expires_at")
            | ("otp_verifications", "created_at")
            | ("otp_books" | "login_attempts", "updated_at") => format!("{column} + n * interval '1 hour'"),
            (_, "id") => id(table),
            (_, column) => column.to_owned(),
        })
        .collect();
    let sql = format!(
        "insert into vyapar.{table} ({}) select {} from (select * from vyapar.{table} limit 1) one,
            generate_series(0, {STORES} - 1) s, generate_series(1, {ROWS}) n",
        columns.join(", "),
        values.join(", "),
    );
    pool.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
}

/// How often each table was read from one end to the other so far.
async fn scans(pool: &PgPool) -> BTreeMap<String, i64> {
    pool.execute("select pg_stat_force_next_flush()").await.unwrap();
    pool.execute("select pg_stat_clear_snapshot()").await.unwrap();
    let rows = pool
        .fetch_all("select relname::text, seq_scan from pg_stat_user_tables where schemaname = 'vyapar'")
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn hot_calls_use_indexes() {
    run(async {
        let database = TestDatabase::create().await;
        // One connection: statistics of another would come late.
        let pool = TestDatabase::pool_of(database.name(), 1);
        let fixtures = Fixtures::here();
        let store = fixtures.store_id();
        let hold = fill(&pool, &fixtures, store).await;
        let ports = Postgres::from_pool(pool.clone()).ports();
        let md5 =
            |text: &str| sqlx::query_scalar::<_, Uuid>("select md5($1)::uuid").bind(text.to_owned()).fetch_one(&pool);
        let product = vyapar_core::ProductId::from_uuid(md5("product0-7").await.unwrap());
        let payment = vyapar_core::PaymentId::from_uuid(md5("payment0-7").await.unwrap());
        let (customer, auditor) = (md5("customer7").await.unwrap(), md5("user7").await.unwrap());
        let user = UserId::from_uuid(md5("user0-7").await.unwrap());
        let session = SessionId::from_uuid(md5("sessions0-7").await.unwrap());
        let invitation = InvitationId::from_uuid(md5("store_invitations0-7").await.unwrap());
        let shop = StoreId::from_uuid(md5("stores0-7").await.unwrap());
        let contact: Vec<u8> = sqlx::query_scalar("select sha256('0-7')").fetch_one(&pool).await.unwrap();
        let contact = Blind::from_bytes(contact.try_into().unwrap());
        let given: GrantTarget = "PERM_0_7".parse().unwrap();
        let (users, sessions) = (&ports.identity.users, &ports.identity.sessions);
        let (grants, members, invitations) = (&ports.access.grants, &ports.store.members, &ports.store.invitations);
        let known = users.get(user).await.unwrap().unwrap();
        let order: OrderId = format!("ord_{:026}", 7).parse().unwrap();
        let (now, page) = (fixtures.now(), PageRequest::first(20));
        let (nearby, customers) = (&ports.store.search, &ports.customer.customers);
        let buyer = CustomerId::from_uuid(md5("customer0-7").await.unwrap());
        let buyer = customers.get(buyer).await.unwrap().unwrap();
        let centre = fixtures.full_store().profile.coordinates.unwrap();
        let near = NearbyQuery::within(centre, Radius::from_km(100.0).unwrap());
        let far = NearbyPosition { distance_km: 40.0, id: shop };

        let mut before = scans(&pool).await;
        let mut full = Vec::new();
        // Each several times: a plan is made anew after some calls.
        macro_rules! by_index {
            ($($name:literal: $call:expr;)*) => {$(
                for _ in 0..7 {
                    $call.await.unwrap();
                }
                let after = scans(&pool).await;
                for (table, scanned) in &after {
                    // (One row is all that the guard has.)
                    if before.get(table) != Some(scanned) && table != "access_guard" {
                        full.push(format!("{} reads all of {table}", $name));
                    }
                }
                before = after;
            )*};
        }
        let status = |status| OrderFilter { status: Some(status) };
        let (orders, stock, stores) = (&ports.order, &ports.stock, &ports.store.stores);
        by_index! {
            "store.get": stores.get(store);
            "store.find_by_slug": stores.find_by_slug(&"copy-3-7".parse().unwrap());
            "store.list by status": stores.list(AllStores, StoreFilter { status: Some(StoreStatus::Suspended), ..StoreFilter::default() }, page.clone());
            "store.list by PIN code": stores.list(AllStores, StoreFilter { pincode: Some("111007".parse().unwrap()), ..StoreFilter::default() }, page.clone());
            "store.geocode_due": stores.geocode_due(AllStores, now, 20);
            "store.count_order": ports.store.counters.count_order(shop, &fixtures.order_id());
            "store.rate": ports.store.counters.rate(shop, rating(&fixtures));
            "store.nearby": nearby.nearby(AllStores, near, page.clone());
            "store.nearby of a type": nearby.nearby(AllStores, NearbyQuery { store_type: Some(StoreType::Dairy), ..near }, page.clone());
            "store.nearby, far behind": nearby.nearby(AllStores, near, PageRequest::first(20).after(far.cursor()));
            "customer.insert": customers.insert(fixtures.full_customer(), fixtures.bare_audit());
            "customer.get": customers.get(buyer.id);
            "customer.update": customers.update(Customer { addresses: vec![fixtures.full_address()], ..buyer.clone() }, buyer.version, fixtures.bare_audit());
            "customer.credit": customers.credit(buyer.id, fixtures.credited(Money::ZERO, 1));
            "customer.geocode_due": customers.geocode_due(AllStores, now, 20);
            "customer.sealed.list": ports.customer.sealed.list(AllStores, page.clone());
            "product.get_many": ports.product.products.get_many(store, &[product]);
            "product.find_by_sku": ports.product.products.find_by_sku(store, &"SKU-7".parse().unwrap());
            "product.list": ports.product.products.list(store, ProductFilter::default(), page.clone());
            "product.list by status": ports.product.products.list(store, ProductFilter { status: Some(ProductStatus::Discontinued), ..ProductFilter::default() }, page.clone());
            "product.list by barcode": ports.product.products.list(store, ProductFilter { barcode: Some("8907".to_owned()), ..ProductFilter::default() }, page.clone());
            "stock.levels": stock.ledger.levels(store, &[product]);
            "stock.movements": stock.ledger.movements(store, product, page.clone());
            "stock.change": stock.ledger.change(store, fixtures.purchase(&[product], Quantity::units(1)));
            "stock.reserve": stock.reservations.reserve(store, fixtures.reserve(&[(product, Quantity::units(1))]));
            "stock.reserve short": stock.reservations.reserve(store, fixtures.reserve(&[(product, Quantity::units(9_999))]));
            "stock.find": stock.reservations.find(store, hold.id);
            "stock.commit": stock.reservations.commit(store, hold.clone(), now);
            "stock.amend": stock.reservations.amend(store, fixtures.amend(&hold, 3, &[]));
            "stock.release": stock.reservations.release(store, hold.clone(), ReleaseCause::Undone, now);
            "stock.dispatch": stock.reservations.dispatch(store, hold.clone(), now);
            "stock.give_back": stock.reservations.give_back(store, fixtures.give_back(&hold, &[(product, Quantity::units(1), true)]));
            "stock.queue.due": stock.queue.due(AllStores, now, 20);
            "stock.queue.stuck": stock.queue.stuck(AllStores, 49, 20);
            "stock.queue.defer": stock.queue.defer(store, hold.clone(), now, 1);
            "order.insert": orders.orders.insert(store, fixtures.new_order(&fixtures.order(store)));
            "order.find": orders.orders.find(store, &order);
            "order.history": orders.orders.history(store, &order);
            "order.list": orders.orders.list(store, OrderFilter::default(), page.clone());
            "order.list by status": orders.orders.list(store, status(OrderStatus::Confirmed), page.clone());
            "order.list_by_customer": orders.orders.list_by_customer(CustomerId::from_uuid(customer), page.clone());
            "order.find_by_tracking": orders.orders.find_by_tracking(&"TRK-000000003007".parse().unwrap());
            "order.queue.due": orders.queue.due(AllStores, now, 20);
            "order.queue.stuck": orders.queue.stuck(AllStores, 49, 20);
            "payment.get": ports.payment.payments.get(store, payment);
            "payment.list_by_order": ports.payment.payments.list_by_order(store, &order);
            "payment.queue.due": ports.payment.queue.due(AllStores, now, 20);
            "payment.queue.stuck": ports.payment.queue.stuck(AllStores, 49, 20);
            "audit.list": ports.system.audit.list(AuditFilter::default(), page.clone());
            "audit.list of a store": ports.system.audit.list(AuditFilter { store_id: Some(store), ..AuditFilter::default() }, page.clone());
            "audit.list by user": ports.system.audit.list(AuditFilter { user_id: Some(UserId::from_uuid(auditor)), ..AuditFilter::default() }, page.clone());
            "audit.list of a thing": ports.system.audit.list(AuditFilter { entity: Some(("order".to_owned(), "7".to_owned())), ..AuditFilter::default() }, page.clone());
            "audit.feed": ports.system.audit.feed(None, 20);
            "users.insert": users.insert(fixtures.full_user(), fixtures.bare_audit());
            "users.get": users.get(user);
            "users.find": users.find(ContactKind::Phone, &[contact, fixtures.blind()]);
            "users.update": users.update(known.clone(), 1, None);
            "users.list": users.list(UserFilter::default(), page.clone());
            "users.list by kind": users.list(UserFilter { kind: Some(AccountKind::Admin), ..UserFilter::default() }, page.clone());
            "sessions.start": sessions.start(fixtures.session(&known), fixtures.bare_audit());
            "sessions.get": sessions.get(session);
            "sessions.touch": sessions.touch(session, now);
            "sessions.revoke": sessions.revoke(user, session, now, fixtures.bare_audit());
            "sessions.list_by_user": sessions.list_by_user(user, page.clone());
            "sessions.sweep": sessions.sweep(now, 20);
            "otps.get": ports.identity.otps.get(contact);
            "otps.save": ports.identity.otps.save(OtpBook { phone: contact, ..fixtures.full_otp_book() }, 1, None);
            "otps.sweep": ports.identity.otps.sweep(now, 20);
            "attempts.get": ports.identity.attempts.get(contact);
            "attempts.save": ports.identity.attempts.save(LoginAttempts { key: contact, ..fixtures.login_attempts() }, 1);
            "attempts.sweep": ports.identity.attempts.sweep(now, 20);
            "identity.sealed.list": ports.identity.sealed.list(AllStores, page.clone());
            "permissions.get_many": ports.access.permissions.get_many(&["PERM_0_7".parse().unwrap()]);
            "permissions.list": ports.access.permissions.list(PermissionFilter::default(), page.clone());
            "roles.get_many": ports.access.roles.get_many(&["ROLE_0_7".parse().unwrap()]);
            "roles.list": ports.access.roles.list(RoleFilter::default(), page.clone());
            "roles.list by status": ports.access.roles.list(RoleFilter { status: Some(RoleStatus::Active) }, page.clone());
            "grants.of_user": grants.of_user(user);
            "grants.save": grants.save(fixtures.grants(user, vec![fixtures.assignment(user, given.clone())]), 1, Guard::Add, fixtures.bare_audit());
            "grants.holders": grants.holders(&given, page.clone());
            "members.insert": members.insert(shop, fixtures.member(shop), fixtures.bare_audit());
            "members.get": members.get(store, user);
            "members.update": members.update(store, StoreUser { user_id: user, ..fixtures.member(store) }, 1, fixtures.bare_audit());
            "members.list": members.list(store, page.clone());
            "members.list_by_user": members.list_by_user(user);
            "invitations.get": invitations.get(AllStores, invitation);
            "invitations.list": invitations.list(store, page.clone());
            "invitations.revoke": invitations.revoke(store, invitation, now, fixtures.bare_audit());
            "store.sealed.list": ports.store.sealed.list(AllStores, page.clone());
            "order.sealed.list": ports.order.sealed.list(AllStores, page.clone());
            "order.abandon": orders.orders.abandon(store, &fixtures.order_id(), now);
        }
        assert!(full.is_empty(), "{full:#?}\n{before:?}");
        pool.close().await;
    });
}
