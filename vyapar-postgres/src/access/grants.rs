//! What users were given (`user_permissions`, each user's under his row of `user_grants`).

use async_trait::async_trait;
use serde_json::{Value, json};
use uuid::Uuid;
use vyapar_core::access::{
    Assignment, AssignmentType, GrantOutcome, GrantRepository, GrantTarget, Grants, Guard, MAX_ASSIGNMENTS,
};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored, UserId};

use super::Access;
use crate::database::Scope;
use crate::encode::{bigint, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of the list of holders carry.
const LIST: &str = "holders";

/// The key that the list goes on after.
fn position(cursor: &Cursor) -> Stored<(Uuid, AssignmentType)> {
    let parsed = |text: &str| {
        let (user, kind) = text.split_once(' ')?;
        Some((user.parse().ok()?, kind.parse().ok()?))
    };
    parsed(cursor.position(LIST)?).ok_or_else(|| error::malformed(LIST))
}

#[async_trait]
impl GrantRepository for Access {
    async fn of_user(&self, user: UserId) -> Stored<Option<Grants>> {
        let function = sqlx::query("select f.suspended, f.version, (f.given).* from vyapar.find_grants($1, $2) f")
            .bind(user.as_uuid())
            .bind(self.0.lock_timeout());
        let rows = self.0.ask(function, "reading a user's grants").await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let record = Fields::of(first, "user_grants", "user_id");
        let mut assignments = Vec::new();
        for row in &rows {
            let fields = Fields::of(row, "user_permissions", "assignment_id");
            // One row without an assignment, where there is none.
            if fields.get::<Option<&str>>("assignment_id")?.is_some() {
                assignments.push(decode(fields)?);
            }
        }
        Ok(Some(Grants {
            user_id: user,
            suspended: record.get("suspended")?,
            assignments,
            version: record.count("version")?,
        }))
    }

    async fn save(&self, grants: Grants, expected: u64, guard: Guard, audit: AuditEntry) -> Stored<GrantOutcome> {
        if grants.assignments.len() > MAX_ASSIGNMENTS {
            return Err(error::too_many("assignments", MAX_ASSIGNMENTS));
        }
        let guard = match guard {
            Guard::Keep => "keep",
            Guard::First => "first",
            Guard::Add => "add",
            Guard::Remove => "remove",
        };
        let function = sqlx::query("select vyapar.save_grants($1, $2, $3, $4, $5, $6, $7)")
            .bind(grants.user_id.as_uuid())
            .bind(grants.suspended)
            .bind(grants.assignments.iter().map(encode).collect::<Value>())
            .bind(bigint(expected))
            .bind(guard)
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let outcome: String = self.0.call_one(function, "saving a user's grants").await?;
        match outcome.as_str() {
            "saved" => Ok(GrantOutcome::Saved),
            "stale" => Ok(GrantOutcome::Stale),
            "guarded" => Ok(GrantOutcome::Guarded),
            _ => Err(error::unclear("save_grants")),
        }
    }

    async fn holders(&self, target: &GrantTarget, page: PageRequest) -> Stored<Page<Assignment>> {
        let (user, kind) = page.cursor().map(position).transpose()?.unzip();
        let query = sqlx::query(
            "select * from vyapar.user_permissions
              where permission_id = $1 and ($2::uuid is null or (user_id, assignment_type) > ($2, $3))
              order by user_id, assignment_type limit $4",
        )
        .bind(target.as_str())
        .bind(user)
        .bind(kind.map(|kind| kind.as_str()))
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::Identity, "listing holders").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let decode = |row| decode(Fields::of(row, "user_permissions", "assignment_id"));
        let holders = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(holders, page.limit(), |last: &Assignment| {
            Cursor::new(LIST, format!("{} {}", last.user_id, last.assignment_type))
        }))
    }
}

fn encode(given: &Assignment) -> Value {
    json!({
        "assignment_id": given.assignment_id(),
        "user_id": given.user_id,
        "permission_id": given.target.as_str(),
        "granted_by": given.granted_by,
        "assignment_type": given.assignment_type.as_str(),
        "effect": given.effect.as_str(),
        "scope": given.scope.as_str(),
        "expires_at": given.expires_at.map(time),
        "assigned_at": time(given.assigned_at),
    })
}

fn decode(fields: Fields<'_>) -> Stored<Assignment> {
    Ok(Assignment {
        user_id: UserId::from_uuid(fields.get("user_id")?),
        target: fields.parse("permission_id")?,
        assignment_type: fields.parse("assignment_type")?,
        effect: fields.parse("effect")?,
        scope: fields.parse("scope")?,
        granted_by: fields.get::<Option<Uuid>>("granted_by")?.map(UserId::from_uuid),
        expires_at: fields.get("expires_at")?,
        assigned_at: fields.get("assigned_at")?,
    })
}
