//! Lists longer than the service's pages (1 MB each).

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::inventory::ReleaseCause;
use vyapar_core::order::{Order, OrderFilter, OrderStatus};
use vyapar_core::page::AllStores;
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{OrderId, Page, PageRequest, Quantity};
use vyapar_dynamo::tables::RESERVATIONS;

use crate::races::product;
use crate::support::bench::{Fresh, fresh};

/// What makes 40 orders longer than a page.
const LONG: usize = 20_000;

fn ids(page: &Page<Order>) -> Vec<OrderId> {
    page.items.iter().map(|order| order.id.clone()).collect()
}

#[test]
fn lists_of_orders_follow_every_page() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let make = Fixtures::here();
        let (store, customer) = (make.store_id(), make.customer_id());
        let orders = dynamo.order();
        let mut expected = Vec::new();
        for n in 0..70 {
            let mut order = make.order(store);
            order.customer_id = customer;
            order.status = OrderStatus::Placed;
            order.recover_at = Some(make.now());
            order.delivery_notes = Some(make.sealed(&"न".repeat(LONG / 3)));
            orders.orders.insert(store, make.new_order(&order)).await.unwrap();
            expected.push(order.id);
            if n % 3 == 0 {
                // Markers between orders must not shorten a page.
                orders.orders.abandon(store, &make.order_id(), make.now()).await.unwrap();
            }
        }
        expected.sort();
        expected.reverse();
        let placed = OrderFilter { status: Some(OrderStatus::Placed) };
        let whole = PageRequest::first(100);
        assert_eq!(ids(&orders.orders.list(store, OrderFilter::default(), whole.clone()).await.unwrap()), expected);
        assert_eq!(ids(&orders.orders.list(store, placed.clone(), whole.clone()).await.unwrap()), expected);
        assert_eq!(ids(&orders.orders.list_by_customer(customer, whole).await.unwrap()), expected);
        for filter in [OrderFilter::default(), placed] {
            let (mut seen, mut page) = (Vec::new(), PageRequest::first(9));
            loop {
                let part = orders.orders.list(store, filter.clone(), page.clone()).await.unwrap();
                seen.extend(ids(&part));
                let Some(next) = part.next else { break };
                assert_eq!(part.items.len(), 9);
                page = PageRequest::first(9).after(next);
            }
            assert_eq!(seen, expected);
        }
        let due = orders.queue.due(AllStores, make.now() + chrono::TimeDelta::days(400), 100).await.unwrap();
        assert_eq!(due.iter().map(|order| order.id.clone()).collect::<BTreeSet<_>>(), expected.into_iter().collect());
    });
}

#[test]
fn a_shop_longer_than_a_page_is_read_to_its_end() {
    run(async {
        let Fresh { dynamo, client, names, server: _server } = fresh().await;
        let make = Fixtures::here();
        let store = make.store_id();
        let stock = dynamo.stock();
        let product = product(&dynamo, &make, store, 10).await;
        let hold = make.reserve(&[(product, Quantity::units(1))]);
        stock.reservations.reserve(store, hold.clone()).await.unwrap();
        stock.reservations.release(store, hold.hold, ReleaseCause::Undone, make.now()).await.unwrap();
        // 240 more of it, each made longer by an attribute nobody reads: 1.4 MB.
        let table = names.of(&RESERVATIONS);
        let stored = client.scan().table_name(&table).send().await.unwrap().items.unwrap().remove(0);
        for _ in 0..240 {
            let mut copy = stored.clone();
            copy.insert("reservation_id".to_owned(), AttributeValue::S(make.reservation_id().to_string()));
            copy.insert("padding".to_owned(), AttributeValue::S("x".repeat(6_000)));
            client.put_item().table_name(&table).set_item(Some(copy)).send().await.unwrap();
        }
        let found = stock.ledger.verify(store).await.unwrap();
        assert!(found.is_clean(), "{:?}", found.divergences);
        assert_eq!((found.products, found.movements, found.reservations), (1, 3, 241));
        assert_eq!(stock.queue.due(AllStores, make.now(), 1000).await.unwrap().len(), 241);
        assert_eq!(stock.queue.stuck(AllStores, 0, 1000).await.unwrap().len(), 241);
    });
}
