//! Moves of reservations: batches for `vyapar.settle_many`.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::inventory::Hold;
use vyapar_core::{ProductId, ReservationId, StoreId, Stored, Timestamp};

use super::reservations::unclear;
use crate::encode::{integer, millis, place};
use crate::error::Intent;
use crate::gather::{Key, Reply, Work};
use crate::row::Fields;

/// A move, as the function names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    Commit,
    Undo,
    Cancel,
    Dispatch,
    Close,
}

impl Move {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Undo => "undo",
            Self::Cancel => "cancel",
            Self::Dispatch => "dispatch",
            Self::Close => "close",
        }
    }
}

/// Where a reservation stands after a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Held,
    Committed,
    Dispatched,
    Released,
    /// Not this attempt's.
    Other,
}

#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) store: StoreId,
    pub(crate) hold: Hold,
    pub(crate) step: Move,
    pub(crate) now: Timestamp,
}

/// Moving reservations, as a kind of call that is gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling;

#[async_trait]
impl Work for Settling {
    type Ask = Ask;
    type Answer = Standing;

    const NAME: &'static str = "settling a reservation";
    const INTENT: Intent = Intent::Write;

    fn keys(&self, ask: &Ask) -> Vec<Key> {
        vec![Key::Reservation(ask.store, ask.hold.id)]
    }

    fn lines(&self, _: &Ask) -> usize {
        1
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Ask],
        wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Standing>>>, sqlx::Error> {
        // By key: the order in which the rows of holds never seen are made.
        let mut by_key: Vec<(usize, &Ask)> = asks.iter().copied().enumerate().collect();
        by_key.sort_by_key(|(_, ask)| (ask.store, ask.hold.id));
        let column = |of: fn(&Ask) -> Uuid| by_key.iter().map(|(_, ask)| of(ask)).collect::<Vec<_>>();
        let mut stores = column(|ask| ask.store.as_uuid());
        stores.dedup();
        let (wait_store, wait_product, wait_request) = match wait {
            Some(Key::Level(store, product)) => (Some(store.as_uuid()), Some(product.as_uuid()), None),
            Some(Key::Reservation(store, id)) => {
                let at = by_key.iter().position(|(_, ask)| ask.store == *store && ask.hold.id == *id);
                (None, None, at.map(place))
            }
            Some(Key::Order(..)) | None => (None, None, None),
        };
        let rows = sqlx::query("select * from vyapar.settle_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
            .bind(stores)
            .bind(column(|ask| ask.store.as_uuid()))
            .bind(column(|ask| ask.hold.id.as_uuid()))
            .bind(by_key.iter().map(|(_, ask)| integer(ask.hold.attempt)).collect::<Vec<_>>())
            .bind(by_key.iter().map(|(_, ask)| ask.hold.order_id.as_str()).collect::<Vec<_>>())
            .bind(by_key.iter().map(|(_, ask)| ask.step.as_str()).collect::<Vec<_>>())
            .bind(by_key.iter().map(|(_, ask)| ask.now).collect::<Vec<_>>())
            .bind(wait_store)
            .bind(wait_product)
            .bind(wait_request)
            .bind(millis(patience))
            .fetch_all(connection)
            .await?;
        let mut answers: Vec<Option<Stored<Reply<Standing>>>> = asks.iter().map(|_| None).collect();
        for row in &rows {
            match Fields::of(row, "settle_many", "request").get::<Option<i32>>("request") {
                Ok(None) => answers.iter_mut().for_each(|slot| *slot = Some(answer(row, None))),
                Ok(Some(request)) => {
                    let asked = usize::try_from(request - 1).ok().and_then(|at| by_key.get(at));
                    if let Some((number, ask)) = asked
                        && let Some(slot) = answers.get_mut(*number)
                    {
                        *slot = Some(answer(row, Some((ask.store, ask.hold.id))));
                    }
                }
                Err(_) => {}
            }
        }
        Ok(answers.into_iter().map(|slot| slot.unwrap_or_else(|| Err(unclear("settle_many")))).collect())
    }
}

fn answer(row: &PgRow, key: Option<(StoreId, ReservationId)>) -> Stored<Reply<Standing>> {
    let fields = Fields::of(row, "settle_many", "request");
    Ok(Reply::Done(match fields.get::<&str>("standing")? {
        "held" => Standing::Held,
        "committed" => Standing::Committed,
        "dispatched" => Standing::Dispatched,
        "released" => Standing::Released,
        "other" | "absent" => Standing::Other,
        "locked" => {
            let level = fields.get::<Option<Uuid>>("store_id")?.zip(fields.get::<Option<Uuid>>("product")?);
            let level =
                level.map(|(store, product)| Key::Level(StoreId::from_uuid(store), ProductId::from_uuid(product)));
            let row = level.or(key.map(|(store, id)| Key::Reservation(store, id)));
            return row.map(Reply::Locked).ok_or_else(|| unclear("settle_many"));
        }
        _ => return Err(unclear("settle_many")),
    }))
}
