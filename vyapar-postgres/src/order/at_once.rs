//! Placing in one transaction: batches for `vyapar.place_all`, and for `vyapar.place_many` where
//! that cannot do all of one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::error::BoxDynError;
use vyapar_core::inventory::{MAX_LINES, Reserve, ReserveOutcome};
use vyapar_core::order::{AtOnceOutcome, Basis, InsertOutcome, NewOrder, PlaceAtOnce};
use vyapar_core::{ProductId, StoreId, Stored};

use super::insert::{OrderRows, check, in_the_way};
use crate::database::Database;
use crate::encode::{bigint, millis};
use crate::error::{self, Intent};
use crate::gather::{Key, Lane, Reply, Work};
use crate::inventory::reserve::{Answer as Held, Ask as Hold, Batch, free_due_holds};
use crate::inventory::whole::{self, Refused, Whole};
use crate::wire::{Columns, Rows, Wire};

/// Stock and orders of this database.
pub(crate) struct Together {
    pub(crate) database: Database,
    pub(crate) lane: Arc<Lane<Placing>>,
}

#[async_trait]
impl PlaceAtOnce for Together {
    async fn place(
        &self,
        store: StoreId,
        reserve: Reserve,
        new: Box<NewOrder>,
        basis: Option<Basis>,
    ) -> Stored<AtOnceOutcome> {
        if reserve.lines.len() > MAX_LINES {
            return Err(error::too_many("products", MAX_LINES));
        }
        check(store, &new, "placing an order")?;
        let now = reserve.now;
        let ask = Arc::new(Ask { hold: Hold { store, request: reserve }, new, basis });
        let first = self.lane.call(Arc::clone(&ask)).await?;
        let Answer { outcome: AtOnceOutcome::Short(short), due: true } = &first else {
            return Ok(first.outcome);
        };
        // In a box: few calls need it, and all would carry its 9 kB about.
        Box::pin(free_due_holds(&self.database, store, short.iter().map(|line| line.product_id), now)).await?;
        // Even if none was freed here: another call may have been quicker.
        Ok(self.lane.call(ask).await?.outcome)
    }
}

#[derive(Debug)]
pub(crate) struct Ask {
    hold: Hold,
    new: Box<NewOrder>,
    basis: Option<Basis>,
}

/// The answer to one order of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    outcome: AtOnceOutcome,
    /// Holds that are due stand in the way of an order that is short.
    due: bool,
}

/// Placing in one transaction, as a kind of call that is gathered.
#[derive(Debug, Default)]
pub(crate) struct Placing(Whole);

#[async_trait]
impl Work for Placing {
    type Ask = Arc<Ask>;
    type Answer = Answer;

    const NAME: &'static str = "placing an order";
    const INTENT: Intent = Intent::Write;

    fn keys(&self, ask: &Arc<Ask>) -> Vec<Key> {
        let order = Key::Order(ask.hold.store, ask.new.order.id.clone());
        ask.hold.keys().chain([order]).collect()
    }

    fn lines(&self, ask: &Arc<Ask>) -> usize {
        ask.hold.request.lines.len()
    }

    fn shares_levels(&self) -> bool {
        self.0.is_tried()
    }

    fn refusals(&self) -> u64 {
        self.0.refusals()
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Arc<Ask>],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Answer>>>, sqlx::Error> {
        let mut answers: Vec<Option<Stored<Reply<Answer>>>> = asks.iter().map(|_| None).collect();
        // Each round answers at least one call, or is the last.
        loop {
            let (places, left): (Vec<usize>, Vec<&Ask>) = (answers.iter().zip(asks).enumerate())
                .filter(|(_, (answer, _))| answer.is_none())
                .map(|(at, (_, ask))| (at, Arc::as_ref(ask)))
                .unzip();
            let changed = match self.once(&mut *connection, &left, wait, patience).await? {
                Done::Answered(done) => {
                    for (at, answer) in places.into_iter().zip(done) {
                        if let Some(slot) = answers.get_mut(at) {
                            *slot = Some(answer);
                        }
                    }
                    let missing = || Err(error::unclear("place_many"));
                    return Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect());
                }
                Done::Changed(changed) => changed,
            };
            let known = answers.iter().flatten().count();
            for at in changed.into_iter().filter_map(|at| places.get(at)) {
                let answer = Answer { outcome: AtOnceOutcome::Changed, due: false };
                if let Some(slot) = answers.get_mut(*at) {
                    *slot = Some(Ok(Reply::Done(answer)));
                }
            }
            let now = answers.iter().flatten().count();
            if now == asks.len() {
                return Ok(answers.into_iter().flatten().collect());
            }
            if now == known {
                return Ok(asks.iter().map(|_| Err(error::unclear("check_basis"))).collect());
            }
        }
    }
}

/// How a transaction ended.
enum Done {
    /// With an answer for each call.
    Answered(Vec<Stored<Reply<Answer>>>),
    /// With nothing written, because these calls were quoted by what has changed.
    Changed(Vec<usize>),
}

impl Placing {
    async fn once(
        &self,
        connection: &mut PgConnection,
        asks: &[&Ask],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Done, sqlx::Error> {
        let holds: Vec<&Hold> = asks.iter().map(|ask| &ask.hold).collect();
        let batch = Batch::of(&holds);
        let orders = OrderRows::of(batch.calls.iter().filter_map(|call| asks.get(*call)).map(|ask| &*ask.new));
        let bases = Bases::of(asks);
        if wait.is_none() && self.0.is_tried() {
            let placed = sqlx::query("select vyapar.place_all($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
                .bind(batch.stores())
                .bind(Rows(&batch.requests))
                .bind(Rows(&batch.levels))
                .bind(Rows(&batch.lines))
                .bind(Rows(&orders.orders))
                .bind(Rows(&orders.items))
                .bind(Rows(&orders.history))
                .bind(Rows(&orders.audit))
                .bind(Rows(&bases.rows))
                .bind(millis(whole::patience(patience)))
                .execute(&mut *connection)
                .await;
            match placed.map_err(|error| self.0.refused(error)) {
                Ok(_) => {
                    return Ok(Done::Answered(batch.all_held().into_iter().map(|held| held.map(placed_by)).collect()));
                }
                Err(Ok(Refused::Changed(places))) => return Ok(Done::Changed(bases.calls(&places))),
                Err(Ok(Refused::InTurn)) => {}
                Err(Err(error)) => return Err(error),
            }
        }
        let (wait_level, wait_request) = batch.places_of(wait);
        let rows = sqlx::query(
            "select a.request, a.outcome, a.line, a.available, a.level, (a.found).*
               from vyapar.place_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) a",
        )
        .bind(batch.stores())
        .bind(Rows(&batch.requests))
        .bind(Rows(&batch.levels))
        .bind(Rows(&batch.lines))
        .bind(&batch.turn)
        .bind(Rows(&orders.orders))
        .bind(Rows(&orders.items))
        .bind(Rows(&orders.history))
        .bind(Rows(&orders.audit))
        .bind(Rows(&bases.rows))
        .bind(wait_level)
        .bind(wait_request)
        .bind(millis(patience))
        .fetch_all(connection)
        .await;
        match rows {
            Ok(rows) => {
                let answers = batch.answers(&rows);
                self.0.decided(Held::are_held(&answers));
                Ok(Done::Answered(answers.into_iter().map(|answer| answer.map(placed_by)).collect()))
            }
            Err(error) => {
                if let Some(places) = whole::changed(&error) {
                    return Ok(Done::Changed(bases.calls(&places)));
                }
                // Of one call it is the answer; of several nobody knows whose, and they come one by one.
                match id_taken(&error).filter(|_| asks.len() == 1) {
                    Some(outcome) => {
                        let answer = outcome.map(|outcome| Reply::Done(Answer { outcome, due: false }));
                        Ok(Done::Answered(vec![answer]))
                    }
                    None => Err(error),
                }
            }
        }
    }
}

/// What the calls of a batch were quoted by, each version once.
struct Bases {
    rows: Vec<BasisRow>,
    /// Whose each row is.
    of: Vec<Vec<usize>>,
}

/// `vyapar.basis_row`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct BasisRow {
    store: StoreId,
    product: Option<ProductId>,
    version: u64,
}

impl Wire for BasisRow {
    const TYPE: &'static str = "vyapar.basis_row";

    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError> {
        row.uuid(self.store.as_uuid())?
            .uuid_opt(self.product.map(|product| product.as_uuid()))?
            .bigint(bigint(self.version))?;
        Ok(())
    }
}

impl Bases {
    fn of(asks: &[&Ask]) -> Self {
        let mut bases = Self { rows: Vec::new(), of: Vec::new() };
        let mut known: HashMap<BasisRow, usize, foldhash::fast::RandomState> = HashMap::default();
        for (call, ask) in asks.iter().enumerate() {
            let Some(basis) = &ask.basis else { continue };
            let store = ask.hold.store;
            let goods = basis.products.iter().map(|(product, version)| (Some(*product), *version));
            for (product, version) in std::iter::once((None, basis.store)).chain(goods) {
                let row = BasisRow { store, product, version };
                let at = *known.entry(row).or_insert_with(|| {
                    bases.rows.push(row);
                    bases.of.push(Vec::new());
                    bases.rows.len() - 1
                });
                if let Some(calls) = bases.of.get_mut(at) {
                    calls.push(call);
                }
            }
        }
        bases
    }

    /// The calls that were quoted by one of these rows, which are counted from 1.
    fn calls(&self, places: &[usize]) -> Vec<usize> {
        let rows = places.iter().filter_map(|place| self.of.get(place.checked_sub(1)?));
        rows.flatten().copied().collect()
    }
}

fn placed_by(reply: Reply<Held>) -> Reply<Answer> {
    match reply {
        Reply::Locked(row) => Reply::Locked(row),
        Reply::Done(answer) => Reply::Done(Answer {
            due: answer.due,
            outcome: match answer.outcome {
                ReserveOutcome::Held => AtOnceOutcome::Placed,
                ReserveOutcome::Taken(_) => AtOnceOutcome::Taken,
                ReserveOutcome::Short(lines) => AtOnceOutcome::Short(lines),
            },
        }),
    }
}

/// What stood in the order's way, if that was it.
fn id_taken(error: &sqlx::Error) -> Option<Stored<AtOnceOutcome>> {
    Some(in_the_way(error)?.map(|outcome| match outcome {
        InsertOutcome::TrackingIdTaken => AtOnceOutcome::TrackingIdTaken,
        InsertOutcome::Inserted | InsertOutcome::AlreadyThere | InsertOutcome::Abandoned => AtOnceOutcome::Taken,
    }))
}
