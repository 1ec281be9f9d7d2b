//! Decoding rows, column by column. What makes no sense becomes `Corrupt`, naming table,
//! column and row.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use uuid::Uuid;
use vyapar_core::geo::Coordinates;
use vyapar_core::geo::geocoder::GeocodingDue;
use vyapar_core::{Blind, RepositoryError, Sealed, Stored};

use crate::error;

/// A row of a table, and which column tells rows apart.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'r> {
    row: &'r PgRow,
    table: &'static str,
    key: &'static str,
    /// What the row's columns have before their names, where rows of two tables come side by side.
    prefix: &'static str,
}

impl<'r> Fields<'r> {
    pub(crate) fn of(row: &'r PgRow, table: &'static str, key: &'static str) -> Self {
        Self { row, table, key, prefix: "" }
    }

    /// A row of a table whose columns carry a prefix in this answer.
    pub(crate) fn prefixed(row: &'r PgRow, table: &'static str, key: &'static str, prefix: &'static str) -> Self {
        Self { row, table, key, prefix }
    }

    /// The error of a column that makes no sense.
    pub(crate) fn corrupt(&self, column: &str) -> RepositoryError {
        let name = self.name(self.key);
        let key = self.row.try_get::<Uuid, _>(&*name).map(|id| id.to_string());
        let key = key.or_else(|_| self.row.try_get::<String, _>(&*name));
        error::corrupt(self.table, column, &key.unwrap_or_default())
    }

    fn refused<E: fmt::Display>(&self, column: &str, reason: E) -> RepositoryError {
        self.corrupt(column).with_source(reason.to_string())
    }

    fn name<'n>(&self, column: &'n str) -> Cow<'n, str> {
        if self.prefix.is_empty() { Cow::Borrowed(column) } else { Cow::Owned([self.prefix, column].concat()) }
    }

    /// A column as it is.
    pub(crate) fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, column: &str) -> Stored<T> {
        self.row.try_get(&*self.name(column)).map_err(|e| self.corrupt(column).with_source(e))
    }

    /// A text that names a value.
    pub(crate) fn parse<T: FromStr<Err: fmt::Display>>(&self, column: &str) -> Stored<T> {
        self.get::<&str>(column)?.parse().map_err(|e| self.refused(column, e))
    }

    /// The same, where it may be null.
    pub(crate) fn parse_opt<T: FromStr<Err: fmt::Display>>(&self, column: &str) -> Stored<Option<T>> {
        let text = self.get::<Option<&str>>(column)?;
        text.map(str::parse).transpose().map_err(|e| self.refused(column, e))
    }

    /// A NUMERIC that is an amount, a quantity or a rate.
    pub(crate) fn decimal<T: TryFrom<Decimal, Error: fmt::Display>>(&self, column: &str) -> Stored<T> {
        T::try_from(self.get(column)?).map_err(|e| self.refused(column, e))
    }

    /// The same, where it may be null.
    pub(crate) fn decimal_opt<T: TryFrom<Decimal, Error: fmt::Display>>(&self, column: &str) -> Stored<Option<T>> {
        self.get::<Option<Decimal>>(column)?.map(T::try_from).transpose().map_err(|e| self.refused(column, e))
    }

    /// A bigint that counts.
    pub(crate) fn count(&self, column: &str) -> Stored<u64> {
        u64::try_from(self.get::<i64>(column)?).map_err(|e| self.refused(column, e))
    }

    /// An integer that counts.
    pub(crate) fn small_count(&self, column: &str) -> Stored<u32> {
        u32::try_from(self.get::<i32>(column)?).map_err(|e| self.refused(column, e))
    }

    /// A bigint that counts what is small in core.
    pub(crate) fn long_count(&self, column: &str) -> Stored<u32> {
        u32::try_from(self.get::<i64>(column)?).map_err(|e| self.refused(column, e))
    }

    /// Where something is, where `latitude` and `longitude` say so.
    pub(crate) fn coordinates(&self) -> Stored<Option<Coordinates>> {
        let (latitude, longitude) = (self.get::<Option<f64>>("latitude")?, self.get::<Option<f64>>("longitude")?);
        let point = latitude.zip(longitude).map(|(latitude, longitude)| Coordinates::new(latitude, longitude));
        point.transpose().map_err(|e| self.refused("latitude", e))
    }

    /// When to ask for coordinates again, where `geocoding_due` and `geocoding_failures` say so.
    pub(crate) fn geocoding(&self) -> Stored<Option<GeocodingDue>> {
        let Some(due) = self.get("geocoding_due")? else { return Ok(None) };
        Ok(Some(GeocodingDue { due, failures: self.long_count("geocoding_failures")? }))
    }

    /// A sealed text.
    pub(crate) fn sealed(&self, column: &str) -> Stored<Sealed> {
        self.get(column).map(Sealed::from_bytes)
    }

    /// The same, where it may be null.
    pub(crate) fn sealed_opt(&self, column: &str) -> Stored<Option<Sealed>> {
        Ok(self.get::<Option<Vec<u8>>>(column)?.map(Sealed::from_bytes))
    }

    /// A keyed hash, where it may be null.
    pub(crate) fn blind_opt(&self, column: &str) -> Stored<Option<Blind>> {
        let bytes = self.get::<Option<&'r [u8]>>(column)?;
        bytes.map(|b| b.try_into().map(Blind::from_bytes)).transpose().map_err(|e| self.refused(column, e))
    }

    /// Keyed hashes.
    pub(crate) fn blinds(&self, column: &str) -> Stored<Vec<Blind>> {
        let all = self.get::<Vec<Vec<u8>>>(column)?.into_iter();
        let blind = |bytes: Vec<u8>| <[u8; 32]>::try_from(bytes).map(Blind::from_bytes);
        all.map(blind).collect::<Result<_, _>>().map_err(|_| self.corrupt(column))
    }

    /// A keyed hash.
    pub(crate) fn blind(&self, column: &str) -> Stored<Blind> {
        self.blind_opt(column)?.ok_or_else(|| self.corrupt(column))
    }
}
