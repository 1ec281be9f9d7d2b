//! Lists of accounts and of sessions.

use std::cmp::Reverse;

use vyapar_core::error::Stored;
use vyapar_core::id::{SessionId, UserId};
use vyapar_core::identity::{Session, User, UserFilter};

use super::codec::{read_session, read_user};
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text};
use crate::keys;
use crate::listing::{Listed, of_index};
use crate::tables::{SESSIONS, TableDefinition, USERS};

/// The names of the lists that their cursors belong to.
pub(super) const USER_LIST: &str = "users";
pub(super) const SESSION_LIST: &str = "sessions";

/// Accounts, by id. They are listed by kind; the rest of the filter is for what was read.
pub(super) struct Users(pub(super) UserFilter);

impl Listed for Users {
    type Position = UserId;
    type Thing = User;
    const TABLE: &'static TableDefinition = &USERS;
    const DOING: &'static str = "listing accounts";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&UserId>) -> Vec<Query> {
        let list = |of| {
            let key = match after {
                None => Expression::new("#list_key = :of"),
                Some(id) => Expression::new("#list_key = :of AND #id > :after").value(":after", text(id)),
            };
            of_index(&USERS, "list-index", key.value(":of", of))
        };
        keys::users_lists(self.0.kind).map(list).collect()
    }

    fn position(&self, found: &Attributes) -> Stored<UserId> {
        Row::new(USERS.name, found).parse("id")
    }

    fn id(&self, position: &UserId) -> String {
        position.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(UserId, User)>> {
        let user = read_user(item)?;
        let belongs = self.0.kind.is_none_or(|kind| user.kind == kind)
            && self.0.is_active.is_none_or(|active| user.is_active == active);
        Ok(belongs.then_some((user.id, user)).into_iter().collect())
    }
}

/// A user's sessions, newest first.
pub(super) struct SessionsOf(pub(super) UserId);

impl Listed for SessionsOf {
    type Position = Reverse<SessionId>;
    type Thing = Session;
    const TABLE: &'static TableDefinition = &SESSIONS;
    const DOING: &'static str = "listing a user's sessions";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&Reverse<SessionId>>) -> Vec<Query> {
        let key = match after {
            None => Expression::new("#user_id = :of"),
            Some(Reverse(id)) => Expression::new("#user_id = :of AND #id < :before").value(":before", text(id)),
        };
        let key = key.value(":of", text(self.0));
        vec![Query { newest_first: true, ..of_index(&SESSIONS, "user_id-index", key) }]
    }

    fn position(&self, found: &Attributes) -> Stored<Reverse<SessionId>> {
        Row::new(SESSIONS.name, found).parse("id").map(Reverse)
    }

    fn id(&self, Reverse(id): &Reverse<SessionId>) -> String {
        id.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(Reverse<SessionId>, Session)>> {
        let session = read_session(item)?;
        Ok(vec![(Reverse(session.id), session)])
    }
}
