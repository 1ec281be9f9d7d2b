//! Holding stock: batches of requests for `vyapar.reserve_all`, and for `vyapar.reserve_many` where
//! that cannot hold all of one; and one more try after due holds are freed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::inventory::{Reserve, ReserveOutcome, ShortLine};
use vyapar_core::{ProductId, Quantity, RepositoryError, RepositoryErrorKind, StoreId, Stored, Timestamp};

use super::reservations::{decode, unclear};
use super::whole::{self, Whole};
use crate::database::Database;
use crate::encode::{integer, millis, place};
use crate::error::Intent;
use crate::gather::{Key, Lane, Reply, Work};
use crate::row::Fields;
use crate::wire::{Columns, Rows, Wire};

type Places = std::collections::HashMap<(StoreId, ProductId), usize, foldhash::fast::RandomState>;

/// Due holds freed in one transaction.
const FREED_AT_ONCE: i32 = 100;

pub(super) async fn reserve(
    lane: &Arc<Lane<Reserving>>,
    database: &Database,
    store: StoreId,
    request: Reserve,
) -> Stored<ReserveOutcome> {
    let now = request.now;
    let request = Arc::new(Ask { store, request });
    let first = lane.call(Arc::clone(&request)).await?;
    let Answer { outcome: ReserveOutcome::Short(short), due: true } = &first else {
        return Ok(first.outcome);
    };
    // In a box: few calls need it, and all would carry its 9 kB about.
    Box::pin(free_due_holds(database, store, short.iter().map(|line| line.product_id), now)).await?;
    // Even if none was freed here: another call may have been quicker.
    Ok(lane.call(request).await?.outcome)
}

/// Frees what is due among the store's holds of these products. Short is final only after
/// that; it is a transaction of its own, because inside the reserve's it would lock
/// reservations after levels, and deadlock.
pub(crate) async fn free_due_holds(
    database: &Database,
    store: StoreId,
    products: impl Iterator<Item = ProductId>,
    now: Timestamp,
) -> Stored<()> {
    let products: Vec<Uuid> = products.map(|product| product.as_uuid()).collect();
    loop {
        let function = sqlx::query("select vyapar.free_due_holds($1, $2, $3, $4, $5)")
            .bind(store.as_uuid())
            .bind(&products)
            .bind(now)
            .bind(FREED_AT_ONCE)
            .bind(database.lock_timeout());
        let freed: i32 = database.call_one(function, "freeing due holds").await.map_err(nothing_done)?;
        if freed < FREED_AT_ONCE {
            return Ok(());
        }
    }
}

/// Whatever became of the freeing, nothing was reserved or changed: that much is known.
fn nothing_done(error: RepositoryError) -> RepositoryError {
    if error.is_outcome_unknown() {
        return RepositoryError::new(RepositoryErrorKind::Unavailable, "freeing due holds").with_source(error);
    }
    error
}

/// A request of a store.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) store: StoreId,
    pub(crate) request: Reserve,
}

impl Ask {
    pub(crate) fn keys(&self) -> impl Iterator<Item = Key> {
        let levels = self.request.lines.iter().map(|(product, _)| Key::Level(self.store, *product));
        levels.chain([Key::Reservation(self.store, self.request.hold.id)])
    }
}

/// The answer to one request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) outcome: ReserveOutcome,
    /// Holds that are due stand in the way of a request that is short.
    pub(crate) due: bool,
}

impl Answer {
    const HELD: Self = Self { outcome: ReserveOutcome::Held, due: false };

    /// Whether these are the answers of a batch whose calls all succeeded.
    pub(crate) fn are_held(answers: &[Stored<Reply<Self>>]) -> bool {
        answers.iter().all(|answer| matches!(answer, Ok(Reply::Done(Self::HELD))))
    }
}

/// Holding stock, as a kind of call that is gathered.
#[derive(Debug, Default)]
pub(crate) struct Reserving(Whole);

#[async_trait]
impl Work for Reserving {
    type Ask = Arc<Ask>;
    type Answer = Answer;

    const NAME: &'static str = "reserving stock";
    const INTENT: Intent = Intent::Write;

    fn keys(&self, ask: &Arc<Ask>) -> Vec<Key> {
        Ask::keys(ask).collect()
    }

    fn lines(&self, ask: &Arc<Ask>) -> usize {
        ask.request.lines.len()
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Arc<Ask>],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Answer>>>, sqlx::Error> {
        let asks: Vec<&Ask> = asks.iter().map(|ask: &&Arc<Ask>| Arc::as_ref(ask)).collect();
        let batch = Batch::of(&asks);
        if wait.is_none() && self.0.is_tried() {
            let held = sqlx::query("select vyapar.reserve_all($1, $2, $3, $4, $5)")
                .bind(batch.stores())
                .bind(Rows(&batch.requests))
                .bind(Rows(&batch.levels))
                .bind(Rows(&batch.lines))
                .bind(millis(whole::patience(patience)))
                .execute(&mut *connection)
                .await;
            match held {
                Ok(_) => return Ok(batch.all_held()),
                Err(error) => drop(self.0.refused(error)?),
            }
        }
        let (wait_level, wait_request) = batch.places_of(wait);
        let rows = sqlx::query(
            "select a.request, a.outcome, a.line, a.available, a.level, (a.found).*
               from vyapar.reserve_many($1, $2, $3, $4, $5, $6, $7, $8) a",
        )
        .bind(batch.stores())
        .bind(Rows(&batch.requests))
        .bind(Rows(&batch.levels))
        .bind(Rows(&batch.lines))
        .bind(&batch.turn)
        .bind(wait_level)
        .bind(wait_request)
        .bind(millis(patience))
        .fetch_all(connection)
        .await?;
        let answers = batch.answers(&rows);
        self.0.decided(Answer::are_held(&answers));
        Ok(answers)
    }

    fn shares_levels(&self) -> bool {
        self.0.is_tried()
    }

    fn refusals(&self) -> u64 {
        self.0.refusals()
    }
}

/// `vyapar.reserve_request`.
pub(crate) struct RequestRow<'a> {
    ask: &'a Ask,
    products: Vec<Uuid>,
    quantities: Vec<Decimal>,
    zeros: Vec<Decimal>,
}

impl Wire for RequestRow<'_> {
    const TYPE: &'static str = "vyapar.reserve_request";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let request = &self.ask.request;
        row.uuid(self.ask.store.as_uuid())?
            .uuid(request.hold.id.as_uuid())?
            .integer(integer(request.hold.attempt))?
            .varchar(request.hold.order_id.as_str())?
            .bytes(request.fingerprint.as_bytes())?
            .time(request.due)?
            .time(request.now)?
            .uuids(&self.products)?
            .numerics(&self.quantities)?
            .numerics(&self.zeros)?;
        Ok(())
    }
}

/// `vyapar.reserve_level`.
pub(crate) struct LevelRow {
    store: StoreId,
    product: ProductId,
    total: i64,
    count: i32,
    at: Timestamp,
}

impl Wire for LevelRow {
    const TYPE: &'static str = "vyapar.reserve_level";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        row.uuid(self.store.as_uuid())?
            .uuid(self.product.as_uuid())?
            .numeric(thousandths(self.total))?
            .integer(self.count)?
            .time(self.at)?;
        Ok(())
    }
}

/// `vyapar.reserve_line`.
pub(crate) struct LineRow<'a> {
    ask: &'a Ask,
    request: i32,
    level: i32,
    product: ProductId,
    quantity: Quantity,
    sum: i64,
    nth: i32,
}

impl Wire for LineRow<'_> {
    const TYPE: &'static str = "vyapar.reserve_line";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        let request = &self.ask.request;
        row.integer(self.request)?
            .integer(self.level)?
            .uuid(self.ask.store.as_uuid())?
            .uuid(self.product.as_uuid())?
            .numeric(self.quantity)?
            .numeric(thousandths(self.sum))?
            .integer(self.nth)?
            .varchar(request.hold.order_id.as_str())?
            .uuid_opt(request.performed_by.map(|id| id.as_uuid()))?
            .time(request.now)?;
        Ok(())
    }
}

fn thousandths(value: i64) -> Decimal {
    Decimal::new(value, 3)
}

/// Requests as the function takes them.
pub(crate) struct Batch<'a> {
    /// By (store, id): the order in which keys are taken.
    pub(crate) requests: Vec<RequestRow<'a>>,
    /// Which call each request is.
    pub(crate) calls: Vec<usize>,
    pub(crate) levels: Vec<LevelRow>,
    pub(crate) lines: Vec<LineRow<'a>>,
    /// Where each call stands among the requests.
    pub(crate) turn: Vec<i32>,
}

impl<'a> Batch<'a> {
    pub(crate) fn of(asks: &[&'a Ask]) -> Self {
        let mut by_key: Vec<(usize, &'a Ask)> = asks.iter().copied().enumerate().collect();
        by_key.sort_by_key(|(_, ask)| (ask.store, ask.request.hold.id));
        let mut turn = vec![0; asks.len()];
        let mut requests = Vec::with_capacity(asks.len());
        let calls = by_key.iter().map(|(number, _)| *number).collect();
        for (at, (number, ask)) in by_key.into_iter().enumerate() {
            if let Some(slot) = turn.get_mut(number) {
                *slot = place(at);
            }
            let mut lines: Vec<_> = ask.request.lines.iter().collect();
            lines.sort_by_key(|(product, _)| *product);
            requests.push(RequestRow {
                ask,
                products: lines.iter().map(|(product, _)| product.as_uuid()).collect(),
                quantities: lines.iter().map(|(_, quantity)| (*quantity).into()).collect(),
                zeros: vec![Decimal::ZERO; lines.len()],
            });
        }
        let mut batch = Self { requests, calls, levels: Vec::new(), lines: Vec::new(), turn };
        let mut known = Places::default();
        for (number, ask) in asks.iter().enumerate() {
            for (product, quantity) in &ask.request.lines {
                batch.add(number, ask, *product, *quantity, &mut known);
            }
        }
        batch.sort_levels();
        batch
    }

    /// Levels by id: batches that want the same ones take them in the same order.
    fn sort_levels(&mut self) {
        let mut order: Vec<usize> = (0..self.levels.len()).collect();
        order.sort_by_key(|at| self.levels.get(*at).map(|level| (level.store, level.product)));
        let mut places = vec![0; order.len()];
        for (now, was) in order.into_iter().enumerate() {
            if let Some(slot) = places.get_mut(was) {
                *slot = place(now);
            }
        }
        self.levels.sort_by_key(|level| (level.store, level.product));
        for line in &mut self.lines {
            if let Some(now) = position(line.level).and_then(|was| places.get(was)) {
                line.level = *now;
            }
        }
    }

    fn add(&mut self, number: usize, ask: &'a Ask, product: ProductId, quantity: Quantity, known: &mut Places) {
        let (store, now) = (ask.store, ask.request.now);
        let at = *known.entry((store, product)).or_insert_with(|| {
            self.levels.push(LevelRow { store, product, total: 0, count: 0, at: now });
            self.levels.len() - 1
        });
        let Some(level) = self.levels.get_mut(at) else { return };
        level.total = level.total.saturating_add(quantity.thousandths());
        level.count += 1;
        level.at = level.at.max(now);
        self.lines.push(LineRow {
            ask,
            request: self.turn.get(number).copied().unwrap_or_default(),
            level: place(at),
            product,
            quantity,
            sum: level.total,
            nth: level.count,
        });
    }

    /// The stores, each once.
    pub(crate) fn stores(&self) -> Vec<Uuid> {
        let mut stores: Vec<Uuid> = self.requests.iter().map(|row| row.ask.store.as_uuid()).collect();
        stores.sort_unstable();
        stores.dedup();
        stores
    }

    /// The places of the level or the request to wait for.
    pub(crate) fn places_of(&self, wait: Option<&Key>) -> (Option<i32>, Option<i32>) {
        match wait {
            Some(Key::Level(store, product)) => {
                let at = self.levels.iter().position(|level| level.store == *store && level.product == *product);
                (at.map(place), None)
            }
            Some(Key::Reservation(store, id)) => {
                let is = |row: &RequestRow<'_>| row.ask.store == *store && row.ask.request.hold.id == *id;
                (None, self.requests.iter().position(is).map(place))
            }
            Some(Key::Order(..)) | None => (None, None),
        }
    }

    /// The answer to each call where all succeeded.
    pub(crate) fn all_held(&self) -> Vec<Stored<Reply<Answer>>> {
        self.requests.iter().map(|_| Ok(Reply::Done(Answer::HELD))).collect()
    }

    /// The answer to each call, in their order.
    pub(crate) fn answers(&self, rows: &[PgRow]) -> Vec<Stored<Reply<Answer>>> {
        let held = || Some(Ok(Reply::Done(Answer::HELD)));
        let mut answers: Vec<Option<Stored<Reply<Answer>>>> = self.requests.iter().map(|_| None).collect();
        for row in rows {
            let fields = Fields::of(row, "reserve_many", "id");
            match fields.get::<Option<i32>>("request").map(|request| request.map(position)) {
                Ok(None) => answers.iter_mut().for_each(|slot| *slot = held()),
                Ok(Some(at)) => {
                    if let Some(slot) = at.and_then(|at| answers.get_mut(at)) {
                        self.answer(at.unwrap_or_default(), row, slot);
                    }
                }
                Err(_) => {}
            }
        }
        let turns = self.turn.iter().map(|turn| position(*turn));
        turns.map(|at| at.and_then(|at| answers.get_mut(at)?.take()).unwrap_or_else(|| Err(invalid()))).collect()
    }

    /// Takes in one row of the answer; a request that is short has one per line.
    fn answer(&self, at: usize, row: &PgRow, slot: &mut Option<Stored<Reply<Answer>>>) {
        let fields = Fields::of(row, "reserve_many", "id");
        if let Some(Ok(Reply::Done(Answer { outcome: ReserveOutcome::Short(lines), .. }))) = slot {
            match self.short_line(&fields) {
                Ok(line) => lines.push(line),
                Err(error) => *slot = Some(Err(error)),
            }
            return;
        }
        let done = |outcome, due| Ok(Reply::Done(Answer { outcome, due }));
        *slot = Some(match fields.get::<&str>("outcome") {
            Ok("held") => done(ReserveOutcome::Held, false),
            Ok("taken") => decode(row).and_then(|found| done(ReserveOutcome::Taken(found), false)),
            Ok("locked") => self.locked(at, &fields).map(Reply::Locked),
            Ok(short @ ("short" | "due")) => {
                self.short_line(&fields).and_then(|line| done(ReserveOutcome::Short(vec![line]), short == "due"))
            }
            _ => Err(invalid()),
        });
    }

    fn short_line(&self, fields: &Fields<'_>) -> Stored<ShortLine> {
        let line = position(fields.get("line")?).and_then(|at| self.lines.get(at)).ok_or_else(invalid)?;
        Ok(ShortLine { product_id: line.product, requested: line.quantity, available: fields.decimal("available")? })
    }

    fn locked(&self, at: usize, fields: &Fields<'_>) -> Stored<Key> {
        match fields.get::<Option<i32>>("level")? {
            Some(level) => {
                let level = position(level).and_then(|at| self.levels.get(at)).ok_or_else(invalid)?;
                Ok(Key::Level(level.store, level.product))
            }
            None => {
                let row = self.requests.get(at).ok_or_else(invalid)?;
                Ok(Key::Reservation(row.ask.store, row.ask.request.hold.id))
            }
        }
    }
}

/// A place from 1 as one from 0.
fn position(from_one: i32) -> Option<usize> {
    usize::try_from(from_one).ok()?.checked_sub(1)
}

fn invalid() -> RepositoryError {
    unclear("reserve_many")
}
