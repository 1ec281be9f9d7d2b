//! Goods of a dispatched reservation that come back.

use std::collections::BTreeSet;

use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::StoreId;
use vyapar_core::inventory::{GiveBack, GiveBackOutcome, MovementType, ReservationState, ShortLine};
use vyapar_core::quantity::Quantity;

use super::books::{Books, Why};
use super::moves::of_hold;
use super::{DynamoStock, within_limit};
use crate::tables::RESERVATIONS;

impl DynamoStock {
    pub(super) async fn take_back(&self, store: StoreId, request: GiveBack) -> Stored<GiveBackOutcome> {
        within_limit(request.lines.len())?;
        let id = request.hold.id;
        let request = std::sync::Arc::new(request);
        let decide = move |books: &mut Books| taken_back(&request, books);
        self.step(store, id, BTreeSet::new(), &mut self.db.patience(), decide).await
    }
}

fn taken_back(request: &GiveBack, books: &mut Books) -> Stored<GiveBackOutcome> {
    let Some(mut item) = of_hold(books, &request.hold) else { return Ok(GiveBackOutcome::NotDispatched) };
    if item.reservation.state != ReservationState::Dispatched {
        return Ok(GiveBackOutcome::NotDispatched);
    }
    // The operations are kept with the reservation, in the same write.
    if item.given_back_by.contains(&request.operation) {
        return Ok(GiveBackOutcome::Booked);
    }
    let lines = &mut item.reservation.lines;
    let too_much: Vec<ShortLine> = request
        .lines
        .iter()
        .filter_map(|back| {
            let line = lines.iter().find(|line| line.product_id == back.product_id);
            let available = line.and_then(|line| line.quantity.minus(line.given_back)).unwrap_or(Quantity::ZERO);
            let requested = back.quantity;
            (requested > available).then_some(ShortLine { product_id: back.product_id, requested, available })
        })
        .collect();
    if !too_much.is_empty() {
        return Ok(GiveBackOutcome::TooMuch(too_much));
    }
    let why = Why::order(&request.hold.order_id, request.performed_by, request.now).with_reason(request.reason.clone());
    for back in &request.lines {
        books.room_for(back.product_id, back.quantity)?;
        books.book(back.product_id, MovementType::Return, back.quantity.inward(), &why)?;
        if !back.sellable {
            books.book(back.product_id, MovementType::Damage, back.quantity.outward(), &why)?;
        }
        for line in lines.iter_mut().filter(|line| line.product_id == back.product_id) {
            line.given_back = line.given_back.plus(back.quantity).map_err(|error| {
                let row = format!("table {}, column lines, row reservation_id {}", RESERVATIONS.name, request.hold.id);
                RepositoryError::new(RepositoryErrorKind::Corrupt, row).with_source(error)
            })?;
        }
    }
    item.given_back_by.insert(request.operation);
    item.reservation.updated_at = request.now;
    books.put(item);
    Ok(GiveBackOutcome::Booked)
}
