//! Codes of goods and services.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

/// An HSN or SAC code: 4, 6 or 8 digits, kept as text (`0405` keeps its zero).
///
/// A chapter (2 digits) is no code of goods, and 3, 5 or 7 digits have lost their leading zero:
/// which one cannot be known, so they are refused.
///
/// ```
/// use vyapar_core::india::HsnCode;
///
/// let butter: HsnCode = " 0405 ".parse()?;
/// assert_eq!(butter.as_str(), "0405");
/// assert_eq!(butter.chapter(), "04");
/// assert!("04051000".parse::<HsnCode>()?.is_within(&butter));
/// for refused in ["", "04", "405", "4051000", "040510001", "04O5", "0405 10"] {
///     assert!(refused.parse::<HsnCode>().is_err());
/// }
/// # Ok::<(), vyapar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HsnCode(String);
text_type!(HsnCode);

impl HsnCode {
    /// Its first two digits; 99 is services.
    #[must_use]
    pub fn chapter(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// Whether it is `wider` or a subdivision of it.
    #[must_use]
    pub fn is_within(&self, wider: &Self) -> bool {
        self.0.starts_with(&wider.0)
    }
}

impl FromStr for HsnCode {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let s = s.trim();
        if matches!(s.len(), 4 | 6 | 8) && s.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(s.to_owned()))
        } else {
            Err(ParseError::new("HSN code", s))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsn_codes() {
        assert_eq!("0405".parse::<HsnCode>().unwrap().as_str(), "0405");
        for bad in ["405", "04050", "04O5", "", "०४०५"] {
            assert!(bad.parse::<HsnCode>().is_err(), "{bad}");
        }
        assert!(!"0406".parse::<HsnCode>().unwrap().is_within(&"0405".parse().unwrap()));
    }
}
