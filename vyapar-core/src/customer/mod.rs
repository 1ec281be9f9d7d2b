//! Customers: their profile, addresses and totals (`customers`, `customer_addresses`).
//!
//! A customer is one aggregate with his addresses, so that "one default address" is a rule of
//! its entity and not of a database. What adds up (orders, spending, loyalty points) is kept by
//! [`CustomerRepository::credit`] alone, once an order.

mod entity;
mod error;
mod met;
mod ports;
mod service;

pub use entity::{AddressType, CreditedOrder, Customer, CustomerAddress, CustomerTotals, MAX_ADDRESSES, MAX_PREFERRED};
pub use error::CustomerError;
pub(crate) use met::Met;
#[cfg(feature = "testing")]
pub use ports::MockCustomerRepository;
pub use ports::{CreditOutcome, CustomerPorts, CustomerRepository};
pub use service::{AddressView, CustomerProfile, CustomerService, NewAddress};
