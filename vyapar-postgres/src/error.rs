//! The only place that turns sqlx's errors into ours.

use sqlx::error::DatabaseError;
use vyapar_core::{Quantity, RepositoryError, RepositoryErrorKind as Kind};

/// What the failed statement would have done, which decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Intent {
    Read,
    Write,
}

/// Unique constraints that callers know, by their name in the schema.
const UNIQUE: [(&str, &str); 10] = [
    ("stores_pkey", "stores.id"),
    ("stores_store_id", "stores.store_id"),
    ("store_products_pkey", "store_products.id"),
    ("store_products_sku", "store_products.sku"),
    ("audit_logs_pkey", "audit_logs.id"),
    ("users_pkey", "users.id"),
    ("users_email", "users.email"),
    ("users_phone", "users.phone"),
    ("permissions_pkey", "permissions.permission_id"),
    ("roles_pkey", "roles.role_id"),
];

/// A failure before anything was sent.
pub(crate) fn connecting(error: sqlx::Error, context: &'static str) -> RepositoryError {
    let kind = match &error {
        sqlx::Error::PoolTimedOut => Kind::Busy,
        sqlx::Error::Database(database) => refused(database.as_ref(), Kind::Unavailable),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => Kind::Backend,
        _ => Kind::Unavailable,
    };
    RepositoryError::new(kind, context).with_source(error)
}

/// A failure of a statement that was, or may have been, sent.
pub(crate) fn running(error: sqlx::Error, intent: Intent, context: &'static str) -> RepositoryError {
    let lost = match intent {
        Intent::Read => Kind::Unavailable,
        Intent::Write => Kind::OutcomeUnknown,
    };
    let kind = match &error {
        sqlx::Error::Database(database) => refused(database.as_ref(), lost),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => lost,
        sqlx::Error::PoolTimedOut => Kind::Busy,
        sqlx::Error::PoolClosed => Kind::Unavailable,
        _ => Kind::Backend,
    };
    RepositoryError::new(kind, context).with_source(error)
}

/// What a SQLSTATE means. A statement that the server refused has written nothing.
fn refused(error: &dyn DatabaseError, lost: Kind) -> Kind {
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        "23505" => match UNIQUE.iter().find(|(name, _)| error.constraint() == Some(*name)) {
            Some((_, constraint)) => Kind::AlreadyExists { constraint },
            None => Kind::Conflict,
        },
        "23514" if error.constraint() == Some("stock_levels_on_hand") => {
            let max = u64::try_from(Quantity::MAX.thousandths() / 1000).unwrap_or(u64::MAX);
            Kind::LimitExceeded { what: "stock", max }
        }
        // A rule of the schema stopped what the stored rows led to: they are wrong.
        "23514" | "VY001" => Kind::Corrupt,
        // Serialization failure, deadlock.
        "40001" | "40P01" => Kind::Conflict,
        // Lock timeout, statement timeout or cancel, too many of something.
        "55P03" | "57014" => Kind::Busy,
        _ if is_full(error) => Kind::Busy,
        // Server shutting down or crashed: the statement may have been committed before.
        "57P01" | "57P02" => lost,
        // Starting up; a standby that takes no writes; a login or a database that is refused,
        // which is nothing that the caller did.
        "57P03" | "25006" => Kind::Unavailable,
        code if code.starts_with("28") || code.starts_with("3D") => Kind::Unavailable,
        // Nothing was done, and the next connection knows better.
        _ if of_an_old_plan(error) => Kind::Unavailable,
        code if code.starts_with("08") => lost,
        _ => Kind::Backend,
    }
}

/// "Cached plan must not change result type", and what is said in its place of a composite type or
/// in a function: a migration has changed what the connection has prepared statements for. Both
/// codes have other causes too, told apart by where the server says so.
fn of_an_old_plan(error: &dyn DatabaseError) -> bool {
    let code = error.code().unwrap_or_default();
    let file = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().and_then(|error| error.file());
    matches!((code.as_ref(), file), ("0A000", Some("plancache.c")) | ("42804", Some("execExprInterp.c" | "pl_exec.c")))
}

/// Whether the connection will go on failing, because its statements are older than the schema.
pub(crate) fn is_outdated(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(of_an_old_plan)
}

/// Class 53: insufficient resources (too many connections, disk full, out of memory).
fn is_full(error: &dyn DatabaseError) -> bool {
    error.code().is_some_and(|code| code.starts_with("53"))
}

/// A call that gave no answer within its time. A write may still happen.
pub(crate) fn timed_out(intent: Intent, context: &'static str) -> RepositoryError {
    let kind = match intent {
        Intent::Read => Kind::Busy,
        Intent::Write => Kind::OutcomeUnknown,
    };
    RepositoryError::new(kind, context)
}

/// More of something than a call may carry.
pub(crate) fn too_many(what: &'static str, max: usize) -> RepositoryError {
    let max = u64::try_from(max).unwrap_or(u64::MAX);
    RepositoryError::new(Kind::LimitExceeded { what, max }, "")
}

/// A new row whose own store is not the one it was given for.
pub(crate) fn foreign(context: &'static str) -> RepositoryError {
    RepositoryError::new(Kind::Backend, format!("{context}: a row of another store"))
}

/// A position that no list gave out.
pub(crate) fn malformed(list: &str) -> RepositoryError {
    RepositoryError::new(Kind::InvalidCursor, format!("a malformed position in `{list}`"))
}

/// An answer of a function of the schema that it does not give.
pub(crate) fn unclear(function: &'static str) -> RepositoryError {
    RepositoryError::new(Kind::Backend, format!("an answer of {function}"))
}

/// A row that makes no sense.
pub(crate) fn corrupt(table: &str, column: &str, row: &str) -> RepositoryError {
    RepositoryError::new(Kind::Corrupt, format!("{table}.{column} of row {row}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(error: sqlx::Error, intent: Intent) -> Kind {
        running(error, intent, "").kind().clone()
    }

    #[test]
    fn a_lost_answer_is_unknown_only_for_writes() {
        let lost = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert_eq!(kind(lost(), Intent::Write), Kind::OutcomeUnknown);
        assert_eq!(kind(lost(), Intent::Read), Kind::Unavailable);
        assert_eq!(connecting(lost(), "").kind(), &Kind::Unavailable);
        assert_eq!(kind(sqlx::Error::PoolTimedOut, Intent::Write), Kind::Busy);
    }
}
