//! Finding and listing orders, and the queue that recovery works on.

use chrono::TimeDelta;

use super::super::support::{all_pages, eventually, refuses_foreign_cursors};
use super::{inserted, listed, next_version, setup, stored, update};
use crate::order::{Order, OrderFilter, OrderPorts, OrderSlot, OrderStatus};
use crate::page::{AllStores, PageRequest};
use crate::store::UpdateOutcome;
use crate::testing::{Bench, Fixtures};
use crate::{CustomerId, OrderId, StoreId, Stored};

fn newest_first(orders: &[&Order]) -> Vec<OrderId> {
    let mut ids: Vec<_> = orders.iter().map(|order| order.id.clone()).collect();
    ids.sort_by(|a, b| b.cmp(a));
    ids
}

async fn of_store(ports: &OrderPorts, store: StoreId, status: Option<OrderStatus>, limit: u32) -> Stored<Vec<OrderId>> {
    let list = |page| ports.orders.list(store, OrderFilter { status }, page);
    Ok(all_pages(limit, list).await?.into_iter().map(|order| order.id).collect())
}

async fn of_customer(ports: &OrderPorts, customer: CustomerId, limit: u32) -> Stored<Vec<OrderId>> {
    let list = |page| ports.orders.list_by_customer(customer, page);
    Ok(all_pages(limit, list).await?.into_iter().map(|order| order.id).collect())
}

/// Many orders, made in the order of time and inserted in another.
async fn many(ports: &OrderPorts, make: &Fixtures, count: usize, of: impl Fn(usize) -> Order) -> Vec<Order> {
    let mut orders = Vec::with_capacity(count);
    for at in 0..count {
        make.clock().advance(TimeDelta::milliseconds(i64::try_from(at % 3).unwrap()));
        orders.push(of(at));
    }
    for order in make.shuffled(orders.clone()) {
        inserted(ports, make, order).await;
    }
    orders
}

/// A store's orders come newest first, page by page, each once and whole, by status or all.
pub async fn a_stores_orders_come_newest_first_page_by_page(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let statuses = [OrderStatus::Placed, OrderStatus::Placed, OrderStatus::OutForDelivery];
    let orders = many(&ports, &make, 23, |at| Order { status: statuses[at % 3], ..make.order(store) }).await;
    inserted(&ports, &make, make.order(make.store_id())).await;
    let all = newest_first(&orders.iter().collect::<Vec<_>>());
    for limit in [1, 7, 23, 200] {
        eventually(all.clone(), || of_store(&ports, store, None, limit)).await;
    }
    for status in [OrderStatus::Placed, OrderStatus::OutForDelivery, OrderStatus::Delivered] {
        let expected = newest_first(&orders.iter().filter(|order| order.status == status).collect::<Vec<_>>());
        for limit in [3, 50] {
            eventually(expected.clone(), || of_store(&ports, store, Some(status), limit)).await;
        }
    }
    for found in listed(&ports, store).await.unwrap() {
        assert!(orders.contains(&found));
    }
    eventually(Vec::new(), || of_store(&ports, make.store_id(), None, 5)).await;
}

/// An order that moves on is listed under its new status, as it is now.
pub async fn an_order_is_listed_under_its_present_status(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = inserted(&ports, &make, make.order(store)).await;
    eventually(vec![order.id.clone()], || of_store(&ports, store, Some(OrderStatus::Placed), 5)).await;
    let next = next_version(&order, OrderStatus::Cancelled);
    assert_eq!(update(&ports, &next, 1).await, UpdateOutcome::Updated);
    eventually(Vec::new(), || of_store(&ports, store, Some(OrderStatus::Placed), 5)).await;
    eventually(vec![order.id.clone()], || of_store(&ports, store, Some(OrderStatus::Cancelled), 5)).await;
    eventually(vec![next], || listed(&ports, store)).await;
}

/// A customer's orders come newest first over all stores, page by page; nobody else's do.
pub async fn a_customers_orders_cross_stores(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let stores = [store, make.store_id(), make.store_id()];
    let (customer, other) = (make.customer_id(), make.customer_id());
    let of =
        |at: usize| Order { customer_id: if at % 4 == 3 { other } else { customer }, ..make.order(stores[at % 3]) };
    let orders = many(&ports, &make, 20, of).await;
    for customer in [customer, other] {
        let expected = newest_first(&orders.iter().filter(|order| order.customer_id == customer).collect::<Vec<_>>());
        for limit in [2, 5, 15, 200] {
            eventually(expected.clone(), || of_customer(&ports, customer, limit)).await;
        }
    }
    eventually(Vec::new(), || of_customer(&ports, make.customer_id(), 5)).await;
    let page = ports.orders.list_by_customer(customer, PageRequest::first(1)).await.unwrap();
    assert!(orders.contains(&page.items[0]), "whole orders are given");
}

/// Both lists refuse cursors they did not give out, each other's among them.
pub async fn order_lists_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = inserted(&ports, &make, make.order(store)).await;
    refuses_foreign_cursors("orders", |page| ports.orders.list(store, OrderFilter::default(), page)).await;
    let placed = OrderFilter { status: Some(OrderStatus::Placed) };
    refuses_foreign_cursors("orders", |page| ports.orders.list(store, placed.clone(), page)).await;
    refuses_foreign_cursors("customer_orders", |page| ports.orders.list_by_customer(order.customer_id, page)).await;
}

/// A tracking id leads to its order's store and id, and an unknown one nowhere.
pub async fn a_tracking_id_leads_to_its_order(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let other = make.store_id();
    for order in [make.order(store), make.full_order(other)] {
        let order = inserted(&ports, &make, order).await;
        let found = ports.orders.find_by_tracking(&order.tracking_id).await.unwrap();
        assert_eq!(found, Some((order.store_id, order.id)));
    }
    assert_eq!(ports.orders.find_by_tracking(&make.tracking_id()).await.unwrap(), None);
}

/// An order of another store is absent: it can be neither found, read nor changed there.
pub async fn another_store_reaches_no_order(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = inserted(&ports, &make, make.order(store)).await;
    let other = make.store_id();
    assert_eq!(ports.orders.find(other, &order.id).await.unwrap(), OrderSlot::Absent);
    assert_eq!(ports.orders.history(other, &order.id).await.unwrap(), []);
    let next = Order { store_id: other, ..next_version(&order, OrderStatus::Cancelled) };
    assert_eq!(update(&ports, &next, 1).await, UpdateOutcome::Stale);
    assert_eq!(ports.orders.find(other, &order.id).await.unwrap(), OrderSlot::Absent);
    assert_eq!(stored(&ports, &order).await, order);
    eventually(vec![order], || listed(&ports, store)).await;
    eventually(Vec::new(), || listed(&ports, other)).await;
}

/// Due are exactly the orders whose time of recovery has come, over all stores, oldest first.
pub async fn due_are_orders_whose_time_has_come(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let now = make.now();
    let with = |recover_at: Option<i64>, store| Order {
        effects: make.every_effect(),
        recover_at: recover_at.map(|seconds| now + TimeDelta::seconds(seconds)),
        ..make.order(store)
    };
    inserted(&ports, &make, with(None, store)).await;
    let third = inserted(&ports, &make, with(Some(30), store)).await;
    let first = inserted(&ports, &make, with(Some(10), make.store_id())).await;
    let second = inserted(&ports, &make, with(Some(20), store)).await;
    let due = |seconds, limit| {
        let at = now + TimeDelta::seconds(seconds);
        ports.queue.due(AllStores, at, limit)
    };
    eventually(vec![first.clone(), second.clone(), third.clone()], || due(30, 50)).await;
    eventually(vec![first.clone(), second.clone()], || due(30, 2)).await;
    eventually(vec![first.clone(), second.clone()], || due(29, 50)).await;
    eventually(vec![first.clone()], || due(10, 50)).await;
    eventually(Vec::new(), || due(9, 50)).await;
    // Cleared, or put off, it is due no more, or later.
    let cleared = Order { effects: Vec::new(), recover_at: None, ..next_version(&first, first.status) };
    let later =
        Order { recover_at: Some(now + TimeDelta::seconds(60)), failures: 1, ..next_version(&second, second.status) };
    for order in [&cleared, &later] {
        assert_eq!(update(&ports, order, 1).await, UpdateOutcome::Updated);
    }
    eventually(vec![third.clone()], || due(59, 50)).await;
    eventually(vec![third, later], || due(60, 50)).await;
}

/// Stuck are orders with something to recover on which it failed so often or more.
pub async fn stuck_are_orders_that_failed_often(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let far = make.now() + TimeDelta::days(30);
    let with = |failures, recover_at| Order { failures, recover_at, effects: make.every_effect(), ..make.order(store) };
    let nine = inserted(&ports, &make, with(9, Some(far))).await;
    let ten = inserted(&ports, &make, with(10, Some(far))).await;
    let many = inserted(&ports, &make, Order { store_id: make.store_id(), ..with(4_000, Some(far)) }).await;
    inserted(&ports, &make, with(99, None)).await;
    let stuck = async |failures| {
        let mut found = ports.queue.stuck(AllStores, failures, 50).await?;
        found.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(found)
    };
    let sorted = |mut orders: Vec<Order>| {
        orders.sort_by(|a, b| a.id.cmp(&b.id));
        orders
    };
    eventually(sorted(vec![ten.clone(), many.clone()]), || stuck(10)).await;
    eventually(sorted(vec![nine, ten.clone(), many.clone()]), || stuck(9)).await;
    eventually(1, || async { Ok(ports.queue.stuck(AllStores, 9, 1).await?.len()) }).await;
    let done = Order { recover_at: None, failures: 0, effects: Vec::new(), ..next_version(&many, many.status) };
    assert_eq!(update(&ports, &done, 1).await, UpdateOutcome::Updated);
    eventually(vec![ten], || stuck(10)).await;
}
