//! The server is killed while orders are placed: nothing that was confirmed is lost, the rest is
//! finished or undone, and everything adds up.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use vyapar_core::contact::PersonalText;
use vyapar_core::inventory::{ChangeKind, Delta, ProductPrice, ProductStatus, ReservationState};
use vyapar_core::order::{Channel, Destination, OrderFilter, OrderStatus, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar_core::store::{Store, StoreProfile, StoreStatus};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{
    Actor, CustomerId, Money, OrderId, PageRequest, Ports, ProductId, Quantity, StockUnit, StoreId, Vyapar,
};
use vyapar_postgres::Postgres;

/// Times the server is killed.
const KILLS: usize = 2;
/// How long orders are placed before each.
const LOAD: Duration = Duration::from_millis(700);
/// How long a caller asks again for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of this test's own.
struct Cluster {
    folder: String,
    url: String,
}

impl Cluster {
    fn command(arguments: &[&str]) -> Vec<String> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/lib/cluster");
        let output = Command::new(script).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn start() -> Self {
        let lines = Self::command(&["start"]);
        Self { folder: lines[0].clone(), url: lines[1].clone() }
    }

    async fn kill(&self) {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || Self::command(&["kill", &folder])).await.unwrap();
    }

    async fn restart(&self) {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || Self::command(&["restart", &folder])).await.unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let removed = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/lib/cluster"))
            .args(["remove", &self.folder])
            .status();
        if !removed.is_ok_and(|status| status.success()) {
            eprintln!("could not remove the cluster in {}", self.folder);
        }
    }
}

struct Market {
    make: Fixtures,
    /// Cash orders in one transaction, and in steps.
    ways: [Vyapar; 2],
    ports: Ports,
    store: StoreId,
    products: Vec<ProductId>,
}

impl Market {
    async fn open(ports: Ports) -> Self {
        let make = Fixtures::here();
        let library = |ports: Ports| Vyapar::builder(ports, make.env().clone()).build();
        let ways = [library(ports.clone()), library(Ports { at_once: None, ..ports.clone() })];
        let template = make.store();
        let profile = StoreProfile { min_order_amount: Money::ZERO, ..template.profile.clone() };
        let store = Store { status: StoreStatus::Active, profile, ..template };
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        let mut products = Vec::new();
        for _ in 0..6 {
            let price: Money = "10".parse().unwrap();
            let mut product = make.product(store.id);
            product.status = ProductStatus::Active;
            product.details.price = ProductPrice::new(price, price).unwrap();
            product.details.stock_unit = StockUnit::Piece;
            ports.stock.ledger.open(store.id, product.id, StockUnit::Piece, make.now()).await.unwrap();
            products.push(product.id);
            ports.product.products.insert(store.id, product, make.bare_audit()).await.unwrap();
        }
        let lines: Vec<_> = products.iter().map(|id| (*id, Delta::By(Quantity::units(1_000_000).inward()))).collect();
        ports.stock.ledger.change(store.id, make.change(ChangeKind::Purchase, &lines)).await.unwrap();
        Self { make, ways, ports, store: store.id, products }
    }

    fn request(&self, customer: CustomerId, key: usize) -> PlaceOrder {
        let line = |at: usize| PlaceLine {
            product_id: self.products[at % self.products.len()],
            quantity: Quantity::units(1),
            notes: None,
        };
        PlaceOrder {
            store_id: self.store,
            idempotency_key: key.to_string(),
            customer_id: customer,
            customer_name: PersonalText::parse("name", "Asha", 100).unwrap(),
            customer_phone: "98765 43210".parse().unwrap(),
            destination: Destination::Pickup,
            // Everybody wants the first product.
            lines: vec![line(0), line(1 + key % 5)],
            payment_method: PaymentMethod::Cod,
            expected_total: None,
            delivery_notes: None,
            customer_note: None,
            channel: Channel::App,
            language: "hi".to_owned(),
        }
    }

    /// Places order after order until told to stop; asks again with the same key until there is
    /// an answer. Every third caller gives up a key on its first failure instead, like a process
    /// that dies.
    async fn buy(&self, number: usize, stop: &AtomicBool, answered: &Mutex<Vec<(OrderId, OrderStatus)>>) {
        let customer = self.make.customer_id();
        let actor = Actor::customer(customer, None);
        let orders = self.ways[number % 2].orders();
        for key in 0.. {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            let end = Instant::now() + PATIENCE;
            let mut failed = false;
            loop {
                match orders.place(&actor, self.request(customer, key)).await {
                    Ok(placed) => {
                        // A write of which nobody heard, undone when the server was back in time:
                        // its cancelled order is the answer to its key.
                        assert!(failed || placed.order.status == OrderStatus::Placed, "{:?}", placed.order);
                        answered.lock().unwrap().push((placed.order.id, placed.order.status));
                        break;
                    }
                    Err(_) if number % 3 == 2 => break,
                    Err(error) => assert!(Instant::now() < end, "no answer within {PATIENCE:?}: {error:?}"),
                }
                failed = true;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn recover(&self) {
        let host = Actor::system("test");
        let mut quiet = 0;
        for _ in 0..200 {
            self.make.clock().advance(TimeDelta::hours(1));
            let done = self.ways[0].orders().recover(&host, 500).await.unwrap();
            quiet = if done.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("recovery does not end");
    }

    /// All orders of the store.
    async fn orders(&self) -> BTreeMap<OrderId, vyapar_core::order::Order> {
        let mut found = BTreeMap::new();
        let mut page = PageRequest::first(200);
        loop {
            let list = self.ports.order.orders.list(self.store, OrderFilter::default(), page.clone()).await.unwrap();
            found.extend(list.items.into_iter().map(|order| (order.id.clone(), order)));
            let Some(next) = list.next else { return found };
            page = PageRequest::first(200).after(next);
        }
    }
}

#[test]
fn a_killed_server_loses_nothing_that_was_confirmed() {
    run(async {
        let cluster = Cluster::start();
        let options: PgConnectOptions = cluster.url.parse().unwrap();
        let pool =
            PgPoolOptions::new().max_connections(12).acquire_timeout(Duration::from_secs(5)).connect_lazy_with(options);
        let postgres = Postgres::from_pool(pool.clone());
        postgres.migrate().await.unwrap();
        let market = Arc::new(Market::open(postgres.ports()).await);
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let buyers: Vec<_> = (0..24)
            .map(|number| {
                let (market, stop, answered) = (Arc::clone(&market), Arc::clone(&stop), Arc::clone(&answered));
                tokio::spawn(async move { market.buy(number, &stop, &answered).await })
            })
            .collect();
        for _ in 0..KILLS {
            tokio::time::sleep(LOAD).await;
            cluster.kill().await;
            cluster.restart().await;
        }
        tokio::time::sleep(LOAD).await;
        stop.store(true, Ordering::SeqCst);
        for buyer in buyers {
            buyer.await.unwrap();
        }
        market.recover().await;

        let orders = market.orders().await;
        let answered = std::mem::take(&mut *answered.lock().unwrap());
        let confirmed = answered.iter().filter(|(_, status)| *status == OrderStatus::Placed).count();
        assert!(confirmed > 100, "only {confirmed} orders were placed");
        for (id, status) in &answered {
            let order = orders.get(id).unwrap_or_else(|| panic!("order {id} was {status} and is lost"));
            assert_eq!(order.status, *status, "order {id} was answered");
        }
        // What is reserved is what live orders hold, unit by unit.
        let mut held: BTreeMap<ProductId, i64> = BTreeMap::new();
        for order in orders.values() {
            let found = market.ports.stock.reservations.find(market.store, order.hold.id).await.unwrap().unwrap();
            let live = order.status == OrderStatus::Placed;
            assert_eq!(found.state == ReservationState::Committed && found.hold == order.hold, live, "{order:?}");
            for item in order.items.iter().filter(|_| live) {
                *held.entry(item.product_id).or_default() += item.quantity.thousandths();
            }
        }
        for level in market.ports.stock.ledger.levels(market.store, &market.products).await.unwrap() {
            assert_eq!(level.reserved.thousandths(), held.get(&level.product_id).copied().unwrap_or_default());
        }
        let verified = market.ports.stock.ledger.verify(market.store).await.unwrap();
        assert!(verified.is_clean(), "{verified:?}");
        assert_eq!(market.ways[0].orders().stuck(&Actor::system("test"), 100).await.unwrap(), []);
        println!("{confirmed} orders confirmed over {KILLS} kills, {} stored", orders.len());
        pool.close().await;
        drop(cluster);
    });
}
