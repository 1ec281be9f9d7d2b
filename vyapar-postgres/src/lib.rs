//! The PostgreSQL adapter of vyapar: every port, on sqlx.
//!
//! ```no_run
//! # async fn start() -> Result<(), vyapar_core::RepositoryError> {
//! let postgres = vyapar_postgres::Postgres::connect("postgres://app@localhost/shop").await?;
//! postgres.migrate().await?;
//! let ports = postgres.ports();
//! # Ok(()) }
//! ```
//!
//! - Everything lives in schema `vyapar`, with a migration table of its own: a host's own
//!   tables and sqlx migrations stay untouched. The files in `migrations/` can be run by
//!   hand; [`MIGRATOR`] is what [`Postgres::migrate`] runs.
//! - Every statement runs as role `vyapar_app`, which row-level security binds to the stores
//!   that its transaction names. The login needs membership: whoever migrates gets it, for
//!   another login run `grant vyapar_app to …`.
//! - Accounts, sessions and grants are bound to the user that a transaction names, or to a flag
//!   that only look-ups and writes of accounts set; no store and no customer reaches them.
//! - Customers and their addresses are bound to the customer that a transaction names; sweeps over
//!   all stores read them.
//! - Role `vyapar_public` reads the views `public_stores` and `public_products` and nothing
//!   else: grant it to a login that serves the public.
//! - Writes that one transaction must cover are plpgsql functions: one call, one round trip.
//! - Concurrent calls share transactions, each answered on its own ([`Gathering`],
//!   [`Postgres::gathered`]); a batch is a `tracing` span at debug level. Batches run on tasks of
//!   a caller's tokio runtime; an idle adapter has none. Between two batches such a task keeps its
//!   connection for up to 5 ms, if the pool has another one to give when it begins to.
//! - A wait for a lock or a connection ends at the deadline ([`Postgres::with_deadline`])
//!   with `Busy` and nothing written. [`Postgres::connect`] bounds whole statements at 5 s as
//!   well; a host that brings its own pool sets `statement_timeout` itself. Verifying a store's stock
//!   reads all of its movements: each of its statements may take sixty deadlines.
//! - Nothing is decided by the server's clock: `now` comes with each call.

mod access;
mod catalogue;
mod customer;
mod database;
mod encode;
mod error;
mod gather;
mod identity;
mod inventory;
mod migrate;
mod order;
mod payment;
mod row;
mod sealed;
mod store;
mod system;
mod wire;

pub use database::Postgres;
pub use gather::{GatherStatistics, Gathering, LaneStatistics};
pub use migrate::MIGRATOR;
/// The pool that [`Postgres::from_pool`] takes: sqlx's, of the version used here.
pub use sqlx::PgPool;
