//! The accounts' sealed texts.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::id::UserId;
use vyapar_core::page::{AllStores, Page, PageRequest};
use vyapar_core::secret::{Sealed, SealedText, SealedTexts};

use super::DynamoIdentity;
use crate::db::Scan;
use crate::expression::Expression;
use crate::item::{Attributes, Row};
use crate::keys;
use crate::sealed::{Sealing, page, replace};
use crate::tables::USERS;

const COLUMNS: &[&str] = &["email", "phone", "full_name"];

struct Users;

impl Sealing for Users {
    const LIST: &'static str = "sealed_users";

    fn scan(&self) -> Scan {
        // Contacts are among the accounts.
        Scan { table: &USERS, filter: Expression::new("attribute_exists(#version)") }
    }

    fn texts(&self, item: &Attributes) -> Stored<Vec<SealedText>> {
        let row = Row::new(USERS.name, item);
        let id: UserId = row.parse("id")?;
        let mut texts = Vec::new();
        for column in COLUMNS {
            texts.extend(row.maybe_sealed(column)?.map(|sealed| SealedText {
                context: format!("users.{column}:{id}"),
                locator: format!("{id} {column}"),
                sealed,
            }));
        }
        Ok(texts)
    }

    fn place(&self, item: &Attributes) -> Stored<String> {
        Row::new(USERS.name, item).string("id")
    }

    fn key(&self, place: &str) -> Option<Attributes> {
        place.parse().ok().map(keys::user)
    }
}

#[async_trait]
impl SealedTexts for DynamoIdentity {
    async fn list(&self, _: AllStores, request: PageRequest) -> Stored<Page<SealedText>> {
        page(&self.db, &Users, request).await
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        // A locator of another unit stands for nothing here.
        let Some((id, column)) = text.locator.split_once(' ') else { return Ok(false) };
        let Some(key) = Users.key(id).filter(|_| COLUMNS.contains(&column)) else { return Ok(false) };
        replace(&self.db, &USERS, key, &format!("#{column}"), &text.sealed, &to).await
    }
}
