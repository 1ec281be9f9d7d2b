//! User accounts.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::identity::{ContactKind, MAX_LOOKUPS, User, UserFilter, UserRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Blind, Cursor, Page, PageRequest, Stored, UserId};

use super::{Accounts, Rows};
use crate::lock::{read, write};
use crate::{limited, one_more, taken};

/// Every hash that the user is found by.
fn lookups(user: &User) -> impl Iterator<Item = (ContactKind, Blind)> {
    ContactKind::ALL.iter().flat_map(|kind| {
        user.contact(*kind).into_iter().flat_map(|contact| contact.lookups.iter().map(|hash| (*kind, *hash)))
    })
}

impl Rows {
    /// Refuses a user with a contact that is another's.
    fn check_contacts(&self, user: &User) -> Stored<()> {
        for key in lookups(user) {
            if self.by_contact.get(&key).is_some_and(|holder| *holder != user.id) {
                let constraint = match key.0 {
                    ContactKind::Email => "users.email",
                    ContactKind::Phone => "users.phone",
                };
                return Err(taken(constraint, user.id.to_string()));
            }
        }
        Ok(())
    }

    /// Stores a user in place of what his id had.
    fn put_user(&mut self, user: User) {
        for key in self.users.get(&user.id).into_iter().flat_map(lookups) {
            self.by_contact.remove(&key);
        }
        for key in lookups(&user) {
            self.by_contact.insert(key, user.id);
        }
        self.users.insert(user.id, user);
    }
}

/// Name of the list, in its cursors.
const LIST: &str = "users";

#[async_trait]
impl UserRepository for Accounts {
    async fn insert(&self, user: User, audit: AuditEntry) -> Stored<()> {
        let mut rows = write(&self.rows);
        if rows.users.contains_key(&user.id) {
            return Err(taken("users.id", user.id.to_string()));
        }
        rows.check_contacts(&user)?;
        rows.put_user(user);
        self.audit.record(audit);
        Ok(())
    }

    async fn get(&self, id: UserId) -> Stored<Option<User>> {
        Ok(read(&self.rows).users.get(&id).cloned())
    }

    async fn find(&self, kind: ContactKind, lookups: &[Blind]) -> Stored<Option<User>> {
        limited("lookups", lookups.len(), MAX_LOOKUPS)?;
        let rows = read(&self.rows);
        let id = lookups.iter().find_map(|hash| rows.by_contact.get(&(kind, *hash)));
        Ok(id.and_then(|id| rows.users.get(id)).cloned())
    }

    async fn update(&self, user: User, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(row) = rows.users.get(&user.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let user = User {
            version: expected.saturating_add(1),
            last_login: row.last_login,
            created_at: row.created_at,
            ..user
        };
        rows.check_contacts(&user)?;
        rows.put_user(user);
        if let Some(audit) = audit {
            self.audit.record(audit);
        }
        Ok(UpdateOutcome::Updated)
    }

    async fn list(&self, filter: UserFilter, page: PageRequest) -> Stored<Page<User>> {
        let UserFilter { kind, is_active } = filter;
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<UserId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let items = rows
            .users
            .range((after, Bound::Unbounded))
            .map(|(_, user)| user)
            .filter(|user| kind.is_none_or(|kind| user.kind == kind))
            .filter(|user| is_active.is_none_or(|is_active| user.is_active == is_active))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |last: &User| Cursor::new(LIST, last.id.to_string())))
    }
}
