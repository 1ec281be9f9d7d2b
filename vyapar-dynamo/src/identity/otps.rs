//! One-time codes.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::identity::{OtpBook, OtpRepository};
use vyapar_core::secret::Blind;
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::time::Timestamp;

use super::DynamoIdentity;
use super::temporary::{book_item, code_item, read_book};
use crate::db::{Scan, Written};
use crate::expression::Expression;
use crate::item::{number, text, time};
use crate::keys;
use crate::tables::OTP_VERIFICATIONS;

#[async_trait]
impl OtpRepository for DynamoIdentity {
    async fn get(&self, phone: Blind) -> Stored<Option<OtpBook>> {
        let key = keys::book(phone);
        let found = self.db.get(&OTP_VERIFICATIONS, key, &mut self.db.patience(), "reading a book of codes").await?;
        found.as_ref().map(read_book).transpose()
    }

    async fn save(&self, book: OtpBook, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        // The new state's version follows from the one it replaces.
        let book = OtpBook { version: expected + 1, ..book };
        let mut actions = vec![self.db.put(&OTP_VERIFICATIONS, book_item(&book)?, &stands(expected))?];
        for code in &book.codes {
            // Whatever stands there: TTL may have removed it.
            actions.push(self.db.put(&OTP_VERIFICATIONS, code_item(code), &Expression::always())?);
        }
        let patience = &mut self.db.patience();
        Ok(match self.audit.write(&actions, audit.as_ref(), patience, "saving a book of codes").await? {
            Written::Done => UpdateOutcome::Updated,
            Written::Refused(_) => UpdateOutcome::Stale,
        })
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        const DOING: &str = "sweeping one-time codes";
        let old = Scan {
            table: &OTP_VERIFICATIONS,
            // Only codes have it.
            filter: Expression::new("#created_at < :before").value(":before", time(before)),
        };
        let unused = not_changed_since(before, keys::BOOKS);
        self.db.sweep(&unused, limit, DOING).await?;
        self.db.sweep(&old, limit, DOING).await
    }
}

/// The condition that a record is of that version; 0 means that there is none.
pub(super) fn stands(version: u64) -> Expression {
    match version {
        0 => Expression::new("attribute_not_exists(#id)"),
        _ => Expression::new("#version = :expected").value(":expected", number(version)),
    }
}

/// Records whose ids begin so and that were not changed since.
pub(super) fn not_changed_since(before: Timestamp, prefix: &str) -> Scan {
    Scan {
        table: &OTP_VERIFICATIONS,
        filter: Expression::new("begins_with(#id, :prefix) AND #updated_at < :before")
            .value(":prefix", text(prefix))
            .value(":before", time(before)),
    }
}
