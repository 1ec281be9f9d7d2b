//! What the areas' lists of sealed texts have in common.

use std::fmt::Display;

use vyapar_core::secret::SealedText;
use vyapar_core::{Cursor, Page, Sealed, Stored};

use crate::row::Fields;

/// The columns of a row that hold a text, each with its name.
pub(crate) fn columns<'n>(fields: &Fields<'_>, names: &[&'n str]) -> Stored<Vec<(&'n str, Sealed)>> {
    let text = |name: &&'n str| Ok(fields.sealed_opt(name)?.map(|sealed| (*name, sealed)));
    names.iter().filter_map(|name| text(name).transpose()).collect()
}

/// A text of a row.
pub(crate) fn text(table: &str, column: &str, row: impl Display, locator: String, sealed: Sealed) -> SealedText {
    SealedText { context: format!("{table}.{column}:{row}"), locator, sealed }
}

/// The texts of as many whole rows as it takes to have `limit`, of up to `limit + 1` rows or
/// more, each with at least one.
pub(crate) fn page<K: Display>(rows: Vec<(K, Vec<SealedText>)>, limit: u32, list: &str) -> Page<SealedText> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut items, mut rows) = (Vec::new(), rows.into_iter().peekable());
    while let Some((key, texts)) = rows.next() {
        items.extend(texts);
        if items.len() >= limit && rows.peek().is_some() {
            return Page { items, next: Some(Cursor::new(list, key.to_string())) };
        }
    }
    Page { items, next: None }
}
