//! One-time codes: asking for them, and what a right one does.

use std::borrow::Cow;

use serde_json::json;
use uuid::Uuid;

use super::passwords::with_password;
use super::{IdentityService, ROUNDS, entry};
use crate::access::policy;
use crate::actor::Actor;
use crate::contact::{PersonalText, Phone};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::OtpId;
use crate::identity::otp::CODE_VALID;
use crate::identity::{
    AccountKind, IdentityError, Login, NewUser, Otp, OtpBook, OtpLimit, OtpPurpose, SignedIn, User, token,
};
use crate::secret::Blind;
use crate::store::UpdateOutcome;
use crate::system::AuditDraft;

/// How many codes there are: six digits.
const CODES: u32 = 1_000_000;

impl IdentityService {
    /// Sends a code to a mobile, whether an account has it or not: the answer tells nobody.
    ///
    /// # Errors
    /// [`IdentityError::CodeSentLately`], [`IdentityError::NotAMobile`],
    /// [`IdentityError::NoSender`], [`IdentityError::Send`]; storage.
    pub async fn request_code(&self, actor: &Actor, phone: &Phone, purpose: OtpPurpose) -> Result<(), IdentityError> {
        self.check(actor, &policy::IDENTITY_REQUEST_CODE, "ask for a code")?;
        let sender = self.context.otp_sender.as_ref().ok_or(IdentityError::NoSender)?;
        if !phone.is_mobile() {
            return Err(IdentityError::NotAMobile);
        }
        let env = &self.context.env;
        let code = self.random_code();
        let id = OtpId::from_uuid(env.uuid());
        for _ in 0..ROUNDS {
            let now = env.now();
            let mut book = self.book(phone).await?;
            let expected = book.version;
            let otp = Otp {
                id,
                phone: env.seal(&format!("otp_verifications.phone:{id}"), phone.as_str())?,
                code_hash: self.code_hash(id, &code),
                purpose,
                attempts: 0,
                expires_at: now + CODE_VALID,
                verified: false,
                created_at: now,
            };
            book.send(otp, now).map_err(limited)?;
            let audit = self.phone_entry(phone, "otp.request", purpose).by(actor, env, now);
            match self.context.ports.identity.otps.save(book, expected, Some(audit)).await? {
                UpdateOutcome::Updated => return Ok(sender.send(phone, &code, purpose).await?),
                UpdateOutcome::Stale => {}
            }
        }
        Err(RepositoryError::new(RepositoryErrorKind::Busy, "codes asked for at once").into())
    }

    /// Signs in with a code sent for [`OtpPurpose::Login`]. With a name, who has no account gets
    /// one, as a customer with a verified phone.
    ///
    /// A number is whose who proves it. An account that held it unproven is claimed: its password,
    /// sessions and unverified address no longer count. But where that account's address is
    /// verified it is somebody else's, who typed this number: it only loses the number.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`], [`IdentityError::Locked`], [`IdentityError::NoAccount`]
    /// without a name (the code is used up by then), [`IdentityError::Deactivated`]; storage.
    pub async fn sign_in_with_code(
        &self,
        actor: &Actor,
        phone: &Phone,
        code: &str,
        new_account: Option<&PersonalText>,
        device: Option<&str>,
    ) -> Result<SignedIn, IdentityError> {
        self.check(actor, &policy::IDENTITY_SIGN_IN_WITH_CODE, "sign in")?;
        self.use_code(actor, phone, code, OtpPurpose::Login).await?;
        if let Some(user) = self.claimed(actor, phone).await? {
            return self.start_session(actor, &user, device, "user.sign_in").await;
        }
        let full_name = new_account.ok_or(IdentityError::NoAccount)?.clone();
        let kind = AccountKind::Customer;
        let new = NewUser { full_name, email: None, phone: Some(phone.clone()), password: None, kind };
        let (user, is_new) = match self.add(actor, new, "user.register", true).await {
            // Somebody else was faster by a moment.
            Err(IdentityError::Taken(_)) => {
                (self.claimed(actor, phone).await?.ok_or(IdentityError::Concurrent)?, false)
            }
            user => (user?, true),
        };
        let signed_in = self.start_session(actor, &user, device, "user.sign_in").await?;
        Ok(SignedIn { is_new, ..signed_in })
    }

    /// Sets another password by a code sent for [`OtpPurpose::PasswordReset`], and ends every
    /// session of the account.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`], [`IdentityError::Locked`], [`IdentityError::NoAccount`];
    /// a password that cannot be, before the code is used; storage.
    pub async fn reset_password(
        &self,
        actor: &Actor,
        phone: &Phone,
        code: &str,
        password: &str,
    ) -> Result<(), IdentityError> {
        self.check(actor, &policy::IDENTITY_RESET_PASSWORD, "reset a password")?;
        crate::identity::Password::new(password)?;
        self.use_code(actor, phone, code, OtpPurpose::PasswordReset).await?;
        let user = self.claimed(actor, phone).await?.ok_or(IdentityError::NoAccount)?;
        let hash = self.hash(password).await?;
        let env = &self.context.env;
        self.update(
            user.id,
            |user, _, now| {
                let mut audit = entry(user.id, "user.reset_password", None, None).by(actor, env, now);
                audit.user_id = audit.user_id.or(Some(user.id));
                Some(audit)
            },
            |user, _| Ok(Some(User { phone_verified: true, ..with_password(user, hash.clone()) })),
        )
        .await
        .map(drop)
    }

    /// Proves that a number is the caller's by a code sent for [`OtpPurpose::Verification`]: his
    /// own is verified by it, another one takes its place. An account that held it unproven loses
    /// it.
    ///
    /// # Errors
    /// [`IdentityError::WrongCode`], [`IdentityError::Locked`], [`IdentityError::Taken`]; storage.
    pub async fn verify_phone(&self, actor: &Actor, phone: &Phone, code: &str) -> Result<(), IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_VERIFY_PHONE)?;
        self.use_code(actor, phone, code, OtpPurpose::Verification).await?;
        let (env, login) = (&self.context.env, Login::Phone(phone.clone()));
        let contact = self.contact(id, &login)?;
        if let Some(other) = self.find_user(&login).await?.filter(|other| other.id != id && !other.phone_verified) {
            self.release(actor, &other).await?;
        }
        self.update(
            id,
            |_, _, now| Some(entry(id, "user.verify_phone", None, None).by(actor, env, now)),
            |user, _| {
                let own = user.phone.as_ref().filter(|own| own.lookups.iter().any(|l| contact.lookups.contains(l)));
                let phone = Some(own.unwrap_or(&contact).clone());
                Ok(Some(User { phone, phone_verified: true, ..user.clone() }))
            },
        )
        .await
        .map(drop)
    }

    /// Tries a code: counted first, compared then, used up when right, all in one write.
    async fn use_code(
        &self,
        actor: &Actor,
        phone: &Phone,
        code: &str,
        purpose: OtpPurpose,
    ) -> Result<(), IdentityError> {
        let env = &self.context.env;
        let code = digits(code);
        for _ in 0..ROUNDS {
            let now = env.now();
            let mut book = self.book(phone).await?;
            let expected = book.version;
            let tried = book.attempt(purpose, now, |otp| token::same(&self.code_hash(otp.id, &code), &otp.code_hash));
            // (The tries that led here left their entries; more would only fill the log.)
            let right = tried.map_err(limited)?;
            let action = if right { "otp.verify" } else { "otp.failed" };
            let audit = self.phone_entry(phone, action, purpose).by(actor, env, now);
            match self.context.ports.identity.otps.save(book, expected, Some(audit)).await? {
                UpdateOutcome::Updated if right => return Ok(()),
                UpdateOutcome::Updated => return Err(IdentityError::WrongCode),
                UpdateOutcome::Stale => {}
            }
        }
        // So many at once are no person's.
        Err(RepositoryError::new(RepositoryErrorKind::Busy, "codes tried at once").into())
    }

    /// The account of a number that has just been proved, verified by that.
    async fn claimed(&self, actor: &Actor, phone: &Phone) -> Result<Option<User>, IdentityError> {
        let Some(user) = self.find_user(&Login::Phone(phone.clone())).await? else { return Ok(None) };
        if user.phone_verified {
            return Ok(Some(user));
        }
        if user.email_verified {
            self.release(actor, &user).await?;
            return Ok(None);
        }
        self.claim(actor, &user).await.map(Some)
    }

    /// Takes a number that was never proved from an account.
    async fn release(&self, actor: &Actor, user: &User) -> Result<(), IdentityError> {
        let env = &self.context.env;
        self.update(
            user.id,
            |user, _, now| Some(entry(user.id, "user.release_phone", None, None).by(actor, env, now)),
            |user, _| Ok((!user.phone_verified).then(|| User { phone: None, ..user.clone() })),
        )
        .await
        .map(drop)
    }

    /// The account with its number verified. Whoever held it before without having proved that
    /// the number is his, holds it no longer.
    async fn claim(&self, actor: &Actor, user: &User) -> Result<User, IdentityError> {
        let env = &self.context.env;
        self.update(
            user.id,
            |user, _, now| {
                let mut audit = entry(user.id, "user.verify_phone", None, None).by(actor, env, now);
                audit.user_id = audit.user_id.or(Some(user.id));
                Some(audit)
            },
            |user, _| {
                let next = User {
                    phone_verified: true,
                    password_hash: None,
                    email: user.email.clone().filter(|_| user.email_verified),
                    email_link: None,
                    session_epoch: user.session_epoch + 1,
                    ..user.clone()
                };
                Ok((!user.phone_verified).then_some(next))
            },
        )
        .await
    }

    /// What is known of the phone, under whichever index key it was written.
    async fn book(&self, phone: &Phone) -> Result<OtpBook, IdentityError> {
        let env = &self.context.env;
        let keys = env.blind("otp_verifications.phone", &[phone.as_str().as_bytes()]);
        for key in &keys {
            if let Some(book) = self.context.ports.identity.otps.get(*key).await? {
                return Ok(book);
            }
        }
        let key = keys.first().copied().unwrap_or(Blind::from_bytes([0; 32]));
        Ok(OtpBook::empty(key, env.now()))
    }

    fn code_hash(&self, id: OtpId, code: &str) -> Blind {
        self.context.env.mac("otp_verifications.otp_code", &[id.as_uuid().as_bytes(), code.as_bytes()])
    }

    /// Six digits, each as likely as any other: what would favour some is drawn again.
    fn random_code(&self) -> String {
        let fair = u32::MAX - u32::MAX % CODES;
        loop {
            let drawn = u32::from_be_bytes(self.context.env.random());
            if drawn < fair {
                return format!("{:06}", drawn % CODES);
            }
        }
    }

    /// An entry about a phone's codes: it names the phone by its keyed hash.
    fn phone_entry(&self, phone: &Phone, action: &'static str, purpose: OtpPurpose) -> AuditDraft {
        let id: Uuid = self.context.env.mac("audit.login", &[phone.as_str().as_bytes()]).to_uuid();
        AuditDraft {
            store_id: None,
            action,
            entity_type: "login",
            entity_id: id.to_string(),
            old_values: None,
            new_values: Some(json!({ "purpose": purpose })),
        }
    }
}

/// A code as people type it: spaces and dashes between its digits are dropped.
fn digits(code: &str) -> Cow<'_, str> {
    if code.bytes().all(|b| b.is_ascii_digit()) {
        Cow::Borrowed(code)
    } else {
        Cow::Owned(code.chars().filter(|c| !(c.is_whitespace() || *c == '-')).take(16).collect())
    }
}

fn limited(limit: OtpLimit) -> IdentityError {
    match limit {
        OtpLimit::Send { at } => IdentityError::CodeSentLately(at),
        OtpLimit::Try { at } => IdentityError::Locked(at),
    }
}
