//! The sealed texts of orders, their lines and their history.

use async_trait::async_trait;
use uuid::Uuid;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, OrderId, Page, PageRequest, Sealed, Stored};

use super::Orders;
use crate::database::Scope;
use crate::row::Fields;
use crate::{error, sealed};

/// The name that cursors of the list carry.
const LIST: &str = "sealed_orders";
/// The columns of `orders` that hold a text.
const COLUMNS: [&str; 6] =
    ["customer_name", "customer_phone", "delivery_address", "delivery_notes", "customer_note", "cancel_reason"];

/// The order that a cursor or a locator names, and what follows it.
fn key(text: &str) -> Option<(Uuid, OrderId, &str)> {
    let (store, rest) = text.split_once(' ')?;
    let (order, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    Some((store.parse().ok()?, order.parse().ok()?, rest))
}

/// Where a text stands: `{store} {order} {column}`, or a line's id, or the version of a row of
/// history instead of a column.
#[async_trait]
impl SealedTexts for Orders {
    async fn list(&self, _: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = match page.cursor() {
            Some(cursor) => Some(key(cursor.position(LIST)?).ok_or_else(|| error::malformed(LIST))?),
            None => None,
        };
        let (store, order) = after.map(|(store, order, _)| (store, order)).unzip();
        let query = sqlx::query(
            "select o.store_id, o.id, customer_name, customer_phone, delivery_address, delivery_notes, customer_note,
                    cancel_reason,
                    array(select i.id from vyapar.order_items i
                           where i.store_id = o.store_id and i.order_id = o.id and i.notes is not null
                           order by i.line_no) as lines,
                    array(select i.notes from vyapar.order_items i
                           where i.store_id = o.store_id and i.order_id = o.id and i.notes is not null
                           order by i.line_no) as line_notes,
                    array(select h.version from vyapar.order_status_history h
                           where h.store_id = o.store_id and h.order_id = o.id and h.notes is not null
                           order by h.version) as note_versions,
                    array(select h.notes from vyapar.order_status_history h
                           where h.store_id = o.store_id and h.order_id = o.id and h.notes is not null
                           order by h.version) as notes
               from vyapar.orders o
              where ($1::uuid is null or (o.store_id, o.id) > ($1, $2))
              order by o.store_id, o.id limit $3",
        )
        .bind(store)
        .bind(order.as_ref().map(OrderId::as_str))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::AllStores, "listing sealed texts of orders").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let texts = |row| {
            let fields = Fields::of(row, "orders", "id");
            let (store, id): (Uuid, &str) = (fields.get("store_id")?, fields.get("id")?);
            let key = format!("{store} {id}");
            let own = sealed::columns(&fields, &COLUMNS)?;
            let own = own
                .into_iter()
                .map(|(column, text)| sealed::text("orders", column, id, format!("{key} {column}"), text));
            let versions: Vec<i64> = fields.get("note_versions")?;
            let notes: Vec<Vec<u8>> = fields.get("notes")?;
            let notes = versions.into_iter().zip(notes).map(|(version, note)| {
                let row = format!("{id}:{version}");
                sealed::text("order_status_history", "notes", row, format!("{key} {version}"), Sealed::from_bytes(note))
            });
            let lines: Vec<Uuid> = fields.get("lines")?;
            let line_notes: Vec<Vec<u8>> = fields.get("line_notes")?;
            let lines = lines.into_iter().zip(line_notes).map(|(line, note)| {
                sealed::text("order_items", "notes", line, format!("{key} {line}"), Sealed::from_bytes(note))
            });
            let texts = own.chain(lines).chain(notes).collect();
            Ok((key, texts))
        };
        Ok(sealed::page(rows.iter().map(texts).collect::<Stored<_>>()?, page.limit(), LIST))
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let Some((store, order, place)) = key(&text.locator) else { return Ok(false) };
        let function = match (place.parse::<i64>(), place.parse::<Uuid>()) {
            (_, Ok(line)) => sqlx::query("select vyapar.replace_line_text($1, $2, $3, $4, $5, $6)")
                .bind(store)
                .bind(order.as_str())
                .bind(line),
            (Ok(version), _) => sqlx::query("select vyapar.replace_history_text($1, $2, $3, $4, $5, $6)")
                .bind(store)
                .bind(order.as_str())
                .bind(version),
            _ => sqlx::query("select vyapar.replace_order_text($1, $2, $3, $4, $5, $6)")
                .bind(store)
                .bind(order.as_str())
                .bind(place),
        };
        let function = function.bind(text.sealed.as_bytes()).bind(to.as_bytes()).bind(self.database.lock_timeout());
        self.database.call_one(function, "replacing a sealed text of an order").await
    }
}
