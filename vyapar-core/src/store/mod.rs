//! Stores: registration, profile, status (`stores`).
//!
//! A store is the tenant of the library: whatever belongs to one is reached only through its
//! [`StoreId`](crate::StoreId). Opening hours, members, verification and nearby search
//! belong to this area too and come later.

mod entity;
mod error;
mod ports;
mod service;

pub use entity::{NewStore, Slug, Store, StoreContact, StoreProfile, StoreStatus, StoreType};
pub use error::StoreError;
#[cfg(feature = "testing")]
pub use ports::MockStoreRepository;
pub use ports::{StoreFilter, StorePorts, StoreRepository, UpdateOutcome};
pub use service::StoreService;
