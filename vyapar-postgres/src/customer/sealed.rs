//! The sealed texts of customers' addresses.

use async_trait::async_trait;
use uuid::Uuid;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, Page, PageRequest, Sealed, Stored};

use super::Customers;
use crate::database::Scope;
use crate::row::Fields;
use crate::{error, sealed};

/// The name that cursors of the list carry.
const LIST: &str = "sealed_addresses";
/// The columns of `customer_addresses` that hold a text.
const COLUMNS: [&str; 3] = ["address_line1", "address_line2", "landmark"];

/// The address that a cursor or a locator names.
fn key(text: &str) -> Option<(Uuid, Uuid)> {
    let (customer, address) = text.split_once(' ')?;
    Some((customer.parse().ok()?, address.parse().ok()?))
}

/// Where a text stands: `{column} {customer} {address}`.
#[async_trait]
impl SealedTexts for Customers {
    async fn list(&self, _: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = match page.cursor() {
            Some(cursor) => Some(key(cursor.position(LIST)?).ok_or_else(|| error::malformed(LIST))?),
            None => None,
        };
        let (customer, address) = after.unzip();
        let query = sqlx::query(
            "select customer_id, id, address_line1, address_line2, landmark from vyapar.customer_addresses
              where ($1::uuid is null or (customer_id, id) > ($1, $2)) order by customer_id, id limit $3",
        )
        .bind(customer)
        .bind(address)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::AllStores, "listing sealed texts of addresses").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let texts = |row| {
            let fields = Fields::of(row, "customer_addresses", "id");
            let (customer, id): (Uuid, Uuid) = (fields.get("customer_id")?, fields.get("id")?);
            let key = format!("{customer} {id}");
            let text = |(column, text)| sealed::text("customer_addresses", column, id, format!("{column} {key}"), text);
            let texts = sealed::columns(&fields, &COLUMNS)?.into_iter().map(text).collect();
            Ok((key, texts))
        };
        Ok(sealed::page(rows.iter().map(texts).collect::<Stored<_>>()?, page.limit(), LIST))
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let place = text.locator.split_once(' ').and_then(|(column, rest)| Some((column, key(rest)?)));
        let Some((column, (customer, id))) = place else { return Ok(false) };
        let function = sqlx::query("select vyapar.replace_address_text($1, $2, $3, $4, $5, $6)")
            .bind(customer)
            .bind(id)
            .bind(column)
            .bind(text.sealed.as_bytes())
            .bind(to.as_bytes())
            .bind(self.0.lock_timeout());
        self.0.call_one(function, "replacing a sealed text of an address").await
    }
}
