//! The items, and one order at a time: shapes B and C.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue as A, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    KeysAndAttributes, Projection, ProjectionType, Put, PutRequest, ReturnConsumedCapacity, ScalarAttributeType,
    TransactWriteItem, Update, WriteRequest,
};

use crate::support::faults::mix;

pub const STOCK: &str = "stock";
pub const RESERVATIONS: &str = "reservations";
pub const MOVEMENTS: &str = "movements";
pub const STORE: &str = "0195e7a0-0000-7000-8000-000000000001";
pub const STOCK_AT_START: i64 = 100_000_000;
/// What one transaction may carry.
pub const ACTIONS: usize = 100;

/// Everything one run counts.
#[derive(Default)]
pub struct Counters {
    pub retries: AtomicU64,
    pub transactions: AtomicU64,
    /// Tenths of a write unit, as consumed capacity has halves.
    pub write_units: AtomicU64,
    pub read_units: AtomicU64,
}

pub struct Bench {
    pub client: Client,
    pub counters: Counters,
    pub next: AtomicU64,
}

/// A product as its last writer saw it.
#[derive(Clone, Copy)]
pub struct Seen {
    pub stock: i64,
    pub reserved: i64,
    pub seq: i64,
}

pub type Lines = Vec<usize>;

pub fn product(n: usize) -> String {
    format!("0195e7a0-0000-7000-9000-{n:012}")
}

pub fn n(value: i64) -> A {
    A::N(value.to_string())
}

pub fn s(value: impl Into<String>) -> A {
    A::S(value.into())
}

/// `indexes` are on an attribute each, of the same name.
pub async fn create(client: &Client, table: &str, sort: Option<ScalarAttributeType>, indexes: &[&str]) {
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(definition("pk", ScalarAttributeType::S))
        .key_schema(key("pk", KeyType::Hash));
    if let Some(sort) = sort {
        request = request.attribute_definitions(definition("sk", sort)).key_schema(key("sk", KeyType::Range));
    }
    for name in indexes {
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = GlobalSecondaryIndex::builder()
            .index_name(*name)
            .key_schema(key(name, KeyType::Hash))
            .projection(projection)
            .build()
            .expect("complete");
        request =
            request.attribute_definitions(definition(name, ScalarAttributeType::S)).global_secondary_indexes(index);
    }
    request.send().await.expect("the table is created");
}

pub fn definition(name: &str, of: ScalarAttributeType) -> AttributeDefinition {
    AttributeDefinition::builder().attribute_name(name).attribute_type(of).build().expect("complete")
}

pub fn key(name: &str, of: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(of).build().expect("complete")
}

/// The tables, with so many indexes on reservations.
pub async fn setup(client: &Client, products: usize, indexes: &[&str]) {
    create(client, STOCK, Some(ScalarAttributeType::S), &[]).await;
    create(client, RESERVATIONS, Some(ScalarAttributeType::S), indexes).await;
    create(client, MOVEMENTS, Some(ScalarAttributeType::S), &[]).await;
    let all: Vec<usize> = (0..products).collect();
    for chunk in all.chunks(25) {
        let writes = chunk
            .iter()
            .map(|&p| {
                let put = PutRequest::builder()
                    .item("pk", s(STORE))
                    .item("sk", s(product(p)))
                    .item("current_stock", n(STOCK_AT_START))
                    .item("reserved_stock", n(0))
                    .item("seq", n(0))
                    .build()
                    .expect("complete");
                WriteRequest::builder().put_request(put).build()
            })
            .collect();
        client.batch_write_item().request_items(STOCK, writes).send().await.expect("products are written");
    }
}

impl Bench {
    pub fn order(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    fn reservation(order: u64, lines: &Lines) -> TransactWriteItem {
        let lines =
            lines.iter().map(|&p| A::M(HashMap::from([("p".to_owned(), s(product(p))), ("q".to_owned(), n(1))])));
        let put = Put::builder()
            .table_name(RESERVATIONS)
            .item("pk", s(STORE))
            .item("sk", s(format!("r{order:016}")))
            .item("order_id", s(format!("ord_{order}")))
            .item("state", s("held"))
            .item("holding", s("2026"))
            .item("recover", s("2026"))
            .item("lines", A::L(lines.collect()))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .expect("complete");
        TransactWriteItem::builder().put(put).build()
    }

    fn movement(p: usize, sort: String, order: u64, balance: Option<i64>) -> TransactWriteItem {
        let mut put = Put::builder()
            .table_name(MOVEMENTS)
            .item("pk", s(format!("{STORE}#{}", product(p))))
            .item("sk", s(sort))
            .item("movement_type", s("sale"))
            .item("quantity", n(-1))
            .item("reference_id", s(format!("ord_{order}")))
            .condition_expression("attribute_not_exists(pk)");
        if let Some(balance) = balance {
            put = put.item("balance_after", n(balance));
        }
        TransactWriteItem::builder().put(put.build().expect("complete")).build()
    }

    /// One attempt; `false` asks for another.
    pub async fn send(&self, actions: Vec<TransactWriteItem>) -> bool {
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match answer {
            Ok(done) => {
                let units: f64 = done.consumed_capacity().iter().filter_map(|c| c.capacity_units()).sum();
                self.counters.write_units.fetch_add((units * 10.0) as u64, Ordering::Relaxed);
                self.counters.transactions.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(SdkError::ServiceError(e))
                if matches!(e.err(), TransactWriteItemsError::TransactionCanceledException(_)) =>
            {
                self.counters.retries.fetch_add(1, Ordering::Relaxed);
                false
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    pub async fn read(&self, products: &[usize]) -> HashMap<usize, Seen> {
        let mut request = KeysAndAttributes::builder().consistent_read(true);
        for &p in products {
            request = request.keys(HashMap::from([("pk".to_owned(), s(STORE)), ("sk".to_owned(), s(product(p)))]));
        }
        let answer = self
            .client
            .batch_get_item()
            .request_items(STOCK, request.build().expect("complete"))
            .send()
            .await
            .expect("the read succeeds");
        self.counters.read_units.fetch_add(products.len() as u64, Ordering::Relaxed);
        let mut seen = HashMap::new();
        for item in answer.responses().into_iter().flat_map(|r| r.values().flatten()) {
            let number = |name: &str| -> i64 { item[name].as_n().expect("a number").parse().expect("an integer") };
            let p: usize = item["sk"].as_s().expect("a string")[24..].parse().expect("a number");
            seen.insert(
                p,
                Seen { stock: number("current_stock"), reserved: number("reserved_stock"), seq: number("seq") },
            );
        }
        seen
    }

    fn compare_and_set(p: usize, was: Seen, now: Seen) -> TransactWriteItem {
        let update = Update::builder()
            .table_name(STOCK)
            .key("pk", s(STORE))
            .key("sk", s(product(p)))
            .update_expression("SET current_stock = :c, reserved_stock = :r, seq = :n")
            .condition_expression("seq = :seen")
            .expression_attribute_values(":c", n(now.stock))
            .expression_attribute_values(":r", n(now.reserved))
            .expression_attribute_values(":n", n(now.seq))
            .expression_attribute_values(":seen", n(was.seq))
            .build()
            .expect("complete");
        TransactWriteItem::builder().update(update).build()
    }

    /// Shape B: one order, decided by the arithmetic condition.
    pub async fn arithmetic(&self, lines: &Lines) {
        let order = self.order();
        for attempt in 0.. {
            let mut actions: Vec<_> = lines
                .iter()
                .map(|&p| {
                    let update = Update::builder()
                        .table_name(STOCK)
                        .key("pk", s(STORE))
                        .key("sk", s(product(p)))
                        .update_expression(
                            "SET current_stock = current_stock - :q, \
                             reserved_stock = reserved_stock + :q",
                        )
                        .condition_expression("current_stock >= :q")
                        .expression_attribute_values(":q", n(1))
                        .build()
                        .expect("complete");
                    TransactWriteItem::builder().update(update).build()
                })
                .collect();
            actions.push(Self::reservation(order, lines));
            for &p in lines {
                actions.push(Self::movement(p, format!("m{order:016}"), order, None));
            }
            if self.send(actions).await {
                return;
            }
            pause(order, attempt).await;
        }
    }

    /// Shape C: one order, read and compare-and-set.
    pub async fn compare(&self, lines: &Lines) {
        let order = self.order();
        for attempt in 0.. {
            let mut state = self.read(lines).await;
            if self.send(Self::batch(&[(order, lines.clone())], &mut state)).await {
                return;
            }
            pause(order, attempt).await;
        }
    }

    /// The transaction that takes `orders` from `state`, which moves on.
    pub fn batch(orders: &[(u64, Lines)], state: &mut HashMap<usize, Seen>) -> Vec<TransactWriteItem> {
        let before = state.clone();
        let mut actions = Vec::new();
        let mut touched: Vec<usize> = Vec::new();
        for (order, lines) in orders {
            actions.push(Self::reservation(*order, lines));
            for p in lines {
                let seen = state.get_mut(p).expect("it was read");
                seen.stock -= 1;
                seen.reserved += 1;
                seen.seq += 1;
                if !touched.contains(p) {
                    touched.push(*p);
                }
                let sort = format!("{:016}", seen.seq);
                actions.push(Self::movement(*p, sort, *order, Some(seen.stock)));
            }
        }
        for p in touched {
            actions.push(Self::compare_and_set(p, before[&p], state[&p]));
        }
        actions
    }
}

/// Full jitter, 5 ms doubling to 160 ms.
pub async fn pause(order: u64, attempt: u32) {
    let most = 5_000_u64 << attempt.min(5);
    let wait = mix(order ^ mix(u64::from(attempt))) % most;
    tokio::time::sleep(Duration::from_micros(wait)).await;
}
