//! Stock as items. The golden tests in `tests/it/golden.rs` pin what is written here.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::{MovementId, OperationId, ProductId, StoreId};
use vyapar_core::inventory::{Hold, Movement, Reservation, ReservationLine, StockLevel};

use crate::item::{Attributes, ItemBuilder, Row, bytes, number, text, time};
use crate::keys;
use crate::tables::{RESERVATIONS, STOCK, STOCK_MOVEMENTS, STOCK_OPERATIONS};

/// A level and the version that the next write of it must name.
///
/// `seq` cannot serve as one: taking goods out of `reserved` is no movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LevelItem {
    pub(crate) level: StockLevel,
    pub(crate) version: u64,
}

/// A reservation, its version, and the operations that gave goods of it back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReservationItem {
    pub(crate) reservation: Reservation,
    pub(crate) version: u64,
    pub(crate) given_back_by: BTreeSet<OperationId>,
}

pub(crate) fn level_item(store: StoreId, item: &LevelItem) -> Attributes {
    ItemBuilder::new()
        .extend(keys::level(store, item.level.product_id))
        .with("unit", text(item.level.unit))
        .with("current_stock", number(item.level.current))
        .with("reserved_stock", number(item.level.reserved))
        .with("seq", number(item.level.seq))
        .with("last_stock_update", time(item.level.updated_at))
        .with("version", number(item.version))
        .build()
}

pub(crate) fn read_level(item: &Attributes) -> Stored<LevelItem> {
    let row = Row::new(STOCK.name, item);
    Ok(LevelItem {
        level: StockLevel {
            product_id: row.parse("product_id")?,
            unit: row.parse("unit")?,
            current: row.decimal("current_stock")?,
            reserved: row.decimal("reserved_stock")?,
            seq: row.parse("seq")?,
            updated_at: row.parse("last_stock_update")?,
        },
        version: row.parse("version")?,
    })
}

/// The movements of one product in one transaction, oldest first, as one item: goods that
/// came back unsellable leave two, and a transaction of 49 products has no room for two
/// items each. The later one is inside the earlier one.
pub(crate) fn movement_item(store: StoreId, first: &Movement, then: Option<&Movement>) -> Attributes {
    let amounts = |movement: &Movement| {
        ItemBuilder::new()
            .with("movement_type", text(movement.movement_type))
            .with("quantity", number(movement.quantity))
            .with("balance_after", number(movement.balance_after))
    };
    amounts(first)
        .extend(keys::movement(store, first.product_id, first.seq))
        .with("id", text(first.id))
        .with("store_product_id", text(first.product_id))
        .with("reference_type", text(first.reference_type))
        .with("reference_id", text(&first.reference_id))
        .maybe("reason", first.reason.as_ref().map(text))
        .maybe("performed_by", first.performed_by.map(text))
        .with("created_at", time(first.created_at))
        .maybe("then", then.map(|movement| AttributeValue::M(amounts(movement).build())))
        .build()
}

/// The movements of an item, oldest first.
pub(crate) fn read_movements(item: &Attributes) -> Stored<Vec<Movement>> {
    let row = Row::new(STOCK_MOVEMENTS.name, item);
    let product_id = row.parse("store_product_id")?;
    let seq: u64 = row.parse("seq")?;
    let movement = |seq: u64, amounts: Row<'_>| -> Stored<Movement> {
        Ok(Movement {
            id: MovementId::of(product_id, seq),
            product_id,
            seq,
            movement_type: amounts.parse("movement_type")?,
            quantity: amounts.decimal("quantity")?,
            balance_after: amounts.decimal("balance_after")?,
            reference_type: row.parse("reference_type")?,
            reference_id: row.string("reference_id")?,
            reason: row.maybe_string("reason")?,
            performed_by: row.maybe_parse("performed_by")?,
            created_at: row.parse("created_at")?,
        })
    };
    let mut movements = vec![movement(seq, row)?];
    if row.has("then") {
        movements.push(movement(seq + 1, row.map("then")?)?);
    }
    Ok(movements)
}

/// An applied operation, with the movements it left in the order of its lines.
pub(crate) fn operation_item(store: StoreId, operation: OperationId, left: &[(ProductId, u64)]) -> Attributes {
    let left = left.iter().map(|(product, seq)| {
        let movement = ItemBuilder::new().with("product_id", text(product)).with("seq", number(seq));
        AttributeValue::M(movement.build())
    });
    ItemBuilder::new()
        .extend(keys::operation(store, operation))
        .with("movements", AttributeValue::L(left.collect()))
        .build()
}

pub(crate) fn read_operation(item: &Attributes) -> Stored<Vec<(ProductId, u64)>> {
    Row::new(STOCK_OPERATIONS.name, item)
        .rows("movements")?
        .into_iter()
        .map(|row| Ok((row.parse("product_id")?, row.parse("seq")?)))
        .collect()
}

pub(crate) fn reservation_item(item: &ReservationItem) -> Attributes {
    let reservation = &item.reservation;
    let (store, hold) = (reservation.store_id, &reservation.hold);
    let lines = reservation.lines.iter().map(|line| {
        let line = ItemBuilder::new()
            .with("product_id", text(line.product_id))
            .with("quantity", number(line.quantity))
            .with("given_back", number(line.given_back));
        AttributeValue::M(line.build())
    });
    let given_back_by: Vec<String> = item.given_back_by.iter().map(ToString::to_string).collect();
    let holding = keys::holding(reservation.state, reservation.due);
    ItemBuilder::new()
        .extend(keys::reservation(store, hold.id))
        .with("attempt", number(hold.attempt))
        .with("order_id", text(&hold.order_id))
        .maybe("fingerprint", reservation.fingerprint.map(|mac| bytes(mac.as_bytes())))
        .with("state", text(reservation.state))
        .with("open", AttributeValue::Bool(reservation.open))
        .with("lines", AttributeValue::L(lines.collect()))
        .with("revision", number(reservation.revision))
        .with("due", time(reservation.due))
        .with("recover_at", time(reservation.recover_at))
        .with("failures", number(reservation.failures))
        .with("created_at", time(reservation.created_at))
        .with("updated_at", time(reservation.updated_at))
        .with("version", number(item.version))
        // An empty set cannot be stored.
        .maybe("given_back_by", (!given_back_by.is_empty()).then_some(AttributeValue::Ss(given_back_by)))
        .maybe("holding_store", holding.is_some().then(|| text(store)))
        .maybe("holding", holding)
        .maybe("recover_shard", reservation.open.then(|| recover_shard(hold)))
        .build()
}

/// Which part of `recover-index` an open reservation is in.
pub(crate) fn recover_shard(hold: &Hold) -> AttributeValue {
    text(keys::shard_of(&hold.id.to_string()))
}

pub(crate) fn read_reservation(item: &Attributes) -> Stored<ReservationItem> {
    let row = Row::new(RESERVATIONS.name, item);
    let lines = row.rows("lines")?.into_iter().map(|line| {
        Ok(ReservationLine {
            product_id: line.parse("product_id")?,
            quantity: line.decimal("quantity")?,
            given_back: line.decimal("given_back")?,
        })
    });
    let given_back_by = match item.get("given_back_by") {
        None => BTreeSet::new(),
        Some(AttributeValue::Ss(ids)) => {
            ids.iter().map(|id| id.parse().map_err(|_| row.corrupt("given_back_by"))).collect::<Stored<_>>()?
        }
        Some(_) => return Err(row.corrupt("given_back_by")),
    };
    Ok(ReservationItem {
        reservation: Reservation {
            store_id: row.parse("store_id")?,
            hold: Hold {
                id: row.parse("reservation_id")?,
                attempt: row.parse("attempt")?,
                order_id: row.parse("order_id")?,
            },
            fingerprint: if row.has("fingerprint") { Some(row.blind("fingerprint")?) } else { None },
            state: row.parse("state")?,
            open: row.flag("open")?,
            lines: lines.collect::<Stored<_>>()?,
            revision: row.parse("revision")?,
            due: row.parse("due")?,
            recover_at: row.parse("recover_at")?,
            failures: row.parse("failures")?,
            created_at: row.parse("created_at")?,
            updated_at: row.parse("updated_at")?,
        },
        version: row.parse("version")?,
        given_back_by,
    })
}

/// Levels by product.
pub(crate) fn read_levels(items: &[Attributes]) -> Stored<BTreeMap<ProductId, LevelItem>> {
    items.iter().map(|item| read_level(item).map(|level| (level.level.product_id, level))).collect()
}
