//! Sessions.

use std::cmp::Reverse;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::id::{SessionId, UserId};
use vyapar_core::identity::{Session, SessionRepository, StartOutcome};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::system::AuditEntry;
use vyapar_core::time::Timestamp;

use super::DynamoIdentity;
use super::codec::{read_session, session_item};
use super::list::{SESSION_LIST, SessionsOf};
use crate::db::{Scan, Written};
use crate::expression::Expression;
use crate::item::{number, text, time};
use crate::keys;
use crate::listing::list;
use crate::tables::{SESSIONS, USERS};

#[async_trait]
impl SessionRepository for DynamoIdentity {
    async fn start(&self, session: Session, audit: AuditEntry) -> Stored<StartOutcome> {
        const DOING: &str = "starting a session";
        let signed_in = Expression::new("SET #last_login = :at").value(":at", time(session.created_at));
        let may = Expression::new("#is_active = :yes AND #session_epoch = :epoch")
            .value(":yes", AttributeValue::Bool(true))
            .value(":epoch", number(session.epoch));
        let absent = Expression::new("attribute_not_exists(#id)");
        let actions = [
            self.db.update(&USERS, keys::user(session.user_id), &signed_in, &may)?,
            self.db.put(&SESSIONS, session_item(&session), &absent)?,
        ];
        match self.audit.write(&actions, Some(&audit), &mut self.db.patience(), DOING).await? {
            Written::Done => Ok(StartOutcome::Started),
            Written::Refused(refusals) if refusals.at(0).is_some() => Ok(StartOutcome::Refused),
            // The same call again: what happened to the session since then stays.
            Written::Refused(_) => Ok(StartOutcome::Started),
        }
    }

    async fn get(&self, id: SessionId) -> Stored<Option<Session>> {
        let found = self.db.get(&SESSIONS, keys::session(id), &mut self.db.patience(), "reading a session").await?;
        found.as_ref().map(read_session).transpose()
    }

    async fn touch(&self, id: SessionId, at: Timestamp) -> Stored<()> {
        let used = Expression::new("SET #last_seen = :at").value(":at", time(at));
        // An absent session has no time to compare, and is not made.
        let earlier = Expression::new("#last_seen < :at");
        let patience = &mut self.db.patience();
        self.db.set(&SESSIONS, keys::session(id), &used, &earlier, patience, "noting that a session was used").await?;
        Ok(())
    }

    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let revoke = Expression::new("SET #revoked_at = :now").value(":now", time(now));
        let open = Expression::new("#user_id = :user AND attribute_not_exists(#revoked_at) AND #expires_at > :now")
            .value(":user", text(user));
        let actions = [self.db.update(&SESSIONS, keys::session(id), &revoke, &open)?];
        let patience = &mut self.db.patience();
        let written = self.audit.write(&actions, Some(&audit), patience, "revoking a session").await?;
        Ok(matches!(written, Written::Done))
    }

    async fn list_by_user(&self, user: UserId, page: PageRequest) -> Stored<Page<Session>> {
        let before = page.cursor().map(|cursor| cursor.parse_position(SESSION_LIST)).transpose()?;
        let found = list(&self.db, &SessionsOf(user), before.map(Reverse), page.limit() as usize + 1).await?;
        let page = Page::of(found, page.limit(), |(Reverse(id), _)| Cursor::new(SESSION_LIST, id.to_string()));
        Ok(page.map(|(_, session)| session))
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        let expired =
            Scan { table: &SESSIONS, filter: Expression::new("#expires_at < :before").value(":before", time(before)) };
        self.db.sweep(&expired, limit, "sweeping sessions").await
    }
}
