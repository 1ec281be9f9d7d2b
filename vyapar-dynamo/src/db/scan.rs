//! Going through a whole table: only for sweeps, which nobody waits for.

use vyapar_core::error::Stored;

use super::Db;
use crate::error::{Failure, other};
use crate::expression::{Expression, Substitutions};
use crate::item::Attributes;
use crate::retry::Patience;
use crate::tables::TableDefinition;

/// Items looked at in one page of a sweep.
const SWEEP_ITEMS: usize = 500;
/// How many items a sweep deletes at once.
const DELETES: usize = 16;

/// A table to go through, in an order of the service's own.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    pub(crate) table: &'static TableDefinition,
    /// Which items are wanted. It is applied after the limit.
    pub(crate) filter: Expression,
}

impl Db {
    /// What the next `limit` items have of those wanted, each as the last completed write left
    /// it, and the key it ended at if there may be more.
    pub(crate) async fn scan_page(
        &self,
        scan: &Scan,
        limit: usize,
        start: Option<Attributes>,
        doing: &'static str,
    ) -> Stored<(Vec<Attributes>, Option<Attributes>)> {
        let with = Substitutions::of([&scan.filter]);
        // Each page has a call's whole patience, as a table of any length may be gone through.
        let mut patience = self.patience();
        loop {
            let sent = self
                .client
                .scan()
                .table_name(self.names.of(scan.table))
                .consistent_read(true)
                .filter_expression(scan.filter.text())
                .set_expression_attribute_names(with.names.clone())
                .set_expression_attribute_values(with.values.clone())
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

    /// Deletes up to `limit` of the items wanted, as long as each is still wanted when its turn
    /// comes; says how many.
    pub(crate) async fn sweep(&self, scan: &Scan, limit: u32, doing: &'static str) -> Stored<u32> {
        let (mut deleted, mut start) = (0, None);
        while deleted < limit {
            let (found, last) = self.scan_page(scan, SWEEP_ITEMS, start, doing).await?;
            let mut found = found.into_iter();
            while deleted < limit {
                let most = DELETES.min((limit - deleted) as usize);
                let batch = found.by_ref().take(most).map(|item| self.remove(scan, item, doing));
                let gone = futures_util::future::try_join_all(batch).await?;
                if gone.is_empty() {
                    break;
                }
                deleted += u32::try_from(gone.into_iter().filter(|gone| *gone).count()).unwrap_or(u32::MAX);
            }
            start = last;
            if start.is_none() {
                break;
            }
        }
        Ok(deleted)
    }

    /// Deletes one item of a table without a sort key. Where an answer was lost and the item is
    /// gone it counts as deleted by this call, which may then be true of two calls.
    async fn remove(&self, scan: &Scan, mut item: Attributes, doing: &'static str) -> Stored<bool> {
        let (name, _) = scan.table.partition_key;
        let key: Attributes = item.remove_entry(name).into_iter().collect();
        let with = Substitutions::of([&scan.filter]);
        let mut patience: Patience = self.patience();
        let mut lost = false;
        loop {
            let sent = self
                .writes
                .delete_item()
                .table_name(self.names.of(scan.table))
                .set_key(Some(key.clone()))
                .condition_expression(scan.filter.text())
                .set_expression_attribute_names(with.names.clone())
                .set_expression_attribute_values(with.values.clone())
                .send()
                .await;
            let failure = match sent {
                Ok(_) => return Ok(true),
                Err(error) => other(error),
            };
            match failure {
                Failure::Refused(_) => return Ok(lost),
                Failure::Lost(_) => lost = true,
                _ => {}
            }
            patience.pause(failure).await.map_err(|failure| failure.of_write(doing))?;
        }
    }
}
