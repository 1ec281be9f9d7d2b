//! Which customers are known to have a profile, so that not every order asks.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::id::CustomerId;

/// Most customers remembered; then all are forgotten, which costs a write that changes nothing.
const MOST: usize = 10_000;

/// Customers seen to have a profile.
#[derive(Debug, Default)]
pub(crate) struct Met(Mutex<HashSet<CustomerId>>);

impl Met {
    pub(crate) fn contains(&self, id: CustomerId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    pub(crate) fn insert(&self, id: CustomerId) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= MOST {
            met.clear();
        }
        met.insert(id);
    }
}
