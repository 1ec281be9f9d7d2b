//! Failed sign-ins.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::identity::{LoginAttemptRepository, LoginAttempts};
use vyapar_core::secret::Blind;
use vyapar_core::store::UpdateOutcome;
use vyapar_core::time::Timestamp;

use super::DynamoIdentity;
use super::otps::{not_changed_since, stands};
use super::temporary::{attempts_item, read_attempts};
use crate::db::Written;
use crate::keys;
use crate::tables::OTP_VERIFICATIONS;

#[async_trait]
impl LoginAttemptRepository for DynamoIdentity {
    async fn get(&self, key: Blind) -> Stored<Option<LoginAttempts>> {
        let key = keys::sign_ins(key);
        let found = self.db.get(&OTP_VERIFICATIONS, key, &mut self.db.patience(), "reading failed sign-ins").await?;
        found.as_ref().map(read_attempts).transpose()
    }

    async fn save(&self, attempts: LoginAttempts, expected: u64) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let attempts = LoginAttempts { version: expected + 1, ..attempts };
        let actions = vec![self.db.put(&OTP_VERIFICATIONS, attempts_item(&attempts), &stands(expected))?];
        Ok(match self.db.transact(actions, &mut self.db.patience(), "saving failed sign-ins").await? {
            Written::Done => UpdateOutcome::Updated,
            Written::Refused(_) => UpdateOutcome::Stale,
        })
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        self.db.sweep(&not_changed_since(before, keys::SIGN_INS), limit, "sweeping failed sign-ins").await
    }
}
