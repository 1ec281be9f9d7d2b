//! Sessions (`sessions`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::identity::{Session, SessionRepository, StartOutcome};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, SessionId, Stored, Timestamp, UserId};

use super::Accounts;
use crate::encode::{bytes, time};
use crate::row::Fields;
use crate::system;

/// The name that cursors of a user's list carry.
const LIST: &str = "sessions";

#[async_trait]
impl SessionRepository for Accounts {
    async fn start(&self, session: Session, audit: AuditEntry) -> Stored<StartOutcome> {
        let function = sqlx::query("select vyapar.start_session($1, $2, $3)")
            .bind(encode(&session))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let started = self.0.call_one(function, "starting a session").await?;
        Ok(if started { StartOutcome::Started } else { StartOutcome::Refused })
    }

    async fn get(&self, id: SessionId) -> Stored<Option<Session>> {
        let function =
            sqlx::query("select * from vyapar.find_session($1, $2)").bind(id.as_uuid()).bind(self.0.lock_timeout());
        self.0.ask(function, "reading a session").await?.first().map(decode).transpose()
    }

    async fn touch(&self, id: SessionId, at: Timestamp) -> Stored<()> {
        let function = sqlx::query("select from vyapar.touch_session($1, $2, $3)")
            .bind(id.as_uuid())
            .bind(at)
            .bind(self.0.lock_timeout());
        self.0.call(function, "touching a session").await.map(drop)
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let function = sqlx::query("select vyapar.revoke_session($1, $2, $3, $4, $5)")
            .bind(user.as_uuid())
            .bind(id.as_uuid())
            .bind(now)
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        self.0.call_one(function, "revoking a session").await
    }

    async fn list_by_user(&self, user: UserId, page: PageRequest) -> Stored<Page<Session>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let function = sqlx::query("select * from vyapar.find_sessions_of_user($1, $2, $3, $4)")
            .bind(user.as_uuid())
            .bind(before)
            .bind(i64::from(page.limit()) + 1)
            .bind(self.0.lock_timeout());
        let rows = self.0.ask(function, "listing a user's sessions").await?;
        let sessions = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(sessions, page.limit(), |session: &Session| Cursor::new(LIST, session.id.to_string())))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        self.0.sweep("select vyapar.sweep_sessions($1, $2, $3)", before, limit, "sweeping sessions").await
    }
}

fn encode(session: &Session) -> Value {
    json!({
        "id": session.id,
        "user_id": session.user_id,
        "token_hash": bytes(session.token_hash.as_bytes()),
        "epoch": session.epoch,
        "device": session.device,
        "created_at": time(session.created_at),
        "last_seen": time(session.last_seen),
        "expires_at": time(session.expires_at),
        "revoked_at": session.revoked_at.map(time),
    })
}

fn decode(row: &PgRow) -> Stored<Session> {
    let fields = Fields::of(row, "sessions", "id");
    Ok(Session {
        id: SessionId::from_uuid(fields.get("id")?),
        user_id: UserId::from_uuid(fields.get("user_id")?),
        token_hash: fields.blind("token_hash")?,
        epoch: fields.count("epoch")?,
        device: fields.get("device")?,
        created_at: fields.get("created_at")?,
        last_seen: fields.get("last_seen")?,
        expires_at: fields.get("expires_at")?,
        revoked_at: fields.get("revoked_at")?,
    })
}
