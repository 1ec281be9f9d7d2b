//! The sealed texts of stores and, after them, of invitations.

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::page::{AllStores, Page, PageRequest};
use vyapar_core::secret::{Sealed, SealedText, SealedTexts};

use super::DynamoStores;
use crate::db::Scan;
use crate::expression::Expression;
use crate::item::{Attributes, Row};
use crate::keys;
use crate::sealed::{Sealing, page, replace};
use crate::tables::{STORE_INVITATIONS, STORES, TableDefinition};

/// The name of the list that its cursors belong to.
const LIST: &str = "sealed_stores";

/// How places begin.
const STORE: &str = "store ";
const INVITATION: &str = "invitation ";

/// The texts of an item, each under its column.
fn texts(
    table: &'static TableDefinition,
    columns: &[&str],
    (of, item): (&str, &Attributes),
) -> Stored<Vec<SealedText>> {
    let row = Row::new(table.name, item);
    let id = row.str("id")?;
    let mut texts = Vec::new();
    for column in columns {
        texts.extend(row.maybe_sealed(column)?.map(|sealed| SealedText {
            context: format!("{}.{column}:{id}", of_table(table)),
            locator: format!("{of}{id} {column}"),
            sealed,
        }));
    }
    Ok(texts)
}

/// A table's name as contexts have it.
fn of_table(table: &TableDefinition) -> String {
    table.name.replace('-', "_")
}

struct Stores;

impl Stores {
    const COLUMNS: &[&str] = &["owner_name", "phone", "email", "whatsapp_number"];
}

impl Sealing for Stores {
    const LIST: &'static str = LIST;

    fn scan(&self) -> Scan {
        // Readable names and numbers of owners are among them.
        Scan { table: &STORES, filter: Expression::new("attribute_exists(#version)") }
    }

    fn texts(&self, item: &Attributes) -> Stored<Vec<SealedText>> {
        texts(&STORES, Self::COLUMNS, (STORE, item))
    }

    fn place(&self, item: &Attributes) -> Stored<String> {
        Row::new(STORES.name, item).str("id").map(|id| format!("{STORE}{id}"))
    }

    fn key(&self, place: &str) -> Option<Attributes> {
        place.strip_prefix(STORE)?.parse().ok().map(keys::store)
    }
}

struct Invitations;

impl Invitations {
    const COLUMNS: &[&str] = &["contact"];
}

impl Sealing for Invitations {
    const LIST: &'static str = LIST;

    fn scan(&self) -> Scan {
        Scan { table: &STORE_INVITATIONS, filter: Expression::new("attribute_exists(#contact)") }
    }

    fn texts(&self, item: &Attributes) -> Stored<Vec<SealedText>> {
        texts(&STORE_INVITATIONS, Self::COLUMNS, (INVITATION, item))
    }

    fn place(&self, item: &Attributes) -> Stored<String> {
        Row::new(STORE_INVITATIONS.name, item).str("id").map(|id| format!("{INVITATION}{id}"))
    }

    fn key(&self, place: &str) -> Option<Attributes> {
        place.strip_prefix(INVITATION)?.parse().ok().map(keys::invitation)
    }
}

#[async_trait]
impl SealedTexts for DynamoStores {
    async fn list(&self, _: AllStores, request: PageRequest) -> Stored<Page<SealedText>> {
        let position = request.cursor().map(|cursor| cursor.position(LIST)).transpose()?;
        if position.is_some_and(|position| position.starts_with(INVITATION)) {
            return page(&self.db, &Invitations, request).await;
        }
        let limit = request.limit();
        let mut found = page(&self.db, &Stores, request).await?;
        if found.next.is_none() {
            // At least one, so that the last page of stores knows whether it is the last of all.
            let left = limit.saturating_sub(u32::try_from(found.items.len()).unwrap_or(u32::MAX)).max(1);
            let more = page(&self.db, &Invitations, PageRequest::first(left)).await?;
            found.items.extend(more.items);
            found.next = more.next;
        }
        Ok(found)
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        // A locator of another unit stands for nothing here.
        let Some((place, column)) = text.locator.rsplit_once(' ') else { return Ok(false) };
        let store = Stores.key(place).filter(|_| Stores::COLUMNS.contains(&column)).map(|key| (&STORES, key));
        let invitation = Invitations.key(place).filter(|_| Invitations::COLUMNS.contains(&column));
        let there = store.or_else(|| invitation.map(|key| (&STORE_INVITATIONS, key)));
        let Some((table, key)) = there else { return Ok(false) };
        replace(&self.db, table, key, &format!("#{column}"), &text.sealed, &to).await
    }
}
