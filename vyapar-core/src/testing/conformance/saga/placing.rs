//! Placing orders.

use chrono::TimeDelta;

use super::market::{Market, STOCK};
use crate::access::{Capabilities, Capability, CapabilityChanges, Effective};
use crate::actor::{Actor, Membership, StoreRole};
use crate::id::ProductId;
use crate::inventory::{
    InventoryError, MAX_LINES, ProductDetails, ProductPrice, ProductStatus, StockState, UpdateProduct,
};
use crate::money::Money;
use crate::order::{
    Destination, OrderError, OrderFilter, OrderStatus, PaymentMethod, PaymentStatus, PlaceLine, PlaceOrder,
};
use crate::page::PageRequest;
use crate::quantity::{Quantity, QuantityError, StockUnit};
use crate::store::StoreStatus;
use crate::system::AuditFilter;
use crate::testing::conformance::support::{all_pages, at_once, eventually};
use crate::testing::{Bench, Fixtures};

/// Items, amounts, tax, history, contact, stock: all of it is there.
pub async fn an_order_is_placed_whole(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let request = market.cod("key");
    let placed = market.vyapar.orders().place(&market.buyer, request.clone()).await.unwrap();
    assert!(!placed.replayed && placed.payment.is_none());
    let order = market.vyapar.orders().get(&market.buyer, market.store, &placed.order.id).await.unwrap();
    assert_eq!(order, placed.order, "what is answered is what is stored");
    assert_eq!((order.status, order.payment_status), (OrderStatus::Placed, PaymentStatus::Pending));
    let items: Vec<_> = order.items.iter().map(|i| (i.product_id, i.quantity, i.total_amount.to_string())).collect();
    let (a, b) = (market.products[0], market.products[1]);
    let expected = [(a, Quantity::units(2), "20.00".to_owned()), (b, Quantity::units(1), "20.00".to_owned())];
    assert_eq!(items, expected);
    let totals = order.totals;
    let amounts = [totals.subtotal, totals.tax, totals.delivery_fee, totals.total].map(|m| m.to_string());
    // 5 % in 20.00 within one state: 0.48 + 0.48, twice.
    assert_eq!(amounts, ["40.00", "1.92", "15.00", "55.00"]);
    assert_eq!(order.order_number, order.id.number());
    let contact = market.vyapar.orders().contact(&market.owner, &order).unwrap();
    assert_eq!((contact.customer_name, contact.customer_phone), (request.customer_name, request.customer_phone));
    assert_eq!(contact.delivery_address.map(Destination::Delivery), Some(request.destination));
    assert_eq!(contact.delivery_notes, request.delivery_notes);
    let history = market.vyapar.orders().history(&market.buyer, market.store, &order.id).await.unwrap();
    assert_eq!(history.iter().map(|row| row.entry.status).collect::<Vec<_>>(), [OrderStatus::Placed]);
    let free = market.free().await;
    assert_eq!(free, [Quantity::units(STOCK - 2), Quantity::units(STOCK - 1), Quantity::units(STOCK)]);
    market.check().await;
}

/// One key, one order: at once, later, and after everything it held is committed.
pub async fn the_same_request_is_the_same_order(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let first = market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap();
    market.fixtures.clock().advance(TimeDelta::days(2));
    let mut request = market.cod("key");
    request.lines.reverse();
    let again = market.vyapar.orders().place(&market.buyer, request).await.unwrap();
    assert!(again.replayed, "the order of lines counts for nothing");
    assert_eq!(again.order, first.order);
    let other = market.vyapar.orders().place(&market.buyer, market.cod("another key")).await.unwrap();
    assert_ne!(other.order.id, first.order.id);
    market.settle().await;
    market.check().await;
}

/// Same key, another body: each difference alone is refused.
pub async fn a_key_used_for_another_request_is_refused(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap();
    let changes: [fn(&mut PlaceOrder); 8] = [
        |r| r.lines[0].quantity = Quantity::units(3),
        |r| drop(r.lines.pop()),
        |r| r.lines[1].notes = Some("ripe ones".to_owned()),
        |r| r.destination = Destination::Pickup,
        |r| r.payment_method = PaymentMethod::Upi,
        |r| r.delivery_notes = None,
        |r| r.customer_note = r.delivery_notes.clone(),
        |r| r.customer_phone = "9876543211".parse().unwrap(),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut request = market.cod("key");
        change(&mut request);
        let answer = market.vyapar.orders().place(&market.buyer, request).await;
        assert!(matches!(answer, Err(OrderError::KeyReused)), "change {at}: {answer:?}");
    }
    assert_eq!(market.orders().await.len(), 1);
    market.check().await;
}

/// The same product in two lines counts once, with the sum.
pub async fn lines_of_one_product_are_summed(bench: &Bench) {
    let market = Market::with_stock(bench, &Fixtures::here(), 3).await;
    let twice = market.request("key", PaymentMethod::Cod, &[(0, 2), (1, 1), (0, 2)]);
    let error = market.vyapar.orders().place(&market.buyer, twice).await.unwrap_err();
    let OrderError::InsufficientStock(short) = error else { panic!("{error:?}") };
    let told: Vec<_> = short.iter().map(|s| (s.product_id, s.requested, s.available)).collect();
    assert_eq!(told, [(market.products[0], Quantity::units(4), Quantity::units(3))]);
    let fits = market.request("key", PaymentMethod::Cod, &[(0, 1), (1, 1), (0, 2)]);
    let order = market.vyapar.orders().place(&market.buyer, fits).await.unwrap().order;
    assert_eq!(order.items.len(), 2);
    assert_eq!(order.items[0].quantity, Quantity::units(3));
    market.check().await;
}

/// Whatever is wrong with a request is told with the values, before anything is written.
pub async fn refusals_write_nothing(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let elsewhere = Market::open(bench, &market.fixtures).await;
    let inactive = market.products[2];
    let owner = &market.owner;
    market.calm.inventory().set_product_status(owner, market.store, inactive, ProductStatus::Inactive).await.unwrap();
    let unknown = market.fixtures.product_id();
    let refused = async |change: &dyn Fn(&mut PlaceOrder)| {
        let mut request = market.cod("key");
        change(&mut request);
        market.vyapar.orders().place(&market.buyer, request).await.unwrap_err()
    };
    let line = |product_id: ProductId, quantity: &str| PlaceLine {
        product_id,
        quantity: quantity.parse().unwrap(),
        notes: None,
    };
    let good = market.products[0];

    assert!(matches!(refused(&|r| r.lines.clear()).await, OrderError::EmptyBasket));
    let zero = refused(&|r| r.lines.push(line(good, "0"))).await;
    assert!(
        matches!(zero, OrderError::Quantity { product_id, source: QuantityError::NotPositive(_) } if product_id == good)
    );
    let half = refused(&|r| r.lines.push(line(good, "0.5"))).await;
    assert_eq!(half.to_string(), format!("product `{good}`: `2.5` has more than 0 decimals, the precision of `piece`"));
    for foreign in [unknown, elsewhere.products[0], inactive] {
        let error = refused(&|r| r.lines.push(line(foreign, "1"))).await;
        assert!(matches!(&error, OrderError::UnknownProducts(ids) if ids == &[foreign]), "{error:?}");
    }
    let many = refused(&|r| {
        r.lines = (0..=MAX_LINES).map(|_| line(market.fixtures.product_id(), "1")).collect();
    })
    .await;
    assert!(matches!(many, OrderError::TooManyLines { count: 50, max: 49 }), "{many:?}");
    let huge = refused(&|r| r.lines = vec![line(good, "999999999")]).await;
    assert!(matches!(huge, OrderError::InsufficientStock(_)), "{huge:?}");
    let sum = refused(&|r| r.lines = vec![line(good, "999999999"), line(good, "1")]).await;
    assert!(matches!(sum, OrderError::Quantity { source: QuantityError::Overflow, .. }), "{sum:?}");
    let keys = ["".to_owned(), "k".repeat(129)];
    for key in keys {
        let error = refused(&|r| r.idempotency_key = key.clone()).await;
        assert!(matches!(error, OrderError::Text { field: "idempotency_key", .. }), "{error:?}");
    }
    for language in ["h\0", "not a language!", ""] {
        let error = refused(&|r| r.language = language.to_owned()).await;
        assert!(matches!(error, OrderError::Language(_)), "{error:?}");
    }
    let price = refused(&|r| r.expected_total = Some("54.99".parse().unwrap())).await;
    assert_eq!(price.to_string(), "the total is ₹55.00, not ₹54.99");
    let store = market.fixtures.store_id();
    let error =
        market.vyapar.orders().place(&Market::host(), PlaceOrder { store_id: store, ..market.cod("key") }).await;
    assert!(matches!(error, Err(OrderError::NoStore(id)) if id == store));
    let stranger = Actor::customer(market.fixtures.customer_id(), None);
    let error = market.vyapar.orders().place(&stranger, market.cod("key")).await;
    assert!(matches!(error, Err(OrderError::Forbidden(_))));

    assert!(market.orders().await.is_empty());
    for name in market.faults.calls() {
        let reads = ["stores.get", "products.get_many", "reservations.find", "reservations.reserve", "at_once.place"];
        assert!(reads.contains(&name), "a refusal called {name}");
    }
    market.check().await;

    // A store that is not selling refuses everything; what was placed before goes on.
    let before = market.vyapar.orders().place(&market.buyer, market.cod("before")).await.unwrap();
    market.calm.stores().set_status(&Market::host(), market.store, StoreStatus::Inactive).await.unwrap();
    let closed = refused(&|_| ()).await;
    assert!(matches!(closed, OrderError::StoreNotActive(StoreStatus::Inactive)), "{closed:?}");
    let id = &before.order.id;
    market.vyapar.orders().advance(owner, market.store, id, OrderStatus::Confirmed, None).await.unwrap();
}

/// Every short line at once, with its name and numbers; the other lines are not touched.
pub async fn all_short_lines_are_told(bench: &Bench) {
    let market = Market::with_stock(bench, &Fixtures::here(), 2).await;
    let request = market.request("key", PaymentMethod::Cod, &[(0, 3), (1, 2), (2, 9)]);
    let error = market.vyapar.orders().place(&market.buyer, request).await.unwrap_err();
    let OrderError::InsufficientStock(short) = &error else { panic!("{error:?}") };
    let mut told: Vec<_> = short.iter().map(|s| (s.product_id, s.requested, s.available)).collect();
    told.sort();
    let two = Quantity::units(2);
    let mut expected =
        vec![(market.products[0], Quantity::units(3), two), (market.products[2], Quantity::units(9), two)];
    expected.sort();
    assert_eq!(told, expected);
    assert!(error.to_string().contains("requested, 2 available"), "{error}");
    // Not remembered: with stock, the same key works.
    let fits = market.request("key", PaymentMethod::Cod, &[(0, 2)]);
    market.vyapar.orders().place(&market.buyer, fits).await.unwrap();
    market.check().await;
}

/// 32 calls at once, one unit: one order, and every call is told so.
pub async fn thirty_two_calls_of_one_key_with_one_unit_left_place_one_order(bench: &Bench) {
    let market = Market::with_stock(bench, &Fixtures::here(), 1).await;
    let calls = (0..32).map(|_| {
        let (vyapar, buyer) = (market.vyapar.clone(), market.buyer.clone());
        let request = market.request("key", PaymentMethod::Cod, &[(0, 1)]);
        async move {
            for _ in 0..200 {
                match vyapar.orders().place(&buyer, request.clone()).await {
                    Err(OrderError::InProgress) => tokio::task::yield_now().await,
                    other => return other.unwrap(),
                }
            }
            panic!("in progress for ever");
        }
    });
    let placed = at_once(calls).await;
    assert!(placed.iter().all(|p| p.order.id == placed[0].order.id), "two orders");
    assert!(placed.iter().filter(|p| !p.replayed).count() <= 1);
    assert_eq!(market.orders().await.len(), 1);
    market.settle().await;
    market.check().await;
    assert_eq!(market.free().await[0], Quantity::ZERO);
}

/// 64 customers, one unit: one order, 63 are told that there is no stock, nothing else.
pub async fn sixty_four_buyers_and_one_unit(bench: &Bench) {
    let market = Market::with_stock(bench, &Fixtures::here(), 1).await;
    let buyers = (0..64).map(|_| {
        let vyapar = market.vyapar.clone();
        let customer = market.fixtures.customer_id();
        let request =
            PlaceOrder { customer_id: customer, ..market.request("k", PaymentMethod::Cod, &[(0, 1), (1, 1)]) };
        async move { vyapar.orders().place(&Actor::customer(customer, None), request).await }
    });
    let mut won = 0;
    for answer in at_once(buyers).await {
        match answer {
            Ok(placed) => {
                assert_eq!(placed.order.status, OrderStatus::Placed);
                won += 1;
            }
            Err(OrderError::InsufficientStock(short)) => assert_eq!(short.len(), 2),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    market.check().await;
}

/// A hold that ran out is the next buyer's, without any sweep; its own caller is told.
pub async fn an_expired_hold_goes_to_the_next_buyer(bench: &Bench) {
    let market = Market::with_stock(bench, &Fixtures::here(), 1).await;
    let request = market.request("key", PaymentMethod::Upi, &[(0, 1)]);
    let unpaid = market.vyapar.orders().place(&market.buyer, request).await.unwrap().order;
    let other = market.request("other", PaymentMethod::Cod, &[(0, 1)]);
    let error = market.vyapar.orders().place(&market.buyer, other.clone()).await.unwrap_err();
    assert!(matches!(error, OrderError::InsufficientStock(_)), "{error:?}");
    market.fixtures.clock().advance(TimeDelta::minutes(16));
    let second = market.vyapar.orders().place(&market.buyer, other).await.unwrap().order;
    assert_eq!(second.status, OrderStatus::Placed);
    market.settle().await;
    market.check().await;
    let first = market.calm.orders().get(&market.buyer, market.store, &unpaid.id).await.unwrap();
    assert_eq!(first.status, OrderStatus::Cancelled);
}

/// An order is there for its customer and its store, for nobody else.
pub async fn foreign_orders_are_absent(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let elsewhere = Market::open(bench, &market.fixtures).await;
    let order = market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap().order;
    let orders = market.vyapar.orders();
    let colleague = Actor::member(market.fixtures.user_id(), [(market.store, StoreRole::Staff)]);
    for allowed in [&market.buyer, &market.owner, &colleague, &Market::host()] {
        assert_eq!(orders.get(allowed, market.store, &order.id).await.unwrap(), order);
    }
    for stranger in [&elsewhere.buyer, &elsewhere.owner] {
        let absent = |answer: Result<_, OrderError>| matches!(answer, Err(OrderError::NotFound(id)) if id == order.id);
        assert!(absent(orders.get(stranger, market.store, &order.id).await.map(drop)));
        assert!(absent(orders.history(stranger, market.store, &order.id).await.map(drop)));
        assert!(absent(orders.cancel(stranger, market.store, &order.id, None).await.map(drop)));
        assert!(absent(orders.reduce(stranger, market.store, &order.id, &[]).await.map(drop)));
        assert!(absent(orders.pay(stranger, market.store, &order.id).await.map(drop)));
        assert!(absent(orders.contact(stranger, &order).map(drop)));
        assert!(orders.track(stranger, &order.tracking_id).await.unwrap().is_none());
    }
    // Through another store even the rightful owner of that store finds nothing.
    let wrong = orders.get(&elsewhere.owner, elsewhere.store, &order.id).await;
    assert!(matches!(wrong, Err(OrderError::NotFound(_))));
    let list = orders.list(&elsewhere.owner, market.store, OrderFilter::default(), PageRequest::default()).await;
    assert!(matches!(list, Err(OrderError::NoStore(_))));
}

/// The three ways to an order.
pub async fn orders_are_found_by_store_customer_and_tracking_id(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let elsewhere = Market::open(bench, &market.fixtures).await;
    let mut ids = Vec::new();
    for (at, shop) in [&market, &elsewhere, &market].into_iter().enumerate() {
        let request = PlaceOrder { customer_id: market.customer, ..shop.cod(&at.to_string()) };
        market.fixtures.clock().advance(TimeDelta::seconds(1));
        ids.push(market.vyapar.orders().place(&market.buyer, request).await.unwrap().order);
    }
    let (orders, buyer) = (market.vyapar.orders(), &market.buyer);
    let newest_first: Vec<_> = ids.iter().rev().map(|order| order.id.clone()).collect();
    eventually(newest_first, || async {
        let mine = all_pages(2, |page| async move { orders.mine(buyer, page).await.map_err(storage) }).await?;
        Ok(mine.into_iter().map(|order| order.id).collect::<Vec<_>>())
    })
    .await;
    let of_store = [ids[2].id.clone(), ids[0].id.clone()].to_vec();
    eventually(of_store, || async {
        let filter = OrderFilter { status: Some(OrderStatus::Placed) };
        let page = orders.list(&market.owner, market.store, filter, PageRequest::default()).await.map_err(storage)?;
        Ok(page.items.into_iter().map(|order| order.id).collect::<Vec<_>>())
    })
    .await;
    let found = orders.track(&market.buyer, &ids[1].tracking_id).await.unwrap();
    assert_eq!(found.map(|order| order.id), Some(ids[1].id.clone()));
    assert_eq!(Money::sum(ids.iter().map(|order| order.totals.total)).unwrap().to_string(), "165.00");
}

fn storage(error: OrderError) -> crate::RepositoryError {
    match error {
        OrderError::Storage(error) => error,
        other => panic!("{other:?}"),
    }
}

/// A price, a product's status and a store's, changed on another node: the next order is by what
/// stands now, whatever this node read for the last one; and what is for sale again is sold.
pub async fn what_another_node_changed_counts_for_the_next_order(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (orders, elsewhere) = (market.vyapar.orders(), &market.calm);
    let subtotal = async |key: &str| {
        let placed = orders.place(&market.buyer, market.cod(key)).await;
        placed.map(|placed| placed.order.totals.subtotal.to_string())
    };
    assert_eq!(subtotal("first").await.unwrap(), "40.00");
    market.reprice(0, "12").await;
    let mut request = market.cod("expected");
    request.expected_total = Some("55".parse().unwrap());
    let refused = orders.place(&market.buyer, request).await.unwrap_err();
    assert!(matches!(refused, OrderError::PriceChanged { .. }), "{refused:?}");
    assert_eq!(subtotal("second").await.unwrap(), "44.00");
    market.reprice(0, "13").await;
    assert_eq!(subtotal("third").await.unwrap(), "46.00");

    let (product, owner) = (market.products[1], &market.owner);
    let set = async |status| {
        elsewhere.inventory().set_product_status(owner, market.store, product, status).await.unwrap();
    };
    set(ProductStatus::Inactive).await;
    let refused = subtotal("inactive").await.unwrap_err();
    assert!(matches!(&refused, OrderError::UnknownProducts(ids) if ids == &[product]), "{refused:?}");
    set(ProductStatus::Active).await;
    assert_eq!(subtotal("active").await.unwrap(), "46.00");

    elsewhere.stores().set_status(&Market::host(), market.store, StoreStatus::Inactive).await.unwrap();
    let refused = subtotal("closed").await.unwrap_err();
    assert!(matches!(refused, OrderError::StoreNotActive(StoreStatus::Inactive)), "{refused:?}");
    elsewhere.stores().set_status(&Market::host(), market.store, StoreStatus::Active).await.unwrap();
    assert_eq!(subtotal("open").await.unwrap(), "46.00");
    market.settle().await;
    market.check().await;
}

/// Another rate of GST is one edit away, for orders from then on; what was read must still stand, and
/// who may not set prices does not set them this way.
pub async fn an_edited_product_counts_for_the_next_order(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let (goods, orders, id) = (market.vyapar.inventory(), market.vyapar.orders(), market.products[0]);
    let read = async || goods.product(&market.owner, market.store, id).await.unwrap().product;
    let edit =
        |version, details| goods.update_product(&market.owner, market.store, id, UpdateProduct { version, details });
    let request = |key| market.request(key, PaymentMethod::Cod, &[(0, 1)]);
    let before = orders.place(&market.buyer, request("before")).await.unwrap().order;
    let first = read().await;
    let mut details = first.details.clone();
    details.tax_rate = "18".parse().unwrap();
    details.product_name = "Tata Salt, 1 kg".to_owned();
    let edited = edit(first.version, details.clone()).await.unwrap();
    assert_eq!((edited.version, &edited.details), (first.version + 1, &details));
    assert_eq!(edit(first.version, details.clone()).await.unwrap(), edited, "asked again");
    assert_eq!(edit(edited.version, details.clone()).await.unwrap(), edited, "nothing to change");
    assert_eq!(read().await, edited);
    let after = orders.place(&market.buyer, request("after")).await.unwrap().order;
    assert_eq!(before.items[0].tax_rate, first.details.tax_rate);
    assert_eq!(after.items[0].tax_rate, "18".parse().unwrap());
    assert_eq!(after.items[0].product_name, "Tata Salt, 1 kg");

    let stale = edit(first.version, first.details.clone()).await.unwrap_err();
    assert_eq!(stale.to_string(), "the product was changed: it is at version 2 now, not 1");
    let other = goods.product(&market.owner, market.store, market.products[1]).await.unwrap().product.details.sku;
    let taken = edit(edited.version, ProductDetails { sku: other.clone(), ..details.clone() }).await;
    assert!(matches!(&taken, Err(InventoryError::SkuTaken(sku)) if *sku == other), "{taken:?}");
    let unit = edit(edited.version, ProductDetails { stock_unit: StockUnit::Kg, ..details.clone() }).await;
    assert!(matches!(unit, Err(InventoryError::UnitFixed(StockUnit::Piece))), "{unit:?}");
    let barcode = edit(edited.version, ProductDetails { barcode: Some("123".to_owned()), ..details.clone() }).await;
    assert!(matches!(barcode, Err(InventoryError::Barcode(_))), "{barcode:?}");
    let denied = Capabilities::NONE.with(Capability::PriceUpdate);
    let changes = CapabilityChanges { granted: Capabilities::NONE.with(Capability::ProductManage), denied };
    let part = Membership { store: market.store, role: StoreRole::Manager, changes };
    let editor = Actor::user_with(market.fixtures.user_id(), [part], Effective::default());
    let price = ProductPrice::new("12".parse().unwrap(), "11".parse().unwrap()).unwrap();
    market.fixtures.clock().advance(TimeDelta::milliseconds(1));
    for (details, may) in [
        (ProductDetails { price, ..details.clone() }, false),
        (ProductDetails { product_name: "Salt".to_owned(), ..details }, true),
    ] {
        let change = UpdateProduct { version: edited.version, details };
        let answer = goods.update_product(&editor, market.store, id, change).await;
        assert_eq!(answer.is_ok(), may, "{answer:?}");
        assert!(may || matches!(answer, Err(InventoryError::Forbidden(_))), "{answer:?}");
    }
    let filter = AuditFilter { entity: Some(("store_product".to_owned(), id.to_string())), ..AuditFilter::default() };
    let log = &market.ports.product.audit;
    let entries = all_pages(50, |page| log.list(filter.clone(), page)).await.unwrap();
    let renamed = entries.iter().find(|entry| entry.action == "product.update").unwrap();
    assert_eq!(renamed.new_values, Some(serde_json::json!({ "product_name": "Salt" })));
    market.settle().await;
    market.check().await;
}

/// What there is nothing of, and what is to be ordered again, follow from the stock alone.
pub async fn what_runs_out_is_listed(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let goods = market.vyapar.inventory();
    let low = goods.product(&market.owner, market.store, market.products[1]).await.unwrap().product;
    let details = ProductDetails { min_stock_level: Some(Quantity::units(STOCK)), ..low.details };
    let change = UpdateProduct { version: low.version, details };
    goods.update_product(&market.owner, market.store, low.id, change).await.unwrap();
    let listed = async |state| {
        let mut by_size = Vec::new();
        for limit in [1, 2, 50] {
            let (mut found, mut page) = (Vec::new(), PageRequest::first(limit));
            loop {
                let part = goods.products_by_stock(&market.owner, market.store, state, page).await.unwrap();
                assert!(part.items.len() <= limit as usize);
                found.extend(part.items.iter().map(|view| view.product.id));
                let Some(next) = part.next else { break };
                page = PageRequest::first(limit).after(next);
            }
            by_size.push(found);
        }
        assert!(by_size.iter().all(|found| *found == by_size[0]), "{by_size:?}");
        by_size.remove(0)
    };
    let (gone, low, plenty) = (market.products[0], market.products[1], market.products[2]);
    assert_eq!((listed(StockState::OutOfStock).await, listed(StockState::ToReorder).await), (vec![], vec![low]));
    let request = market.request("all", PaymentMethod::Cod, &[(0, STOCK), (2, 1)]);
    let order = market.vyapar.orders().place(&market.buyer, request).await.unwrap().order;
    let mut both = vec![gone, low];
    both.sort();
    assert_eq!((listed(StockState::OutOfStock).await, listed(StockState::ToReorder).await), (vec![gone], both));
    goods.set_product_status(&market.owner, market.store, low, ProductStatus::Inactive).await.unwrap();
    assert_eq!(listed(StockState::ToReorder).await, [gone], "what is not sold is not ordered again");
    market.vyapar.orders().cancel(&market.buyer, market.store, &order.id, None).await.unwrap();
    assert!(listed(StockState::ToReorder).await.is_empty(), "{plenty} is there");
}

/// Where placing sees whether what it was quoted by still stands, goods that are known are not
/// read again: one call of storage places the order. After a change they are.
pub async fn known_goods_are_not_read_again(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let calls = async |key: &str| {
        market.faults.none();
        market.vyapar.orders().place(&market.buyer, market.cod(key)).await.unwrap();
        market.faults.calls()
    };
    let first = calls("first").await;
    assert!(first.contains(&"stores.get") && first.contains(&"products.get_many"), "{first:?}");
    if market.ports.checks_basis() {
        assert_eq!(calls("second").await, ["at_once.place"]);
        market.reprice(0, "12").await;
        let mut changed = calls("third").await;
        changed.sort_unstable();
        assert_eq!(changed, ["at_once.place", "at_once.place", "products.get_many", "stores.get"]);
        assert_eq!(calls("fourth").await, ["at_once.place"]);
    }
}
