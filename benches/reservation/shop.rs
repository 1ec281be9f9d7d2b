//! A shop with more stock than a benchmark can sell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use rust_decimal::Decimal;
use vyapar::contact::PersonalText;
use vyapar::inventory::{Hold, NewProduct, ProductPrice, Reserve};
use vyapar::memory::Memory;
use vyapar::order::{Channel, Destination, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar::store::{NewStore, StoreContact, StoreProfile, StoreStatus, StoreType};
use vyapar::testing::test_keys;
use vyapar::{
    Actor, CustomerId, Env, OperationId, OrderId, Ports, ProductId, Quantity, ReservationId, StockUnit, StoreId,
    Timestamp, UserId, Vyapar,
};

/// Products of the shop: baskets are spread over them.
const PRODUCTS: usize = 1_000;

pub(crate) struct Shop {
    pub(crate) vyapar: Vyapar,
    pub(crate) ports: Ports,
    pub(crate) store: StoreId,
    pub(crate) products: Vec<ProductId>,
    env: Env,
    number: AtomicU64,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let env = Env::system(Arc::new(test_keys()));
        let ports = Memory::new().ports();
        let vyapar = Vyapar::builder(ports.clone(), env.clone()).build();
        let staff = Actor::platform(UserId::from_uuid(env.uuid()));
        let store = vyapar.stores().register(&staff, new_store()).await.expect("a store").id;
        vyapar.stores().set_status(&staff, store, StoreStatus::Active).await.expect("active");
        let mut products = Vec::new();
        for number in 0..PRODUCTS {
            let product = vyapar.inventory().add_product(&staff, store, new_product(number)).await;
            products.push(product.expect("a product").id);
        }
        for part in products.chunks(40) {
            let lines: Vec<_> = part.iter().map(|id| (*id, Quantity::units(900_000_000))).collect();
            let operation = OperationId::from_uuid(env.uuid());
            vyapar.inventory().receive(&staff, store, operation, &lines).await.expect("stock");
        }
        products.sort();
        Self { vyapar, ports, store, products, env, number: AtomicU64::new(0) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// So many products, by id, never the same run of them twice in a row.
    fn basket(&self, lines: usize) -> impl Iterator<Item = ProductId> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let first = usize::try_from(number).unwrap_or(0) * 7 % (PRODUCTS - lines);
        self.products[first..first + lines].iter().copied()
    }

    pub(crate) fn reserve(&self, lines: usize) -> Reserve {
        let id = self.env.uuid();
        Reserve {
            hold: Hold { id: ReservationId::from_uuid(id), attempt: 1, order_id: OrderId::from_uuid(id) },
            fingerprint: self.env.mac("bench", &[id.as_bytes()]),
            lines: self.basket(lines).map(|product| (product, Quantity::units(1))).collect(),
            due: self.now() + TimeDelta::minutes(2),
            performed_by: None,
            now: self.now(),
        }
    }

    pub(crate) fn order(&self, lines: usize) -> (Actor, PlaceOrder) {
        let customer_id = CustomerId::from_uuid(self.env.uuid());
        let request = PlaceOrder {
            store_id: self.store,
            idempotency_key: "bench".to_owned(),
            customer_id,
            customer_name: PersonalText::parse("name", "Ravi Kumar", 100).expect("a name"),
            customer_phone: "91234 56789".parse().expect("a phone"),
            destination: Destination::Pickup,
            lines: self
                .basket(lines)
                .map(|product_id| PlaceLine { product_id, quantity: Quantity::units(1), notes: None })
                .collect(),
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
