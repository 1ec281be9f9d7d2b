//! What the areas' lists of sealed texts have in common.

use std::fmt::Display;

use vyapar_core::secret::SealedText;
use vyapar_core::{Cursor, Page, Sealed};

/// A column that holds a sealed text, or none.
pub(crate) struct Column<R> {
    /// Its name.
    pub(crate) name: &'static str,
    get: fn(&R) -> Option<&Sealed>,
    get_mut: fn(&mut R) -> Option<&mut Sealed>,
}

/// A column of that name.
pub(crate) const fn column<R>(
    name: &'static str,
    get: fn(&R) -> Option<&Sealed>,
    get_mut: fn(&mut R) -> Option<&mut Sealed>,
) -> Column<R> {
    Column { name, get, get_mut }
}

impl<R> Column<R> {
    /// The text of a row, if there is one.
    pub(crate) fn text(&self, row: &R, table: &str, id: impl Display, locator: String) -> Option<SealedText> {
        let sealed = (self.get)(row)?.clone();
        Some(SealedText { context: format!("{table}.{}:{id}", self.name), locator, sealed })
    }
}

/// Puts `to` in the place of `from` in the named column; says whether `from` stood there.
pub(crate) fn exchange<R>(columns: &[Column<R>], row: &mut R, name: &str, from: &Sealed, to: Sealed) -> bool {
    let column = columns.iter().find(|column| column.name == name);
    put(column.and_then(|column| (column.get_mut)(row)), from, to)
}

/// Puts `to` in the place of `from`; says whether `from` stood there.
pub(crate) fn put(place: Option<&mut Sealed>, from: &Sealed, to: Sealed) -> bool {
    let Some(place) = place.filter(|place| *place == from) else { return false };
    *place = to;
    true
}

/// The texts of as many whole rows as it takes to have `limit`.
pub(crate) fn page_of<K>(
    rows: impl Iterator<Item = (K, Vec<SealedText>)>,
    limit: u32,
    cursor: impl FnOnce(K) -> Cursor,
) -> Page<SealedText> {
    let mut rows = rows.peekable();
    let (mut items, limit) = (Vec::new(), crate::count(limit));
    while let Some((key, texts)) = rows.next() {
        items.extend(texts);
        if items.len() >= limit && rows.peek().is_some() {
            return Page { items, next: Some(cursor(key)) };
        }
    }
    Page { items, next: None }
}
