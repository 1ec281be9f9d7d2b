//! Group commit: calls of many callers go into one transaction, each answered on its own.
//!
//! A call starts at once when its [`Lane`] is idle. While a transaction is under way, calls
//! queue; when it ends, all that wait go into the next one together. So nobody ever waits for
//! company, and the busier the database, the larger the batches: the price of a transaction
//! (round trip, planning, flushing the log) is paid once for all of them.
//!
//! - Calls are decided in the order of their arrival. Two batches under way at the same time
//!   share no [`Key`], so they never wait for each other's rows; but for levels that both take
//!   last, after all that they write besides.
//! - Rows that somebody else has locked (another process, a person with `psql`) stop only the
//!   calls that need them: those go into a batch that waits for that one row, beside the others.
//! - A batch that fails is done again call by call, so that one of them never spoils the
//!   others. Only a lost connection leaves all of its calls, and no other, with an unknown
//!   outcome.
//! - A writer with nothing more to do rests for some milliseconds with its connection, so that a
//!   busy adapter works on few backends that have everything at hand. It does not begin to rest
//!   where the pool has no other connection to give.
//! - A caller that goes away while it queues takes its call with it; one that goes away later
//!   loses only its answer.

mod lane;
mod options;
mod queue;
mod statistics;
mod turn;

pub(crate) use lane::{Lane, Reply, Work};
pub use options::Gathering;
pub(crate) use queue::Key;
pub(crate) use statistics::Counter;
pub use statistics::{GatherStatistics, LaneStatistics};
