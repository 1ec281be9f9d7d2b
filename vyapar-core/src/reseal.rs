//! Key rotation: sealing anew what an older key sealed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::access::policy;
use crate::actor::Actor;
use crate::error::RepositoryError;
use crate::identity::{ContactKind, SealedContact, User, UserFilter};
use crate::page::{AllStores, Cursor, Page, PageRequest};
use crate::secret::{SealedText, SealedTexts, SecretError};
use crate::store::UpdateOutcome;
use crate::vyapar::Context;

/// Why keys were not rotated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError {
    /// Only operators may.
    #[error("not allowed to rotate keys")]
    Forbidden,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
}

/// Which data a sweep works on at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    #[default]
    Lookups,
    Identity,
    Stores,
    Customers,
    Orders,
    Done,
}

/// Where a sweep goes on. The host keeps it between calls; it may be stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResealPosition {
    stage: Stage,
    cursor: Option<Cursor>,
}

/// What one call did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resealed {
    /// How many texts and blind indexes it looked at.
    pub seen: usize,
    /// How many of them it wrote anew.
    pub rewritten: usize,
    /// Texts that cannot be opened: under a key that is not in the ring, or changed. They stay as
    /// they are; keep the older keys until somebody has looked at them.
    pub unreadable: Vec<Unreadable>,
    /// Where to go on; `None` when all has been looked at.
    pub next: Option<ResealPosition>,
}

/// A text that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Which: `table.column:row`.
    pub context: String,
    /// Why.
    pub reason: SecretError,
}

/// Keys: sealing anew what an older one sealed.
#[derive(Clone)]
pub struct SecretService {
    context: Arc<Context>,
}

impl SecretService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// Works through at most about `limit` (1 to 200) stored texts from `position` on: what is
    /// under an older key is sealed under the current one, and blind indexes are made by the
    /// index keys now in use. Call it until there is no next position, and then again from the
    /// beginning until a whole pass rewrites nothing: a change of a row that was read before its
    /// text was sealed anew, and written after, brings the older text back. Then the older keys
    /// can be dropped. (When the *index* key is rotated: once with both keys in use everywhere,
    /// and once more without the older.) It may run on several nodes at once and beside all other
    /// work.
    ///
    /// # Errors
    /// [`ResealError::Forbidden`]; storage. A text that cannot be opened stops nothing.
    pub async fn reseal(&self, actor: &Actor, position: ResealPosition, limit: u32) -> Result<Resealed, ResealError> {
        if !self.context.allows(actor, &policy::SECRETS_RESEAL) {
            return Err(ResealError::Forbidden);
        }
        let ResealPosition { stage, cursor } = position;
        let page = PageRequest::first(limit);
        let page = match cursor {
            Some(cursor) => page.after(cursor),
            None => page,
        };
        let ports = &self.context.ports;
        let (part, after) = match stage {
            Stage::Lookups => (self.lookups(page).await?, Stage::Identity),
            Stage::Identity => (self.texts(&*ports.identity.sealed, page).await?, Stage::Stores),
            Stage::Stores => (self.texts(&*ports.store.sealed, page).await?, Stage::Customers),
            Stage::Customers => (self.texts(&*ports.customer.sealed, page).await?, Stage::Orders),
            Stage::Orders => (self.texts(&*ports.order.sealed, page).await?, Stage::Done),
            Stage::Done => return Ok(Resealed { seen: 0, rewritten: 0, unreadable: Vec::new(), next: None }),
        };
        let next = match (part.next, after) {
            (Some(cursor), _) => Some(ResealPosition { stage, cursor: Some(cursor) }),
            (None, Stage::Done) => None,
            (None, stage) => Some(ResealPosition { stage, cursor: None }),
        };
        Ok(Resealed { seen: part.seen, rewritten: part.rewritten, unreadable: part.unreadable, next })
    }

    async fn texts(&self, sealed: &dyn SealedTexts, page: PageRequest) -> Result<Part, ResealError> {
        let env = &self.context.env;
        let Page { items, next } = sealed.list(AllStores, page).await?;
        let mut part = Part { seen: items.len(), rewritten: 0, unreadable: Vec::new(), next };
        for text in items.into_iter().filter(|text| !env.is_current(&text.sealed)) {
            let SealedText { context, sealed: old, .. } = &text;
            let anew = match env.open(context, old).and_then(|plain| env.seal(context, &plain)) {
                Ok(anew) => anew,
                Err(reason) => {
                    part.unreadable.push(Unreadable { context: context.clone(), reason });
                    continue;
                }
            };
            // Where it was changed meanwhile, whoever changed it used the current key.
            part.rewritten += usize::from(sealed.replace(AllStores, text, anew).await?);
        }
        Ok(part)
    }

    /// Makes the blind indexes of accounts anew where they are not those of the keys in use.
    async fn lookups(&self, page: PageRequest) -> Result<Part, ResealError> {
        let users = &self.context.ports.identity.users;
        let Page { items, next } = users.list(UserFilter::default(), page).await?;
        let mut part = Part { seen: items.len(), rewritten: 0, unreadable: Vec::new(), next };
        for listed in items {
            for _ in 0..3 {
                // Lists may lag behind.
                let Some(user) = users.get(listed.id).await? else { break };
                let anew = match self.with_lookups(&user) {
                    Ok(Some(anew)) => anew,
                    Ok(None) => break,
                    Err(unreadable) => {
                        part.unreadable.push(unreadable);
                        break;
                    }
                };
                let anew = User { version: user.version + 1, ..anew };
                if users.update(anew, user.version, None).await? == UpdateOutcome::Updated {
                    part.rewritten += 1;
                    break;
                }
            }
        }
        Ok(part)
    }

    fn with_lookups(&self, user: &User) -> Result<Option<User>, Unreadable> {
        let env = &self.context.env;
        let anew = |kind: ContactKind| -> Result<Option<SealedContact>, Unreadable> {
            let Some(contact) = user.contact(kind) else { return Ok(None) };
            let context = format!("users.{kind}:{}", user.id);
            let plain = env.open(&context, &contact.sealed);
            let plain = plain.map_err(|reason| Unreadable { context: context.clone(), reason })?;
            let login: crate::identity::Login =
                plain.parse().map_err(|_| Unreadable { context, reason: SecretError::Malformed })?;
            Ok(Some(SealedContact { sealed: contact.sealed.clone(), lookups: login.lookups(env) }))
        };
        let next = User { email: anew(ContactKind::Email)?, phone: anew(ContactKind::Phone)?, ..user.clone() };
        Ok((next != *user).then_some(next))
    }
}

struct Part {
    seen: usize,
    rewritten: usize,
    unreadable: Vec<Unreadable>,
    next: Option<Cursor>,
}
