//! Changes of stock by the store's own people: goods in, corrections, counts, write-offs.

use crate::id::{OperationId, OrderId, ProductId, UserId};
use crate::inventory::level::{Movement, MovementType, ShortLine};
use crate::quantity::{Quantity, QuantityDelta};
use crate::time::Timestamp;

/// The movement types a store's people may make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// Goods received.
    Purchase,
    /// A correction or a count.
    Adjustment,
    /// Spoilt goods.
    Damage,
    /// Goods past their date.
    Expiry,
}

impl ChangeKind {
    /// The movement it leaves.
    #[must_use]
    pub const fn movement_type(self) -> MovementType {
        match self {
            Self::Purchase => MovementType::Purchase,
            Self::Adjustment => MovementType::Adjustment,
            Self::Damage => MovementType::Damage,
            Self::Expiry => MovementType::Expiry,
        }
    }
}

/// How a line changes `current`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delta {
    /// By so much.
    By(QuantityDelta),
    /// To what a stock-take counted *on hand* (current + reserved).
    Counted(Quantity),
}

/// One product's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeLine {
    /// The product; each at most once in a change.
    pub product_id: ProductId,
    /// How it changes.
    pub delta: Delta,
}

/// A change of up to [`MAX_LINES`](super::MAX_LINES) products at once: all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockChange {
    /// The same operation is applied once, however often it is sent; movements name it as
    /// their reference.
    pub operation: OperationId,
    /// What kind of change.
    pub kind: ChangeKind,
    /// The products, each at most once.
    pub lines: Vec<ChangeLine>,
    /// The reason, if one was given.
    pub reason: Option<String>,
    /// Who does it.
    pub performed_by: Option<UserId>,
    /// When, by the service's clock.
    pub now: Timestamp,
}

/// A count below what open orders hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedBelowReserved {
    /// The product.
    pub product_id: ProductId,
    /// What was counted on hand.
    pub counted: Quantity,
    /// What is held.
    pub reserved: Quantity,
    /// The orders that hold it, at most 20, by id.
    pub orders: Vec<OrderId>,
}

/// How a change ended. Anything but `Applied` and `AlreadyApplied` wrote nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// Done; the movements in the order of the lines. A line that changes nothing (a count
    /// that agrees) has none.
    Applied(Vec<Movement>),
    /// This operation was applied before; the movements it left, in the order of its lines.
    AlreadyApplied(Vec<Movement>),
    /// These lines would go below zero: all of them, in the order of the lines.
    Short(Vec<ShortLine>),
    /// These counts are below what is held: all of them. Answered before `Short`.
    Reserved(Vec<CountedBelowReserved>),
    /// No stock was ever opened for these products. Answered before all else.
    NotOpen(Vec<ProductId>),
    /// What is on hand of this product (`current` + `reserved`) would pass
    /// [`Quantity::MAX`]: so whatever is held can always go back.
    TooMuch(ProductId),
}
