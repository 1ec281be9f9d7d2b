//! Invitations (`store_invitations`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::store::{AcceptOutcome, Invitation, InvitationRepository, StoreUser};
use vyapar_core::system::AuditEntry;
use vyapar_core::{AllStores, Cursor, InvitationId, Page, PageRequest, StoreId, Stored, Timestamp, UserId};

use super::{Stores, members};
use crate::database::Scope;
use crate::encode::{bytes, json as encode_json, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of a store's list carry.
const LIST: &str = "invitations";

#[async_trait]
impl InvitationRepository for Stores {
    async fn insert(&self, store: StoreId, invitation: Invitation, audit: AuditEntry) -> Stored<()> {
        if invitation.store_id != store {
            return Err(error::foreign("inserting an invitation"));
        }
        let function = sqlx::query("select from vyapar.insert_invitation($1, $2, $3)")
            .bind(encode(&invitation)?)
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        self.database.call(function, "inserting an invitation").await.map(drop)
    }

    async fn get(&self, _: AllStores, id: InvitationId) -> Stored<Option<Invitation>> {
        let query = sqlx::query("select * from vyapar.store_invitations where id = $1").bind(id.as_uuid());
        let mut reader = self.database.reader(Scope::AllStores, "reading an invitation").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        rows.first().map(decode).transpose()
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<Invitation>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.store_invitations where store_id = $1 and ($2::uuid is null or id < $2)
              order by id desc limit $3",
        )
        .bind(store.as_uuid())
        .bind(before)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Store(store), "listing a store's invitations").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let invitations = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(invitations, page.limit(), |last: &Invitation| Cursor::new(LIST, last.id.to_string())))
    }

    async fn accept(
        &self,
        store: StoreId,
        id: InvitationId,
        member: StoreUser,
        now: Timestamp,
        audit: AuditEntry,
    ) -> Stored<AcceptOutcome> {
        if member.store_id != store {
            return Err(error::foreign("accepting an invitation"));
        }
        let function = sqlx::query("select vyapar.accept_invitation($1, $2, $3, $4, $5)")
            .bind(id.as_uuid())
            .bind(members::encode(store, &member)?)
            .bind(now)
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        let outcome: String = self.database.call_one(function, "accepting an invitation").await?;
        match outcome.as_str() {
            "accepted" => Ok(AcceptOutcome::Accepted),
            "not_open" => Ok(AcceptOutcome::NotOpen),
            "already_member" => Ok(AcceptOutcome::AlreadyMember),
            _ => Err(error::unclear("accept_invitation")),
        }
    }

    async fn revoke(&self, store: StoreId, id: InvitationId, now: Timestamp, audit: AuditEntry) -> Stored<bool> {
        let function = sqlx::query("select vyapar.revoke_invitation($1, $2, $3, $4, $5)")
            .bind(store.as_uuid())
            .bind(id.as_uuid())
            .bind(now)
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        self.database.call_one(function, "withdrawing an invitation").await
    }
}

fn encode(invitation: &Invitation) -> Stored<Value> {
    Ok(json!({
        "id": invitation.id,
        "store_id": invitation.store_id,
        "contact_kind": invitation.contact_kind.as_str(),
        "contact": bytes(invitation.contact.as_bytes()),
        "token_hash": bytes(invitation.token_hash.as_bytes()),
        "role": invitation.role.as_str(),
        "permissions": encode_json(&invitation.permissions)?,
        "invited_by": invitation.invited_by,
        "expires_at": time(invitation.expires_at),
        "accepted_at": invitation.accepted_at.map(time),
        "revoked_at": invitation.revoked_at.map(time),
        "created_at": time(invitation.created_at),
    }))
}

fn decode(row: &PgRow) -> Stored<Invitation> {
    let fields = Fields::of(row, "store_invitations", "id");
    let Json(permissions) = fields.get("permissions")?;
    Ok(Invitation {
        id: InvitationId::from_uuid(fields.get("id")?),
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        contact_kind: fields.parse("contact_kind")?,
        contact: fields.sealed("contact")?,
        token_hash: fields.blind("token_hash")?,
        role: fields.parse("role")?,
        permissions,
        invited_by: fields.get::<Option<Uuid>>("invited_by")?.map(UserId::from_uuid),
        expires_at: fields.get("expires_at")?,
        accepted_at: fields.get("accepted_at")?,
        revoked_at: fields.get("revoked_at")?,
        created_at: fields.get("created_at")?,
    })
}
