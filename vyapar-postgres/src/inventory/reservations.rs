//! Reservations (`reservations`), and what recovery looks at among them.

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::error::readable;
use vyapar_core::inventory::{
    Amend, AmendOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, MAX_LINES, ReleaseCause,
    ReleaseOutcome, Reservation, ReservationLine, ReservationQueue, Reservations, Reserve, ReserveOutcome,
};
use vyapar_core::page::AllStores;
use vyapar_core::{
    ProductId, Quantity, RepositoryError, RepositoryErrorKind, ReservationId, StoreId, Stored, Timestamp,
};

use super::Stock;
use super::ledger::short_line;
use super::reserve;
use super::settle::{self, Move, Standing};
use crate::database::Scope;
use crate::encode::{bigint, integer, with_room};
use crate::error;
use crate::row::Fields;

#[async_trait]
impl Reservations for Stock {
    async fn reserve(&self, store: StoreId, request: Reserve) -> Stored<ReserveOutcome> {
        check_lines(request.lines.len())?;
        reserve::reserve(&self.reserve, &self.database, store, request).await
    }

    async fn find(&self, store: StoreId, id: ReservationId) -> Stored<Option<Reservation>> {
        let function = sqlx::query("select * from vyapar.find_reservation($1, $2, $3)")
            .bind(store.as_uuid())
            .bind(id.as_uuid())
            .bind(self.database.lock_timeout());
        self.database.ask(function, "finding a reservation").await?.first().map(decode).transpose()
    }

    async fn commit(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<CommitOutcome> {
        Ok(match self.settle(store, hold, Move::Commit, now).await? {
            Standing::Committed | Standing::Dispatched => CommitOutcome::Committed,
            _ => CommitOutcome::Lost,
        })
    }

    async fn release(&self, store: StoreId, hold: Hold, cause: ReleaseCause, now: Timestamp) -> Stored<ReleaseOutcome> {
        let step = match cause {
            ReleaseCause::Undone => Move::Undo,
            ReleaseCause::Cancelled => Move::Cancel,
        };
        Ok(match (self.settle(store, hold, step, now).await?, cause) {
            (Standing::Released, _) => ReleaseOutcome::Released,
            (Standing::Committed, _) | (Standing::Dispatched, ReleaseCause::Undone) => ReleaseOutcome::Committed,
            (Standing::Dispatched, ReleaseCause::Cancelled) => ReleaseOutcome::Dispatched,
            (Standing::Other, _) => ReleaseOutcome::Other,
            (Standing::Held, _) => return Err(unclear("settle_many")),
        })
    }

    async fn dispatch(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<DispatchOutcome> {
        Ok(match self.settle(store, hold, Move::Dispatch, now).await? {
            Standing::Dispatched => DispatchOutcome::Dispatched,
            _ => DispatchOutcome::NotCommitted,
        })
    }

    async fn amend(&self, store: StoreId, request: Amend) -> Stored<AmendOutcome> {
        check_lines(request.targets.len())?;
        let (products, targets): (Vec<Uuid>, Vec<Decimal>) =
            request.targets.iter().map(|(id, target)| (id.as_uuid(), Decimal::from(*target))).unzip();
        let function =
            sqlx::query("select * from vyapar.amend_reservation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
                .bind(store.as_uuid())
                .bind(request.hold.id.as_uuid())
                .bind(integer(request.hold.attempt))
                .bind(request.hold.order_id.as_str())
                .bind(bigint(request.revision))
                .bind(products)
                .bind(targets)
                .bind(i32::try_from(MAX_LINES).unwrap_or(i32::MAX))
                .bind(request.performed_by.map(|id| id.as_uuid()))
                .bind(request.now)
                .bind(self.database.lock_timeout());
        let rows = self.database.call(function, "amending a reservation").await?;
        let answers: Vec<_> = rows.iter().map(|row| Fields::of(row, "amend_reservation", "product")).collect();
        let first = answers.first().ok_or_else(|| unclear("amend_reservation"))?;
        match first.get::<&str>("outcome")? {
            "amended" => Ok(AmendOutcome::Amended),
            "short" => answers.iter().map(short_line).collect::<Stored<_>>().map(AmendOutcome::Short),
            "not_holding" => Ok(AmendOutcome::NotHolding),
            "too_many" => Err(error::too_many("products", MAX_LINES)),
            _ => Err(unclear("amend_reservation")),
        }
    }

    async fn give_back(&self, store: StoreId, request: GiveBack) -> Stored<GiveBackOutcome> {
        check_lines(request.lines.len())?;
        let products: Vec<Uuid> = request.lines.iter().map(|line| line.product_id.as_uuid()).collect();
        let quantities: Vec<Decimal> = request.lines.iter().map(|line| line.quantity.into()).collect();
        let sellable: Vec<bool> = request.lines.iter().map(|line| line.sellable).collect();
        let function = sqlx::query("select * from vyapar.give_back($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
            .bind(store.as_uuid())
            .bind(request.hold.id.as_uuid())
            .bind(integer(request.hold.attempt))
            .bind(request.hold.order_id.as_str())
            .bind(request.operation.as_uuid())
            .bind(products)
            .bind(quantities)
            .bind(sellable)
            .bind(request.reason)
            .bind(request.performed_by.map(|id| id.as_uuid()))
            .bind(request.now)
            .bind(self.database.lock_timeout());
        let rows = self.database.call(function, "giving goods back").await?;
        let answers: Vec<_> = rows.iter().map(|row| Fields::of(row, "give_back", "product")).collect();
        let first = answers.first().ok_or_else(|| unclear("give_back"))?;
        match first.get::<&str>("outcome")? {
            "booked" => Ok(GiveBackOutcome::Booked),
            "too_much" => answers.iter().map(short_line).collect::<Stored<_>>().map(GiveBackOutcome::TooMuch),
            "not_dispatched" => Ok(GiveBackOutcome::NotDispatched),
            _ => Err(unclear("give_back")),
        }
    }

    async fn close(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<()> {
        self.settle(store, hold, Move::Close, now).await.map(drop)
    }
}

#[async_trait]
impl ReservationQueue for Stock {
    async fn due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Reservation>> {
        let query = sqlx::query(
            "select * from vyapar.reservations where open and recover_at <= $1
              order by recover_at, store_id, id limit $2",
        )
        .bind(now)
        .bind(with_room(limit));
        let mut reader = self.database.reader(Scope::AllStores, "listing due reservations").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        readable(rows.iter().map(decode), limit)
    }

    async fn defer(&self, store: StoreId, hold: Hold, recover_at: Timestamp, failures: u32) -> Stored<()> {
        let function = sqlx::query("select from vyapar.defer_reservation($1, $2, $3, $4, $5, $6, $7)")
            .bind(store.as_uuid())
            .bind(hold.id.as_uuid())
            .bind(integer(hold.attempt))
            .bind(hold.order_id.as_str())
            .bind(recover_at)
            .bind(integer(failures))
            .bind(self.database.lock_timeout());
        self.database.call(function, "deferring a reservation").await.map(drop)
    }

    async fn stuck(&self, _: AllStores, failures: u32, limit: u32) -> Stored<Vec<Reservation>> {
        let query = sqlx::query(
            "select * from vyapar.reservations where open and failures >= $1
              order by recover_at, store_id, id limit $2",
        )
        .bind(integer(failures))
        .bind(i64::from(limit));
        let mut reader = self.database.reader(Scope::AllStores, "listing stuck reservations").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        readable(rows.iter().map(decode), limit)
    }
}

impl Stock {
    async fn settle(&self, store: StoreId, hold: Hold, step: Move, now: Timestamp) -> Stored<Standing> {
        self.settle.call(settle::Ask { store, hold, step, now }).await
    }
}

fn check_lines(count: usize) -> Stored<()> {
    if count > MAX_LINES { Err(error::too_many("products", MAX_LINES)) } else { Ok(()) }
}

/// A function of the schema answered what it never should: the schema is not ours.
pub(super) fn unclear(function: &str) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::Backend, format!("an answer of {function}"))
}

pub(super) fn decode(row: &PgRow) -> Stored<Reservation> {
    let fields = Fields::of(row, "reservations", "id");
    let products: Vec<Uuid> = fields.get("product_ids")?;
    let quantities = amounts(&fields, "quantities")?;
    let given_back = amounts(&fields, "given_back")?;
    if products.len() != quantities.len() || products.len() != given_back.len() {
        return Err(fields.corrupt("product_ids"));
    }
    let lines = products.into_iter().zip(quantities).zip(given_back).map(|((id, quantity), given_back)| {
        ReservationLine { product_id: ProductId::from_uuid(id), quantity, given_back }
    });
    Ok(Reservation {
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        hold: Hold {
            id: ReservationId::from_uuid(fields.get("id")?),
            attempt: fields.small_count("attempt")?,
            order_id: fields.parse("order_id")?,
        },
        fingerprint: fields.blind_opt("fingerprint")?,
        state: fields.parse("state")?,
        open: fields.get("open")?,
        lines: lines.collect(),
        revision: fields.count("revision")?,
        due: fields.get("due")?,
        recover_at: fields.get("recover_at")?,
        failures: fields.small_count("failures")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}

fn amounts(fields: &Fields<'_>, column: &str) -> Stored<Vec<Quantity>> {
    let amounts: Vec<Decimal> = fields.get(column)?;
    let amounts: Result<_, _> = amounts.into_iter().map(Quantity::try_from).collect();
    amounts.map_err(|e| fields.corrupt(column).with_source(e))
}
