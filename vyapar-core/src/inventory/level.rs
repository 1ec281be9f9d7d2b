//! The stock model.
//!
//! - `current` is free to sell; `reserved` is held for open orders; on hand is their sum.
//! - reserve: current −q, reserved +q where current ≥ q, movement `sale` −q.
//! - release: current +q, reserved −q, movement `return` +q.
//! - dispatch: reserved −q, no movement: the goods were deducted when sold.
//! - purchase, adjustment, damage, expiry, goods coming back: current ±q with a movement.
//!
//! Always: neither is below zero; the sum of a product's movements is its `current`; the sum
//! of the lines of reservations that hold is its `reserved`; movements are numbered without
//! gaps, each with the exact balance after it, and never change.

use serde::{Deserialize, Serialize};

use crate::id::{MovementId, OrderId, ProductId, ReservationId, StoreId, UserId};
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// How much of a product there is (`current_stock`, `reserved_stock`, `last_stock_update`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLevel {
    /// The product.
    pub product_id: ProductId,
    /// What it is counted in.
    pub unit: StockUnit,
    /// Free to sell.
    pub current: Quantity,
    /// Held for open orders.
    pub reserved: Quantity,
    /// The number of its last movement; 0 before the first.
    pub seq: u64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

text_enum! {
    /// Why stock changed (`stock_movements.movement_type`).
    MovementType ("movement type") {
        /// Bought in.
        Purchase = "purchase",
        /// Sold: deducted when reserved.
        Sale = "sale",
        /// Came back: a released hold, or goods returned.
        Return = "return",
        /// Corrected.
        Adjustment = "adjustment",
        /// Spoilt.
        Damage = "damage",
        /// Past its date.
        Expiry = "expiry",
    }
}

text_enum! {
    /// What a movement refers to (`stock_movements.reference_type`).
    Reference ("movement reference") {
        /// An order; the reference is its id.
        Order = "order",
        /// An operation of the store's staff; the reference is its operation id.
        Manual = "manual",
    }
}

/// One change of a product's `current` stock (`stock_movements`). Never updated or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// Its id: [`MovementId::of`] (product, seq).
    pub id: MovementId,
    /// The product.
    pub product_id: ProductId,
    /// Its number among the product's movements: 1, 2, 3… without gaps.
    pub seq: u64,
    /// Why.
    pub movement_type: MovementType,
    /// How much: + in, − out.
    pub quantity: QuantityDelta,
    /// The product's `current` right after it.
    pub balance_after: Quantity,
    /// What it refers to.
    pub reference_type: Reference,
    /// Which one.
    pub reference_id: String,
    /// The reason given, if one was.
    pub reason: Option<String>,
    /// Who did it, if a user did.
    pub performed_by: Option<UserId>,
    /// When, by the service's clock.
    pub created_at: Timestamp,
}

/// A line that could not be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortLine {
    /// The product.
    pub product_id: ProductId,
    /// How much was asked for, over all lines of that product.
    pub requested: Quantity,
    /// How much is free; zero where no stock was ever opened.
    pub available: Quantity,
}

/// What [`StockLedger::verify`](super::StockLedger::verify) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The store.
    pub store_id: StoreId,
    /// How many products were checked.
    pub products: u64,
    /// How many movements were checked.
    pub movements: u64,
    /// How many reservations were checked.
    pub reservations: u64,
    /// What does not add up; empty when all is well.
    pub divergences: Vec<Divergence>,
}

impl Verification {
    /// Whether everything adds up.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.divergences.is_empty()
    }
}

/// One thing that does not add up. Listed, never repaired by guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divergence {
    /// The movements do not sum to the level.
    Ledger {
        /// The product.
        product_id: ProductId,
        /// Sum of its movements.
        movements: QuantityDelta,
        /// Its `current`.
        current: Quantity,
    },
    /// A movement's balance is not the one before it plus its quantity, or a number is
    /// missing.
    Balance {
        /// The product.
        product_id: ProductId,
        /// The first movement that is wrong.
        seq: u64,
    },
    /// The reservations that hold do not sum to `reserved`.
    Reserved {
        /// The product.
        product_id: ProductId,
        /// Sum of the lines that hold.
        held: Quantity,
        /// Its `reserved`.
        reserved: Quantity,
    },
    /// A reservation holds a product that has no level.
    Unknown {
        /// The reservation.
        reservation_id: ReservationId,
        /// Its order.
        order_id: OrderId,
        /// The product.
        product_id: ProductId,
    },
}
