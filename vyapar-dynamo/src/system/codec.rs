//! Audit entries as items.

use vyapar_core::actor::RequestContext;
use vyapar_core::error::Stored;
use vyapar_core::system::AuditEntry;

use super::log::Place;
use crate::item::{Attributes, ItemBuilder, Row, json, text, time};
use crate::keys;
use crate::tables::AUDIT_LOGS;

pub(super) fn entry_item(place: Place, entry: &AuditEntry) -> Stored<Attributes> {
    Ok(ItemBuilder::new()
        .extend(keys::audit(place.log, place.seq))
        .with("id", text(entry.id))
        .maybe("store_id", entry.store_id.map(text))
        .maybe("user_id", entry.user_id.map(text))
        .with("action", text(&entry.action))
        .with("entity_type", text(&entry.entity_type))
        .with("entity_id", text(&entry.entity_id))
        .with("entity", keys::entity(&entry.entity_type, &entry.entity_id))
        .maybe("old_values", entry.old_values.as_ref().map(json).transpose()?)
        .maybe("new_values", entry.new_values.as_ref().map(json).transpose()?)
        .maybe("ip_address", entry.request.ip_address.as_ref().map(text))
        .maybe("user_agent", entry.request.user_agent.as_ref().map(text))
        .with("created_at", time(entry.created_at))
        .build())
}

/// The entry of an item; `None` for a sealed gap.
pub(super) fn read_entry(item: &Attributes) -> Stored<Option<AuditEntry>> {
    let row = Row::new(AUDIT_LOGS.name, item);
    if !row.has("id") {
        return Ok(None);
    }
    Ok(Some(AuditEntry {
        id: row.parse("id")?,
        store_id: row.maybe_parse("store_id")?,
        user_id: row.maybe_parse("user_id")?,
        action: row.string("action")?,
        entity_type: row.string("entity_type")?,
        entity_id: row.string("entity_id")?,
        old_values: row.maybe_json("old_values")?,
        new_values: row.maybe_json("new_values")?,
        request: RequestContext {
            ip_address: row.maybe_string("ip_address")?,
            user_agent: row.maybe_string("user_agent")?,
        },
        created_at: row.parse("created_at")?,
    }))
}
