//! Indian identifiers: PIN codes, states, HSN codes, GST numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

macro_rules! text_type {
    ($name:ident, $what:literal) => {
        impl $name {
            /// The normalised text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = ParseError;
            fn try_from(s: String) -> Result<Self, ParseError> {
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

/// A postal PIN code: six digits, the first not zero (India Post).
///
/// An inner space and Devanagari digits are normalised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinCode(String);
text_type!(PinCode, "PIN code");

impl FromStr for PinCode {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        const DEVANAGARI_ZERO: u32 = 0x0966;
        let digits: String = s
            .trim()
            .chars()
            .filter(|c| *c != ' ')
            .map(|c| match u32::from(c).checked_sub(DEVANAGARI_ZERO) {
                Some(digit @ 0..=9) => char::from_digit(digit, 10).unwrap_or(c),
                _ => c,
            })
            .collect();
        let good = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if good { Ok(Self(digits)) } else { Err(ParseError::new("PIN code", s)) }
    }
}

/// A state or union territory by its two-digit GST code (`07` Delhi, `27` Maharashtra).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StateCode(String);
text_type!(StateCode, "GST state code");

impl FromStr for StateCode {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let s = s.trim();
        // 01 to 38 are states and territories (25 and 28 merged away, still on old papers),
        // 97 is "other territory" (GST state code list).
        match s.parse::<u8>() {
            Ok(1..=38 | 97) if s.len() == 2 && !s.starts_with('+') => Ok(Self(s.to_owned())),
            _ => Err(ParseError::new("GST state code", s)),
        }
    }
}

/// An HSN or SAC code: 4, 6 or 8 digits, kept as text (`0405` keeps its zero).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HsnCode(String);
text_type!(HsnCode, "HSN code");

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

/// A GST identification number: 15 characters, the last one a check character.
///
/// ```
/// use vyapar_core::india::Gstin;
/// assert!("24AAQCA8719H1Z".len() == 14);
/// assert!("24AAQCA8719H1ZC".parse::<Gstin>().is_ok());
/// assert!("24AAQCA8719H1ZD".parse::<Gstin>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gstin(String);
text_type!(Gstin, "GSTIN");

impl Gstin {
    /// The state it was issued in.
    #[must_use]
    pub fn state(&self) -> StateCode {
        StateCode(self.0.chars().take(2).collect())
    }
}

/// The check character of a GSTIN's first 14 (DOMAIN section 2).
fn gstin_check(first: &str) -> Option<char> {
    let mut sum = 0;
    for (at, c) in first.chars().take(14).enumerate() {
        let product = c.to_digit(36)? * if at % 2 == 0 { 1 } else { 2 };
        sum += product / 36 + product % 36;
    }
    char::from_digit((36 - sum % 36) % 36, 36).map(|c| c.to_ascii_uppercase())
}

impl FromStr for Gstin {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let text = s.trim().to_ascii_uppercase();
        let state_is_known = text.get(..2).is_some_and(|state| state.parse::<StateCode>().is_ok());
        let good = text.len() == 15
            && text.bytes().all(|b| b.is_ascii_alphanumeric())
            && state_is_known
            && gstin_check(&text) == text.chars().last();
        if good { Ok(Self(text)) } else { Err(ParseError::new("GSTIN", s)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pin_codes() {
        assert_eq!("110 001".parse::<PinCode>().unwrap().as_str(), "110001");
        assert_eq!("११०००१".parse::<PinCode>().unwrap().as_str(), "110001");
        for bad in ["", "010001", "11000", "1100011", "11000a", "१"] {
            assert!(bad.parse::<PinCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn state_and_hsn_codes() {
        assert!("07".parse::<StateCode>().is_ok());
        for bad in ["7", "00", "39", "+7", "DL", "007"] {
            assert!(bad.parse::<StateCode>().is_err(), "{bad}");
        }
        assert_eq!("0405".parse::<HsnCode>().unwrap().as_str(), "0405");
        for bad in ["405", "04050", "04O5", ""] {
            assert!(bad.parse::<HsnCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn gstins() {
        assert_eq!(gstin_check("24AAQCA8719H1Z"), Some('C'));
        assert_eq!("24aaqca8719h1zc".parse::<Gstin>().unwrap().state().as_str(), "24");
        for bad in ["24AAQCA8719H1Z", "99AAQCA8719H1ZC", "24AAQCA8719H1Z€", ""] {
            assert!(bad.parse::<Gstin>().is_err(), "{bad}");
        }
    }
}
