//! The number under the bars of a product.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no barcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BarcodeError {
    /// Nothing, or blanks only.
    #[error("`{0}` is blank, not a barcode")]
    Blank(String),
    /// Something that is neither a digit (0 to 9) nor a blank.
    #[error("`{input}` has a `{found}`, a barcode has digits only")]
    NotADigit {
        /// The refused text, cut at 64 characters.
        input: String,
        /// The first character that does not belong there.
        found: char,
    },
    /// Neither 8, nor 12, nor 13 digits.
    #[error("`{input}` has {digits} digits; a barcode has 8 (EAN-8), 12 (UPC-A) or 13 (EAN-13)")]
    Length {
        /// The refused text, cut at 64 characters.
        input: String,
        /// How many digits it has.
        digits: usize,
    },
    /// The last digit does not follow from the others: one is mistyped, or two are exchanged.
    #[error("`{input}` ends in {given}, but its other digits ask for {expected}")]
    CheckDigit {
        /// The refused text, cut at 64 characters.
        input: String,
        /// Its last digit.
        given: u32,
        /// What the last digit would be if the others are right.
        expected: u32,
    },
}

/// What kind of barcode a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BarcodeKind {
    /// 8 digits, on small packs.
    Ean8,
    /// 12 digits, from North America; as an EAN-13 it has a 0 before them.
    UpcA,
    /// 13 digits, the usual one; 890 at the beginning is India's.
    Ean13,
}

impl fmt::Display for BarcodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ean8 => "EAN-8",
            Self::UpcA => "UPC-A",
            Self::Ean13 => "EAN-13",
        })
    }
}

/// An EAN-8, UPC-A or EAN-13 with a right check digit (GS1), kept as its digits: leading zeros
/// count, and the blanks that are printed between the groups do not.
///
/// A UPC-A is the EAN-13 with a 0 before it (GS1 General Specifications): some scanners read the
/// one and some the other, so both are one value, kept as 13 digits.
///
/// The 14 digits on a carton name what is in it, and how often, and not a product that is sold
/// over the counter; they are refused, as are the short forms of UPC-E.
///
/// ```
/// use vyapar_core::inventory::{Barcode, BarcodeError, BarcodeKind};
///
/// let printed: Barcode = " 8 901725 133979 ".parse()?;
/// assert_eq!((printed.as_str(), printed.kind()), ("8901725133979", BarcodeKind::Ean13));
/// assert_eq!("96385074".parse::<Barcode>()?.kind(), BarcodeKind::Ean8);
/// let from_america: Barcode = "036000 291452".parse()?;
/// assert_eq!((from_america.as_str(), from_america.kind()), ("0036000291452", BarcodeKind::UpcA));
/// assert_eq!(from_america, "0036000291452".parse()?);
///
/// let why = |text: &str| text.parse::<Barcode>().unwrap_err().to_string();
/// assert_eq!(why("8901725133797"), "`8901725133797` ends in 7, but its other digits ask for 5");
/// assert_eq!(why("890172513397x"), "`890172513397x` has a `x`, a barcode has digits only");
/// assert_eq!(why(" "), "` ` is blank, not a barcode");
/// assert_eq!(
///     why("18901725133976"),
///     "`18901725133976` has 14 digits; a barcode has 8 (EAN-8), 12 (UPC-A) or 13 (EAN-13)"
/// );
/// # Ok::<(), BarcodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Barcode {
    /// 8 or 13.
    digits: String,
}

impl Barcode {
    /// Its digits, 8 or 13.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.digits
    }

    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> BarcodeKind {
        match self.digits.len() {
            8 => BarcodeKind::Ean8,
            _ if self.digits.starts_with('0') => BarcodeKind::UpcA,
            _ => BarcodeKind::Ean13,
        }
    }
}

/// The digit that makes the sum a multiple of ten; the digits before it count 3 and 1 by turns,
/// the last of them 3.
fn check_digit(others: &[u32]) -> u32 {
    let sum: u32 = others.iter().rev().zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    (10 - sum % 10) % 10
}

impl FromStr for Barcode {
    type Err = BarcodeError;
    fn from_str(s: &str) -> Result<Self, BarcodeError> {
        let input = || s.chars().take(64).collect::<String>();
        let signs = s.chars().filter(|sign| !sign.is_whitespace());
        let digits = signs.map(|sign| sign.to_digit(10).ok_or(sign)).collect::<Result<Vec<_>, _>>();
        let digits = digits.map_err(|found| BarcodeError::NotADigit { input: input(), found })?;
        let before = match digits.len() {
            0 => return Err(BarcodeError::Blank(input())),
            8 | 13 => None,
            12 => Some('0'),
            length => return Err(BarcodeError::Length { input: input(), digits: length }),
        };
        if let Some((given, others)) = digits.split_last() {
            let (given, expected) = (*given, check_digit(others));
            if given != expected {
                return Err(BarcodeError::CheckDigit { input: input(), given, expected });
            }
        }
        Ok(Self { digits: before.into_iter().chain(s.chars().filter(char::is_ascii_digit)).collect() })
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}
impl TryFrom<String> for Barcode {
    type Error = BarcodeError;
    fn try_from(s: String) -> Result<Self, BarcodeError> {
        s.parse()
    }
}
impl From<Barcode> for String {
    fn from(barcode: Barcode) -> Self {
        barcode.digits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_reason_has_the_value() {
        for (bad, reason) in [
            ("", "`` is blank"),
            ("\u{a0}\t", "is blank"),
            ("९638507४", "has a `९`"),
            ("9638-5074", "has a `-`"),
            ("9638507", "has 7 digits"),
            ("00000000000", "has 11 digits"),
            ("8901725133978", "ends in 8, but its other digits ask for 9"),
        ] {
            let why = bad.parse::<Barcode>().unwrap_err().to_string();
            assert!(why.contains(reason) && why.contains(&format!("`{bad}`")), "{why}");
        }
        let long = "1".repeat(1_000);
        assert!(long.parse::<Barcode>().unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn the_stored_form_is_its_digits() {
        let barcode: Barcode = serde_json::from_str(r#"" 0360002 91452""#).unwrap();
        assert_eq!(serde_json::to_string(&barcode).unwrap(), r#""0036000291452""#);
        assert!(serde_json::from_str::<Barcode>(r#""036000291453""#).is_err());
    }

    proptest! {
        #[test]
        fn a_number_is_one_value_in_all_its_forms(mut digits in proptest::collection::vec(0..10_u32, 11)) {
            digits.push(check_digit(&digits));
            let upc: String = digits.iter().map(u32::to_string).collect();
            let short: Barcode = upc.parse().unwrap();
            prop_assert_eq!(&short, &format!("0{upc}").parse::<Barcode>().unwrap());
            prop_assert_eq!(short.kind(), BarcodeKind::UpcA);
            prop_assert_eq!(&short, &String::from(short.clone()).parse::<Barcode>().unwrap());
        }

        #[test]
        fn one_wrong_digit_is_always_noticed(
            mut digits in prop_oneof![Just(7_usize), Just(11), Just(12)]
                .prop_flat_map(|length| proptest::collection::vec(0..10_u32, length)),
            at in any::<prop::sample::Index>(),
            by in 1..10_u32,
        ) {
            digits.push(check_digit(&digits));
            let text = |digits: &[u32]| digits.iter().map(u32::to_string).collect::<String>();
            let right = text(&digits);
            let kept = if right.len() == 12 { format!("0{right}") } else { right.clone() };
            prop_assert_eq!(right.parse::<Barcode>().map(String::from), Ok(kept));
            let at = at.index(digits.len());
            digits[at] = (digits[at] + by) % 10;
            let noticed = matches!(text(&digits).parse::<Barcode>(), Err(BarcodeError::CheckDigit { .. }));
            prop_assert!(noticed, "{right} with digit {at} changed by {by}");
        }
    }
}
