//! Batches are tried as a whole first: in the common case all of their calls succeed, and one
//! that need not be looked at on its own costs half as much.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::gather::Counter;

/// How long a batch that is tried as a whole waits for a level at most: longer than another
/// batch holds one, and short enough for the calls that do not want that level.
const PATIENCE: Duration = Duration::from_millis(25);

/// Whether to try. After a batch that came up short, those after it are decided call by call
/// until there is enough for all of one again.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    doubted: AtomicBool,
    refusals: Counter,
}

impl Whole {
    pub(crate) fn is_tried(&self) -> bool {
        !self.doubted.load(Ordering::Relaxed)
    }

    /// A batch that was decided call by call, and whether all of it succeeded.
    pub(crate) fn decided(&self, all: bool) {
        if all && !self.is_tried() {
            self.doubted.store(false, Ordering::Relaxed);
        }
    }

    /// Why a whole batch was refused, or the error that has nothing to do with its being whole.
    /// Nothing was written.
    pub(crate) fn refused(&self, error: sqlx::Error) -> Result<Refused, sqlx::Error> {
        let Some(database) = error.as_database_error() else { return Err(error) };
        let refused = match database.code().as_deref() {
            // A key or an id is known; somebody else has a level. A lock that is given in the moment
            // its time is up comes as 57014: the server stops the statement and no longer knows why.
            Some("23505" | "55P03" | "40P01" | "57014") => Refused::InTurn,
            Some("VY005") => {
                self.doubted.store(true, Ordering::Relaxed);
                Refused::InTurn
            }
            Some(CHANGED) => Refused::Changed(changed(&error).unwrap_or_default()),
            _ => return Err(error),
        };
        self.refusals.add(1);
        Ok(refused)
    }

    /// How often a whole batch was refused.
    pub(crate) fn refusals(&self) -> u64 {
        self.refusals.get()
    }
}

/// What the functions raise when something has changed that an order was quoted by.
const CHANGED: &str = "VY004";

/// Why a batch was not done as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Its calls are to be decided one after the other.
    InTurn,
    /// What has changed, by its places (from 1) among the bases.
    Changed(Vec<usize>),
}

/// What has changed, if that is what the error says.
pub(crate) fn changed(error: &sqlx::Error) -> Option<Vec<usize>> {
    let database = error.as_database_error().filter(|database| database.code().as_deref() == Some(CHANGED))?;
    let detail = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?.detail()?;
    Some(detail.split(' ').filter_map(|place| place.parse().ok()).collect())
}

/// How long a whole batch waits for locks.
pub(crate) fn patience(of_calls: Duration) -> Duration {
    of_calls.min(PATIENCE)
}
