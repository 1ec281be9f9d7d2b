//! Stores and what counts in them as items. The golden tests in `tests/it/golden.rs` pin what is
//! written here.

use aws_sdk_dynamodb::types::AttributeValue;
use rust_decimal::Decimal;
use vyapar_core::error::Stored;
use vyapar_core::geo::Coordinates;
use vyapar_core::geo::geocoder::GeocodingDue;
use vyapar_core::id::{OrderId, StoreId};
use vyapar_core::secret::Sealed;
use vyapar_core::store::{Rating, ReviewRating, Stars, Store, StoreProfile};

use super::place::Place;
use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, bytes, json, number, text, time};
use crate::keys;
use crate::tables::{STORE_COUNTS, STORES};

/// The attributes an update may change; each is set, or removed where the new state has none.
/// What adds up is not among them.
const MUTABLE: &[&str] = &[
    "list_key",
    "geo_cell",
    "geo_region",
    "geo_place",
    "geocode_shard",
    "geocode_at",
    "geocode_due",
    "geocode_failures",
    "store_name",
    "owner_name",
    "email",
    "phone",
    "whatsapp_number",
    "address",
    "city",
    "state",
    "pincode",
    "latitude",
    "longitude",
    "gstin",
    "store_type",
    "business_hours",
    "delivery_radius_km",
    "min_order_amount",
    "delivery_fee",
    "preparation_minutes",
    "accepts_online_payment",
    "status",
    "verified",
    "version",
    "updated_at",
];

/// A store as it begins.
pub(super) fn store_item(store: &Store) -> Stored<Attributes> {
    Ok(mutable(store)?
        .extend(keys::store(store.id))
        .with("store_id", text(&store.slug))
        .with("rating_sum", number(store.rating.sum))
        .with("rating_count", number(store.rating.count))
        .with("total_orders", number(store.total_orders))
        .with("created_at", time(store.created_at))
        .build())
}

/// The change to a new state.
pub(super) fn store_change(store: &Store) -> Stored<Expression> {
    Ok(Expression::to_state(mutable(store)?.build(), MUTABLE, None))
}

fn mutable(store: &Store) -> Stored<ItemBuilder> {
    let sealed = |value: &Option<Sealed>| value.as_ref().map(|value| bytes(value.as_bytes()));
    let profile = &store.profile;
    Ok(ItemBuilder::new()
        .with("list_key", keys::stores_list(store.status, store.id))
        .extend(Place::of(store).map(|place| place.attributes()).unwrap_or_default())
        .extend(store.geocoding.map(|waits| geocoding(waits, store.id)).unwrap_or_default())
        .with("store_name", text(&profile.store_name))
        .with("owner_name", bytes(store.owner_name.as_bytes()))
        .maybe("email", sealed(&store.email))
        .with("phone", bytes(store.phone.as_bytes()))
        .maybe("whatsapp_number", sealed(&store.whatsapp_number))
        .with("address", text(&profile.address))
        .with("city", text(&profile.city))
        .with("state", text(&profile.state))
        .with("pincode", text(&profile.pincode))
        .maybe("latitude", profile.coordinates.map(|at| degrees(at.latitude())))
        .maybe("longitude", profile.coordinates.map(|at| degrees(at.longitude())))
        .maybe("gstin", profile.gstin.as_ref().map(text))
        .with("store_type", text(profile.store_type))
        .with("business_hours", json(&profile.business_hours)?)
        .with("delivery_radius_km", number(profile.delivery_radius_km))
        .with("min_order_amount", number(profile.min_order_amount))
        .with("delivery_fee", number(profile.delivery_fee))
        .with("preparation_minutes", number(profile.preparation_minutes))
        .with("accepts_online_payment", AttributeValue::Bool(profile.accepts_online_payment))
        .with("status", text(store.status))
        .with("verified", AttributeValue::Bool(store.verified))
        .with("version", number(store.version))
        .with("updated_at", time(store.updated_at)))
}

fn geocoding(waits: GeocodingDue, store: StoreId) -> Attributes {
    ItemBuilder::new()
        .with("geocode_shard", text(keys::shard_of(&store.to_string())))
        .with("geocode_at", text(keys::geocode_at(waits.due, store)))
        .with("geocode_due", time(waits.due))
        .with("geocode_failures", number(waits.failures))
        .build()
}

/// Degrees in the shortest text that reads back as the same float, as JSON has them: the
/// service's own numbers end at 1e-130.
fn degrees(value: f64) -> AttributeValue {
    AttributeValue::S(format!("{value:?}"))
}

pub(super) fn read_store(item: &Attributes) -> Stored<Store> {
    let row = Row::new(STORES.name, item);
    Ok(Store {
        id: row.parse("id")?,
        slug: row.parse("store_id")?,
        profile: StoreProfile {
            store_name: row.string("store_name")?,
            store_type: row.parse("store_type")?,
            address: row.string("address")?,
            city: row.string("city")?,
            state: row.parse("state")?,
            pincode: row.parse("pincode")?,
            coordinates: coordinates(row)?,
            gstin: row.maybe_parse("gstin")?,
            business_hours: row.json("business_hours")?,
            delivery_radius_km: row.decimal::<Decimal>("delivery_radius_km")?,
            min_order_amount: row.decimal("min_order_amount")?,
            delivery_fee: row.decimal("delivery_fee")?,
            preparation_minutes: row.parse("preparation_minutes")?,
            accepts_online_payment: row.flag("accepts_online_payment")?,
        },
        owner_name: row.sealed("owner_name")?,
        phone: row.sealed("phone")?,
        email: row.maybe_sealed("email")?,
        whatsapp_number: row.maybe_sealed("whatsapp_number")?,
        status: row.parse("status")?,
        verified: row.flag("verified")?,
        rating: Rating { sum: row.parse("rating_sum")?, count: row.parse("rating_count")? },
        total_orders: row.parse("total_orders")?,
        geocoding: match row.maybe_parse("geocode_due")? {
            Some(due) => Some(GeocodingDue { due, failures: row.parse("geocode_failures")? }),
            None => None,
        },
        version: row.parse("version")?,
        created_at: row.parse("created_at")?,
        updated_at: row.parse("updated_at")?,
    })
}

fn coordinates(row: Row<'_>) -> Stored<Option<Coordinates>> {
    let Some(latitude) = row.maybe_parse("latitude")? else { return Ok(None) };
    let longitude = row.parse("longitude")?;
    Coordinates::new(latitude, longitude).map(Some).map_err(|_| row.corrupt("latitude"))
}

/// What makes the readable name of a store unique.
pub(super) fn slug_item(store: &Store) -> Attributes {
    ItemBuilder::new().extend(keys::slug(&store.slug)).with("store", text(store.id)).build()
}

/// Which store has a readable name.
pub(super) fn read_slug(item: &Attributes) -> Stored<StoreId> {
    Row::new(STORES.name, item).parse("store")
}

/// That an order counts.
pub(super) fn counted_order_item(store: StoreId, order: &OrderId) -> Attributes {
    keys::counted_order(store, order)
}

/// What a review counts for; without stars once it is withdrawn.
pub(super) fn review_item(store: StoreId, review: &ReviewRating) -> Attributes {
    ItemBuilder::new()
        .extend(keys::counted_review(store, review.review_id))
        .with("revision", number(review.revision))
        .maybe("stars", review.stars.map(|stars| number(stars.get())))
        .build()
}

/// The revision that counts, and what it gives.
pub(super) fn read_review(item: &Attributes) -> Stored<(u64, Option<Stars>)> {
    let row = Row::new(STORE_COUNTS.name, item);
    let stars = row.maybe_parse::<u8>("stars")?.map(Stars::new).transpose();
    Ok((row.parse("revision")?, stars.map_err(|_| row.corrupt("stars"))?))
}
