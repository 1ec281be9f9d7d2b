//! States and union territories.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::ParseError;

/// A state or union territory by its two-digit GST code (`07` Delhi, `27` Maharashtra).
///
/// ```
/// use vyapar_core::india::StateCode;
///
/// let gujarat: StateCode = "24".parse()?;
/// assert_eq!(gujarat.name(), "Gujarat");
/// assert_eq!(StateCode::from_name("gujarat"), Some(gujarat));
/// assert_eq!(StateCode::from_name("Orissa").map(|state| state.name()), Some("Odisha"));
/// for refused in ["7", "00", "39", "+7", "GJ", "007"] {
///     assert!(refused.parse::<StateCode>().is_err());
/// }
/// # Ok::<(), vyapar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StateCode(String);
text_type!(StateCode);

/// Codes in order and the names (GST state code list). 25 went into 26 in 2020, and 28 is Andhra
/// Pradesh before Telangana was split off in 2014: both are still on old papers.
const STATES: [(&str, &str); 39] = [
    ("01", "Jammu and Kashmir"),
    ("02", "Himachal Pradesh"),
    ("03", "Punjab"),
    ("04", "Chandigarh"),
    ("05", "Uttarakhand"),
    ("06", "Haryana"),
    ("07", "Delhi"),
    ("08", "Rajasthan"),
    ("09", "Uttar Pradesh"),
    ("10", "Bihar"),
    ("11", "Sikkim"),
    ("12", "Arunachal Pradesh"),
    ("13", "Nagaland"),
    ("14", "Manipur"),
    ("15", "Mizoram"),
    ("16", "Tripura"),
    ("17", "Meghalaya"),
    ("18", "Assam"),
    ("19", "West Bengal"),
    ("20", "Jharkhand"),
    ("21", "Odisha"),
    ("22", "Chhattisgarh"),
    ("23", "Madhya Pradesh"),
    ("24", "Gujarat"),
    ("25", "Daman and Diu"),
    ("26", "Dadra and Nagar Haveli and Daman and Diu"),
    ("27", "Maharashtra"),
    ("28", "Andhra Pradesh (before 2014)"),
    ("29", "Karnataka"),
    ("30", "Goa"),
    ("31", "Lakshadweep"),
    ("32", "Kerala"),
    ("33", "Tamil Nadu"),
    ("34", "Puducherry"),
    ("35", "Andaman and Nicobar Islands"),
    ("36", "Telangana"),
    ("37", "Andhra Pradesh"),
    ("38", "Ladakh"),
    ("97", "Other Territory"),
];

/// Other spellings in use: former names, short forms, and how maps write them.
const ALIASES: [(&str, &str); 10] = [
    ("orissa", "21"),
    ("pondicherry", "34"),
    ("uttaranchal", "05"),
    ("nct of delhi", "07"),
    ("new delhi", "07"),
    ("chattisgarh", "22"),
    ("tamilnadu", "33"),
    ("dadra and nagar haveli", "26"),
    ("daman and diu", "26"),
    ("andaman and nicobar", "35"),
];

impl StateCode {
    /// For codes of this module's own tables.
    pub(super) fn known(code: &str) -> Self {
        Self(code.to_owned())
    }

    /// Its English name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        // Every parsed code is in the list.
        STATES.iter().find(|(code, _)| *code == self.0).map_or("", |(_, name)| name)
    }

    /// The state of an English name or a former one, without regard to case, `&` for "and" and
    /// a leading "the". The codes that are no longer given out have no name of their own.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase().replace('&', " and ");
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.strip_prefix("the ").unwrap_or(&name);
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, code)| code);
        let listed = || STATES.iter().find(|(_, listed)| listed.to_lowercase() == name).map(|(code, _)| code);
        alias.or_else(listed).map(|code| Self::known(code))
    }
}

impl FromStr for StateCode {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let s = s.trim();
        if STATES.iter().any(|(code, _)| *code == s) {
            Ok(Self(s.to_owned()))
        } else {
            Err(ParseError::new("GST state code", s))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_codes() {
        assert!("07".parse::<StateCode>().is_ok());
        for bad in ["7", "00", "39", "+7", "DL", "007", "98", "99", ""] {
            assert!(bad.parse::<StateCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_name_leads_back_to_its_code() {
        for (code, name) in STATES {
            let state: StateCode = code.parse().unwrap();
            assert_eq!(state.name(), name);
            let current = if code == "25" { "26" } else { code };
            assert_eq!(StateCode::from_name(name).unwrap().as_str(), current, "{name}");
            assert_eq!(StateCode::from_name(&name.to_uppercase()).unwrap().as_str(), current, "{name}");
        }
        assert_eq!(StateCode::from_name(" Jammu  & Kashmir").unwrap().as_str(), "01");
        assert_eq!(StateCode::from_name("Jammu&Kashmir").unwrap().as_str(), "01");
        assert_eq!(StateCode::from_name("Bombay"), None);
        assert_eq!(StateCode::from_name(""), None);
    }
}
