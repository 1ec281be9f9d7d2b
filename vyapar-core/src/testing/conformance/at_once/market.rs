//! A shop whose orders are placed in one write.

use std::sync::Arc;

use super::super::stock::shop::Shop;
use crate::Ports;
use crate::error::Stored;
use crate::id::ProductId;
use crate::inventory::{Hold, ProductPorts, Reserve, StoreProduct};
use crate::order::{AtOnceOutcome, Basis, NewOrder, Order, OrderPorts, OrderSlot, PlaceAtOnce};
use crate::quantity::Quantity;
use crate::store::{Store, StorePorts, UpdateOutcome};
use crate::testing::{Bench, Fixtures};

/// A shop that has both units of one adapter.
#[derive(Clone)]
pub(super) struct Market {
    pub(super) shop: Shop,
    pub(super) orders: OrderPorts,
    port: Arc<dyn PlaceAtOnce>,
    catalogue: Option<(StorePorts, ProductPorts)>,
}

impl Market {
    #[track_caller]
    pub(super) fn new(bench: &Bench) -> Self {
        let Some(port) = bench.ports.place_at_once().cloned() else {
            panic!("the harness has no port that places in one write; leave out area `at_once`");
        };
        let Ports { store, product, order, .. } = bench.ports.clone();
        let catalogue = bench.ports.checks_basis().then_some((store, product));
        Self { shop: Shop::new(bench), orders: order, port, catalogue }
    }

    /// The same of another store.
    pub(super) fn neighbour(&self) -> Self {
        Self { shop: self.shop.neighbour(), ..self.clone() }
    }

    /// An order of these lines, and its hold.
    pub(super) fn request(&self, lines: &[(ProductId, Quantity)]) -> (Reserve, NewOrder) {
        self.of(self.shop.make.reserve(lines))
    }

    /// The order of this hold.
    pub(super) fn of(&self, reserve: Reserve) -> (Reserve, NewOrder) {
        let order = Order {
            id: reserve.hold.order_id.clone(),
            order_number: reserve.hold.order_id.number(),
            hold: reserve.hold.clone(),
            ..self.shop.make.order(self.shop.store)
        };
        let new = self.shop.make.new_order(&order);
        (reserve, new)
    }

    pub(super) async fn place(&self, (reserve, new): &(Reserve, NewOrder)) -> Stored<AtOnceOutcome> {
        self.port.place(self.shop.store, reserve.clone(), Box::new(new.clone()), None).await
    }

    /// The same by a basis.
    pub(super) async fn place_by(&self, (reserve, new): &(Reserve, NewOrder), basis: &Basis) -> AtOnceOutcome {
        let (reserve, new) = (reserve.clone(), Box::new(new.clone()));
        self.port.place(self.shop.store, reserve, new, Some(basis.clone())).await.unwrap()
    }

    /// The shop's store and these of its products, stored, and their versions; none where the
    /// adapter does not look at those.
    pub(super) async fn catalogue(&self, products: &[ProductId]) -> Option<Catalogue> {
        let (stores, goods) = self.catalogue.clone()?;
        let make = &self.shop.make;
        let store = Store { id: self.shop.store, ..make.store() };
        stores.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        let mut rows = Vec::new();
        for id in products {
            let product = StoreProduct { id: *id, ..make.product(store.id) };
            goods.products.insert(store.id, product.clone(), make.bare_audit()).await.unwrap();
            rows.push(product);
        }
        let basis = Basis { store: store.version, products: rows.iter().map(|row| (row.id, row.version)).collect() };
        Some(Catalogue { stores, goods, store, rows, basis, make: make.clone() })
    }

    pub(super) async fn placed(&self, request: &(Reserve, NewOrder)) {
        assert_eq!(self.place(request).await.unwrap(), AtOnceOutcome::Placed);
    }

    pub(super) async fn slot(&self, hold: &Hold) -> OrderSlot {
        self.orders.orders.find(self.shop.store, &hold.order_id).await.unwrap()
    }

    /// Neither stock nor an order nor an audit entry of the request is there.
    pub(super) async fn is_absent(&self, (reserve, _): &(Reserve, NewOrder)) {
        assert_eq!(self.shop.find(&reserve.hold).await, None);
        assert_eq!(self.slot(&reserve.hold).await, OrderSlot::Absent);
        let history = self.orders.orders.history(self.shop.store, &reserve.hold.order_id).await.unwrap();
        assert_eq!(history, []);
    }
}

/// What the shop's orders are quoted by.
pub(super) struct Catalogue {
    stores: StorePorts,
    goods: ProductPorts,
    store: Store,
    rows: Vec<StoreProduct>,
    /// As it stands.
    pub(super) basis: Basis,
    make: Fixtures,
}

impl Catalogue {
    /// A change of the store.
    pub(super) async fn change_store(&mut self) {
        self.store.profile.preparation_minutes += 1;
        let outcome = self.stores.stores.update(self.store.clone(), self.basis.store, self.make.bare_audit()).await;
        assert_eq!(outcome.unwrap(), UpdateOutcome::Updated);
        self.basis.store += 1;
    }

    /// A change of the product at this place.
    pub(super) async fn change_product(&mut self, at: usize) {
        let (row, (_, version)) = (&mut self.rows[at], &mut self.basis.products[at]);
        row.details.product_name.push('!');
        let outcome = self.goods.products.update(self.store.id, row.clone(), *version, self.make.bare_audit()).await;
        assert_eq!(outcome.unwrap(), UpdateOutcome::Updated);
        *version += 1;
    }
}
