//! What an order has to do with its store's hours and its customer's profile.

use chrono::TimeDelta;

use super::market::Market;
use crate::customer::{AddressType, Customer, CustomerTotals, NewAddress};
use crate::geo::{Bearing, Coordinates, Radius};
use crate::id::AddressId;
use crate::order::{Destination, OrderError, OrderStatus, PlaceOrder};
use crate::store::{BusinessHours, DayHours, UpdateStore};
use crate::testing::conformance::support::at_once;
use crate::testing::{Bench, Fixtures};
use crate::time::{Timestamp, ist_midnight};

fn address(line1: &str, at: Coordinates) -> NewAddress {
    let text = |text: &str| crate::contact::PersonalText::parse("text", text, 200).unwrap();
    NewAddress {
        address_type: AddressType::Home,
        line1: text(line1),
        line2: None,
        landmark: Some(text("behind the temple")),
        city: "Panaji".to_owned(),
        state: "30".parse().unwrap(),
        pincode: "403001".parse().unwrap(),
        coordinates: Some(at),
        make_default: false,
    }
}

pub(super) async fn change(market: &Market, change: impl FnOnce(&mut crate::store::StoreProfile)) {
    let store = market.calm.stores().get(&market.owner, market.store).await.unwrap();
    let mut profile = store.profile;
    change(&mut profile);
    let update = UpdateStore { version: store.version, profile, contact: None };
    market.calm.stores().update(&market.owner, market.store, update).await.unwrap();
}

/// An order may name a saved address: of the customer's own, within reach, as it stands then.
pub async fn a_saved_address_is_where_the_goods_go(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (customers, orders) = (market.calm.customers(), market.vyapar.orders());
    let shop = Coordinates::new(15.5, 73.8).unwrap();
    change(&market, |profile| profile.coordinates = Some(shop)).await;
    let away = |km| shop.destination(Bearing::from_degrees(80.0).unwrap(), Radius::from_km(km).unwrap());
    let near = customers.save_address(&market.buyer, None, address("2 Church Road", away(4.9))).await.unwrap();
    let far = customers.save_address(&market.buyer, None, address("9 Beach Road", away(5.1))).await.unwrap();
    let to = |key: &str, id| PlaceOrder { destination: Destination::Saved(id), ..market.cod(key) };

    let placed = orders.place(&market.buyer, to("key", near.id)).await.unwrap();
    let contact = orders.contact(&market.owner, &placed.order).unwrap();
    assert_eq!(contact.delivery_address, Some(near.address.clone()));
    assert_eq!(placed.order.place_of_supply.as_str(), "30", "the address's state");
    let too_far = orders.place(&market.buyer, to("far", far.id)).await;
    assert!(matches!(too_far, Err(OrderError::TooFar { distance_km, .. }) if distance_km > 5.0), "{too_far:?}");
    // Another's address, and one that is not there.
    let foreign = Customer { addresses: vec![market.fixtures.address()], ..market.fixtures.customer() };
    let theirs = foreign.addresses[0].id;
    market.ports.customer.customers.insert(foreign, market.fixtures.bare_audit()).await.unwrap();
    for id in [theirs, AddressId::from_uuid(market.fixtures.uuid())] {
        let refused = orders.place(&market.buyer, to("foreign", id)).await;
        assert!(matches!(refused, Err(OrderError::NoAddress(no)) if no == id), "{refused:?}");
    }
    // The same request is the same order, whatever became of the address since.
    customers.remove_address(&market.buyer, near.id).await.unwrap();
    let again = orders.place(&market.buyer, to("key", near.id)).await.unwrap();
    assert_eq!((again.replayed, &again.order.id), (true, &placed.order.id));
    let other = orders.place(&market.buyer, to("key", far.id)).await;
    assert!(matches!(other, Err(OrderError::KeyReused)), "{other:?}");
    let gone = orders.place(&market.buyer, to("gone", near.id)).await;
    assert!(matches!(gone, Err(OrderError::NoAddress(_))), "{gone:?}");
    market.check().await;
}

/// Outside its hours a store takes no orders, for pickup neither, and says when it opens; what
/// was ordered before goes on, and is answered again.
pub async fn a_closed_store_takes_no_orders(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let orders = market.vyapar.orders();
    let nine_to_nine: DayHours = "09:00-21:00".parse().unwrap();
    change(&market, |profile| profile.business_hours = BusinessHours::daily(&nine_to_nine)).await;
    let day = crate::time::ist_date(market.fixtures.now()).succ_opt().unwrap();
    let at = |minutes| -> Timestamp { ist_midnight(day) + TimeDelta::minutes(minutes) };
    market.fixtures.clock().set(at(21 * 60) - TimeDelta::microseconds(1));
    let placed = orders.place(&market.buyer, market.cod("key")).await.unwrap().order;
    market.fixtures.clock().set(at(21 * 60));
    for destination in [market.cod("late").destination, Destination::Pickup] {
        let refused = orders.place(&market.buyer, PlaceOrder { destination, ..market.cod("late") }).await;
        let opens = Some(at(33 * 60));
        assert!(matches!(refused, Err(OrderError::StoreClosed { opens_at }) if opens_at == opens), "{refused:?}");
    }
    assert!(orders.place(&market.buyer, market.cod("key")).await.unwrap().replayed);
    orders.advance(&market.owner, market.store, &placed.id, OrderStatus::Confirmed, None).await.unwrap();
    market.fixtures.clock().set(at(33 * 60));
    orders.place(&market.buyer, market.cod("late")).await.unwrap();
    market.settle().await;
    market.check().await;
}

/// Of goods, before the fee; what is fetched may cost less.
pub async fn a_delivery_has_a_smallest_amount(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let orders = market.vyapar.orders();
    // ₹40 of goods and ₹15 of delivery.
    change(&market, |profile| profile.min_order_amount = "40.01".parse().unwrap()).await;
    let small = orders.place(&market.buyer, market.cod("small")).await.unwrap_err();
    assert_eq!(small.to_string(), "₹40.00 is below the store's smallest order of ₹40.01");
    let fetched = PlaceOrder { destination: Destination::Pickup, ..market.cod("fetched") };
    orders.place(&market.buyer, fetched).await.unwrap();
    change(&market, |profile| profile.min_order_amount = "40".parse().unwrap()).await;
    orders.place(&market.buyer, market.cod("small")).await.unwrap();
    market.check().await;
}

/// Whoever orders first has a profile afterwards, also where staff ordered for him; a profile
/// that cannot be begun costs no order.
pub async fn a_first_order_begins_a_profile(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let profile = || market.ports.customer.customers.get(market.customer);
    market.faults.plan(|call| (call.name == "customers.insert").then_some(crate::testing::faults::Fault::Fail));
    market.vyapar.orders().place(&market.buyer, market.cod("first")).await.unwrap();
    assert_eq!(profile().await.unwrap(), None);
    market.faults.none();
    market.vyapar.orders().place(&market.owner, market.cod("second")).await.unwrap();
    let begun = profile().await.unwrap().unwrap();
    assert_eq!((begun.user_id, begun.totals), (None, CustomerTotals::ZERO), "staff are not the customer");
    // Delivering one begins a profile too, where there is none yet.
    let other = Market::open(bench, &market.fixtures).await;
    other.faults.plan(|call| (call.name == "customers.insert").then_some(crate::testing::faults::Fault::Fail));
    let order = other.vyapar.orders().place(&other.buyer, other.cod("first")).await.unwrap().order;
    other.faults.none();
    deliver(&other, &order.id).await;
    other.settle().await;
    other.check().await;
}

async fn deliver(market: &Market, order: &crate::OrderId) {
    use OrderStatus::{Confirmed, Delivered, OutForDelivery, Preparing, Ready};
    for to in [Confirmed, Preparing, Ready, OutForDelivery, Delivered] {
        market.calm.orders().advance(&market.owner, market.store, order, to, None).await.unwrap();
    }
}

/// Each delivered order counts once for its store and its customer, with the points of its own
/// total, however many deliver it at the same time.
pub async fn a_delivered_order_adds_up_once(bench: &Bench) {
    use OrderStatus::{Confirmed, Delivered, OutForDelivery, Preparing, Ready};
    let market = Market::open(bench, &Fixtures::here()).await;
    let orders = market.calm.orders();
    for key in ["one", "two", "called off"] {
        // Three at ₹20, one at ₹30, two at ₹10 and the delivery at ₹15: ₹125, one point.
        let basket = market.request(key, crate::order::PaymentMethod::Cod, &[(1, 3), (2, 1), (0, 2)]);
        let placed = orders.place(&market.buyer, basket).await.unwrap().order;
        assert_eq!(placed.totals.total.to_string(), "125.00");
        if key == "called off" {
            orders.cancel(&market.buyer, market.store, &placed.id, None).await.unwrap();
            continue;
        }
        for to in [Confirmed, Preparing, Ready, OutForDelivery] {
            orders.advance(&market.owner, market.store, &placed.id, to, None).await.unwrap();
        }
        let tasks = (0..8).map(|_| {
            let (vyapar, owner, store, id) =
                (market.calm.clone(), market.owner.clone(), market.store, placed.id.clone());
            async move { vyapar.orders().advance(&owner, store, &id, Delivered, None).await }
        });
        for answer in at_once(tasks).await {
            assert!(matches!(answer, Ok(_) | Err(OrderError::Concurrent)), "{answer:?}");
        }
    }
    market.settle().await;
    market.check().await;
    let customer = market.ports.customer.customers.get(market.customer).await.unwrap().unwrap();
    let totals = customer.totals;
    assert_eq!(
        (totals.loyalty_points, totals.total_orders, totals.total_spent.to_string()),
        (2, 2, "250.00".to_owned())
    );
}
