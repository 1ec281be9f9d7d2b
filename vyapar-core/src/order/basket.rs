//! A request to place an order, checked and brought into one shape.

use crate::env::Env;
use crate::id::{ProductId, ReservationId};
use crate::inventory::MAX_LINES;
use crate::order::OrderError;
use crate::order::place::{DeliveryAddress, Destination, PlaceLine, PlaceOrder};
use crate::quantity::{Quantity, QuantityError};
use crate::secret::Blind;

/// Most lines a request may have before lines of one product are summed.
const MAX_REQUEST_LINES: usize = 200;

/// One product of a basket.
#[derive(Debug, Clone)]
pub(super) struct BasketLine {
    pub(super) product_id: ProductId,
    pub(super) quantity: Quantity,
    pub(super) notes: Option<String>,
}

/// A checked request: its products (each once, in the order asked), its key, and the keyed
/// hash of its body.
#[derive(Debug)]
pub(super) struct Basket {
    pub(super) request: PlaceOrder,
    pub(super) lines: Vec<BasketLine>,
    pub(super) reservation_id: ReservationId,
    pub(super) fingerprint: Blind,
}

impl Basket {
    /// Checks everything about a request that can be known without storage.
    pub(super) fn of(request: PlaceOrder, env: &Env) -> Result<Self, OrderError> {
        text("idempotency_key", &request.idempotency_key, 1, 128)?;
        text("language", &request.language, 2, 35)?;
        if let Destination::Delivery(address) = &request.destination {
            text("city", &address.city, 1, 80)?;
            for line in [Some(&address.line1), address.line2.as_ref(), address.landmark.as_ref()].into_iter().flatten()
            {
                text("address line", line.as_str(), 1, 200)?;
            }
        }
        text("customer_name", request.customer_name.as_str(), 1, 120)?;
        for (field, note) in [("delivery_notes", &request.delivery_notes), ("customer_note", &request.customer_note)] {
            if let Some(note) = note {
                text(field, note.as_str(), 1, 1000)?;
            }
        }
        let lines = merge(&request.lines)?;
        let mac = |label: &str, parts: &[&[u8]]| env.mac(label, parts);
        let store = request.store_id.as_uuid();
        let customer = request.customer_id.as_uuid();
        let key = mac("reservation", &[store.as_bytes(), customer.as_bytes(), request.idempotency_key.as_bytes()]);
        let fingerprint = fingerprint(&request, &lines, env);
        Ok(Self { lines, reservation_id: ReservationId::from_uuid(key.to_uuid()), fingerprint, request })
    }
}

/// Sums lines of one product; everything else decides on the sums.
fn merge(lines: &[PlaceLine]) -> Result<Vec<BasketLine>, OrderError> {
    if lines.is_empty() {
        return Err(OrderError::EmptyBasket);
    }
    let too_many = |count, max| Err(OrderError::TooManyLines { count, max });
    if lines.len() > MAX_REQUEST_LINES {
        return too_many(lines.len(), MAX_REQUEST_LINES);
    }
    let mut merged: Vec<BasketLine> = Vec::with_capacity(lines.len());
    for line in lines {
        let wrong = |source| OrderError::Quantity { product_id: line.product_id, source };
        if line.quantity.is_zero() {
            return Err(wrong(QuantityError::NotPositive(line.quantity.to_string())));
        }
        if let Some(notes) = &line.notes {
            text("notes of a line", notes, 1, 200)?;
        }
        match merged.iter_mut().find(|known| known.product_id == line.product_id) {
            Some(known) => {
                known.quantity = known.quantity.plus(line.quantity).map_err(wrong)?;
                if known.notes.is_none() {
                    known.notes.clone_from(&line.notes);
                }
            }
            None => merged.push(BasketLine {
                product_id: line.product_id,
                quantity: line.quantity,
                notes: line.notes.clone(),
            }),
        }
    }
    if merged.len() > MAX_LINES {
        return too_many(merged.len(), MAX_LINES);
    }
    Ok(merged)
}

/// The keyed hash of what makes two requests the same request, version 1. Every field has
/// its length before it, an absent one differs from an empty one, and the order of lines
/// counts for nothing.
fn fingerprint(request: &PlaceOrder, lines: &[BasketLine], env: &Env) -> Blind {
    let mut parts: Vec<Vec<u8>> = Vec::with_capacity(16 + lines.len() * 3);
    let mut put = |text: Option<&str>| {
        parts.push(text.map_or_else(Vec::new, |text| [b"+", text.as_bytes()].concat()));
    };
    put(Some(request.customer_name.as_str()));
    put(Some(request.customer_phone.as_str()));
    put(Some(request.payment_method.as_str()));
    put(request.expected_total.map(|total| total.to_string()).as_deref());
    put(request.delivery_notes.as_ref().map(|note| note.as_str()));
    put(request.customer_note.as_ref().map(|note| note.as_str()));
    put(Some(request.channel.as_str()));
    put(Some(&request.language));
    match &request.destination {
        Destination::Pickup => put(None),
        Destination::Delivery(address) => put_address(address, &mut put),
        // Which saved address it is makes the request, not what that says: it may be edited
        // between two calls of one request. (Two parts, where the others have one and seven and a
        // line has three: no two requests give one list.)
        Destination::Saved(id) => {
            put(Some("saved"));
            put(Some(&id.to_string()));
        }
    }
    let mut sorted: Vec<&BasketLine> = lines.iter().collect();
    sorted.sort_by_key(|line| line.product_id);
    for line in sorted {
        put(Some(&line.product_id.to_string()));
        put(Some(&line.quantity.to_string()));
        put(line.notes.as_deref());
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    env.mac("place order v1", &parts)
}

fn put_address(address: &DeliveryAddress, put: &mut impl FnMut(Option<&str>)) {
    put(Some(address.line1.as_str()));
    put(address.line2.as_ref().map(|line| line.as_str()));
    put(address.landmark.as_ref().map(|line| line.as_str()));
    put(Some(&address.city));
    put(Some(address.state.as_str()));
    put(Some(address.pincode.as_str()));
    put(address.coordinates.map(|at| format!("{:.6},{:.6}", at.latitude(), at.longitude())).as_deref());
}

pub(super) fn text(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), OrderError> {
    let length = text.chars().count();
    if (min..=max).contains(&length) { Ok(()) } else { Err(OrderError::Text { field, min, max, length }) }
}
