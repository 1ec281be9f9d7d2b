//! Stock: one lock per store.
//!
//! [`shelf`] holds one store's rows and their moves; `ledger`, `reservations` and `queue` are
//! the ports over it, `verify` the audit of it, `product` the products beside it.

mod goods;
mod ledger;
mod product;
mod queue;
mod reservations;
mod shelf;
mod verify;

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use vyapar_core::{StoreId, Timestamp};

use crate::Map;
use crate::lock::{lock, read, write};

pub(crate) use product::Products;
use shelf::Shelf;

/// One store's stock, and when recovery must first look at it.
struct Room {
    shelf: Mutex<Shelf>,
    /// The first `recover_at` in microseconds, so that a sweep over all stores looks into
    /// none that have nothing due. Written under the lock.
    next: AtomicI64,
}

/// How many parts the map of stores has, so that looking up one's own store does not make
/// all cores fight for one reader count.
const SHARDS: usize = 64;

type Shard = RwLock<Map<StoreId, Arc<Room>>>;

/// The stock of all stores.
pub(crate) struct Stock {
    shards: Vec<Shard>,
    hasher: foldhash::fast::RandomState,
}

impl Default for Stock {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect(), hasher: foldhash::fast::RandomState::default() }
    }
}

impl Stock {
    fn shard(&self, store: StoreId) -> Option<&Shard> {
        let shards = u64::try_from(self.shards.len()).unwrap_or(1);
        let at = self.hasher.hash_one(store) % shards.max(1);
        self.shards.get(usize::try_from(at).unwrap_or(0))
    }

    fn room(&self, store: StoreId) -> Option<Arc<Room>> {
        read(self.shard(store)?).get(&store).cloned()
    }

    /// Reads a store's rows; `None` for a store that never had any.
    fn look<T>(&self, store: StoreId, f: impl FnOnce(&Shelf) -> T) -> Option<T> {
        let room = self.room(store)?;
        let shelf = lock(&room.shelf);
        Some(f(&shelf))
    }

    /// Runs one transaction on a store's rows.
    pub(crate) fn act<T>(&self, store: StoreId, f: impl FnOnce(&mut Shelf) -> T) -> T {
        let room = self.room(store).unwrap_or_else(|| self.new_room(store));
        let mut shelf = lock(&room.shelf);
        let answer = f(&mut shelf);
        room.next.store(shelf.next_recovery().map_or(i64::MAX, micros), Ordering::Relaxed);
        answer
    }

    fn new_room(&self, store: StoreId) -> Arc<Room> {
        let room = || Arc::new(Room { shelf: Mutex::new(Shelf::new(store)), next: AtomicI64::new(i64::MAX) });
        match self.shard(store) {
            Some(shard) => Arc::clone(write(shard).entry(store).or_insert_with(room)),
            // There is a shard for every remainder; a room of its own is merely never found.
            None => room(),
        }
    }

    /// The stores in which something may be due at `now`.
    fn rooms_due(&self, now: Timestamp) -> Vec<Arc<Room>> {
        let now = micros(now);
        let mut rooms = Vec::new();
        for shard in &self.shards {
            let shard = read(shard);
            rooms.extend(shard.values().filter(|room| room.next.load(Ordering::Relaxed) <= now).cloned());
        }
        rooms
    }
}

/// Microseconds since 1970.
fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}
