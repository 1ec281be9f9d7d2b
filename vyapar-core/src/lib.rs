//! The core of vyapar: entities, rules, services and ports.
//!
//! No database, no HTTP, no runtime: storage, payment gateways, time, randomness and keys
//! come in from outside. Code is cut by area, and an area has the same name in every crate.

pub mod access;
pub mod actor;
pub mod contact;
pub mod customer;
pub mod env;
pub mod error;
pub mod geo;
pub mod id;
pub mod identity;
pub mod india;
pub mod inventory;
pub mod money;
pub mod order;
pub mod page;
pub mod payment;
pub mod ports;
pub mod pricing;
pub mod quantity;
pub mod reseal;
pub mod secret;
pub mod store;
pub mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod text;
mod text_enum;
pub mod time;
mod vyapar;

pub use actor::{Actor, Decision, Membership, Party, RequestContext, StoreRole, Subject};
pub use env::Env;
pub use error::{ParseError, RepositoryError, RepositoryErrorKind, Stored};
pub use id::{
    AddressId, AuditId, CustomerId, HistoryId, InvitationId, MovementId, OperationId, OrderId, OrderItemId,
    OrderNumber, OtpId, PaymentId, ProductId, RefundId, ReservationId, ReviewId, SessionId, StoreId, StoreUserId,
    TrackingId, UserId,
};
pub use money::Money;
pub use page::{AllStores, Cursor, Page, PageRequest};
pub use ports::Ports;
pub use quantity::{Quantity, QuantityDelta, StockUnit};
pub use secret::{Blind, KeyRing, Sealed, SecretKey};
pub use time::Timestamp;
pub use vyapar::{Vyapar, VyaparBuilder};
