//! Placing in one transaction: batches for `vyapar.place_many`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use vyapar_core::inventory::{MAX_LINES, Reserve, ReserveOutcome};
use vyapar_core::order::{AtOnceOutcome, InsertOutcome, NewOrder, PlaceAtOnce};
use vyapar_core::{StoreId, Stored};

use super::insert::{OrderRows, outcome};
use crate::database::Database;
use crate::encode::millis;
use crate::error::{self, Intent};
use crate::gather::{Key, Lane, Reply, Work};
use crate::inventory::reserve::{Ask as Hold, Batch, free_due_holds};
use crate::wire::Rows;

/// What the function raises when an order cannot be inserted.
const ID_TAKEN: &str = "VY003";

/// Stock and orders of this database.
pub(crate) struct Together {
    pub(crate) database: Database,
    pub(crate) lane: Arc<Lane<Placing>>,
}

#[async_trait]
impl PlaceAtOnce for Together {
    async fn place(&self, store: StoreId, reserve: Reserve, new: NewOrder) -> Stored<AtOnceOutcome> {
        if reserve.lines.len() > MAX_LINES {
            return Err(error::too_many("products", MAX_LINES));
        }
        if new.order.store_id != store {
            return Err(error::foreign("placing an order"));
        }
        let now = reserve.now;
        let ask = Arc::new(Ask { hold: Hold { store, request: reserve }, new });
        let first = self.lane.call(Arc::clone(&ask)).await?;
        let Answer { outcome: AtOnceOutcome::Short(short), due: true } = &first else {
            return Ok(first.outcome);
        };
        free_due_holds(&self.database, store, short, now).await?;
        // Even if none was freed here: another call may have been quicker.
        Ok(self.lane.call(ask).await?.outcome)
    }
}

#[derive(Debug)]
pub(crate) struct Ask {
    hold: Hold,
    new: NewOrder,
}

/// The answer to one order of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    outcome: AtOnceOutcome,
    /// Holds that are due stand in the way of an order that is short.
    due: bool,
}

/// Placing in one transaction, as a kind of call that is gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placing;

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

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Arc<Ask>],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Answer>>>, sqlx::Error> {
        let holds: Vec<&Hold> = asks.iter().map(|ask| &ask.hold).collect();
        let batch = Batch::of(&holds);
        let orders = OrderRows::of(batch.calls.iter().filter_map(|call| asks.get(*call)).map(|ask| &ask.new));
        let (wait_level, wait_request) = batch.places_of(wait);
        let rows = sqlx::query(
            "select a.request, a.outcome, a.line, a.available, a.level, (a.found).*
               from vyapar.place_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) a",
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
        .bind(wait_level)
        .bind(wait_request)
        .bind(millis(patience))
        .fetch_all(connection)
        .await;
        match rows {
            Ok(rows) => Ok(batch.answers(&rows).into_iter().map(|answer| answer.map(placed)).collect()),
            // Of one call it is the answer; of several nobody knows whose, and they come one by one.
            Err(error) => match id_taken(&error).filter(|_| asks.len() == 1) {
                Some(outcome) => Ok(vec![outcome.map(|outcome| Reply::Done(Answer { outcome, due: false }))]),
                None => Err(error),
            },
        }
    }
}

fn placed(reply: Reply<crate::inventory::reserve::Answer>) -> Reply<Answer> {
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
    let database = error.as_database_error().filter(|database| database.code().as_deref() == Some(ID_TAKEN))?;
    let detail = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail()?;
    Some(outcome(detail).map(|outcome| match outcome {
        InsertOutcome::TrackingIdTaken => AtOnceOutcome::TrackingIdTaken,
        InsertOutcome::Inserted | InsertOutcome::AlreadyThere | InsertOutcome::Abandoned => AtOnceOutcome::Taken,
    }))
}
