//! Failed sign-ins.

use std::collections::BTreeSet;
use std::sync::RwLock;

use async_trait::async_trait;
use vyapar_core::identity::{LoginAttemptRepository, LoginAttempts};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::{Blind, Stored, Timestamp};

use super::otps::taken_before;
use crate::Map;
use crate::lock::{read, write};

#[derive(Default)]
struct Rows {
    by_key: Map<Blind, LoginAttempts>,
    by_change: BTreeSet<(Timestamp, Blind)>,
}

/// What is known of all keys, under one lock.
#[derive(Default)]
pub(crate) struct Attempts {
    rows: RwLock<Rows>,
}

#[async_trait]
impl LoginAttemptRepository for Attempts {
    async fn get(&self, key: Blind) -> Stored<Option<LoginAttempts>> {
        Ok(read(&self.rows).by_key.get(&key).cloned())
    }

    async fn save(&self, attempts: LoginAttempts, expected: u64) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let stored = rows.by_key.get(&attempts.key);
        if stored.map_or(0, |stored| stored.version) != expected {
            return Ok(UpdateOutcome::Stale);
        }
        if let Some(stored) = stored {
            rows.by_change.remove(&(stored.updated_at, stored.key));
        }
        rows.by_change.insert((attempts.updated_at, attempts.key));
        rows.by_key.insert(attempts.key, LoginAttempts { version: expected.saturating_add(1), ..attempts });
        Ok(UpdateOutcome::Updated)
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let old = taken_before(&mut rows.by_change, before, limit);
        for key in &old {
            rows.by_key.remove(key);
        }
        Ok(u32::try_from(old.len()).unwrap_or(limit))
    }
}
