//! Roles.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::access::{Level, Role, RoleFilter, RoleId, RoleRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{MAX_IDS, limited, malformed, one_more, taken};

#[derive(Default)]
struct Rows {
    by_id: BTreeMap<RoleId, Role>,
    /// Those that are not deleted.
    by_level: BTreeSet<(Level, RoleId)>,
}

impl Rows {
    /// Stores a role in place of what its id had.
    fn put(&mut self, role: Role) {
        let (key, is_listed) = ((role.level, role.id.clone()), role.deleted_at.is_none());
        if let Some(before) = self.by_id.insert(role.id.clone(), role) {
            self.by_level.remove(&(before.level, before.id));
        }
        if is_listed {
            self.by_level.insert(key);
        }
    }
}

/// All roles, under one lock: they change rarely.
pub(crate) struct Roles {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Roles {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

/// Name of the list, in its cursors.
const LIST: &str = "roles";

/// The key that the list goes on after.
fn position(cursor: &Cursor) -> Stored<(Level, RoleId)> {
    let (level, id) = cursor.position(LIST)?.split_once(' ').unwrap_or_default();
    // Parsed through cursors again, so that a malformed part is refused as a malformed cursor.
    let level: u8 = Cursor::new(LIST, level).parse_position(LIST)?;
    let level = Level::new(level).map_err(|_| malformed(LIST))?;
    Ok((level, Cursor::new(LIST, id).parse_position(LIST)?))
}

#[async_trait]
impl RoleRepository for Roles {
    async fn insert(&self, role: Role, audit: AuditEntry) -> Stored<()> {
        let mut rows = write(&self.rows);
        if rows.by_id.contains_key(&role.id) {
            return Err(taken("roles.role_id", role.id.as_str()));
        }
        rows.put(role);
        self.audit.record(audit);
        Ok(())
    }

    async fn get_many(&self, ids: &[RoleId]) -> Stored<Vec<Role>> {
        limited("ids", ids.len(), MAX_IDS)?;
        let ids: BTreeSet<_> = ids.iter().collect();
        let rows = read(&self.rows);
        Ok(ids.into_iter().filter_map(|id| rows.by_id.get(id)).cloned().collect())
    }

    async fn update(&self, role: Role, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(row) = rows.by_id.get(&role.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let role =
            Role { version: expected.saturating_add(1), is_system: row.is_system, created_at: row.created_at, ..role };
        rows.put(role);
        self.audit.record(audit);
        Ok(UpdateOutcome::Updated)
    }

    async fn list(&self, filter: RoleFilter, page: PageRequest) -> Stored<Page<Role>> {
        let RoleFilter { status } = filter;
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(position(cursor)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let items = rows
            .by_level
            .range((after, Bound::Unbounded))
            .filter_map(|(_, id)| rows.by_id.get(id))
            .filter(|role| status.is_none_or(|status| role.status == status))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |last: &Role| Cursor::new(LIST, format!("{} {}", last.level, last.id))))
    }
}
