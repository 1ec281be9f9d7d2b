//! Registering a store.

use serde_json::json;

use super::{StoreService, place};
use crate::access::CapabilityChanges;
use crate::access::policy::{self, OPERATE};
use crate::actor::{Actor, StoreRole};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::{StoreId, StoreUserId};
use crate::secret::Sealed;
use crate::store::{
    NewStore, Rating, Slug, Store, StoreContact, StoreError, StoreProfile, StoreStatus, StoreUser, staff,
};
use crate::system::AuditDraft;
use crate::time::Timestamp;

/// How often a slug is made anew when it is taken.
const SLUGS: u32 = 10;
/// From which attempt on it ends in eight letters instead of four.
const SHORT_SLUGS: u32 = 5;

impl StoreService {
    /// Registers a store, pending verification, with its first owner: the user who registers it,
    /// or whom the platform registers it for. Any user may; the platform lets it in.
    ///
    /// Its coordinates, unless given, are asked of the geocoder; one that fails, or none, costs no
    /// store: it is asked again by [`geocode_pending`](Self::geocode_pending). Its readable name
    /// comes from its name, with its city or a few letters where others have it already.
    /// [`StoreProfile::warnings`] tells what to ask the owner about before.
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
        let profile = new.profile.normalised();
        profile.check()?;
        let owner = new.owner.or_else(|| actor.user().filter(|_| !actor.is_unbound()));
        if let Some(user) = new.owner {
            staff::check_user(&self.context, user).await?;
        }
        if let Some(user) = owner {
            staff::check_room(&self.context, user).await?;
        }
        let env = &self.context.env;
        let now = env.now();
        let id = StoreId::from_uuid(env.uuid());
        let (coordinates, geocoding) = self.context.locate_store(&profile, 0).await;
        let mut store = self.sealed(id, profile, &new.contact, now)?;
        (store.profile.coordinates, store.geocoding) = (coordinates, geocoding);
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
        for attempt in 0..SLUGS {
            store.slug = self.slug(&store.profile, attempt);
            match self.context.ports.store.stores.insert(store.clone(), owner.clone(), audit.clone()).await {
                Ok(()) => return Ok(store),
                Err(error) if is_taken(&error, "stores.store_id") => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Concurrent)
    }

    /// The store as it begins, with how to reach it sealed.
    fn sealed(
        &self,
        id: StoreId,
        profile: StoreProfile,
        contact: &StoreContact,
        now: Timestamp,
    ) -> Result<Store, StoreError> {
        let (owner_name, phone, email, whatsapp_number) = self.seal_contact(id, contact)?;
        Ok(Store {
            id,
            slug: self.slug(&profile, 0),
            profile,
            owner_name,
            phone,
            email,
            whatsapp_number,
            status: StoreStatus::PendingVerification,
            verified: false,
            rating: Rating::default(),
            total_orders: 0,
            geocoding: None,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Owner's name, phone, e-mail and WhatsApp number, each sealed for its column.
    pub(super) fn seal_contact(
        &self,
        id: StoreId,
        contact: &StoreContact,
    ) -> Result<(Sealed, Sealed, Option<Sealed>, Option<Sealed>), StoreError> {
        let seal = |column: &str, text: &str| self.context.env.seal(&place(id, column), text);
        let email = contact.email.as_ref().map(|email| seal("email", email.as_str())).transpose()?;
        let whatsapp = contact.whatsapp_number.as_ref().map(|number| seal("whatsapp_number", number.as_str()));
        let owner_name = seal("owner_name", contact.owner_name.as_str())?;
        Ok((owner_name, seal("phone", contact.phone.as_str())?, email, whatsapp.transpose()?))
    }

    /// The readable name to try: the store's name, then with its city, then with letters of chance.
    fn slug(&self, profile: &StoreProfile, attempt: u32) -> Slug {
        match attempt {
            0 => Slug::from_name(&profile.store_name, ""),
            1 => Slug::from_name(&profile.store_name, &profile.city),
            // Names in other scripts than the Latin leave nothing, so very many share what is left.
            _ => {
                let [.., a, b, c, d] = self.context.env.uuid().into_bytes();
                let few = format!("{a:02x}{b:02x}");
                let ending = if attempt < SHORT_SLUGS { few } else { format!("{few}{c:02x}{d:02x}") };
                Slug::from_name(&profile.store_name, &ending)
            }
        }
    }
}

fn is_taken(error: &RepositoryError, name: &str) -> bool {
    matches!(error.kind(), RepositoryErrorKind::AlreadyExists { constraint } if *constraint == name)
}
