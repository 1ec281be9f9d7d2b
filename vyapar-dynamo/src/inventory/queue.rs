//! Open reservations that recovery must look at.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use vyapar_core::error::{ROOM_FOR_UNREADABLE, Stored, readable};
use vyapar_core::id::StoreId;
use vyapar_core::inventory::{Hold, Reservation, ReservationQueue};
use vyapar_core::page::AllStores;
use vyapar_core::time::Timestamp;

use super::DynamoStock;
use super::codec::read_reservation;
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, number, text, time};
use crate::keys;
use crate::tables::RESERVATIONS;

#[async_trait]
impl ReservationQueue for DynamoStock {
    async fn due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Reservation>> {
        let room = limit.saturating_add(ROOM_FOR_UNREADABLE) as usize;
        let until = |shard: String| Query {
            key: Expression::new("#recover_shard = :shard AND #recover_at <= :now")
                .value(":shard", text(shard))
                .value(":now", time(now)),
            ..open_ones()
        };
        let mut patience = self.db.patience();
        // Each shard's oldest: the oldest of all are among them.
        let shards = try_join_all(keys::shards().map(|shard| {
            let (query, mut patience) = (until(shard), patience.clone());
            async move { self.db.query(&query, room, &mut patience, "listing due reservations").await }
        }))
        .await?;
        let mut found: Vec<(String, Attributes)> = Vec::new();
        for item in shards.iter().flatten() {
            let row = Row::new(RESERVATIONS.name, item);
            let key = keys::reservation(row.parse("store_id")?, row.parse("reservation_id")?);
            found.push((row.string("recover_at")?, key));
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found.truncate(room);
        let wanted = found.into_iter().map(|(_, key)| key);
        let items = self.db.get_all(&RESERVATIONS, wanted, &mut patience, "reading due reservations").await?;
        let mut due: Vec<_> = readable(items.iter().map(read_reservation), u32::MAX)?
            .into_iter()
            .map(|found| found.reservation)
            // The index may lag: the table decides.
            .filter(|reservation| reservation.open && reservation.recover_at <= now)
            .collect();
        due.sort_by_key(|found| (found.recover_at, found.store_id, found.hold.id));
        due.truncate(limit as usize);
        Ok(due)
    }

    async fn defer(&self, store: StoreId, hold: Hold, recover_at: Timestamp, failures: u32) -> Stored<()> {
        // A new version, so that a move under way, which writes the whole item, does not
        // write the old times back.
        let change = Expression::new("SET #recover_at = :at, #failures = :failures, #version = #version + :one")
            .value(":at", time(recover_at))
            .value(":failures", number(failures))
            .value(":one", number(1));
        let condition = Expression::new("#attempt = :attempt AND #order_id = :order AND #open = :yes")
            .value(":attempt", number(hold.attempt))
            .value(":order", text(&hold.order_id))
            .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        let key = keys::reservation(store, hold.id);
        let patience = &mut self.db.patience();
        self.db.set(&RESERVATIONS, key, &change, &condition, patience, "deferring a reservation").await.map(|_| ())
    }

    async fn stuck(&self, _: AllStores, failures: u32, limit: u32) -> Stored<Vec<Reservation>> {
        let limit = limit as usize;
        let mut stuck = Vec::new();
        // Every open reservation is looked at: they are few, and this is asked by people.
        for shard in keys::shards() {
            let query =
                Query { key: Expression::new("#recover_shard = :shard").value(":shard", text(shard)), ..open_ones() };
            let mut wanted = Vec::new();
            for item in self.db.query_all(&query, "listing open reservations").await? {
                let row = Row::new(RESERVATIONS.name, &item);
                wanted.push(keys::reservation(row.parse("store_id")?, row.parse("reservation_id")?));
            }
            let patience = &mut self.db.patience();
            let items = self.db.get_all(&RESERVATIONS, wanted, patience, "reading open reservations").await?;
            let found =
                readable(items.iter().map(read_reservation), u32::MAX)?.into_iter().map(|found| found.reservation);
            stuck.extend(found.filter(|reservation| reservation.open && reservation.failures >= failures));
        }
        stuck.sort_by_key(|found| (found.recover_at, found.store_id, found.hold.id));
        stuck.truncate(limit);
        Ok(stuck)
    }
}

fn open_ones() -> Query {
    Query {
        table: &RESERVATIONS,
        index: Some("recover-index"),
        key: Expression::new(""),
        filter: None,
        newest_first: false,
    }
}
