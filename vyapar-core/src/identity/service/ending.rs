//! Deactivating accounts, taking them back, erasing them; and sweeping what expired.

use chrono::TimeDelta;
use serde_json::json;

use super::{IdentityService, entry};
use crate::access::{load, policy};
use crate::actor::Actor;
use crate::customer::CustomerError;
use crate::id::{CustomerId, UserId};
use crate::identity::otp::CODE_KEPT;
use crate::identity::{FORGOTTEN_AFTER, IdentityError, User};

/// Most records of each kind one sweep removes.
const MOST_AT_ONCE: u32 = 10_000;

impl IdentityService {
    /// Deactivates an account (soft deletion): its sessions are over, its permissions count for
    /// nothing, its parts in stores end. It keeps its phone and address. Repeating it finishes
    /// what a crash left half done.
    ///
    /// # Errors
    /// [`IdentityError::LastSuperAdmin`]; [`IdentityError::Store`] where a store would have no
    /// owner left; [`IdentityError::NotFound`], [`IdentityError::NotAbove`]; storage.
    pub async fn deactivate(&self, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
        self.check_user(actor, &policy::IDENTITY_DEACTIVATE, user)?;
        self.end_account(actor, user).await
    }

    /// Lets a deactivated account sign in again, with the permissions it had. Its parts in
    /// stores are for the stores to give back.
    ///
    /// # Errors
    /// [`IdentityError::NotFound`] (also of an erased account), [`IdentityError::NotAbove`],
    /// [`IdentityError::Forbidden`]; [`IdentityError::Concurrent`] where it is closed again
    /// meanwhile; storage.
    pub async fn reactivate(&self, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
        self.check(actor, &policy::IDENTITY_REACTIVATE, "reactivate accounts")?;
        self.check_above(actor, user).await?;
        let env = &self.context.env;
        self.update(
            user,
            |_, _, now| Some(entry(user, "user.reactivate", None, None).by(actor, env, now)),
            |known, _| Ok((!known.is_active).then(|| User { is_active: true, ..known.clone() })),
        )
        .await?;
        load::resume(&self.context, actor, user).await?;
        if !self.user(user).await?.is_active {
            load::suspend(&self.context, actor, user).await?;
            return Err(IdentityError::Concurrent);
        }
        Ok(())
    }

    /// Removes an account's personal data for good, and deactivates it: name, phone, e-mail,
    /// password, and of its customer profile the addresses and preferred stores. The id stays, in
    /// orders and in the audit log. Repeating it finishes what a crash left half done.
    ///
    /// # Errors
    /// As [`deactivate`](Self::deactivate).
    pub async fn erase(&self, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
        self.check_user(actor, &policy::IDENTITY_ERASE, user)?;
        self.end_account(actor, user).await?;
        let env = &self.context.env;
        let erased = self.update(
            user,
            |_, _, now| Some(entry(user, "user.erase", None, None).by(actor, env, now)),
            |known, now| {
                Ok(Some(User {
                    email: None,
                    phone: None,
                    password_hash: None,
                    full_name: None,
                    email_verified: false,
                    phone_verified: false,
                    email_link: None,
                    is_active: false,
                    session_epoch: known.session_epoch + 1,
                    erased_at: Some(now),
                    ..known.clone()
                }))
            },
        );
        match erased.await {
            // It is erased already, by whomever.
            Ok(_) | Err(IdentityError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
        // Whoever took it back in between finds it closed, and what he gave back is taken again.
        load::suspend(&self.context, actor, user).await?;
        self.staff.end_all(actor, user).await?;
        self.context.erase_customer(actor, CustomerId::of(user)).await.map_err(|error| match error {
            CustomerError::Storage(error) => IdentityError::Storage(error),
            CustomerError::Secret(error) => IdentityError::Secret(error),
            _ => IdentityError::Concurrent,
        })
    }

    /// Removes at most `limit` (1 to 10,000) of each: codes older than 24 hours, forgotten
    /// failures, sessions that ended; says how many in all. The host calls it now and then;
    /// nothing depends on it.
    ///
    /// # Errors
    /// [`IdentityError::Forbidden`]; storage.
    pub async fn sweep(&self, actor: &Actor, limit: u32) -> Result<u32, IdentityError> {
        self.check(actor, &policy::IDENTITY_SWEEP, "sweep")?;
        let (ports, now) = (&self.context.ports.identity, self.context.env.now());
        let limit = limit.clamp(1, MOST_AT_ONCE);
        let mut removed = ports.otps.sweep(now - CODE_KEPT, limit).await?;
        removed += ports.attempts.sweep(now - FORGOTTEN_AFTER, limit).await?;
        // Sessions are kept a while for who asks where he was signed in.
        removed += ports.sessions.sweep(now - TimeDelta::days(1), limit).await?;
        Ok(removed)
    }

    async fn end_account(&self, actor: &Actor, user: UserId) -> Result<(), IdentityError> {
        let known = self.user(user).await?;
        self.check_above(actor, user).await?;
        if known.erased_at.is_some() {
            return Ok(());
        }
        // First what can be refused, so that a refusal leaves all as it was. Permissions count for
        // nothing from here on, also if a crash comes before the account is closed.
        let ended = self.staff.end_all(actor, user).await?;
        if let Err(refused) = load::suspend(&self.context, actor, user).await {
            self.staff.restore(actor, &ended).await?;
            return Err(refused);
        }
        let env = &self.context.env;
        let stores = json!({ "stores": ended.iter().map(|row| row.store_id).collect::<Vec<_>>() });
        self.update(
            user,
            |_, _, now| Some(entry(user, "user.deactivate", None, Some(stores.clone())).by(actor, env, now)),
            |known, _| {
                let next = User { is_active: false, session_epoch: known.session_epoch + 1, ..known.clone() };
                Ok(known.is_active.then_some(next))
            },
        )
        .await?;
        // Who was invited or taken back meanwhile sees the account closed, or is found here.
        load::suspend(&self.context, actor, user).await?;
        self.staff.end_all(actor, user).await?;
        Ok(())
    }
}
