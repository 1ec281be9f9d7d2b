//! Writing entries: taking a place in a log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use vyapar_core::error::Stored;
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::system::{AuditEntry, AuditFilter, AuditLog, FeedPage};

use super::codec::entry_item;
use crate::db::{Db, Query, Written};
use crate::error::Refused;
use crate::expression::Expression;
use crate::item::{ItemBuilder, Row, text};
use crate::keys;
use crate::retry::{Patience, random};
use crate::tables::AUDIT_LOGS;

/// A number in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) log: u8,
    pub(crate) seq: u64,
}

/// The audit log.
#[derive(Debug)]
pub(crate) struct DynamoAudit {
    pub(super) db: Arc<Db>,
    /// The next place this process will try, once it has chosen a log.
    next: Mutex<Option<Place>>,
}

impl DynamoAudit {
    pub(crate) fn new(db: Arc<Db>) -> Self {
        Self { db, next: Mutex::new(None) }
    }

    /// Takes a place. A process keeps to one log, so its own writes never want the same one;
    /// it leaves a log where it meets another process.
    ///
    /// Nothing is locked while it asks for the end of a log: a caller that is not polled for a
    /// while must keep nobody waiting.
    pub(crate) async fn place(&self, patience: &mut Patience) -> Stored<Place> {
        let known = *self.next();
        let end = match known {
            Some(place) => place,
            None => self.end_of(random_log(), patience).await?,
        };
        let mut next = self.next();
        let place = next.unwrap_or(end);
        *next = Some(Place { seq: place.seq + 1, ..place });
        Ok(place)
    }

    fn next(&self) -> MutexGuard<'_, Option<Place>> {
        // A place is one value: a panic cannot leave half of it.
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first place of a log that nothing is behind.
    async fn end_of(&self, log: u8, patience: &mut Patience) -> Stored<Place> {
        let query = Query { newest_first: true, ..entries_after(log, 0) };
        let last = self.db.query(&query, 1, patience, "finding the end of an audit log").await?;
        let seq = match last.first() {
            Some(item) => Row::new(AUDIT_LOGS.name, item).parse::<u64>("seq")?,
            None => 0,
        };
        Ok(Place { log, seq: seq + 1 })
    }

    /// Says that a place was not used after all, so that the next write may: a gap costs the
    /// reader a write.
    pub(crate) fn give_back(&self, place: Place) {
        let mut next = self.next();
        if *next == Some(Place { seq: place.seq + 1, ..place }) {
            *next = Some(place);
        }
    }

    /// Says that a place was taken by something else. A sealed gap costs that one place;
    /// another process's entry means to look for another log.
    pub(crate) fn was_taken(&self, place: Place, by: &Refused) {
        let sealed = by.item.as_ref().is_some_and(|item| !item.contains_key("id"));
        let mut next = self.next();
        if !sealed && next.is_some_and(|next| next.log == place.log) {
            *next = None;
        }
    }

    /// Writes `actions` and an entry, if there is one, in one transaction. A refusal is one of
    /// the actions': a place that is taken is left for another.
    pub(crate) async fn write(
        &self,
        actions: &[TransactWriteItem],
        entry: Option<&AuditEntry>,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<Written> {
        let Some(entry) = entry else { return self.db.transact(actions.to_vec(), patience, doing).await };
        loop {
            let place = self.place(patience).await?;
            let mut all = actions.to_vec();
            all.push(self.action(place, entry)?);
            let refusals = match self.db.transact(all, patience, doing).await? {
                Written::Done => return Ok(Written::Done),
                Written::Refused(refusals) => refusals,
            };
            match refusals.at(actions.len()) {
                Some(refused) => self.was_taken(place, refused),
                None => self.give_back(place),
            }
            if (0..actions.len()).any(|position| refusals.at(position).is_some()) {
                return Ok(Written::Refused(refusals));
            }
            patience.check(doing)?;
        }
    }

    /// The action that stores an entry in its place.
    pub(crate) fn action(&self, place: Place, entry: &AuditEntry) -> Stored<TransactWriteItem> {
        self.db.put(&AUDIT_LOGS, entry_item(place, entry)?, &vacant())
    }
}

#[async_trait]
impl AuditLog for DynamoAudit {
    async fn append(&self, entry: AuditEntry) -> Stored<()> {
        let mut patience = self.db.patience();
        let guard = ItemBuilder::new().extend(keys::audit_id(entry.id)).build();
        loop {
            let place = self.place(&mut patience).await?;
            let actions = vec![self.db.put(&AUDIT_LOGS, guard.clone(), &vacant())?, self.action(place, &entry)?];
            match self.db.transact(actions, &mut patience, "appending an audit entry").await? {
                Written::Done => return Ok(()),
                Written::Refused(refusals) => {
                    match refusals.at(1) {
                        Some(refused) => self.was_taken(place, refused),
                        None => self.give_back(place),
                    }
                    // The same id again changes nothing.
                    if refusals.at(0).is_some() {
                        return Ok(());
                    }
                }
            }
            patience.check("appending an audit entry")?;
        }
    }

    async fn list(&self, filter: AuditFilter, page: PageRequest) -> Stored<Page<AuditEntry>> {
        self.page(filter, page).await
    }

    async fn feed(&self, after: Option<Cursor>, limit: u32) -> Stored<FeedPage> {
        self.follow(after, limit).await
    }
}

/// The condition that nothing stands in a place.
pub(super) fn vacant() -> Expression {
    Expression::new("attribute_not_exists(#log)")
}

/// What a log has after a number, in order.
pub(super) fn entries_after(log: u8, seq: u64) -> Query {
    Query {
        table: &AUDIT_LOGS,
        index: None,
        key: Expression::new("#log = :log AND #seq > :seq")
            .value(":log", text(keys::shard_name(log)))
            .value(":seq", crate::item::number(seq)),
        filter: None,
        newest_first: false,
    }
}

fn random_log() -> u8 {
    random() % keys::LOGS
}
