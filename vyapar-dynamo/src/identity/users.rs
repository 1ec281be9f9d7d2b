//! Accounts.

use std::collections::BTreeSet;

use async_trait::async_trait;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::UserId;
use vyapar_core::identity::{ContactKind, MAX_LOOKUPS, User, UserFilter, UserRepository};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::secret::Blind;
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;

use super::DynamoIdentity;
use super::codec::{contact_item, read_contact_item, read_user, user_change, user_item};
use super::list::{USER_LIST, Users};
use crate::db::{Written, distinct};
use crate::error::Refusals;
use crate::expression::Expression;
use crate::item::{number, text};
use crate::keys;
use crate::listing::list;
use crate::retry::Patience;
use crate::tables::USERS;

/// How often a contact that changes hands while it is looked up is looked up again.
const TRIES: u32 = 8;

#[async_trait]
impl UserRepository for DynamoIdentity {
    async fn insert(&self, user: User, audit: AuditEntry) -> Stored<()> {
        const DOING: &str = "adding an account";
        let contacts: Vec<_> = contacts(&user).into_iter().collect();
        let mut actions = vec![self.db.put(&USERS, user_item(&user), &absent())?];
        for (kind, hash) in &contacts {
            actions.push(self.db.put(&USERS, contact_item(*kind, *hash, user.id), &absent())?);
        }
        match self.audit.write(&actions, Some(&audit), &mut self.db.patience(), DOING).await? {
            Written::Done => Ok(()),
            // The account itself first: repeated, it meets its own contacts, too.
            Written::Refused(refusals) if refusals.at(0).is_some() => Err(taken("users.id", DOING)),
            Written::Refused(refusals) => Err(contact_taken(&contacts, &refusals, DOING)),
        }
    }

    async fn get(&self, id: UserId) -> Stored<Option<User>> {
        self.user(id, &mut self.db.patience()).await
    }

    async fn find(&self, kind: ContactKind, lookups: &[Blind]) -> Stored<Option<User>> {
        const DOING: &str = "finding an account";
        if lookups.len() > MAX_LOOKUPS {
            let what = RepositoryErrorKind::LimitExceeded { what: "lookups", max: MAX_LOOKUPS as u64 };
            return Err(RepositoryError::new(what, DOING));
        }
        let lookups = distinct(lookups);
        let mut patience = self.db.patience();
        for _ in 0..TRIES {
            let keys = lookups.iter().map(|hash| keys::contact(kind, *hash));
            let found = self.db.get_all(&USERS, keys, &mut patience, DOING).await?;
            let first = lookups.iter().find_map(|hash| {
                let key = keys::contact(kind, *hash);
                found.iter().find(|item| item.get("id") == key.get("id")).map(|item| (*hash, item))
            });
            let Some((hash, item)) = first else { return Ok(None) };
            let user = self.user(read_contact_item(item)?, &mut patience).await?;
            // Between the two reads he may have given it up, and another may have it by now.
            let has = |user: &User| user.contact(kind).is_some_and(|contact| contact.lookups.contains(&hash));
            if let Some(user) = user.filter(has) {
                return Ok(Some(user));
            }
        }
        Err(RepositoryError::new(RepositoryErrorKind::Corrupt, "table users, a contact of an account that lacks it"))
    }

    async fn update(&self, user: User, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        const DOING: &str = "updating an account";
        // The new state's version follows from the one it replaces.
        let user = User { version: expected + 1, ..user };
        let mut patience = self.db.patience();
        // Which contacts it gains and gives up follows from what stands there; that it still
        // does is what the transaction insists on.
        let Some(stored) = self.user(user.id, &mut patience).await?.filter(|stored| stored.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let (before, after) = (contacts(&stored), contacts(&user));
        let (gained, given_up): (Vec<_>, Vec<_>) =
            (after.difference(&before).copied().collect(), before.difference(&after).copied().collect());
        let unchanged = Expression::new("#version = :expected").value(":expected", number(expected));
        let mut actions = vec![self.db.update(&USERS, keys::user(user.id), &user_change(&user), &unchanged)?];
        for (kind, hash) in &gained {
            actions.push(self.db.put(&USERS, contact_item(*kind, *hash, user.id), &absent())?);
        }
        let his = Expression::new("#user_id = :user").value(":user", text(user.id));
        for (kind, hash) in given_up {
            actions.push(self.db.delete(&USERS, keys::contact(kind, hash), &his)?);
        }
        match self.audit.write(&actions, audit.as_ref(), &mut patience, DOING).await? {
            Written::Done => Ok(UpdateOutcome::Updated),
            Written::Refused(refusals) if refusals.at(0).is_some() => Ok(UpdateOutcome::Stale),
            Written::Refused(refusals) => {
                // As with grants: a contact that was refused says nothing about the version
                // where another transaction was in the way of the account.
                let stored = self.user(user.id, &mut patience).await?;
                if stored.is_none_or(|stored| stored.version != expected) {
                    return Ok(UpdateOutcome::Stale);
                }
                Err(contact_taken(&gained, &refusals, DOING))
            }
        }
    }

    async fn list(&self, filter: UserFilter, page: PageRequest) -> Stored<Page<User>> {
        let after = page.cursor().map(|cursor| cursor.parse_position(USER_LIST)).transpose()?;
        let found = list(&self.db, &Users(filter), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(id, _)| Cursor::new(USER_LIST, id.to_string()));
        Ok(page.map(|(_, user)| user))
    }
}

impl DynamoIdentity {
    async fn user(&self, id: UserId, patience: &mut Patience) -> Stored<Option<User>> {
        let found = self.db.get(&USERS, keys::user(id), patience, "reading an account").await?;
        found.as_ref().map(read_user).transpose()
    }
}

/// Every hash of a user's contacts, each once.
fn contacts(user: &User) -> BTreeSet<(ContactKind, Blind)> {
    let of = |kind: ContactKind| {
        user.contact(kind).into_iter().flat_map(move |contact| contact.lookups.iter().map(move |hash| (kind, *hash)))
    };
    ContactKind::ALL.iter().flat_map(|kind| of(*kind)).collect()
}

/// The condition that nothing stands under a key.
fn absent() -> Expression {
    Expression::new("attribute_not_exists(#id)")
}

fn taken(constraint: &'static str, doing: &'static str) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::AlreadyExists { constraint }, doing)
}

/// Which of the `contacts`, whose actions follow the account's own, was refused.
fn contact_taken(contacts: &[(ContactKind, Blind)], refusals: &Refusals, doing: &'static str) -> RepositoryError {
    let refused = contacts.iter().zip(1..).find(|(_, position)| refusals.at(*position).is_some());
    match refused {
        Some(((ContactKind::Email, _), _)) => taken("users.email", doing),
        Some(((ContactKind::Phone, _), _)) => taken("users.phone", doing),
        None => RepositoryError::new(RepositoryErrorKind::Corrupt, "table users, a contact that is another account's"),
    }
}
