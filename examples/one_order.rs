//! One order from an empty system to the door: a shop registers, is let in and stocked; a customer
//! orders and pays online; the gateway says so twice; what was not there goes back; the rest arrives.
//!
//! `cargo run --example one_order` needs nothing installed.

use std::error::Error;
use std::sync::Arc;

use vyapar::contact::PersonalText;
use vyapar::inventory::{NewProduct, ProductPrice};
use vyapar::memory::Memory;
use vyapar::order::{Channel, Destination, OrderStatus, PaymentMethod, PlaceLine, PlaceOrder};
use vyapar::payment::SimulatedGateway;
use vyapar::store::{BusinessHours, NewStore, StoreContact, StoreProfile, StoreType};
use vyapar::{
    Actor, CustomerId, Env, KeyRing, Money, OperationId, Quantity, SecretKey, StockUnit, StoreRole, UserId, Vyapar,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    // What a host hands in. Real keys come from where it keeps its secrets.
    let keys = KeyRing::new(1, &SecretKey::new([1; 32]), &SecretKey::new([2; 32]));
    let env = Env::system(Arc::new(keys));
    let gateway = Arc::new(SimulatedGateway::new());
    let vyapar = Vyapar::builder(Memory::new().ports(), env.clone()).gateway(gateway.clone()).build();
    let host = Actor::system("example");

    // This host knows its users itself; `identity()` is for hosts that do not.
    let (asha, ravi) = (UserId::from_uuid(env.uuid()), UserId::from_uuid(env.uuid()));
    let store = vyapar.stores().register(&Actor::member(asha, []), shop()?).await?;
    println!("{} is {}", store.profile.store_name, store.status);
    let store = vyapar.stores().verify(&host, store.id).await?;
    println!("{} is {}", store.profile.store_name, store.status);

    // An actor has the parts that it had when it was made: after registering, make her anew.
    let owner = Actor::member(asha, [(store.id, StoreRole::Owner)]);
    let goods = vyapar.inventory();
    let rice = goods.add_product(&owner, store.id, product("RICE-1", "India Gate Basmati 1 kg", "145", "139")?).await?;
    let salt = goods.add_product(&owner, store.id, product("SALT-1", "Tata Salt 1 kg", "30", "28")?).await?;
    let delivery = OperationId::from_uuid(env.uuid()); // the same id again books nothing twice
    let lines = [(rice.id, Quantity::units(10)), (salt.id, Quantity::units(10))];
    goods.receive(&owner, store.id, delivery, &lines).await?;

    let customer = Actor::member(ravi, []);
    let line = |product_id, pieces| PlaceLine { product_id, quantity: Quantity::units(pieces), notes: None };
    let request = PlaceOrder {
        store_id: store.id,
        idempotency_key: "ravi's phone, basket 1".to_owned(),
        customer_id: CustomerId::of(ravi),
        customer_name: PersonalText::parse("name", "Ravi Verma", 120)?,
        customer_phone: "98765 43210".parse()?,
        destination: Destination::Pickup,
        lines: vec![line(rice.id, 2), line(salt.id, 3)],
        payment_method: PaymentMethod::Upi,
        expected_total: Some("362".parse()?),
        delivery_notes: None,
        customer_note: None,
        channel: Channel::App,
        language: "hi".to_owned(),
    };
    let orders = vyapar.orders();
    let placed = orders.place(&customer, request.clone()).await?;
    let again = orders.place(&customer, request).await?; // his network failed; his app asks again
    println!(
        "{} costs ₹{}; asked again: the same, {}",
        placed.order.order_number, placed.order.totals.total, again.replayed
    );

    // The customer pays; the gateway's webhook comes twice, after a failure that came first.
    let payment = placed.payment.ok_or("an online order begins a payment")?.payment_id;
    let id = &placed.order.id;
    let failed = gateway.fail(payment);
    let captured = gateway.capture(payment);
    for state in [&failed, &captured, &captured] {
        orders.payment_event(&host, store.id, payment, state).await?;
    }
    println!("the order is {}", orders.get(&customer, store.id, id).await?.payment_status);

    // One piece of rice is torn: it does not go along, and its price goes back.
    orders.reduce(&owner, store.id, id, &[(rice.id, Quantity::units(1))]).await?;
    for refund in orders.payments(&customer, store.id, id).await?.iter().flat_map(|payment| &payment.refunds) {
        println!("₹{} goes back: {}", refund.amount, refund.status);
    }
    for to in [OrderStatus::Confirmed, OrderStatus::Preparing, OrderStatus::Ready, OrderStatus::Delivered] {
        orders.advance(&owner, store.id, id, to, None).await?;
    }
    for row in orders.history(&customer, store.id, id).await? {
        println!("{:<10} by the {}", row.entry.status, row.entry.party);
    }

    // A host calls this every few seconds: it finishes what crashes left behind. Nothing here did.
    let done = orders.recover(&host, 100).await?;
    let level = goods.product(&owner, store.id, rice.id).await?.level;
    let verified = goods.verify(&owner, store.id).await?.is_clean();
    println!("left to do: {done:?}; rice on the shelf: {}; stock adds up: {verified}", level.current);
    Ok(())
}

fn shop() -> Outcome<NewStore> {
    Ok(NewStore {
        profile: StoreProfile {
            store_name: "Asha Kirana".to_owned(),
            store_type: StoreType::Grocery,
            address: "12 Ring Road".to_owned(),
            city: "Surat".to_owned(),
            state: "24".parse()?,
            pincode: "395002".parse()?,
            coordinates: None, // a geocoder, if there is one, finds them
            gstin: None,
            business_hours: BusinessHours::always(),
            delivery_radius_km: 5.into(),
            min_order_amount: Money::ZERO,
            delivery_fee: "15".parse()?,
            preparation_minutes: 20,
            accepts_online_payment: true,
        },
        contact: StoreContact {
            owner_name: PersonalText::parse("owner_name", "Asha Patel", 120)?,
            phone: "91234 56789".parse()?,
            email: None,
            whatsapp_number: None,
        },
        owner: None, // whoever registers it
    })
}

fn product(sku: &str, name: &str, mrp: &str, price: &str) -> Outcome<NewProduct> {
    Ok(NewProduct {
        sku: sku.parse()?,
        product_name: name.to_owned(),
        barcode: None,
        generic_product_id: None,
        brand_id: None,
        variant_type: None,
        size: None,
        size_unit: None,
        hsn_code: None,
        tax_rate: "5".parse()?,
        price: ProductPrice::new(mrp.parse()?, price.parse()?)?,
        cost_price: None,
        stock_unit: StockUnit::Piece,
        min_stock_level: None,
        max_stock_level: None,
    })
}
