//! Rules of stores nearby, addresses and geocoding that are easy to break: what is left out of a
//! request, what comes between two steps, what another node does not know yet.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use vyapar_core::contact::PersonalText;
use vyapar_core::customer::{AddressType, CustomerError, MAX_ADDRESSES, NewAddress};
use vyapar_core::env::SystemEntropy;
use vyapar_core::geo::Coordinates;
use vyapar_core::geo::geocoder::{GeocodeError, GeocodeHit, GeocodePrecision, GeocodeQuery, Geocoder};
use vyapar_core::id::CustomerId;
use vyapar_core::identity::{AccountKind, NewUser};
use vyapar_core::order::{Channel, DeliveryAddress, Destination, OrderError, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar_core::store::{DeliveryRefusal, NewStore, Slug, Store, StoreContact, StoreError, StoreProfile, UpdateStore};
use vyapar_core::testing::Fixtures;
use vyapar_core::{Actor, Env, KeyRing, Money, Ports, ProductId, Quantity, SecretKey, StockUnit, StoreId, Vyapar};
use vyapar_memory::Memory;

type Step = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A geocoder that answers one and the same, after what is to happen meanwhile.
struct Map {
    answer: Mutex<Result<Option<Coordinates>, GeocodeError>>,
    meanwhile: Mutex<Option<Step>>,
    calls: AtomicUsize,
}

impl Default for Map {
    fn default() -> Self {
        Self { answer: Mutex::new(Ok(None)), meanwhile: Mutex::default(), calls: AtomicUsize::new(0) }
    }
}

impl Map {
    fn answers(&self, answer: Result<Option<Coordinates>, GeocodeError>) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    fn meanwhile(&self, step: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(step));
    }

    /// How often it was asked since it was last asked this.
    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Geocoder for Map {
    async fn locate(&self, _: &GeocodeQuery) -> Result<Option<GeocodeHit>, GeocodeError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let step = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(step) = step {
            step.await;
        }
        let answer = *self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        let precision = GeocodePrecision::Rooftop;
        Ok(answer?.map(|coordinates| GeocodeHit { coordinates, precision, partial: false }))
    }
}

struct Town {
    make: Fixtures,
    ports: Ports,
    map: Arc<Map>,
    vyapar: Vyapar,
    host: Actor,
}

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

fn text(text: &str) -> PersonalText {
    PersonalText::parse("text", text, 1_000_000).unwrap()
}

fn ring(id: u32) -> KeyRing {
    KeyRing::new(id, &SecretKey::new([u8::try_from(id).unwrap(); 32]), &SecretKey::new([0x22; 32]))
}

impl Town {
    fn new() -> Self {
        let (make, ports, map) = (Fixtures::here(), Memory::new().ports(), Arc::new(Map::default()));
        let vyapar = Vyapar::builder(ports.clone(), make.env().clone()).geocoder(Arc::<Map>::clone(&map)).build();
        Self { make, ports, map, vyapar, host: Actor::system("test") }
    }

    /// Another node of the same town, with its own keys.
    fn node(&self, ring: KeyRing) -> Vyapar {
        let env = Env::new(Arc::new(self.make.clock().clone()), Arc::new(SystemEntropy), Arc::new(ring));
        Vyapar::builder(self.ports.clone(), env).geocoder(Arc::<Map>::clone(&self.map)).build()
    }

    fn registration(&self) -> NewStore {
        let profile = StoreProfile { gstin: None, state: "24".parse().unwrap(), ..self.make.store().profile };
        let contact = StoreContact {
            owner_name: text("Asha Patel"),
            phone: "98765 43210".parse().unwrap(),
            email: None,
            whatsapp_number: None,
        };
        NewStore { profile, contact, owner: None }
    }

    async fn store(&self, change: impl FnOnce(&mut StoreProfile)) -> Store {
        let mut new = self.registration();
        change(&mut new.profile);
        let stores = self.vyapar.stores();
        let id = stores.register(&self.host, new).await.unwrap().id;
        stores.verify(&self.host, id).await.unwrap()
    }

    async fn update(&self, store: &Store, change: impl FnOnce(&mut StoreProfile)) -> Result<Store, StoreError> {
        let mut profile = store.profile.clone();
        change(&mut profile);
        let change = UpdateStore { version: store.version, profile, contact: None };
        self.vyapar.stores().update(&self.host, store.id, change).await
    }

    fn wait(&self, minutes: u64) {
        self.make.clock().set(self.make.now() + Duration::from_secs(60 * minutes));
    }

    fn customer(&self) -> (CustomerId, Actor) {
        let id = self.make.customer_id();
        (id, Actor::customer(id, None))
    }

    async fn product(&self, store: StoreId) -> ProductId {
        let mut new = self.make.product(store).details;
        (new.stock_unit, new.tax_rate) = (StockUnit::Piece, "18".parse().unwrap());
        let inventory = self.vyapar.inventory();
        let product = inventory.add_product(&self.host, store, new).await.unwrap().id;
        let lines = [(product, Quantity::units(50))];
        inventory.receive(&self.host, store, self.make.operation(), &lines).await.unwrap();
        product
    }

    fn order(&self, store: StoreId, customer: CustomerId, product: ProductId, destination: Destination) -> PlaceOrder {
        PlaceOrder {
            store_id: store,
            idempotency_key: self.make.uuid().to_string(),
            customer_id: customer,
            customer_name: text("Asha Patel"),
            customer_phone: "98765 43210".parse().unwrap(),
            destination,
            lines: vec![PlaceLine { product_id: product, quantity: Quantity::units(3), notes: None }],
            payment_method: PaymentMethod::Cod,
            expected_total: None,
            delivery_notes: None,
            customer_note: None,
            channel: Channel::App,
            language: "gu".to_owned(),
        }
    }
}

fn lane(line1: &str) -> NewAddress {
    NewAddress {
        address_type: AddressType::Home,
        line1: text(line1),
        line2: None,
        landmark: None,
        city: "Surat".to_owned(),
        state: "24".parse().unwrap(),
        pincode: "395003".parse().unwrap(),
        coordinates: None,
        make_default: false,
    }
}

fn delivery() -> Destination {
    Destination::Delivery(DeliveryAddress {
        line1: text("7 Station Road"),
        line2: None,
        landmark: None,
        city: "Surat".to_owned(),
        state: "24".parse().unwrap(),
        pincode: "395003".parse().unwrap(),
        coordinates: None,
    })
}

/// A point that is left out of an update is asked for, as in a registration.
#[tokio::test]
async fn a_store_that_moves_without_a_point_is_found() {
    let town = Town::new();
    let store = town.store(|profile| profile.coordinates = Some(at(21.2, 72.8))).await;
    town.map.answers(Ok(Some(at(21.4, 72.7))));
    let change = |profile: &mut StoreProfile| {
        (profile.address, profile.coordinates) = ("3 Market Yard".to_owned(), None);
    };
    let moved = town.update(&store, change).await.unwrap();
    assert_eq!(moved.profile.coordinates, Some(at(21.4, 72.7)), "not asked for");
    town.map.answers(Err(GeocodeError::TimedOut));
    let left_out = town.update(&moved, |profile| profile.coordinates = None).await.unwrap();
    assert_eq!(left_out.profile.coordinates, None);
    assert!(left_out.geocoding.is_some(), "nowhere for good");
}

/// Of two who set the point, the later one is told: also when the earlier one is the geocoder.
#[tokio::test]
async fn a_point_that_was_given_is_not_dropped_in_silence() {
    let town = Town::new();
    town.map.answers(Err(GeocodeError::TimedOut));
    let read = town.store(|_| ()).await;
    town.map.answers(Ok(Some(at(21.4, 72.7))));
    town.make.clock().set(read.geocoding.unwrap().due);
    assert_eq!(town.vyapar.stores().geocode_pending(&town.host, 10).await.unwrap().located, 1);
    let given = town.update(&read, |profile| profile.coordinates = Some(at(21.2, 72.8))).await;
    assert!(matches!(given, Err(StoreError::Changed { .. })), "{given:?}");
    // The same again, whose answer was lost, is no other change.
    let read = town.vyapar.stores().get(&town.host, read.id).await.unwrap();
    for _ in 0..2 {
        let given = town.update(&read, |profile| profile.coordinates = Some(at(21.2, 72.8))).await.unwrap();
        assert_eq!(given.profile.coordinates, Some(at(21.2, 72.8)));
    }
}

/// Names that leave nothing in Latin letters share one readable name; there is room for all.
#[tokio::test]
async fn many_names_in_other_scripts_find_room() {
    let town = Town::new();
    let plain = town.make.store();
    for n in 0..=u16::MAX {
        let slug = Slug::from_name("store", &format!("{n:04x}"));
        let store = Store { id: town.make.store_id(), slug, ..plain.clone() };
        town.ports.store.stores.insert(store, None, town.make.bare_audit()).await.unwrap();
    }
    for _ in 0..3 {
        let mut new = town.registration();
        (new.profile.store_name, new.profile.city) = ("शर्मा किराना".to_owned(), "सूरत".to_owned());
        let registered = town.vyapar.stores().register(&town.host, new).await;
        assert!(registered.is_ok(), "{registered:?}");
    }
}

/// A node that does not have the newest key yet gives up no address.
#[tokio::test]
async fn an_address_under_a_key_that_is_not_here_yet_keeps_its_turn() {
    let town = Town::new();
    let (_, customer) = town.customer();
    let (old, new) = (town.node(ring(1)), town.node(ring(2).with_old_key(1, &SecretKey::new([1; 32]))));
    town.map.answers(Err(GeocodeError::TimedOut));
    new.customers().save_address(&customer, None, lane("1 First Lane")).await.unwrap();
    town.map.answers(Ok(Some(at(21.2, 72.8))));
    town.wait(5);
    let run = old.customers().geocode_pending(&town.host, 10).await.unwrap();
    assert_eq!((run.located, run.unknown, run.failed, town.map.calls()), (0, 0, 1, 1));
    town.wait(10);
    assert_eq!(new.customers().geocode_pending(&town.host, 10).await.unwrap().located, 1);
}

/// What one device forgot while another changed it stays forgotten.
#[tokio::test]
async fn an_address_that_is_removed_meanwhile_stays_removed() {
    let town = Town::new();
    let (_, customer) = town.customer();
    let customers = town.vyapar.customers();
    let id = customers.save_address(&customer, None, lane("1 First Lane")).await.unwrap().id;
    let (vyapar, actor) = (town.vyapar.clone(), customer.clone());
    town.map.meanwhile(async move { vyapar.customers().remove_address(&actor, id).await.unwrap() });
    let changed = customers.save_address(&customer, Some(id), lane("2 Second Lane")).await;
    assert!(matches!(changed, Err(CustomerError::NoAddress(no)) if no == id), "{changed:?}");
    assert!(customers.profile(&customer).await.unwrap().addresses.is_empty());
}

/// Who may keep no more addresses costs no question.
#[tokio::test]
async fn an_address_too_many_is_not_asked_for() {
    let town = Town::new();
    let (_, customer) = town.customer();
    let customers = town.vyapar.customers();
    for n in 0..MAX_ADDRESSES {
        customers.save_address(&customer, None, lane(&format!("{n} Long Lane"))).await.unwrap();
    }
    town.map.calls();
    let refused = customers.save_address(&customer, None, lane("One too many")).await;
    assert!(matches!(refused, Err(CustomerError::TooMany { .. })), "{refused:?}");
    assert_eq!(town.map.calls(), 0);
}

/// Erased is erased, whoever had no profile yet included.
#[tokio::test]
async fn an_erased_account_begins_no_profile() {
    let town = Town::new();
    let (full_name, phone) = (text("Asha Patel"), Some("98100 00001".parse().unwrap()));
    let new = NewUser { full_name, email: None, phone, password: None, kind: AccountKind::StoreOwner };
    let user = town.vyapar.identity().create(&town.host, new).await.unwrap().id;
    // (His app asked a moment before.)
    let late = Actor::member(user, []);
    town.vyapar.identity().erase(&town.host, user).await.unwrap();
    let saved = town.vyapar.customers().save_address(&late, None, lane("1 First Lane")).await;
    assert!(matches!(saved, Err(CustomerError::NotFound(_))), "{saved:?}");
    let left = town.ports.customer.customers.get(CustomerId::of(user)).await.unwrap();
    assert!(left.is_none_or(|left| left.addresses.is_empty() && left.user_id.is_none()));
}

// ---- orders -------------------------------------------------------------------------------

/// A shop that delivers nowhere takes no delivery, whether or not the address has a point.

#[tokio::test]
async fn a_shop_that_delivers_nowhere_takes_no_delivery() {
    let town = Town::new();
    let store = town.store(|profile| profile.delivery_radius_km = 0.into()).await.id;
    let (customer, buyer) = town.customer();
    let product = town.product(store).await;
    let orders = town.vyapar.orders();
    let placed = orders.place(&buyer, town.order(store, customer, product, delivery())).await;
    assert!(matches!(placed, Err(OrderError::NoDelivery)), "{placed:?}");
    let check = town.vyapar.stores().check_delivery(&buyer, store, None, None).await.unwrap();
    assert_eq!(check.refusals, [DeliveryRefusal::NoDelivery]);
    orders.place(&buyer, town.order(store, customer, product, Destination::Pickup)).await.unwrap();
}

/// An order keeps the kind of tax it was placed with, wherever its shop moves.

#[tokio::test]
async fn an_order_keeps_its_tax_when_the_shop_moves() {
    let town = Town::new();
    let store = town.store(|_| ()).await;
    let (customer, buyer) = town.customer();
    let product = town.product(store.id).await;
    let orders = town.vyapar.orders();
    let placed = orders.place(&buyer, town.order(store.id, customer, product, delivery())).await.unwrap().order;
    assert!(placed.items[0].tax.cgst > Money::ZERO, "within one state");
    let moved = town.update(&store, |profile| {
        (profile.city, profile.state, profile.pincode) =
            ("Mumbai".to_owned(), "27".parse().unwrap(), "400001".parse().unwrap());
    });
    moved.await.unwrap();
    let reduced = orders.reduce(&buyer, store.id, &placed.id, &[(product, Quantity::units(2))]).await.unwrap();
    let tax = reduced.items[0].tax;
    assert!(tax.igst == Money::ZERO && tax.cgst > Money::ZERO, "{tax:?}");
}
