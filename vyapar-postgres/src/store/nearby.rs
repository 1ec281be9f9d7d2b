//! The search for stores nearby (`store_points`).

use async_trait::async_trait;
use vyapar_core::page::AllStores;
use vyapar_core::store::{NearbyPosition, NearbyQuery, NearbyStore, StoreSearch};
use vyapar_core::{Page, PageRequest, Stored};

use super::{Stores, stores};
use crate::encode::integer;
use crate::row::Fields;

#[async_trait]
impl StoreSearch for Stores {
    async fn nearby(&self, _: AllStores, query: NearbyQuery, page: PageRequest) -> Stored<Page<NearbyStore>> {
        let after = NearbyPosition::before(&page)?;
        // Behind the edge is nothing, however far behind: a position may be anybody's text.
        if after.is_some_and(|after| after.distance_km > query.radius.km()) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let function = sqlx::query("select * from vyapar.find_nearby($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(query.centre.latitude())
            .bind(query.centre.longitude())
            .bind(query.radius.km())
            .bind(query.store_type.map(|wanted| wanted.as_str()))
            .bind(i32::from(query.min_rating))
            .bind(query.delivers)
            .bind(after.map(|after| after.distance_km))
            .bind(after.map(|after| after.id.as_uuid()))
            .bind(integer(page.limit()).saturating_add(1))
            .bind(self.database.lock_timeout());
        let rows = self.database.ask(function, "searching stores nearby").await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let store = stores::read_public(Fields::of(row, "stores", "id"))?;
            // The database found who may be on the page; this says who is.
            let Some(distance_km) = query.distance_to(&store.profile, store.rating) else { continue };
            let store = NearbyStore { store, distance_km };
            if after.is_none_or(|after| store.position() > after) {
                found.push(store);
            }
        }
        found.sort_by_key(NearbyStore::position);
        Ok(Page::of(found, page.limit(), |last| last.position().cursor()))
    }
}
