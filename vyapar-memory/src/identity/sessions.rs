//! Sessions.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::identity::{Session, SessionRepository, StartOutcome};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, SessionId, Stored, Timestamp, UserId};

use super::Accounts;
use crate::lock::{read, write};
use crate::{count, one_more};

/// Name of a user's list, in its cursors.
const LIST: &str = "sessions";

#[async_trait]
impl SessionRepository for Accounts {
    async fn start(&self, session: Session, audit: AuditEntry) -> Stored<StartOutcome> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let user = rows.users.get_mut(&session.user_id);
        let Some(user) = user.filter(|user| user.is_active && user.session_epoch == session.epoch) else {
            return Ok(StartOutcome::Refused);
        };
        if rows.sessions.contains_key(&session.id) {
            // The same call again: what happened to the session since then stays.
            return Ok(StartOutcome::Started);
        }
        user.last_login = Some(session.created_at);
        rows.sessions_of.entry(session.user_id).or_default().insert(session.id);
        rows.sessions_by_end.insert((session.expires_at, session.id));
        rows.sessions.insert(session.id, session);
        self.audit.record(audit);
        Ok(StartOutcome::Started)
    }

    async fn get(&self, id: SessionId) -> Stored<Option<Session>> {
        Ok(read(&self.rows).sessions.get(&id).cloned())
    }

    async fn touch(&self, id: SessionId, at: Timestamp) -> Stored<()> {
        if let Some(session) = write(&self.rows).sessions.get_mut(&id) {
            session.last_seen = session.last_seen.max(at);
        }
        Ok(())
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let mut rows = write(&self.rows);
        let session = rows.sessions.get_mut(&id).filter(|session| session.user_id == user);
        let Some(session) = session.filter(|session| session.is_open(session.epoch, now)) else { return Ok(false) };
        session.revoked_at = Some(now);
        self.audit.record(audit);
        Ok(true)
    }

    async fn list_by_user(&self, user: UserId, page: PageRequest) -> Stored<Page<Session>> {
        let before = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<SessionId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let ids = rows.sessions_of.get(&user).into_iter();
        let items = ids
            .flat_map(|ids| ids.range((Bound::Unbounded, before)).rev())
            .filter_map(|id| rows.sessions.get(id))
            .take(one_more(page.limit()))
            .cloned()
            .collect();
        Ok(Page::of(items, page.limit(), |last: &Session| Cursor::new(LIST, last.id.to_string())))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        let mut rows = write(&self.rows);
        let ended = rows.sessions_by_end.iter().take_while(|(at, _)| *at < before).take(count(limit));
        let ended: Vec<_> = ended.copied().collect();
        for key in &ended {
            rows.sessions_by_end.remove(key);
            let Some(session) = rows.sessions.remove(&key.1) else { continue };
            if let Some(ids) = rows.sessions_of.get_mut(&session.user_id) {
                ids.remove(&session.id);
                if ids.is_empty() {
                    rows.sessions_of.remove(&session.user_id);
                }
            }
        }
        Ok(u32::try_from(ended.len()).unwrap_or(limit))
    }
}
