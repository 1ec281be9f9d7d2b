//! How values travel into the functions of the schema: as JSON under their column's name,
//! which `jsonb_populate_record` reads with each column's own type.

use rust_decimal::Decimal;
use serde_json::Value;
use vyapar_core::error::ROOM_FOR_UNREADABLE;
use vyapar_core::time::Timestamp;
use vyapar_core::{RepositoryError, RepositoryErrorKind};

/// A run of bytes in the notation of `bytea`.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 + 2 * bytes.len());
    text.push_str("\\x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The same for a value that may be missing.
pub(crate) fn sealed_opt(sealed: Option<&vyapar_core::Sealed>) -> Option<String> {
    sealed.map(|sealed| bytes(sealed.as_bytes()))
}

/// A NUMERIC, exact: as text, because a JSON number may be read as binary floating point.
pub(crate) fn decimal(value: impl Into<Decimal>) -> String {
    value.into().to_string()
}

/// The same for a value that may be missing.
pub(crate) fn decimal_opt(value: Option<impl Into<Decimal>>) -> Option<String> {
    value.map(decimal)
}

/// An instant to the microsecond.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

/// A version or a number of a movement; what does not fit a `bigint` was never ours.
pub(crate) fn bigint(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A small count; the same.
pub(crate) fn integer(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// A value as JSON.
pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<Value, RepositoryError> {
    serde_json::to_value(value)
        .map_err(|e| RepositoryError::new(RepositoryErrorKind::Backend, "encoding as JSON").with_source(e))
}

/// A place in an array, from 0, as SQL counts it.
pub(crate) fn place(from_zero: usize) -> i32 {
    i32::try_from(from_zero).unwrap_or(i32::MAX).saturating_add(1)
}

/// A time to wait, in whole milliseconds. Zero would mean for ever.
pub(crate) fn millis(patience: std::time::Duration) -> i32 {
    i32::try_from(patience.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// How many rows to read for `limit` that can be read.
pub(crate) fn with_room(limit: u32) -> i64 {
    i64::from(limit) + i64::from(ROOM_FOR_UNREADABLE)
}
