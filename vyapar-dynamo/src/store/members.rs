//! Who works in stores.

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::{StoreId, UserId};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::store::{MAX_MEMBERSHIPS, MemberOutcome, StoreUser, StoreUserRepository};
use vyapar_core::system::AuditEntry;

use super::lists::{MEMBER_LIST, MembersOf};
use super::people::{Owners, member_item, no_member, read_member};
use super::{DynamoStores, own};
use crate::db::{Query, Written};
use crate::expression::Expression;
use crate::item::{number, text};
use crate::keys;
use crate::listing::list;
use crate::retry::Patience;
use crate::tables::STORE_USERS;

#[async_trait]
impl StoreUserRepository for DynamoStores {
    async fn insert(&self, store: StoreId, member: StoreUser, audit: AuditEntry) -> Stored<bool> {
        own(store, member.store_id, "a member")?;
        let mut actions = vec![self.db.put(&STORE_USERS, member_item(&member)?, &no_member())?];
        actions.extend(self.owners(store, Owners::between(None, &member))?);
        let patience = &mut self.db.patience();
        let written = self.audit.write(&actions, Some(&audit), patience, "adding a member").await?;
        Ok(matches!(written, Written::Done))
    }

    async fn get(&self, store: StoreId, user: UserId) -> Stored<Option<StoreUser>> {
        self.member(store, user, &mut self.db.patience()).await
    }

    async fn update(
        &self,
        store: StoreId,
        member: StoreUser,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<MemberOutcome> {
        const DOING: &str = "updating a member";
        let user = member.user_id;
        let mut patience = self.db.patience();
        // Whether the store gains or loses an owner follows from what stands there; that it
        // still does is what the transaction insists on.
        let stored = self.member(store, user, &mut patience).await?;
        let Some(stored) = stored.filter(|stored| stored.version == expected) else {
            return Ok(MemberOutcome::Stale);
        };
        let owners = Owners::between(Some(&stored), &member);
        let member = StoreUser {
            id: stored.id,
            store_id: store,
            // The new state's version follows from the one it replaces.
            version: expected.saturating_add(1),
            created_at: stored.created_at,
            ..member
        };
        let mut actions = vec![self.db.put(&STORE_USERS, member_item(&member)?, &version_is(expected))?];
        actions.extend(self.owners(store, owners)?);
        let refusals = match self.audit.write(&actions, Some(&audit), &mut patience, DOING).await? {
            Written::Done => return Ok(MemberOutcome::Updated),
            Written::Refused(refusals) => refusals,
        };
        if refusals.at(0).is_some() {
            return Ok(MemberOutcome::Stale);
        }
        // The number of owners refused it. Whether the version would have, too, is not known
        // where another transaction was in the way of the member: versions only grow, so one
        // that still stands stood then.
        let stored = self.member(store, user, &mut patience).await?;
        let stands = stored.is_some_and(|stored| stored.version == expected);
        Ok(if stands { MemberOutcome::LastOwner } else { MemberOutcome::Stale })
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<StoreUser>> {
        let after = page.cursor().map(|cursor| cursor.parse_position(MEMBER_LIST)).transpose()?;
        let found = list(&self.db, &MembersOf(store), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(user, _)| Cursor::new(MEMBER_LIST, user.to_string()));
        Ok(page.map(|(_, member)| member))
    }

    async fn list_by_user(&self, user: UserId) -> Stored<Vec<StoreUser>> {
        // Off the table itself, where the user's rows stand by store.
        let query = Query {
            table: &STORE_USERS,
            index: None,
            key: Expression::new("#user_id = :of").value(":of", text(user)),
            filter: Some(Expression::new("#is_active = :yes").value(":yes", AttributeValue::Bool(true))),
            newest_first: false,
        };
        let patience = &mut self.db.patience();
        let found = self.db.query(&query, MAX_MEMBERSHIPS, patience, "listing a user's stores").await?;
        found.iter().map(read_member).collect()
    }
}

impl DynamoStores {
    pub(super) async fn member(
        &self,
        store: StoreId,
        user: UserId,
        patience: &mut Patience,
    ) -> Stored<Option<StoreUser>> {
        let found = self.db.get(&STORE_USERS, keys::member(store, user), patience, "reading a member").await?;
        found.as_ref().map(read_member).transpose()
    }
}

pub(super) fn version_is(version: u64) -> Expression {
    Expression::new("#version = :expected").value(":expected", number(version))
}
