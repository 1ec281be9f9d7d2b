//! Levels as this process wrote them last, which saves reading them before the next write.
//!
//! Another process may have written since: then the compare-and-set fails, and they are read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use vyapar_core::id::{ProductId, StoreId};

use super::books::Books;
use super::codec::LevelItem;

/// Levels that are remembered at most; then all are forgotten.
const MOST: usize = 10_000;

type Levels = HashMap<(StoreId, ProductId), LevelItem>;

#[derive(Debug, Default)]
pub(super) struct Remembered(Mutex<Levels>);

impl Remembered {
    /// These levels, if all of them are known. They are forgotten until they have been written:
    /// whatever goes wrong meanwhile, the next one reads.
    pub(super) fn take(
        &self,
        store: StoreId,
        products: impl Iterator<Item = ProductId>,
    ) -> Option<BTreeMap<ProductId, LevelItem>> {
        let mut known = self.lock();
        let (mut levels, mut all) = (BTreeMap::new(), true);
        for product in products {
            if levels.contains_key(&product) {
                continue;
            }
            match known.remove(&(store, product)) {
                Some(level) => {
                    levels.insert(product, level);
                }
                None => all = false,
            }
        }
        all.then_some(levels)
    }

    /// What the books' actions have written.
    pub(super) fn put(&self, books: Books) {
        let store = books.store();
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.extend(books.written().map(|level| ((store, level.level.product_id), level)));
    }

    fn lock(&self) -> MutexGuard<'_, Levels> {
        // Consistent between any two statements, so a panic elsewhere spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
