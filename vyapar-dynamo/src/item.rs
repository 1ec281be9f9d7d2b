//! Items: writing attributes, and reading them back with an error that says where stored
//! data makes no sense.
//!
//! Numbers are DynamoDB's exact decimals (`N`), written from and read into the kernel's exact
//! types; no float is ever in between. Times are text of a fixed width, so that they sort as
//! text the way they do in time.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use chrono::SecondsFormat;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::secret::{Blind, Sealed};
use vyapar_core::time::Timestamp;

/// An item as the SDK has it.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// Text.
pub(crate) fn text(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// An exact decimal; `Display` of the kernel's numbers is plain digits.
pub(crate) fn number(value: impl Display) -> AttributeValue {
    // A delta prints `+3` for people; DynamoDB wants `3`.
    AttributeValue::N(value.to_string().trim_start_matches('+').to_owned())
}

/// An instant: `2026-11-23T14:25:54.000000Z`.
pub(crate) fn time(value: Timestamp) -> AttributeValue {
    AttributeValue::S(time_text(value))
}

/// The text of an instant, as keys carry it.
pub(crate) fn time_text(value: Timestamp) -> String {
    value.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Bytes.
pub(crate) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// When the service may delete an item, in Unix seconds: never before `at`.
pub(crate) fn ttl(at: Timestamp) -> AttributeValue {
    number(at.timestamp().saturating_add(1))
}

/// Keyed hashes in their order.
pub(crate) fn blinds(values: &[Blind]) -> AttributeValue {
    AttributeValue::L(values.iter().map(|value| bytes(value.as_bytes())).collect())
}

/// JSON as text: exact for whatever serde writes, and never queried.
pub(crate) fn json(value: &impl Serialize) -> Stored<AttributeValue> {
    serde_json::to_string(value)
        .map(AttributeValue::S)
        .map_err(|error| RepositoryError::new(RepositoryErrorKind::Backend, "writing JSON").with_source(error))
}

/// An item in the making.
#[derive(Debug, Default)]
pub(crate) struct ItemBuilder(Attributes);

impl ItemBuilder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One that will have about so many attributes: for items written by the thousand.
    pub(crate) fn with_room(attributes: usize) -> Self {
        Self(Attributes::with_capacity(attributes))
    }

    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Leaves the attribute out where there is nothing to say: an absent attribute is how
    /// items spell `None`, and what keeps sparse indexes sparse.
    pub(crate) fn maybe(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn extend(mut self, more: Attributes) -> Self {
        self.0.extend(more);
        self
    }

    pub(crate) fn build(self) -> Attributes {
        self.0
    }
}

/// What the tables' keys are called.
const ROW_KEYS: &[&str] = &[
    "store_id",
    "user_id",
    "product_id",
    "reservation_id",
    "id",
    "log",
    "seq",
    "store_product",
    "permission_id",
    "role_id",
    "assignment_id",
];

/// An item being read: knows its table and row for the error that names them.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'static str,
    item: &'a Attributes,
}

impl<'a> Row<'a> {
    pub(crate) const fn new(table: &'static str, item: &'a Attributes) -> Self {
        Self { table, item }
    }

    /// The row's table, column and keys, none of which is personal data.
    pub(crate) fn corrupt(&self, column: &str) -> RepositoryError {
        let mut keys: Vec<String> = ROW_KEYS
            .iter()
            .filter_map(|key| match self.item.get(*key)? {
                AttributeValue::S(value) | AttributeValue::N(value) => Some(format!("{key} {value}")),
                _ => None,
            })
            .collect();
        keys.sort();
        RepositoryError::new(
            RepositoryErrorKind::Corrupt,
            format!("table {}, column {column}, row {}", self.table, keys.join(", ")),
        )
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.item.contains_key(name)
    }

    fn get(&self, name: &str) -> Stored<&'a AttributeValue> {
        self.item.get(name).ok_or_else(|| self.corrupt(name))
    }

    /// Text or a number, as written.
    pub(crate) fn str(&self, name: &str) -> Stored<&'a str> {
        match self.get(name)? {
            AttributeValue::S(value) | AttributeValue::N(value) => Ok(value),
            _ => Err(self.corrupt(name)),
        }
    }

    /// Text or a number, parsed into the type that may not be malformed.
    pub(crate) fn parse<T: FromStr>(&self, name: &str) -> Stored<T> {
        self.str(name)?.parse().map_err(|_| self.corrupt(name))
    }

    pub(crate) fn maybe_parse<T: FromStr>(&self, name: &str) -> Stored<Option<T>> {
        if self.has(name) { self.parse(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn string(&self, name: &str) -> Stored<String> {
        self.str(name).map(str::to_owned)
    }

    pub(crate) fn maybe_string(&self, name: &str) -> Stored<Option<String>> {
        if self.has(name) { self.string(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn flag(&self, name: &str) -> Stored<bool> {
        match self.get(name)? {
            AttributeValue::Bool(value) => Ok(*value),
            _ => Err(self.corrupt(name)),
        }
    }

    /// An exact decimal into a kernel type that checks it.
    pub(crate) fn decimal<T: TryFrom<rust_decimal::Decimal>>(&self, name: &str) -> Stored<T> {
        let value = rust_decimal::Decimal::from_str_exact(self.str(name)?).map_err(|_| self.corrupt(name))?;
        T::try_from(value).map_err(|_| self.corrupt(name))
    }

    pub(crate) fn bytes(&self, name: &str) -> Stored<&'a [u8]> {
        match self.get(name)? {
            AttributeValue::B(value) => Ok(value.as_ref()),
            _ => Err(self.corrupt(name)),
        }
    }

    pub(crate) fn sealed(&self, name: &str) -> Stored<Sealed> {
        self.bytes(name).map(|bytes| Sealed::from_bytes(bytes.to_vec()))
    }

    pub(crate) fn maybe_sealed(&self, name: &str) -> Stored<Option<Sealed>> {
        if self.has(name) { self.sealed(name).map(Some) } else { Ok(None) }
    }

    pub(crate) fn blind(&self, name: &str) -> Stored<Blind> {
        let bytes = <[u8; 32]>::try_from(self.bytes(name)?).map_err(|_| self.corrupt(name))?;
        Ok(Blind::from_bytes(bytes))
    }

    /// Keyed hashes in their order.
    pub(crate) fn blinds(&self, name: &str) -> Stored<Vec<Blind>> {
        let AttributeValue::L(values) = self.get(name)? else { return Err(self.corrupt(name)) };
        let blind = |value: &AttributeValue| match value {
            AttributeValue::B(value) => <[u8; 32]>::try_from(value.as_ref()).ok().map(Blind::from_bytes),
            _ => None,
        };
        values.iter().map(|value| blind(value).ok_or_else(|| self.corrupt(name))).collect()
    }

    /// A set of texts; an absent one is empty, because the service stores no empty set.
    pub(crate) fn texts(&self, name: &str) -> Stored<&'a [String]> {
        match self.item.get(name) {
            None => Ok(&[]),
            Some(AttributeValue::Ss(values)) => Ok(values),
            Some(_) => Err(self.corrupt(name)),
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, name: &str) -> Stored<T> {
        serde_json::from_str(self.str(name)?).map_err(|error| self.corrupt(name).with_source(error))
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, name: &str) -> Stored<Option<T>> {
        if self.has(name) { self.json(name).map(Some) } else { Ok(None) }
    }

    /// A map, read as a row of the same table.
    pub(crate) fn map(&self, name: &str) -> Stored<Row<'a>> {
        match self.get(name)? {
            AttributeValue::M(item) => Ok(Row { table: self.table, item }),
            _ => Err(self.corrupt(name)),
        }
    }

    /// A list of maps; an absent list is empty.
    pub(crate) fn rows(&self, name: &str) -> Stored<Vec<Row<'a>>> {
        let Some(value) = self.item.get(name) else { return Ok(Vec::new()) };
        let AttributeValue::L(values) = value else { return Err(self.corrupt(name)) };
        values
            .iter()
            .map(|value| match value {
                AttributeValue::M(item) => Ok(Row { table: self.table, item }),
                _ => Err(self.corrupt(name)),
            })
            .collect()
    }
}
