//! Whether a store's rows add up.

use vyapar_core::inventory::{Divergence, Verification};
use vyapar_core::{ProductId, Quantity, QuantityDelta};

use super::shelf::{Level, Shelf};
use crate::Map;

impl Shelf {
    /// Checks everything, products by id and reservations by id, under the caller's lock: a
    /// consistent state.
    pub(super) fn verify(&self) -> Verification {
        let mut held: Map<ProductId, i64> = Map::default();
        let mut unknown = Vec::new();
        for (id, row) in self.rows.iter().filter(|(_, row)| row.state.holds_stock()) {
            for line in &row.lines {
                if self.level(line.product).is_none() {
                    unknown.push((*id, line.product, row.order.clone()));
                } else {
                    let sum = held.entry(line.product).or_default();
                    *sum = sum.saturating_add(line.quantity.thousandths());
                }
            }
        }
        unknown.sort();
        let mut levels: Vec<&Level> = self.levels.iter().collect();
        levels.sort_by_key(|level| level.product);
        let mut divergences = Vec::new();
        for level in &levels {
            let held = held.get(&level.product).copied().unwrap_or_default();
            divergences.extend(ledger(level));
            divergences.extend(balance(level));
            divergences.extend(reserved(level, held));
        }
        divergences.extend(unknown.into_iter().map(|(reservation_id, product_id, order_id)| Divergence::Unknown {
            reservation_id,
            order_id,
            product_id,
        }));
        Verification {
            store_id: self.store,
            products: size(levels.len()),
            movements: levels.iter().map(|level| level.seq()).sum(),
            reservations: size(self.rows.len()),
            divergences,
        }
    }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Brings a sum that makes no sense into what can be shown.
fn delta(sum: i64) -> QuantityDelta {
    let max = Quantity::MAX.thousandths();
    QuantityDelta::from_thousandths(sum.clamp(-max, max)).unwrap_or_default()
}

fn ledger(level: &Level) -> Option<Divergence> {
    let sum = level.entries.iter().fold(0_i64, |sum, entry| sum.saturating_add(entry.quantity.thousandths()));
    let Level { product, current, .. } = *level;
    (sum != current.thousandths()).then(|| Divergence::Ledger { product_id: product, movements: delta(sum), current })
}

fn balance(level: &Level) -> Option<Divergence> {
    let mut before = Quantity::ZERO;
    for (entry, seq) in level.entries.iter().zip(1_u64..) {
        if entry.quantity.applied_to(before) != Ok(Some(entry.balance)) {
            return Some(Divergence::Balance { product_id: level.product, seq });
        }
        before = entry.balance;
    }
    None
}

fn reserved(level: &Level, held: i64) -> Option<Divergence> {
    let Level { product, reserved, .. } = *level;
    (held != reserved.thousandths()).then(|| Divergence::Reserved {
        product_id: product,
        held: delta(held).magnitude(),
        reserved,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use vyapar_core::inventory::{ReservationState, Reserve};
    use vyapar_core::{OperationId, OrderId, ReservationId, StockUnit, StoreId, Timestamp};

    use super::super::shelf::{Cause, Line, Origin};
    use super::*;
    use vyapar_core::Blind;
    use vyapar_core::inventory::{Hold, MovementType};

    fn id(n: u128) -> uuid::Uuid {
        uuid::Uuid::from_u128(n)
    }

    /// A store with ten of one product, of which three are held.
    fn shelf() -> (Shelf, ProductId) {
        let (mut shelf, product, now) =
            (Shelf::new(StoreId::from_uuid(id(1))), ProductId::from_uuid(id(2)), Timestamp::UNIX_EPOCH);
        shelf.open(product, StockUnit::Piece, now);
        let origin = Origin::Operation(OperationId::from_uuid(id(3)));
        let cause = Arc::new(Cause { origin, reason: None, performed_by: None, at: now });
        let ten = Quantity::units(10);
        shelf.levels.first_mut().unwrap().post(MovementType::Purchase, ten.inward(), ten, &cause);
        let hold = Hold { id: ReservationId::from_uuid(id(4)), attempt: 1, order_id: OrderId::from_uuid(id(5)) };
        let lines = vec![(product, Quantity::units(3))];
        let fingerprint = Blind::from_bytes([0; 32]);
        shelf.reserve(Reserve { hold, fingerprint, lines, due: now, performed_by: None, now }).unwrap();
        (shelf, product)
    }

    #[test]
    fn what_adds_up_is_counted() {
        let found = shelf().0.verify();
        assert!(found.is_clean());
        assert_eq!((found.products, found.movements, found.reservations), (1, 2, 1));
    }

    #[test]
    fn every_kind_of_damage_is_named_exactly() {
        let (mut shelf, product_id) = shelf();
        let unknown = ProductId::from_uuid(id(9));
        let row = shelf.rows.values_mut().next().unwrap();
        assert_eq!(row.state, ReservationState::Held);
        row.lines.push(Line { place: 7, product: unknown, quantity: Quantity::units(1), given_back: Quantity::ZERO });
        let level = shelf.levels.first_mut().unwrap();
        level.reserved = Quantity::units(5);
        level.current = Quantity::units(6);
        level.entries.last_mut().unwrap().balance = Quantity::units(8);
        assert_eq!(
            shelf.verify().divergences,
            vec![
                Divergence::Ledger { product_id, movements: Quantity::units(7).inward(), current: Quantity::units(6) },
                Divergence::Balance { product_id, seq: 2 },
                Divergence::Reserved { product_id, held: Quantity::units(3), reserved: Quantity::units(5) },
                Divergence::Unknown {
                    reservation_id: ReservationId::from_uuid(id(4)),
                    order_id: OrderId::from_uuid(id(5)),
                    product_id: unknown,
                },
            ]
        );
    }
}
