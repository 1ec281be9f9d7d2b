//! Use cases of stores: reading them here; `registering` and `changing` write, `nearby` searches,
//! `locating` finds their coordinates.

mod changing;
mod locating;
mod nearby;
mod registering;

use std::sync::Arc;

pub use changing::UpdateStore;
pub use nearby::{CentreSource, MAX_SEARCH_KM, Nearby, NearbyError, NearbyFilter, NearbyPage, Origin};

use super::{Slug, Store, StoreContact, StoreError, StoreFilter, StoreStatus};
use crate::access::{known, policy};
use crate::actor::{Actor, Decision, Subject};
use crate::contact::{PersonalText, Phone};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::StoreId;
use crate::page::{AllStores, Page, PageRequest};
use crate::secret::Sealed;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;

/// Registering stores, reading and finding them, moving them through their lifecycle.
#[derive(Clone)]
pub struct StoreService {
    context: Arc<Context>,
}

impl StoreService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The store, if it is active or the actor works for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; storage.
    pub async fn get(&self, actor: &Actor, id: StoreId) -> Result<Store, StoreError> {
        match self.context.ports.store.stores.get(id).await? {
            Some(store) if self.may_see(actor, &store) => Ok(store),
            _ => Err(StoreError::NotFound(id)),
        }
    }

    /// The active store of that readable name.
    ///
    /// # Errors
    /// Storage.
    pub async fn find(&self, actor: &Actor, slug: &Slug) -> Result<Option<Store>, StoreError> {
        let found = self.context.ports.store.stores.find_by_slug(slug).await?;
        Ok(found.filter(|store| self.may_see(actor, store)))
    }

    /// Active stores are for everyone; others for their members and for those who see the
    /// platform's settings.
    fn may_see(&self, actor: &Actor, store: &Store) -> bool {
        store.status == StoreStatus::Active
            || actor.membership(store.id).is_some()
            || actor.holds(&known::SETTINGS_VIEW, self.context.env.now())
    }

    /// Stores that match; for everyone but the platform only active ones.
    ///
    /// # Errors
    /// Storage; a cursor of another list.
    pub async fn list(
        &self,
        actor: &Actor,
        mut filter: StoreFilter,
        page: PageRequest,
    ) -> Result<Page<Store>, StoreError> {
        if !actor.holds(&known::SETTINGS_VIEW, self.context.env.now()) {
            filter.status = Some(StoreStatus::Active);
        }
        Ok(self.context.ports.store.stores.list(AllStores, filter, page).await?)
    }

    /// How to reach the store, opened; for those who work for it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for everyone else; [`StoreError::Secret`].
    pub fn contact(&self, actor: &Actor, store: &Store) -> Result<StoreContact, StoreError> {
        match self.context.decide(actor, &policy::STORES_CONTACT, Subject::store(store.id)) {
            Decision::Allowed => {}
            Decision::Refused => return Err(StoreError::Forbidden("see how to reach the store")),
            Decision::Hidden => return Err(StoreError::NotFound(store.id)),
        }
        self.open_contact(store)
    }

    fn open_contact(&self, store: &Store) -> Result<StoreContact, StoreError> {
        let open = |column: &str, sealed: &Sealed| self.context.env.open(&place(store.id, column), sealed);
        let text = |column: &'static str, sealed: &Sealed| -> Result<PersonalText, StoreError> {
            PersonalText::parse(column, &open(column, sealed)?, usize::MAX).map_err(|_| corrupt(column))
        };
        let phone = |column: &'static str, sealed: &Sealed| -> Result<Phone, StoreError> {
            open(column, sealed)?.parse().map_err(|_| corrupt(column))
        };
        Ok(StoreContact {
            owner_name: text("owner_name", &store.owner_name)?,
            phone: phone("phone", &store.phone)?,
            email: store.email.as_ref().map(|sealed| text("email", sealed)).transpose()?,
            whatsapp_number: store.whatsapp_number.as_ref().map(|s| phone("whatsapp_number", s)).transpose()?,
        })
    }
}

/// Where a store's sealed text belongs.
fn place(id: StoreId, column: &str) -> String {
    format!("stores.{column}:{id}")
}

fn corrupt(column: &str) -> StoreError {
    RepositoryError::new(RepositoryErrorKind::Corrupt, format!("stores.{column}")).into()
}
