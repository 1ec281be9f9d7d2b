//! Stores: registration, profile, status (`stores`); who works in them (`store_users`).
//!
//! A store is the tenant of the library: whatever belongs to one is reached only through its
//! [`StoreId`](crate::StoreId). Its members (`store_users`) are here too. Opening hours,
//! verification and nearby search belong to this area and come later.

mod entity;
mod error;
mod member;
mod ports;
mod service;
pub(crate) mod staff;

pub use entity::{NewStore, Slug, Store, StoreContact, StoreProfile, StoreStatus, StoreType};
pub use error::StoreError;
pub use member::{Invitation, StoreUser};
pub use ports::{
    AcceptOutcome, InvitationRepository, MAX_MEMBERSHIPS, MemberOutcome, StoreFilter, StorePorts, StoreRepository,
    StoreUserRepository, UpdateOutcome,
};
#[cfg(feature = "testing")]
pub use ports::{MockInvitationRepository, MockStoreRepository, MockStoreUserRepository};
pub use service::StoreService;
pub use staff::{Invite, Invited, StaffService};
