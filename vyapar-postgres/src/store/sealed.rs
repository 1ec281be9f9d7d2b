//! The sealed texts of stores and invitations.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use uuid::Uuid;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, Page, PageRequest, Sealed, Stored};

use super::Stores;
use crate::database::Scope;
use crate::row::Fields;
use crate::sealed;

/// The name that cursors of the list carry.
const LIST: &str = "sealed_stores";
/// The columns of `stores` that hold a text.
const COLUMNS: [&str; 4] = ["owner_name", "phone", "email", "whatsapp_number"];
/// The column of `store_invitations` that holds one.
const CONTACT: &str = "contact";

/// A row that holds texts: stores come first, then invitations.
#[derive(Debug, Clone, Copy)]
enum Key {
    Store(Uuid),
    Invitation(Uuid),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(id) => write!(f, "store {id}"),
            Self::Invitation(id) => write!(f, "invitation {id}"),
        }
    }
}

impl FromStr for Key {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let key = match text.split_once(' ').ok_or(())? {
            ("store", id) => id.parse().map(Self::Store),
            ("invitation", id) => id.parse().map(Self::Invitation),
            _ => return Err(()),
        };
        key.map_err(|_| ())
    }
}

/// Where a text stands: `{column} store {store}` or `contact invitation {invitation}`.
#[async_trait]
impl SealedTexts for Stores {
    async fn list(&self, _: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Key>(LIST)).transpose()?;
        let rows_wanted = i64::from(page.limit()) + 1;
        let mut reader = self.database.reader(Scope::AllStores, "listing sealed texts of stores").await?;
        let mut texts = Vec::new();
        if !matches!(after, Some(Key::Invitation(_))) {
            let after = after.map(|(Key::Store(id) | Key::Invitation(id))| id);
            let query = sqlx::query(
                "select id, owner_name, phone, email, whatsapp_number from vyapar.stores
                  where ($1::uuid is null or id > $1) order by id limit $2",
            )
            .bind(after)
            .bind(rows_wanted);
            for row in &reader.rows(query).await? {
                let fields = Fields::of(row, "stores", "id");
                let id: Uuid = fields.get("id")?;
                let key = Key::Store(id);
                let text = |(column, text)| sealed::text("stores", column, id, format!("{column} {key}"), text);
                texts.push((key, sealed::columns(&fields, &COLUMNS)?.into_iter().map(text).collect()));
            }
        }
        let enough = usize::try_from(rows_wanted).is_ok_and(|wanted| texts.len() >= wanted);
        if !enough {
            let after = match after {
                Some(Key::Invitation(id)) => Some(id),
                Some(Key::Store(_)) | None => None,
            };
            let query = sqlx::query(
                "select id, contact from vyapar.store_invitations
                  where ($1::uuid is null or id > $1) order by id limit $2",
            )
            .bind(after)
            .bind(rows_wanted);
            for row in &reader.rows(query).await? {
                let fields = Fields::of(row, "store_invitations", "id");
                let id: Uuid = fields.get("id")?;
                let (key, contact) = (Key::Invitation(id), fields.sealed(CONTACT)?);
                let text = sealed::text("store_invitations", CONTACT, id, format!("{CONTACT} {key}"), contact);
                texts.push((key, vec![text]));
            }
        }
        reader.finish().await?;
        Ok(sealed::page(texts, page.limit(), LIST))
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let place = text.locator.split_once(' ').and_then(|(column, key)| Some((column, key.parse().ok()?)));
        let function = match place {
            Some((column, Key::Store(id))) => {
                sqlx::query("select vyapar.replace_store_text($1, $2, $3, $4, $5)").bind(id).bind(column)
            }
            Some((CONTACT, Key::Invitation(id))) => {
                sqlx::query("select vyapar.replace_invitation_text($1, $2, $3, $4)").bind(id)
            }
            _ => return Ok(false),
        };
        let function = function.bind(text.sealed.as_bytes()).bind(to.as_bytes()).bind(self.database.lock_timeout());
        self.database.call_one(function, "replacing a sealed text of a store").await
    }
}
