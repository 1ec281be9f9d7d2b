//! Shops with stock, and customers who order from them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use vyapar::contact::PersonalText;
use vyapar::env::SystemEntropy;
use vyapar::geo::Radius;
use vyapar::geo::geocoder::PinTable;
use vyapar::inventory::{NewProduct, StockLevel};
use vyapar::order::{Channel, DeliveryAddress, Destination, OrderError, PaymentMethod, PlaceLine, PlaceOrder, Placed};
use vyapar::store::{BusinessHours, Nearby, NearbyFilter, NewStore, Origin, StoreContact, StoreProfile, StoreType};
use vyapar::testing::faults::Faults;
use vyapar::time::Clock;
use vyapar::{
    Actor, CustomerId, Env, KeyRing, OperationId, PageRequest, Ports, ProductId, Quantity, SecretKey, StoreId, UserId,
    Vyapar,
};

use crate::Outcome;
use crate::catalogue::Locality;

/// How many products every shop but the first keeps; the first keeps all.
const ASSORTMENT: usize = 20;

/// The machine's time, moved forward when the example does not want to wait.
#[derive(Default)]
struct ShopClock {
    ahead_seconds: AtomicI64,
}

impl Clock for ShopClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.ahead_seconds.load(Ordering::Relaxed))
    }
}

pub(crate) struct Shop {
    pub(crate) id: StoreId,
    name: String,
    city: String,
    products: Vec<ProductId>,
    pincode: vyapar::india::PinCode,
    state: vyapar::india::StateCode,
}

pub(crate) struct Market {
    pub(crate) vyapar: Vyapar,
    /// A plan of what goes wrong between the library and its storage; hosts test with it.
    pub(crate) faults: Faults,
    pub(crate) staff: Actor,
    pub(crate) shops: Vec<Shop>,
    env: Env,
    clock: Arc<ShopClock>,
}

impl Market {
    pub(crate) async fn open(
        ports: Ports,
        (localities, pins): &(Vec<Locality>, PinTable),
        products: &[NewProduct],
    ) -> Outcome<Self> {
        // A real host takes its keys from where it keeps secrets.
        let keys = KeyRing::new(1, &SecretKey::new([7; 32]), &SecretKey::new([9; 32]));
        let clock = Arc::new(ShopClock::default());
        let env = Env::new(clock.clone(), Arc::new(SystemEntropy), Arc::new(keys));
        let faults = Faults::new();
        // In steps, although memory and PostgreSQL can place a cash order in one write: what happens
        // between the steps is what there is to see.
        let ports = Ports { at_once: None, ..ports };
        let geocoder = Arc::new(pins.clone());
        let vyapar = Vyapar::builder(faults.wrap(ports), env.clone()).geocoder(geocoder).build();
        let staff = Actor::platform(UserId::from_uuid(env.uuid()));
        let mut market = Self { vyapar, faults, staff, shops: Vec::new(), env, clock };
        for (at, locality) in localities.iter().enumerate() {
            let keeps = if at == 0 { products.len() } else { ASSORTMENT };
            let mut assortment = products.iter().cycle().skip(at * ASSORTMENT).take(keeps);
            let shop = market.open_shop(locality, &mut assortment).await?;
            market.shops.push(shop);
        }
        Ok(market)
    }

    async fn open_shop(
        &self,
        locality: &Locality,
        assortment: &mut impl Iterator<Item = &NewProduct>,
    ) -> Outcome<Shop> {
        let name = format!("{} Kirana Store", locality.name);
        let text = |text: &str| PersonalText::parse("text", text, 200);
        let new = NewStore {
            profile: StoreProfile {
                store_name: name.clone(),
                store_type: StoreType::Grocery,
                address: format!("Main Road, {}", locality.name),
                city: locality.city.clone(),
                state: locality.state.clone(),
                pincode: locality.pincode.clone(),
                // The geocoder finds them.
                coordinates: None,
                gstin: None,
                business_hours: BusinessHours::always(),
                delivery_radius_km: Decimal::from(5),
                min_order_amount: "20".parse()?,
                delivery_fee: "15".parse()?,
                preparation_minutes: 20,
                accepts_online_payment: false,
            },
            contact: StoreContact {
                owner_name: text("Asha Sharma")?,
                phone: "98765 43210".parse()?,
                email: None,
                whatsapp_number: None,
            },
            owner: None,
        };
        let store = self.vyapar.stores().register(&self.staff, new).await?;
        self.vyapar.stores().verify(&self.staff, store.id).await?;
        let mut products = Vec::new();
        for product in assortment {
            products.push(self.vyapar.inventory().add_product(&self.staff, store.id, product.clone()).await?.id);
        }
        for part in products.chunks(40) {
            let lines: Vec<_> = part.iter().map(|id| (*id, Quantity::units(50))).collect();
            self.vyapar.inventory().receive(&self.staff, store.id, self.operation(), &lines).await?;
        }
        let (city, pincode, state) = (locality.city.clone(), locality.pincode.clone(), locality.state.clone());
        Ok(Shop { id: store.id, name, city, products, pincode, state })
    }

    pub(crate) fn print_shops(&self) {
        println!("-- {} shops open", self.shops.len());
        for shop in self.shops.iter().take(4) {
            println!("   {:<34} {:<12} {} products, 50 of each", shop.name, shop.city, shop.products.len());
        }
        println!("   …");
    }

    /// The shops around a PIN code.
    pub(crate) async fn print_nearby(&self, pincode: &str, km: f64) -> Outcome {
        let (origin, radius) = (Origin::Pin(pincode.parse()?), Radius::from_km(km)?);
        let filter = NearbyFilter { open_now: true, ..NearbyFilter::default() };
        let search = Nearby { origin, radius, filter, page: PageRequest::first(5) };
        println!("-- Open within {km} km of {pincode}");
        for found in self.vyapar.stores().nearby(&Actor::anonymous(), search).await?.items {
            println!("   {:>5.2} km  {}", found.distance_km, found.store.profile.store_name);
        }
        Ok(())
    }

    /// A customer of a shop orders: (which product of the shop, how many).
    pub(crate) async fn order(&self, shop: usize, key: &str, lines: &[(usize, u32)]) -> Result<Placed, OrderError> {
        let mut request = self.request(shop, key, lines);
        // One customer a key, so that asking again is the same request.
        request.customer_id = CustomerId::from_uuid(self.env.mac("customer", &[key.as_bytes()]).to_uuid());
        self.vyapar.orders().place(&Actor::customer(request.customer_id, None), request).await
    }

    /// What a new customer asks for.
    pub(crate) fn request(&self, shop: usize, key: &str, lines: &[(usize, u32)]) -> PlaceOrder {
        let shop = &self.shops[shop];
        let text = |text: &str| PersonalText::parse("text", text, 200).expect("a short text");
        PlaceOrder {
            store_id: shop.id,
            idempotency_key: key.to_owned(),
            customer_id: CustomerId::from_uuid(self.env.uuid()),
            customer_name: text("Ravi Kumar"),
            customer_phone: "91234 56789".parse().expect("a phone number"),
            destination: Destination::Delivery(DeliveryAddress {
                line1: text("Flat 12, Shanti Apartments"),
                line2: None,
                landmark: Some(text("opposite the temple")),
                city: shop.city.clone(),
                state: shop.state.clone(),
                pincode: shop.pincode.clone(),
                coordinates: None,
            }),
            lines: lines
                .iter()
                .map(|(product, count)| PlaceLine {
                    product_id: shop.products[*product],
                    quantity: Quantity::units(*count),
                    notes: None,
                })
                .collect(),
            payment_method: PaymentMethod::Cod,
            expected_total: None,
            delivery_notes: None,
            customer_note: None,
            channel: Channel::App,
            language: "hi".to_owned(),
        }
    }

    /// Writes all but one unit of a product off: (shop, product of the shop).
    pub(crate) async fn scarce(&self) -> Outcome<(usize, usize)> {
        let (shop, product) = (2, 5);
        let id = self.shops[shop].products[product];
        let count = vyapar::inventory::Delta::Counted(Quantity::units(1));
        let kind = vyapar::inventory::ChangeKind::Adjustment;
        let inventory = self.vyapar.inventory();
        let reason = Some("stock-take".to_owned());
        inventory.adjust(&self.staff, self.shops[shop].id, self.operation(), kind, &[(id, count)], reason).await?;
        Ok((shop, product))
    }

    pub(crate) fn first_product(&self) -> (StoreId, ProductId) {
        (self.shops[0].id, self.shops[0].products[0])
    }

    pub(crate) async fn level(&self, store: StoreId, product: ProductId) -> Outcome<StockLevel> {
        Ok(self.vyapar.inventory().product(&self.staff, store, product).await?.level)
    }

    pub(crate) async fn free(&self, store: StoreId, product: ProductId) -> Outcome<Quantity> {
        Ok(self.level(store, product).await?.current)
    }

    /// Moves the clock past every hold, instead of waiting for it.
    pub(crate) fn wait_out_holds(&self) {
        self.clock.ahead_seconds.fetch_add(180, Ordering::Relaxed);
    }

    fn operation(&self) -> OperationId {
        OperationId::from_uuid(self.env.uuid())
    }
}
