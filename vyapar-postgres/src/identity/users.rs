//! Accounts (`users`) and the hashes they are found by (`user_lookups`).

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use uuid::Uuid;
use vyapar_core::identity::{
    ContactKind, EmailLink, MAX_LOOKUPS, PasswordHash, SealedContact, User, UserFilter, UserRepository,
};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{Blind, Cursor, Page, PageRequest, Stored, UserId};

use super::Accounts;
use crate::database::Scope;
use crate::encode::{bigint, bytes, sealed_opt, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of the list carry.
const LIST: &str = "users";

#[async_trait]
impl UserRepository for Accounts {
    async fn insert(&self, user: User, audit: AuditEntry) -> Stored<()> {
        let function = sqlx::query("select from vyapar.insert_user($1, $2, $3, $4)")
            .bind(encode(&user))
            .bind(encode_lookups(&user))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        self.0.call(function, "inserting a user").await.map(drop)
    }

    async fn get(&self, id: UserId) -> Stored<Option<User>> {
        let function =
            sqlx::query("select (f.found).*, f.email_lookups, f.phone_lookups from vyapar.find_user($1, $2) f")
                .bind(id.as_uuid())
                .bind(self.0.lock_timeout());
        self.0.ask(function, "reading a user").await?.first().map(decode).transpose()
    }

    async fn find(&self, kind: ContactKind, lookups: &[Blind]) -> Stored<Option<User>> {
        if lookups.len() > MAX_LOOKUPS {
            return Err(error::too_many("lookups", MAX_LOOKUPS));
        }
        let function = sqlx::query(
            "select (f.found).*, f.email_lookups, f.phone_lookups from vyapar.find_user_by_contact($1, $2, $3) f",
        )
        .bind(kind.as_str())
        .bind(lookups.iter().map(|lookup| lookup.as_bytes().to_vec()).collect::<Vec<_>>())
        .bind(self.0.lock_timeout());
        self.0.ask(function, "finding a user by his contact").await?.first().map(decode).transpose()
    }

    async fn update(&self, user: User, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_user($1, $2, $3, $4, $5)")
            .bind(encode(&user))
            .bind(encode_lookups(&user))
            .bind(bigint(expected))
            .bind(audit.map(|entry| system::encode(&entry)))
            .bind(self.0.lock_timeout());
        let updated = self.0.call_one(function, "updating a user").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list(&self, filter: UserFilter, page: PageRequest) -> Stored<Page<User>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select u.*, array(select l.lookup from vyapar.user_lookups l
                                where l.user_id = u.id and l.kind = 'email' order by l.position) as email_lookups,
                    array(select l.lookup from vyapar.user_lookups l
                           where l.user_id = u.id and l.kind = 'phone' order by l.position) as phone_lookups
               from vyapar.users u
              where ($1::varchar is null or role = $1) and ($2::boolean is null or is_active = $2)
                and ($3::uuid is null or id > $3)
              order by id limit $4",
        )
        .bind(filter.kind.map(|kind| kind.as_str()))
        .bind(filter.is_active)
        .bind(after)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.0.reader(Scope::Identity, "listing users").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let users = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(users, page.limit(), |user: &User| Cursor::new(LIST, user.id.to_string())))
    }
}

fn encode(user: &User) -> Value {
    let sealed = |contact: &Option<SealedContact>| sealed_opt(contact.as_ref().map(|contact| &contact.sealed));
    json!({
        "id": user.id,
        "email": sealed(&user.email),
        "phone": sealed(&user.phone),
        "password_hash": user.password_hash.as_ref().map(PasswordHash::as_str),
        "full_name": sealed_opt(user.full_name.as_ref()),
        "role": user.kind.as_str(),
        "email_verified": user.email_verified,
        "phone_verified": user.phone_verified,
        "email_link_hash": user.email_link.as_ref().map(|link| bytes(link.token_hash.as_bytes())),
        "email_link_expires_at": user.email_link.as_ref().map(|link| time(link.expires_at)),
        "is_active": user.is_active,
        "erased_at": user.erased_at.map(time),
        "session_epoch": user.session_epoch,
        "last_login": user.last_login.map(time),
        "version": user.version,
        "created_at": time(user.created_at),
        "updated_at": time(user.updated_at),
    })
}

/// The rows of `user_lookups` that a user has, whose `user_id` the schema adds.
fn encode_lookups(user: &User) -> Value {
    let of = |kind: &ContactKind| {
        let lookups = user.contact(*kind).map(|contact| contact.lookups.as_slice()).unwrap_or_default();
        let kind = kind.as_str();
        let row = move |(position, lookup): (i32, &Blind)| json!({ "kind": kind, "lookup": bytes(lookup.as_bytes()), "position": position });
        (1..).zip(lookups).map(row)
    };
    ContactKind::ALL.iter().flat_map(of).collect()
}

fn decode(row: &PgRow) -> Stored<User> {
    let fields = Fields::of(row, "users", "id");
    let contact = |column, lookups| -> Stored<Option<SealedContact>> {
        let Some(sealed) = fields.sealed_opt(column)? else { return Ok(None) };
        Ok(Some(SealedContact { sealed, lookups: fields.blinds(lookups)? }))
    };
    let link = fields.blind_opt("email_link_hash")?.zip(fields.get("email_link_expires_at")?);
    Ok(User {
        id: UserId::from_uuid(fields.get("id")?),
        email: contact("email", "email_lookups")?,
        phone: contact("phone", "phone_lookups")?,
        password_hash: fields.get::<Option<String>>("password_hash")?.map(PasswordHash::new),
        full_name: fields.sealed_opt("full_name")?,
        kind: fields.parse("role")?,
        email_verified: fields.get("email_verified")?,
        phone_verified: fields.get("phone_verified")?,
        email_link: link.map(|(token_hash, expires_at)| EmailLink { token_hash, expires_at }),
        is_active: fields.get("is_active")?,
        erased_at: fields.get("erased_at")?,
        session_epoch: fields.count("session_epoch")?,
        last_login: fields.get("last_login")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
