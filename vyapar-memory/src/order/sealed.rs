//! The sealed texts of orders, their lines and their history.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use vyapar_core::order::{Order, StatusEntry};
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, Cursor, OrderId, OrderItemId, Page, PageRequest, Sealed, StoreId, Stored};

use super::{Book, Orders, Slot};
use crate::lock::{read, write};
use crate::sealed::{Column, column, exchange, page_of, put};

/// The columns of `orders` that hold one.
const COLUMNS: [Column<Order>; 6] = [
    column("customer_name", |order| Some(&order.customer_name), |order| Some(&mut order.customer_name)),
    column("customer_phone", |order| Some(&order.customer_phone), |order| Some(&mut order.customer_phone)),
    column("delivery_address", |order| order.delivery_address.as_ref(), |order| order.delivery_address.as_mut()),
    column("delivery_notes", |order| order.delivery_notes.as_ref(), |order| order.delivery_notes.as_mut()),
    column("customer_note", |order| order.customer_note.as_ref(), |order| order.customer_note.as_mut()),
    column("cancel_reason", |order| order.cancel_reason.as_ref(), |order| order.cancel_reason.as_mut()),
];

/// Name of the list, in its cursors.
const LIST: &str = "sealed_orders";

/// The order that a cursor or a locator names, and what follows it.
fn key(text: &str) -> Option<(StoreId, OrderId, &str)> {
    let (store, rest) = text.split_once(' ')?;
    let (order, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((store.parse().ok()?, order.parse().ok()?, rest))
}

/// The texts of an order and of its history.
fn texts(store: StoreId, order: &Order, history: &[StatusEntry]) -> Vec<SealedText> {
    let id = &order.id;
    let own =
        COLUMNS.iter().filter_map(|column| column.text(order, "orders", id, format!("{store} {id} {}", column.name)));
    let lines = order.items.iter().filter_map(|item| {
        Some(SealedText {
            context: format!("order_items.notes:{}", item.id),
            locator: format!("{store} {id} {}", item.id),
            sealed: item.notes.clone()?,
        })
    });
    let notes = history.iter().filter_map(|entry| {
        let version = entry.version;
        Some(SealedText {
            context: format!("order_status_history.notes:{id}:{version}"),
            locator: format!("{store} {id} {version}"),
            sealed: entry.notes.clone()?,
        })
    });
    own.chain(lines).chain(notes).collect()
}

impl Book {
    /// Its orders after that one, oldest first, with their texts.
    fn texts_after(&self, store: StoreId, after: Option<&OrderId>) -> impl Iterator<Item = (OrderId, Vec<SealedText>)> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.slots.range::<OrderId, _>((after, Bound::Unbounded)).filter_map(move |(id, slot)| match slot {
            Slot::Order { order, history } => Some((id.clone(), texts(store, order, history))),
            Slot::Abandoned => None,
        })
    }
}

#[async_trait]
impl SealedTexts for Orders {
    async fn list(&self, _all: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = match page.cursor() {
            // A position that was never given out is refused as any malformed one is.
            Some(cursor) => match key(cursor.position(LIST)?) {
                Some((store, order, _)) => Some((store, order)),
                None => return Err(crate::malformed(LIST)),
            },
            None => None,
        };
        let rows = read(&self.rows);
        // Stores have no order of their own; a sweep sorts them anew for each page.
        let first = after.as_ref().map(|(store, _)| *store);
        let mut stores: Vec<_> = rows.stores.iter().filter(|(id, _)| first.is_none_or(|first| **id >= first)).collect();
        stores.sort_unstable_by_key(|(id, _)| **id);
        let texts = stores.into_iter().flat_map(|(store, book)| {
            let after = after.as_ref().filter(|(first, _)| first == store).map(|(_, order)| order);
            book.texts_after(*store, after).map(move |(id, texts)| ((*store, id), texts))
        });
        Ok(page_of(texts, page.limit(), |(store, id)| Cursor::new(LIST, format!("{store} {id}"))))
    }

    async fn replace(&self, _all: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let Some((store, id, place)) = key(&text.locator) else { return Ok(false) };
        let mut rows = write(&self.rows);
        let slot = rows.stores.get_mut(&store).and_then(|book| book.slots.get_mut(&id));
        let Some(Slot::Order { order, history }) = slot else { return Ok(false) };
        if let Ok(version) = place.parse::<u64>() {
            let entry = history.iter_mut().find(|entry| entry.version == version);
            return Ok(put(entry.and_then(|entry| entry.notes.as_mut()), &text.sealed, to));
        }
        if let Ok(line) = place.parse::<OrderItemId>() {
            let item = Arc::make_mut(order).items.iter_mut().find(|item| item.id == line);
            return Ok(put(item.and_then(|item| item.notes.as_mut()), &text.sealed, to));
        }
        Ok(exchange(&COLUMNS, Arc::make_mut(order), place, &text.sealed, to))
    }
}
