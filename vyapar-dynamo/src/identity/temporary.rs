//! What is known for a day, as items: codes, books of codes, failed sign-ins. The golden tests
//! in `tests/it/golden.rs` pin what is written here.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::error::Stored;
use vyapar_core::identity::{CODE_KEPT, FORGOTTEN_AFTER, LoginAttempts, Otp, OtpBook};

use crate::item::{Attributes, ItemBuilder, Row, bytes, json, number, text, time, ttl};
use crate::keys;
use crate::tables::{OTP_VERIFICATIONS, TTL};

/// One code.
pub(super) fn code_item(code: &Otp) -> Attributes {
    otp(code).extend(keys::code(code.id)).with(TTL, ttl(code.created_at + CODE_KEPT)).build()
}

fn otp(code: &Otp) -> ItemBuilder {
    ItemBuilder::new()
        .with("phone", bytes(code.phone.as_bytes()))
        .with("otp_code", bytes(code.code_hash.as_bytes()))
        .with("purpose", text(code.purpose))
        .with("attempts", number(code.attempts))
        .with("expires_at", time(code.expires_at))
        .with("verified", AttributeValue::Bool(code.verified))
        .with("created_at", time(code.created_at))
}

/// All that is known of a phone's codes: the item that decides.
pub(super) fn book_item(book: &OtpBook) -> Stored<Attributes> {
    let code = |code: &Otp| AttributeValue::M(otp(code).with("id", text(code.id)).build());
    Ok(ItemBuilder::new()
        .extend(keys::book(book.phone))
        .with("phone_hash", bytes(book.phone.as_bytes()))
        .with("sends", json(&book.sends)?)
        .with("tries", json(&book.tries)?)
        .with("codes", AttributeValue::L(book.codes.iter().map(code).collect()))
        .with("version", number(book.version))
        .with("updated_at", time(book.updated_at))
        .with(TTL, ttl(book.updated_at + CODE_KEPT))
        .build())
}

pub(super) fn read_book(item: &Attributes) -> Stored<OtpBook> {
    let row = Row::new(OTP_VERIFICATIONS.name, item);
    Ok(OtpBook {
        phone: row.blind("phone_hash")?,
        sends: row.json("sends")?,
        tries: row.json("tries")?,
        codes: row.rows("codes")?.into_iter().map(read_otp).collect::<Stored<_>>()?,
        version: row.parse("version")?,
        updated_at: row.parse("updated_at")?,
    })
}

fn read_otp(row: Row<'_>) -> Stored<Otp> {
    Ok(Otp {
        id: row.parse("id")?,
        phone: row.sealed("phone")?,
        code_hash: row.blind("otp_code")?,
        purpose: row.parse("purpose")?,
        attempts: row.parse("attempts")?,
        expires_at: row.parse("expires_at")?,
        verified: row.flag("verified")?,
        created_at: row.parse("created_at")?,
    })
}

pub(super) fn attempts_item(attempts: &LoginAttempts) -> Attributes {
    ItemBuilder::new()
        .extend(keys::sign_ins(attempts.key))
        .with("contact_hash", bytes(attempts.key.as_bytes()))
        .with("failures", number(attempts.failures))
        .maybe("locked_until", attempts.locked_until.map(time))
        .with("version", number(attempts.version))
        .with("updated_at", time(attempts.updated_at))
        .with(TTL, ttl(attempts.updated_at + FORGOTTEN_AFTER))
        .build()
}

pub(super) fn read_attempts(item: &Attributes) -> Stored<LoginAttempts> {
    let row = Row::new(OTP_VERIFICATIONS.name, item);
    Ok(LoginAttempts {
        key: row.blind("contact_hash")?,
        failures: row.parse("failures")?,
        locked_until: row.maybe_parse("locked_until")?,
        updated_at: row.parse("updated_at")?,
        version: row.parse("version")?,
    })
}
