//! Reading accounts, changing profiles, verifying e-mail addresses.

use chrono::TimeDelta;
use serde_json::json;

use super::{IdentityService, MAX_NAME, entry, place};
use crate::access::policy;
use crate::actor::Actor;
use crate::contact::PersonalText;
use crate::id::UserId;
use crate::identity::{
    EmailLink, IdentityError, LinkToSend, Login, ProfileChange, User, UserFilter, UserProfile, token,
};
use crate::page::{Page, PageRequest};

/// How long an e-mail link counts.
const LINK_VALID: TimeDelta = TimeDelta::hours(24);
/// What e-mail links are hashed under.
const LINKS: &str = "users.email_link";

impl IdentityService {
    /// An account, for its user and for those who may see users.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`]; storage.
    pub async fn profile(&self, actor: &Actor, user: UserId) -> Result<UserProfile, IdentityError> {
        self.check_user(actor, &policy::IDENTITY_PROFILE, user)?;
        self.open(&self.user(user).await?)
    }

    /// The account that has this address or number.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`]; storage.
    pub async fn find(&self, actor: &Actor, login: &Login) -> Result<Option<UserProfile>, IdentityError> {
        self.check(actor, &policy::IDENTITY_FIND, "look for users")?;
        self.find_user(login).await?.map(|user| self.open(&user)).transpose()
    }

    /// Accounts that match, by id.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`]; storage; a cursor of another list.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: UserFilter,
        page: PageRequest,
    ) -> Result<Page<UserProfile>, IdentityError> {
        self.check(actor, &policy::IDENTITY_LIST, "see users")?;
        let Page { items, next } = self.context.ports.identity.users.list(filter, page).await?;
        let items = items.iter().map(|user| self.open(user)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// Changes a name or an e-mail address; another address is to be verified anew.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`], [`IdentityError::NotAbove`], [`IdentityError::Taken`]; storage.
    pub async fn update_profile(
        &self,
        actor: &Actor,
        user: UserId,
        change: ProfileChange,
    ) -> Result<UserProfile, IdentityError> {
        self.check_user(actor, &policy::IDENTITY_UPDATE_PROFILE, user)?;
        self.check_above(actor, user).await?;
        let env = &self.context.env;
        let full_name = match &change.full_name {
            Some(name) => {
                let name = PersonalText::parse("full_name", name.as_str(), MAX_NAME)?;
                Some(env.seal(&place(user, "full_name"), name.as_str())?)
            }
            None => None,
        };
        let email = change.email.map(|email| self.contact(user, &Login::Email(email))).transpose()?;
        let what = json!({ "full_name": full_name.is_some(), "email": email.is_some() });
        let updated = self
            .update(
                user,
                |_, _, now| Some(entry(user, "user.update_profile", None, Some(what.clone())).by(actor, env, now)),
                |known, _| {
                    let mut next = known.clone();
                    if let Some(name) = &full_name {
                        next.full_name = Some(name.clone());
                    }
                    let same = |own: &crate::identity::SealedContact| {
                        email.as_ref().is_some_and(|email| own.lookups.iter().any(|l| email.lookups.contains(l)))
                    };
                    if let Some(email) = &email
                        && !known.email.as_ref().is_some_and(same)
                    {
                        next.email = Some(email.clone());
                        next.email_verified = false;
                        next.email_link = None;
                    }
                    Ok((next != *known).then_some(next))
                },
            )
            .await?;
        self.open(&updated)
    }

    /// A link that verifies the caller's e-mail address: for 24 hours, once, and only the newest
    /// one. The host sends it there.
    ///
    /// # Errors
    /// [`IdentityError::NoContact`] for an account without an address; storage.
    pub async fn email_link(&self, actor: &Actor) -> Result<LinkToSend, IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_EMAIL_LINK)?;
        let env = &self.context.env;
        let (token, token_hash) = token::mint(env, LINKS, id.as_uuid());
        let user = self
            .update(
                id,
                |_, _, now| Some(entry(id, "user.email_link", None, None).by(actor, env, now)),
                |user, now| {
                    if user.email.is_none() {
                        return Err(IdentityError::NoContact);
                    }
                    let email_link = Some(EmailLink { token_hash, expires_at: now + LINK_VALID });
                    Ok(Some(User { email_link, ..user.clone() }))
                },
            )
            .await?;
        let to = self.open(&user)?.email.ok_or(IdentityError::NoContact)?;
        Ok(LinkToSend { to, token })
    }

    /// Verifies an e-mail address by the link that was sent to it, signed in or not.
    ///
    /// # Errors
    /// [`IdentityError::BadToken`] for a link that is malformed, unknown, expired, used, or not
    /// the newest; storage.
    pub async fn verify_email(&self, actor: &Actor, link: &str) -> Result<UserId, IdentityError> {
        self.check(actor, &policy::IDENTITY_VERIFY_EMAIL, "verify an e-mail address")?;
        let env = &self.context.env;
        let (id, hash) = token::read(env, LINKS, link).ok_or(IdentityError::BadToken)?;
        let id = UserId::from_uuid(id);
        let verified = self.update(
            id,
            |_, _, now| {
                let mut audit = entry(id, "user.verify_email", None, None).by(actor, env, now);
                audit.user_id = audit.user_id.or(Some(id));
                Some(audit)
            },
            |user, now| {
                let link = user.email_link.as_ref();
                let counts = link.is_some_and(|link| token::same(&link.token_hash, &hash) && now < link.expires_at);
                if !counts || !user.is_active {
                    return Err(IdentityError::BadToken);
                }
                Ok(Some(User { email_verified: true, email_link: None, ..user.clone() }))
            },
        );
        match verified.await {
            Ok(_) => Ok(id),
            Err(IdentityError::NotFound(_)) => Err(IdentityError::BadToken),
            Err(error) => Err(error),
        }
    }

    /// Whoever changes another account must stand above it: above what it had, where it is closed.
    pub(super) async fn check_above(&self, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
        if actor.user() == Some(user) || actor.is_unbound() {
            return Ok(());
        }
        let now = self.context.env.now();
        let theirs = crate::access::load::effective_if_active(&self.context, user).await?.level(now);
        let own = actor.access().level(now);
        let above = theirs.is_none_or(|theirs| own.is_some_and(|own| own.outranks(theirs)));
        if above { Ok(()) } else { Err(IdentityError::NotAbove) }
    }
}
