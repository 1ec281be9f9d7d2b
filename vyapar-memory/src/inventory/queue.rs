//! What recovery works on among reservations.

use async_trait::async_trait;
use vyapar_core::inventory::{Hold, Reservation, ReservationQueue};
use vyapar_core::{AllStores, ReservationId, StoreId, Stored, Timestamp};

use super::Stock;
use super::shelf::{Row, Shelf};
use crate::count;
use crate::lock::lock;

/// An entry of the queue of all stores.
type Key = (Timestamp, StoreId, ReservationId);

impl Shelf {
    /// Open reservations to be looked at by `until` that pass, oldest first.
    fn queued<'a>(&'a self, until: Timestamp, pass: impl Fn(&Row) -> bool + 'a) -> impl Iterator<Item = Key> + 'a {
        let queue = self.queue.iter().take_while(move |(at, _)| *at <= until);
        let queue = queue.filter(move |(_, id)| self.rows.get(id).is_some_and(|row| pass(row)));
        queue.map(|(at, id)| (*at, self.store, *id))
    }

    fn defer(&mut self, hold: &Hold, recover_at: Timestamp, failures: u32) {
        let Self { rows, queue, .. } = self;
        if let Some(row) = rows.get_mut(&hold.id).filter(|row| row.open && row.is(hold)) {
            queue.remove(&(row.recover_at, hold.id));
            queue.insert((recover_at, hold.id));
            row.recover_at = recover_at;
            row.failures = failures;
        }
    }
}

impl Stock {
    /// The oldest `limit` over all stores: first the keys, so that a sweep copies no more
    /// reservations than it gives out, then the rows, as far as they still pass.
    fn sweep(&self, until: Timestamp, limit: u32, pass: impl Fn(&Row) -> bool) -> Vec<Reservation> {
        let limit = count(limit);
        let mut keys: Vec<Key> = Vec::new();
        for room in self.rooms_due(until) {
            keys.extend(lock(&room.shelf).queued(until, &pass).take(limit));
        }
        keys.sort_unstable();
        keys.truncate(limit);
        let current = |(_, store, id)| {
            self.look(store, |shelf| {
                let row = shelf.rows.get(&id).filter(|row| row.open && row.recover_at <= until && pass(row));
                row.map(|row| row.view(store, id))
            })
        };
        keys.into_iter().filter_map(current).flatten().collect()
    }
}

#[async_trait]
impl ReservationQueue for Stock {
    async fn due(&self, _all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Reservation>> {
        Ok(self.sweep(now, limit, |_| true))
    }

    async fn defer(&self, store: StoreId, hold: Hold, recover_at: Timestamp, failures: u32) -> Stored<()> {
        self.act(store, |shelf| shelf.defer(&hold, recover_at, failures));
        Ok(())
    }

    async fn stuck(&self, _all: AllStores, failures: u32, limit: u32) -> Stored<Vec<Reservation>> {
        Ok(self.sweep(Timestamp::MAX_UTC, limit, |row| row.failures >= failures))
    }
}
