//! Holding stock, and freeing holds that are due.

use std::collections::BTreeSet;
use std::sync::Arc;

use vyapar_core::error::Stored;
use vyapar_core::id::{ProductId, StoreId};
use vyapar_core::inventory::{
    Hold, MovementType, ReleaseCause, Reservation, ReservationLine, ReservationState, Reserve, ReserveOutcome,
    ShortLine,
};
use vyapar_core::quantity::Quantity;
use vyapar_core::time::Timestamp;

use super::books::{Books, Why};
use super::codec::{ReservationItem, read_reservation};
use super::waiting::Ask;
use super::{DynamoStock, within_limit};
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Row, text, time_text};
use crate::keys;
use crate::retry::Patience;
use crate::tables::RESERVATIONS;

/// What the books say about a request.
enum Decided {
    Answer(ReserveOutcome),
    Short(Vec<ShortLine>),
}

impl DynamoStock {
    pub(super) async fn hold(&self, store: StoreId, request: Reserve) -> Stored<ReserveOutcome> {
        within_limit(request.lines.len())?;
        let ask = Ask {
            store,
            reservation: Some(request.hold.id),
            operation: None,
            products: request.lines.iter().map(|(product, _)| *product).collect(),
            fresh: request.hold.attempt == 1,
            sells: true,
        };
        let now = request.now;
        let request = Arc::new(request);
        let mut patience = self.db.patience();
        let mut freed = false;
        loop {
            let request = Arc::clone(&request);
            let decided = self.gatherer.ask(ask.clone(), &patience, move |books| decide(&request, books)).await?;
            let short = match decided {
                Decided::Answer(outcome) => return Ok(outcome),
                Decided::Short(short) if freed => return Ok(ReserveOutcome::Short(short)),
                Decided::Short(short) => short,
            };
            let wanted: BTreeSet<ProductId> = short.iter().map(|line| line.product_id).collect();
            self.free_due(store, &wanted, now, &mut patience).await?;
            freed = true;
        }
    }

    /// Releases the store's due holds of these products, each in a transaction of its own.
    ///
    /// The index they are found by follows the table within moments; a hold lasts minutes, so
    /// one that is due has long been in it.
    pub(super) async fn free_due(
        &self,
        store: StoreId,
        products: &BTreeSet<ProductId>,
        now: Timestamp,
        patience: &mut Patience,
    ) -> Stored<()> {
        let held = ReservationState::Held;
        let query = Query {
            table: &RESERVATIONS,
            index: Some("holding-index"),
            key: Expression::new("#holding_store = :store AND #holding BETWEEN :first AND :last")
                .value(":store", text(store))
                .value(":first", text(format_args!("{held}#")))
                .value(":last", text(format_args!("{held}#{}", time_text(now)))),
            filter: None,
            newest_first: false,
        };
        let mut holders = self.holding(store, &query).await?;
        holders.sort_by_key(|item| (item.reservation.due, item.reservation.hold.id));
        for item in holders {
            let reservation = item.reservation;
            // The index may lag: the table decides.
            let due = reservation.state == held && reservation.due <= now;
            let concerned =
                reservation.lines.iter().any(|line| products.contains(&line.product_id) && !line.quantity.is_zero());
            if due && concerned {
                self.give_up(store, &reservation.hold, ReleaseCause::Undone, now, patience).await?;
            }
        }
        Ok(())
    }

    /// The reservations that a query of `holding-index` finds, as they are now.
    pub(super) async fn holding(&self, store: StoreId, query: &Query) -> Stored<Vec<ReservationItem>> {
        let found = self.db.query_all(query, "listing holds").await?;
        let mut wanted = Vec::with_capacity(found.len());
        for item in &found {
            let id = Row::new(RESERVATIONS.name, item).parse("reservation_id")?;
            wanted.push(keys::reservation(store, id));
        }
        let items = self.db.get_all(&RESERVATIONS, wanted, &mut self.db.patience(), "reading holds").await?;
        items.iter().map(read_reservation).collect()
    }
}

fn decide(request: &Reserve, books: &mut Books) -> Stored<Decided> {
    if let Some(item) = books.reservation(request.hold.id) {
        let stored = &item.reservation;
        if stored.hold == request.hold && stored.state == ReservationState::Held {
            return Ok(Decided::Answer(ReserveOutcome::Held));
        }
        if !replaceable(stored, &request.hold) {
            return Ok(Decided::Answer(ReserveOutcome::Taken(stored.clone())));
        }
    }
    let short: Vec<ShortLine> = request
        .lines
        .iter()
        .filter(|(product, requested)| !books.has(*product, *requested))
        .map(|(product, requested)| ShortLine {
            product_id: *product,
            requested: *requested,
            available: books.free(*product),
        })
        .collect();
    if !short.is_empty() {
        return Ok(Decided::Short(short));
    }
    let why = Why::order(&request.hold.order_id, request.performed_by, request.now);
    for (product, quantity) in &request.lines {
        books.book(*product, MovementType::Sale, quantity.outward(), &why)?;
        books.hold(*product, *quantity, &why)?;
    }
    books.put(ReservationItem {
        reservation: fresh(books.store(), request),
        version: 0,
        given_back_by: BTreeSet::new(),
    });
    Ok(Decided::Answer(ReserveOutcome::Held))
}

/// Whether a later attempt may take the key over.
pub(super) fn replaceable(stored: &Reservation, by: &Hold) -> bool {
    stored.state == ReservationState::Released && !stored.open && stored.hold.attempt < by.attempt
}

fn fresh(store: StoreId, request: &Reserve) -> Reservation {
    let line = |(product_id, quantity): &(ProductId, Quantity)| ReservationLine {
        product_id: *product_id,
        quantity: *quantity,
        given_back: Quantity::ZERO,
    };
    let mut lines: Vec<_> = request.lines.iter().map(line).collect();
    lines.sort_unstable_by_key(|line| line.product_id);
    Reservation {
        store_id: store,
        hold: request.hold.clone(),
        fingerprint: Some(request.fingerprint),
        state: ReservationState::Held,
        open: true,
        lines,
        revision: 0,
        due: request.due,
        recover_at: request.due,
        failures: 0,
        created_at: request.now,
        updated_at: request.now,
    }
}
