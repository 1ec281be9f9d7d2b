//! Why a customer's profile was not changed.

use crate::error::RepositoryError;
use crate::id::{AddressId, CustomerId, StoreId};
use crate::secret::SecretError;

/// Why a customer's profile was not changed. Refusals write nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustomerError {
    /// No such customer, erased, or not this actor's to see.
    #[error("no customer `{0}`")]
    NotFound(CustomerId),
    /// No such address of this customer.
    #[error("no address `{0}`")]
    NoAddress(AddressId),
    /// No such store, or one that does not sell.
    #[error("no store `{0}`")]
    NoStore(StoreId),
    /// The host has no geocoder.
    #[error("there is no geocoder to ask")]
    NoGeocoder,
    /// The actor may not do this.
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
    /// More than one customer keeps.
    #[error("at most {max} {what} are kept")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// Someone else changed it at the same time, again and again.
    #[error("the profile changed at the same time; try again")]
    Concurrent,
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
    /// Personal data could not be sealed or opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}
