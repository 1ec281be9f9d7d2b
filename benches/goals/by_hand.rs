//! What a good engineer writes by hand on PostgreSQL today, without this library: the
//! references of the PostgreSQL rows.

use sqlx::{Executor, PgPool};
use uuid::Uuid;
use vyapar::inventory::Reserve;
use vyapar::{ProductId, StoreId};

/// One statement for one reservation, on the adapter's own tables: the same rows and indexes,
/// without row-level security. A short line ends it with a division by zero, which writes
/// nothing; lines come sorted, so that baskets in opposite order do not deadlock.
const RESERVE: &str = "
with held as (
    insert into vyapar.reservations (store_id, id, attempt, order_id, fingerprint, state, open, product_ids, quantities,
            given_back, revision, due, recover_at, failures, created_at, updated_at)
    values ($1, $2, 1, $3, $4, 'held', true, $5, $6, array_fill(0::numeric, array[cardinality($5)]), 0, $7, $7, 0, $8, $8)
    on conflict do nothing
    returning id
), taken as (
    update vyapar.stock_levels l
       set current_stock = l.current_stock - a.quantity, reserved_stock = l.reserved_stock + a.quantity,
           seq = l.seq + 1, last_stock_update = $8
      from unnest($5::uuid[], $6::numeric[]) as a(product, quantity)
     where l.store_id = $1 and l.store_product_id = a.product and l.current_stock >= a.quantity
       and exists (select from held)
    returning l.store_product_id, l.seq, l.current_stock, a.quantity
), written as (
    insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
            reference_type, reference_id, created_at)
    select $1, store_product_id, seq, 'sale', -quantity, current_stock, 'order', $3, $8 from taken
    returning 1
)
select 1 / (case when count(*) = cardinality($5) then 1 else 0 end) from written";

pub(crate) async fn reserve(pool: &PgPool, store: StoreId, request: &Reserve) {
    let (products, quantities): (Vec<Uuid>, Vec<rust_decimal::Decimal>) =
        request.lines.iter().map(|(id, quantity)| (id.as_uuid(), rust_decimal::Decimal::from(*quantity))).unzip();
    let one: i32 = sqlx::query_scalar(RESERVE)
        .bind(store.as_uuid())
        .bind(request.hold.id.as_uuid())
        .bind(request.hold.order_id.as_str())
        .bind(request.fingerprint.as_bytes().as_slice())
        .bind(products)
        .bind(quantities)
        .bind(request.due)
        .bind(request.now)
        .fetch_one(pool)
        .await
        .expect("a reservation by hand");
    assert_eq!(one, 1);
}

/// Tables as one would make them for placing orders by hand.
const SCHEMA: &str = "
create schema by_hand;
create table by_hand.products (
    id uuid primary key, price numeric(15, 2) not null, current_stock numeric(12, 3) not null,
    reserved_stock numeric(12, 3) not null, check (current_stock >= 0)
) with (fillfactor = 50);
create table by_hand.stock_movements (
    id uuid primary key default gen_random_uuid(), product_id uuid not null, quantity numeric(12, 3) not null,
    balance_after numeric(12, 3) not null, order_id uuid not null, created_at timestamptz not null default now());
create index on by_hand.stock_movements (product_id, created_at);
create table by_hand.orders (
    id uuid primary key, tracking_id varchar not null unique, store_id uuid not null, customer_id uuid not null,
    customer_name text not null, customer_phone text not null, status varchar not null, total numeric(15, 2) not null,
    payment_method varchar not null, payment_status varchar not null, created_at timestamptz not null default now());
create index on by_hand.orders (store_id, created_at, status);
create index on by_hand.orders (customer_id);
create table by_hand.order_items (
    id uuid primary key default gen_random_uuid(), order_id uuid not null references by_hand.orders,
    product_id uuid not null, product_name varchar not null, quantity numeric(12, 3) not null,
    unit_price numeric(15, 2) not null, tax numeric(15, 2) not null, total numeric(15, 2) not null);
create index on by_hand.order_items (order_id);
create table by_hand.order_status_history (
    id uuid primary key default gen_random_uuid(), order_id uuid not null references by_hand.orders,
    status varchar not null, created_at timestamptz not null default now());
create index on by_hand.order_status_history (order_id);
";

/// The tables with these products and plenty of stock.
pub(crate) async fn open(pool: &PgPool, products: &[ProductId]) {
    pool.execute(SCHEMA).await.expect("tables");
    let ids: Vec<Uuid> = products.iter().map(ProductId::as_uuid).collect();
    sqlx::query("insert into by_hand.products select id, 42.50, 100000000, 0 from unnest($1::uuid[]) id")
        .bind(ids)
        .execute(pool)
        .await
        .expect("products");
}

/// Places an order: lock, update and insert per line in one transaction; order, items and
/// history in a second.
pub(crate) async fn place(pool: &PgPool, store: StoreId, products: &[ProductId]) {
    let order = Uuid::new_v4();
    let mut tx = pool.begin().await.expect("begin");
    let mut prices = Vec::with_capacity(products.len());
    for product in products {
        let (price, stock): (rust_decimal::Decimal, rust_decimal::Decimal) =
            sqlx::query_as("select price, current_stock from by_hand.products where id = $1 for update")
                .bind(product.as_uuid())
                .fetch_one(&mut *tx)
                .await
                .expect("lock");
        assert!(stock >= rust_decimal::Decimal::ONE);
        prices.push(price);
        sqlx::query(
            "update by_hand.products set current_stock = current_stock - 1, reserved_stock = reserved_stock + 1
              where id = $1",
        )
        .bind(product.as_uuid())
        .execute(&mut *tx)
        .await
        .expect("update");
        sqlx::query(
            "insert into by_hand.stock_movements (product_id, quantity, balance_after, order_id) values ($1, -1, $2, $3)",
        )
        .bind(product.as_uuid())
        .bind(stock - rust_decimal::Decimal::ONE)
        .bind(order)
        .execute(&mut *tx)
        .await
        .expect("movement");
    }
    tx.commit().await.expect("commit");

    let mut tx = pool.begin().await.expect("begin");
    sqlx::query(
        "insert into by_hand.orders (id, tracking_id, store_id, customer_id, customer_name, customer_phone, status, total,
                payment_method, payment_status)
         values ($1, $2, $3, $4, 'Ravi Kumar', '+919123456789', 'placed', $5, 'cod', 'pending')",
    )
    .bind(order)
    .bind(format!("TRK-{}", &order.simple().to_string()[..12]))
    .bind(store.as_uuid())
    .bind(Uuid::new_v4())
    .bind(prices.iter().sum::<rust_decimal::Decimal>())
    .execute(&mut *tx)
    .await
    .expect("order");
    for (product, price) in products.iter().zip(&prices) {
        sqlx::query(
            "insert into by_hand.order_items (order_id, product_id, product_name, quantity, unit_price, tax, total)
             values ($1, $2, 'Product', 1, $3, 2.02, $3)",
        )
        .bind(order)
        .bind(product.as_uuid())
        .bind(price)
        .execute(&mut *tx)
        .await
        .expect("item");
    }
    sqlx::query("insert into by_hand.order_status_history (order_id, status) values ($1, 'placed')")
        .bind(order)
        .execute(&mut *tx)
        .await
        .expect("history");
    tx.commit().await.expect("commit");
}
