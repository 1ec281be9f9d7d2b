//! Orders as items. The golden tests in `tests/it/golden.rs` pin what is written here.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::{OrderId, StoreId};
use vyapar_core::inventory::Hold;
use vyapar_core::order::{NewOrder, Order, OrderItem, OrderSlot, OrderTotals, StatusEntry};
use vyapar_core::pricing::TaxSplit;
use vyapar_core::secret::Sealed;
use vyapar_core::time::Timestamp;

use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, bytes, json, number, text, time};
use crate::keys;
use crate::tables::ORDERS;

/// The attributes an update may change; each is set, or removed where the new state has none.
const MUTABLE: &[&str] = &[
    "store_status",
    "status",
    "items",
    "subtotal",
    "discount_amount",
    "tax_amount",
    "delivery_fee",
    "total_amount",
    "customer_name",
    "customer_phone",
    "delivery_address",
    "delivery_notes",
    "customer_note",
    "place_of_supply",
    "fulfilment",
    "payment_method",
    "payment_status",
    "paid_by",
    "payment_id",
    "dispatched",
    "cancel_reason",
    "cancelled_by",
    "language",
    "estimated_delivery",
    "effects",
    "recover_at",
    "recover_shard",
    "failures",
    "version",
    "updated_at",
];

/// What never changes in an order, and its history so far.
pub(super) fn order_item(new: &NewOrder) -> Stored<Attributes> {
    let order = &new.order;
    Ok(mutable(order)?
        .extend(keys::order(order.store_id, &order.id))
        .with("order_number", text(&order.order_number))
        .with("tracking_id", text(&order.tracking_id))
        .with("customer_id", text(order.customer_id))
        .with("hold", hold(&order.hold))
        .with("fingerprint", bytes(order.fingerprint.as_bytes()))
        .with("channel", text(order.channel))
        .with("created_at", time(order.created_at))
        .with("history", AttributeValue::L(vec![history_entry(&new.history)]))
        .build())
}

fn hold(hold: &Hold) -> AttributeValue {
    AttributeValue::M(
        ItemBuilder::new()
            .with("reservation_id", text(hold.id))
            .with("attempt", number(hold.attempt))
            .with("order_id", text(&hold.order_id))
            .build(),
    )
}

fn mutable(order: &Order) -> Stored<ItemBuilder> {
    let sealed = |value: &Option<Sealed>| value.as_ref().map(|value| bytes(value.as_bytes()));
    let totals = &order.totals;
    let due = order.recover_at.map(|_| text(keys::shard_of(order.id.as_str())));
    Ok(ItemBuilder::new()
        .with("store_status", keys::store_status(order.store_id, order.status))
        .with("status", text(order.status))
        .with("items", AttributeValue::L(order.items.iter().map(line).collect()))
        .with("subtotal", number(totals.subtotal))
        .with("discount_amount", number(totals.discount))
        .with("tax_amount", number(totals.tax))
        .with("delivery_fee", number(totals.delivery_fee))
        .with("total_amount", number(totals.total))
        .with("customer_name", bytes(order.customer_name.as_bytes()))
        .with("customer_phone", bytes(order.customer_phone.as_bytes()))
        .maybe("delivery_address", sealed(&order.delivery_address))
        .maybe("delivery_notes", sealed(&order.delivery_notes))
        .maybe("customer_note", sealed(&order.customer_note))
        .with("place_of_supply", text(&order.place_of_supply))
        .with("fulfilment", text(order.fulfilment))
        .with("payment_method", text(order.payment_method))
        .with("payment_status", text(order.payment_status))
        .maybe("paid_by", order.paid_by.map(text))
        .maybe("payment_id", order.payment_id.as_ref().map(text))
        .with("dispatched", AttributeValue::Bool(order.dispatched))
        .maybe("cancel_reason", sealed(&order.cancel_reason))
        .maybe("cancelled_by", order.cancelled_by.map(text))
        .with("language", text(&order.language))
        .maybe("estimated_delivery", order.estimated_delivery.map(time))
        .with("effects", json(&order.effects)?)
        .maybe("recover_at", order.recover_at.map(time))
        .maybe("recover_shard", due)
        .with("failures", number(order.failures))
        .with("version", number(order.version))
        .with("updated_at", time(order.updated_at)))
}

/// The change to a new state, with a row of history if there is one.
pub(super) fn order_change(order: &Order, history: Option<&StatusEntry>) -> Stored<Expression> {
    let state = mutable(order)?.build();
    let Some(entry) = history else { return Ok(Expression::to_state(state, MUTABLE, None)) };
    let append = "#history = list_append(#history, :entry)";
    Ok(Expression::to_state(state, MUTABLE, Some(append))
        .value(":entry", AttributeValue::L(vec![history_entry(entry)])))
}

fn line(item: &OrderItem) -> AttributeValue {
    let tax = &item.tax;
    AttributeValue::M(
        ItemBuilder::new()
            .with("id", text(item.id))
            .with("product_id", text(item.product_id))
            .with("product_name", text(&item.product_name))
            .with("quantity", number(item.quantity))
            .with("ordered_quantity", number(item.ordered_quantity))
            .with("unit_price", number(item.unit_price))
            .with("mrp", number(item.mrp))
            .with("tax_rate", number(rust_decimal::Decimal::from(item.tax_rate)))
            .with("discount_amount", number(item.discount_amount))
            .with("item_total", number(item.total_amount))
            .with("taxable_amount", number(tax.taxable))
            .with("cgst_amount", number(tax.cgst))
            .with("sgst_amount", number(tax.sgst))
            .with("igst_amount", number(tax.igst))
            .maybe("notes", item.notes.as_ref().map(|notes| bytes(notes.as_bytes())))
            .build(),
    )
}

fn history_entry(entry: &StatusEntry) -> AttributeValue {
    AttributeValue::M(
        ItemBuilder::new()
            .with("id", text(entry.id))
            .with("version", number(entry.version))
            .with("status", text(entry.status))
            .with("party", text(entry.party))
            .maybe("changed_by", entry.changed_by.map(text))
            .maybe("notes", entry.notes.as_ref().map(|notes| bytes(notes.as_bytes())))
            .with("created_at", time(entry.created_at))
            .build(),
    )
}

/// The marker that an order will never be.
pub(super) fn abandoned_item(store: StoreId, id: &OrderId, now: Timestamp) -> Attributes {
    ItemBuilder::new()
        .extend(keys::order(store, id))
        .with("abandoned", AttributeValue::Bool(true))
        .with("created_at", time(now))
        .build()
}

/// The item that makes an order's tracking id unique.
pub(super) fn tracking_item(order: &Order) -> Attributes {
    ItemBuilder::new()
        .extend(keys::tracking(&order.tracking_id))
        .with("order_store_id", text(order.store_id))
        .with("order_id", text(&order.id))
        .build()
}

pub(super) fn read_tracking(item: &Attributes) -> Stored<(StoreId, OrderId)> {
    let row = Row::new(ORDERS.name, item);
    Ok((row.parse("order_store_id")?, row.parse("order_id")?))
}

pub(super) fn read_slot(item: &Attributes) -> Stored<OrderSlot> {
    if Row::new(ORDERS.name, item).has("abandoned") {
        return Ok(OrderSlot::Abandoned);
    }
    read_order(item).map(|order| OrderSlot::Order(Box::new(order)))
}

pub(super) fn read_order(item: &Attributes) -> Stored<Order> {
    let row = Row::new(ORDERS.name, item);
    let hold = row.map("hold")?;
    Ok(Order {
        id: row.parse("id")?,
        order_number: row.parse("order_number")?,
        tracking_id: row.parse("tracking_id")?,
        store_id: row.parse("store_id")?,
        customer_id: row.parse("customer_id")?,
        customer_name: row.sealed("customer_name")?,
        customer_phone: row.sealed("customer_phone")?,
        delivery_address: row.maybe_sealed("delivery_address")?,
        delivery_notes: row.maybe_sealed("delivery_notes")?,
        customer_note: row.maybe_sealed("customer_note")?,
        place_of_supply: row.parse("place_of_supply")?,
        fulfilment: row.parse("fulfilment")?,
        status: row.parse("status")?,
        items: row.rows("items")?.into_iter().map(read_line).collect::<Stored<_>>()?,
        totals: OrderTotals {
            subtotal: row.decimal("subtotal")?,
            discount: row.decimal("discount_amount")?,
            tax: row.decimal("tax_amount")?,
            delivery_fee: row.decimal("delivery_fee")?,
            total: row.decimal("total_amount")?,
        },
        payment_method: row.parse("payment_method")?,
        payment_status: row.parse("payment_status")?,
        paid_by: row.maybe_parse("paid_by")?,
        payment_id: row.maybe_string("payment_id")?,
        hold: Hold {
            id: hold.parse("reservation_id")?,
            attempt: hold.parse("attempt")?,
            order_id: hold.parse("order_id")?,
        },
        fingerprint: row.blind("fingerprint")?,
        dispatched: row.flag("dispatched")?,
        cancel_reason: row.maybe_sealed("cancel_reason")?,
        cancelled_by: row.maybe_parse("cancelled_by")?,
        channel: row.parse("channel")?,
        language: row.string("language")?,
        estimated_delivery: row.maybe_parse("estimated_delivery")?,
        effects: row.json("effects")?,
        recover_at: row.maybe_parse("recover_at")?,
        failures: row.parse("failures")?,
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

fn read_line(row: Row<'_>) -> Stored<OrderItem> {
    Ok(OrderItem {
        id: row.parse("id")?,
        product_id: row.parse("product_id")?,
        product_name: row.string("product_name")?,
        quantity: row.decimal("quantity")?,
        ordered_quantity: row.decimal("ordered_quantity")?,
        unit_price: row.decimal("unit_price")?,
        mrp: row.decimal("mrp")?,
        tax_rate: row.decimal("tax_rate")?,
        discount_amount: row.decimal("discount_amount")?,
        total_amount: row.decimal("item_total")?,
        tax: TaxSplit {
            taxable: row.decimal("taxable_amount")?,
            cgst: row.decimal("cgst_amount")?,
            sgst: row.decimal("sgst_amount")?,
            igst: row.decimal("igst_amount")?,
        },
        notes: row.maybe_sealed("notes")?,
    })
}

pub(super) fn read_history(item: &Attributes) -> Stored<Vec<StatusEntry>> {
    let row = Row::new(ORDERS.name, item);
    let order_id: OrderId = row.parse("id")?;
    row.rows("history")?
        .into_iter()
        .map(|entry| {
            Ok(StatusEntry {
                id: entry.parse("id")?,
                order_id: order_id.clone(),
                version: entry.parse("version")?,
                status: entry.parse("status")?,
                party: entry.parse("party")?,
                changed_by: entry.maybe_parse("changed_by")?,
                notes: entry.maybe_sealed("notes")?,
                created_at: entry.parse("created_at")?,
            })
        })
        .collect()
}
