//! The PostgreSQL rows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use vyapar::inventory::ReserveOutcome;
use vyapar::postgres::Postgres;

use crate::by_hand;
use crate::load::{Seen, median, mix, run};
use crate::report::{Goal, row};
use crate::shop::{Basket, Shop};

/// Products of the shop.
const PRODUCTS: usize = 10_000;
/// Connections of the pool, the same for the adapter and for what is written by hand.
const CONNECTIONS: u32 = 32;
/// Rounds of a row: reference and library in turn.
const ROUNDS: u64 = 5;
/// Rounds before them that do not count: backends read the catalogue, and customers order for the
/// first time, which begins their profiles.
const WARM: usize = 1;

/// Years of business: 100 movements of each product, and 200,000 delivered orders. Not vacuumed
/// more than a server does by itself, but counted.
const FILL: &str = "
insert into vyapar.stock_movements (store_id, store_product_id, seq, movement_type, quantity, balance_after,
        reference_type, reference_id, created_at)
select l.store_id, l.store_product_id, l.seq + n, 'adjustment', case when n % 2 = 1 then 1 else -1 end,
       l.current_stock + n % 2, 'manual', 'filling', now() - (101 - n) * interval '1 day'
  from vyapar.stock_levels l, generate_series(1, 100) n;
update vyapar.stock_levels set seq = seq + 100;
create unlogged table by_hand.made as
select n, 'ord_' || lpad(n::text, 26, '0') as id, gen_random_uuid() as uuid from generate_series(1, 200000) n;
insert into vyapar.orders
select (jsonb_populate_record(t.o, jsonb_build_object('id', m.id, 'tracking_id', 'old-' || m.n, 'customer_id', m.uuid,
        'status', 'delivered', 'reservation_id', m.uuid, 'created_at', now() - m.n * interval '1 minute'))).*
  from by_hand.made m, (select o from vyapar.orders o limit 1) t;
insert into vyapar.order_items
select (jsonb_populate_record(t.i, jsonb_build_object('id', m.uuid, 'order_id', m.id))).*
  from by_hand.made m, (select i from vyapar.order_items i limit 1) t;
insert into vyapar.order_status_history (id, store_id, order_id, version, status, party, created_at)
select m.uuid, t.store_id, m.id, 1, 'delivered', 'store', now()
  from by_hand.made m, (select store_id from vyapar.orders limit 1) t;
insert into vyapar.audit_logs (id, store_id, action, entity_type, entity_id, created_at)
select m.uuid, t.store_id, 'order.status', 'order', m.id, now()
  from by_hand.made m, (select store_id from vyapar.orders limit 1) t;
insert into vyapar.reservations
select (jsonb_populate_record(t.r, jsonb_build_object('id', m.uuid, 'order_id', m.id, 'state', 'dispatched'))).*
  from by_hand.made m, (select r from vyapar.reservations r where state = 'committed' limit 1) t;
analyze;
checkpoint";

struct Rows {
    shop: Arc<Shop>,
    pool: PgPool,
    time: Duration,
}

/// A database, made anew; the last one stays for a look.
async fn database(url: &str, name: &str) -> PgPool {
    let options: PgConnectOptions = url.parse().expect("a URL");
    let mut admin = options.connect().await.expect("a server");
    for command in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        admin.execute(AssertSqlSafe(command)).await.expect("a database");
    }
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .min_connections(CONNECTIONS)
        // A ping before every statement would only slow down what is written by hand.
        .test_before_acquire(false)
        .connect_with(options.database(name))
        .await
        .expect("a pool")
}

/// Has a server make so many files of its write-ahead log and take them for what comes.
async fn make_log_files(url: &str, files: u32) {
    let options: PgConnectOptions = url.parse().expect("a URL");
    let mut admin = options.connect().await.expect("a server");
    for _ in 0..files {
        // A file that nothing was written to is not left.
        let next = "select pg_logical_emit_message(false, 'next', ''), pg_switch_wal()";
        admin.execute(next).await.expect("a superuser");
    }
    admin.execute("checkpoint").await.expect("a superuser");
}

/// An open shop on a database of its own. The one before of that name is dropped: what the server
/// would go on doing for its million rows, in the background, is no part of the rows to come.
async fn open(url: &str, name: &str, time: Duration) -> Rows {
    let pool = database(url, name).await;
    let postgres = Postgres::from_pool(pool.clone());
    postgres.migrate().await.expect("the schema");
    let shop = Arc::new(Shop::open(postgres.ports(), PRODUCTS).await);
    by_hand::open(&pool, &shop.products).await;
    for command in ["vacuum (analyze)", "checkpoint"] {
        pool.execute(command).await.expect("a superuser");
    }
    Rows { shop, pool, time }
}

pub(crate) async fn rows(url: &str, time: Duration, wanted: &str) {
    let spread = Basket::Spread(3);
    let is = |name: &str| wanted.is_empty() || name.contains(wanted);
    let words = ["reserve-spread", "reserve-hot", "reserve-single", "place-spread", "place-hot", "full"];
    if !words.into_iter().any(is) {
        return;
    }
    if let Ok(files) = std::env::var("VYAPAR_BENCH_WAL_FILES") {
        make_log_files(url, files.parse().expect("a number of files")).await;
    }
    if ["reserve-spread", "reserve-hot", "reserve-single"].into_iter().any(is) {
        let rows = open(url, "vyapar_bench", time).await;
        if is("reserve-spread") {
            rows.reserve("reserve 3 lines of 10,000 products, 32 callers", spread, 32, Goal::AtLeast(3.0)).await;
            rows.reserve("reserve 3 lines of 10,000 products, 256 callers", spread, 256, Goal::AtLeast(5.0)).await;
        }
        if is("reserve-hot") {
            rows.reserve("reserve one hot product, 32 callers", Basket::Hot, 32, Goal::AtLeast(15.0)).await;
            rows.reserve("reserve one hot product, 256 callers", Basket::Hot, 256, Goal::AtLeast(35.0)).await;
        }
        if is("reserve-single") {
            rows.latency().await;
        }
        rows.pool.close().await;
    }
    if is("place-spread") {
        let rows = open(url, "vyapar_bench", time).await;
        rows.place("place an order of 3 lines, 32 callers", spread, 32, Goal::AtLeast(4.0)).await;
        rows.place("place an order of 3 lines, 256 callers", spread, 256, Goal::None).await;
        rows.pool.close().await;
    }
    if is("place-hot") {
        let rows = open(url, "vyapar_bench", time).await;
        rows.place("place an order of one hot product, 32 callers", Basket::Hot, 32, Goal::AtLeast(12.0)).await;
        rows.place("place an order of one hot product, 256 callers", Basket::Hot, 256, Goal::None).await;
        rows.pool.close().await;
    }
    if is("full") {
        let empty = open(url, "vyapar_bench", time).await;
        open(url, "vyapar_bench_full", time).await.beside(&empty).await;
    }
}

impl Rows {
    async fn by_library(&self, basket: Basket, callers: u64, round: u64) -> Seen {
        let shop = Arc::clone(&self.shop);
        run(callers, self.time, move |caller, number| {
            let shop = Arc::clone(&shop);
            async move {
                let request = shop.reserve(basket, seed(round, caller, number));
                let outcome = shop.ports.stock.reservations.reserve(shop.store, request).await;
                assert_eq!(outcome.expect("an answer"), ReserveOutcome::Held);
            }
        })
        .await
    }

    async fn by_hand(&self, basket: Basket, callers: u64, round: u64) -> Seen {
        let (shop, pool) = (Arc::clone(&self.shop), self.pool.clone());
        run(callers, self.time, move |caller, number| {
            let (shop, pool) = (Arc::clone(&shop), pool.clone());
            async move {
                let request = shop.reserve(basket, seed(round, caller, number));
                by_hand::reserve(&pool, shop.store, &request).await;
            }
        })
        .await
    }

    async fn reserve(&self, what: &str, basket: Basket, callers: u64, goal: Goal) {
        let (mut hand, mut library) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            hand.push(self.by_hand(basket, callers, 2 * round).await);
            library.push(self.by_library(basket, callers, 2 * round + 1).await);
        }
        compare(what, &hand[WARM..], &library[WARM..], goal);
    }

    /// One caller at a time: what gathering costs who has nobody to gather with.
    async fn latency(&self) {
        let (mut hand, mut library) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            hand.push(self.by_hand(Basket::Spread(3), 1, 2 * round).await.p50.as_secs_f64() * 1e3);
            library.push(self.by_library(Basket::Spread(3), 1, 2 * round + 1).await.p50.as_secs_f64() * 1e3);
        }
        let ratio = median(hand.iter().zip(&library).map(|(hand, library)| library / hand).collect());
        row(
            "PostgreSQL: reserve 3 lines, 1 caller, latency (p50)",
            &format!("{:.2} ms", median(library)),
            &format!("{:.2} ms", median(hand)),
            ratio,
            Goal::AtMost(1.15),
        );
    }

    async fn placed_by_library(&self, basket: Basket, callers: u64, round: u64) -> Seen {
        let shop = Arc::clone(&self.shop);
        run(callers, self.time, move |caller, number| {
            let shop = Arc::clone(&shop);
            async move {
                let (actor, request) = shop.order(basket, seed(round, caller, number));
                shop.vyapar.orders().place(&actor, request).await.expect("an order");
            }
        })
        .await
    }

    /// The same calls as on an empty system, in turn with them.
    async fn beside(&self, empty: &Self) {
        // What is filled in are copies of an order.
        self.placed_by_library(Basket::Spread(3), 32, 1).await;
        for part in FILL.split(";\n").filter(|part| !part.trim().is_empty()) {
            self.pool.execute(part).await.expect("filling");
        }
        let (mut reserved, mut placed) = (Vec::new(), Vec::new());
        for round in 100..=100 + ROUNDS {
            let mut seen = [Vec::new(), Vec::new()];
            for rows in [empty, self] {
                seen[0].push(rows.by_library(Basket::Spread(3), 32, 2 * round).await.per_second);
                seen[1].push(rows.placed_by_library(Basket::Spread(3), 32, 2 * round + 1).await.per_second);
            }
            let [reserve, place] = seen.map(|both| (both[0], both[1]));
            reserved.push(reserve);
            placed.push(place);
        }
        for (what, pairs) in [("reserve", &reserved[WARM..]), ("place an order of", &placed[WARM..])] {
            let middle = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
            row(
                &format!("PostgreSQL: {what} 3 lines, 32 callers, at 1,000,000 movements and 200,000 orders"),
                &format!("{:.0}/s", middle(|pair| pair.1)),
                &format!("on an empty system, {:.0}/s", middle(|pair| pair.0)),
                middle(|pair| pair.0 / pair.1),
                Goal::AtMost(1.25),
            );
        }
    }

    async fn place(&self, what: &str, basket: Basket, callers: u64, goal: Goal) {
        let (mut hand, mut library) = (Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let (shop, pool) = (Arc::clone(&self.shop), self.pool.clone());
            hand.push(
                run(callers, self.time, move |caller, number| {
                    let (shop, pool) = (Arc::clone(&shop), pool.clone());
                    async move {
                        let products = shop.basket(basket, seed(2 * round, caller, number));
                        by_hand::place(&pool, shop.store, &products).await;
                    }
                })
                .await,
            );
            library.push(self.placed_by_library(basket, callers, 2 * round + 1).await);
        }
        compare(what, &hand[WARM..], &library[WARM..], goal);
    }
}

fn seed(round: u64, caller: u64, number: u64) -> u64 {
    mix(round << 48 ^ caller << 32 ^ number)
}

fn compare(what: &str, hand: &[Seen], library: &[Seen], goal: Goal) {
    let ratio = median(hand.iter().zip(library).map(|(hand, library)| library.per_second / hand.per_second).collect());
    let show = |seen: &[Seen]| {
        let middle = |of: fn(&Seen) -> f64| median(seen.iter().map(of).collect());
        format!(
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms",
            middle(|s| s.per_second),
            middle(|s| s.p50.as_secs_f64() * 1e3),
            middle(|s| s.p99.as_secs_f64() * 1e3)
        )
    };
    row(&format!("PostgreSQL: {what}"), &show(library), &show(hand), ratio, goal);
}
