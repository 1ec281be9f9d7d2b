//! Adding orders: batches for `vyapar.insert_orders`.

use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::error::BoxDynError;
use uuid::Uuid;
use vyapar_core::order::{InsertOutcome, NewOrder, Order, OrderItem, StatusEntry};
use vyapar_core::system::AuditEntry;
use vyapar_core::{RepositoryError, RepositoryErrorKind, Sealed, StoreId, Stored};

use crate::encode::{bigint, integer, millis, place};
use crate::error::{self, Intent};
use crate::gather::{Key, Reply, Work};
use crate::wire::{Columns, Rows, Wire};

/// Inserting orders, as a kind of call that is gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inserting;

#[async_trait]
impl Work for Inserting {
    /// In a box, because it is large and calls are moved about.
    type Ask = Box<NewOrder>;
    type Answer = InsertOutcome;

    const NAME: &'static str = "inserting an order";
    const INTENT: Intent = Intent::Write;

    fn keys(&self, ask: &Box<NewOrder>) -> Vec<Key> {
        vec![Key::Order(ask.order.store_id, ask.order.id.clone())]
    }

    fn lines(&self, ask: &Box<NewOrder>) -> usize {
        ask.order.items.len()
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Box<NewOrder>],
        _wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<InsertOutcome>>>, sqlx::Error> {
        // By key: the order in which keys are taken.
        let mut by_key: Vec<&NewOrder> = asks.iter().map(|new| &***new).collect();
        by_key.sort_by(|a, b| (a.order.store_id, &a.order.id).cmp(&(b.order.store_id, &b.order.id)));
        let mut stores: Vec<Uuid> = by_key.iter().map(|new| new.order.store_id.as_uuid()).collect();
        stores.dedup();
        let rows = OrderRows::of(by_key.iter().copied());
        let answer = sqlx::query_scalar::<_, String>("select vyapar.insert_orders($1, $2, $3, $4, $5, $6)")
            .bind(stores)
            .bind(Rows(&rows.orders))
            .bind(Rows(&rows.items))
            .bind(Rows(&rows.history))
            .bind(Rows(&rows.audit))
            .bind(millis(patience))
            .fetch_one(connection)
            .await;
        match answer {
            // A schema of before migration 0033 also answers what stood in a single order's way.
            Ok(answer) => Ok(asks.iter().map(|_| outcome(&answer).map(Reply::Done)).collect()),
            // Of one call it is the answer; of several nobody knows whose, and they come one by one.
            Err(error) => match in_the_way(&error).filter(|_| asks.len() == 1) {
                Some(outcome) => Ok(vec![outcome.map(Reply::Done)]),
                None => Err(error),
            },
        }
    }
}

/// Orders as the functions take them: one array a table.
pub(super) struct OrderRows<'a> {
    pub(super) orders: Vec<OrderRow<'a>>,
    pub(super) items: Vec<ItemRow<'a>>,
    pub(super) history: Vec<HistoryRow<'a>>,
    pub(super) audit: Vec<AuditRow<'a>>,
}

impl<'a> OrderRows<'a> {
    pub(super) fn of(orders: impl Iterator<Item = &'a NewOrder>) -> Self {
        let mut rows = Self { orders: Vec::new(), items: Vec::new(), history: Vec::new(), audit: Vec::new() };
        for new in orders {
            let order = &new.order;
            rows.orders.push(OrderRow(order));
            rows.items.extend(order.items.iter().enumerate().map(|(at, item)| ItemRow {
                order,
                line: place(at),
                item,
            }));
            rows.history.push(HistoryRow { store: order.store_id, entry: &new.history });
            rows.audit.push(AuditRow(&new.audit));
        }
        rows
    }
}

/// What the functions raise when an order cannot be inserted.
const IN_THE_WAY: &str = "VY003";

/// What stood in an order's way, if that was it.
pub(super) fn in_the_way(error: &sqlx::Error) -> Option<Stored<InsertOutcome>> {
    let database = error.as_database_error().filter(|database| database.code().as_deref() == Some(IN_THE_WAY))?;
    Some(outcome(database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail().unwrap_or_default()))
}

fn outcome(text: &str) -> Stored<InsertOutcome> {
    match text {
        "inserted" => Ok(InsertOutcome::Inserted),
        "already_there" => Ok(InsertOutcome::AlreadyThere),
        "abandoned" => Ok(InsertOutcome::Abandoned),
        "tracking_id_taken" => Ok(InsertOutcome::TrackingIdTaken),
        _ => Err(RepositoryError::new(RepositoryErrorKind::Backend, "an answer of insert_orders")),
    }
}

/// An order's first entry of history is its key, so its number is always the same.
pub(super) fn check(store: StoreId, new: &NewOrder, context: &'static str) -> Stored<()> {
    if new.order.store_id != store {
        return Err(error::foreign(context));
    }
    if new.history.version != 1 {
        let found = format!("{context}: its history begins with version {} and not 1", new.history.version);
        return Err(RepositoryError::new(RepositoryErrorKind::Backend, found));
    }
    Ok(())
}

/// `vyapar.order_row`.
pub(super) struct OrderRow<'a>(&'a Order);

impl Wire for OrderRow<'_> {
    const TYPE: &'static str = "vyapar.order_row";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let order = self.0;
        row.varchar(order.id.as_str())?
            .varchar(order.order_number.as_str())?
            .varchar(order.tracking_id.as_str())?
            .uuid(order.store_id.as_uuid())?
            .uuid(order.customer_id.as_uuid())?
            .bytes(order.customer_name.as_bytes())?
            .bytes(order.customer_phone.as_bytes())?
            .bytes_opt(order.delivery_address.as_ref().map(Sealed::as_bytes))?
            .bytes_opt(order.delivery_notes.as_ref().map(Sealed::as_bytes))?
            .bytes_opt(order.customer_note.as_ref().map(Sealed::as_bytes))?
            .bytes_opt(order.cancel_reason.as_ref().map(Sealed::as_bytes))?
            .varchar_opt(order.cancelled_by.map(|party| party.as_str()))?
            .varchar(order.place_of_supply.as_str())?
            .varchar(order.fulfilment.as_str())?
            .varchar(order.status.as_str())?
            .numeric(order.totals.subtotal)?
            .numeric(order.totals.discount)?
            .numeric(order.totals.tax)?
            .numeric(order.totals.delivery_fee)?
            .numeric(order.totals.total)?
            .varchar(order.payment_method.as_str())?
            .varchar(order.payment_status.as_str())?
            .uuid_opt(order.paid_by.map(|id| id.as_uuid()))?
            .varchar_opt(order.payment_id.as_deref())?
            .uuid(order.hold.id.as_uuid())?
            .integer(integer(order.hold.attempt))?
            .bytes(order.fingerprint.as_bytes())?
            .boolean(order.dispatched)?
            .varchar(order.channel.as_str())?
            .varchar(&order.language)?
            .time_opt(order.estimated_delivery)?
            .json_opt(Some(&order.effects))?
            .time_opt(order.recover_at)?
            .integer(integer(order.failures))?
            .bigint(bigint(order.version))?
            .time(order.created_at)?
            .time(order.updated_at)?;
        Ok(())
    }
}

/// `vyapar.order_item_row`.
pub(super) struct ItemRow<'a> {
    order: &'a Order,
    line: i32,
    item: &'a OrderItem,
}

impl Wire for ItemRow<'_> {
    const TYPE: &'static str = "vyapar.order_item_row";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let Self { order, line, item } = self;
        // The sum of the parts, as the rule of the split has it; exact in thousands of crores.
        let tax = [item.tax.cgst, item.tax.sgst, item.tax.igst].map(Decimal::from);
        row.uuid(item.id.as_uuid())?
            .uuid(order.store_id.as_uuid())?
            .varchar(order.id.as_str())?
            .integer(*line)?
            .uuid(item.product_id.as_uuid())?
            .varchar(&item.product_name)?
            .numeric(item.quantity)?
            .numeric(item.ordered_quantity)?
            .numeric(item.unit_price)?
            .numeric(item.mrp)?
            .numeric(item.tax_rate)?
            .numeric(item.tax.taxable)?
            .numeric(item.tax.cgst)?
            .numeric(item.tax.sgst)?
            .numeric(item.tax.igst)?
            .numeric(tax.iter().sum::<Decimal>())?
            .numeric(item.discount_amount)?
            .numeric(item.total_amount)?
            .bytes_opt(item.notes.as_ref().map(Sealed::as_bytes))?
            .time(order.created_at)?;
        Ok(())
    }
}

/// `vyapar.order_history_row`.
pub(super) struct HistoryRow<'a> {
    store: StoreId,
    entry: &'a StatusEntry,
}

impl Wire for HistoryRow<'_> {
    const TYPE: &'static str = "vyapar.order_history_row";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let Self { store, entry } = self;
        row.uuid(entry.id.as_uuid())?
            .uuid(store.as_uuid())?
            .varchar(entry.order_id.as_str())?
            .bigint(bigint(entry.version))?
            .varchar(entry.status.as_str())?
            .varchar(entry.party.as_str())?
            .uuid_opt(entry.changed_by.map(|id| id.as_uuid()))?
            .bytes_opt(entry.notes.as_ref().map(Sealed::as_bytes))?
            .time(entry.created_at)?;
        Ok(())
    }
}

/// `vyapar.audit_row`.
pub(super) struct AuditRow<'a>(&'a AuditEntry);

impl Wire for AuditRow<'_> {
    const TYPE: &'static str = "vyapar.audit_row";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let entry = self.0;
        row.uuid(entry.id.as_uuid())?
            .uuid_opt(entry.store_id.map(|id| id.as_uuid()))?
            .uuid_opt(entry.user_id.map(|id| id.as_uuid()))?
            .varchar(&entry.action)?
            .varchar(&entry.entity_type)?
            .varchar(&entry.entity_id)?
            .json_opt(entry.old_values.as_ref())?
            .json_opt(entry.new_values.as_ref())?
            .varchar_opt(entry.request.ip_address.as_deref())?
            .varchar_opt(entry.request.user_agent.as_deref())?
            .time(entry.created_at)?;
        Ok(())
    }
}
