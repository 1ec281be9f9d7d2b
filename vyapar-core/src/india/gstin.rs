//! GST identification numbers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::StateCode;
use crate::error::ParseError;

/// What a GSTIN was given out for, as its shape tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GstinKind {
    /// A business: state, PAN, which registration of that PAN in the state, `Z`, check.
    Taxpayer,
    /// Deducts tax at source (government bodies, `D`); has a PAN or, in its place, a TAN.
    TaxDeductor,
    /// Collects tax at source (marketplaces, `C`).
    TaxCollector,
    /// A unique identity number of a UN body, an embassy or a notified government body (`UN`,
    /// `ON`): state, year, country, serial. It buys; it does not sell.
    UniqueIdentity,
    /// A non-resident taxable person (`NR`).
    NonResident,
}

/// A GST identification number: 15 characters, the last one a check character.
///
/// Small letters and blanks around are normalised. The shape, the state and the check character
/// are checked; whether it was ever given out only the GST portal knows. The fourth letter of
/// the PAN (what sort of person it is) is not checked: no rule closes that list, and the check
/// character finds the typing errors.
///
/// ```
/// use vyapar_core::india::{Gstin, GstinKind};
///
/// let gstin: Gstin = " 24aaqca8719h1zc ".parse()?;
/// assert_eq!(gstin.as_str(), "24AAQCA8719H1ZC");
/// assert_eq!(gstin.state().name(), "Gujarat");
/// assert_eq!(gstin.pan(), Some("AAQCA8719H"));
/// assert_eq!(gstin.kind(), GstinKind::Taxpayer);
///
/// assert!("24AAQCA8719H1ZD".parse::<Gstin>().is_err(), "another check character");
/// assert!("24AAQCA8719H1Z".parse::<Gstin>().is_err(), "too short");
/// assert!("27AAPFU0939F1AA".parse::<Gstin>().is_err(), "right check character, but no Z, C or D");
/// # Ok::<(), vyapar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Gstin(String);
text_type!(Gstin);

impl Gstin {
    /// The state it was issued in.
    #[must_use]
    pub fn state(&self) -> StateCode {
        StateCode::known(self.0.get(..2).unwrap_or_default())
    }

    /// What it was given out for.
    #[must_use]
    pub fn kind(&self) -> GstinKind {
        // Parsing has found a kind for every value of this type.
        kind(&self.0).unwrap_or(GstinKind::Taxpayer)
    }

    /// The PAN of its holder; `None` for numbers without one (a deductor with a TAN, a unique
    /// identity number, a non-resident).
    #[must_use]
    pub fn pan(&self) -> Option<&str> {
        let middle = self.0.get(2..12)?;
        has_shape(middle, PAN).then_some(middle)
    }
}

/// Five letters, four digits, a letter.
const PAN: &str = "AAAAA9999A";

/// Whether a text has this shape: `A` a letter, `9` a digit, `X` a letter or digit, `1` the same
/// without zero.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.chars().zip(shape.chars()).all(|(c, wanted)| match wanted {
            'A' => c.is_ascii_uppercase(),
            '9' => c.is_ascii_digit(),
            '1' => c.is_ascii_uppercase() || matches!(c, '1'..='9'),
            'X' => c.is_ascii_uppercase() || c.is_ascii_digit(),
            _ => false,
        })
}

/// The kind of a text of 15 by its shape.
fn kind(text: &str) -> Option<GstinKind> {
    // The 14th character decides; where it is `N` or `R` the 13th does too.
    let (body, mark) = (text.get(..13)?, text.get(12..14)?);
    let registered = has_shape(body, "99AAAAA9999A1");
    match mark.as_bytes() {
        [_, b'Z'] if registered => Some(GstinKind::Taxpayer),
        [_, b'C'] if registered => Some(GstinKind::TaxCollector),
        // A TAN has four letters, five digits, a letter: the fifth place of the number is a digit.
        [_, b'D'] if has_shape(body, "99AAAAX9999A1") => Some(GstinKind::TaxDeductor),
        [b'U' | b'O', b'N'] if has_shape(body, "9999AAA99999A") => Some(GstinKind::UniqueIdentity),
        [b'N', b'R'] if has_shape(body, "9999AAA99999A") => Some(GstinKind::NonResident),
        _ => None,
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
            && kind(&text).is_some()
            && gstin_check(&text) == text.chars().last();
        if good { Ok(Self(text)) } else { Err(ParseError::new("GSTIN", s)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(first: &str) -> String {
        format!("{first}{}", gstin_check(first).unwrap())
    }

    #[test]
    fn gstins() {
        assert_eq!(gstin_check("24AAQCA8719H1Z"), Some('C'));
        assert_eq!("24aaqca8719h1zc".parse::<Gstin>().unwrap().state().as_str(), "24");
        for bad in ["24AAQCA8719H1Z", "99AAQCA8719H1ZC", "24AAQCA8719H1Z€", "", "24AAQCA8719H1Z\u{131}"] {
            assert!(bad.parse::<Gstin>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_shape_has_its_kind() {
        for (first, kind, pan) in [
            ("24AAQCA8719H1Z", GstinKind::Taxpayer, Some("AAQCA8719H")),
            ("24AAQCA8719HAZ", GstinKind::Taxpayer, Some("AAQCA8719H")),
            ("24AAQCA8719H1C", GstinKind::TaxCollector, Some("AAQCA8719H")),
            ("24AAQCA8719H1D", GstinKind::TaxDeductor, Some("AAQCA8719H")),
            ("24AHMA09999B1D", GstinKind::TaxDeductor, None),
            ("0717USA00001UN", GstinKind::UniqueIdentity, None),
            ("0717USA00001ON", GstinKind::UniqueIdentity, None),
            ("2719USA00001NR", GstinKind::NonResident, None),
        ] {
            let gstin: Gstin = checked(first).parse().unwrap();
            assert_eq!((gstin.kind(), gstin.pan()), (kind, pan), "{first}");
            let json = serde_json::to_string(&gstin).unwrap();
            assert_eq!(serde_json::from_str::<Gstin>(&json).unwrap(), gstin);
        }
        // The check character is right in all of these; the shape is not.
        for bad in ["24AAQCA8719H0Z", "24AAQCA8719H1A", "24A1QCA8719H1Z", "24AHMA09999B1Z", "0717USA00001AN"] {
            assert!(checked(bad).parse::<Gstin>().is_err(), "{bad}");
        }
    }
}
