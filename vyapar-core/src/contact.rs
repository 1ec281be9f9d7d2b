//! Phone numbers and names of people, parsed once and masked in `Debug`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::secret::masked;

/// Why contact details were refused. The text itself is personal and is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Not ten national digits after the prefixes are taken off, and no toll-free number.
    #[error("a phone number needs ten digits after +91 (1800 and 1860 also eleven), this one has {digits} in all")]
    PhoneLength {
        /// How many digits there were.
        digits: usize,
    },
    /// It names another country than India.
    #[error("a phone number with a + needs +91")]
    PhoneCountry,
    /// A character that no phone number has.
    #[error("a phone number cannot contain `{0}`")]
    PhoneCharacter(char),
    /// Not an e-mail address.
    #[error("an e-mail address {0}")]
    Email(&'static str),
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

/// An Indian phone number in E.164: `+91` and ten digits, or eleven for a toll-free or shared
/// number that begins with 1800 or 1860 (DOMAIN section 2).
///
/// Spaces, dashes, dots and brackets are dropped, Indian digits read, and the prefixes `0`,
/// `91`, `091`, `0091`, `+91` taken off (a zero after the country code too); a ten-digit number
/// that begins with 91 keeps it. After a `+` only 91 is India. The shape is checked, not whether
/// the number is assigned: series open faster than a library is updated.
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

/// What people put between digits, and the direction marks that come along when a number is
/// copied out of a phone's contacts.
fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '(' | ')' | '[' | ']' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The digit in ASCII, of ASCII, Urdu, or one of the scripts that Unicode put one after another
/// (Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu, Kannada, Malayalam).
fn indian_digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '\u{6f0}'..='\u{6f9}' => u32::from(c) - 0x6f0,
        '\u{966}'..='\u{d6f}' => (u32::from(c) - 0x966) % 0x80,
        _ => return None,
    };
    char::from_digit(value, 10)
}

/// Ten digits that do not begin with 0, or an eleven-digit toll-free (1800) or shared (1860)
/// number.
fn is_national(digits: &str) -> bool {
    match digits.len() {
        10 => !digits.starts_with('0'),
        11 => digits.starts_with("1800") || digits.starts_with("1860"),
        _ => false,
    }
}

impl FromStr for Phone {
    type Err = ContactError;
    fn from_str(s: &str) -> Result<Self, ContactError> {
        let mut digits = String::with_capacity(16);
        let mut plus = false;
        for c in s.trim().chars() {
            match c {
                '+' if digits.is_empty() && !plus => plus = true,
                _ if is_filler(c) => {}
                _ => digits.push(indian_digit(c).ok_or(ContactError::PhoneCharacter(c))?),
            }
        }
        // No national number begins with 0 and the lengths differ, so at most one prefix fits.
        // A bare +91 and eight digits is no ten-digit number that begins with 91.
        let prefixes: &[&str] =
            if plus { &["91", "910"] } else { &["", "0", "91", "910", "091", "0910", "0091", "00910"] };
        if plus && !digits.starts_with("91") {
            return Err(ContactError::PhoneCountry);
        }
        let national = prefixes
            .iter()
            .filter_map(|prefix| digits.strip_prefix(prefix))
            .find(|rest| is_national(rest))
            .ok_or(ContactError::PhoneLength { digits: digits.len() })?;
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

/// An e-mail address: trimmed, its domain in lower case, compared without regard to case
/// (DOMAIN section 2).
///
/// Checked as mail software checks it in practice: one `@`, 1 to 64 characters before it that
/// need no quotes, a domain of at least two labels after it, the last one not a number, at most
/// 254 in all. Characters that cannot be seen, or that look like an `@` or a dot, are refused.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address as given, its domain in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are compared by.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// Invisible or turning characters, and other signs that stand for `@` or `.`: two addresses
/// that look alike would be two accounts.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
        || matches!(c, '\u{3002}' | '\u{fe52}' | '\u{fe6b}' | '\u{ff0e}' | '\u{ff20}' | '\u{ff61}')
}

impl FromStr for Email {
    type Err = ContactError;
    fn from_str(s: &str) -> Result<Self, ContactError> {
        let (local, domain) = s.trim().rsplit_once('@').ok_or(ContactError::Email("needs an @"))?;
        // Checked as it is kept: lower case may be longer.
        let domain = domain.to_lowercase();
        if local.len() + 1 + domain.len() > 254 || local.len() > 64 {
            return Err(ContactError::Email("has at most 64 characters before the @ and 254 in all"));
        }
        // Vowel signs and joiners are no letters, but parts of words in Indian scripts.
        let letter =
            |c: char| c.is_alphanumeric() || !(c.is_ascii() || c.is_whitespace() || c.is_control() || is_deceptive(c));
        let plain = |c: char| letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if local.is_empty() || !local.chars().all(plain) || local.split('.').any(str::is_empty) {
            return Err(ContactError::Email("needs letters, digits or one of !#$%&'*+-/=?^_`{|}~. before the @"));
        }
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| letter(c) || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A last label of digits only is an address of a machine, not a name.
        let named = domain.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|b| b.is_ascii_digit()));
        if !named || !domain.split('.').all(label) {
            return Err(ContactError::Email("needs a domain such as example.in after the @"));
        }
        Ok(Self(format!("{local}@{domain}")))
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Email {}
impl TryFrom<String> for Email {
    type Error = ContactError;
    fn try_from(s: String) -> Result<Self, ContactError> {
        s.parse()
    }
}
impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({})", masked(&self.0))
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
    fn e_mail_addresses_compare_without_case() {
        let email: Email = " Asha.Patel+shop@Example.IN ".parse().unwrap();
        assert_eq!(email.as_str(), "Asha.Patel+shop@example.in");
        assert_eq!(email, "asha.patel+shop@example.in".parse().unwrap());
        assert!("अशा@उदाहरण.भारत".parse::<Email>().is_ok());
        assert_eq!(format!("{email:?}"), "Email(•••in)");
        let long = format!("{}@example.in", "x".repeat(65));
        for bad in
            ["", "@", "a@b", "a b@c.in", "a@b..in", "a@-b.in", "a@@b.in", ".a@b.in", "a..b@c.in", "a@b.in.", &long]
        {
            assert!(matches!(bad.parse::<Email>(), Err(ContactError::Email(_))), "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_no_indian_number() {
        assert_eq!("98765".parse::<Phone>(), Err(ContactError::PhoneLength { digits: 5 }));
        assert_eq!("1 212 555 01234".parse::<Phone>(), Err(ContactError::PhoneLength { digits: 12 }));
        for foreign in ["+1 212 555 01234", "+65 9123 4567", "+1 800 555 1234"] {
            assert_eq!(foreign.parse::<Phone>(), Err(ContactError::PhoneCountry), "{foreign}");
        }
        assert_eq!("+91 2345 6789".parse::<Phone>(), Err(ContactError::PhoneLength { digits: 10 }));
        assert_eq!("98765x3210".parse::<Phone>(), Err(ContactError::PhoneCharacter('x')));
        let phone: Phone = "9876543210".parse().unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(•••10)");
        assert!(PersonalText::parse("name", "  ", 10).is_err());
    }
}
