//! The audit log of this adapter's own writes.
//!
//! An entry is an item of the transaction it tells of. Its key is a place in one of
//! [`LOGS`](crate::keys::LOGS) logs: a number that a writer takes without asking anyone,
//! and that the transaction gets only if nobody has it. A reader goes through each log in
//! order; where a number is missing below one that is there, it *seals* the gap with an empty
//! item, after which the writer that had taken the number is refused and takes a later one.
//! So below a cursor every number is filled for good, and nothing can ever appear there.

mod codec;
mod feed;
mod list;
mod log;

pub(crate) use log::DynamoAudit;
