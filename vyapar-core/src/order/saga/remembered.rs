//! What orders were quoted by lately, so that the next one need not read it again.
//!
//! A basket of known goods is quoted by what is remembered, and the write that places the order
//! makes sure that all of it still stands ([`Basis`]). So an order is never placed by what has
//! changed, on whatever node it changed, and nothing is ever refused by memory alone: a refusal
//! is decided by what was just read.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use crate::id::{ProductId, StoreId};
use crate::inventory::StoreProduct;
use crate::order::Basis;
use crate::store::Store;

/// Most stores of a generation: about 2 kB each.
const STORES: usize = 1_000;
/// Most products of a generation: about 500 bytes each.
const PRODUCTS: usize = 20_000;

/// Stores and products as they were read last.
#[derive(Debug)]
pub(super) struct Remembered {
    stores: Generations<StoreId, Arc<Store>>,
    products: Generations<(StoreId, ProductId), Arc<StoreProduct>>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { stores: Generations::new(STORES), products: Generations::new(PRODUCTS) }
    }
}

impl Remembered {
    /// The store and these of its products, if all of them are known.
    pub(super) fn find(&self, store: StoreId, products: &[ProductId]) -> Option<(Arc<Store>, Vec<Arc<StoreProduct>>)> {
        let found = self.stores.get(&store)?;
        let products = products.iter().map(|product| self.products.get(&(store, *product)));
        Some((found, products.collect::<Option<_>>()?))
    }

    /// What was just read.
    pub(super) fn keep(&self, store: &Arc<Store>, products: &[Arc<StoreProduct>]) {
        self.stores.put(store.id, Arc::clone(store));
        for product in products {
            self.products.put((store.id, product.id), Arc::clone(product));
        }
    }

    /// Something of this has changed.
    pub(super) fn forget(&self, store: StoreId, products: &[ProductId]) {
        self.stores.remove(&store);
        for product in products {
            self.products.remove(&(store, *product));
        }
    }
}

/// The versions that an order is quoted by.
pub(super) fn basis(store: &Store, products: &[Arc<StoreProduct>]) -> Basis {
    Basis { store: store.version, products: products.iter().map(|product| (product.id, product.version)).collect() }
}

/// A bounded map that keeps what is used: when the young are as many as they may be, they
/// become the old, and what was old and not asked for since is gone.
#[derive(Debug)]
struct Generations<K, V> {
    most: usize,
    maps: RwLock<Maps<K, V>>,
}

#[derive(Debug)]
struct Maps<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq + Copy, V: Clone> Generations<K, V> {
    fn new(most: usize) -> Self {
        Self { most, maps: RwLock::new(Maps { young: HashMap::new(), old: HashMap::new() }) }
    }

    fn get(&self, key: &K) -> Option<V> {
        {
            let maps = self.maps.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(value) = maps.young.get(key) {
                return Some(value.clone());
            }
            if !maps.old.contains_key(key) {
                return None;
            }
        }
        let value = self.write().old.remove(key)?;
        self.put(*key, value.clone());
        Some(value)
    }

    fn put(&self, key: K, value: V) {
        let mut maps = self.write();
        if maps.young.len() >= self.most && !maps.young.contains_key(&key) {
            maps.old = std::mem::take(&mut maps.young);
        }
        maps.old.remove(&key);
        maps.young.insert(key, value);
    }

    fn remove(&self, key: &K) {
        let mut maps = self.write();
        maps.young.remove(key);
        maps.old.remove(key);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Maps<K, V>> {
        // Consistent between any two statements, so a panic elsewhere spoils nothing.
        self.maps.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let map = Generations::new(10);
        map.put(0, "used");
        for key in 1..100 {
            map.put(key, "once");
            assert_eq!(map.get(&0), Some("used"));
        }
        assert!((1..80).all(|key| map.get(&key).is_none()));
        let maps = map.maps.read().unwrap();
        assert!(maps.young.len() <= 10 && maps.old.len() <= 10);
    }

    #[test]
    fn what_is_forgotten_is_gone_and_what_is_kept_anew_is_new() {
        let map = Generations::new(2);
        for key in 0..4 {
            map.put(key, "old");
        }
        // Of the old generation, kept anew and forgotten: no trace of what stood there is left.
        map.put(0, "new");
        assert_eq!(map.get(&0), Some("new"));
        map.remove(&0);
        map.remove(&3);
        assert_eq!((map.get(&0), map.get(&3)), (None, None));
    }
}
