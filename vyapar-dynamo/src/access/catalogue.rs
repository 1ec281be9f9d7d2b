//! Permissions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use vyapar_core::access::{Permission, PermissionCategory, PermissionFilter, PermissionId, PermissionRepository};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;

use super::codec::{permission_change, permission_item, read_permission};
use super::{DynamoAccess, bounded};
use crate::db::{Query, Written};
use crate::expression::Expression;
use crate::item::{Attributes, Row, number, text};
use crate::keys;
use crate::listing::{Listed, list, of_index};
use crate::tables::{PERMISSIONS, TableDefinition};

/// The name of the list that its cursors belong to.
const LIST: &str = "permissions";

#[async_trait]
impl PermissionRepository for DynamoAccess {
    async fn insert(&self, permission: Permission, audit: AuditEntry) -> Stored<()> {
        const DOING: &str = "adding a permission";
        let absent = Expression::new("attribute_not_exists(#permission_id)");
        let actions = [self.db.put(&PERMISSIONS, permission_item(&permission), &absent)?];
        match self.audit.write(&actions, Some(&audit), &mut self.db.patience(), DOING).await? {
            Written::Done => Ok(()),
            Written::Refused(_) => {
                let taken = RepositoryErrorKind::AlreadyExists { constraint: "permissions.permission_id" };
                Err(RepositoryError::new(taken, DOING))
            }
        }
    }

    async fn get_many(&self, ids: &[PermissionId]) -> Stored<Vec<Permission>> {
        const DOING: &str = "reading permissions";
        bounded(ids, DOING)?;
        let once: BTreeSet<_> = ids.iter().collect();
        let keys = once.into_iter().map(keys::permission);
        let items = self.db.get_all(&PERMISSIONS, keys, &mut self.db.patience(), DOING).await?;
        items.iter().map(read_permission).collect()
    }

    async fn update(&self, permission: Permission, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let permission = Permission { version: expected + 1, ..permission };
        let change = permission_change(&permission);
        let unchanged = Expression::new("#version = :expected").value(":expected", number(expected));
        let actions = [self.db.update(&PERMISSIONS, keys::permission(&permission.id), &change, &unchanged)?];
        let patience = &mut self.db.patience();
        Ok(match self.audit.write(&actions, Some(&audit), patience, "updating a permission").await? {
            Written::Done => UpdateOutcome::Updated,
            Written::Refused(_) => UpdateOutcome::Stale,
        })
    }

    async fn list(&self, filter: PermissionFilter, page: PageRequest) -> Stored<Page<Permission>> {
        let after = page.cursor().map(|cursor| cursor.parse_position(LIST)).transpose()?;
        let found = list(&self.db, &Permissions(filter), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(id, _)| Cursor::new(LIST, id.as_str()));
        Ok(page.map(|(_, permission)| permission))
    }
}

struct Permissions(PermissionFilter);

impl Listed for Permissions {
    type Position = PermissionId;
    type Thing = Permission;
    const TABLE: &'static TableDefinition = &PERMISSIONS;
    const DOING: &'static str = "listing permissions";
    // By status within a category; there are as many permissions as a programme asks for.
    const WHOLE: bool = true;

    fn queries(&self, _: Option<&PermissionId>) -> Vec<Query> {
        let PermissionFilter { category, status } = self.0;
        let categories = PermissionCategory::ALL.iter().filter(|of| category.is_none_or(|category| category == **of));
        let key = |category: &PermissionCategory| match status {
            None => Expression::new("#category = :of").value(":of", text(category)),
            Some(status) => Expression::new("#category = :of AND #status = :status")
                .value(":of", text(category))
                .value(":status", text(status)),
        };
        categories.map(|category| of_index(&PERMISSIONS, "CategoryIndex", key(category))).collect()
    }

    fn position(&self, found: &Attributes) -> Stored<PermissionId> {
        Row::new(PERMISSIONS.name, found).parse("permission_id")
    }

    fn id(&self, position: &PermissionId) -> String {
        position.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(PermissionId, Permission)>> {
        let permission = read_permission(item)?;
        let belongs = self.0.category.is_none_or(|category| permission.category == category)
            && self.0.status.is_none_or(|status| permission.status == status);
        Ok(belongs.then(|| (permission.id.clone(), permission)).into_iter().collect())
    }
}
