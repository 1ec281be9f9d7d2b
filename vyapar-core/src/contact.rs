//! Phone numbers and names of people, parsed once and masked in `Debug`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::secret::masked;

/// Why contact details were refused. The text itself is personal and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Not ten national digits after the prefixes are taken off.
    #[error("a phone number needs ten digits after +91, this one has {digits}")]
    PhoneLength {
        /// How many digits there were.
        digits: usize,
    },
    /// A character that no phone number has.
    #[error("a phone number cannot contain `{0}`")]
    PhoneCharacter(char),
    /// A text that must not be empty, or is too long.
    #[error("{field} needs 1 to {max} characters, this one has {length}")]
    Length {
        /// Which text.
        field: &'static str,
        /// Most characters it may have.
        max: usize,
        /// How many it has.
        length: usize,
    },
}

/// An Indian phone number in E.164: `+91` and ten digits (DOMAIN section 2).
///
/// Spaces, dashes, dots and brackets are dropped, and the prefixes `0`, `91`, `0091`, `+91`
/// taken off; a ten-digit number that begins with 91 keeps it.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// The number as `+91…`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a mobile number (begins with 6 to 9): one-time codes go only there.
    #[must_use]
    pub fn is_mobile(&self) -> bool {
        self.0.as_bytes().get(3).is_some_and(|digit| (b'6'..=b'9').contains(digit))
    }
}

impl FromStr for Phone {
    type Err = ContactError;
    fn from_str(s: &str) -> Result<Self, ContactError> {
        let mut digits = String::with_capacity(14);
        for (at, c) in s.trim().char_indices() {
            match c {
                '0'..='9' => digits.push(c),
                '+' if at == 0 => {}
                ' ' | '-' | '.' | '(' | ')' | '\u{a0}' => {}
                other => return Err(ContactError::PhoneCharacter(other)),
            }
        }
        let national = [("0091", 14), ("091", 13), ("91", 12), ("0", 11)]
            .into_iter()
            .find(|(prefix, length)| digits.len() == *length && digits.starts_with(prefix))
            .and_then(|(prefix, _)| digits.strip_prefix(prefix))
            .unwrap_or(&digits);
        if national.len() != 10 || national.starts_with('0') {
            return Err(ContactError::PhoneLength { digits: digits.len() });
        }
        Ok(Self(format!("+91{national}")))
    }
}

impl TryFrom<String> for Phone {
    type Error = ContactError;
    fn try_from(s: String) -> Result<Self, ContactError> {
        s.parse()
    }
}
impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}
impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", masked(&self.0))
    }
}

/// A short personal text (a name, an address line, a note): trimmed, not empty, bounded,
/// masked in `Debug`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonalText(String);

impl PersonalText {
    /// The text, trimmed, if it has 1 to `max` characters; `field` names it in the error.
    ///
    /// # Errors
    /// [`ContactError::Length`].
    pub fn parse(field: &'static str, text: &str, max: usize) -> Result<Self, ContactError> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > max {
            return Err(ContactError::Length { field, max, length });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonalText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonalText({})", masked(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_many_shapes() {
        for shape in
            ["9876543210", "+91 98765 43210", "0091-98765-43210", "09876543210", "91 9876543210", "(987) 654-3210"]
        {
            assert_eq!(shape.parse::<Phone>().unwrap().as_str(), "+919876543210", "{shape}");
        }
        assert_eq!("9123456789".parse::<Phone>().unwrap().as_str(), "+919123456789");
        assert!("9123456789".parse::<Phone>().unwrap().is_mobile());
        assert!(!"011 2345 6789".parse::<Phone>().unwrap().is_mobile());
    }

    #[test]
    fn refuses_what_is_no_indian_number() {
        assert_eq!("98765".parse::<Phone>(), Err(ContactError::PhoneLength { digits: 5 }));
        assert_eq!("+1 212 555 01234".parse::<Phone>(), Err(ContactError::PhoneLength { digits: 12 }));
        assert_eq!("98765x3210".parse::<Phone>(), Err(ContactError::PhoneCharacter('x')));
        let phone: Phone = "9876543210".parse().unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(•••10)");
        assert!(PersonalText::parse("name", "  ", 10).is_err());
    }
}
