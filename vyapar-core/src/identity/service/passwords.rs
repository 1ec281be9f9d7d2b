//! Signing in with a password, and changing it.

use serde_json::json;

use super::{IdentityService, ROUNDS, entry};
use crate::access::policy;
use crate::actor::Actor;
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::identity::{IdentityError, Login, LoginAttempts, Password, PasswordHash, SignedIn, User};
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;

impl IdentityService {
    /// Signs in with an e-mail address or a phone, and a password.
    ///
    /// An unknown account answers as a wrong password does, takes as long, and is locked after
    /// as many tries. `device` is what the app calls itself.
    ///
    /// # Errors
    /// [`IdentityError::WrongCredentials`], [`IdentityError::Locked`];
    /// [`IdentityError::Deactivated`] only with the right password; a password that cannot be;
    /// storage.
    pub async fn sign_in(
        &self,
        actor: &Actor,
        login: &Login,
        password: &str,
        device: Option<&str>,
    ) -> Result<SignedIn, IdentityError> {
        self.check(actor, &policy::IDENTITY_SIGN_IN, "sign in")?;
        let password = Password::offered(password)?;
        let counted = self.count_attempt(login).await?;
        let user = self.find_user(login).await?;
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        let right = self.compare(&counted, password, hash).await?;
        let Some(user) = user.filter(|_| right) else {
            self.note_failure(actor, login).await?;
            return Err(IdentityError::WrongCredentials);
        };
        self.clear_attempts(counted).await?;
        self.start_session(actor, &user, device, "user.sign_in").await
    }

    /// Sets another password, and ends every session: also the one that asks.
    ///
    /// # Errors
    /// [`IdentityError::WrongCredentials`] for a wrong old one (none is asked of an account
    /// without a password), [`IdentityError::Locked`]; a password that cannot be; storage.
    pub async fn change_password(&self, actor: &Actor, old: &str, new: &str) -> Result<(), IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_CHANGE_PASSWORD)?;
        let user = self.user(id).await?;
        if let Some(hash) = &user.password_hash {
            let old = Password::offered(old)?;
            let key = self.context.env.mac("login_attempts.user", &[id.as_uuid().as_bytes()]);
            let counted = self.count_key(key).await?;
            if !self.compare(&counted, old, Some(hash.clone())).await? {
                return Err(IdentityError::WrongCredentials);
            }
            self.clear_attempts(counted).await?;
        }
        let hash = self.hash(new).await?;
        let env = &self.context.env;
        let known = user.password_hash;
        self.update(
            id,
            |_, _, now| Some(entry(id, "user.change_password", None, None).by(actor, env, now)),
            |user, _| {
                // Another change came first: what was compared is no longer the password.
                if user.password_hash != known {
                    return Err(IdentityError::Concurrent);
                }
                Ok(Some(with_password(user, hash.clone())))
            },
        )
        .await
        .map(drop)
    }

    /// Counts a try before anything is compared.
    async fn count_attempt(&self, login: &Login) -> Result<Counted, IdentityError> {
        let env = &self.context.env;
        // The key does not rotate: a lock must not end because keys do.
        let key = match login {
            Login::Email(email) => env.mac("login_attempts.email", &[email.key().as_bytes()]),
            Login::Phone(phone) => env.mac("login_attempts.phone", &[phone.as_str().as_bytes()]),
        };
        // (The tries that led to a lock left their entries; more would only fill the log.)
        self.count_key(key).await
    }

    async fn count_key(&self, key: crate::secret::Blind) -> Result<Counted, IdentityError> {
        let attempts = &self.context.ports.identity.attempts;
        for _ in 0..ROUNDS {
            let now = self.context.env.now();
            let before = attempts.get(key).await?.unwrap_or_else(|| LoginAttempts::none(key, now));
            let mut next = before.clone();
            next.count(now).map_err(IdentityError::Locked)?;
            match attempts.save(next.clone(), before.version).await? {
                UpdateOutcome::Updated => return Ok(Counted { before, now: next }),
                UpdateOutcome::Stale => {}
            }
        }
        // So many at once are no person's.
        Err(RepositoryError::new(RepositoryErrorKind::Busy, "sign-ins at once").into())
    }

    /// Compares a password. A try that could not be compared is taken back.
    async fn compare(
        &self,
        counted: &Counted,
        password: Password,
        hash: Option<PasswordHash>,
    ) -> Result<bool, IdentityError> {
        let compared = self.context.passwords.verify(password, hash).await;
        if compared.is_err() {
            let back = LoginAttempts { version: counted.now.version + 1, ..counted.before.clone() };
            self.context.ports.identity.attempts.save(back, counted.now.version).await?;
        }
        Ok(compared?)
    }

    /// Takes a counted try back, unless others were counted since: those clear it themselves.
    async fn clear_attempts(&self, counted: Counted) -> Result<(), IdentityError> {
        let expected = counted.now.version;
        let mut next = counted.now;
        next.clear(self.context.env.now());
        self.context.ports.identity.attempts.save(next, expected).await?;
        Ok(())
    }

    /// Leaves the entry of a sign-in that failed. It names the account only by its keyed hash,
    /// whether there is one or not.
    async fn note_failure(&self, actor: &Actor, login: &Login) -> Result<(), IdentityError> {
        let env = &self.context.env;
        let audit = AuditDraft {
            store_id: None,
            action: "user.sign_in_failed",
            entity_type: "login",
            entity_id: env.mac("audit.login", &[login.as_str().to_lowercase().as_bytes()]).to_uuid().to_string(),
            old_values: None,
            new_values: Some(json!({ "by": login.kind() })),
        }
        .by(actor, env, env.now());
        Ok(self.context.ports.identity.audit.append(audit).await?)
    }
}

/// A try that was counted.
struct Counted {
    before: LoginAttempts,
    now: LoginAttempts,
}

/// The account with another password, and without its sessions.
pub(super) fn with_password(user: &User, hash: PasswordHash) -> User {
    User { password_hash: Some(hash), session_epoch: user.session_epoch + 1, ..user.clone() }
}
