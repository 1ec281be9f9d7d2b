//! Requests: what every area sends, with retries inside and nothing left half read.

mod actions;
mod scan;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::{KeysAndAttributes, TransactWriteItem};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};

use crate::TableNames;
use crate::error::{Failure, Refusals, other, transaction};
use crate::expression::{Expression, Substitutions};
use crate::item::Attributes;
use crate::retry::{Patience, token};
use crate::tables::{TableDefinition, incomplete};

pub(crate) use scan::Scan;

/// Most actions one transaction may have.
pub(crate) const MAX_ACTIONS: usize = 100;
/// Most keys one batch of reads may name.
const BATCH_KEYS: usize = 100;

/// The client and what every request needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    client: Client,
    /// The same without the SDK's own retries. It tells of its last try only: an earlier one may
    /// have been done although its answer was lost, and those who send writes keep account of that.
    writes: Client,
    names: TableNames,
    limit: Duration,
}

/// How a conditional write ended.
#[derive(Debug)]
pub(crate) enum Written {
    Done,
    /// Conditions did not hold; nothing was written.
    Refused(Refusals),
}

/// A list to read.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) table: &'static TableDefinition,
    /// Reads of the table itself are consistent; reads of an index cannot be.
    pub(crate) index: Option<&'static str>,
    pub(crate) key: Expression,
    pub(crate) filter: Option<Expression>,
    pub(crate) newest_first: bool,
}

impl Db {
    pub(crate) fn new(client: Client, names: TableNames, limit: Duration) -> Self {
        let once = client.config().to_builder().retry_config(RetryConfig::disabled()).build();
        Self { writes: Client::from_conf(once), client, names, limit }
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) const fn names(&self) -> &TableNames {
        &self.names
    }

    /// The patience of one call.
    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.limit)
    }

    /// Writes all of `actions` or none. Conflicts, throttling and lost answers are tried
    /// again until `patience` ends.
    ///
    /// Single writes go through here too: only a transaction has a token, under which a
    /// request whose answer was lost can be sent again without being done twice.
    pub(crate) async fn transact(
        &self,
        actions: Vec<TransactWriteItem>,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<Written> {
        let mut under = token()?;
        let mut lost = false;
        loop {
            let sent = self
                .writes
                .transact_write_items()
                .set_transact_items(Some(actions.clone()))
                .client_request_token(&under)
                .send()
                .await;
            let failure = match sent {
                Ok(_) => return Ok(Written::Done),
                Err(error) => transaction(error),
            };
            match failure {
                Failure::Refused(refusals) => return Ok(Written::Refused(refusals)),
                Failure::Lost(_) => lost = true,
                // A request that was cancelled is over, and its token with it. One that was
                // lost may still arrive, so its token stays.
                _ if !lost => under = token()?,
                _ => {}
            }
            if let Err(failure) = patience.pause(failure).await {
                let error = failure.of_write(doing);
                // Whatever stopped the last try, an earlier one may have been done.
                return Err(if lost && !error.is_outcome_unknown() {
                    RepositoryError::new(RepositoryErrorKind::OutcomeUnknown, doing).with_source(error)
                } else {
                    error
                });
            }
        }
    }

    /// Changes one item where `condition` holds, at half the price of a transaction; answers
    /// whether it did. Without a token a request whose answer was lost may be done twice or
    /// be refused by what it did itself, so this is only for changes where neither matters.
    pub(crate) async fn set(
        &self,
        table: &TableDefinition,
        key: Attributes,
        change: &Expression,
        condition: &Expression,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<bool> {
        let with = Substitutions::of([change, condition]);
        let mut lost = false;
        loop {
            let sent = self
                .writes
                .update_item()
                .table_name(self.names.of(table))
                .set_key(Some(key.clone()))
                .update_expression(change.text())
                .condition_expression(condition.text())
                .set_expression_attribute_names(with.names.clone())
                .set_expression_attribute_values(with.values.clone())
                .send()
                .await;
            let failure = match sent {
                Ok(_) => return Ok(true),
                Err(error) => other(error),
            };
            match failure {
                Failure::Refused(_) => return Ok(false),
                Failure::Lost(_) => lost = true,
                _ => {}
            }
            patience.pause(failure).await.map_err(|failure| match failure {
                Failure::Conflict(cause) | Failure::Throttled(cause) | Failure::Unreachable(cause) if lost => {
                    Failure::Lost(cause).of_write(doing)
                }
                failure => failure.of_write(doing),
            })?;
        }
    }

    /// The item of that key as the last completed write left it.
    pub(crate) async fn get(
        &self,
        table: &TableDefinition,
        key: Attributes,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<Option<Attributes>> {
        loop {
            let sent = self
                .client
                .get_item()
                .table_name(self.names.of(table))
                .set_key(Some(key.clone()))
                .consistent_read(true)
                .send()
                .await;
            match sent {
                Ok(answer) => return Ok(answer.item),
                Err(error) => patience.pause(other(error)).await.map_err(|failure| failure.of_read(doing))?,
            }
        }
    }

    /// The items of these keys, each as the last completed write left it, in any order, as
    /// `(table name, item)`; absent ones are left out. Keys must be distinct.
    pub(crate) async fn get_many(
        &self,
        keys: Vec<(&TableDefinition, Attributes)>,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<HashMap<String, Vec<Attributes>>> {
        let mut found: HashMap<String, Vec<Attributes>> = HashMap::new();
        for chunk in keys.chunks(BATCH_KEYS) {
            let mut by_table: HashMap<String, Vec<Attributes>> = HashMap::new();
            for (table, key) in chunk {
                by_table.entry(self.names.of(table)).or_default().push(key.clone());
            }
            let mut wanted = HashMap::new();
            for (table, keys) in by_table {
                let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
                wanted.insert(table, keys.map_err(incomplete)?);
            }
            while !wanted.is_empty() {
                let sent = self.client.batch_get_item().set_request_items(Some(wanted.clone())).send().await;
                let failure = match sent {
                    Ok(answer) => {
                        for (table, items) in answer.responses.unwrap_or_default() {
                            found.entry(table).or_default().extend(items);
                        }
                        // What did not fit is asked for again at once if anything came, and
                        // after a pause if nothing did.
                        let left = answer.unprocessed_keys.unwrap_or_default();
                        let stalled = left.len() == wanted.len()
                            && left.iter().all(|(table, keys)| {
                                wanted.get(table).is_some_and(|asked| asked.keys().len() == keys.keys().len())
                            });
                        wanted = left;
                        if !stalled {
                            continue;
                        }
                        Failure::Throttled("nothing of a batch was read".into())
                    }
                    Err(error) => other(error),
                };
                patience.pause(failure).await.map_err(|failure| failure.of_read(doing))?;
            }
        }
        Ok(found)
    }

    /// The items of these keys of one table.
    pub(crate) async fn get_all(
        &self,
        table: &TableDefinition,
        keys: impl IntoIterator<Item = Attributes>,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<Vec<Attributes>> {
        let keys: Vec<_> = keys.into_iter().map(|key| (table, key)).collect();
        let mut found = self.get_many(keys, patience, doing).await?;
        Ok(found.remove(&self.names.of(table)).unwrap_or_default())
    }

    /// One page of a list, and the key it ended at if there may be more.
    pub(crate) async fn query_page(
        &self,
        query: &Query,
        limit: usize,
        start: Option<Attributes>,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<(Vec<Attributes>, Option<Attributes>)> {
        let with = Substitutions::of(std::iter::once(&query.key).chain(query.filter.as_ref()));
        loop {
            let sent = self
                .client
                .query()
                .table_name(self.names.of(query.table))
                .set_index_name(query.index.map(str::to_owned))
                .consistent_read(query.index.is_none())
                .key_condition_expression(query.key.text())
                .set_filter_expression(query.filter.as_ref().map(Expression::text))
                .set_expression_attribute_names(with.names.clone())
                .set_expression_attribute_values(with.values.clone())
                .scan_index_forward(!query.newest_first)
                .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.clone())
                .send()
                .await;
            match sent {
                Ok(answer) => return Ok((answer.items.unwrap_or_default(), answer.last_evaluated_key)),
                Err(error) => patience.pause(other(error)).await.map_err(|failure| failure.of_read(doing))?,
            }
        }
    }

    /// Up to `limit` items of a list, however many pages they are on.
    pub(crate) async fn query(
        &self,
        query: &Query,
        limit: usize,
        patience: &mut Patience,
        doing: &'static str,
    ) -> Stored<Vec<Attributes>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            // A filter is applied after the limit, so the rest may need several pages.
            let (page, last) = self.query_page(query, limit - items.len(), start, patience, doing).await?;
            items.extend(page);
            start = last;
            if start.is_none() || items.len() >= limit {
                items.truncate(limit);
                return Ok(items);
            }
        }
    }

    /// Every item of a list. Each page has the call's whole patience: a list of any length
    /// may be read, and a page that cannot be read still ends it.
    pub(crate) async fn query_all(&self, query: &Query, doing: &'static str) -> Stored<Vec<Attributes>> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let (page, last) = self.query_page(query, PAGE_ITEMS, start, &mut self.patience(), doing).await?;
            items.extend(page);
            start = last;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

/// Items asked for at once where all are wanted; 1 MB ends a page before that.
const PAGE_ITEMS: usize = 1000;

/// Those of `ids` that occur once, in order: a batch of reads refuses a key twice.
pub(crate) fn distinct<T: Copy + Eq + std::hash::Hash>(ids: &[T]) -> Vec<T> {
    let mut seen = HashSet::new();
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}
