//! What some calls have read, as it becomes while they are decided one after another; and
//! the actions that store it if nothing has changed meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::TransactWriteItem;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::{MovementId, OperationId, OrderId, ProductId, ReservationId, StoreId, UserId};
use vyapar_core::inventory::{Movement, MovementType, Reference, StockLevel};
use vyapar_core::quantity::{Quantity, QuantityDelta};
use vyapar_core::time::Timestamp;

use super::codec::{LevelItem, ReservationItem, SALES_OF_AN_ITEM, movement_item, operation_item, reservation_item};
use crate::db::Db;
use crate::expression::Expression;
use crate::item::{number, time};
use crate::keys;
use crate::tables::{RESERVATIONS, STOCK, STOCK_MOVEMENTS, STOCK_OPERATIONS};

/// What the movements of one call have in common.
#[derive(Debug, Clone)]
pub(crate) struct Why {
    pub(crate) reference_type: Reference,
    pub(crate) reference_id: String,
    pub(crate) reason: Option<String>,
    pub(crate) performed_by: Option<UserId>,
    pub(crate) now: Timestamp,
}

impl Why {
    pub(crate) fn order(order: &OrderId, performed_by: Option<UserId>, now: Timestamp) -> Self {
        Self { reference_type: Reference::Order, reference_id: order.to_string(), reason: None, performed_by, now }
    }

    pub(crate) fn manual(operation: OperationId, performed_by: Option<UserId>, now: Timestamp) -> Self {
        Self { reference_type: Reference::Manual, reference_id: operation.to_string(), reason: None, performed_by, now }
    }

    pub(crate) fn with_reason(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

/// One store's levels, reservations and operations, as read and as they will be.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    store: StoreId,
    /// As they will be, each with the version it was read at.
    levels: BTreeMap<ProductId, LevelItem>,
    changed: BTreeSet<ProductId>,
    insisted: BTreeSet<ProductId>,
    movements: Vec<Movement>,
    /// As they will be, each with the version it was read at; 0 where nothing was.
    reservations: BTreeMap<ReservationId, ReservationItem>,
    moved: BTreeSet<ReservationId>,
    operations: BTreeMap<OperationId, Vec<(ProductId, u64)>>,
    applied: BTreeSet<OperationId>,
}

impl Books {
    pub(crate) fn new(
        store: StoreId,
        levels: BTreeMap<ProductId, LevelItem>,
        reservations: BTreeMap<ReservationId, ReservationItem>,
        operations: BTreeMap<OperationId, Vec<(ProductId, u64)>>,
    ) -> Self {
        Self {
            store,
            levels,
            changed: BTreeSet::new(),
            insisted: BTreeSet::new(),
            movements: Vec::new(),
            reservations,
            moved: BTreeSet::new(),
            operations,
            applied: BTreeSet::new(),
        }
    }

    pub(crate) const fn store(&self) -> StoreId {
        self.store
    }

    /// The level, if the product's stock is open.
    pub(crate) fn level(&self, product: ProductId) -> Option<&StockLevel> {
        self.levels.get(&product).map(|item| &item.level)
    }

    /// What is free; nothing where no stock was ever opened.
    pub(crate) fn free(&self, product: ProductId) -> Quantity {
        self.level(product).map_or(Quantity::ZERO, |level| level.current)
    }

    /// Whether so much is free.
    pub(crate) fn has(&self, product: ProductId, quantity: Quantity) -> bool {
        self.level(product).is_some_and(|level| level.current >= quantity)
    }

    pub(crate) fn reservation(&self, id: ReservationId) -> Option<&ReservationItem> {
        self.reservations.get(&id)
    }

    /// The movements that an operation left, if it was applied.
    pub(crate) fn operation(&self, operation: OperationId) -> Option<&[(ProductId, u64)]> {
        self.operations.get(&operation).map(Vec::as_slice)
    }

    /// Changes `current` and leaves the movement.
    pub(crate) fn book(
        &mut self,
        product: ProductId,
        of: MovementType,
        by: QuantityDelta,
        why: &Why,
    ) -> Stored<Movement> {
        let corrupt = corrupt(self.store, product, "current_stock");
        let level = self.open_level(product, why.now)?;
        level.current = match by.applied_to(level.current) {
            Ok(Some(after)) => after,
            Ok(None) => return Err(corrupt),
            Err(error) => return Err(corrupt.with_source(error)),
        };
        level.seq += 1;
        let movement = Movement {
            id: MovementId::of(product, level.seq),
            product_id: product,
            seq: level.seq,
            movement_type: of,
            quantity: by,
            balance_after: level.current,
            reference_type: why.reference_type,
            reference_id: why.reference_id.clone(),
            reason: why.reason.clone(),
            performed_by: why.performed_by,
            created_at: why.now,
        };
        self.movements.push(movement.clone());
        Ok(movement)
    }

    /// Refuses goods that would take what is on hand past what a level can say.
    pub(crate) fn room_for(&self, product: ProductId, more: Quantity) -> Stored<()> {
        let Some(level) = self.level(product) else { return Ok(()) };
        if level.current.plus(level.reserved).and_then(|on_hand| on_hand.plus(more)).is_ok() {
            return Ok(());
        }
        let max = Quantity::MAX.thousandths().unsigned_abs() / 1000;
        let kind = RepositoryErrorKind::LimitExceeded { what: "stock", max };
        Err(RepositoryError::new(kind, format!("product {product}")))
    }

    /// Holds more.
    pub(crate) fn hold(&mut self, product: ProductId, quantity: Quantity, why: &Why) -> Stored<()> {
        let corrupt = corrupt(self.store, product, "reserved_stock");
        let level = self.open_level(product, why.now)?;
        level.reserved = level.reserved.plus(quantity).map_err(|error| corrupt.with_source(error))?;
        Ok(())
    }

    /// Holds less. Below zero is a ledger that does not add up: said, never clamped.
    pub(crate) fn unhold(&mut self, product: ProductId, quantity: Quantity, now: Timestamp) -> Stored<()> {
        let corrupt = corrupt(self.store, product, "reserved_stock");
        let level = self.open_level(product, now)?;
        level.reserved = level.reserved.minus(quantity).ok_or(corrupt)?;
        Ok(())
    }

    /// Insists that the level is still the one read, without changing it: a decision was
    /// made by it.
    pub(crate) fn insist(&mut self, product: ProductId) {
        self.insisted.insert(product);
    }

    /// Stores a reservation over what was read of it.
    pub(crate) fn put(&mut self, item: ReservationItem) {
        let id = item.reservation.hold.id;
        // A new one has no version yet; an old one keeps the version that was read.
        let version = self.reservations.get(&id).map_or(0, |read| read.version);
        self.reservations.insert(id, ReservationItem { version, ..item });
        self.moved.insert(id);
    }

    /// Stores that an operation was applied.
    pub(crate) fn apply(&mut self, operation: OperationId, movements: &[Movement]) {
        let left = movements.iter().map(|movement| (movement.product_id, movement.seq));
        self.operations.insert(operation, left.collect());
        self.applied.insert(operation);
    }

    fn open_level(&mut self, product: ProductId, now: Timestamp) -> Stored<&mut StockLevel> {
        let store = self.store;
        let item = self.levels.get_mut(&product).ok_or_else(|| corrupt(store, product, "product_id"))?;
        self.changed.insert(product);
        item.level.updated_at = now;
        Ok(&mut item.level)
    }

    /// How much has been written so far; rises with everything that leads to an action.
    pub(crate) fn writes(&self) -> usize {
        self.movements.len() + self.moved.len() + self.applied.len()
    }

    /// The levels, as they stand once the actions are done.
    pub(crate) fn written(self) -> impl Iterator<Item = LevelItem> {
        let changed = self.changed;
        self.levels.into_iter().map(move |(product, item)| LevelItem {
            version: item.version + u64::from(changed.contains(&product)),
            ..item
        })
    }

    /// The actions: one for each reservation, operation and level that changes, and at most one
    /// for each call's movement of a product. None if nothing changes.
    pub(crate) fn actions(&self, db: &Db) -> Stored<Vec<TransactWriteItem>> {
        let mut actions = Vec::new();
        for item in self.moved.iter().filter_map(|id| self.reservations.get(id)) {
            let next = reservation_item(&item.reservation, item.version + 1, &item.given_back_by);
            actions.push(match item.version {
                0 => db.put_new(&RESERVATIONS, next)?,
                version => db.put(&RESERVATIONS, next, &version_is(version))?,
            });
        }
        for operation in &self.applied {
            let left = self.operations.get(operation).map_or(&[][..], Vec::as_slice);
            actions.push(db.put_new(&STOCK_OPERATIONS, operation_item(self.store, *operation, left))?);
        }
        for item in self.changed.iter().filter_map(|product| self.levels.get(product)) {
            let level = &item.level;
            let change = Expression::new(
                "SET #current_stock = :current, #reserved_stock = :reserved, #seq = :seq, \
                 #last_stock_update = :now, #version = :next",
            )
            .value(":current", number(level.current))
            .value(":reserved", number(level.reserved))
            .value(":seq", number(level.seq))
            .value(":now", time(level.updated_at))
            .value(":next", number(item.version + 1));
            let key = keys::level(self.store, level.product_id);
            actions.push(db.update(&STOCK, key, &change, &version_is(item.version))?);
        }
        // Without a change there is nothing to insist on: the answer was right when it was read.
        if !actions.is_empty() {
            for product in self.insisted.difference(&self.changed) {
                let Some(item) = self.levels.get(product) else { continue };
                actions.push(db.check(&STOCK, keys::level(self.store, *product), &version_is(item.version))?);
            }
        }
        for movements in items(&self.movements) {
            actions.push(db.put_new(&STOCK_MOVEMENTS, movement_item(self.store, &movements))?);
        }
        Ok(actions)
    }
}

/// The movements as they are stored, each product's in order: goods that came back and were found
/// spoilt are one item, and so are sales that follow each other.
pub(super) fn items(movements: &[Movement]) -> Vec<Vec<&Movement>> {
    let mut items: Vec<Vec<&Movement>> = Vec::with_capacity(movements.len());
    let mut last: HashMap<ProductId, usize> = HashMap::new();
    for movement in movements {
        let open = last.get(&movement.product_id).and_then(|at| items.get_mut(*at));
        match open {
            Some(item) if joins(item, movement) => item.push(movement),
            _ => {
                last.insert(movement.product_id, items.len());
                items.push(vec![movement]);
            }
        }
    }
    items
}

/// Whether a movement goes into the item of the one before it.
fn joins(item: &[&Movement], movement: &Movement) -> bool {
    match item {
        [first] if spoilt(first, movement) => true,
        [first, ..] => plain_sale(first) && plain_sale(movement) && item.len() < SALES_OF_AN_ITEM,
        [] => false,
    }
}

/// A sale of which there is no more to say than the order: short, however many share an item.
fn plain_sale(movement: &Movement) -> bool {
    movement.movement_type == MovementType::Sale
        && movement.reference_type == Reference::Order
        && movement.reason.is_none()
}

fn spoilt(first: &Movement, then: &Movement) -> bool {
    first.movement_type == MovementType::Return
        && then.movement_type == MovementType::Damage
        && first.product_id == then.product_id
        && first.seq + 1 == then.seq
        && (first.reference_type, &first.reference_id) == (then.reference_type, &then.reference_id)
        && (&first.reason, first.performed_by, first.created_at) == (&then.reason, then.performed_by, then.created_at)
}

fn version_is(version: u64) -> Expression {
    Expression::new("#version = :version").value(":version", number(version))
}

fn corrupt(store: StoreId, product: ProductId, column: &str) -> RepositoryError {
    RepositoryError::new(
        RepositoryErrorKind::Corrupt,
        format!("table {}, column {column}, row store_id {store}, product_id {product}", STOCK.name),
    )
}
