//! A request to place an order, checked and brought into one shape.

use uuid::Uuid;

use crate::env::Env;
use crate::id::{ProductId, ReservationId};
use crate::inventory::MAX_LINES;
use crate::order::OrderError;
use crate::order::place::{DeliveryAddress, Destination, PlaceLine, PlaceOrder};
use crate::quantity::{Quantity, QuantityError};
use crate::secret::Blind;
use crate::text::{cleaned, is_language};

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
        if !is_language(&request.language) {
            return Err(OrderError::Language(cleaned(&request.language, 60)));
        }
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
    let mut parts = Parts::with_capacity(16 + lines.len() * 3);
    parts.put(request.customer_name.as_str());
    parts.put(request.customer_phone.as_str());
    parts.put(request.payment_method.as_str());
    parts.put_or_none(request.expected_total.map(|total| total.to_string()).as_deref());
    parts.put_or_none(request.delivery_notes.as_ref().map(|note| note.as_str()));
    parts.put_or_none(request.customer_note.as_ref().map(|note| note.as_str()));
    parts.put(request.channel.as_str());
    parts.put(&request.language);
    match &request.destination {
        Destination::Pickup => parts.none(),
        Destination::Delivery(address) => put_address(address, &mut parts),
        // Which saved address it is makes the request, not what that says: it may be edited
        // between two calls of one request. (Two parts, where the others have one and seven and a
        // line has three: no two requests give one list.)
        Destination::Saved(id) => {
            parts.put("saved");
            parts.put_id(id.as_uuid());
        }
    }
    let mut sorted: Vec<&BasketLine> = lines.iter().collect();
    sorted.sort_by_key(|line| line.product_id);
    for line in sorted {
        parts.put_id(line.product_id.as_uuid());
        parts.put(&line.quantity.to_string());
        parts.put_or_none(line.notes.as_deref());
    }
    env.mac("place order v1", &parts.slices())
}

fn put_address(address: &DeliveryAddress, parts: &mut Parts) {
    parts.put(address.line1.as_str());
    parts.put_or_none(address.line2.as_ref().map(|line| line.as_str()));
    parts.put_or_none(address.landmark.as_ref().map(|line| line.as_str()));
    parts.put(&address.city);
    parts.put(address.state.as_str());
    parts.put(address.pincode.as_str());
    parts.put_or_none(address.coordinates.map(|at| format!("{:.6},{:.6}", at.latitude(), at.longitude())).as_deref());
}

/// The parts of a hash, one after the other in one text: a part is too small to allocate for.
struct Parts {
    text: String,
    ends: Vec<usize>,
}

impl Parts {
    fn with_capacity(parts: usize) -> Self {
        Self { text: String::with_capacity(parts * 24), ends: Vec::with_capacity(parts) }
    }

    fn none(&mut self) {
        self.ends.push(self.text.len());
    }

    fn put(&mut self, part: &str) {
        self.text.push('+');
        self.text.push_str(part);
        self.none();
    }

    fn put_or_none(&mut self, part: Option<&str>) {
        match part {
            Some(part) => self.put(part),
            None => self.none(),
        }
    }

    fn put_id(&mut self, id: Uuid) {
        self.put(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }

    fn slices(&self) -> Vec<&[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.text.as_bytes().get(start..*end).unwrap_or_default()).collect()
    }
}

pub(super) fn text(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), OrderError> {
    let length = text.chars().count();
    if (min..=max).contains(&length) { Ok(()) } else { Err(OrderError::Text { field, min, max, length }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_hash_are_told_apart() {
        let mut parts = Parts::with_capacity(1);
        parts.put("a");
        parts.none();
        parts.put("");
        parts.put_or_none(None);
        parts.put_or_none(Some("b"));
        let id = "0199C2D4-0000-7000-8000-0000000000aF".parse::<ProductId>().unwrap();
        parts.put_id(id.as_uuid());
        let shown = format!("+{id}");
        let expected: [&[u8]; 6] = [b"+a", b"", b"+", b"", b"+b", shown.as_bytes()];
        assert_eq!(parts.slices(), expected);
    }
}
