//! Payments of orders (`payments`) and their refunds.
//!
//! A payment is one attempt at paying one order. Its success stays *unapplied* until it is
//! booked on a live order or a refund of it is owed: that flag is what recovery works on.
//! Which attempt pays an order is decided by the order's `paid_by`, never here. Settlements
//! belong to this area too and come later.

mod entity;
mod gateway;
mod ports;
mod simulated;

pub use entity::{AttemptStatus, LATE_CAPTURE, Payment, PaymentMethodKind, Refund, RefundStatus, status_of_order};
#[cfg(feature = "testing")]
pub use gateway::MockPaymentGateway;
pub(crate) use gateway::kept_of_response;
pub use gateway::{Charge, ChargeStarted, ChargeState, GATEWAY_FIELDS, GatewayError, PaymentGateway, RefundRequest};
#[cfg(feature = "testing")]
pub use ports::{MockPaymentQueue, MockPaymentRepository};
pub use ports::{PaymentInsert, PaymentPorts, PaymentQueue, PaymentRepository};
pub use simulated::SimulatedGateway;
