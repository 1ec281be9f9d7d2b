//! Rows as the functions of the schema take them: arrays of its composite types, in
//! PostgreSQL's binary format. Columns go by position and carry their exact type.

use rust_decimal::Decimal;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Postgres, Type};
use uuid::Uuid;
use vyapar_core::Timestamp;

/// A value that is written as a row of one of the schema's composite types.
pub(crate) trait Wire {
    /// The type's name.
    const TYPE: &'static str;

    /// Writes the columns, in the order of the type.
    fn columns(&self, row: &mut Columns<'_>) -> Result<(), BoxDynError>;
}

/// Rows of one type, as an argument.
pub(crate) struct Rows<'r, T>(pub(crate) &'r [T]);

impl<T: Wire> Type<Postgres> for Rows<'_, T> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::array_of(T::TYPE)
    }
}

impl<T: Wire> Encode<'_, Postgres> for Rows<'_, T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let rows: Vec<One<'_, T>> = self.0.iter().map(One).collect();
        <&[One<'_, T>] as Encode<'_, Postgres>>::encode_by_ref(&rows.as_slice(), buffer)
    }
}

/// One row.
struct One<'r, T>(&'r T);

impl<T: Wire> Type<Postgres> for One<'_, T> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name(T::TYPE)
    }
}

impl<T: Wire> Encode<'_, Postgres> for One<'_, T> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let start = buffer.len();
        buffer.extend(0_u32.to_be_bytes());
        let mut columns = Columns { buffer, count: 0 };
        self.0.columns(&mut columns)?;
        let count = columns.count;
        patch(buffer, start, count)?;
        Ok(IsNull::No)
    }
}

fn patch(buffer: &mut PgArgumentBuffer, at: usize, value: u32) -> Result<(), BoxDynError> {
    let place = buffer.get_mut(at..at + 4).ok_or("the argument buffer shrank")?;
    place.copy_from_slice(&value.to_be_bytes());
    Ok(())
}

/// The columns of one row, being written.
pub(crate) struct Columns<'b> {
    buffer: &'b mut PgArgumentBuffer,
    count: u32,
}

impl Columns<'_> {
    /// A column of any type that sqlx knows, under that type.
    fn typed<'q, T: Encode<'q, Postgres>>(&mut self, oid: u32, value: Option<T>) -> Result<&mut Self, BoxDynError> {
        self.buffer.extend(oid.to_be_bytes());
        let start = self.buffer.len();
        self.buffer.extend((-1_i32).to_be_bytes());
        if let Some(value) = value {
            let _ = value.encode(self.buffer)?;
            let length = u32::try_from(self.buffer.len() - start - 4)?;
            patch(self.buffer, start, length)?;
        }
        self.count += 1;
        Ok(self)
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> Result<&mut Self, BoxDynError> {
        self.typed(UUID, Some(value))
    }

    pub(crate) fn uuid_opt(&mut self, value: Option<Uuid>) -> Result<&mut Self, BoxDynError> {
        self.typed(UUID, value)
    }

    pub(crate) fn varchar(&mut self, value: &str) -> Result<&mut Self, BoxDynError> {
        self.typed(VARCHAR, Some(value))
    }

    pub(crate) fn varchar_opt(&mut self, value: Option<&str>) -> Result<&mut Self, BoxDynError> {
        self.typed(VARCHAR, value)
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) -> Result<&mut Self, BoxDynError> {
        self.typed(BYTEA, Some(value))
    }

    pub(crate) fn bytes_opt(&mut self, value: Option<&[u8]>) -> Result<&mut Self, BoxDynError> {
        self.typed(BYTEA, value)
    }

    pub(crate) fn numeric(&mut self, value: impl Into<Decimal>) -> Result<&mut Self, BoxDynError> {
        self.typed(NUMERIC, Some(value.into()))
    }

    pub(crate) fn integer(&mut self, value: i32) -> Result<&mut Self, BoxDynError> {
        self.typed(INTEGER, Some(value))
    }

    pub(crate) fn bigint(&mut self, value: i64) -> Result<&mut Self, BoxDynError> {
        self.typed(BIGINT, Some(value))
    }

    pub(crate) fn boolean(&mut self, value: bool) -> Result<&mut Self, BoxDynError> {
        self.typed(BOOLEAN, Some(value))
    }

    pub(crate) fn time(&mut self, value: Timestamp) -> Result<&mut Self, BoxDynError> {
        self.typed(TIMESTAMPTZ, Some(value))
    }

    pub(crate) fn time_opt(&mut self, value: Option<Timestamp>) -> Result<&mut Self, BoxDynError> {
        self.typed(TIMESTAMPTZ, value)
    }

    pub(crate) fn json_opt<T: serde::Serialize>(&mut self, value: Option<T>) -> Result<&mut Self, BoxDynError> {
        self.buffer.extend(JSONB.to_be_bytes());
        let start = self.buffer.len();
        self.buffer.extend((-1_i32).to_be_bytes());
        if let Some(value) = value {
            // The format's version.
            self.buffer.push(1);
            serde_json::to_writer(&mut **self.buffer, &value)?;
            let length = u32::try_from(self.buffer.len() - start - 4)?;
            patch(self.buffer, start, length)?;
        }
        self.count += 1;
        Ok(self)
    }

    pub(crate) fn uuids(&mut self, values: &[Uuid]) -> Result<&mut Self, BoxDynError> {
        self.typed(UUIDS, Some(values))
    }

    pub(crate) fn numerics(&mut self, values: &[Decimal]) -> Result<&mut Self, BoxDynError> {
        self.typed(NUMERICS, Some(values))
    }
}

// The built-in types' numbers, fixed for all time (src/include/catalog/pg_type.dat).
const BOOLEAN: u32 = 16;
const BYTEA: u32 = 17;
const BIGINT: u32 = 20;
const INTEGER: u32 = 23;
const VARCHAR: u32 = 1043;
const TIMESTAMPTZ: u32 = 1184;
const NUMERIC: u32 = 1700;
const NUMERICS: u32 = 1231;
const UUID: u32 = 2950;
const UUIDS: u32 = 2951;
const JSONB: u32 = 3802;
