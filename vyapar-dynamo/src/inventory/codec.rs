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

/// Attributes that an item has at most, so that its map need not grow while it is written.
const RESERVATION_ATTRIBUTES: usize = 24;
const MOVEMENT_ATTRIBUTES: usize = 12;

/// Sales that share an item at most. A kilobyte is what a write is paid by, and five sales fit
/// into it; more of them save writes and actions, and a page of movements reads whole items, so
/// this is also by how much too much it may read. Readers take any number.
pub(crate) const SALES_OF_AN_ITEM: usize = 16;

/// Movements of one product in one transaction, oldest first, as one item, whose key is the first
/// one's number; each of the others has the next.
///
/// Goods that came back unsellable leave two, and a transaction of 49 products has no room for
/// two items each: the later one is inside the earlier one, as `then`. Sales of a product that
/// many want at once follow each other by the dozen: the later ones are the list `more`, each
/// with what it does not share with the first.
pub(crate) fn movement_item(store: StoreId, movements: &[&Movement]) -> Attributes {
    let Some((first, others)) = movements.split_first() else { return Attributes::new() };
    let amounts = |movement: &Movement| {
        ItemBuilder::with_room(MOVEMENT_ATTRIBUTES)
            .with("quantity", number(movement.quantity))
            .with("balance_after", number(movement.balance_after))
    };
    let whose = |item: ItemBuilder, movement: &Movement| {
        item.with("reference_id", text(&movement.reference_id))
            .maybe("performed_by", movement.performed_by.map(text))
            .with("created_at", time(movement.created_at))
    };
    let (then, more) = match others {
        [movement] if movement.movement_type != first.movement_type => (Some(movement), &[][..]),
        more => (None, more),
    };
    let then = then.map(|movement| amounts(movement).with("movement_type", text(movement.movement_type)).build());
    let more: Vec<_> =
        more.iter().map(|movement| AttributeValue::M(whose(amounts(movement), movement).build())).collect();
    whose(amounts(first), first)
        .extend(keys::movement(store, first.product_id, first.seq))
        .with("id", text(first.id))
        .with("store_product_id", text(first.product_id))
        .with("movement_type", text(first.movement_type))
        .with("reference_type", text(first.reference_type))
        .maybe("reason", first.reason.as_ref().map(text))
        .maybe("then", then.map(AttributeValue::M))
        .maybe("more", (!more.is_empty()).then_some(AttributeValue::L(more)))
        .build()
}

/// The movements of an item, oldest first.
pub(crate) fn read_movements(item: &Attributes) -> Stored<Vec<Movement>> {
    let first = Row::new(STOCK_MOVEMENTS.name, item);
    let product_id = first.parse("store_product_id")?;
    let mut seq: u64 = first.parse("seq")?;
    // Of what the movement is, who made it, and how much it is: three rows that may be the same.
    let mut movement = |kind: Row<'_>, whose: Row<'_>, amounts: Row<'_>| -> Stored<Movement> {
        let movement = Movement {
            id: MovementId::of(product_id, seq),
            product_id,
            seq,
            movement_type: kind.parse("movement_type")?,
            quantity: amounts.decimal("quantity")?,
            balance_after: amounts.decimal("balance_after")?,
            reference_type: first.parse("reference_type")?,
            reference_id: whose.string("reference_id")?,
            reason: first.maybe_string("reason")?,
            performed_by: whose.maybe_parse("performed_by")?,
            created_at: whose.parse("created_at")?,
        };
        seq += 1;
        Ok(movement)
    };
    let mut movements = vec![movement(first, first, first)?];
    if first.has("then") {
        let then = first.map("then")?;
        movements.push(movement(then, first, then)?);
    }
    for more in first.rows("more")? {
        movements.push(movement(first, more, more)?);
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

pub(crate) fn reservation_item(
    reservation: &Reservation,
    version: u64,
    given_back_by: &BTreeSet<OperationId>,
) -> Attributes {
    let (store, hold) = (reservation.store_id, &reservation.hold);
    let lines = reservation.lines.iter().map(|line| {
        let line = ItemBuilder::new()
            .with("product_id", text(line.product_id))
            .with("quantity", number(line.quantity))
            .with("given_back", number(line.given_back));
        AttributeValue::M(line.build())
    });
    let given_back_by: Vec<String> = given_back_by.iter().map(ToString::to_string).collect();
    let holding = keys::holding(reservation.state, reservation.due);
    ItemBuilder::with_room(RESERVATION_ATTRIBUTES)
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
        .with("version", number(version))
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
