//! Use cases of stores.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::json;

use super::{
    NewStore, Slug, Store, StoreContact, StoreError, StoreFilter, StoreProfile, StoreStatus, StoreUser, UpdateOutcome,
};
use crate::access::policy::{self, OPERATE};
use crate::access::{CapabilityChanges, known};
use crate::actor::{Actor, Decision, StoreRole, Subject};
use crate::contact::{PersonalText, Phone};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::{StoreId, StoreUserId};
use crate::page::{AllStores, Page, PageRequest};
use crate::secret::Sealed;
use crate::system::AuditDraft;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 5;
/// How often a slug is made anew when its name is taken.
const SLUGS: usize = 8;

/// Registering stores, reading them, moving them through their lifecycle.
#[derive(Clone)]
pub struct StoreService {
    context: Arc<Context>,
}

impl StoreService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Registers a store, pending verification, with its first owner: the user who registers it,
    /// or whom the platform registers it for. Any user may; the platform lets it in.
    ///
    /// # Errors
    /// Every [`StoreError`] of a text, radius, amount or GST number that cannot be, and storage.
    pub async fn register(&self, actor: &Actor, new: NewStore) -> Result<Store, StoreError> {
        if !self.context.allows(actor, &policy::STORES_REGISTER) {
            return Err(StoreError::Forbidden("register a store"));
        }
        if new.owner.is_some() && new.owner != actor.user() && !actor.holds(&OPERATE, self.context.env.now()) {
            return Err(StoreError::Forbidden("register a store for somebody else"));
        }
        check(&new.profile)?;
        let owner = new.owner.or_else(|| actor.user().filter(|_| !actor.is_unbound()));
        if let Some(user) = new.owner {
            super::staff::check_user(&self.context, user).await?;
        }
        if let Some(user) = owner {
            super::staff::check_room(&self.context, user).await?;
        }
        let env = &self.context.env;
        let now = env.now();
        let id = StoreId::from_uuid(env.uuid());
        let seal = |column: &str, text: &str| env.seal(&place(id, column), text);
        let phone = |number: &Option<Phone>, column: &str| -> Result<Option<Sealed>, StoreError> {
            Ok(number.as_ref().map(|number| seal(column, number.as_str())).transpose()?)
        };
        let contact = &new.contact;
        let mut store = Store {
            id,
            slug: self.fresh_slug(&new.profile.store_name),
            owner_name: seal("owner_name", contact.owner_name.as_str())?,
            phone: seal("phone", contact.phone.as_str())?,
            email: contact.email.as_ref().map(|email| seal("email", email.as_str())).transpose()?,
            whatsapp_number: phone(&contact.whatsapp_number, "whatsapp_number")?,
            profile: new.profile,
            status: StoreStatus::PendingVerification,
            verified: false,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let audit = AuditDraft {
            store_id: Some(id),
            action: "store.register",
            entity_type: "store",
            entity_id: id.to_string(),
            old_values: None,
            new_values: Some(json!({ "store_name": store.profile.store_name, "status": store.status })),
        }
        .by(actor, env, now);
        let owner = owner.map(|user_id| StoreUser {
            id: StoreUserId::from_uuid(env.uuid()),
            store_id: id,
            user_id,
            role: StoreRole::Owner,
            permissions: CapabilityChanges::default(),
            is_active: true,
            version: 1,
            created_at: now,
            updated_at: now,
        });
        for _ in 0..SLUGS {
            match self.context.ports.store.stores.insert(store.clone(), owner.clone(), audit.clone()).await {
                Ok(()) => return Ok(store),
                Err(error) if is_taken(&error, "stores.store_id") => {
                    store.slug = self.fresh_slug(&store.profile.store_name);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Concurrent)
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

    /// Moves a store to another status. Owners and managers open and close it; only the
    /// platform lets in, suspends and takes back. Moving it to where it stands does nothing.
    ///
    /// # Errors
    /// [`StoreError::NotAllowed`], [`StoreError::Forbidden`], [`StoreError::NotFound`]; storage.
    pub async fn set_status(&self, actor: &Actor, id: StoreId, to: StoreStatus) -> Result<Store, StoreError> {
        for _ in 0..ROUNDS {
            let mut store = self.get(actor, id).await?;
            let from = store.status;
            if !self.context.decide(actor, &policy::STORES_SET_STATUS, Subject::store(id)).is_allowed() {
                return Err(StoreError::Forbidden("change the status of a store"));
            }
            if from == to {
                return Ok(store);
            }
            if !from.may_become(to) {
                return Err(StoreError::NotAllowed { from, to });
            }
            // Nobody opens a store that the platform has not let in, by whichever way it got here.
            let lets_in = to == StoreStatus::Active && !store.verified;
            if (lets_in || from.is_platform_move(to)) && !actor.holds(&known::SETTINGS_UPDATE, self.context.env.now()) {
                return Err(StoreError::Forbidden("make this change of a store's status"));
            }
            let (env, expected) = (&self.context.env, store.version);
            let now = env.now();
            store.status = to;
            store.verified |= to == StoreStatus::Active;
            store.version += 1;
            store.updated_at = now;
            let audit = AuditDraft {
                store_id: Some(id),
                action: "store.status",
                entity_type: "store",
                entity_id: id.to_string(),
                old_values: Some(json!({ "status": from })),
                new_values: Some(json!({ "status": to })),
            }
            .by(actor, env, now);
            match self.context.ports.store.stores.update(store.clone(), expected, audit).await? {
                UpdateOutcome::Updated => return Ok(store),
                UpdateOutcome::Stale => {}
            }
        }
        Err(StoreError::Concurrent)
    }

    fn fresh_slug(&self, name: &str) -> Slug {
        let [.., a, b] = self.context.env.uuid().into_bytes();
        Slug::from_name(name, [a, b])
    }
}

/// Where a store's sealed text belongs.
fn place(id: StoreId, column: &str) -> String {
    format!("stores.{column}:{id}")
}

fn corrupt(column: &str) -> StoreError {
    RepositoryError::new(RepositoryErrorKind::Corrupt, format!("stores.{column}")).into()
}

fn is_taken(error: &RepositoryError, name: &str) -> bool {
    matches!(error.kind(), RepositoryErrorKind::AlreadyExists { constraint } if *constraint == name)
}

fn check(profile: &StoreProfile) -> Result<(), StoreError> {
    for (field, text, max) in
        [("store_name", &profile.store_name, 120), ("address", &profile.address, 400), ("city", &profile.city, 80)]
    {
        let length = text.trim().chars().count();
        if length == 0 || length > max {
            return Err(StoreError::Text { field, max, length });
        }
    }
    let radius = profile.delivery_radius_km;
    if radius < Decimal::ZERO || radius > Decimal::from(500) || radius.normalize().scale() > 2 {
        let (field, range) = ("delivery_radius_km", "0 to 500 km, two decimals");
        return Err(StoreError::OutOfRange { field, value: radius.to_string(), range });
    }
    for (field, amount) in [("min_order_amount", profile.min_order_amount), ("delivery_fee", profile.delivery_fee)] {
        if amount.is_negative() || amount.paise() > MOST {
            let range = "₹0 to ₹10,00,000";
            return Err(StoreError::OutOfRange { field, value: amount.to_string(), range });
        }
    }
    if profile.preparation_minutes > 7 * 24 * 60 {
        let (field, range) = ("preparation_minutes", "0 to 10080 (a week)");
        return Err(StoreError::OutOfRange { field, value: profile.preparation_minutes.to_string(), range });
    }
    match &profile.gstin {
        Some(gstin) if gstin.state() != profile.state => {
            Err(StoreError::GstinOfAnotherState { gstin: gstin.clone(), state: profile.state.clone() })
        }
        _ => Ok(()),
    }
}

/// Largest minimum order or delivery fee, in paise: ₹10,00,000.
const MOST: i64 = 100_000_000;
