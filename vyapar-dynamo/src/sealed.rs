//! Going through sealed texts, and replacing one.

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::page::{Cursor, Page, PageRequest};
use vyapar_core::secret::{Sealed, SealedText};

use crate::db::{Db, Scan, Written};
use crate::expression::Expression;
use crate::item::{Attributes, bytes};
use crate::tables::TableDefinition;

/// A table that has sealed texts.
pub(crate) trait Sealing: Sync {
    /// The name of the list that its cursors belong to.
    const LIST: &'static str;

    /// The items that have them.
    fn scan(&self) -> Scan;

    /// The texts of an item.
    fn texts(&self, item: &Attributes) -> Stored<Vec<SealedText>>;

    /// An item's place in the table, as cursors have it.
    fn place(&self, item: &Attributes) -> Stored<String>;

    /// The key of that place, if it is one.
    fn key(&self, place: &str) -> Option<Attributes>;
}

/// The texts that follow the cursor, at least as many as asked for until the end, in the
/// service's own order of items.
pub(crate) async fn page<S: Sealing>(db: &Db, of: &S, request: PageRequest) -> Stored<Page<SealedText>> {
    let wanted = request.limit() as usize;
    let mut start = match request.cursor() {
        None => None,
        Some(cursor) => Some(of.key(cursor.position(S::LIST)?).ok_or_else(|| {
            let what = format!("a malformed position in `{}`", S::LIST);
            RepositoryError::new(RepositoryErrorKind::InvalidCursor, what)
        })?),
    };
    let scan = of.scan();
    let mut texts = Vec::new();
    loop {
        let (items, last) = db.scan_page(&scan, wanted, start, "going through sealed texts").await?;
        let count = items.len();
        for (index, item) in items.iter().enumerate() {
            texts.extend(of.texts(item)?);
            if texts.len() >= wanted && (index + 1 < count || last.is_some()) {
                return Ok(Page { items: texts, next: Some(Cursor::new(S::LIST, of.place(item)?)) });
            }
        }
        start = last;
        if start.is_none() {
            return Ok(Page { items: texts, next: None });
        }
    }
}

/// Stores `to` where `from` still stands, at `path` in the item of that key. A transaction,
/// because only under its token is a lost answer asked for again without doubt.
pub(crate) async fn replace(
    db: &Db,
    table: &TableDefinition,
    key: Attributes,
    path: &str,
    from: &Sealed,
    to: &Sealed,
) -> Stored<bool> {
    let change = Expression::new(format!("SET {path} = :to")).value(":to", bytes(to.as_bytes()));
    let unchanged = Expression::new(format!("{path} = :from")).value(":from", bytes(from.as_bytes()));
    let actions = vec![db.update(table, key, &change, &unchanged)?];
    let written = db.transact(actions, &mut db.patience(), "replacing a sealed text").await?;
    Ok(matches!(written, Written::Done))
}
