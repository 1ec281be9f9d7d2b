//! Sessions: beginning them, showing them, ending them.

use chrono::TimeDelta;
use serde_json::json;

use super::{IdentityService, entry};
use crate::access::policy;
use crate::actor::{Actor, RequestContext};
use crate::id::SessionId;
use crate::identity::{IdentityError, Session, SignedIn, StartOutcome, User, token};
use crate::page::{Page, PageRequest};
use crate::text::cleaned;

/// How long a session lasts (spec: session data, 30 days).
const SESSION_VALID: TimeDelta = TimeDelta::days(30);
/// How exactly `last_seen` is kept: a write for each request would cost more than it tells.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);
/// Most characters of a device's name; the rest is cut.
const MAX_DEVICE: usize = 200;
/// What sessions' tokens are hashed under.
const TOKENS: &str = "sessions.token";

impl IdentityService {
    /// Who shows this token: his account, his parts in stores, his permissions.
    ///
    /// It reads all of them as they stand, so what was revoked no longer counts. Call it for
    /// each request.
    ///
    /// # Errors
    /// [`IdentityError::BadToken`] for whatever does not count; storage.
    pub async fn authenticate(&self, token: &str, request: RequestContext) -> Result<Actor, IdentityError> {
        let env = &self.context.env;
        let ports = &self.context.ports.identity;
        let (id, hash) = token::read(env, TOKENS, token).ok_or(IdentityError::BadToken)?;
        let session = ports.sessions.get(SessionId::from_uuid(id)).await?.ok_or(IdentityError::BadToken)?;
        if !token::same(&session.token_hash, &hash) {
            return Err(IdentityError::BadToken);
        }
        let (user, actor) = futures_util::future::join(
            ports.users.get(session.user_id),
            crate::access::load::actor(&self.context, session.user_id),
        )
        .await;
        let now = env.now();
        let user = user?.filter(|user| user.is_active && session.is_open(user.session_epoch, now));
        if user.is_none() {
            return Err(IdentityError::BadToken);
        }
        if session.last_seen + SEEN_EVERY <= now
            && let Err(error) = ports.sessions.touch(session.id, now).await
        {
            // Nothing depends on it.
            tracing::warn!(session = %session.id, %error, "a session's last use was not noted");
        }
        Ok(actor?.in_session(session.id).via(request))
    }

    /// The caller's sessions that still count, newest first.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] without an account; storage.
    pub async fn sessions(&self, actor: &Actor, page: PageRequest) -> Result<Page<Session>, IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_SESSIONS)?;
        let (user, now) = (self.user(id).await?, self.context.env.now());
        let Page { items, next } = self.context.ports.identity.sessions.list_by_user(id, page).await?;
        let items = items.into_iter().filter(|session| session.is_open(user.session_epoch, now)).collect();
        Ok(Page { items, next })
    }

    /// Ends one of the caller's sessions, his present one for instance; says whether it was
    /// open until then.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] without an account; storage.
    pub async fn revoke_session(&self, actor: &Actor, session: SessionId) -> Result<bool, IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_REVOKE_SESSION)?;
        let (env, now) = (&self.context.env, self.context.env.now());
        let audit = entry(id, "session.revoke", None, Some(json!({ "session": session }))).by(actor, env, now);
        Ok(self.context.ports.identity.sessions.revoke(id, session, now, audit).await?)
    }

    /// Ends all of the caller's sessions at once, also the one that asks.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`] without an account; storage.
    pub async fn sign_out_everywhere(&self, actor: &Actor) -> Result<(), IdentityError> {
        let id = self.caller(actor, &policy::IDENTITY_SIGN_OUT_EVERYWHERE)?;
        self.update(
            id,
            |_, _, now| Some(entry(id, "session.revoke_all", None, None).by(actor, &self.context.env, now)),
            |user, _| Ok(Some(User { session_epoch: user.session_epoch + 1, ..user.clone() })),
        )
        .await
        .map(drop)
    }

    /// Begins a session for an account that proved who it is.
    pub(super) async fn start_session(
        &self,
        actor: &Actor,
        user: &User,
        device: Option<&str>,
        action: &'static str,
    ) -> Result<SignedIn, IdentityError> {
        let env = &self.context.env;
        let (id, now) = (SessionId::from_uuid(env.uuid()), env.now());
        let (token, token_hash) = token::mint(env, TOKENS, id.as_uuid());
        let session = Session {
            id,
            user_id: user.id,
            token_hash,
            epoch: user.session_epoch,
            device: device.map(|device| cleaned(device, MAX_DEVICE)),
            created_at: now,
            last_seen: now,
            expires_at: now + SESSION_VALID,
            revoked_at: None,
        };
        let mut audit = entry(user.id, action, None, Some(json!({ "session": id }))).by(actor, env, now);
        audit.user_id = Some(user.id);
        match self.context.ports.identity.sessions.start(session.clone(), audit).await? {
            StartOutcome::Started => Ok(SignedIn { token, session, is_new: false }),
            StartOutcome::Refused if !user.is_active => Err(IdentityError::Deactivated),
            StartOutcome::Refused => match self.user(user.id).await {
                Ok(user) if user.is_active => Err(IdentityError::Concurrent),
                _ => Err(IdentityError::Deactivated),
            },
        }
    }
}
