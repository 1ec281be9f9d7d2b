//! What an order is quoted by, stores and products, read for many callers in one round trip.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgConnection, Row};
use uuid::Uuid;
use vyapar_core::inventory::StoreProduct;
use vyapar_core::store::Store;
use vyapar_core::{ProductId, RepositoryError, RepositoryErrorKind, StoreId, Stored};

use crate::encode::millis;
use crate::error::Intent;
use crate::gather::{Key, Reply, Work};
use crate::inventory::products;
use crate::row::Fields;
use crate::store;

/// Reading stores and products, as a kind of call that is gathered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Catalogue;

#[derive(Debug)]
pub(crate) enum Ask {
    Store(StoreId),
    Products(StoreId, Vec<ProductId>),
}

#[derive(Debug)]
pub(crate) enum Answer {
    Store(Option<Box<Store>>),
    Products(Vec<StoreProduct>),
}

pub(crate) fn unclear() -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::Backend, "an answer of find_catalogue")
}

#[async_trait]
impl Work for Catalogue {
    type Ask = Ask;
    type Answer = Answer;

    const NAME: &'static str = "reading the catalogue";
    const INTENT: Intent = Intent::Read;

    fn keys(&self, _: &Ask) -> Vec<Key> {
        Vec::new()
    }

    fn lines(&self, ask: &Ask) -> usize {
        match ask {
            Ask::Store(_) => 1,
            Ask::Products(_, ids) => ids.len(),
        }
    }

    async fn run(
        &self,
        connection: &mut PgConnection,
        asks: &[&Ask],
        _wait: Option<&Key>,
        patience: Duration,
    ) -> Result<Vec<Stored<Reply<Answer>>>, sqlx::Error> {
        let (mut scope, mut stores, mut products) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for ask in asks {
            match ask {
                Ask::Store(store) => {
                    scope.insert(store.as_uuid());
                    stores.insert(store.as_uuid());
                }
                Ask::Products(store, ids) => {
                    scope.insert(store.as_uuid());
                    products.extend(ids.iter().map(|id| (store.as_uuid(), id.as_uuid())));
                }
            }
        }
        let (product_stores, ids): (Vec<Uuid>, Vec<Uuid>) = products.into_iter().unzip();
        let rows = sqlx::query(
            "select (f.store).id as s_id, (f.store).store_id as s_store_id, (f.store).store_name as s_store_name,
                    (f.store).owner_name as s_owner_name, (f.store).email as s_email, (f.store).phone as s_phone,
                    (f.store).whatsapp_number as s_whatsapp_number, (f.store).address as s_address, (f.store).city
                    as s_city, (f.store).state as s_state, (f.store).pincode as s_pincode, (f.store).latitude as
                    s_latitude, (f.store).longitude as s_longitude, (f.store).gstin as s_gstin,
                    (f.store).store_type as s_store_type, (f.store).delivery_radius_km as s_delivery_radius_km,
                    (f.store).min_order_amount as s_min_order_amount, (f.store).delivery_fee as s_delivery_fee,
                    (f.store).preparation_minutes as s_preparation_minutes, (f.store).accepts_online_payment as
                    s_accepts_online_payment, (f.store).business_hours as s_business_hours, (f.store).status as
                    s_status, (f.store).verified as s_verified, (f.store).rating_sum as s_rating_sum,
                    (f.store).rating_count as s_rating_count, (f.store).total_orders as s_total_orders,
                    (f.store).geocoding_due as s_geocoding_due, (f.store).geocoding_failures as
                    s_geocoding_failures, (f.store).version as s_version, (f.store).created_at as s_created_at,
                    (f.store).updated_at as s_updated_at,
                    (f.product).*
               from vyapar.find_catalogue($1, $2, $3, $4, $5) f",
        )
        .bind(scope.into_iter().collect::<Vec<_>>())
        .bind(stores.into_iter().collect::<Vec<_>>())
        .bind(product_stores)
        .bind(ids)
        .bind(millis(patience))
        .fetch_all(connection)
        .await?;
        let (mut stores, mut products) = (HashMap::new(), HashMap::new());
        for row in &rows {
            if let Some(id) = row.try_get::<Option<Uuid>, _>("s_id")? {
                stores.insert(id, row);
            } else {
                products.insert((row.try_get::<Uuid, _>("store_id")?, row.try_get::<Uuid, _>("id")?), row);
            }
        }
        // A row that makes no sense fails those who asked for it.
        let answer = |ask: &Ask| match ask {
            Ask::Store(id) => {
                let row = stores.get(&id.as_uuid());
                let store = row.map(|row| store::read(Fields::prefixed(row, "stores", "id", "s_")).map(Box::new));
                store.transpose().map(Answer::Store)
            }
            Ask::Products(store, ids) => {
                let ids: BTreeSet<&ProductId> = ids.iter().collect();
                let rows = ids.into_iter().filter_map(|id| products.get(&(store.as_uuid(), id.as_uuid())));
                rows.map(|row| products::decode(row)).collect::<Stored<Vec<_>>>().map(Answer::Products)
            }
        };
        Ok(asks.iter().map(|ask| answer(ask).map(Reply::Done)).collect())
    }
}
