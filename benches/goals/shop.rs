//! A shop with more stock than a benchmark can sell, on any backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use rust_decimal::Decimal;
use tokio::task::JoinSet;
use vyapar::contact::{PersonalText, Phone};
use vyapar::inventory::{Hold, NewProduct, ProductPrice, Reserve};
use vyapar::order::{Channel, Destination, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar::store::{BusinessHours, NewStore, StoreContact, StoreProfile, StoreStatus, StoreType};
use vyapar::testing::test_keys;
use vyapar::{
    Actor, CustomerId, Env, OperationId, OrderId, Ports, ProductId, Quantity, ReservationId, StockUnit, StoreId,
    UserId, Vyapar,
};

use crate::load::mix;

/// How many customers order.
const CUSTOMERS: u64 = 1_000;

/// How a basket is chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Basket {
    /// So many lines, spread evenly over all products.
    Spread(usize),
    /// One line of one product, the same for everybody.
    Hot,
}

/// One store with its products.
pub(crate) struct Shop {
    pub(crate) vyapar: Vyapar,
    pub(crate) ports: Ports,
    pub(crate) env: Env,
    pub(crate) store: StoreId,
    pub(crate) products: Vec<ProductId>,
    /// What a host has at hand before it calls, so that no measurement holds the making of it.
    customers: Vec<CustomerId>,
    name: PersonalText,
    phone: Phone,
    /// How many orders were asked for: each has a key of its own.
    asked: AtomicU64,
}

impl Shop {
    pub(crate) async fn open(ports: Ports, products: usize) -> Self {
        let env = Env::system(Arc::new(test_keys()));
        let vyapar = Vyapar::builder(ports.clone(), env.clone()).build();
        let staff = Actor::platform(UserId::from_uuid(env.uuid()));
        let store = vyapar.stores().register(&staff, new_store()).await.expect("a store").id;
        vyapar.stores().set_status(&staff, store, StoreStatus::Active).await.expect("active");
        let mut tasks = JoinSet::new();
        for part in 0..16 {
            let (vyapar, staff) = (vyapar.clone(), staff.clone());
            tasks.spawn(async move {
                let mut ids = Vec::new();
                for number in (part..products).step_by(16) {
                    let product = vyapar.inventory().add_product(&staff, store, new_product(number)).await;
                    ids.push(product.expect("a product").id);
                }
                ids
            });
        }
        let mut products: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        products.sort_unstable();
        for part in products.chunks(40) {
            let lines: Vec<_> = part.iter().map(|id| (*id, Quantity::units(100_000_000))).collect();
            let operation = OperationId::from_uuid(env.uuid());
            vyapar.inventory().receive(&staff, store, operation, &lines).await.expect("stock");
        }
        let customer = |number: u64| env.mac("bench customer", &[&number.to_be_bytes()]).to_uuid();
        Self {
            vyapar,
            ports,
            store,
            products,
            customers: (0..CUSTOMERS).map(|number| CustomerId::from_uuid(customer(number))).collect(),
            name: PersonalText::parse("name", "Ravi Kumar", 100).expect("a name"),
            phone: "91234 56789".parse().expect("a phone"),
            asked: AtomicU64::new(0),
            env,
        }
    }

    /// The products of one basket, by id.
    pub(crate) fn basket(&self, basket: Basket, seed: u64) -> Vec<ProductId> {
        match basket {
            Basket::Hot => self.products.first().copied().into_iter().collect(),
            Basket::Spread(lines) => {
                let mut chosen = Vec::with_capacity(lines);
                let mut seed = seed;
                while chosen.len() < lines {
                    seed = mix(seed);
                    let at = usize::try_from(seed % self.products.len() as u64).expect("an index");
                    if !chosen.contains(&self.products[at]) {
                        chosen.push(self.products[at]);
                    }
                }
                chosen.sort_unstable();
                chosen
            }
        }
    }

    pub(crate) fn reserve(&self, basket: Basket, seed: u64) -> Reserve {
        let id = self.env.uuid();
        let now = self.env.now();
        Reserve {
            hold: Hold { id: ReservationId::from_uuid(id), attempt: 1, order_id: OrderId::from_uuid(id) },
            fingerprint: self.env.mac("bench", &[id.as_bytes()]),
            lines: self.basket(basket, seed).into_iter().map(|product| (product, Quantity::units(1))).collect(),
            // Nothing falls due while a benchmark runs.
            due: now + TimeDelta::days(1),
            performed_by: None,
            now,
        }
    }

    pub(crate) fn order(&self, basket: Basket, seed: u64) -> (Actor, PlaceOrder) {
        // Customers come back: what a first order costs more, its customer's profile, is paid once.
        let customer = usize::try_from(mix(seed) % CUSTOMERS).expect("an index");
        let customer_id = self.customers[customer];
        let line = |product_id| PlaceLine { product_id, quantity: Quantity::units(1), notes: None };
        let request = PlaceOrder {
            store_id: self.store,
            idempotency_key: format!("order {}", self.asked.fetch_add(1, Ordering::Relaxed)),
            customer_id,
            customer_name: self.name.clone(),
            customer_phone: self.phone.clone(),
            destination: Destination::Pickup,
            lines: self.basket(basket, seed).into_iter().map(line).collect(),
            payment_method: PaymentMethod::Cod,
            expected_total: None,
            delivery_notes: None,
            customer_note: None,
            channel: Channel::App,
            language: "hi".to_owned(),
        };
        (Actor::customer(customer_id, None), request)
    }
}

fn new_store() -> NewStore {
    NewStore {
        profile: StoreProfile {
            store_name: "Bench Kirana".to_owned(),
            store_type: StoreType::Grocery,
            address: "1 Main Road".to_owned(),
            city: "Pune".to_owned(),
            state: "27".parse().expect("a state"),
            pincode: "411004".parse().expect("a PIN code"),
            coordinates: None,
            gstin: None,
            business_hours: BusinessHours::always(),
            delivery_radius_km: Decimal::from(5),
            min_order_amount: vyapar::Money::ZERO,
            delivery_fee: vyapar::Money::ZERO,
            preparation_minutes: 20,
            accepts_online_payment: false,
        },
        contact: StoreContact {
            owner_name: PersonalText::parse("name", "Asha", 100).expect("a name"),
            phone: "98765 43210".parse().expect("a phone"),
            email: None,
            whatsapp_number: None,
        },
        owner: None,
    }
}

fn new_product(number: usize) -> NewProduct {
    let price: vyapar::Money = "42.50".parse().expect("a price");
    NewProduct {
        sku: format!("SKU-{number}").parse().expect("a SKU"),
        product_name: format!("Product {number}"),
        barcode: None,
        generic_product_id: None,
        brand_id: None,
        variant_type: None,
        size: None,
        size_unit: None,
        hsn_code: None,
        tax_rate: "5".parse().expect("a rate"),
        price: ProductPrice::new(price, price).expect("a price"),
        cost_price: None,
        stock_unit: StockUnit::Piece,
        min_stock_level: None,
        max_stock_level: None,
    }
}
