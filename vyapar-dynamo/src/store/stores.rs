//! Stores.

use async_trait::async_trait;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::StoreId;
use vyapar_core::page::{AllStores, Cursor, Page, PageRequest};
use vyapar_core::store::{Slug, Store, StoreFilter, StoreRepository, StoreUser, UpdateOutcome};
use vyapar_core::system::AuditEntry;
use vyapar_core::time::Timestamp;

use super::codec::{read_slug, read_store, slug_item, store_change, store_item};
use super::lists::{Geocoding, STORE_LIST, StoresBy};
use super::people::{Owners, member_item, no_member};
use super::{DynamoStores, own};
use crate::db::Written;
use crate::expression::Expression;
use crate::item::number;
use crate::keys;
use crate::listing::list;
use crate::retry::Patience;
use crate::tables::{STORE_USERS, STORES};

#[async_trait]
impl StoreRepository for DynamoStores {
    async fn insert(&self, store: Store, owner: Option<StoreUser>, audit: AuditEntry) -> Stored<()> {
        const DOING: &str = "adding a store";
        let absent = Expression::new("attribute_not_exists(#id)");
        let mut actions = vec![
            self.db.put(&STORES, store_item(&store)?, &absent)?,
            self.db.put(&STORES, slug_item(&store), &absent)?,
        ];
        if let Some(owner) = owner {
            own(store.id, owner.store_id, "a member")?;
            actions.push(self.db.put(&STORE_USERS, member_item(&owner)?, &no_member())?);
            actions.extend(self.owners(store.id, Owners::between(None, &owner))?);
        }
        let refusals = match self.audit.write(&actions, Some(&audit), &mut self.db.patience(), DOING).await? {
            Written::Done => return Ok(()),
            Written::Refused(refusals) => refusals,
        };
        // The store itself first: repeated, it meets its own name, too. Where another transaction
        // was in the way of the store, the name still says whose it is.
        let constraint = match (refusals.at(0), refusals.at(1)) {
            (Some(_), _) => "stores.id",
            (None, Some(name)) => match name.item.as_ref().map(read_slug).transpose()? {
                Some(has) if has == store.id => "stores.id",
                _ => "stores.store_id",
            },
            (None, None) => "store_users.user_id",
        };
        Err(RepositoryError::new(RepositoryErrorKind::AlreadyExists { constraint }, DOING))
    }

    async fn get(&self, id: StoreId) -> Stored<Option<Store>> {
        self.store(id, &mut self.db.patience()).await
    }

    async fn find_by_slug(&self, slug: &Slug) -> Stored<Option<Store>> {
        let mut patience = self.db.patience();
        let found = self.db.get(&STORES, keys::slug(slug), &mut patience, "finding a store").await?;
        match found.as_ref().map(read_slug).transpose()? {
            // A name is a store's for good.
            Some(id) => self.store(id, &mut patience).await,
            None => Ok(None),
        }
    }

    async fn update(&self, store: Store, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let store = Store { version: expected.saturating_add(1), ..store };
        let unchanged = Expression::new("#version = :expected").value(":expected", number(expected));
        let actions = [self.db.update(&STORES, keys::store(store.id), &store_change(&store)?, &unchanged)?];
        let patience = &mut self.db.patience();
        Ok(match self.audit.write(&actions, Some(&audit), patience, "updating a store").await? {
            Written::Done => UpdateOutcome::Updated,
            Written::Refused(_) => UpdateOutcome::Stale,
        })
    }

    async fn list(&self, _: AllStores, filter: StoreFilter, page: PageRequest) -> Stored<Page<Store>> {
        let after = page.cursor().map(|cursor| cursor.parse_position(STORE_LIST)).transpose()?;
        let found = list(&self.db, &StoresBy(filter), after, page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(id, _)| Cursor::new(STORE_LIST, id.to_string()));
        Ok(page.map(|(_, store)| store))
    }

    async fn geocode_due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Store>> {
        let found = list(&self.db, &Geocoding { due: now }, None, limit as usize).await?;
        Ok(found.into_iter().map(|(_, store)| store).take(limit as usize).collect())
    }
}

impl DynamoStores {
    async fn store(&self, id: StoreId, patience: &mut Patience) -> Stored<Option<Store>> {
        let found = self.db.get(&STORES, keys::store(id), patience, "reading a store").await?;
        found.as_ref().map(read_store).transpose()
    }
}
