//! A store with stock, a gateway and a clock, behind a plan of faults; and what must hold of
//! it once the dust has settled.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;
use rust_decimal::Decimal;

use crate::actor::{Actor, StoreRole};
use crate::customer::CustomerTotals;
use crate::id::{CustomerId, OrderId, ProductId, StoreId};
use crate::inventory::{ChangeKind, Delta, Reservation, ReservationState};
use crate::money::Money;
use crate::order::{
    Channel, DeliveryAddress, Destination, Order, OrderFilter, OrderStatus, PaymentMethod, PaymentStatus, PlaceLine,
    PlaceOrder,
};
use crate::page::AllStores;
use crate::payment::{AttemptStatus, RefundStatus, SimulatedGateway};
use crate::quantity::Quantity;
use crate::testing::conformance::support::all_pages;
use crate::testing::faults::Faults;
use crate::testing::{Bench, Fixtures};
use crate::vyapar::Vyapar;

/// How many of each product a market opens with.
pub(super) const STOCK: u32 = 10;

pub(super) struct Market {
    pub(super) fixtures: Fixtures,
    pub(super) ports: crate::Ports,
    pub(super) faults: Faults,
    /// Behind the faults.
    pub(super) vyapar: Vyapar,
    /// Not behind the faults.
    pub(super) calm: Vyapar,
    pub(super) gateway: Arc<SimulatedGateway>,
    pub(super) store: StoreId,
    pub(super) products: Vec<ProductId>,
    pub(super) customer: CustomerId,
    pub(super) buyer: Actor,
    pub(super) owner: Actor,
    stock: Quantity,
}

impl Market {
    /// An active store with three products, `STOCK` pieces of each at ₹10, ₹20 and ₹30.
    pub(super) async fn open(bench: &Bench, fixtures: &Fixtures) -> Self {
        Self::with_stock(bench, fixtures, STOCK).await
    }

    /// The same without a port that places in one write: for what happens between the steps.
    pub(super) async fn in_steps(bench: &Bench, fixtures: &Fixtures) -> Self {
        Self::over(crate::Ports { at_once: None, ..bench.ports.clone() }, fixtures, STOCK).await
    }

    pub(super) async fn with_stock(bench: &Bench, fixtures: &Fixtures, stock: u32) -> Self {
        Self::over(bench.ports.clone(), fixtures, stock).await
    }

    async fn over(ports: crate::Ports, fixtures: &Fixtures, stock: u32) -> Self {
        let fixtures = fixtures.clone();
        let faults = Faults::new();
        let gateway = Arc::new(SimulatedGateway::new());
        let library = |ports| Vyapar::builder(ports, fixtures.env().clone()).gateway(gateway.clone()).build();
        let (vyapar, calm) = (library(faults.wrap(ports.clone())), library(ports.clone()));
        let store = fixtures.store();
        let customer = fixtures.customer_id();
        let owner = Actor::member(fixtures.user_id(), [(store.id, StoreRole::Owner)]);
        let store = crate::store::Store {
            status: crate::store::StoreStatus::Active,
            profile: crate::store::StoreProfile {
                delivery_radius_km: Decimal::from(5),
                min_order_amount: Money::ZERO,
                delivery_fee: "15".parse().unwrap(),
                accepts_online_payment: true,
                coordinates: None,
                gstin: None,
                business_hours: crate::store::BusinessHours::always(),
                state: "27".parse().unwrap(),
                ..store.profile.clone()
            },
            ..store
        };
        ports.store.stores.insert(store.clone(), None, fixtures.bare_audit()).await.unwrap();
        let mut market = Self {
            buyer: Actor::customer(customer, Some(fixtures.user_id())),
            owner,
            ports,
            faults,
            vyapar,
            calm,
            gateway,
            store: store.id,
            products: Vec::new(),
            customer,
            stock: Quantity::units(stock),
            fixtures,
        };
        for rupees in ["10", "20", "30"] {
            market.add(rupees).await;
        }
        if stock > 0 {
            let lines: Vec<_> = market.products.iter().map(|id| (*id, Delta::By(market.stock.inward()))).collect();
            let change = market.fixtures.change(ChangeKind::Purchase, &lines);
            market.ports.stock.ledger.change(market.store, change).await.unwrap();
        }
        market
    }

    async fn add(&mut self, rupees: &str) {
        let price: Money = rupees.parse().unwrap();
        let mut product = self.fixtures.product(self.store);
        product.status = crate::inventory::ProductStatus::Active;
        product.details.price = crate::inventory::ProductPrice::new(price, price).unwrap();
        product.details.stock_unit = crate::quantity::StockUnit::Piece;
        product.details.tax_rate = "5".parse().unwrap();
        let (id, unit) = (product.id, product.details.stock_unit);
        let audit = self.fixtures.bare_audit();
        self.ports.product.products.insert(self.store, product, audit).await.unwrap();
        self.ports.stock.ledger.open(self.store, id, unit, self.fixtures.now()).await.unwrap();
        self.products.push(id);
    }

    /// Another node gives a product another price.
    pub(super) async fn reprice(&self, product: usize, rupees: &str) {
        let price: Money = rupees.parse().unwrap();
        let price = crate::inventory::ProductPrice::new(price, price).unwrap();
        let goods = self.calm.inventory();
        goods.set_price(&self.owner, self.store, self.products[product], price).await.unwrap();
    }

    /// A request of this market's customer, delivered within the state, paid by `method`.
    pub(super) fn request(&self, key: &str, method: PaymentMethod, lines: &[(usize, u32)]) -> PlaceOrder {
        let text = |text: &str| crate::contact::PersonalText::parse("text", text, 200).unwrap();
        PlaceOrder {
            store_id: self.store,
            idempotency_key: key.to_owned(),
            customer_id: self.customer,
            customer_name: text("आशा Kulkarni"),
            customer_phone: "+91 98765 43210".parse().unwrap(),
            destination: Destination::Delivery(DeliveryAddress {
                line1: text("14 Prabhat Road"),
                line2: None,
                landmark: Some(text("near the post office")),
                city: "Pune".to_owned(),
                state: "27".parse().unwrap(),
                pincode: "411004".parse().unwrap(),
                coordinates: None,
            }),
            lines: lines
                .iter()
                .map(|(product, count)| PlaceLine {
                    product_id: self.products[*product],
                    quantity: Quantity::units(*count),
                    notes: None,
                })
                .collect(),
            payment_method: method,
            expected_total: None,
            delivery_notes: Some(text("ring twice")),
            customer_note: None,
            channel: Channel::App,
            language: "mr".to_owned(),
        }
    }

    /// Two products, paid on delivery.
    pub(super) fn cod(&self, key: &str) -> PlaceOrder {
        self.request(key, PaymentMethod::Cod, &[(0, 2), (1, 1)])
    }

    /// Two products, paid by UPI.
    pub(super) fn upi(&self, key: &str) -> PlaceOrder {
        self.request(key, PaymentMethod::Upi, &[(0, 2), (1, 1)])
    }

    /// The same customer, another request.
    pub(super) fn host() -> Actor {
        Actor::system("test")
    }

    /// Lets delayed calls land, lets all holds run out, and recovers until nothing is left
    /// to do. Attempts at paying that the customer left open fail.
    pub(super) async fn settle(&self) {
        self.faults.none();
        self.faults.land().await;
        let mut quiet = 0;
        for _ in 0..200 {
            // Past every hold, every wait after a failure, and soon past late captures.
            self.fixtures.clock().advance(TimeDelta::hours(7));
            self.close_attempts().await;
            let done = self.calm.orders().recover(&Self::host(), 500).await.unwrap();
            quiet = if done.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        let later = self.fixtures.now() + TimeDelta::days(1);
        let ports = &self.ports;
        panic!(
            "recovery does not end:\n{:#?}\n{:#?}\n{:#?}",
            ports.stock.queue.due(AllStores, later, 5).await,
            ports.order.queue.due(AllStores, later, 5).await,
            ports.payment.queue.due(AllStores, later, 5).await
        );
    }

    async fn close_attempts(&self) {
        for order in self.orders().await {
            for payment in self.payments(&order.id).await {
                if payment.status == AttemptStatus::Pending {
                    self.gateway.fail(payment.id);
                }
            }
        }
    }

    pub(super) async fn orders(&self) -> Vec<Order> {
        let orders = &self.ports.order.orders;
        all_pages(50, |page| orders.list(self.store, OrderFilter::default(), page)).await.unwrap()
    }

    pub(super) async fn payments(&self, order: &OrderId) -> Vec<crate::payment::Payment> {
        self.ports.payment.payments.list_by_order(self.store, order).await.unwrap()
    }

    pub(super) async fn reservation(&self, order: &Order) -> Option<Reservation> {
        self.ports.stock.reservations.find(self.store, order.hold.id).await.unwrap()
    }

    /// What is free of each product.
    pub(super) async fn free(&self) -> Vec<Quantity> {
        let levels = self.ports.stock.ledger.levels(self.store, &self.products).await.unwrap();
        let by_id: BTreeMap<_, _> = levels.into_iter().map(|level| (level.product_id, level.current)).collect();
        self.products.iter().map(|id| by_id[id]).collect()
    }

    /// What must hold of a settled market, whatever went wrong before: every order is fully
    /// placed or fully absent, stock and money are where they belong.
    pub(super) async fn check(&self) {
        let report = self.ports.stock.ledger.verify(self.store).await.unwrap();
        assert!(report.is_clean(), "{report:#?}");
        let orders = self.orders().await;
        let mut keys = BTreeMap::new();
        let mut sold: BTreeMap<ProductId, i64> = BTreeMap::new();
        for order in &orders {
            assert!(order.effects.is_empty(), "effects never done: {order:#?}");
            assert_eq!(order.recover_at, None);
            let history = self.ports.order.orders.history(self.store, &order.id).await.unwrap();
            assert_eq!(history.last().map(|row| row.status), Some(order.status), "history lags behind {order:#?}");
            self.check_money(order).await;
            if order.status == OrderStatus::Cancelled {
                self.check_cancelled(order).await;
                continue;
            }
            assert_eq!(keys.insert(order.hold.id, &order.id), None, "two live orders for one key");
            let held = self.reservation(order).await.expect("a live order has a reservation");
            assert_eq!(held.hold, order.hold);
            let state = if order.dispatched { ReservationState::Dispatched } else { ReservationState::Committed };
            assert_eq!((held.state, held.open), (state, false), "of {order:#?}");
            for item in &order.items {
                let line = held.lines.iter().find(|line| line.product_id == item.product_id);
                assert_eq!(line.map(|line| line.quantity), Some(item.quantity), "stock of {order:#?}");
                *sold.entry(item.product_id).or_default() += item.quantity.thousandths();
            }
        }
        for (product, free) in self.products.iter().zip(self.free().await) {
            let sold = sold.get(product).copied().unwrap_or_default();
            assert_eq!(free.thousandths(), self.stock.thousandths() - sold, "free stock of {product}");
        }
        let later = self.fixtures.now() + TimeDelta::days(365);
        let open = self.ports.stock.queue.due(AllStores, later, 500).await.unwrap();
        let open: Vec<_> = open.into_iter().filter(|held| held.store_id == self.store).collect();
        assert!(open.is_empty(), "reservations never closed: {open:#?}");
        self.check_totals(&orders).await;
        let stuck = self.calm.orders().stuck(&Self::host(), 100).await.unwrap();
        assert!(stuck.is_empty(), "stuck: {stuck:#?}");
    }

    /// Store and customer count each delivered order, once.
    async fn check_totals(&self, orders: &[Order]) {
        let delivered: Vec<_> = orders.iter().filter(|order| order.status == OrderStatus::Delivered).collect();
        let count = u64::try_from(delivered.len()).unwrap();
        let store = self.ports.store.stores.get(self.store).await.unwrap().unwrap();
        assert_eq!(store.total_orders, count, "orders of the store");
        let customer = self.ports.customer.customers.get(self.customer).await.unwrap();
        let totals = customer.map_or(CustomerTotals::ZERO, |customer| customer.totals);
        let spent = delivered.iter().map(|order| order.totals.total);
        // One point for each whole ₹100 of an order.
        let points = spent.clone().map(|total| u64::try_from(total.paise() / 10_000).unwrap()).sum();
        let expected =
            CustomerTotals { loyalty_points: points, total_orders: count, total_spent: Money::sum(spent).unwrap() };
        assert_eq!(totals, expected, "totals of the customer");
    }

    async fn check_cancelled(&self, order: &Order) {
        let Some(held) = self.reservation(order).await.filter(|held| held.hold == order.hold) else {
            return;
        };
        match held.state {
            ReservationState::Released => assert!(!held.open),
            ReservationState::Dispatched => {
                assert!(held.lines.iter().all(|line| line.given_back == line.quantity), "goods never came back");
            }
            other => panic!("stock {other} by a cancelled order: {order:#?}"),
        }
    }

    async fn check_money(&self, order: &Order) {
        let payments = self.payments(&order.id).await;
        for payment in &payments {
            assert_eq!(self.gateway.refunded(payment.id), payment.returned().unwrap(), "{payment:#?}");
            assert!(payment.refunds.iter().all(|refund| refund.status == RefundStatus::Success), "{payment:#?}");
            if payment.captured() == Money::ZERO {
                continue;
            }
            assert!(payment.applied, "a success never booked: {payment:#?}");
            let kept = payment.captured().minus(payment.returned().unwrap()).unwrap();
            let pays = order.status != OrderStatus::Cancelled && order.paid_by == Some(payment.id);
            let due = if pays { order.totals.total } else { Money::ZERO };
            assert_eq!(kept, due, "kept of {payment:#?} for {order:#?}");
        }
        if order.status == OrderStatus::Delivered {
            assert_eq!(order.payment_status, PaymentStatus::Paid, "delivered and not paid: {order:#?}");
            assert_eq!(order.paid_by.is_some(), order.totals.total > Money::ZERO, "{order:#?}");
            let paid = payments.iter().any(|payment| order.paid_by == Some(payment.id));
            assert_eq!(paid, order.paid_by.is_some(), "paid by nothing: {order:#?}");
        }
        let live_online = order.status != OrderStatus::Cancelled && order.payment_method.is_online();
        if live_online {
            assert!(payments.iter().any(|p| order.paid_by == Some(p.id)), "live and not paid: {order:#?}");
        }
    }
}
