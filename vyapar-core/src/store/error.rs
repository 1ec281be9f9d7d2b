//! Why a store was not registered or changed.

use crate::error::RepositoryError;
use crate::id::{StoreId, UserId};
use crate::india::{Gstin, StateCode};
use crate::secret::SecretError;
use crate::store::StoreStatus;

/// Why a store was not registered or changed. Refusals write nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No such store, or not this actor's to see.
    #[error("no store `{0}`")]
    NotFound(StoreId),
    /// The actor may see it but not do this.
    #[error("not allowed to {0}")]
    Forbidden(&'static str),
    /// A text that is empty or too long.
    #[error("{field} needs 1 to {max} characters, this one has {length}")]
    Text {
        /// Which text.
        field: &'static str,
        /// Most characters.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// A text with a control character.
    #[error("{field} has a control character in it")]
    Control {
        /// Which text.
        field: &'static str,
    },
    /// A radius, amount or time out of its range.
    #[error("{field} is `{value}`, which is not {range}")]
    OutOfRange {
        /// Which value.
        field: &'static str,
        /// The refused value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A GST number of another state.
    #[error("GSTIN `{gstin}` is not of the store's state {state}")]
    GstinOfAnotherState {
        /// The number.
        gstin: Gstin,
        /// The store's state.
        state: StateCode,
    },
    /// No such user, or one that may not sign in.
    #[error("no active user `{0}`")]
    NoUser(UserId),
    /// The user does not work in the store.
    #[error("user `{0}` does not work in the store")]
    NoMember(UserId),
    /// The user works in the store already.
    #[error("user `{0}` works in the store already")]
    AlreadyMember(UserId),
    /// The user works in as many stores as one can.
    #[error("user `{user}` works in {max} stores already, which is the most")]
    TooManyStores {
        /// Who.
        user: UserId,
        /// In how many one can.
        max: usize,
    },
    /// Owners have everything.
    #[error("an owner cannot be denied anything")]
    OwnerDenied,
    /// A store always keeps an owner.
    #[error("the store would have no owner left")]
    LastOwner,
    /// What was to be handed out is more than who hands it out has.
    #[error("only what one has oneself can be handed out, and not to whom stands as high: {0}")]
    NotYours(String),
    /// An invitation that is unknown, used, withdrawn, expired, or for somebody else.
    #[error("the invitation does not count: it is unknown, used, withdrawn, expired or for somebody else")]
    NoInvitation,
    /// Not a move that this status has.
    #[error("a store that is {from} cannot become {to}")]
    NotAllowed {
        /// Where it stands.
        from: StoreStatus,
        /// Where it should go.
        to: StoreStatus,
    },
    /// The host has no geocoder.
    #[error("there is no geocoder to ask")]
    NoGeocoder,
    /// Somebody changed it since it was read.
    #[error("the store was changed: it is at version {stored} now, not {expected}")]
    Changed {
        /// The version that was read.
        expected: u64,
        /// The version it has now.
        stored: u64,
    },
    /// Someone else changed it at the same time, again and again.
    #[error("the store changed at the same time; try again")]
    Concurrent,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
    /// Personal data could not be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}
