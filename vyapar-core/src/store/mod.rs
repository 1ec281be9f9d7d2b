//! Stores: registration, profile, status (`stores`); who works in them (`store_users`).
//!
//! A store is the tenant of the library: whatever belongs to one is reached only through its
//! [`StoreId`](crate::StoreId). Here are also its members, its opening hours, what its customers
//! gave it, where it delivers, and the search for stores nearby.

mod checks;
mod delivery;
mod entity;
mod error;
mod hours;
mod member;
mod nearby;
mod ports;
mod rating;
mod service;
pub(crate) mod staff;

pub use checks::StoreWarning;
pub use delivery::{DeliveryCheck, DeliveryRefusal};
pub use entity::{NewStore, PublicStore, Slug, Store, StoreContact, StoreProfile, StoreStatus, StoreType};
pub use error::StoreError;
pub use hours::{BusinessHours, DayHours, HoursError, MAX_EXCEPTIONS, MAX_INTERVALS, OpenInterval, TimeOfDay};
pub use member::{Invitation, StoreUser};
pub use nearby::{NearbyPosition, NearbyQuery, NearbyStore};
pub use ports::{
    AcceptOutcome, InvitationRepository, MAX_MEMBERSHIPS, MemberOutcome, StoreCounters, StoreFilter, StorePorts,
    StoreRepository, StoreSearch, StoreUserRepository, UpdateOutcome,
};
#[cfg(feature = "testing")]
pub use ports::{
    MockInvitationRepository, MockStoreCounters, MockStoreRepository, MockStoreSearch, MockStoreUserRepository,
};
pub use rating::{Rating, RatingError, ReviewRating, Stars};
pub use service::{
    CentreSource, MAX_SEARCH_KM, Nearby, NearbyError, NearbyFilter, NearbyPage, Origin, StoreService, UpdateStore,
};
pub use staff::{Invite, Invited, StaffService};
