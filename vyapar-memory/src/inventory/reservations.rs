//! Holding stock for orders.

use std::collections::BTreeSet;

use async_trait::async_trait;
use vyapar_core::inventory::{
    Amend, AmendOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, MAX_LINES, ReleaseCause,
    ReleaseOutcome, Reservation, ReservationState, Reservations, Reserve, ReserveOutcome, ShortLine,
};
use vyapar_core::{ProductId, Quantity, ReservationId, StoreId, Stored, Timestamp};

use super::Stock;
use super::shelf::{Line, Row, Shelf};
use crate::{corrupt, limited};

impl Shelf {
    /// Whether the key has a reservation that does not give way.
    pub(crate) fn is_taken(&self, hold: &Hold) -> bool {
        self.rows.get(&hold.id).is_some_and(|row| !row.gives_way_to(hold.attempt))
    }

    pub(super) fn reserve(&mut self, request: Reserve) -> Stored<ReserveOutcome> {
        let hold = &request.hold;
        if let Some(row) = self.rows.get(&hold.id).filter(|row| !row.gives_way_to(hold.attempt)) {
            let again = row.is(hold) && row.state == ReservationState::Held;
            return Ok(if again { ReserveOutcome::Held } else { ReserveOutcome::Taken(row.view(self.store, hold.id)) });
        }
        Ok(match self.find_lines(&request)? {
            Ok(lines) => {
                self.hold(request, lines, ReservationState::Held);
                ReserveOutcome::Held
            }
            Err(short) => ReserveOutcome::Short(short),
        })
    }

    /// The request's lines with the places of their levels, or all that are short after due
    /// holds were freed.
    pub(crate) fn find_lines(&mut self, request: &Reserve) -> Stored<Result<Vec<Line>, Vec<ShortLine>>> {
        match self.available(&request.lines) {
            Ok(lines) => Ok(Ok(lines)),
            Err(short) => {
                self.free_due(short.iter().map(|line| line.product_id), request.now)?;
                Ok(self.available(&request.lines))
            }
        }
    }

    /// Takes what was found; held, or committed at once.
    pub(crate) fn hold(&mut self, request: Reserve, lines: Vec<Line>, state: ReservationState) {
        let Reserve { hold, fingerprint, due, performed_by, now, .. } = request;
        let row = Row {
            attempt: hold.attempt,
            order: hold.order_id,
            fingerprint: Some(fingerprint),
            state,
            open: state == ReservationState::Held,
            lines,
            revision: 0,
            due,
            recover_at: due,
            failures: 0,
            created_at: now,
            updated_at: now,
            returns: Vec::new(),
        };
        let cause = row.cause(None, performed_by, now);
        for line in &row.lines {
            if let Some(level) = self.levels.get_mut(line.place) {
                level.sell(line.quantity, &cause);
            }
        }
        self.put(hold.id, row);
    }

    /// The lines with the places of their levels, or all that are short.
    fn available(&self, lines: &[(ProductId, Quantity)]) -> Result<Vec<Line>, Vec<ShortLine>> {
        let mut found = Vec::with_capacity(lines.len());
        let mut short = Vec::new();
        for &(product, quantity) in lines {
            match self.level(product) {
                Some((place, level)) if level.current >= quantity => {
                    found.push(Line { place, product, quantity, given_back: Quantity::ZERO });
                }
                level => {
                    let available = level.map(|(_, level)| level.current).unwrap_or_default();
                    short.push(ShortLine { product_id: product, requested: quantity, available });
                }
            }
        }
        if !short.is_empty() {
            return Err(short);
        }
        // Services send them sorted; a reservation shows them so whoever made it.
        found.sort_by_key(|line| line.product);
        Ok(found)
    }

    /// Releases every due hold that holds some of these products, by when it ended.
    pub(super) fn free_due(&mut self, products: impl IntoIterator<Item = ProductId>, now: Timestamp) -> Stored<()> {
        let levels = products.into_iter().filter_map(|product| self.level(product));
        let due: BTreeSet<(Timestamp, ReservationId)> =
            levels.flat_map(|(_, level)| level.held.iter().take_while(|(due, _)| *due <= now)).copied().collect();
        due.into_iter().try_for_each(|(_, id)| self.let_go(id, true, now))
    }

    fn commit(&mut self, hold: &Hold, now: Timestamp) -> CommitOutcome {
        match self.row(hold).map(|row| row.state) {
            Some(ReservationState::Held) => {}
            Some(ReservationState::Committed | ReservationState::Dispatched) => return CommitOutcome::Committed,
            Some(ReservationState::Released) | None => return CommitOutcome::Lost,
        }
        let Self { levels, rows, .. } = self;
        if let Some(row) = rows.get_mut(&hold.id) {
            for line in &row.lines {
                if let Some(level) = levels.get_mut(line.place) {
                    level.held.remove(&(row.due, hold.id));
                }
            }
            row.state = ReservationState::Committed;
            row.updated_at = now;
        }
        self.close(hold.id, now);
        CommitOutcome::Committed
    }

    fn undo(&mut self, hold: Hold, now: Timestamp) -> Stored<ReleaseOutcome> {
        let row = self.rows.get(&hold.id).filter(|row| !row.gives_way_to(hold.attempt));
        let Some(row) = row else {
            self.put(hold.id, tombstone(hold, now));
            return Ok(ReleaseOutcome::Released);
        };
        if !row.is(&hold) {
            return Ok(ReleaseOutcome::Other);
        }
        match row.state {
            ReservationState::Held => self.let_go(hold.id, true, now)?,
            ReservationState::Released => {}
            ReservationState::Committed | ReservationState::Dispatched => return Ok(ReleaseOutcome::Committed),
        }
        Ok(ReleaseOutcome::Released)
    }

    fn cancel(&mut self, hold: &Hold, now: Timestamp) -> Stored<ReleaseOutcome> {
        let Some(row) = self.row(hold) else { return Ok(ReleaseOutcome::Other) };
        match row.state {
            ReservationState::Held | ReservationState::Committed => self.let_go(hold.id, false, now)?,
            ReservationState::Released => self.close(hold.id, now),
            ReservationState::Dispatched => return Ok(ReleaseOutcome::Dispatched),
        }
        Ok(ReleaseOutcome::Released)
    }

    fn dispatch(&mut self, hold: &Hold, now: Timestamp) -> Stored<DispatchOutcome> {
        match self.row(hold).map(|row| row.state) {
            Some(ReservationState::Committed) => {}
            Some(ReservationState::Dispatched) => return Ok(DispatchOutcome::Dispatched),
            _ => return Ok(DispatchOutcome::NotCommitted),
        }
        let Self { levels, rows, .. } = self;
        let Some(row) = rows.get_mut(&hold.id) else { return Ok(DispatchOutcome::NotCommitted) };
        for line in &row.lines {
            if levels.get(line.place).is_none_or(|level| level.reserved < line.quantity) {
                let context = format!("reservation {} holds more of {} than is reserved", hold.id, line.product);
                return Err(corrupt(context));
            }
        }
        for line in row.lines.iter().filter(|line| !line.quantity.is_zero()) {
            if let Some(level) = levels.get_mut(line.place)
                && let Some(reserved) = level.reserved.minus(line.quantity)
            {
                level.reserved = reserved;
                level.updated_at = now;
            }
        }
        row.state = ReservationState::Dispatched;
        row.updated_at = now;
        Ok(DispatchOutcome::Dispatched)
    }
}

/// What stands for a hold that was undone before it was seen.
fn tombstone(hold: Hold, now: Timestamp) -> Row {
    Row {
        attempt: hold.attempt,
        order: hold.order_id,
        fingerprint: None,
        state: ReservationState::Released,
        open: true,
        lines: Vec::new(),
        revision: 0,
        due: now,
        recover_at: now,
        failures: 0,
        created_at: now,
        updated_at: now,
        returns: Vec::new(),
    }
}

#[async_trait]
impl Reservations for Stock {
    async fn reserve(&self, store: StoreId, request: Reserve) -> Stored<ReserveOutcome> {
        limited("products", request.lines.len(), MAX_LINES)?;
        self.act(store, |shelf| shelf.reserve(request))
    }

    async fn find(&self, store: StoreId, id: ReservationId) -> Stored<Option<Reservation>> {
        Ok(self.look(store, |shelf| shelf.rows.get(&id).map(|row| row.view(store, id))).flatten())
    }

    async fn commit(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<CommitOutcome> {
        Ok(self.act(store, |shelf| shelf.commit(&hold, now)))
    }

    async fn release(&self, store: StoreId, hold: Hold, cause: ReleaseCause, now: Timestamp) -> Stored<ReleaseOutcome> {
        self.act(store, |shelf| match cause {
            ReleaseCause::Undone => shelf.undo(hold, now),
            ReleaseCause::Cancelled => shelf.cancel(&hold, now),
        })
    }

    async fn dispatch(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<DispatchOutcome> {
        self.act(store, |shelf| shelf.dispatch(&hold, now))
    }

    async fn amend(&self, store: StoreId, request: Amend) -> Stored<AmendOutcome> {
        limited("products", request.targets.len(), MAX_LINES)?;
        self.act(store, |shelf| shelf.amend(request))
    }

    async fn give_back(&self, store: StoreId, request: GiveBack) -> Stored<GiveBackOutcome> {
        limited("products", request.lines.len(), MAX_LINES)?;
        self.act(store, |shelf| shelf.give_back(request))
    }

    async fn close(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<()> {
        self.act(store, |shelf| {
            if shelf.row(&hold).is_some_and(|row| row.state == ReservationState::Released) {
                shelf.close(hold.id, now);
            }
        });
        Ok(())
    }
}
