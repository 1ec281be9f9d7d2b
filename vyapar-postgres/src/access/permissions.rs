//! Permissions (`permissions`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use vyapar_core::access::{Permission, PermissionFilter, PermissionId, PermissionRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored};

use super::{Access, MAX_IDS};
use crate::database::Scope;
use crate::encode::{bigint, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of the list carry.
const LIST: &str = "permissions";

#[async_trait]
impl PermissionRepository for Access {
    async fn insert(&self, permission: Permission, audit: AuditEntry) -> Stored<()> {
        let function = sqlx::query("select from vyapar.insert_permission($1, $2, $3)")
            .bind(encode(&permission))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        self.0.call(function, "inserting a permission").await.map(drop)
    }

    async fn get_many(&self, ids: &[PermissionId]) -> Stored<Vec<Permission>> {
        if ids.len() > MAX_IDS {
            return Err(error::too_many("ids", MAX_IDS));
        }
        let function = sqlx::query("select * from vyapar.find_permissions($1, $2)")
            .bind(ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>())
            .bind(self.0.lock_timeout());
        self.0.ask(function, "reading permissions").await?.iter().map(decode).collect()
    }

    async fn update(&self, permission: Permission, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_permission($1, $2, $3, $4)")
            .bind(encode(&permission))
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let updated = self.0.call_one(function, "updating a permission").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list(&self, filter: PermissionFilter, page: PageRequest) -> Stored<Page<Permission>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<PermissionId>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.permissions
              where ($1::varchar is null or category = $1) and ($2::varchar is null or status = $2)
                and ($3::varchar is null or permission_id > $3)
              order by permission_id limit $4",
        )
        .bind(filter.category.map(|category| category.as_str()))
        .bind(filter.status.map(|status| status.as_str()))
        .bind(after.as_ref().map(PermissionId::as_str))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::Identity, "listing permissions").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let permissions = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(permissions, page.limit(), |last: &Permission| Cursor::new(LIST, last.id.as_str())))
    }
}

fn encode(permission: &Permission) -> Value {
    json!({
        "permission_id": permission.id.as_str(),
        "name": permission.name,
        "description": permission.description,
        "category": permission.category.as_str(),
        "resource": permission.resource,
        "action": permission.action.as_str(),
        "status": permission.status.as_str(),
        "version": permission.version,
        "created_at": time(permission.created_at),
        "updated_at": time(permission.updated_at),
    })
}

fn decode(row: &PgRow) -> Stored<Permission> {
    let fields = Fields::of(row, "permissions", "permission_id");
    Ok(Permission {
        id: fields.parse("permission_id")?,
        name: fields.get("name")?,
        description: fields.get("description")?,
        category: fields.parse("category")?,
        resource: fields.get("resource")?,
        action: fields.parse("action")?,
        status: fields.parse("status")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
