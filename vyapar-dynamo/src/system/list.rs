//! Looking entries up.

use futures_util::future::try_join_all;
use vyapar_core::error::Stored;
use vyapar_core::id::AuditId;
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::system::{AuditEntry, AuditFilter};

use super::codec::read_entry;
use super::log::DynamoAudit;
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text};
use crate::keys;
use crate::tables::AUDIT_LOGS;

/// The name of the list that its cursors belong to.
const AUDIT: &str = "audit";

impl DynamoAudit {
    pub(super) async fn page(&self, filter: AuditFilter, page: PageRequest) -> Stored<Page<AuditEntry>> {
        let wanted = page.limit() as usize + 1;
        let mut before: Option<AuditId> = page.cursor().map(|cursor| cursor.parse_position(AUDIT)).transpose()?;
        let mut entries: Vec<AuditEntry> = Vec::new();
        loop {
            let mut patience = self.db.patience();
            let found = try_join_all(lists(&filter, before).into_iter().map(|query| {
                let mut patience = patience.clone();
                async move { self.db.query(&query, wanted, &mut patience, "listing audit entries").await }
            }))
            .await?;
            let mut keyed: Vec<(AuditId, Attributes)> = Vec::new();
            for item in found.iter().flatten() {
                let row = Row::new(AUDIT_LOGS.name, item);
                let key = [("log", item.get("log")), ("seq", item.get("seq"))]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
                keyed.push((row.parse("id")?, key.collect()));
            }
            keyed.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
            // Below the last of these, a list that gave all it was asked for may have more.
            keyed.truncate(wanted);
            let all_seen = keyed.len() < wanted;
            before = keyed.last().map(|(id, _)| *id);
            let keys = keyed.into_iter().map(|(_, key)| key);
            let items = self.db.get_all(&AUDIT_LOGS, keys, &mut patience, "reading audit entries").await?;
            let mut matching = Vec::with_capacity(items.len());
            for item in &items {
                matching.extend(read_entry(item)?.filter(|entry| matches(&filter, entry)));
            }
            matching.sort_by_key(|entry| std::cmp::Reverse(entry.id));
            entries.extend(matching);
            if all_seen || entries.len() >= wanted {
                return Ok(Page::of(entries, page.limit(), |entry| Cursor::new(AUDIT, entry.id.to_string())));
            }
        }
    }
}

/// The narrowest lists that have every entry a filter wants.
fn lists(filter: &AuditFilter, before: Option<AuditId>) -> Vec<Query> {
    let list = |index: &'static str, attribute: &str, value| {
        let key = match before {
            None => Expression::new(format!("#{attribute} = :of")),
            Some(id) => Expression::new(format!("#{attribute} = :of AND #id < :before")).value(":before", text(id)),
        };
        Query { table: &AUDIT_LOGS, index: Some(index), key: key.value(":of", value), filter: None, newest_first: true }
    };
    if let Some((entity_type, entity_id)) = &filter.entity {
        vec![list("entity-index", "entity", keys::entity(entity_type, entity_id))]
    } else if let Some(user) = filter.user_id {
        vec![list("user_id-index", "user_id", text(user))]
    } else if let Some(store) = filter.store_id {
        vec![list("store_id-index", "store_id", text(store))]
    } else {
        keys::logs().map(|log| list("log-index", "log", text(log))).collect()
    }
}

fn matches(filter: &AuditFilter, entry: &AuditEntry) -> bool {
    filter.store_id.is_none_or(|store| entry.store_id == Some(store))
        && filter.user_id.is_none_or(|user| entry.user_id == Some(user))
        && filter.entity.as_ref().is_none_or(|(of, id)| entry.entity_type == *of && entry.entity_id == *id)
        && filter.from.is_none_or(|from| entry.created_at >= from)
        && filter.until.is_none_or(|until| entry.created_at < until)
}
