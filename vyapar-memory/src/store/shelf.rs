//! The stores themselves: by id in order, and by place at once.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use vyapar_core::StoreId;
use vyapar_core::store::Store;

/// Stores that lie together; what is full is never moved again.
const BOARD: usize = 64;

/// Where a store stands. It stays there: stores are closed, never taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// All stores. A look by id goes down a tree, whose branches are cold when there are many; the
/// search, which looks at some stores each time, remembers places instead.
#[derive(Default)]
pub(super) struct Shelf {
    boards: Vec<Vec<Store>>,
    places: BTreeMap<StoreId, Place>,
}

impl Shelf {
    pub(super) fn contains(&self, id: StoreId) -> bool {
        self.places.contains_key(&id)
    }

    pub(super) fn at(&self, place: Place) -> Option<&Store> {
        self.boards.get(place.0 / BOARD)?.get(place.0 % BOARD)
    }

    fn at_mut(&mut self, place: Place) -> Option<&mut Store> {
        self.boards.get_mut(place.0 / BOARD)?.get_mut(place.0 % BOARD)
    }

    pub(super) fn get(&self, id: StoreId) -> Option<&Store> {
        self.at(*self.places.get(&id)?)
    }

    pub(super) fn get_mut(&mut self, id: StoreId) -> Option<&mut Store> {
        self.at_mut(*self.places.get(&id)?)
    }

    /// Stores by id.
    pub(super) fn range(&self, ids: impl RangeBounds<StoreId>) -> impl Iterator<Item = &Store> {
        self.places.range(ids).filter_map(|(_, place)| self.at(*place))
    }

    /// Puts a store in place of the one of that id, if there is one.
    pub(super) fn put(&mut self, store: Store) {
        let next = Place(self.places.len());
        let place = *self.places.entry(store.id).or_insert(next);
        if let Some(there) = self.at_mut(place) {
            *there = store;
            return;
        }
        match self.boards.last_mut().filter(|board| board.len() < BOARD) {
            Some(board) => board.push(store),
            None => {
                let mut board = Vec::with_capacity(BOARD);
                board.push(store);
                self.boards.push(board);
            }
        }
    }

    /// Where a store of that id stands, or would if it came now.
    pub(super) fn place_of(&self, id: StoreId) -> Place {
        self.places.get(&id).copied().unwrap_or(Place(self.places.len()))
    }
}
