//! Lists that an index finds and the table decides.
//!
//! An index may lag behind, and holds keys only: what it finds is read again, consistently,
//! before it is given out, and what no longer belongs is left out. A list may be spread over
//! several keys of its index; they are merged.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use vyapar_core::error::Stored;

use crate::db::{Db, Query};
use crate::expression::Expression;
use crate::item::{Attributes, text};
use crate::tables::TableDefinition;

/// What a list is made of.
pub(crate) trait Listed: Sync {
    /// Where a thing stands in the list.
    type Position: Ord + Clone + Send + Sync;
    /// What is listed.
    type Thing: Send;

    /// Where the things are.
    const TABLE: &'static TableDefinition;
    /// What is being done, for errors.
    const DOING: &'static str;
    /// Whether each query is read to its end every time, because its index is in another order
    /// than the list: for lists that stay short.
    const WHOLE: bool;

    /// The queries that together find all that stands after a position, or more.
    fn queries(&self, after: Option<&Self::Position>) -> Vec<Query>;

    /// The position of what an item of the index stands for.
    fn position(&self, found: &Attributes) -> Stored<Self::Position>;

    /// The id of what stands there.
    fn id(&self, position: &Self::Position) -> String;

    /// The key of what has that id: the id itself, unless the table has a sort key.
    fn key(&self, id: String) -> Attributes {
        Attributes::from([(Self::TABLE.partition_key.0.to_owned(), text(id))])
    }

    /// What of an item belongs to the list, and where.
    fn read(&self, item: &Attributes) -> Stored<Vec<(Self::Position, Self::Thing)>>;
}

/// Up to `wanted` things after a position, in order.
pub(crate) async fn list<L: Listed>(
    db: &Db,
    of: &L,
    mut after: Option<L::Position>,
    wanted: usize,
) -> Stored<Vec<(L::Position, L::Thing)>> {
    let mut things: Vec<(L::Position, L::Thing)> = Vec::new();
    loop {
        let mut patience = db.patience();
        let found = try_join_all(of.queries(after.as_ref()).into_iter().map(|query| {
            let mut patience = patience.clone();
            async move {
                if L::WHOLE {
                    db.query_all(&query, L::DOING).await
                } else {
                    db.query(&query, wanted, &mut patience, L::DOING).await
                }
            }
        }))
        .await?;
        let mut positions = found.iter().flatten().map(|item| of.position(item)).collect::<Stored<Vec<_>>>()?;
        positions.retain(|position| after.as_ref().is_none_or(|after| position > after));
        positions.sort();
        // Below the last of these, a query that gave all it was asked for may have more.
        positions.truncate(wanted);
        let all_seen = positions.len() < wanted;
        // What moves from one query's list to another's meanwhile is found twice.
        let ids: BTreeSet<String> = positions.iter().map(|position| of.id(position)).collect();
        let keys = ids.into_iter().map(|id| of.key(id));
        let items = db.get_all(L::TABLE, keys, &mut patience, L::DOING).await?;
        let begin = std::mem::replace(&mut after, positions.pop());
        let mut read = Vec::with_capacity(items.len());
        for item in &items {
            read.extend(of.read(item)?);
        }
        // What stands elsewhere than where the index has it is part of what was asked for, or
        // of what comes later, or came before.
        read.retain(|(position, _)| {
            begin.as_ref().is_none_or(|begin| position > begin)
                && (all_seen || after.as_ref().is_none_or(|end| position <= end))
        });
        // A batch of reads answers in no order.
        read.sort_by(|(a, _), (b, _)| a.cmp(b));
        things.extend(read);
        if all_seen || things.len() >= wanted {
            return Ok(things);
        }
    }
}

/// The query for what one key of an index has.
pub(crate) const fn of_index(table: &'static TableDefinition, index: &'static str, key: Expression) -> Query {
    Query { table, index: Some(index), key, filter: None, newest_first: false }
}
