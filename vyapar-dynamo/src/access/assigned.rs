//! Who was given something.

use vyapar_core::access::{Assignment, AssignmentType, GrantTarget};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::UserId;
use vyapar_core::page::{Cursor, Page, PageRequest};

use super::DynamoAccess;
use super::codec::read_grants;
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text};
use crate::keys;
use crate::listing::{Listed, list, of_index};
use crate::tables::{TableDefinition, USER_PERMISSIONS};

/// The name of the list that its cursors belong to.
const LIST: &str = "holders";

impl DynamoAccess {
    pub(super) async fn holders_of(&self, target: &GrantTarget, page: PageRequest) -> Stored<Page<Assignment>> {
        let after = page.cursor().map(position_of).transpose()?;
        let found = list(&self.db, &Holders(target), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |((user, of), _)| Cursor::new(LIST, format!("{user} {of}")));
        Ok(page.map(|(_, assignment)| assignment))
    }
}

/// By user, then the stored name of the type: as the assignments' ids sort.
type Position = (UserId, &'static str);

/// Where a cursor stands.
fn position_of(cursor: &Cursor) -> Stored<Position> {
    let parts = cursor.position(LIST)?.split_once(' ');
    parts.and_then(|(user, of)| Some((user.parse().ok()?, type_name(of)?))).ok_or_else(|| {
        RepositoryError::new(RepositoryErrorKind::InvalidCursor, format!("a malformed position in `{LIST}`"))
    })
}

fn type_name(of: &str) -> Option<&'static str> {
    of.parse().ok().map(AssignmentType::as_str)
}

/// Those who were given this. The items of single assignments find them, their grants decide.
struct Holders<'a>(&'a GrantTarget);

impl Listed for Holders<'_> {
    type Position = Position;
    type Thing = Assignment;
    const TABLE: &'static TableDefinition = &USER_PERMISSIONS;
    const DOING: &'static str = "listing who was given something";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&Position>) -> Vec<Query> {
        let target = self.0;
        let key = match after {
            None => Expression::new("#permission_id = :of"),
            Some((user, of)) => Expression::new("#permission_id = :of AND #assignment_id > :after")
                .value(":after", text(format_args!("{user}#{of}#{target}"))),
        };
        vec![of_index(&USER_PERMISSIONS, "PermissionUsersIndex", key.value(":of", text(target)))]
    }

    fn position(&self, found: &Attributes) -> Stored<Position> {
        let row = Row::new(USER_PERMISSIONS.name, found);
        let mut parts = row.str("assignment_id")?.split('#');
        let user = parts.next().and_then(|user| user.parse().ok());
        user.zip(parts.next().and_then(type_name)).ok_or_else(|| row.corrupt("assignment_id"))
    }

    fn id(&self, (user, _): &Position) -> String {
        keys::grants_id(*user)
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(Position, Assignment)>> {
        let given = read_grants(item)?.assignments.into_iter().filter(|given| given.target == *self.0);
        Ok(given.map(|given| ((given.user_id, given.assignment_type.as_str()), given)).collect())
    }
}
