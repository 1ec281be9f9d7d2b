//! Following the log without missing anything.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use futures_util::future::try_join_all;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::page::Cursor;
use vyapar_core::system::{AuditEntry, FeedPage};

use super::codec::read_entry;
use super::log::{DynamoAudit, entries_after, vacant};
use crate::item::{ItemBuilder, Row};
use crate::keys;
use crate::retry::Patience;
use crate::tables::AUDIT_LOGS;

/// The name of the list that feed cursors belong to.
const FEED: &str = "feed";
/// Most entries given at once.
const MAX_ENTRIES: u32 = 200;
/// How long a writer whose number is missing is given before the gap is sealed. Only
/// politeness: sealing is right at any time, and costs the writer another try.
const GRACE: Duration = Duration::from_millis(30);
/// Most gaps of one log sealed in one call.
const MAX_SEALS: u64 = 50;

/// A number of a log, and what stands there; `None` is a sealed gap.
type Item = (u64, Option<AuditEntry>);

impl DynamoAudit {
    pub(super) async fn follow(&self, after: Option<Cursor>, limit: u32) -> Stored<FeedPage> {
        let mut positions = match &after {
            None => vec![0; usize::from(keys::LOGS)],
            Some(cursor) => read_positions(cursor)?,
        };
        let limit = limit.min(MAX_ENTRIES) as usize;
        if limit == 0 {
            return Ok(FeedPage { entries: Vec::new(), next: cursor_at(&positions) });
        }
        let patience = self.db.patience();
        let mut runs = try_join_all((0..keys::LOGS).zip(&positions).map(|(log, position)| {
            let mut patience = patience.clone();
            async move { self.run(log, *position, limit, &mut patience).await }
        }))
        .await?;
        let mut entries = Vec::new();
        while entries.len() < limit {
            // Of what comes next in each log, the entry with the lowest id: by time, as far as
            // the order within each log allows, and no log starves another.
            for (run, position) in runs.iter_mut().zip(&mut positions) {
                while let Some((seq, None)) = run.front() {
                    *position = *seq;
                    run.pop_front();
                }
            }
            let next = runs
                .iter_mut()
                .zip(&mut positions)
                .filter_map(|(run, position)| {
                    let id = run.front()?.1.as_ref()?.id;
                    Some((id, run, position))
                })
                .min_by_key(|(id, ..)| *id);
            let Some((_, run, position)) = next else { break };
            if let Some((seq, Some(entry))) = run.pop_front() {
                *position = seq;
                entries.push(entry);
            }
        }
        Ok(FeedPage { entries, next: cursor_at(&positions) })
    }

    /// What a log has after `position`, without gaps: those met are sealed.
    async fn run(&self, log: u8, mut position: u64, limit: usize, patience: &mut Patience) -> Stored<VecDeque<Item>> {
        let mut run = VecDeque::new();
        let mut seals = MAX_SEALS;
        let mut waited = false;
        loop {
            let missing = self.read_run(log, &mut position, limit, &mut run, patience).await?;
            let Some(missing) = missing.filter(|_| run.len() < limit && seals > 0) else { return Ok(run) };
            if !waited {
                waited = true;
                tokio::time::sleep(GRACE).await;
                continue;
            }
            for seq in missing {
                if seals == 0 {
                    break;
                }
                seals -= 1;
                let seal = ItemBuilder::new().extend(keys::audit(log, seq)).build();
                let action = vec![self.db.put(&AUDIT_LOGS, seal, &vacant())?];
                // Refused means that the entry came after all, or that another reader sealed it.
                self.db.transact(action, patience, "sealing a gap of an audit log").await?;
            }
        }
    }

    /// Adds what follows `position` to `run` and moves it along, up to the first gap: then
    /// the numbers that are missing.
    async fn read_run(
        &self,
        log: u8,
        position: &mut u64,
        limit: usize,
        run: &mut VecDeque<Item>,
        patience: &mut Patience,
    ) -> Stored<Option<Range<u64>>> {
        let query = entries_after(log, *position);
        let items = self.db.query(&query, limit - run.len(), patience, "following an audit log").await?;
        for item in &items {
            let seq: u64 = Row::new(AUDIT_LOGS.name, item).parse("seq")?;
            if seq != *position + 1 {
                return Ok(Some(*position + 1..seq));
            }
            run.push_back((seq, read_entry(item)?));
            *position = seq;
        }
        Ok(None)
    }
}

fn cursor_at(positions: &[u64]) -> Cursor {
    let text: Vec<String> = positions.iter().map(ToString::to_string).collect();
    Cursor::new(FEED, text.join("."))
}

fn read_positions(cursor: &Cursor) -> Stored<Vec<u64>> {
    let malformed = || RepositoryError::new(RepositoryErrorKind::InvalidCursor, "a malformed position in `feed`");
    let positions: Vec<u64> = cursor
        .position(FEED)?
        .split('.')
        .map(|position| position.parse().map_err(|_| malformed()))
        .collect::<Stored<_>>()?;
    if positions.len() == usize::from(keys::LOGS) { Ok(positions) } else { Err(malformed()) }
}
