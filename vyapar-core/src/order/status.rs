//! The order's lifecycle: one table, all else is refused (DOMAIN section 7).

use crate::actor::Party;
use crate::order::Fulfilment;
use crate::text_enum::text_enum;

text_enum! {
    /// Where an order stands (`orders.status`).
    OrderStatus ("order status") {
        /// Placed; not yet accepted by the store.
        Placed = "placed",
        /// Accepted.
        Confirmed = "confirmed",
        /// Being packed.
        Preparing = "preparing",
        /// Packed.
        Ready = "ready",
        /// On its way.
        OutForDelivery = "out_for_delivery",
        /// Handed over. Final.
        Delivered = "delivered",
        /// Called off. Final.
        Cancelled = "cancelled",
    }
}

/// A legal move of an order, and what it does to the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Changes the status only.
    Plain,
    /// Accepts the order: needs committed stock, and COD or a successful payment.
    Confirm,
    /// The goods leave the shop.
    Dispatch,
    /// Calls it off before the goods left: they go back on the shelf.
    CancelHeld,
    /// Calls it off after the goods left: they come back as returns.
    CancelDispatched,
}

impl OrderStatus {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Cancelled)
    }

    /// What moving from here to `to` means, if `party` may do it with an order fulfilled that
    /// way; `dispatched` says whether its goods have left (they may have, and come back to
    /// `ready` after a failed attempt).
    #[must_use]
    pub const fn step(self, to: Self, party: Party, fulfilment: Fulfilment, dispatched: bool) -> Option<Move> {
        use OrderStatus::{Cancelled, Confirmed, Delivered, OutForDelivery, Placed, Preparing, Ready};
        let for_store = matches!(party, Party::Store);
        let cancel = if dispatched { Move::CancelDispatched } else { Move::CancelHeld };
        match (self, to) {
            (Placed, Confirmed) if for_store => Some(Move::Confirm),
            (Confirmed, Preparing) | (Preparing, Ready) if for_store => Some(Move::Plain),
            (Ready, OutForDelivery) if for_store && matches!(fulfilment, Fulfilment::Delivery) => {
                Some(if dispatched { Move::Plain } else { Move::Dispatch })
            }
            (Ready, Delivered) if for_store && matches!(fulfilment, Fulfilment::Pickup) => Some(Move::Dispatch),
            (OutForDelivery, Ready | Delivered) if for_store => Some(Move::Plain),
            (Placed, Cancelled) => Some(cancel),
            (Confirmed, Cancelled) if !matches!(party, Party::System) => Some(cancel),
            (Preparing | Ready | OutForDelivery, Cancelled) if for_store => Some(cancel),
            _ => None,
        }
    }

    /// Whether cancelling from here needs a reason (the goods are on their way).
    #[must_use]
    pub const fn cancel_needs_reason(self) -> bool {
        matches!(self, Self::OutForDelivery)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of DOMAIN section 7, row by row: c customer, s store, y system; D delivery
    /// only, P pickup only.
    const TABLE: [(OrderStatus, [&str; 7]); 7] = [
        (OrderStatus::Placed, ["", "s", "", "", "", "", "csy"]),
        (OrderStatus::Confirmed, ["", "", "s", "", "", "", "cs"]),
        (OrderStatus::Preparing, ["", "", "", "s", "", "", "s"]),
        (OrderStatus::Ready, ["", "", "", "", "sD", "sP", "s"]),
        (OrderStatus::OutForDelivery, ["", "", "", "s", "", "s", "s"]),
        (OrderStatus::Delivered, [""; 7]),
        (OrderStatus::Cancelled, [""; 7]),
    ];

    #[test]
    fn exactly_the_table() {
        for (from, row) in TABLE {
            for (to, cell) in OrderStatus::ALL.iter().zip(row) {
                for party in Party::ALL {
                    for fulfilment in Fulfilment::ALL {
                        let letter = match party {
                            Party::Customer => 'c',
                            Party::Store => 's',
                            Party::System => 'y',
                        };
                        let way = match fulfilment {
                            Fulfilment::Delivery => !cell.contains('P'),
                            Fulfilment::Pickup => !cell.contains('D'),
                        };
                        let allowed = cell.contains(letter) && way;
                        let step = from.step(*to, *party, *fulfilment, false);
                        assert_eq!(step.is_some(), allowed, "{from} → {to} by {party}, {fulfilment}");
                    }
                }
            }
        }
    }

    #[test]
    fn goods_leave_once_and_come_back_as_returns() {
        use OrderStatus::{Cancelled, OutForDelivery, Ready};
        let step = |from: OrderStatus, to, gone| from.step(to, Party::Store, Fulfilment::Delivery, gone);
        assert_eq!(step(Ready, OutForDelivery, false), Some(Move::Dispatch));
        assert_eq!(step(Ready, OutForDelivery, true), Some(Move::Plain));
        assert_eq!(step(Ready, Cancelled, true), Some(Move::CancelDispatched));
        assert_eq!(step(Ready, Cancelled, false), Some(Move::CancelHeld));
    }
}
