//! The audit log: what critical operations changed, by whom, from where (`audit_logs`).
//!
//! Entries are written by the port that makes the change, in the same transaction; this area
//! only reads them. Settings, retention and erasure belong here too and come later.

mod audit;
mod ports;
mod service;

pub use audit::{AuditDraft, AuditEntry};
#[cfg(feature = "testing")]
pub use ports::MockAuditLog;
pub use ports::{AuditFilter, AuditLog, FeedPage, SystemPorts};
pub use service::{AuditError, AuditFeed, AuditService, FeedPosition};
