//! Paging with opaque cursors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{RepositoryError, RepositoryErrorKind};

/// Where a list goes on: opaque to callers, bound to the list that gave it out.
///
/// Its text is hexadecimal, so it travels in a URL as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor {
    list: String,
    position: String,
}

/// A text that no list gave out as its cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor of this list")]
pub struct CursorError(pub String);

impl Cursor {
    /// The cursor of `list` (a short name) at `position` (the adapter's own text: the key of
    /// the last item given out).
    #[must_use]
    pub fn new(list: &str, position: impl Into<String>) -> Self {
        Self { list: list.to_owned(), position: position.into() }
    }

    /// The position, if `list` gave this cursor out.
    ///
    /// # Errors
    /// [`RepositoryErrorKind::InvalidCursor`] for another list's cursor.
    pub fn position(&self, list: &str) -> Result<&str, RepositoryError> {
        if self.list == list {
            return Ok(&self.position);
        }
        Err(RepositoryError::new(
            RepositoryErrorKind::InvalidCursor,
            format!("a cursor of `{}` given to `{list}`", self.list),
        ))
    }

    /// The position, parsed.
    ///
    /// # Errors
    /// [`RepositoryErrorKind::InvalidCursor`] for another list's cursor or a position that
    /// does not parse.
    pub fn parse_position<T: FromStr>(&self, list: &str) -> Result<T, RepositoryError> {
        self.position(list)?.parse().map_err(|_| {
            RepositoryError::new(RepositoryErrorKind::InvalidCursor, format!("a malformed position in `{list}`"))
        })
    }
}

/// Longest text accepted as a cursor.
const MAX_CURSOR_TEXT: usize = 1024;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The sum refuses truncated and edited cursors; it is no secret and needs none,
        // because a list is scoped by its arguments and never by its cursor.
        let text = format!("{}|{}", self.list, self.position);
        write!(f, "{:04x}", checksum(text.as_bytes()))?;
        text.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = CursorError;
    fn from_str(s: &str) -> Result<Self, CursorError> {
        let parse = || {
            if s.len() > MAX_CURSOR_TEXT || !s.is_ascii() {
                return None;
            }
            let bytes: Vec<u8> = s
                .as_bytes()
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
                .collect::<Option<_>>()?;
            let (sum, text) = bytes.split_at_checked(2)?;
            if !s.len().is_multiple_of(2) || sum != checksum(text).to_be_bytes() {
                return None;
            }
            let (list, position) = std::str::from_utf8(text).ok()?.split_once('|')?;
            Some(Self::new(list, position))
        };
        parse().ok_or_else(|| CursorError(s.chars().take(64).collect()))
    }
}

fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0x1d0f_u16, |sum, byte| sum.rotate_left(5) ^ u16::from(*byte).wrapping_mul(0x9e37))
}

impl TryFrom<String> for Cursor {
    type Error = CursorError;
    fn try_from(s: String) -> Result<Self, CursorError> {
        s.parse()
    }
}
impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    limit: u32,
    after: Option<Cursor>,
}

impl PageRequest {
    /// Most items a page may have.
    pub const MAX: u32 = 200;

    /// The first `limit` items; a limit outside 1 to [`PageRequest::MAX`] is brought into it.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit: limit.clamp(1, Self::MAX), after: None }
    }

    /// The page that follows `cursor`.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// How many items at most.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Where to go on, if this is not the first page.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self::first(50)
    }
}

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// The page made of up to `limit + 1` items: one item more than asked for means that
    /// there is a next page, which begins after the last item given out.
    #[must_use]
    pub fn of(mut items: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next }
    }
}

/// Says that a port method crosses stores on purpose: recovery and sweeps only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllStores;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_refuse_what_was_tampered_with() {
        let cursor = Cursor::new("orders", "ord_é|x");
        let text = cursor.to_string();
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor);
        assert_eq!(cursor.position("orders").unwrap(), "ord_é|x");
        assert!(cursor.position("movements").is_err());
        assert!(cursor.parse_position::<u64>("orders").is_err());
        let edited = format!("{}0", text.get(..text.len() - 1).unwrap());
        for bad in ["", "zz", "ab", "…", edited.as_str(), text.get(1..).unwrap()] {
            assert_eq!(bad.parse::<Cursor>().unwrap_err().0, bad.chars().take(64).collect::<String>());
        }
    }

    #[test]
    fn a_page_knows_whether_there_is_more() {
        let cursor = |n: &u32| Cursor::new("n", n.to_string());
        assert_eq!(Page::of(vec![1, 2, 3], 2, cursor).next, Some(Cursor::new("n", "2")));
        assert_eq!(Page::of(vec![1, 2], 2, cursor).next, None);
        assert_eq!(PageRequest::first(0).limit(), 1);
        assert_eq!(PageRequest::first(9_999).limit(), 200);
    }
}
