//! Roles.

use std::collections::BTreeSet;

use async_trait::async_trait;
use vyapar_core::access::{Role, RoleFilter, RoleId, RoleRepository, RoleStatus};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;

use super::codec::{read_role, role_change, role_item};
use super::{DynamoAccess, bounded};
use crate::db::{Query, Written};
use crate::expression::Expression;
use crate::item::{Attributes, Row, number, text};
use crate::keys;
use crate::listing::{Listed, list, of_index};
use crate::tables::{ROLES, TableDefinition};

/// The name of the list that its cursors belong to.
const LIST: &str = "roles";

#[async_trait]
impl RoleRepository for DynamoAccess {
    async fn insert(&self, role: Role, audit: AuditEntry) -> Stored<()> {
        const DOING: &str = "adding a role";
        let absent = Expression::new("attribute_not_exists(#role_id)");
        let actions = [self.db.put(&ROLES, role_item(&role), &absent)?];
        match self.audit.write(&actions, Some(&audit), &mut self.db.patience(), DOING).await? {
            Written::Done => Ok(()),
            Written::Refused(_) => {
                let taken = RepositoryErrorKind::AlreadyExists { constraint: "roles.role_id" };
                Err(RepositoryError::new(taken, DOING))
            }
        }
    }

    async fn get_many(&self, ids: &[RoleId]) -> Stored<Vec<Role>> {
        const DOING: &str = "reading roles";
        bounded(ids, DOING)?;
        let once: BTreeSet<_> = ids.iter().collect();
        let items = self.db.get_all(&ROLES, once.into_iter().map(keys::role), &mut self.db.patience(), DOING).await?;
        items.iter().map(read_role).collect()
    }

    async fn update(&self, role: Role, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let role = Role { version: expected + 1, ..role };
        let unchanged = Expression::new("#version = :expected").value(":expected", number(expected));
        let actions = [self.db.update(&ROLES, keys::role(&role.id), &role_change(&role), &unchanged)?];
        let patience = &mut self.db.patience();
        Ok(match self.audit.write(&actions, Some(&audit), patience, "updating a role").await? {
            Written::Done => UpdateOutcome::Updated,
            Written::Refused(_) => UpdateOutcome::Stale,
        })
    }

    async fn list(&self, filter: RoleFilter, page: PageRequest) -> Stored<Page<Role>> {
        let after = page.cursor().map(position_of).transpose()?;
        let found = list(&self.db, &Roles(filter), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |((level, id), _)| Cursor::new(LIST, format!("{level} {id}")));
        Ok(page.map(|(_, role)| role))
    }
}

/// Where a cursor stands.
fn position_of(cursor: &Cursor) -> Stored<Position> {
    let parts = cursor.position(LIST)?.split_once(' ');
    parts.and_then(|(level, id)| Some((level.parse().ok()?, id.parse().ok()?))).ok_or_else(|| {
        RepositoryError::new(RepositoryErrorKind::InvalidCursor, format!("a malformed position in `{LIST}`"))
    })
}

/// By level, then id.
type Position = (u8, RoleId);

struct Roles(RoleFilter);

impl Listed for Roles {
    type Position = Position;
    type Thing = Role;
    const TABLE: &'static TableDefinition = &ROLES;
    const DOING: &'static str = "listing roles";
    // By level only, so that within one the ids are in no order; there are as many roles as
    // people can tell apart.
    const WHOLE: bool = true;

    fn queries(&self, after: Option<&Position>) -> Vec<Query> {
        let from = after.map_or(0, |(level, _)| *level);
        let statuses = RoleStatus::ALL.iter().filter(|of| self.0.status.is_none_or(|status| status == **of));
        let key = |status: &RoleStatus| {
            Expression::new("#status = :of AND #hierarchy_level >= :from")
                .value(":of", text(status))
                .value(":from", number(from))
        };
        statuses.map(|status| of_index(&ROLES, "HierarchyIndex", key(status))).collect()
    }

    fn position(&self, found: &Attributes) -> Stored<Position> {
        let row = Row::new(ROLES.name, found);
        Ok((row.parse("hierarchy_level")?, row.parse("role_id")?))
    }

    fn id(&self, (_, id): &Position) -> String {
        id.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(Position, Role)>> {
        let role = read_role(item)?;
        let belongs = role.deleted_at.is_none() && self.0.status.is_none_or(|status| role.status == status);
        Ok(belongs.then(|| ((role.level.get(), role.id.clone()), role)).into_iter().collect())
    }
}
