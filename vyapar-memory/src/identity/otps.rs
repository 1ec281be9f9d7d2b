//! One-time codes.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::identity::{Otp, OtpBook, OtpRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Blind, OtpId, Stored, Timestamp};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{Map, count};

#[derive(Default)]
struct Rows {
    books: Map<Blind, OtpBook>,
    books_by_change: BTreeSet<(Timestamp, Blind)>,
    codes: Map<OtpId, Otp>,
    codes_by_age: BTreeSet<(Timestamp, OtpId)>,
}

/// All books, under one lock.
pub(crate) struct Otps {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Otps {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

/// Takes at most `limit` keys from before `before` out of an index by time.
pub(super) fn taken_before<K: Copy + Ord>(
    index: &mut BTreeSet<(Timestamp, K)>,
    before: Timestamp,
    limit: u32,
) -> Vec<K> {
    let old: Vec<_> = index.iter().take_while(|(at, _)| *at < before).take(count(limit)).copied().collect();
    old.into_iter()
        .map(|entry| {
            index.remove(&entry);
            entry.1
        })
        .collect()
}

#[async_trait]
impl OtpRepository for Otps {
    async fn get(&self, phone: Blind) -> Stored<Option<OtpBook>> {
        Ok(read(&self.rows).books.get(&phone).cloned())
    }

    async fn save(&self, book: OtpBook, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let stored = rows.books.get(&book.phone);
        if stored.map_or(0, |stored| stored.version) != expected {
            return Ok(UpdateOutcome::Stale);
        }
        if let Some(stored) = stored {
            rows.books_by_change.remove(&(stored.updated_at, stored.phone));
        }
        for code in &book.codes {
            if let Some(before) = rows.codes.insert(code.id, code.clone()) {
                rows.codes_by_age.remove(&(before.created_at, before.id));
            }
            rows.codes_by_age.insert((code.created_at, code.id));
        }
        rows.books_by_change.insert((book.updated_at, book.phone));
        rows.books.insert(book.phone, OtpBook { version: expected.saturating_add(1), ..book });
        if let Some(audit) = audit {
            self.audit.record(audit);
        }
        Ok(UpdateOutcome::Updated)
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        for phone in taken_before(&mut rows.books_by_change, before, limit) {
            rows.books.remove(&phone);
        }
        let old = taken_before(&mut rows.codes_by_age, before, limit);
        for id in &old {
            rows.codes.remove(id);
        }
        Ok(u32::try_from(old.len()).unwrap_or(limit))
    }
}
