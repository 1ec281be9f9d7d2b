//! Two processes on one database. The test starts its own binary again, once per process.

use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;
use vyapar_core::inventory::{ReserveOutcome, StockPorts};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{ProductId, Quantity, StockUnit, StoreId};
use vyapar_postgres::Postgres;

use crate::database::TestDatabase;

/// Tells a process which database, store, products, buyers and seed it has.
const TASK: &str = "VYAPAR_TEST_BUYERS";
/// The test that a process runs, by its full name.
const HELPER: &str = "processes::buyers_of_another_process";

struct Task {
    database: String,
    store: StoreId,
    products: Vec<ProductId>,
    buyers: usize,
    seed: u64,
}

impl Task {
    fn to_text(&self) -> String {
        let products: Vec<_> = self.products.iter().map(ToString::to_string).collect();
        format!("{} {} {} {} {}", self.database, self.store, products.join(","), self.buyers, self.seed)
    }

    fn from_text(text: &str) -> Self {
        let parts: Vec<_> = text.split(' ').collect();
        Self {
            database: parts[0].to_owned(),
            store: parts[1].parse().unwrap(),
            products: parts[2].split(',').map(|id| id.parse().unwrap()).collect(),
            buyers: parts[3].parse().unwrap(),
            seed: parts[4].parse().unwrap(),
        }
    }

    /// Every buyer wants one of each product; every second one names them the other way
    /// round. How many got theirs.
    async fn buy(&self) -> usize {
        let pool = TestDatabase::pool_of(&self.database, 8);
        let stock: Arc<StockPorts> = Arc::new(Postgres::from_pool(pool.clone()).ports().stock);
        let fixtures = Fixtures::seeded(self.seed);
        let buying: Vec<_> = (0..self.buyers)
            .map(|buyer| {
                let lines: Vec<_> = self.products.iter().map(|id| (*id, Quantity::units(1))).collect();
                let mut request = fixtures.reserve(&lines);
                if buyer % 2 == 1 {
                    request.lines.reverse();
                }
                let (stock, store) = (Arc::clone(&stock), self.store);
                tokio::spawn(async move { stock.reservations.reserve(store, request).await.unwrap() })
            })
            .collect();
        let mut held = 0;
        for buying in buying {
            match buying.await.unwrap() {
                ReserveOutcome::Held => held += 1,
                ReserveOutcome::Short(_) => {}
                ReserveOutcome::Taken(found) => panic!("another's key: {found:?}"),
            }
        }
        pool.close().await;
        held
    }
}

/// Not a promise of its own: what the processes below run. Without a task it does nothing.
#[test]
fn buyers_of_another_process() {
    if let Ok(text) = std::env::var(TASK) {
        run(async { println!("held={}", Task::from_text(&text).buy().await) });
    }
}

/// Runs a task in a process of its own; how many got theirs.
async fn elsewhere(task: &Task) -> usize {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([HELPER, "--exact", "--nocapture"])
        .env(TASK, task.to_text())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let held = text.split("held=").nth(1).and_then(|rest| rest.split_whitespace().next());
    held.unwrap_or_else(|| panic!("no count in {text}")).parse().unwrap()
}

async fn race(database: &TestDatabase, products: usize, units: u32, buyers: usize) -> usize {
    let fixtures = Fixtures::seeded(1);
    let stock = database.postgres().ports().stock;
    let (store, products) = (fixtures.store_id(), fixtures.product_ids(products));
    for product in &products {
        stock.ledger.open(store, *product, StockUnit::Piece, fixtures.now()).await.unwrap();
    }
    stock.ledger.change(store, fixtures.purchase(&products, Quantity::units(units))).await.unwrap();
    let task = |seed| Task { database: database.name().to_owned(), store, products: products.clone(), buyers, seed };
    let (first, second) = (task(2), task(3));
    let (first, second) = tokio::join!(elsewhere(&first), elsewhere(&second));
    for level in stock.ledger.levels(store, &products).await.unwrap() {
        let sold = u32::try_from(first + second).unwrap();
        assert_eq!(level.reserved, Quantity::units(sold));
        assert_eq!(level.current, Quantity::units(units - sold));
    }
    let verified = stock.ledger.verify(store).await.unwrap();
    assert!(verified.is_clean(), "{verified:?}");
    first + second
}

#[test]
fn two_processes_sell_exactly_what_there_is() {
    run(async {
        let database = TestDatabase::create().await;
        assert_eq!(race(&database, 1, 100, 95).await, 100);
    });
}

#[test]
fn baskets_in_opposite_order_from_two_processes_all_get_through() {
    run(async {
        let database = TestDatabase::create().await;
        assert_eq!(race(&database, 6, 200, 60).await, 120);
    });
}
