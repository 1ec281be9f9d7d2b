//! Postal codes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::StateCode;
use crate::error::ParseError;

/// A postal PIN code: six digits, the first not zero (India Post).
///
/// Inner spaces and Devanagari digits are normalised. The shape is checked, not whether the code
/// is in use: offices open and close.
///
/// ```
/// use vyapar_core::india::PinCode;
///
/// assert_eq!("110 001".parse::<PinCode>()?.as_str(), "110001");
/// assert_eq!("११०००१".parse::<PinCode>()?.as_str(), "110001");
/// for refused in ["", "11000", "1100011", "011001", "11000O", "110-001"] {
///     assert!(refused.parse::<PinCode>().is_err());
/// }
/// # Ok::<(), vyapar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinCode(String);
text_type!(PinCode);

/// What is unusual about a PIN code in an address. To show, never a reason to refuse: post
/// offices serve villages over the border, and directories lag behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinWarning {
    /// No post office's code begins with these two digits.
    Unallocated,
    /// Codes that begin like this are usually of other states.
    AnotherState {
        /// The state of the address.
        state: StateCode,
        /// Where such codes usually are.
        usual: Vec<StateCode>,
    },
}

impl fmt::Display for PinWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unallocated => f.write_str("no post office has a PIN code that begins like this"),
            Self::AnotherState { state, usual } => {
                write!(f, "PIN codes that begin like this are usually not in {} but in ", state.name())?;
                for (at, state) in usual.iter().enumerate() {
                    write!(f, "{}{}", if at == 0 { "" } else { " or " }, state.name())?;
                }
                Ok(())
            }
        }
    }
}

/// First three digits, from and to, and the states (GST codes) of the offices there; the first
/// fitting row counts. No state is the army's post, which is everywhere.
///
/// Two digits name a postal circle and the third a sorting district (India Post). The districts
/// that cross a border, and the small territories inside a circle, are from the All India
/// Pincode Directory (India Post, data.gov.in, Government Open Data License - India, snapshot
/// 2025-10-03). Single offices that the directory puts in a far-away state are left out.
const USUAL: [(u16, u16, &[&str]); 49] = [
    (110, 119, &["07"]),
    (120, 139, &["06"]),
    (140, 159, &["03"]),
    (160, 169, &["04", "03"]),
    (170, 179, &["02"]),
    (194, 194, &["38"]),
    (180, 199, &["01"]),
    (244, 244, &["09", "05"]),
    (246, 247, &["09", "05"]),
    (248, 249, &["05"]),
    (262, 262, &["09", "05"]),
    (263, 263, &["05"]),
    (200, 289, &["09"]),
    (300, 349, &["08"]),
    (362, 362, &["24", "26"]),
    (396, 396, &["24", "26"]),
    (360, 399, &["24"]),
    (403, 403, &["30"]),
    (400, 449, &["27"]),
    (450, 489, &["23"]),
    (490, 499, &["22"]),
    (500, 509, &["36"]),
    (533, 533, &["37", "34"]),
    (510, 539, &["37"]),
    (560, 599, &["29"]),
    (605, 605, &["33", "34"]),
    (607, 607, &["33", "34"]),
    (609, 609, &["33", "34"]),
    (600, 649, &["33"]),
    (673, 673, &["32", "34"]),
    (682, 682, &["32", "31"]),
    (670, 699, &["32"]),
    (737, 737, &["11"]),
    (744, 744, &["35"]),
    (700, 749, &["19"]),
    (750, 779, &["21"]),
    (780, 789, &["18"]),
    (790, 792, &["12"]),
    (793, 794, &["17"]),
    (795, 795, &["14"]),
    (796, 796, &["15"]),
    (797, 798, &["13"]),
    (799, 799, &["16"]),
    (813, 814, &["10", "20"]),
    (815, 820, &["20"]),
    (822, 822, &["20"]),
    (825, 839, &["20"]),
    (800, 859, &["10"]),
    (900, 999, &[]),
];

impl PinCode {
    fn usual(&self) -> Option<&'static [&'static str]> {
        let district: u16 = self.0.get(..3)?.parse().ok()?;
        USUAL.iter().find(|(from, to, _)| (*from..=*to).contains(&district)).map(|(_, _, states)| *states)
    }

    /// The states in which codes that begin like this usually are. None for the army's post
    /// (first digit 9) and for first digits that are not in use.
    ///
    /// ```
    /// use vyapar_core::india::PinCode;
    /// let names = |pin: &str| -> Vec<_> {
    ///     pin.parse::<PinCode>().unwrap().usual_states().iter().map(|state| state.name()).collect()
    /// };
    /// assert_eq!(names("395003"), ["Gujarat"]);
    /// assert_eq!(names("160017"), ["Chandigarh", "Punjab"]);
    /// assert!(names("290001").is_empty());
    /// ```
    #[must_use]
    pub fn usual_states(&self) -> Vec<StateCode> {
        self.usual().unwrap_or_default().iter().map(|code| StateCode::known(code)).collect()
    }

    /// What is unusual about this code in an address of `state`, if anything.
    ///
    /// ```
    /// use vyapar_core::india::{PinCode, PinWarning, StateCode};
    /// let (surat, gujarat, goa): (PinCode, StateCode, StateCode) = ("395003".parse()?, "24".parse()?, "30".parse()?);
    /// assert_eq!(surat.warning(&gujarat), None);
    /// let warning = PinWarning::AnotherState { state: goa.clone(), usual: vec![gujarat] };
    /// assert_eq!(surat.warning(&goa), Some(warning));
    /// # Ok::<(), vyapar_core::ParseError>(())
    /// ```
    #[must_use]
    pub fn warning(&self, state: &StateCode) -> Option<PinWarning> {
        match self.usual() {
            None => Some(PinWarning::Unallocated),
            Some([]) => None,
            Some(usual) if usual.contains(&state.as_str()) => None,
            Some(_) => Some(PinWarning::AnotherState { state: state.clone(), usual: self.usual_states() }),
        }
    }
}

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
    fn the_table_is_sound() {
        for (from, to, states) in USUAL {
            assert!((100..=999).contains(&from) && from <= to && to <= 999);
            assert!(states.iter().all(|state| state.parse::<StateCode>().is_ok()), "{from}: {states:?}");
        }
        // Every row counts for some district: none is hidden by an earlier one.
        for row in USUAL {
            let counts = |district: u16| USUAL.iter().find(|(from, to, _)| (*from..=*to).contains(&district));
            assert!((row.0..=row.1).any(|district| counts(district) == Some(&row)), "{row:?}");
        }
    }

    #[test]
    fn warnings() {
        let warning =
            |pin: &str, state: &str| pin.parse::<PinCode>().unwrap().warning(&state.parse::<StateCode>().unwrap());
        assert_eq!(warning("900056", "27"), None, "the army's post is everywhere");
        assert_eq!(warning("101123", "07"), Some(PinWarning::Unallocated));
        let text = warning("160017", "24").unwrap().to_string();
        assert_eq!(text, "PIN codes that begin like this are usually not in Gujarat but in Chandigarh or Punjab");
        assert_eq!(warning("673310", "34"), None, "Mahe");
    }
}
