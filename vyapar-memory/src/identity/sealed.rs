//! The accounts' sealed texts.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::identity::User;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, Cursor, Page, PageRequest, Sealed, Stored, UserId};

use super::Accounts;
use crate::lock::{read, write};
use crate::sealed::{Column, column, exchange, page_of};

/// The columns of `users` that hold one.
const COLUMNS: [Column<User>; 3] = [
    column("email", |user| Some(&user.email.as_ref()?.sealed), |user| Some(&mut user.email.as_mut()?.sealed)),
    column("phone", |user| Some(&user.phone.as_ref()?.sealed), |user| Some(&mut user.phone.as_mut()?.sealed)),
    column("full_name", |user| user.full_name.as_ref(), |user| user.full_name.as_mut()),
];

/// Name of the list, in its cursors.
const LIST: &str = "sealed_users";

#[async_trait]
impl SealedTexts for Accounts {
    async fn list(&self, _all: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<UserId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let texts = rows.users.range((after, Bound::Unbounded)).map(|(id, user)| {
            let texts =
                COLUMNS.iter().filter_map(|column| column.text(user, "users", id, format!("{} {id}", column.name)));
            (id, texts.collect())
        });
        Ok(page_of(texts, page.limit(), |id| Cursor::new(LIST, id.to_string())))
    }

    async fn replace(&self, _all: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let Some((name, id)) = text.locator.split_once(' ') else { return Ok(false) };
        let Ok(id) = id.parse::<UserId>() else { return Ok(false) };
        let mut rows = write(&self.rows);
        Ok(rows.users.get_mut(&id).is_some_and(|user| exchange(&COLUMNS, user, name, &text.sealed, to)))
    }
}
