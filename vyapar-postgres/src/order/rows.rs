//! How orders, their lines and their history are written and read back.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::Sealed;
use vyapar_core::inventory::Hold;
use vyapar_core::order::{Order, OrderItem, OrderTotals, StatusEntry};
use vyapar_core::pricing::TaxSplit;
use vyapar_core::{
    CustomerId, HistoryId, OrderItemId, PaymentId, ProductId, RepositoryError, ReservationId, StoreId, Stored, UserId,
};

use crate::encode::{bytes, decimal, json as encode_json, sealed_opt, time};
use crate::row::Fields;

/// The order without its lines.
pub(super) fn encode(store: StoreId, order: &Order) -> Result<Value, RepositoryError> {
    Ok(json!({
        "id": order.id.as_str(),
        "order_number": order.order_number.as_str(),
        "tracking_id": order.tracking_id.as_str(),
        "store_id": store,
        "customer_id": order.customer_id,
        "customer_name": bytes(order.customer_name.as_bytes()),
        "customer_phone": bytes(order.customer_phone.as_bytes()),
        "delivery_address": sealed_opt(order.delivery_address.as_ref()),
        "delivery_notes": sealed_opt(order.delivery_notes.as_ref()),
        "customer_note": sealed_opt(order.customer_note.as_ref()),
        "cancel_reason": sealed_opt(order.cancel_reason.as_ref()),
        "cancelled_by": order.cancelled_by.map(|party| party.as_str()),
        "place_of_supply": order.place_of_supply.as_str(),
        "fulfilment": order.fulfilment.as_str(),
        "status": order.status.as_str(),
        "subtotal_amount": decimal(order.totals.subtotal),
        "discount_amount": decimal(order.totals.discount),
        "tax_amount": decimal(order.totals.tax),
        "delivery_fee": decimal(order.totals.delivery_fee),
        "total_amount": decimal(order.totals.total),
        "payment_method": order.payment_method.as_str(),
        "payment_status": order.payment_status.as_str(),
        "paid_by": order.paid_by,
        "payment_id": order.payment_id,
        "reservation_id": order.hold.id,
        "attempt": order.hold.attempt,
        "fingerprint": bytes(order.fingerprint.as_bytes()),
        "dispatched": order.dispatched,
        "channel": order.channel.as_str(),
        "language": order.language,
        "estimated_delivery": order.estimated_delivery.map(time),
        "effects": encode_json(&order.effects)?,
        "recover_at": order.recover_at.map(time),
        "failures": order.failures,
        "version": order.version,
        "created_at": time(order.created_at),
        "updated_at": time(order.updated_at),
    }))
}

/// The order's lines, numbered as they stand.
pub(super) fn encode_items(store: StoreId, order: &Order) -> Value {
    let item = |(line, item): (i32, &OrderItem)| {
        // The sum of the parts, as the rule of the split has it; exact in thousands of crores.
        let tax = [item.tax.cgst, item.tax.sgst, item.tax.igst].map(Decimal::from);
        json!({
            "id": item.id,
            "store_id": store,
            "order_id": order.id.as_str(),
            "line_no": line,
            "store_product_id": item.product_id,
            "product_name": item.product_name,
            "quantity": decimal(item.quantity),
            "ordered_quantity": decimal(item.ordered_quantity),
            "unit_price": decimal(item.unit_price),
            "mrp": decimal(item.mrp),
            "tax_rate": decimal(item.tax_rate),
            "taxable_amount": decimal(item.tax.taxable),
            "cgst_amount": decimal(item.tax.cgst),
            "sgst_amount": decimal(item.tax.sgst),
            "igst_amount": decimal(item.tax.igst),
            "tax_amount": decimal(tax.iter().sum::<Decimal>()),
            "discount_amount": decimal(item.discount_amount),
            "total_amount": decimal(item.total_amount),
            "notes": sealed_opt(item.notes.as_ref()),
            "created_at": time(order.created_at),
        })
    };
    (1..).zip(&order.items).map(item).collect()
}

/// One row of history.
pub(super) fn encode_history(store: StoreId, entry: &StatusEntry) -> Value {
    json!({
        "id": entry.id,
        "store_id": store,
        "order_id": entry.order_id.as_str(),
        "version": entry.version,
        "status": entry.status.as_str(),
        "party": entry.party.as_str(),
        "changed_by": entry.changed_by,
        "notes": sealed_opt(entry.notes.as_ref()),
        "created_at": time(entry.created_at),
    })
}

/// The order of a row with its columns and `items`.
pub(super) fn decode(row: &PgRow) -> Stored<Order> {
    let fields = Fields::of(row, "orders", "id");
    let Json(effects) = fields.get("effects")?;
    let Json(items) = fields.get::<Json<Vec<ItemRow>>>("items")?;
    Ok(Order {
        id: fields.parse("id")?,
        order_number: fields.parse("order_number")?,
        tracking_id: fields.parse("tracking_id")?,
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        customer_id: CustomerId::from_uuid(fields.get("customer_id")?),
        customer_name: fields.sealed("customer_name")?,
        customer_phone: fields.sealed("customer_phone")?,
        delivery_address: fields.sealed_opt("delivery_address")?,
        delivery_notes: fields.sealed_opt("delivery_notes")?,
        customer_note: fields.sealed_opt("customer_note")?,
        place_of_supply: fields.parse("place_of_supply")?,
        fulfilment: fields.parse("fulfilment")?,
        status: fields.parse("status")?,
        items: items.into_iter().map(|item| item.decode(&fields)).collect::<Stored<_>>()?,
        totals: OrderTotals {
            subtotal: fields.decimal("subtotal_amount")?,
            discount: fields.decimal("discount_amount")?,
            tax: fields.decimal("tax_amount")?,
            delivery_fee: fields.decimal("delivery_fee")?,
            total: fields.decimal("total_amount")?,
        },
        payment_method: fields.parse("payment_method")?,
        payment_status: fields.parse("payment_status")?,
        paid_by: fields.get::<Option<Uuid>>("paid_by")?.map(PaymentId::from_uuid),
        payment_id: fields.get("payment_id")?,
        hold: Hold {
            id: ReservationId::from_uuid(fields.get("reservation_id")?),
            attempt: fields.small_count("attempt")?,
            order_id: fields.parse("id")?,
        },
        fingerprint: fields.blind("fingerprint")?,
        dispatched: fields.get("dispatched")?,
        cancel_reason: fields.sealed_opt("cancel_reason")?,
        cancelled_by: fields.parse_opt("cancelled_by")?,
        channel: fields.parse("channel")?,
        language: fields.get("language")?,
        estimated_delivery: fields.get("estimated_delivery")?,
        effects,
        recover_at: fields.get("recover_at")?,
        failures: fields.small_count("failures")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}

/// A row of `order_items` as `vyapar.items_of` gives it.
#[derive(Debug, Deserialize)]
struct ItemRow {
    id: Uuid,
    store_product_id: Uuid,
    product_name: String,
    quantity: Decimal,
    ordered_quantity: Decimal,
    unit_price: Decimal,
    mrp: Decimal,
    tax_rate: Decimal,
    taxable_amount: Decimal,
    cgst_amount: Decimal,
    sgst_amount: Decimal,
    igst_amount: Decimal,
    discount_amount: Decimal,
    total_amount: Decimal,
    notes: Option<String>,
}

impl ItemRow {
    fn decode(self, order: &Fields<'_>) -> Stored<OrderItem> {
        self.typed().map_err(|reason| order.corrupt("items").with_source(reason))
    }

    /// The line, or which column of it makes no sense.
    fn typed(self) -> Result<OrderItem, String> {
        let id = self.id;
        Ok(OrderItem {
            id: OrderItemId::from_uuid(id),
            product_id: ProductId::from_uuid(self.store_product_id),
            product_name: self.product_name,
            quantity: sound(id, "quantity", self.quantity)?,
            ordered_quantity: sound(id, "ordered_quantity", self.ordered_quantity)?,
            unit_price: sound(id, "unit_price", self.unit_price)?,
            mrp: sound(id, "mrp", self.mrp)?,
            tax_rate: sound(id, "tax_rate", self.tax_rate)?,
            discount_amount: sound(id, "discount_amount", self.discount_amount)?,
            total_amount: sound(id, "total_amount", self.total_amount)?,
            tax: TaxSplit {
                taxable: sound(id, "taxable_amount", self.taxable_amount)?,
                cgst: sound(id, "cgst_amount", self.cgst_amount)?,
                sgst: sound(id, "sgst_amount", self.sgst_amount)?,
                igst: sound(id, "igst_amount", self.igst_amount)?,
            },
            notes: self.notes.map(|text| unhex(id, &text)).transpose()?,
        })
    }
}

/// A `bytea` as JSON shows it.
fn unhex(item: Uuid, text: &str) -> Result<Sealed, String> {
    let malformed = || format!("order_items.notes of row {item} is no `bytea`");
    let digits = text.strip_prefix("\\x").filter(|digits| digits.is_ascii() && digits.len().is_multiple_of(2));
    let digits = digits.ok_or_else(malformed)?.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect::<Option<_>>().map(Sealed::from_bytes).ok_or_else(malformed)
}

fn sound<T: TryFrom<Decimal, Error: fmt::Display>>(item: Uuid, column: &str, value: Decimal) -> Result<T, String> {
    T::try_from(value).map_err(|e| format!("order_items.{column} of row {item}: {e}"))
}

pub(super) fn decode_history(row: &PgRow) -> Stored<StatusEntry> {
    let fields = Fields::of(row, "order_status_history", "id");
    Ok(StatusEntry {
        id: HistoryId::from_uuid(fields.get("id")?),
        order_id: fields.parse("order_id")?,
        version: fields.count("version")?,
        status: fields.parse("status")?,
        party: fields.parse("party")?,
        changed_by: fields.get::<Option<Uuid>>("changed_by")?.map(UserId::from_uuid),
        notes: fields.sealed_opt("notes")?,
        created_at: fields.get("created_at")?,
    })
}
