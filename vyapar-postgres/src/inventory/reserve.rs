//! Holding stock: one call of `vyapar.reserve` for a batch of requests, and one more after
//! due holds are freed.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::inventory::{Reserve, ReserveOutcome, ShortLine};
use vyapar_core::{ProductId, Quantity, RepositoryError, RepositoryErrorKind, StoreId, Stored, Timestamp};

use super::reservations::{decode, unclear};
use crate::database::Database;
use crate::encode::integer;
use crate::row::Fields;

/// Due holds freed in one transaction.
const FREED_AT_ONCE: i32 = 100;

pub(super) async fn reserve(database: &Database, store: StoreId, request: Reserve) -> Stored<ReserveOutcome> {
    let batch = Batch::of(&[(store, &request)]);
    let first = only(batch.run(database).await?)?;
    let Answer { outcome: ReserveOutcome::Short(short), due: true } = &first else {
        return Ok(first.outcome);
    };
    // Short is final only after due holds are freed, in a transaction of their own: inside
    // the reserve's it would lock reservations after levels, and deadlock.
    let products: Vec<Uuid> = short.iter().map(|line| line.product_id.as_uuid()).collect();
    free_due_holds(database, store, &products, request.now).await?;
    // Even if none was freed here: another call may have been quicker.
    Ok(only(batch.run(database).await?)?.outcome)
}

/// The answer to one request of a batch.
#[derive(Debug, Clone)]
struct Answer {
    outcome: ReserveOutcome,
    /// Holds that are due stand in the way of a request that is short.
    due: bool,
}

fn only(mut answers: Vec<Answer>) -> Stored<Answer> {
    answers.pop().ok_or_else(|| unclear("reserve"))
}

/// Frees what is due among the store's holds of these products.
async fn free_due_holds(database: &Database, store: StoreId, products: &[Uuid], now: Timestamp) -> Stored<()> {
    loop {
        let function = sqlx::query("select vyapar.free_due_holds($1, $2, $3, $4, $5)")
            .bind(store.as_uuid())
            .bind(products)
            .bind(now)
            .bind(FREED_AT_ONCE)
            .bind(database.lock_timeout());
        let freed: i32 = database.call_one(function, "freeing due holds").await.map_err(nothing_reserved)?;
        if freed < FREED_AT_ONCE {
            return Ok(());
        }
    }
}

/// Whatever became of the freeing, nothing was reserved: that much is known.
fn nothing_reserved(error: RepositoryError) -> RepositoryError {
    if error.is_outcome_unknown() {
        return RepositoryError::new(RepositoryErrorKind::Unavailable, "freeing due holds").with_source(error);
    }
    error
}

/// Requests as the function takes them: one array per column.
#[derive(Debug, Default)]
struct Batch {
    stores: Vec<Uuid>,
    ids: Vec<Uuid>,
    attempts: Vec<i32>,
    orders: Vec<String>,
    fingerprints: Vec<Vec<u8>>,
    dues: Vec<Timestamp>,
    users: Vec<Option<Uuid>>,
    nows: Vec<Timestamp>,
    /// Each product once, by id: the order in which levels are locked.
    products: Vec<Uuid>,
    product_stores: Vec<Uuid>,
    /// Lines, by request; they name request and product by position, from 1.
    line_requests: Vec<i32>,
    line_products: Vec<i32>,
    line_quantities: Vec<Decimal>,
    /// The same lines as asked.
    lines: Vec<(ProductId, Quantity)>,
}

impl Batch {
    fn of(requests: &[(StoreId, &Reserve)]) -> Self {
        let mut batch = Self::default();
        let products: BTreeSet<(Uuid, Uuid)> = requests
            .iter()
            .flat_map(|(store, request)| request.lines.iter().map(|(id, _)| (id.as_uuid(), store.as_uuid())))
            .collect();
        (batch.products, batch.product_stores) = products.iter().copied().unzip();
        for ((store, request), number) in requests.iter().zip(1_i32..) {
            batch.stores.push(store.as_uuid());
            batch.ids.push(request.hold.id.as_uuid());
            batch.attempts.push(integer(request.hold.attempt));
            batch.orders.push(request.hold.order_id.as_str().to_owned());
            batch.fingerprints.push(request.fingerprint.as_bytes().to_vec());
            batch.dues.push(request.due);
            batch.users.push(request.performed_by.map(|id| id.as_uuid()));
            batch.nows.push(request.now);
            for (id, quantity) in &request.lines {
                let rank = products.range(..(id.as_uuid(), store.as_uuid())).count();
                batch.line_requests.push(number);
                batch.line_products.push(i32::try_from(rank + 1).unwrap_or(i32::MAX));
                batch.line_quantities.push((*quantity).into());
                batch.lines.push((*id, *quantity));
            }
        }
        batch
    }

    /// The outcome of each request, in their order.
    async fn run(&self, database: &Database) -> Stored<Vec<Answer>> {
        let function = sqlx::query(
            "select a.request, a.outcome, a.line, a.available, (a.found).*
               from vyapar.reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) a",
        )
        .bind(&self.stores)
        .bind(&self.ids)
        .bind(&self.attempts)
        .bind(&self.orders)
        .bind(&self.fingerprints)
        .bind(&self.dues)
        .bind(&self.users)
        .bind(&self.nows)
        .bind(&self.products)
        .bind(&self.product_stores)
        .bind(&self.line_requests)
        .bind(&self.line_products)
        .bind(&self.line_quantities)
        .bind(database.lock_timeout());
        let rows = database.call(function, "reserving stock").await?;
        let mut answers: Vec<Option<Answer>> = vec![None; self.ids.len()];
        for row in &rows {
            self.answer(row, &mut answers)?;
        }
        answers.into_iter().map(|answer| answer.ok_or_else(|| unclear("reserve"))).collect()
    }

    /// Takes in one row of the answer; a request that is short has one per line.
    fn answer(&self, row: &PgRow, answers: &mut [Option<Answer>]) -> Stored<()> {
        let fields = Fields::of(row, "reserve", "id");
        let slot = position(fields.get("request")?).and_then(|at| answers.get_mut(at)).ok_or_else(invalid)?;
        match fields.get::<&str>("outcome")? {
            "held" => *slot = Some(Answer { outcome: ReserveOutcome::Held, due: false }),
            "taken" => *slot = Some(Answer { outcome: ReserveOutcome::Taken(decode(row)?), due: false }),
            short @ ("short" | "due") => {
                let line = position(fields.get("line")?).and_then(|at| self.lines.get(at)).ok_or_else(invalid)?;
                let (product_id, requested) = *line;
                let line = ShortLine { product_id, requested, available: fields.decimal("available")? };
                match slot {
                    Some(Answer { outcome: ReserveOutcome::Short(lines), .. }) => lines.push(line),
                    slot => *slot = Some(Answer { outcome: ReserveOutcome::Short(vec![line]), due: short == "due" }),
                }
            }
            _ => return Err(invalid()),
        }
        Ok(())
    }
}

/// A position from 1 as one from 0.
fn position(from_one: i32) -> Option<usize> {
    usize::try_from(from_one).ok()?.checked_sub(1)
}

fn invalid() -> RepositoryError {
    unclear("reserve")
}
