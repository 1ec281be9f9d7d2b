//! Permissions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::access::{Permission, PermissionFilter, PermissionId, PermissionRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{MAX_IDS, limited, one_more, taken};

/// All permissions, under one lock: they change rarely.
pub(crate) struct Permissions {
    rows: RwLock<BTreeMap<PermissionId, Permission>>,
    audit: Arc<AuditTrail>,
}

impl Permissions {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

/// Name of the list, in its cursors.
const LIST: &str = "permissions";

#[async_trait]
impl PermissionRepository for Permissions {
    async fn insert(&self, permission: Permission, audit: AuditEntry) -> Stored<()> {
        let mut rows = write(&self.rows);
        if rows.contains_key(&permission.id) {
            return Err(taken("permissions.permission_id", permission.id.as_str()));
        }
        rows.insert(permission.id.clone(), permission);
        self.audit.record(audit);
        Ok(())
    }

    async fn get_many(&self, ids: &[PermissionId]) -> Stored<Vec<Permission>> {
        limited("ids", ids.len(), MAX_IDS)?;
        let ids: BTreeSet<_> = ids.iter().collect();
        let rows = read(&self.rows);
        Ok(ids.into_iter().filter_map(|id| rows.get(id)).cloned().collect())
    }

    async fn update(&self, permission: Permission, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(row) = rows.get_mut(&permission.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        *row = Permission { version: expected.saturating_add(1), created_at: row.created_at, ..permission };
        self.audit.record(audit);
        Ok(UpdateOutcome::Updated)
    }

    async fn list(&self, filter: PermissionFilter, page: PageRequest) -> Stored<Page<Permission>> {
        let PermissionFilter { category, status } = filter;
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<PermissionId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let items = rows
            .range((after, Bound::Unbounded))
            .map(|(_, permission)| permission)
            .filter(|permission| category.is_none_or(|category| permission.category == category))
            .filter(|permission| status.is_none_or(|status| permission.status == status))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |last: &Permission| Cursor::new(LIST, last.id.as_str())))
    }
}
