//! Errors that every area shares: what a port may answer, and what a parser refuses.

use std::error::Error;
use std::fmt;

/// A text that is none of the values a closed list has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not a {what}")]
pub struct ParseError {
    /// What was expected.
    pub what: &'static str,
    /// The refused text, cut at 64 characters.
    pub input: String,
}

impl ParseError {
    /// `input` is not a `what`.
    #[must_use]
    pub fn new(what: &'static str, input: &str) -> Self {
        Self { what, input: input.chars().take(64).collect() }
    }
}

/// What kind of failure a port met.
///
/// Closed on purpose: a caller decides by it, so a new kind is a breaking change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepositoryErrorKind {
    /// Another writer was in the way for longer than the adapter tries by itself. Nothing
    /// was written.
    Conflict,
    /// A value that must be unique is taken. Nothing was written.
    AlreadyExists {
        /// The name of the constraint, the same on every backend (`store_products.sku`).
        constraint: &'static str,
    },
    /// The backend or the adapter's own queue has no room, or the deadline passed while
    /// waiting for a turn. Nothing was written; try again later.
    Busy,
    /// The backend cannot be reached. Nothing was written.
    Unavailable,
    /// The request left but its answer was lost: it may have been done, may be done later,
    /// or never. Ask again, or compensate in a way that is safe either way.
    OutcomeUnknown,
    /// The request is larger than the backend can do at once. Nothing was written.
    LimitExceeded {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        max: u64,
    },
    /// A cursor that this list did not give out. Nothing was read.
    InvalidCursor,
    /// Stored data makes no sense; the source names table, column and row.
    Corrupt,
    /// Anything else: a fault in the adapter or its configuration.
    Backend,
}

/// What a port answers when it can neither do nor decide what was asked.
///
/// Decisions ("short", "taken", "stale") are results, never errors.
pub struct RepositoryError {
    kind: RepositoryErrorKind,
    context: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl RepositoryError {
    /// An error of `kind`; `context` says what was being done, without personal data.
    #[must_use]
    pub fn new(kind: RepositoryErrorKind, context: impl Into<String>) -> Self {
        Self { kind, context: context.into(), source: None }
    }

    /// The same, caused by `source`.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> &RepositoryErrorKind {
        &self.kind
    }

    /// Whether the same call may succeed later, and repeating it is safe: nothing was
    /// written. [`OutcomeUnknown`](RepositoryErrorKind::OutcomeUnknown) is not: ask first.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            RepositoryErrorKind::Conflict | RepositoryErrorKind::Busy | RepositoryErrorKind::Unavailable
        )
    }

    /// Whether the write may have happened all the same.
    #[must_use]
    pub const fn is_outcome_unknown(&self) -> bool {
        matches!(self.kind, RepositoryErrorKind::OutcomeUnknown)
    }
}

/// How many rows more than asked for a list of what is due reads, so that those which cannot be read
/// ([`readable`]) keep no others from their turn, unless there are more of them.
pub const ROOM_FOR_UNREADABLE: u32 = 100;

/// The first `limit` rows of a list for recovery that can be read. One that makes no sense (an effect
/// that a newer process knows, a hand-made change) is left out and logged. Other errors stay errors.
///
/// # Errors
/// The first error that is not [`RepositoryErrorKind::Corrupt`].
pub fn readable<T>(found: impl IntoIterator<Item = Stored<T>>, limit: u32) -> Stored<Vec<T>> {
    let makes_sense = |row: &Stored<T>| match row {
        Err(error) if error.kind == RepositoryErrorKind::Corrupt => {
            tracing::error!(%error, "a row is left out of recovery");
            false
        }
        _ => true,
    };
    found.into_iter().filter(makes_sense).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
}

impl fmt::Display for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RepositoryErrorKind as K;
        match &self.kind {
            K::Conflict => f.write_str("conflicting writes"),
            K::AlreadyExists { constraint } => write!(f, "`{constraint}` is taken"),
            K::Busy => f.write_str("too busy, nothing was written"),
            K::Unavailable => f.write_str("storage cannot be reached"),
            K::OutcomeUnknown => f.write_str("the answer was lost, the outcome is unknown"),
            K::LimitExceeded { what, max } => write!(f, "more than {max} {what}"),
            K::InvalidCursor => f.write_str("a cursor that this list did not give out"),
            K::Corrupt => f.write_str("stored data makes no sense"),
            K::Backend => f.write_str("storage failed"),
        }?;
        if self.context.is_empty() { Ok(()) } else { write!(f, " ({})", self.context) }
    }
}

impl fmt::Debug for RepositoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepositoryError")
            .field("kind", &self.kind)
            .field("context", &self.context)
            .field("source", &self.source)
            .finish()
    }
}

impl Error for RepositoryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// What a port method returns.
pub type Stored<T> = Result<T, RepositoryError>;
