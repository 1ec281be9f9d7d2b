//! Levels and movements.

use async_trait::async_trait;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::{ProductId, StoreId};
use vyapar_core::inventory::{ChangeOutcome, Movement, StockChange, StockLedger, StockLevel, Verification};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::quantity::{Quantity, StockUnit};
use vyapar_core::time::Timestamp;

use super::DynamoStock;
use super::codec::{LevelItem, level_item, read_level, read_movements};
use crate::db::{Query, Written, distinct};
use crate::expression::Expression;
use crate::item::number;
use crate::keys;
use crate::tables::{STOCK, STOCK_MOVEMENTS};

/// Most ids one call may ask for.
const MAX_IDS: usize = 200;
/// The name of the list that movement cursors belong to.
const MOVEMENTS: &str = "movements";

#[async_trait]
impl StockLedger for DynamoStock {
    async fn open(&self, store: StoreId, product: ProductId, unit: StockUnit, now: Timestamp) -> Stored<()> {
        let level = StockLevel {
            product_id: product,
            unit,
            current: Quantity::ZERO,
            reserved: Quantity::ZERO,
            seq: 0,
            updated_at: now,
        };
        let item = level_item(store, &LevelItem { level, version: 1 });
        let absent = Expression::new("attribute_not_exists(#store_id)");
        let actions = vec![self.db.put(&STOCK, item, &absent)?];
        match self.db.transact(actions, &mut self.db.patience(), "opening a product's stock").await? {
            // Refused: it is open.
            Written::Done | Written::Refused(_) => Ok(()),
        }
    }

    async fn change(&self, store: StoreId, change: StockChange) -> Stored<ChangeOutcome> {
        self.apply(store, change).await
    }

    async fn levels(&self, store: StoreId, products: &[ProductId]) -> Stored<Vec<StockLevel>> {
        if products.len() > MAX_IDS {
            let kind = RepositoryErrorKind::LimitExceeded { what: "ids", max: MAX_IDS as u64 };
            return Err(RepositoryError::new(kind, "reading stock levels"));
        }
        let wanted = distinct(products).into_iter().map(|product| keys::level(store, product));
        let items = self.db.get_all(&STOCK, wanted, &mut self.db.patience(), "reading stock levels").await?;
        items.iter().map(|item| read_level(item).map(|level| level.level)).collect()
    }

    async fn movements(&self, store: StoreId, product: ProductId, page: PageRequest) -> Stored<Page<Movement>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<u64>(MOVEMENTS)).transpose()?;
        let query = Query { newest_first: true, ..movements_of(store, product, before) };
        // An item may hold several movements, so this may read more than is given out.
        let wanted = page.limit() as usize + 1;
        let items = self.db.query(&query, wanted, &mut self.db.patience(), "listing movements").await?;
        let mut movements = Vec::with_capacity(items.len());
        for item in &items {
            let of_item = read_movements(item)?;
            // The later ones of an item may have been given out while the earlier were not.
            movements.extend(of_item.into_iter().rev().filter(|movement| before.is_none_or(|seq| movement.seq < seq)));
        }
        Ok(Page::of(movements, page.limit(), |movement| Cursor::new(MOVEMENTS, movement.seq.to_string())))
    }

    async fn verify(&self, store: StoreId) -> Stored<Verification> {
        self.check(store).await
    }
}

/// A product's movements, those with a lower number than `before` if it is given.
pub(super) fn movements_of(store: StoreId, product: ProductId, before: Option<u64>) -> Query {
    let key = match before {
        None => Expression::new("#store_product = :product"),
        Some(seq) => Expression::new("#store_product = :product AND #seq < :seq").value(":seq", number(seq)),
    };
    Query {
        table: &STOCK_MOVEMENTS,
        index: None,
        key: key.value(":product", keys::store_product(store, product)),
        filter: None,
        newest_first: false,
    }
}
