//! Roles (`roles`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use vyapar_core::access::{Level, Role, RoleFilter, RoleId, RolePermissions, RoleRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored};

use super::{Access, MAX_IDS};
use crate::database::Scope;
use crate::encode::{bigint, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of the list carry.
const LIST: &str = "roles";

/// The key that the list goes on after.
fn position(cursor: &Cursor) -> Stored<(i32, RoleId)> {
    let parsed = |text: &str| {
        let (level, id) = text.split_once(' ')?;
        Some((i32::from(level.parse::<u8>().ok()?), id.parse().ok()?))
    };
    parsed(cursor.position(LIST)?).ok_or_else(|| error::malformed(LIST))
}

#[async_trait]
impl RoleRepository for Access {
    async fn insert(&self, role: Role, audit: AuditEntry) -> Stored<()> {
        let function = sqlx::query("select from vyapar.insert_role($1, $2, $3)")
            .bind(encode(&role))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        self.0.call(function, "inserting a role").await.map(drop)
    }

    async fn get_many(&self, ids: &[RoleId]) -> Stored<Vec<Role>> {
        if ids.len() > MAX_IDS {
            return Err(error::too_many("ids", MAX_IDS));
        }
        let function = sqlx::query("select * from vyapar.find_roles($1, $2)")
            .bind(ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>())
            .bind(self.0.lock_timeout());
        self.0.ask(function, "reading roles").await?.iter().map(decode).collect()
    }

    async fn update(&self, role: Role, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_role($1, $2, $3, $4)")
            .bind(encode(&role))
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let updated = self.0.call_one(function, "updating a role").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list(&self, filter: RoleFilter, page: PageRequest) -> Stored<Page<Role>> {
        let (level, id) = page.cursor().map(position).transpose()?.unzip();
        let query = sqlx::query(
            "select * from vyapar.roles
              where deleted_at is null and ($1::varchar is null or status = $1)
                and ($2::integer is null or (hierarchy_level, role_id) > ($2, $3))
              order by hierarchy_level, role_id limit $4",
        )
        .bind(filter.status.map(|status| status.as_str()))
        .bind(level)
        .bind(id.as_ref().map(RoleId::as_str))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::Identity, "listing roles").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let roles = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(roles, page.limit(), |last: &Role| Cursor::new(LIST, format!("{} {}", last.level, last.id))))
    }
}

fn encode(role: &Role) -> Value {
    json!({
        "role_id": role.id.as_str(),
        "role_name": role.name,
        "description": role.description,
        "permissions": role.permissions.to_list(),
        "hierarchy_level": role.level.get(),
        "scope": role.scope.as_str(),
        "is_system_role": role.is_system,
        "status": role.status.as_str(),
        "deleted_at": role.deleted_at.map(time),
        "version": role.version,
        "created_at": time(role.created_at),
        "updated_at": time(role.updated_at),
    })
}

fn decode(row: &PgRow) -> Stored<Role> {
    let fields = Fields::of(row, "roles", "role_id");
    let level = u8::try_from(fields.get::<i32>("hierarchy_level")?).ok().and_then(|level| Level::new(level).ok());
    let permissions = RolePermissions::from_list(fields.get::<Vec<String>>("permissions")?);
    Ok(Role {
        id: fields.parse("role_id")?,
        name: fields.get("role_name")?,
        description: fields.get("description")?,
        permissions: permissions.map_err(|e| fields.corrupt("permissions").with_source(e))?,
        level: level.ok_or_else(|| fields.corrupt("hierarchy_level"))?,
        scope: fields.parse("scope")?,
        is_system: fields.get("is_system_role")?,
        status: fields.parse("status")?,
        deleted_at: fields.get("deleted_at")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
