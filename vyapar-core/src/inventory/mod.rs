//! Products of a store, their stock and who holds it.
//!
//! Two units, because a hybrid separates them: products (`store_products`) change rarely and
//! are read a lot; stock levels, movements (`stock_movements`) and reservations are the hot
//! part. The stock model is stated once, in [`level`]; reservations and their moves in
//! [`reservation`].

pub mod level;
pub mod reservation;

mod barcode;
mod change;
mod error;
mod ports;
mod product;
mod service;
mod view;

pub use barcode::{Barcode, BarcodeError, BarcodeKind};
pub use change::{ChangeKind, ChangeLine, ChangeOutcome, CountedBelowReserved, Delta, StockChange};
pub use error::InventoryError;
pub use level::{Divergence, Movement, MovementType, Reference, ShortLine, StockLevel, Verification};
#[cfg(feature = "testing")]
pub use ports::{MockProductRepository, MockReservationQueue, MockReservations, MockStockLedger};
pub use ports::{
    ProductFilter, ProductPorts, ProductRepository, ReservationQueue, Reservations, StockLedger, StockPorts,
};
pub use product::{NewProduct, PriceError, ProductDetails, ProductPrice, ProductStatus, Sku, StoreProduct};
pub use reservation::{
    Amend, AmendOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackLine, GiveBackOutcome, Hold, ReleaseCause,
    ReleaseOutcome, Reservation, ReservationLine, ReservationState, Reserve, ReserveOutcome,
};
pub use service::{InventoryService, StockState, UpdateProduct};
pub use view::{ProductView, PublicProduct};

/// Most distinct products one order or stock operation may name.
///
/// The weakest backend decides for all, so that what one accepts every other does: a
/// DynamoDB transaction takes 100 actions, and a line costs two (level and movement) beside
/// one for the whole.
pub const MAX_LINES: usize = 49;
