//! Who works in a store (`store_users`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::store::{MAX_MEMBERSHIPS, MemberOutcome, StoreUser, StoreUserRepository};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, StoreId, StoreUserId, Stored, UserId};

use super::Stores;
use crate::database::Scope;
use crate::encode::{bigint, json as encode_json, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of a store's list carry.
const LIST: &str = "members";

#[async_trait]
impl StoreUserRepository for Stores {
    async fn insert(&self, store: StoreId, member: StoreUser, audit: AuditEntry) -> Stored<bool> {
        if member.store_id != store {
            return Err(error::foreign("inserting a member"));
        }
        let function = sqlx::query("select vyapar.insert_store_user($1, $2, $3)")
            .bind(encode(store, &member)?)
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        self.database.call_one(function, "inserting a member").await
    }

    async fn get(&self, store: StoreId, user: UserId) -> Stored<Option<StoreUser>> {
        let function = sqlx::query("select * from vyapar.find_store_user($1, $2, $3)")
            .bind(store.as_uuid())
            .bind(user.as_uuid())
            .bind(self.database.lock_timeout());
        self.database.ask(function, "reading a member").await?.first().map(decode).transpose()
    }

    async fn update(
        &self,
        store: StoreId,
        member: StoreUser,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<MemberOutcome> {
        let function = sqlx::query("select vyapar.update_store_user($1, $2, $3, $4)")
            .bind(encode(store, &member)?)
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        let outcome: String = self.database.call_one(function, "updating a member").await?;
        match outcome.as_str() {
            "updated" => Ok(MemberOutcome::Updated),
            "stale" => Ok(MemberOutcome::Stale),
            "last_owner" => Ok(MemberOutcome::LastOwner),
            _ => Err(error::unclear("update_store_user")),
        }
    }

    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<StoreUser>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.store_users where store_id = $1 and ($2::uuid is null or user_id > $2)
              order by user_id limit $3",
        )
        .bind(store.as_uuid())
        .bind(after)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::Store(store), "listing a store's members").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let members = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(members, page.limit(), |last: &StoreUser| Cursor::new(LIST, last.user_id.to_string())))
    }

    async fn list_by_user(&self, user: UserId) -> Stored<Vec<StoreUser>> {
        let function = sqlx::query("select * from vyapar.find_memberships($1, $2, $3)")
            .bind(user.as_uuid())
            .bind(i64::try_from(MAX_MEMBERSHIPS).unwrap_or(i64::MAX))
            .bind(self.database.lock_timeout());
        self.database.ask(function, "listing a user's stores").await?.iter().map(decode).collect()
    }
}

/// The member as the schema's functions take it, in that store.
pub(super) fn encode(store: StoreId, member: &StoreUser) -> Stored<Value> {
    Ok(json!({
        "id": member.id,
        "store_id": store,
        "user_id": member.user_id,
        "role": member.role.as_str(),
        "permissions": encode_json(&member.permissions)?,
        "is_active": member.is_active,
        "version": member.version,
        "created_at": time(member.created_at),
        "updated_at": time(member.updated_at),
    }))
}

fn decode(row: &PgRow) -> Stored<StoreUser> {
    let fields = Fields::of(row, "store_users", "id");
    let Json(permissions) = fields.get("permissions")?;
    Ok(StoreUser {
        id: StoreUserId::from_uuid(fields.get("id")?),
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        user_id: UserId::from_uuid(fields.get("user_id")?),
        role: fields.parse("role")?,
        permissions,
        is_active: fields.get("is_active")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
