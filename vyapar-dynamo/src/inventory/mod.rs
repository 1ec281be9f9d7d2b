//! Stock: levels, movements and reservations.
//!
//! Every write is one transaction of compare-and-sets: what is read is decided by in this
//! process, and stored only if the versions read still stand. So a movement carries the
//! exact balance after it, under a number that has no gaps, and a caller that loses its
//! answer repeats its call and finds what it did. Calls of one process that want the same
//! product are gathered into one transaction (`gather.rs`); `benches/README.md` has the
//! measurement this follows from.

mod books;
mod change;
pub(crate) mod codec;
mod gather;
mod give_back;
mod hold;
mod ledger;
mod moves;
mod queue;
mod remembered;
mod verify;
mod waiting;

use std::sync::Arc;

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::{ReservationId, StoreId};
use vyapar_core::inventory::MAX_LINES;

use crate::db::Db;
use crate::gathering::{GatherStatistics, Gathering};
use crate::inventory::codec::{ReservationItem, read_reservation};
use crate::inventory::gather::Gatherer;
use crate::keys;
use crate::retry::Patience;
use crate::tables::RESERVATIONS;

/// The stock unit.
#[derive(Debug)]
pub(crate) struct DynamoStock {
    db: Arc<Db>,
    gatherer: Arc<Gatherer>,
}

impl DynamoStock {
    pub(crate) fn new(db: Arc<Db>, gathering: Gathering) -> Self {
        Self { gatherer: Arc::new(Gatherer::new(Arc::clone(&db), gathering)), db }
    }

    pub(crate) fn gathered(&self) -> GatherStatistics {
        self.gatherer.statistics()
    }

    async fn read_one(
        &self,
        store: StoreId,
        id: ReservationId,
        patience: &mut Patience,
    ) -> Stored<Option<ReservationItem>> {
        let found = self.db.get(&RESERVATIONS, keys::reservation(store, id), patience, "reading a reservation").await?;
        found.as_ref().map(read_reservation).transpose()
    }
}

/// Refuses more products than one transaction has room for, before anything is read.
fn within_limit(products: usize) -> Stored<()> {
    if products <= MAX_LINES {
        return Ok(());
    }
    Err(RepositoryError::new(
        RepositoryErrorKind::LimitExceeded { what: "products", max: MAX_LINES as u64 },
        "one stock transaction",
    ))
}
