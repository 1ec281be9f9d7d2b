//! The accounts' sealed texts.

use async_trait::async_trait;
use uuid::Uuid;
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::{AllStores, Page, PageRequest, Sealed, Stored};

use super::Accounts;
use crate::database::Scope;
use crate::row::Fields;
use crate::sealed;

/// The name that cursors of the list carry.
const LIST: &str = "sealed_users";
/// The columns of `users` that hold a text.
const COLUMNS: [&str; 3] = ["email", "phone", "full_name"];

/// Where a text stands: `{column} {user}`.
#[async_trait]
impl SealedTexts for Accounts {
    async fn list(&self, _: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select id, email, phone, full_name from vyapar.users
              where ($1::uuid is null or id > $1)
                and (email is not null or phone is not null or full_name is not null)
              order by id limit $2",
        )
        .bind(after)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::Identity, "listing sealed texts of users").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let texts = |row| {
            let fields = Fields::of(row, "users", "id");
            let id: Uuid = fields.get("id")?;
            let text = |(column, text)| sealed::text("users", column, id, format!("{column} {id}"), text);
            Ok((id, sealed::columns(&fields, &COLUMNS)?.into_iter().map(text).collect()))
        };
        Ok(sealed::page(rows.iter().map(texts).collect::<Stored<_>>()?, page.limit(), LIST))
    }

    async fn replace(&self, _: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let place = text.locator.split_once(' ');
        let Some((column, Ok(id))) = place.map(|(column, id)| (column, id.parse::<Uuid>())) else { return Ok(false) };
        let function = sqlx::query("select vyapar.replace_user_text($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(column)
            .bind(text.sealed.as_bytes())
            .bind(to.as_bytes())
            .bind(self.0.lock_timeout());
        self.0.call_one(function, "replacing a sealed text of a user").await
    }
}
