//! The sealed texts of stores and invitations.

use std::ops::Bound;

use async_trait::async_trait;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::store::{Invitation, Store};
use vyapar_core::{AllStores, Cursor, InvitationId, Page, PageRequest, Sealed, StoreId, Stored};

use super::Stores;
use crate::lock::{read, write};
use crate::sealed::{Column, column, exchange, page_of};

/// The columns of `stores` that hold one.
const STORE: [Column<Store>; 4] = [
    column("owner_name", |store| Some(&store.owner_name), |store| Some(&mut store.owner_name)),
    column("phone", |store| Some(&store.phone), |store| Some(&mut store.phone)),
    column("email", |store| store.email.as_ref(), |store| store.email.as_mut()),
    column("whatsapp_number", |store| store.whatsapp_number.as_ref(), |store| store.whatsapp_number.as_mut()),
];

/// The column of `store_invitations` that holds one.
const INVITATION: [Column<Invitation>; 1] =
    [column("contact", |invitation| Some(&invitation.contact), |invitation| Some(&mut invitation.contact))];

/// Name of the list, in its cursors.
const LIST: &str = "sealed_stores";

/// A row that holds texts: stores first, then invitations.
#[derive(Clone, Copy)]
enum Row {
    Store(StoreId),
    Invitation(InvitationId),
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(id) => write!(f, "store {id}"),
            Self::Invitation(id) => write!(f, "invitation {id}"),
        }
    }
}

impl std::str::FromStr for Row {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let row = match text.split_once(' ').ok_or(())? {
            ("store", id) => id.parse().map(Self::Store).ok(),
            ("invitation", id) => id.parse().map(Self::Invitation).ok(),
            _ => None,
        };
        row.ok_or(())
    }
}

#[async_trait]
impl SealedTexts for Stores {
    async fn list(&self, _all: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after: Option<Row> = page.cursor().map(|cursor| cursor.parse_position(LIST)).transpose()?;
        let (stores_after, invitations_after) = match after {
            None => (Some(Bound::Unbounded), Bound::Unbounded),
            Some(Row::Store(id)) => (Some(Bound::Excluded(id)), Bound::Unbounded),
            Some(Row::Invitation(id)) => (None, Bound::Excluded(id)),
        };
        let rows = read(&self.rows);
        let stores = stores_after.into_iter().flat_map(|after| rows.stores.range((after, Bound::Unbounded)));
        let stores = stores.map(|store| {
            let row = Row::Store(store.id);
            let text =
                |column: &Column<Store>| column.text(store, "stores", store.id, format!("{} {row}", column.name));
            (row, STORE.iter().filter_map(text).collect())
        });
        let invitations = rows.invitations.range((invitations_after, Bound::Unbounded)).map(|(id, invitation)| {
            let row = Row::Invitation(*id);
            let text = |column: &Column<Invitation>| {
                column.text(invitation, "store_invitations", id, format!("{} {row}", column.name))
            };
            (row, INVITATION.iter().filter_map(text).collect())
        });
        Ok(page_of(stores.chain(invitations), page.limit(), |row| Cursor::new(LIST, row.to_string())))
    }

    async fn replace(&self, _all: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let Some((name, row)) = text.locator.split_once(' ') else { return Ok(false) };
        let mut rows = write(&self.rows);
        let from = &text.sealed;
        Ok(match row.parse() {
            Ok(Row::Store(id)) => rows.stores.get_mut(id).is_some_and(|store| exchange(&STORE, store, name, from, to)),
            Ok(Row::Invitation(id)) => {
                let invitation = rows.invitations.get_mut(&id);
                invitation.is_some_and(|invitation| exchange(&INVITATION, invitation, name, from, to))
            }
            Err(()) => false,
        })
    }
}
