//! Stores (`stores`).

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::geo::Coordinates;
use vyapar_core::page::AllStores;
use vyapar_core::store::{
    BusinessHours, PublicStore, Rating, Slug, Store, StoreFilter, StoreProfile, StoreRepository, StoreUser,
    UpdateOutcome,
};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, StoreId, Stored, Timestamp};

use super::{Stores, members};
use crate::catalogue;
use crate::database::Scope;
use crate::encode::{bigint, bytes, decimal, json as encode_json, sealed_opt, time};
use crate::row::Fields;
use crate::{error, system};

/// The name that cursors of store lists carry.
const LIST: &str = "stores";

#[async_trait]
impl StoreRepository for Stores {
    async fn insert(&self, store: Store, owner: Option<StoreUser>, audit: AuditEntry) -> Stored<()> {
        if owner.as_ref().is_some_and(|owner| owner.store_id != store.id) {
            return Err(error::foreign("inserting a store's owner"));
        }
        let owner = owner.map(|owner| members::encode(store.id, &owner)).transpose()?;
        let function = sqlx::query("select from vyapar.insert_store($1, $2, $3, $4)")
            .bind(encode(&store)?)
            .bind(owner)
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        self.database.call(function, "inserting a store").await.map(drop)
    }

    async fn get(&self, id: StoreId) -> Stored<Option<Store>> {
        match self.catalogue.call(catalogue::Ask::Store(id)).await? {
            catalogue::Answer::Store(store) => Ok(store.map(|store| *store)),
            catalogue::Answer::Products(_) => Err(catalogue::unclear()),
        }
    }

    async fn find_by_slug(&self, slug: &Slug) -> Stored<Option<Store>> {
        let query = sqlx::query("select * from vyapar.stores where store_id = $1").bind(slug.as_str());
        let mut reader = self.database.reader(Scope::AllStores, "finding a store by its name").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        rows.first().map(decode).transpose()
    }

    async fn update(&self, store: Store, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_store($1, $2, $3, $4)")
            .bind(encode(&store)?)
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.database.lock_timeout());
        let updated = self.database.call_one(function, "updating a store").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list(&self, _: AllStores, filter: StoreFilter, page: PageRequest) -> Stored<Page<Store>> {
        let after = page.cursor().map(|cursor| cursor.parse_position::<Uuid>(LIST)).transpose()?;
        let query = sqlx::query(
            "select * from vyapar.stores
              where ($1::varchar is null or status = $1) and ($2::varchar is null or pincode = $2)
                and ($3::uuid is null or id > $3)
              order by id limit $4",
        )
        .bind(filter.status.map(|status| status.as_str()))
        .bind(filter.pincode.as_ref().map(|pincode| pincode.as_str()))
        .bind(after)
        .bind(i64::from(page.limit()) + 1);
        let mut reader = self.database.reader(Scope::AllStores, "listing stores").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        let stores = rows.iter().map(decode).collect::<Stored<_>>()?;
        Ok(Page::of(stores, page.limit(), |store: &Store| Cursor::new(LIST, store.id.to_string())))
    }

    async fn geocode_due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Store>> {
        let query =
            sqlx::query("select * from vyapar.stores where geocoding_due <= $1 order by geocoding_due, id limit $2")
                .bind(now)
                .bind(i64::from(limit));
        let mut reader = self.database.reader(Scope::AllStores, "listing stores to geocode").await?;
        let rows = reader.rows(query).await?;
        reader.finish().await?;
        rows.iter().map(decode).collect()
    }
}

fn encode(store: &Store) -> Stored<Value> {
    let profile = &store.profile;
    Ok(json!({
        "id": store.id,
        "store_id": store.slug.as_str(),
        "store_name": profile.store_name,
        "owner_name": bytes(store.owner_name.as_bytes()),
        "email": sealed_opt(store.email.as_ref()),
        "phone": bytes(store.phone.as_bytes()),
        "whatsapp_number": sealed_opt(store.whatsapp_number.as_ref()),
        "address": profile.address,
        "city": profile.city,
        "state": profile.state.as_str(),
        "pincode": profile.pincode.as_str(),
        "latitude": profile.coordinates.map(Coordinates::latitude),
        "longitude": profile.coordinates.map(Coordinates::longitude),
        "gstin": profile.gstin.as_ref().map(|gstin| gstin.as_str()),
        "store_type": profile.store_type.as_str(),
        "business_hours": encode_json(&profile.business_hours)?,
        "delivery_radius_km": decimal(profile.delivery_radius_km),
        "min_order_amount": decimal(profile.min_order_amount),
        "delivery_fee": decimal(profile.delivery_fee),
        "preparation_minutes": profile.preparation_minutes,
        "accepts_online_payment": profile.accepts_online_payment,
        "status": store.status.as_str(),
        "verified": store.verified,
        "rating_sum": store.rating.sum,
        "rating_count": store.rating.count,
        "total_orders": store.total_orders,
        "geocoding_due": store.geocoding.map(|geocoding| time(geocoding.due)),
        "geocoding_failures": store.geocoding.map(|geocoding| geocoding.failures),
        "version": store.version,
        "created_at": time(store.created_at),
        "updated_at": time(store.updated_at),
    }))
}

fn decode(row: &PgRow) -> Stored<Store> {
    read(Fields::of(row, "stores", "id"))
}

/// The store of a row, whatever its columns are called.
pub(crate) fn read(fields: Fields<'_>) -> Stored<Store> {
    Ok(Store {
        id: StoreId::from_uuid(fields.get("id")?),
        slug: fields.parse("store_id")?,
        profile: profile(&fields)?,
        owner_name: fields.sealed("owner_name")?,
        phone: fields.sealed("phone")?,
        email: fields.sealed_opt("email")?,
        whatsapp_number: fields.sealed_opt("whatsapp_number")?,
        status: fields.parse("status")?,
        verified: fields.get("verified")?,
        rating: rating(&fields)?,
        // Older rows have none.
        total_orders: fields
            .get::<Option<i32>>("total_orders")?
            .map_or(Ok(0), u64::try_from)
            .map_err(|e| fields.corrupt("total_orders").with_source(e))?,
        geocoding: fields.geocoding()?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}

/// What everyone may see of the store of a row.
pub(super) fn read_public(fields: Fields<'_>) -> Stored<PublicStore> {
    Ok(PublicStore {
        id: StoreId::from_uuid(fields.get("id")?),
        slug: fields.parse("store_id")?,
        profile: profile(&fields)?,
        verified: fields.get("verified")?,
        rating: rating(&fields)?,
    })
}

fn profile(fields: &Fields<'_>) -> Stored<StoreProfile> {
    let minutes: i64 = fields.get("preparation_minutes")?;
    let hours: Option<Json<BusinessHours>> = fields.get("business_hours")?;
    Ok(StoreProfile {
        store_name: fields.get("store_name")?,
        store_type: fields.parse("store_type")?,
        address: fields.get("address")?,
        city: fields.get("city")?,
        state: fields.parse("state")?,
        pincode: fields.parse("pincode")?,
        coordinates: fields.coordinates()?,
        gstin: fields.parse_opt("gstin")?,
        // Older rows have none, and were open whenever they were asked.
        business_hours: hours.map_or_else(BusinessHours::always, |Json(hours)| hours),
        // Two decimals are the column's: what was given as 2 km is not read back as 2.00.
        delivery_radius_km: fields.get::<Decimal>("delivery_radius_km")?.normalize(),
        min_order_amount: fields.decimal("min_order_amount")?,
        delivery_fee: fields.decimal("delivery_fee")?,
        preparation_minutes: u32::try_from(minutes).map_err(|_| fields.corrupt("preparation_minutes"))?,
        accepts_online_payment: fields.get("accepts_online_payment")?,
    })
}

fn rating(fields: &Fields<'_>) -> Stored<Rating> {
    Ok(Rating { sum: fields.count("rating_sum")?, count: fields.count("rating_count")? })
}
