//! Indian identifiers: PIN codes, states, HSN codes, GST numbers (DOMAIN section 2).
//!
//! Each type is parsed once, holds its normal form and stays a text in storage and JSON. What is
//! unusual but possible (a PIN code of another state) is a warning to show, never an error.

/// What types that hold a normalised text share.
macro_rules! text_type {
    ($name:ident) => {
        impl $name {
            /// The normalised text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = crate::error::ParseError;
            fn try_from(s: String) -> Result<Self, Self::Error> {
                s.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

mod gstin;
mod hsn;
mod pin;
mod state;

pub use gstin::{Gstin, GstinKind};
pub use hsn::HsnCode;
pub use pin::{PinCode, PinWarning};
pub use state::StateCode;
