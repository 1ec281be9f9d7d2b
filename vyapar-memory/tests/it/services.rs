//! The rules of the store, inventory and audit services, over memory.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use vyapar_core::contact::PersonalText;
use vyapar_core::inventory::{
    ChangeKind, Delta, InventoryError, ProductFilter, ProductPrice, ProductStatus, StoreProduct,
};
use vyapar_core::order::{Channel, Destination, OrderError, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar_core::payment::{
    AttemptStatus, Charge, ChargeStarted, ChargeState, GatewayError, LATE_CAPTURE, PaymentGateway, RefundRequest,
    SimulatedGateway,
};
use vyapar_core::store::{NewStore, Store, StoreContact, StoreError, StoreProfile, StoreStatus, UpdateStore};
use vyapar_core::system::{AuditError, AuditFilter, FeedPosition};
use vyapar_core::testing::Fixtures;
use vyapar_core::testing::mocks::{MockOrderQueue, MockPaymentQueue, MockReservationQueue};
use vyapar_core::{
    Actor, CustomerId, PageRequest, PaymentId, Ports, ProductId, Quantity, RepositoryError, RepositoryErrorKind,
    StoreRole, Vyapar,
};
use vyapar_memory::Memory;

struct Town {
    fixtures: Fixtures,
    vyapar: Vyapar,
    platform: Actor,
}

impl Town {
    fn new(fixtures: Fixtures, ports: Ports) -> Self {
        let vyapar = Vyapar::builder(ports, fixtures.env().clone()).build();
        let platform = Actor::platform(fixtures.user_id());
        Self { fixtures, vyapar, platform }
    }

    fn registration(&self) -> NewStore {
        let profile = StoreProfile { gstin: None, state: "24".parse().unwrap(), ..self.fixtures.store().profile };
        let contact = StoreContact {
            owner_name: PersonalText::parse("name", "Asha Patel", 100).unwrap(),
            phone: "98765 43210".parse().unwrap(),
            email: None,
            whatsapp_number: Some("91234 56789".parse().unwrap()),
        };
        NewStore { profile, contact, owner: None }
    }

    async fn shop(&self) -> (Store, Actor) {
        let store = self.vyapar.stores().register(&self.platform, self.registration()).await.unwrap();
        let store = self.vyapar.stores().set_status(&self.platform, store.id, StoreStatus::Active).await.unwrap();
        let owner = Actor::member(self.fixtures.user_id(), [(store.id, StoreRole::Owner)]);
        (store, owner)
    }

    async fn product(&self, store: &Store, owner: &Actor) -> StoreProduct {
        let mut new = self.fixtures.product(store.id).details;
        new.stock_unit = vyapar_core::StockUnit::Piece;
        self.vyapar.inventory().add_product(owner, store.id, new).await.unwrap()
    }
}

/// An order of four of a product, to be fetched and paid for in cash.
fn order_of(store: &Store, customer: CustomerId, product: ProductId) -> PlaceOrder {
    PlaceOrder {
        store_id: store.id,
        idempotency_key: "key".to_owned(),
        customer_id: customer,
        customer_name: PersonalText::parse("name", "Ravi", 100).unwrap(),
        customer_phone: "98765 43210".parse().unwrap(),
        destination: Destination::Pickup,
        lines: vec![PlaceLine { product_id: product, quantity: Quantity::units(4), notes: None }],
        payment_method: PaymentMethod::Cod,
        expected_total: None,
        delivery_notes: None,
        customer_note: None,
        channel: Channel::App,
        language: "hi".to_owned(),
    }
}

#[tokio::test]
async fn a_store_is_registered_let_in_and_closed() {
    let town = Town::new(Fixtures::here(), Memory::new().ports());
    let stores = town.vyapar.stores();
    let (a, owner) = town.shop().await;
    let (b, _) = town.shop().await;
    assert_ne!(a.slug, b.slug, "namesakes");
    assert!(a.verified);
    let contact = stores.contact(&owner, &a).unwrap();
    assert_eq!(contact, town.registration().contact);
    let stranger = Actor::customer(town.fixtures.customer_id(), None);
    assert!(matches!(stores.contact(&stranger, &a), Err(StoreError::NotFound(id)) if id == a.id));
    assert!(matches!(stores.set_status(&owner, a.id, StoreStatus::Suspended).await, Err(StoreError::Forbidden(_))));
    let back = stores.set_status(&owner, a.id, StoreStatus::PendingVerification).await;
    assert!(matches!(back, Err(StoreError::NotAllowed { .. })), "{back:?}");
    stores.set_status(&owner, a.id, StoreStatus::Inactive).await.unwrap();
    assert!(matches!(stores.get(&stranger, a.id).await, Err(StoreError::NotFound(_))), "closed to strangers");
    assert!(stores.find(&stranger, &a.slug).await.unwrap().is_none());
    assert_eq!(stores.get(&owner, a.id).await.unwrap().status, StoreStatus::Inactive);
    let open = stores.list(&stranger, Default::default(), PageRequest::default()).await.unwrap();
    assert_eq!(open.items.iter().map(|store| store.id).collect::<Vec<_>>(), [b.id]);
}

#[tokio::test]
async fn a_registration_that_cannot_be_is_refused() {
    let town = Town::new(Fixtures::here(), Memory::new().ports());
    let changes: [fn(&mut StoreProfile); 6] = [
        |p| p.store_name = "  ".to_owned(),
        |p| p.address = "x".repeat(401),
        |p| p.delivery_radius_km = "500.01".parse().unwrap(),
        |p| p.delivery_fee = "-0.01".parse().unwrap(),
        |p| p.preparation_minutes = 10_081,
        |p| (p.gstin, p.state) = (Some("24AAQCA8719H1ZC".parse().unwrap()), "27".parse().unwrap()),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut new = town.registration();
        change(&mut new.profile);
        assert!(town.vyapar.stores().register(&town.platform, new).await.is_err(), "change {at}");
    }
    let all = town.vyapar.stores().list(&town.platform, Default::default(), PageRequest::default()).await.unwrap();
    assert!(all.items.is_empty());
}

#[tokio::test]
async fn products_are_added_once_and_priced_by_managers() {
    let town = Town::new(Fixtures::here(), Memory::new().ports());
    let (store, owner) = town.shop().await;
    let inventory = town.vyapar.inventory();
    let product = town.product(&store, &owner).await;
    let again = inventory.add_product(&owner, store.id, product.details.clone()).await.unwrap();
    assert_eq!(again, product, "a retry answers the same product");
    let mut other = product.details.clone();
    other.product_name = "Something else".to_owned();
    let taken = inventory.add_product(&owner, store.id, other.clone()).await;
    assert!(matches!(taken, Err(InventoryError::SkuTaken(sku)) if sku == product.details.sku));
    other.sku = "OTHER".parse().unwrap();
    other.barcode = Some("8901725133978".to_owned());
    let refused = inventory.add_product(&owner, store.id, other.clone()).await;
    assert!(matches!(refused, Err(InventoryError::Barcode(_))), "{refused:?}");
    other.barcode = Some(" 8 901725 133979".to_owned());
    let with_barcode = inventory.add_product(&owner, store.id, other.clone()).await.unwrap();
    assert_eq!(with_barcode.details.barcode.as_deref(), Some("8901725133979"));
    let again = inventory.add_product(&owner, store.id, other.clone()).await.unwrap();
    assert_eq!(again, with_barcode, "the blanks do not count");
    other.sku = "IMPORTED".parse().unwrap();
    other.barcode = Some("036000291452".to_owned());
    let imported = inventory.add_product(&owner, store.id, other).await.unwrap();
    for (scanned, product) in [
        ("8901725133979", &with_barcode),
        ("8 901725 133979", &with_barcode),
        ("036000291452", &imported),
        ("0036000291452", &imported),
    ] {
        let filter = ProductFilter { status: None, barcode: Some(scanned.to_owned()) };
        let found = inventory.products(&owner, store.id, filter, PageRequest::default()).await.unwrap().items;
        assert_eq!(found.iter().map(|found| found.product.id).collect::<Vec<_>>(), [product.id], "{scanned}");
    }
    let price = ProductPrice::new("9.00".parse().unwrap(), "8.50".parse().unwrap()).unwrap();
    let staff = Actor::member(town.fixtures.user_id(), [(store.id, StoreRole::Staff)]);
    let refused = inventory.set_price(&staff, store.id, product.id, price).await;
    assert!(matches!(refused, Err(InventoryError::Forbidden(_))), "{refused:?}");
    let priced = inventory.set_price(&owner, store.id, product.id, price).await.unwrap();
    assert_eq!((priced.details.price, priced.version), (price, product.version + 1));
    inventory.set_product_status(&owner, store.id, product.id, ProductStatus::Discontinued).await.unwrap();
    let back = inventory.set_product_status(&owner, store.id, product.id, ProductStatus::Active).await;
    assert!(matches!(back, Err(InventoryError::NotAllowed { .. })), "{back:?}");
}

#[tokio::test]
async fn stock_changes_refuse_what_cannot_be_and_apply_once() {
    let town = Town::new(Fixtures::here(), Memory::new().ports());
    let (store, owner) = town.shop().await;
    let inventory = town.vyapar.inventory();
    let id = town.product(&store, &owner).await.id;
    let five = Quantity::units(5);
    let operation = town.fixtures.operation();
    let first = inventory.receive(&owner, store.id, operation, &[(id, five), (id, five)]).await.unwrap();
    assert_eq!(first.iter().map(|m| m.balance_after).collect::<Vec<_>>(), [Quantity::units(10)], "lines are summed");
    assert_eq!(inventory.receive(&owner, store.id, operation, &[(id, five), (id, five)]).await.unwrap(), first);

    let adjust = async |kind, lines: &[_]| {
        inventory.adjust(&owner, store.id, town.fixtures.operation(), kind, lines, None).await
    };
    let half: Quantity = "0.5".parse().unwrap();
    let unknown = town.fixtures.product_id();
    assert!(matches!(adjust(ChangeKind::Damage, &[]).await, Err(InventoryError::Lines { count: 0, max: 49 })));
    let many: Vec<_> = (0..50).map(|_| (town.fixtures.product_id(), Delta::By(five.inward()))).collect();
    assert!(matches!(adjust(ChangeKind::Purchase, &many).await, Err(InventoryError::Lines { count: 50, max: 49 })));
    let precise = adjust(ChangeKind::Damage, &[(id, Delta::By(half.outward()))]).await;
    assert!(matches!(precise, Err(InventoryError::Quantity { product_id, .. }) if product_id == id));
    let missing = adjust(ChangeKind::Damage, &[(unknown, Delta::By(five.outward()))]).await;
    assert!(matches!(missing, Err(InventoryError::NoProduct(ids)) if ids == [unknown]));
    let short = adjust(ChangeKind::Damage, &[(id, Delta::By(Quantity::units(11).outward()))]).await;
    assert!(matches!(&short, Err(InventoryError::InsufficientStock(l)) if l.len() == 1), "{short:?}");

    let customer = town.fixtures.customer_id();
    let request = order_of(&store, customer, id);
    let placed = town.vyapar.orders().place(&Actor::customer(customer, None), request).await.unwrap();
    let counted = adjust(ChangeKind::Adjustment, &[(id, Delta::Counted(Quantity::units(3)))]).await;
    let Err(InventoryError::CountedBelowReserved(counts)) = counted else { panic!("{counted:?}") };
    assert_eq!(counts.iter().flat_map(|count| &count.orders).collect::<Vec<_>>(), [&placed.order.id]);
    adjust(ChangeKind::Adjustment, &[(id, Delta::Counted(Quantity::units(4)))]).await.unwrap();
    let view = inventory.product(&owner, store.id, id).await.unwrap();
    assert!(view.is_out_of_stock());
    assert_eq!(view.level.reserved, Quantity::units(4));
    assert!(inventory.verify(&owner, store.id).await.unwrap().is_clean());
}

/// What a host keeps for each order on its way, beside what the adapter needs: 9.5 kB. What
/// few orders come to is in boxes of its own.
#[tokio::test]
async fn an_order_on_its_way_is_small() {
    let town = Town::new(Fixtures::here(), Memory::new().ports());
    let (store, owner) = town.shop().await;
    let product = town.product(&store, &owner).await;
    let customer = town.fixtures.customer_id();
    let (orders, actor) = (town.vyapar.orders(), Actor::customer(customer, None));
    let placing = orders.place(&actor, order_of(&store, customer, product.id));
    assert!(size_of_val(&placing) < 12_000, "{} bytes", size_of_val(&placing));
}

#[tokio::test]
async fn the_audit_logs_of_several_adapters_read_as_one() {
    // Stores and products keep their logs apart; all else is in the first.
    let ports = Memory::new().ports();
    let ports = Ports { store: Memory::new().store(), product: Memory::new().product(), ..ports };
    let town = Town::new(Fixtures::here(), ports);
    let (store, owner) = town.shop().await;
    for _ in 0..5 {
        town.product(&store, &owner).await;
    }
    let audit = town.vyapar.audit();
    let mut page = PageRequest::first(2);
    let mut listed = Vec::new();
    loop {
        let got = audit.list(&town.platform, AuditFilter::default(), page).await.unwrap();
        listed.extend(got.items);
        match got.next {
            Some(next) => page = PageRequest::first(2).after(next),
            None => break,
        }
    }
    let actions: Vec<_> = listed.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "product.add").count(), 5);
    assert_eq!(actions.len(), 7, "{actions:?}");
    assert!(listed.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");

    let (mut position, mut fed) = (FeedPosition::default(), Vec::new());
    for _ in 0..4 {
        let part = audit.feed(&town.platform, position, 2).await.unwrap();
        fed.extend(part.entries.into_iter().map(|entry| entry.id));
        position = part.next;
    }
    assert_eq!(fed.len(), 7);
    assert_eq!(fed.into_iter().collect::<BTreeSet<_>>(), listed.iter().map(|entry| entry.id).collect());

    let whole = audit.list(&owner, AuditFilter::default(), PageRequest::default()).await;
    assert!(matches!(whole, Err(AuditError::Forbidden)));
    let own = AuditFilter { store_id: Some(store.id), ..AuditFilter::default() };
    assert_eq!(audit.list(&owner, own, PageRequest::default()).await.unwrap().items.len(), 7);
    assert!(matches!(audit.feed(&owner, FeedPosition::default(), 5).await, Err(AuditError::Forbidden)));
}

/// Three lists, of which any may be another adapter's: one that cannot be read stops no other.
#[tokio::test]
async fn recovery_works_on_what_can_be_reached() {
    let mut ports = Memory::new().ports();
    let (mut stock, mut order, mut payment) =
        (MockReservationQueue::new(), MockOrderQueue::new(), MockPaymentQueue::new());
    let away = || RepositoryError::new(RepositoryErrorKind::Unavailable, "a test");
    stock.expect_due().times(2).returning(move |_, _, _| Err(away()));
    order.expect_due().times(2).returning(move |_, _, _| Err(away()));
    payment.expect_due().times(2).returning(|_, _, _| Ok(Vec::new()));
    (ports.stock.queue, ports.order.queue, ports.payment.queue) = (Arc::new(stock), Arc::new(order), Arc::new(payment));
    let town = Town::new(Fixtures::here(), ports);
    for _ in 0..2 {
        let answer = town.vyapar.orders().recover(&town.platform, 10).await;
        assert!(matches!(answer, Err(OrderError::Storage(_))), "{answer:?}");
    }
}

/// A gateway that, while it makes a refund, lets another node ask for the same one and be refused.
struct Overtaken {
    fixtures: Fixtures,
    gateway: Arc<SimulatedGateway>,
    other: Mutex<Option<(Vyapar, Actor)>>,
}

#[async_trait]
impl PaymentGateway for Overtaken {
    async fn charge(&self, charge: Charge) -> Result<ChargeStarted, GatewayError> {
        self.gateway.charge(charge).await
    }

    async fn state(&self, payment: PaymentId) -> Result<ChargeState, GatewayError> {
        self.gateway.state(payment).await
    }

    async fn refund(&self, request: RefundRequest) -> Result<(), GatewayError> {
        self.gateway.refund(request).await?;
        let other = self.other.lock().unwrap().take();
        if let Some((vyapar, platform)) = other {
            self.fixtures.clock().advance(LATE_CAPTURE);
            self.gateway.set_refusing(true);
            vyapar.orders().recover(&platform, 10).await.unwrap();
            self.gateway.set_refusing(false);
        }
        Ok(())
    }
}

/// What the gateway made is made, also where another node has stored by then that it refused: or a
/// person would give the money back a second time.
#[tokio::test]
async fn a_refund_that_was_made_is_not_called_refused() {
    let fixtures = Fixtures::here();
    let ports = Memory::new().ports();
    let gateway = Arc::new(SimulatedGateway::new());
    let library = |gateway: Arc<dyn PaymentGateway>| {
        Vyapar::builder(ports.clone(), fixtures.env().clone()).gateway(gateway).build()
    };
    let overtaken =
        Arc::new(Overtaken { fixtures: fixtures.clone(), gateway: gateway.clone(), other: Mutex::new(None) });
    let (vyapar, other) = (library(overtaken.clone()), library(gateway.clone()));
    let town =
        Town { fixtures: fixtures.clone(), vyapar: vyapar.clone(), platform: Actor::platform(fixtures.user_id()) };
    let (store, owner) = town.shop().await;
    let profile = StoreProfile { accepts_online_payment: true, ..store.profile.clone() };
    let update = UpdateStore { version: store.version, profile, contact: None };
    let store = vyapar.stores().update(&owner, store.id, update).await.unwrap();
    let product = town.product(&store, &owner).await;
    let lines = [(product.id, Quantity::units(5))];
    vyapar.inventory().receive(&owner, store.id, fixtures.operation(), &lines).await.unwrap();
    let customer = Actor::customer(fixtures.customer_id(), None);
    let of = order_of(&store, customer.as_customer().unwrap(), product.id);
    let request = PlaceOrder { payment_method: PaymentMethod::Upi, ..of };
    let placed = vyapar.orders().place(&customer, request).await.unwrap();
    let payment = placed.payment.unwrap().payment_id;
    let captured = gateway.capture(payment);
    let host = Actor::system("test");
    vyapar.orders().payment_event(&host, store.id, payment, &captured).await.unwrap();
    *overtaken.other.lock().unwrap() = Some((other, town.platform.clone()));
    gateway.set_refusing(true);
    vyapar.orders().cancel(&customer, store.id, &placed.order.id, None).await.unwrap();
    gateway.set_refusing(false);
    let after = vyapar.orders().retry_refunds(&owner, store.id, payment).await.unwrap();
    assert!(overtaken.other.lock().unwrap().is_none(), "the other node had its turn");
    assert_eq!((after.status, after.failures), (AttemptStatus::Refunded, 0), "{after:#?}");
    assert!(vyapar.orders().stuck(&town.platform, 10).await.unwrap().is_empty());
}
