//! Orders (`orders`, `order_items`, `order_status_history`) and the saga that places them.
//!
//! A customer orders several products; stock for all lines is held or none; the order is
//! written; whatever fails is undone; whatever crashes is finished by
//! [`recover`](OrderService::recover). No transaction covers stock *and* orders, so the two
//! may live on different backends.
//!
//! [`entity`] has the aggregate, [`status`] its legal moves, [`place`] what a customer asks
//! for, [`effect`] what follows from a change, `saga` the protocol.

pub mod effect;
pub mod entity;
pub mod place;
pub mod status;

mod at_once;
mod basket;
mod error;
mod ports;
mod saga;
mod service;

#[cfg(feature = "testing")]
pub use at_once::MockPlaceAtOnce;
pub use at_once::{AtOnce, AtOnceOutcome, Basis, PlaceAtOnce};
pub use effect::{Effect, PendingEffect};
pub use entity::{Channel, Fulfilment, Order, OrderItem, OrderTotals, PaymentMethod, PaymentStatus, StatusEntry};
pub use error::{OrderError, Shortage};
pub use place::{DeliveryAddress, Destination, OrderContact, PlaceLine, PlaceOrder};
pub use ports::{
    AbandonOutcome, InsertOutcome, NewOrder, OrderFilter, OrderPorts, OrderQueue, OrderRepository, OrderSlot,
    OrderUpdate,
};
#[cfg(feature = "testing")]
pub use ports::{MockOrderQueue, MockOrderRepository};
pub use saga::{Recovered, Stuck};
pub use service::{HistoryRow, OrderService, PaymentStart, Placed};
pub use status::{Move, OrderStatus};

use crate::id::{OrderId, OrderItemId};

/// Where an order's sealed text belongs: it opens nowhere else.
fn sealed_at(id: &OrderId, column: &str) -> String {
    ["orders.", column, ":", id.as_str()].concat()
}

/// Where a line's sealed note belongs.
fn line_note_at(id: OrderItemId) -> String {
    format!("order_items.notes:{id}")
}

/// Where a history row's sealed note belongs.
fn note_at(id: &OrderId, version: u64) -> String {
    format!("order_status_history.notes:{id}:{version}")
}
