//! What happens to a reservation's goods after it was made: amendments and returns.

use vyapar_core::inventory::{
    Amend, AmendOutcome, GiveBack, GiveBackOutcome, MAX_LINES, MovementType, ReservationState, ShortLine,
};
use vyapar_core::{Quantity, RepositoryError, RepositoryErrorKind, Stored};

use super::shelf::{Line, Shelf};
use crate::{corrupt, limited};

impl Shelf {
    pub(super) fn amend(&mut self, request: Amend) -> Stored<AmendOutcome> {
        let Amend { hold, revision, targets, performed_by, now } = request;
        let Some(row) = self.row(&hold).filter(|row| row.state.holds_stock()) else {
            return Ok(AmendOutcome::NotHolding);
        };
        if revision <= row.revision {
            return Ok(AmendOutcome::Amended);
        }
        // Every product that is held or asked for, with what is held of it now.
        let mut lines: Vec<(Line, Quantity)> = Vec::with_capacity(row.lines.len());
        for line in &row.lines {
            let target = targets.iter().find(|(product, _)| *product == line.product);
            let target = target.map(|(_, quantity)| *quantity).unwrap_or_default();
            lines.push((Line { quantity: target, ..*line }, line.quantity));
        }
        let mut short = Vec::new();
        for &(product, quantity) in &targets {
            let known = lines.iter().any(|(line, _)| line.product == product);
            let level = self.level(product);
            if let (false, false, Some((place, _))) = (known, quantity.is_zero(), level) {
                let line = Line { place, product, quantity, given_back: Quantity::ZERO };
                lines.push((line, Quantity::ZERO));
            }
            let held = row.lines.iter().find(|line| line.product == product);
            let held = held.map(|line| line.quantity).unwrap_or_default();
            let available = level.map(|(_, level)| level.current).unwrap_or_default();
            if let Some(requested) = quantity.minus(held).filter(|more| *more > available) {
                short.push(ShortLine { product_id: product, requested, available });
            }
        }
        if !short.is_empty() {
            return Ok(AmendOutcome::Short(short));
        }
        limited("products", lines.len(), MAX_LINES)?;
        lines.sort_by_key(|(line, _)| line.product);
        for (line, held) in &lines {
            let less = held.minus(line.quantity).unwrap_or_default();
            if !self.levels.get(line.place).is_some_and(|level| level.can_restore(less)) {
                return Err(corrupt(format!(
                    "reservation {} holds more of {} than is reserved",
                    hold.id, line.product
                )));
            }
        }
        let cause = row.cause(None, performed_by, now);
        let Self { levels, rows, .. } = self;
        let Some(row) = rows.get_mut(&hold.id) else { return Ok(AmendOutcome::NotHolding) };
        for (line, held) in lines.iter().filter(|(line, held)| line.quantity != *held) {
            let Some(level) = levels.get_mut(line.place) else { continue };
            match line.quantity.minus(*held) {
                Some(more) => level.sell(more, &cause),
                None => level.restore(held.minus(line.quantity).unwrap_or_default(), &cause),
            }
            if row.state == ReservationState::Held {
                if line.quantity.is_zero() {
                    level.held.remove(&(row.due, hold.id));
                } else {
                    level.held.insert((row.due, hold.id));
                }
            }
        }
        row.lines = lines.into_iter().map(|(line, _)| line).collect();
        row.revision = revision;
        row.updated_at = now;
        Ok(AmendOutcome::Amended)
    }

    pub(super) fn give_back(&mut self, request: GiveBack) -> Stored<GiveBackOutcome> {
        let GiveBack { hold, operation, lines, reason, performed_by, now } = request;
        let Some(row) = self.row(&hold).filter(|row| row.state == ReservationState::Dispatched) else {
            return Ok(GiveBackOutcome::NotDispatched);
        };
        if row.returns.contains(&operation) {
            return Ok(GiveBackOutcome::Booked);
        }
        let mut too_much = Vec::new();
        for line in &lines {
            let out = row.lines.iter().find(|known| known.product == line.product_id);
            let available = out.and_then(|out| out.quantity.minus(out.given_back)).unwrap_or_default();
            if line.quantity > available {
                let (product_id, requested) = (line.product_id, line.quantity);
                too_much.push(ShortLine { product_id, requested, available });
            }
        }
        if !too_much.is_empty() {
            return Ok(GiveBackOutcome::TooMuch(too_much));
        }
        for line in &lines {
            if !self.level(line.product_id).is_some_and(|(_, level)| level.fits(line.quantity)) {
                let max = u64::try_from(Quantity::MAX.thousandths() / 1000).unwrap_or(u64::MAX);
                let kind = RepositoryErrorKind::LimitExceeded { what: "stock", max };
                return Err(RepositoryError::new(kind, format!("product {}", line.product_id)));
            }
        }
        let cause = row.cause(reason, performed_by, now);
        let Self { levels, rows, .. } = self;
        let Some(row) = rows.get_mut(&hold.id) else { return Ok(GiveBackOutcome::NotDispatched) };
        for line in &lines {
            let Some(out) = row.lines.iter_mut().find(|out| out.product == line.product_id) else { continue };
            let Some(level) = levels.get_mut(out.place) else { continue };
            let before = level.current;
            if let (Ok(returned), Ok(given_back)) = (before.plus(line.quantity), out.given_back.plus(line.quantity)) {
                out.given_back = given_back;
                level.post(MovementType::Return, line.quantity.inward(), returned, &cause);
                if !line.sellable {
                    level.post(MovementType::Damage, line.quantity.outward(), before, &cause);
                }
            }
        }
        row.returns.push(operation);
        row.updated_at = now;
        Ok(GiveBackOutcome::Booked)
    }
}
