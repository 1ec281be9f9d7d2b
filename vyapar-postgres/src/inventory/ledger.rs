//! Stock levels (`stock_levels`) and their movements (`stock_movements`).

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::inventory::{
    ChangeOutcome, CountedBelowReserved, Delta, MAX_LINES, Movement, ShortLine, StockChange, StockLedger, StockLevel,
    Verification,
};
use vyapar_core::{
    Cursor, MovementId, OrderId, Page, PageRequest, ProductId, RepositoryError, RepositoryErrorKind, StockUnit,
    StoreId, Stored, Timestamp, UserId,
};

use super::products::MAX_IDS;
use super::reserve::free_due_holds;
use super::{Stock, verify};
use crate::database::Scope;
use crate::encode::bigint;
use crate::error;
use crate::row::Fields;

/// The name that cursors of movement lists carry.
const LIST: &str = "movements";

#[async_trait]
impl StockLedger for Stock {
    async fn open(&self, store: StoreId, product: ProductId, unit: StockUnit, now: Timestamp) -> Stored<()> {
        let function = sqlx::query("select from vyapar.open_stock($1, $2, $3, $4, $5)")
            .bind(store.as_uuid())
            .bind(product.as_uuid())
            .bind(unit.as_str())
            .bind(now)
            .bind(self.database.lock_timeout());
        self.database.call(function, "opening stock").await.map(drop)
    }

    async fn change(&self, store: StoreId, change: StockChange) -> Stored<ChangeOutcome> {
        if change.lines.len() > MAX_LINES {
            return Err(error::too_many("products", MAX_LINES));
        }
        match self.apply(store, &change).await? {
            ChangeOutcome::Short(_) | ChangeOutcome::Reserved(_) => {
                let products = change.lines.iter().map(|line| line.product_id);
                free_due_holds(&self.database, store, products, change.now).await?;
                self.apply(store, &change).await
            }
            decided => Ok(decided),
        }
    }

    async fn levels(&self, store: StoreId, products: &[ProductId]) -> Stored<Vec<StockLevel>> {
        if products.len() > MAX_IDS {
            return Err(error::too_many("ids", MAX_IDS));
        }
        let ids: Vec<Uuid> = products.iter().map(ProductId::as_uuid).collect();
        let function = sqlx::query("select * from vyapar.find_levels($1, $2, $3)")
            .bind(store.as_uuid())
            .bind(ids)
            .bind(self.database.lock_timeout());
        self.database.ask(function, "reading stock levels").await?.iter().map(decode_level).collect()
    }

    async fn movements(&self, store: StoreId, product: ProductId, page: PageRequest) -> Stored<Page<Movement>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<u64>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.stock_movements
              where store_id = $1 and store_product_id = $2 and ($3::bigint is null or seq < $3)
              order by seq desc limit $4",
        )
        .bind(store.as_uuid())
        .bind(product.as_uuid())
        .bind(before.map(bigint))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Store(store), "listing movements").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let movements = rows.iter().map(decode_movement).collect::<Stored<_>>()?;
        Ok(Page::of(movements, page.limit(), |movement: &Movement| Cursor::new(LIST, movement.seq.to_string())))
    }

    async fn verify(&self, store: StoreId) -> Stored<Verification> {
        verify::verify(&self.database, store).await
    }
}

impl Stock {
    async fn apply(&self, store: StoreId, change: &StockChange) -> Stored<ChangeOutcome> {
        let products: Vec<Uuid> = change.lines.iter().map(|line| line.product_id.as_uuid()).collect();
        let (deltas, counts): (Vec<Option<Decimal>>, Vec<Option<Decimal>>) = change
            .lines
            .iter()
            .map(|line| match line.delta {
                Delta::By(delta) => (Some(delta.into()), None),
                Delta::Counted(count) => (None, Some(count.into())),
            })
            .unzip();
        let function = sqlx::query(
            "select a.outcome, a.product, a.requested, a.available, a.orders, (a.movement).*
               from vyapar.change_stock($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) a",
        )
        .bind(store.as_uuid())
        .bind(change.operation.as_uuid())
        .bind(change.kind.movement_type().as_str())
        .bind(products)
        .bind(deltas)
        .bind(counts)
        .bind(&change.reason)
        .bind(change.performed_by.map(|id| id.as_uuid()))
        .bind(change.now)
        .bind(self.database.lock_timeout());
        let rows = self.database.call(function, "changing stock").await?;
        change_outcome(&rows)
    }
}

fn change_outcome(rows: &[PgRow]) -> Stored<ChangeOutcome> {
    let answers: Vec<_> = rows.iter().map(|row| Fields::of(row, "change_stock", "product")).collect();
    let unclear = || RepositoryError::new(RepositoryErrorKind::Backend, "an answer of change_stock");
    let first = answers.first().ok_or_else(unclear)?;
    let movements = || {
        let written =
            rows.iter().filter(|row| Fields::of(row, "", "").get::<Option<i64>>("seq").is_ok_and(|s| s.is_some()));
        written.map(decode_movement).collect::<Stored<Vec<_>>>()
    };
    let product = |answer: &Fields<'_>| answer.get("product").map(ProductId::from_uuid);
    Ok(match first.get::<&str>("outcome")? {
        "applied" => ChangeOutcome::Applied(movements()?),
        "already" => ChangeOutcome::AlreadyApplied(movements()?),
        "not_open" => ChangeOutcome::NotOpen(answers.iter().map(product).collect::<Stored<_>>()?),
        "short" => ChangeOutcome::Short(answers.iter().map(short_line).collect::<Stored<_>>()?),
        "reserved" => ChangeOutcome::Reserved(answers.iter().map(below_reserved).collect::<Stored<_>>()?),
        "too_much" => ChangeOutcome::TooMuch(product(first)?),
        _ => return Err(unclear()),
    })
}

/// An answer with `product`, `requested` and `available`.
pub(super) fn short_line(answer: &Fields<'_>) -> Stored<ShortLine> {
    Ok(ShortLine {
        product_id: ProductId::from_uuid(answer.get("product")?),
        requested: answer.decimal("requested")?,
        available: answer.decimal("available")?,
    })
}

fn below_reserved(answer: &Fields<'_>) -> Stored<CountedBelowReserved> {
    let orders = answer.get::<Option<Vec<String>>>("orders")?.unwrap_or_default();
    let orders = orders.iter().map(|id| id.parse::<OrderId>()).collect::<Result<_, _>>();
    Ok(CountedBelowReserved {
        product_id: ProductId::from_uuid(answer.get("product")?),
        counted: answer.decimal("requested")?,
        reserved: answer.decimal("available")?,
        orders: orders.map_err(|e| answer.corrupt("orders").with_source(e))?,
    })
}

fn decode_level(row: &PgRow) -> Stored<StockLevel> {
    let fields = Fields::of(row, "stock_levels", "store_product_id");
    Ok(StockLevel {
        product_id: ProductId::from_uuid(fields.get("store_product_id")?),
        unit: fields.parse("stock_unit")?,
        current: fields.decimal("current_stock")?,
        reserved: fields.decimal("reserved_stock")?,
        seq: fields.count("seq")?,
        updated_at: fields.get("last_stock_update")?,
    })
}

fn decode_movement(row: &PgRow) -> Stored<Movement> {
    let fields = Fields::of(row, "stock_movements", "store_product_id");
    let (product_id, seq) = (ProductId::from_uuid(fields.get("store_product_id")?), fields.count("seq")?);
    Ok(Movement {
        id: MovementId::of(product_id, seq),
        product_id,
        seq,
        movement_type: fields.parse("movement_type")?,
        quantity: fields.decimal("quantity")?,
        balance_after: fields.decimal("balance_after")?,
        reference_type: fields.parse("reference_type")?,
        reference_id: fields.get("reference_id")?,
        reason: fields.get("reason")?,
        performed_by: fields.get::<Option<Uuid>>("performed_by")?.map(UserId::from_uuid),
        created_at: fields.get("created_at")?,
    })
}
