//! What an order costs: the quote, and the GST contained in it.
//!
//! Prices contain the tax (MRP is "inclusive of all taxes"). Offers come later; the quote
//! already keeps gross and discount apart.

mod gst;
mod quote;

pub use gst::{GstRate, GstRateError, Supply, TaxSplit};
pub use quote::{Quote, QuoteLine, QuotedLine, quote};
