//! The audit log (`audit_logs`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::system::{AuditEntry, AuditFilter, AuditLog, FeedPage};
use vyapar_core::{AuditId, Cursor, Page, PageRequest, RequestContext, StoreId, Stored, UserId};

use crate::database::{Database, Scope};
use crate::encode::time;
use crate::row::Fields;

/// The name that cursors of audit lists carry.
const LIST: &str = "audit";
/// The name that positions of the feed carry.
const FEED: &str = "feed";

pub(crate) struct AuditLogs(pub(crate) Database);

#[async_trait]
impl AuditLog for AuditLogs {
    async fn append(&self, entry: AuditEntry) -> Stored<()> {
        let function =
            sqlx::query("select from vyapar.append_audit($1, $2)").bind(encode(&entry)).bind(self.0.lock_timeout());
        self.0.call(function, "appending an audit entry").await.map(drop)
    }

    async fn list(&self, filter: AuditFilter, page: PageRequest) -> Stored<Page<AuditEntry>> {
        let before = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let (entity_type, entity_id) = filter.entity.unzip();
        let query = sqlx::query(
            "select * from vyapar.audit_logs
              where ($1::uuid is null or store_id = $1) and ($2::varchar is null or entity_type = $2)
                and ($3::varchar is null or entity_id = $3) and ($4::uuid is null or user_id = $4)
                and ($5::timestamptz is null or created_at >= $5) and ($6::timestamptz is null or created_at < $6)
                and ($7::uuid is null or id < $7)
              order by id desc limit $8",
        )
        .bind(filter.store_id.map(|id| id.as_uuid()))
        .bind(entity_type)
        .bind(entity_id)
        .bind(filter.user_id.map(|id| id.as_uuid()))
        .bind(filter.from)
        .bind(filter.until)
        .bind(before)
        .bind(i64::from(page.limit()) + 1);
        let scope = filter.store_id.map_or(Scope::AllStores, Scope::Store);
        let mut reader = self.0.reader(scope, "listing audit entries").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let entries = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(entries, page.limit(), |entry: &AuditEntry| Cursor::new(LIST, entry.id.to_string())))
    }

    async fn feed(&self, after: Option<Cursor>, limit: u32) -> Stored<FeedPage> {
        let position = after.as_ref().map(|cursor| cursor.parse_position(FEED)).transpose()?.unwrap_or_default();
        let FeedPosition { transaction, entry } = position;
        // Transactions older than every running one are all there or will never be.
        let query = sqlx::query(
            "select *, written_by::text::bigint as transaction from vyapar.audit_logs
              where (written_by, position) > ($1::text::xid8, $2)
                and written_by < pg_snapshot_xmin(pg_current_snapshot())
              order by written_by, position limit $3",
        )
        .bind(transaction.to_string())
        .bind(entry)
        .bind(i64::from(limit));
        let mut reader = self.0.reader(Scope::AllStores, "reading the audit feed").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let next = match rows.last().map(|row| Fields::of(row, "audit_logs", "id")) {
            Some(last) => FeedPosition { transaction: last.get("transaction")?, entry: last.get("position")? },
            None => position,
        };
        let entries = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(FeedPage { entries, next: Cursor::new(FEED, next.to_string()) })
    }
}

/// Where the feed stands: behind this entry of this transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct FeedPosition {
    transaction: i64,
    entry: i64,
}

impl std::fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.transaction, self.entry)
    }
}

impl std::str::FromStr for FeedPosition {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (transaction, entry) = text.split_once('-').ok_or(())?;
        let number = |digits: &str| digits.parse().ok().filter(|n: &i64| *n >= 0).ok_or(());
        Ok(Self { transaction: number(transaction)?, entry: number(entry)? })
    }
}

/// The entry as the schema's functions take it.
pub(crate) fn encode(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id,
        "store_id": entry.store_id,
        "user_id": entry.user_id,
        "action": entry.action,
        "entity_type": entry.entity_type,
        "entity_id": entry.entity_id,
        "old_values": entry.old_values,
        "new_values": entry.new_values,
        "ip_address": entry.request.ip_address,
        "user_agent": entry.request.user_agent,
        "created_at": time(entry.created_at),
    })
}

fn decode(row: &PgRow) -> Stored<AuditEntry> {
    let fields = Fields::of(row, "audit_logs", "id");
    Ok(AuditEntry {
        id: AuditId::from_uuid(fields.get("id")?),
        store_id: fields.get::<Option<Uuid>>("store_id")?.map(StoreId::from_uuid),
        user_id: fields.get::<Option<Uuid>>("user_id")?.map(UserId::from_uuid),
        action: fields.get("action")?,
        entity_type: fields.get("entity_type")?,
        entity_id: fields.get("entity_id")?,
        old_values: fields.get("old_values")?,
        new_values: fields.get("new_values")?,
        request: RequestContext { ip_address: fields.get("ip_address")?, user_agent: fields.get("user_agent")? },
        created_at: fields.get("created_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feed_positions_round_trip_and_refuse_others() {
        let position = FeedPosition { transaction: 731, entry: 12 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for bad in ["", "1", "1-", "-1-2", "1-x", "1--2"] {
            assert_eq!(bad.parse::<FeedPosition>(), Err(()), "{bad}");
        }
    }
}
