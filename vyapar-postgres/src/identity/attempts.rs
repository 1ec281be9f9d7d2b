//! Failed sign-ins (`login_attempts`).

use async_trait::async_trait;
use serde_json::json;
use vyapar_core::identity::{LoginAttemptRepository, LoginAttempts};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::{Blind, Stored, Timestamp};

use super::Accounts;
use crate::encode::{bigint, bytes, time};
use crate::row::Fields;

#[async_trait]
impl LoginAttemptRepository for Accounts {
    async fn get(&self, key: Blind) -> Stored<Option<LoginAttempts>> {
        let function = sqlx::query("select * from vyapar.find_login_attempts($1, $2)")
            .bind(key.as_bytes().to_vec())
            .bind(self.0.lock_timeout());
        let rows = self.0.ask(function, "reading failed sign-ins").await?;
        let decode = |row| {
            let fields = Fields::of(row, "login_attempts", "key");
            Ok(LoginAttempts {
                key,
                failures: fields.long_count("failures")?,
                locked_until: fields.get("locked_until")?,
                updated_at: fields.get("updated_at")?,
                version: fields.count("version")?,
            })
        };
        rows.first().map(decode).transpose()
    }

    async fn save(&self, attempts: LoginAttempts, expected: u64) -> Stored<UpdateOutcome> {
        let record = json!({
            "key": bytes(attempts.key.as_bytes()),
            "failures": attempts.failures,
            "locked_until": attempts.locked_until.map(time),
            "updated_at": time(attempts.updated_at),
            "version": bigint(expected.saturating_add(1)),
        });
        let function = sqlx::query("select vyapar.save_login_attempts($1, $2, $3)")
            .bind(record)
            .bind(bigint(expected))
            .bind(self.0.lock_timeout());
        let saved = self.0.call_one(function, "saving failed sign-ins").await?;
        Ok(if saved { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        let sql = "select vyapar.sweep_login_attempts($1, $2, $3)";
        self.0.sweep(sql, before, limit, "sweeping failed sign-ins").await
    }
}
