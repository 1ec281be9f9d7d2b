//! Quote a basket, and make the order of it.

use std::sync::Arc;

use futures_util::future::join3;
use serde_json::json;

use super::{Saga, remembered};
use crate::actor::Actor;
use crate::customer::CustomerError;
use crate::env::Draw;
use crate::id::{AuditId, HistoryId, OrderItemId};
use crate::inventory::{Hold, ProductStatus, StoreProduct};
use crate::order::basket::{Basket, BasketLine};
use crate::order::place::{DeliveryAddress, Destination, PlaceOrder};
use crate::order::{
    Basis, NewOrder, Order, OrderError, OrderItem, OrderStatus, OrderTotals, PaymentStatus, StatusEntry,
};
use crate::pricing::{Quote, QuoteLine, Supply, quote};
use crate::store::Store;
use crate::system::AuditDraft;

/// A basket with its frozen prices.
pub(super) struct Quoted {
    pub(super) store: Arc<Store>,
    /// Those of the basket's lines, in their order.
    pub(super) products: Vec<Arc<StoreProduct>>,
    pub(super) quote: Quote,
    /// Where the goods go; none for pickup.
    pub(super) address: Option<DeliveryAddress>,
}

impl Saga {
    /// Prices a basket. A refusal writes nothing and is not remembered.
    pub(super) async fn quote(&self, basket: &Basket) -> Result<Quoted, OrderError> {
        let request = &basket.request;
        let ports = &self.context.ports;
        let ids: Vec<_> = basket.lines.iter().map(|line| line.product_id).collect();
        // Neither read needs the other's answer.
        let store = ports.store.stores.get(request.store_id);
        let products = ports.product.products.get_many(request.store_id, &ids);
        let (store, products, address) = join3(store, products, self.address(request)).await;
        let store = Arc::new(store?.ok_or(OrderError::NoStore(request.store_id))?);
        let products: Vec<_> = products?.into_iter().map(Arc::new).collect();
        if self.context.ports.checks_basis() {
            self.remembered.keep(&store, &products);
        }
        self.price(basket, store, products, address?)
    }

    /// Prices a basket by what is remembered, if all of it is and nothing speaks against the order.
    pub(super) async fn quote_remembered(&self, basket: &Basket) -> Option<(Quoted, Basis)> {
        if !self.context.ports.checks_basis() {
            return None;
        }
        let ids: Vec<_> = basket.lines.iter().map(|line| line.product_id).collect();
        let (store, products) = self.remembered.find(basket.request.store_id, &ids)?;
        let address = self.address(&basket.request).await.ok()?;
        let basis = remembered::basis(&store, &products);
        Some((self.price(basket, store, products, address).ok()?, basis))
    }

    /// What the basket costs in this store, if it may be ordered there now.
    fn price(
        &self,
        basket: &Basket,
        store: Arc<Store>,
        products: Vec<Arc<StoreProduct>>,
        address: Option<DeliveryAddress>,
    ) -> Result<Quoted, OrderError> {
        let request = &basket.request;
        if let Some(refusal) = store.check_open(self.now()) {
            return Err(refusal.into());
        }
        if request.payment_method.is_online() {
            if !store.profile.accepts_online_payment {
                return Err(OrderError::PaymentNotAccepted(request.payment_method));
            }
            if self.context.gateway.is_none() {
                return Err(OrderError::NoGateway);
            }
        }
        if let Some(refusal) = address.as_ref().and_then(|to| store.check_distance(store.distance_km(to.coordinates))) {
            return Err(refusal.into());
        }
        let products = of_lines(&basket.lines, products)?;
        let lines = basket
            .lines
            .iter()
            .zip(&products)
            .map(|(line, product)| quote_line(line, product))
            .collect::<Result<Vec<_>, _>>()?;
        let (supply, fee) = match &address {
            Some(address) => (Supply::between(&store.profile.state, &address.state), store.profile.delivery_fee),
            None => (Supply::IntraState, crate::Money::ZERO),
        };
        let quote = quote(lines, supply, fee)?;
        if let Some(refusal) = address.as_ref().and_then(|_| store.check_amount(quote.subtotal)) {
            return Err(refusal.into());
        }
        if request.payment_method.is_online() && quote.total == crate::Money::ZERO {
            return Err(OrderError::NothingToPay(request.payment_method));
        }
        match request.expected_total {
            Some(expected) if expected != quote.total => {
                Err(OrderError::PriceChanged { expected, actual: quote.total })
            }
            _ => Ok(Quoted { store, products, quote, address }),
        }
    }

    /// Where the goods go; none for pickup.
    async fn address(&self, request: &PlaceOrder) -> Result<Option<DeliveryAddress>, OrderError> {
        match &request.destination {
            Destination::Pickup => Ok(None),
            Destination::Delivery(address) => Ok(Some(address.clone())),
            Destination::Saved(id) => match self.context.saved_address(request.customer_id, *id).await {
                Ok(Some(address)) => Ok(Some(address)),
                Err(CustomerError::Storage(error)) => Err(error.into()),
                Err(CustomerError::Secret(error)) => Err(error.into()),
                Ok(None) | Err(_) => Err(OrderError::NoAddress(*id)),
            },
        }
    }

    /// A new order of a quoted basket, for an attempt that has no hold yet.
    pub(super) fn make(
        &self,
        actor: &Actor,
        basket: &Basket,
        quoted: &Quoted,
        attempt: u32,
    ) -> Result<Box<NewOrder>, OrderError> {
        let mut draw = self.context.env.draw(self.now());
        let hold = Hold { id: basket.reservation_id, attempt, order_id: draw.order_id() };
        self.order(draw, actor, basket, quoted, &hold)
    }

    /// The order of a quoted basket and its hold, with its first history row and its audit entry.
    pub(super) fn build(
        &self,
        actor: &Actor,
        basket: &Basket,
        quoted: &Quoted,
        hold: &Hold,
    ) -> Result<Box<NewOrder>, OrderError> {
        self.order(self.context.env.draw(self.now()), actor, basket, quoted, hold)
    }

    fn order(
        &self,
        mut draw: Draw<'_>,
        actor: &Actor,
        basket: &Basket,
        quoted: &Quoted,
        hold: &Hold,
    ) -> Result<Box<NewOrder>, OrderError> {
        let now = draw.now();
        let request = &basket.request;
        let id = &hold.order_id;
        let items = items(&mut draw, basket, quoted)?;
        let (tracking_id, history_id, audit_id) = (draw.tracking_id(), draw.uuid(), draw.uuid());
        let mut seal = |column: &str, text: &str| draw.seal(&crate::order::sealed_at(id, column), text);
        // The address is made of checked texts; it always has a JSON form.
        let address = quoted.address.as_ref().map(|to| seal("delivery_address", &json!(to).to_string())).transpose()?;
        let place_of_supply = quoted.address.as_ref().map_or(&quoted.store.profile.state, |to| &to.state).clone();
        let order = Order {
            id: id.clone(),
            order_number: id.number(),
            tracking_id,
            store_id: request.store_id,
            customer_id: request.customer_id,
            customer_name: seal("customer_name", request.customer_name.as_str())?,
            customer_phone: seal("customer_phone", request.customer_phone.as_str())?,
            delivery_address: address,
            delivery_notes: request.delivery_notes.as_ref().map(|t| seal("delivery_notes", t.as_str())).transpose()?,
            customer_note: request.customer_note.as_ref().map(|t| seal("customer_note", t.as_str())).transpose()?,
            place_of_supply,
            fulfilment: request.destination.fulfilment(),
            status: OrderStatus::Placed,
            items,
            totals: OrderTotals {
                subtotal: quoted.quote.subtotal,
                discount: quoted.quote.discount,
                tax: quoted.quote.tax,
                delivery_fee: quoted.quote.delivery_fee,
                total: quoted.quote.total,
            },
            payment_method: request.payment_method,
            payment_status: PaymentStatus::Pending,
            paid_by: None,
            payment_id: None,
            hold: hold.clone(),
            fingerprint: basket.fingerprint,
            dispatched: false,
            cancel_reason: None,
            cancelled_by: None,
            channel: request.channel,
            language: request.language.clone(),
            estimated_delivery: quoted.store.estimate(distance(&quoted.store, quoted.address.as_ref()), now),
            effects: Vec::new(),
            recover_at: None,
            failures: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let history = StatusEntry {
            id: HistoryId::from_uuid(history_id),
            order_id: id.clone(),
            version: 1,
            status: OrderStatus::Placed,
            party: actor.party(order.store_id, order.customer_id, now),
            changed_by: actor.user(),
            notes: None,
            created_at: now,
        };
        let audit = AuditDraft {
            store_id: Some(order.store_id),
            action: "order.place",
            entity_type: "order",
            entity_id: id.as_str().to_owned(),
            old_values: None,
            new_values: Some(json!({
                "status": order.status, "total": order.totals.total, "payment_method": order.payment_method,
                "items": order.items.len(),
            })),
        }
        .with_id(AuditId::from_uuid(audit_id), actor, now);
        Ok(Box::new(NewOrder { order, history, audit }))
    }
}

fn items(draw: &mut Draw<'_>, basket: &Basket, quoted: &Quoted) -> Result<Vec<OrderItem>, OrderError> {
    let mut items = Vec::with_capacity(basket.lines.len());
    for ((asked, priced), product) in basket.lines.iter().zip(&quoted.quote.lines).zip(&quoted.products) {
        let id = OrderItemId::from_uuid(draw.uuid());
        let notes = asked.notes.as_ref();
        let notes = notes.map(|text| draw.seal(&crate::order::line_note_at(id), text)).transpose()?;
        items.push(OrderItem {
            id,
            product_id: asked.product_id,
            product_name: product.details.product_name.clone(),
            quantity: asked.quantity,
            ordered_quantity: asked.quantity,
            unit_price: priced.line.unit_price,
            mrp: product.details.price.mrp(),
            tax_rate: priced.line.tax_rate,
            discount_amount: priced.discount,
            total_amount: priced.total,
            tax: priced.tax,
            notes,
        });
    }
    Ok(items)
}

/// The products of these lines, in their order; all of them are for sale.
fn of_lines(lines: &[BasketLine], mut products: Vec<Arc<StoreProduct>>) -> Result<Vec<Arc<StoreProduct>>, OrderError> {
    products.sort_unstable_by_key(|product| product.id);
    let find = |id| {
        let product = products.get(products.binary_search_by_key(&id, |product| product.id).ok()?)?;
        (product.status == ProductStatus::Active).then(|| Arc::clone(product))
    };
    let found: Vec<_> = lines.iter().filter_map(|line| find(line.product_id)).collect();
    if found.len() < lines.len() {
        let unknown = lines.iter().map(|line| line.product_id).filter(|id| find(*id).is_none());
        return Err(OrderError::UnknownProducts(unknown.collect()));
    }
    Ok(found)
}

fn quote_line(line: &BasketLine, product: &StoreProduct) -> Result<QuoteLine, OrderError> {
    let quantity = product
        .details
        .stock_unit
        .check(line.quantity)
        .map_err(|source| OrderError::Quantity { product_id: line.product_id, source })?;
    Ok(QuoteLine {
        product_id: line.product_id,
        quantity,
        unit_price: product.details.price.selling_price(),
        tax_rate: product.details.tax_rate,
    })
}

/// How far the goods go, where both ends are known.
fn distance(store: &Store, address: Option<&DeliveryAddress>) -> Option<f64> {
    store.distance_km(address?.coordinates)
}
