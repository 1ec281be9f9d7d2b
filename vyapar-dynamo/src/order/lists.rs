//! Lists of orders, newest first.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::{OrderId, StoreId};
use vyapar_core::order::{Order, OrderSlot};
use vyapar_core::page::{Cursor, Page, PageRequest};

use super::DynamoOrders;
use super::codec::{read_order, read_slot};
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text};
use crate::keys;
use crate::tables::ORDERS;

impl DynamoOrders {
    /// A store's orders, off the table itself.
    pub(super) async fn of_store(&self, store: StoreId, page: PageRequest) -> Stored<Page<Order>> {
        let query = Query {
            // Markers of abandoned orders stand among them.
            filter: Some(Expression::new("attribute_exists(#version)")),
            ..newest(None, "store_id", text(store), after(&page, "orders")?)
        };
        let wanted = page.limit() as usize + 1;
        let items = self.db.query(&query, wanted, &mut self.db.patience(), "listing a store's orders").await?;
        let orders = items.iter().map(read_order).collect::<Stored<Vec<_>>>()?;
        Ok(Page::of(orders, page.limit(), |order| Cursor::new("orders", order.id.as_str())))
    }

    /// The orders an index finds, as they are now, without those that no longer belong.
    pub(super) async fn of_index(
        &self,
        index: &'static str,
        (value, attribute): (AttributeValue, &str),
        list: &'static str,
        page: PageRequest,
        belongs: impl Fn(&Order) -> bool + Send,
    ) -> Stored<Page<Order>> {
        let query = newest(Some(index), attribute, value, after(&page, list)?);
        let wanted = page.limit() as usize + 1;
        let mut patience = self.db.patience();
        let mut orders: Vec<Order> = Vec::new();
        let mut start = None;
        loop {
            let missing = wanted - orders.len();
            let (found, last) = self.db.query_page(&query, missing, start, &mut patience, "listing orders").await?;
            let keys = found.iter().map(order_key).collect::<Stored<Vec<_>>>()?;
            let items = self.db.get_all(&ORDERS, keys, &mut patience, "reading orders").await?;
            let mut read = Vec::with_capacity(items.len());
            for item in &items {
                if let OrderSlot::Order(order) = read_slot(item)? {
                    read.push(*order);
                }
            }
            // A batch of reads answers in no order.
            read.sort_by(|a, b| b.id.cmp(&a.id));
            orders.extend(read.into_iter().filter(&belongs));
            start = last;
            if start.is_none() || orders.len() >= wanted {
                return Ok(Page::of(orders, page.limit(), |order| Cursor::new(list, order.id.as_str())));
            }
        }
    }
}

/// The key of the order that an item of an index stands for.
pub(super) fn order_key(item: &Attributes) -> Stored<Attributes> {
    let row = Row::new(ORDERS.name, item);
    Ok(keys::order(row.parse("store_id")?, &row.parse("id")?))
}

fn after(page: &PageRequest, list: &str) -> Stored<Option<OrderId>> {
    page.cursor().map(|cursor| cursor.parse_position(list)).transpose()
}

fn newest(index: Option<&'static str>, attribute: &str, value: AttributeValue, before: Option<OrderId>) -> Query {
    let key = match before {
        None => Expression::new(format!("#{attribute} = :of")),
        Some(id) => Expression::new(format!("#{attribute} = :of AND #id < :before")).value(":before", text(id)),
    };
    Query { table: &ORDERS, index, key: key.value(":of", value), filter: None, newest_first: true }
}
