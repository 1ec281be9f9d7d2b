//! The orders' sealed texts, those of their lines and their history included.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::id::OrderId;
use vyapar_core::page::{AllStores, Page, PageRequest};
use vyapar_core::secret::{Sealed, SealedText, SealedTexts};

use super::DynamoOrders;
use crate::db::Scan;
use crate::expression::Expression;
use crate::item::{Attributes, Row};
use crate::keys;
use crate::sealed::{Sealing, page, replace};
use crate::tables::ORDERS;

const COLUMNS: &[&str] =
    &["customer_name", "customer_phone", "delivery_address", "delivery_notes", "customer_note", "cancel_reason"];

struct Orders;

impl Sealing for Orders {
    const LIST: &'static str = "sealed_orders";

    fn scan(&self) -> Scan {
        // Tracking ids and markers of abandoned orders are among them.
        Scan { table: &ORDERS, filter: Expression::new("attribute_exists(#version)") }
    }

    fn texts(&self, item: &Attributes) -> Stored<Vec<SealedText>> {
        let row = Row::new(ORDERS.name, item);
        let id: OrderId = row.parse("id")?;
        let place = self.place(item)?;
        let mut texts = Vec::new();
        for column in COLUMNS {
            texts.extend(row.maybe_sealed(column)?.map(|sealed| SealedText {
                context: format!("orders.{column}:{id}"),
                locator: format!("{place} {column}"),
                sealed,
            }));
        }
        // Lines are never added, removed or moved, so each keeps its number.
        for (number, line) in row.rows("items")?.into_iter().enumerate() {
            let line_id = line.str("id")?;
            texts.extend(line.maybe_sealed("notes")?.map(|sealed| SealedText {
                context: format!("order_items.notes:{line_id}"),
                locator: format!("{place} line{number}"),
                sealed,
            }));
        }
        // Rows are only ever added to a history, so each keeps its number.
        for (number, entry) in row.rows("history")?.into_iter().enumerate() {
            let version: u64 = entry.parse("version")?;
            texts.extend(entry.maybe_sealed("notes")?.map(|sealed| SealedText {
                context: format!("order_status_history.notes:{id}:{version}"),
                locator: format!("{place} {number}"),
                sealed,
            }));
        }
        Ok(texts)
    }

    fn place(&self, item: &Attributes) -> Stored<String> {
        let row = Row::new(ORDERS.name, item);
        Ok(format!("{} {}", row.str("store_id")?, row.str("id")?))
    }

    fn key(&self, place: &str) -> Option<Attributes> {
        let (store, id) = place.split_once(' ')?;
        Some(keys::order(store.parse().ok()?, &id.parse().ok()?))
    }
}

#[async_trait]
impl SealedTexts for DynamoOrders {
    async fn list(&self, _: AllStores, request: PageRequest) -> Stored<Page<SealedText>> {
        page(&self.db, &Orders, request).await
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        // A locator of another unit stands for nothing here.
        let Some((place, column)) = text.locator.rsplit_once(' ') else { return Ok(false) };
        let Some(key) = Orders.key(place) else { return Ok(false) };
        let line = column.strip_prefix("line").and_then(|number| number.parse::<u32>().ok());
        let path = match (column.parse::<u32>(), line) {
            (Ok(number), _) => format!("#history[{number}].#notes"),
            (Err(_), Some(number)) => format!("#items[{number}].#notes"),
            (Err(_), None) if COLUMNS.contains(&column) => format!("#{column}"),
            (Err(_), None) => return Ok(false),
        };
        replace(&self.db, &ORDERS, key, &path, &text.sealed, &to).await
    }
}
