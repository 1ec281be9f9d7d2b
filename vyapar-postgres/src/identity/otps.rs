//! One-time codes (`otp_verifications`) and what is known of each phone (`otp_books`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::identity::{Otp, OtpBook, OtpRepository};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Blind, OtpId, Stored, Timestamp};

use super::Accounts;
use crate::encode::{bigint, bytes, json as encode_json, time};
use crate::row::Fields;
use crate::system;

#[async_trait]
impl OtpRepository for Accounts {
    async fn get(&self, phone: Blind) -> Stored<Option<OtpBook>> {
        let function = sqlx::query(
            "select f.sends, f.tries, f.version, f.updated_at, (f.code).* from vyapar.find_otp_book($1, $2) f",
        )
        .bind(phone.as_bytes().to_vec())
        .bind(self.0.lock_timeout());
        decode(phone, &self.0.ask(function, "reading a phone's codes").await?)
    }

    async fn save(&self, book: OtpBook, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.save_otp_book($1, $2, $3, $4)")
            .bind(encode(&book, expected)?)
            .bind(bigint(expected))
            .bind(audit.map(|entry| system::encode(&entry)))
            .bind(self.0.lock_timeout());
        let saved = self.0.call_one(function, "saving a phone's codes").await?;
        Ok(if saved { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Stored<u32> {
        self.0.sweep("select vyapar.sweep_otps($1, $2, $3)", before, limit, "sweeping codes").await
    }
}

fn encode(book: &OtpBook, expected: u64) -> Stored<Value> {
    let code = |code: &Otp| {
        json!({
            "id": code.id,
            "phone": bytes(code.phone.as_bytes()),
            "otp_code": bytes(code.code_hash.as_bytes()),
            "purpose": code.purpose.as_str(),
            "attempts": code.attempts,
            "expires_at": time(code.expires_at),
            "verified": code.verified,
            "created_at": time(code.created_at),
        })
    };
    Ok(json!({
        "phone": bytes(book.phone.as_bytes()),
        "sends": book.sends.iter().copied().map(time).collect::<Vec<_>>(),
        "tries": encode_json(&book.tries)?,
        "codes": book.codes.iter().map(code).collect::<Vec<_>>(),
        "version": bigint(expected.saturating_add(1)),
        "updated_at": time(book.updated_at),
    }))
}

/// The book of rows that each have one of its codes, or none.
fn decode(phone: Blind, rows: &[PgRow]) -> Stored<Option<OtpBook>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let book = Fields::of(first, "otp_books", "id");
    let Json(tries) = book.get("tries")?;
    let mut codes = Vec::new();
    for row in rows {
        let code = Fields::of(row, "otp_verifications", "id");
        let Some(id) = code.get::<Option<Uuid>>("id")? else { continue };
        codes.push(Otp {
            id: OtpId::from_uuid(id),
            phone: code.sealed("phone")?,
            code_hash: code.blind("otp_code")?,
            purpose: code.parse("purpose")?,
            attempts: code.long_count("attempts")?,
            expires_at: code.get("expires_at")?,
            verified: code.get("verified")?,
            created_at: code.get("created_at")?,
        });
    }
    Ok(Some(OtpBook {
        phone,
        sends: book.get("sends")?,
        tries,
        codes,
        version: book.count("version")?,
        updated_at: book.get("updated_at")?,
    }))
}
