//! Stock held for an order.
//!
//! A reservation is keyed by (store, [`ReservationId`]); each retry that starts over raises
//! its `attempt` and brings a new order id. Its moves are compare-and-sets naming (id,
//! attempt, order): held → committed → dispatched; held → released (undo, expiry); committed
//! → released only because its order was cancelled. It is *open* from the reserve until the
//! commit, or until its order is known to be cancelled or abandoned: open ones that are due
//! are what recovery works on.

use serde::{Deserialize, Serialize};

use crate::id::{OperationId, OrderId, ProductId, ReservationId, StoreId, UserId};
use crate::inventory::level::ShortLine;
use crate::quantity::Quantity;
use crate::secret::Blind;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// Where a reservation stands.
    ReservationState ("reservation state") {
        /// Holds stock until `due`.
        Held = "held",
        /// Holds stock for its order, without a time limit.
        Committed = "committed",
        /// The goods left.
        Dispatched = "dispatched",
        /// Holds nothing any more.
        Released = "released",
    }
}

impl ReservationState {
    /// Whether its lines count in `reserved`.
    #[must_use]
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Held | Self::Committed)
    }
}

/// One product of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationLine {
    /// The product; each once.
    pub product_id: ProductId,
    /// How much is held, or was when it was dispatched or released.
    pub quantity: Quantity,
    /// How much of what was dispatched has come back.
    pub given_back: Quantity,
}

/// Which attempt of which reservation, for which order: what every move compares.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hold {
    /// The reservation.
    pub id: ReservationId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The attempt's order.
    pub order_id: OrderId,
}

/// A reservation as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its store.
    pub store_id: StoreId,
    /// Its key, attempt and order.
    pub hold: Hold,
    /// The keyed hash of the request that made it; another body under the same key differs.
    /// `None` on the tombstone of a release that found nothing.
    pub fingerprint: Option<Blind>,
    /// Where it stands.
    pub state: ReservationState,
    /// Whether recovery still has to look at it.
    pub open: bool,
    /// Its products, by id.
    pub lines: Vec<ReservationLine>,
    /// The latest amendment applied; 0 before the first.
    pub revision: u64,
    /// When a hold ends by itself.
    pub due: Timestamp,
    /// When recovery looks at it next, while it is open.
    pub recover_at: Timestamp,
    /// How often recovery failed on it.
    pub failures: u32,
    /// When this attempt was made.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// A request to hold stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    /// Key, attempt and order.
    pub hold: Hold,
    /// The keyed hash of the request.
    pub fingerprint: Blind,
    /// What to hold: 1 to [`MAX_LINES`](super::MAX_LINES) products, each once, more than
    /// zero of each, by product id.
    pub lines: Vec<(ProductId, Quantity)>,
    /// When the hold ends by itself.
    pub due: Timestamp,
    /// Who does it, for the movements.
    pub performed_by: Option<UserId>,
    /// When, by the service's clock.
    pub now: Timestamp,
}

/// How a reserve ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// This very attempt holds the stock: now, or since an earlier call.
    Held,
    /// The key has another attempt, or this one has moved on (or left a tombstone): here it
    /// is. Nothing was written.
    Taken(Reservation),
    /// Not enough, after every due hold was freed: all short lines, in the order of the
    /// lines. Nothing was written.
    Short(Vec<ShortLine>),
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Committed or dispatched: now, or before.
    Committed,
    /// Not held by this attempt any more: released, replaced, or never there.
    Lost,
}

/// Why a hold is released, which decides from where it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseCause {
    /// Undo or expiry: only from held; leaves the reservation open, because its order is
    /// not yet known to be gone. A hold that was never seen gets a tombstone, so that a
    /// reserve arriving late is refused.
    Undone,
    /// Its order was cancelled: from held or committed; closes it. Never leaves a tombstone.
    Cancelled,
}

/// How a release ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleaseOutcome {
    /// Released: now, or before, or a tombstone stands.
    Released,
    /// It is committed (or dispatched), and the cause does not reach that far.
    Committed,
    /// The goods have left: cancelled after dispatch, nothing to release.
    Dispatched,
    /// The key has another attempt or order; or, for [`ReleaseCause::Cancelled`], none.
    Other,
}

/// How a dispatch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DispatchOutcome {
    /// Dispatched: now, or before.
    Dispatched,
    /// Not committed for this attempt: held, released, replaced, or never there.
    NotCommitted,
}

/// Absolute target quantities of a held or committed reservation: a partial cancel, or an
/// edit before confirmation. Applied where `revision` is higher than the stored one, so a
/// late, older amendment never undoes a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amend {
    /// Key, attempt and order.
    pub hold: Hold,
    /// The order's version that asks for it; rises with every amendment.
    pub revision: u64,
    /// All products with their target, each once, by id; a product left out or at zero is
    /// held no more (its line stays, with zero).
    pub targets: Vec<(ProductId, Quantity)>,
    /// Who does it, for the movements.
    pub performed_by: Option<UserId>,
    /// When, by the service's clock.
    pub now: Timestamp,
}

/// How an amendment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AmendOutcome {
    /// The reservation has these quantities: now, or before; or a newer amendment has been
    /// applied.
    Amended,
    /// Targets above what is held need more than there is: all such lines, `requested`
    /// being what is needed on top. Nothing was written.
    Short(Vec<ShortLine>),
    /// Neither held nor committed for this attempt.
    NotHolding,
}

/// Goods of a dispatched reservation that come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GiveBack {
    /// Key, attempt and order.
    pub hold: Hold,
    /// Applied once, however often it is sent.
    pub operation: OperationId,
    /// What comes back, each product once.
    pub lines: Vec<GiveBackLine>,
    /// The reason, if one was given.
    pub reason: Option<String>,
    /// Who does it, for the movements.
    pub performed_by: Option<UserId>,
    /// When, by the service's clock.
    pub now: Timestamp,
}

/// One product that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiveBackLine {
    /// The product.
    pub product_id: ProductId,
    /// How much of it: more than zero.
    pub quantity: Quantity,
    /// Whether it can be sold again: `return` +q; otherwise `return` +q and `damage` −q in
    /// one write.
    pub sellable: bool,
}

/// How a giving back ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GiveBackOutcome {
    /// Booked: now, or before.
    Booked,
    /// More than was dispatched and not yet given back: all such lines, `available` being
    /// what may still come back. Nothing was written.
    TooMuch(Vec<ShortLine>),
    /// Not dispatched for this attempt.
    NotDispatched,
}
