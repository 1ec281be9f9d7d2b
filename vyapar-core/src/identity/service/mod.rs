//! Use cases of accounts: signing up here; `passwords`, `codes` and `sessions` sign in;
//! `profile` reads and changes; `ending` deactivates and erases.

mod codes;
mod ending;
mod passwords;
mod profile;
mod sessions;

use std::sync::Arc;

use serde_json::json;

use super::{
    AccountKind, ContactKind, IdentityError, Login, NewUser, Password, PasswordHash, SealedContact, User, UserProfile,
};
use crate::access::policy::{self, Rule};
use crate::actor::{Actor, Subject};
use crate::contact::PersonalText;
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::UserId;
use crate::secret::Sealed;
use crate::store::{StaffService, UpdateOutcome};
use crate::system::{AuditDraft, AuditEntry};
use crate::time::Timestamp;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 8;
/// Most characters of a name.
const MAX_NAME: usize = 120;

/// Signing up and in, sessions, profiles.
///
/// An account gives no rights: see [`access`](crate::access) and
/// [`StaffService`](crate::store::StaffService).
#[derive(Clone)]
pub struct IdentityService {
    context: Arc<Context>,
    staff: StaffService,
}

impl IdentityService {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { staff: StaffService::new(Arc::clone(&context)), context }
    }

    /// Signs somebody up as a customer or a store owner. Neither his phone nor his address is
    /// verified by that.
    ///
    /// # Errors
    /// [`IdentityError::Taken`] (which tells that an account has it: who must not learn that
    /// signs up with [`sign_in_with_code`](Self::sign_in_with_code)),
    /// [`IdentityError::NoContact`]; a password that cannot be; storage.
    pub async fn register(&self, actor: &Actor, new: NewUser) -> Result<UserProfile, IdentityError> {
        self.check(actor, &policy::IDENTITY_REGISTER, "sign up")?;
        if new.kind == AccountKind::Admin {
            return Err(IdentityError::Forbidden("sign up for the platform"));
        }
        let user = self.add(actor, new, "user.register", false).await?;
        self.open(&user)
    }

    /// Makes an account for somebody, of any kind.
    ///
    /// # Errors
    /// As [`register`](Self::register); [`IdentityError::Forbidden`].
    pub async fn create(&self, actor: &Actor, new: NewUser) -> Result<UserProfile, IdentityError> {
        self.check(actor, &policy::IDENTITY_CREATE, "make accounts")?;
        let user = self.add(actor, new, "user.create", false).await?;
        self.open(&user)
    }

    async fn add(
        &self,
        actor: &Actor,
        new: NewUser,
        action: &'static str,
        phone_verified: bool,
    ) -> Result<User, IdentityError> {
        let NewUser { full_name, email, phone, password, kind } = new;
        if email.is_none() && phone.is_none() {
            return Err(IdentityError::NoContact);
        }
        let full_name = PersonalText::parse("full_name", full_name.as_str(), MAX_NAME)?;
        let password_hash = match password {
            Some(text) => Some(self.context.passwords.hash(Password::new(&text)?).await?),
            None => None,
        };
        let env = &self.context.env;
        let (id, now) = (UserId::from_uuid(env.uuid()), env.now());
        let user = User {
            id,
            email: email.map(|email| self.contact(id, &Login::Email(email))).transpose()?,
            phone: phone.map(|phone| self.contact(id, &Login::Phone(phone))).transpose()?,
            password_hash,
            full_name: Some(env.seal(&place(id, "full_name"), full_name.as_str())?),
            kind,
            email_verified: false,
            phone_verified,
            email_link: None,
            is_active: true,
            erased_at: None,
            session_epoch: 1,
            last_login: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut audit = entry(id, action, None, Some(json!({ "role": kind }))).by(actor, env, now);
        audit.user_id = audit.user_id.or(Some(id));
        self.context.ports.identity.users.insert(user.clone(), audit).await.map_err(taken)?;
        if kind == AccountKind::Customer {
            self.context.meet_user(actor, id).await;
        }
        Ok(user)
    }

    /// A contact, sealed for the account and with its look-ups under every index key in use.
    fn contact(&self, id: UserId, login: &Login) -> Result<SealedContact, IdentityError> {
        let env = &self.context.env;
        let sealed = env.seal(&place(id, login.kind().as_str()), login.as_str())?;
        Ok(SealedContact { sealed, lookups: login.lookups(env) })
    }

    async fn find_user(&self, login: &Login) -> Result<Option<User>, IdentityError> {
        let lookups = login.lookups(&self.context.env);
        Ok(self.context.ports.identity.users.find(login.kind(), &lookups).await?)
    }

    async fn user(&self, id: UserId) -> Result<User, IdentityError> {
        self.context.ports.identity.users.get(id).await?.ok_or(IdentityError::NotFound(id))
    }

    /// Changes an account by compare-and-set, deciding anew as often as another writer was
    /// faster. `change` answers the new state, or `None` where nothing is to be done.
    async fn update(
        &self,
        id: UserId,
        audit: impl Fn(&User, &User, Timestamp) -> Option<AuditEntry>,
        change: impl Fn(&User, Timestamp) -> Result<Option<User>, IdentityError>,
    ) -> Result<User, IdentityError> {
        for _ in 0..ROUNDS {
            let user = self.user(id).await?;
            if user.erased_at.is_some() {
                // Whatever was on its way: nothing is written to it any more.
                return Err(IdentityError::NotFound(id));
            }
            let now = self.context.env.now();
            let Some(next) = change(&user, now)? else { return Ok(user) };
            let next = User { version: user.version + 1, updated_at: now, ..next };
            let entry = audit(&user, &next, now);
            match self.context.ports.identity.users.update(next.clone(), user.version, entry).await.map_err(taken)? {
                UpdateOutcome::Updated => return Ok(next),
                UpdateOutcome::Stale => {}
            }
        }
        Err(IdentityError::Concurrent)
    }

    /// The account, opened.
    fn open(&self, user: &User) -> Result<UserProfile, IdentityError> {
        let env = &self.context.env;
        let open = |column: &str, sealed: &Sealed| env.open(&place(user.id, column), sealed);
        let contact = |kind: ContactKind| {
            let found = user.contact(kind);
            found.map(|contact| open(kind.as_str(), &contact.sealed)).transpose()
        };
        let full_name = user.full_name.as_ref().map(|sealed| open("full_name", sealed)).transpose()?;
        let parsed = |column, failed| corrupt(user.id, column, failed);
        Ok(UserProfile {
            id: user.id,
            full_name: full_name
                .map(|text| PersonalText::parse("full_name", &text, usize::MAX))
                .transpose()
                .map_err(|error| parsed("full_name", error))?,
            email: contact(ContactKind::Email)?
                .map(|text| text.parse())
                .transpose()
                .map_err(|error| parsed("email", error))?,
            phone: contact(ContactKind::Phone)?
                .map(|text| text.parse())
                .transpose()
                .map_err(|error| parsed("phone", error))?,
            kind: user.kind,
            email_verified: user.email_verified,
            phone_verified: user.phone_verified,
            has_password: user.password_hash.is_some(),
            is_active: user.is_active,
            last_login: user.last_login,
            created_at: user.created_at,
        })
    }

    async fn hash(&self, text: &str) -> Result<PasswordHash, IdentityError> {
        Ok(self.context.passwords.hash(Password::new(text)?).await?)
    }

    fn check(&self, actor: &Actor, rule: &Rule, what: &'static str) -> Result<(), IdentityError> {
        if self.context.allows(actor, rule) { Ok(()) } else { Err(IdentityError::Forbidden(what)) }
    }

    /// For methods on one user: for others he is not there.
    fn check_user(&self, actor: &Actor, rule: &Rule, user: UserId) -> Result<(), IdentityError> {
        let decision = self.context.decide(actor, rule, Subject::user(user));
        if decision.is_allowed() { Ok(()) } else { Err(IdentityError::NotFound(user)) }
    }

    /// Who calls, where an account is needed.
    fn caller(&self, actor: &Actor, rule: &Rule) -> Result<UserId, IdentityError> {
        self.check(actor, rule, "do this without an account")?;
        actor.user().ok_or(IdentityError::Forbidden("do this without an account"))
    }
}

/// Where a user's sealed text belongs.
fn place(id: UserId, column: &str) -> String {
    format!("users.{column}:{id}")
}

fn entry(
    id: UserId,
    action: &'static str,
    old_values: Option<serde_json::Value>,
    new_values: Option<serde_json::Value>,
) -> AuditDraft {
    AuditDraft { store_id: None, action, entity_type: "user", entity_id: id.to_string(), old_values, new_values }
}

fn taken(error: RepositoryError) -> IdentityError {
    match error.kind() {
        RepositoryErrorKind::AlreadyExists { constraint: "users.email" } => IdentityError::Taken(ContactKind::Email),
        RepositoryErrorKind::AlreadyExists { constraint: "users.phone" } => IdentityError::Taken(ContactKind::Phone),
        _ => error.into(),
    }
}

fn corrupt(id: UserId, column: &str, error: crate::contact::ContactError) -> IdentityError {
    let context = format!("users.{column} of row {id}");
    RepositoryError::new(RepositoryErrorKind::Corrupt, context).with_source(error).into()
}
