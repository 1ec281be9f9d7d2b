//! The sealed texts of orders, of their lines and of their history.

use super::super::sealing::{Texts, holds, replace, replace_all, replace_at_once, text};
use super::super::support::eventually;
use super::{inserted, listed, next_version, setup, stored, update};
use crate::id::StoreId;
use crate::order::{
    AbandonOutcome, InsertOutcome, Order, OrderItem, OrderPorts, OrderStatus, OrderUpdate, StatusEntry,
};
use crate::store::UpdateOutcome;
use crate::testing::{Bench, Fixtures};

/// The texts of an order and its history, by their contexts.
fn texts(order: &Order, history: &[StatusEntry]) -> Texts {
    let all = [
        ("customer_name", Some(order.customer_name.clone())),
        ("customer_phone", Some(order.customer_phone.clone())),
        ("delivery_address", order.delivery_address.clone()),
        ("delivery_notes", order.delivery_notes.clone()),
        ("customer_note", order.customer_note.clone()),
        ("cancel_reason", order.cancel_reason.clone()),
    ];
    let own = all.into_iter().filter_map(|(column, sealed)| Some((format!("orders.{column}:{}", order.id), sealed?)));
    let own = own.chain(order.items.iter().filter_map(|item| Some((line_note(item), item.notes.clone()?))));
    own.chain(history.iter().filter_map(|entry| Some((note(entry), entry.notes.clone()?)))).collect()
}

fn line_note(item: &OrderItem) -> String {
    format!("order_items.notes:{}", item.id)
}

fn note(entry: &StatusEntry) -> String {
    format!("order_status_history.notes:{}:{}", entry.order_id, entry.version)
}

/// The order with what stands for its contexts now.
fn resealed(order: Order, now: &Texts) -> Order {
    let of = |column: &str| now.get(&format!("orders.{column}:{}", order.id)).cloned();
    Order {
        customer_name: of("customer_name").unwrap(),
        customer_phone: of("customer_phone").unwrap(),
        delivery_address: of("delivery_address"),
        delivery_notes: of("delivery_notes"),
        customer_note: of("customer_note"),
        cancel_reason: of("cancel_reason"),
        items: order
            .items
            .iter()
            .map(|item| OrderItem { notes: now.get(&line_note(item)).cloned(), ..item.clone() })
            .collect(),
        ..order
    }
}

/// The order, moved on three times: twice with a row of history, once with a note in it.
async fn moved(ports: &OrderPorts, make: &Fixtures, order: Order) -> (Order, Vec<StatusEntry>) {
    let new = make.new_order(&order);
    let mut history = vec![new.history.clone()];
    assert_eq!(ports.orders.insert(order.store_id, new).await.unwrap(), InsertOutcome::Inserted);
    let mut order = order;
    for version in 2..=4 {
        order = next_version(&order, OrderStatus::ALL[usize::try_from(version).unwrap()]);
        let row = match version {
            2 => Some(StatusEntry { notes: None, ..make.history(&order) }),
            3 => None,
            _ => Some(make.history(&order)),
        };
        history.extend(row.clone());
        let change = OrderUpdate { order: order.clone(), expected: version - 1, history: row, audit: None };
        assert_eq!(ports.orders.update(order.store_id, change).await.unwrap(), UpdateOutcome::Updated);
    }
    (order, history)
}

/// Orders of two stores, with all texts and with some, with history; one abandoned.
async fn many(ports: &OrderPorts, make: &Fixtures, store: StoreId) -> Vec<(Order, Vec<StatusEntry>)> {
    let other = make.store_id();
    let mut orders = Vec::new();
    for at in 0..4 {
        let store = if at < 3 { store } else { other };
        let order = if at % 2 == 0 { make.full_order(store) } else { make.order(store) };
        orders.push(moved(ports, make, order).await);
    }
    let abandoned = ports.orders.abandon(store, &make.order_id(), make.now()).await.unwrap();
    assert_eq!(abandoned, AbandonOutcome::Abandoned);
    orders
}

/// Every sealed text of every order of every store is listed once, under its context, as it is
/// now; notes of its history are among them.
pub async fn every_sealed_text_of_orders_is_listed_once(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    holds(&ports.sealed, &Texts::new()).await;
    let orders = many(&ports, &make, store).await;
    let mut expected: Texts = orders.iter().flat_map(|(order, history)| texts(order, history)).collect();
    assert_eq!(expected.len(), 2 * 6 + 2 * 49 + 2 * 2 + 4 * 2);
    holds(&ports.sealed, &expected).await;
    // One is called off.
    let (order, _) = &orders[1];
    let reason = make.sealed("changed her mind");
    let next = Order { cancel_reason: Some(reason.clone()), ..next_version(order, OrderStatus::Cancelled) };
    assert_eq!(update(&ports, &next, order.version).await, UpdateOutcome::Updated);
    expected.insert(format!("orders.cancel_reason:{}", order.id), reason);
    holds(&ports.sealed, &expected).await;
}

/// A text that is replaced is the only thing that changes of its order or its history.
pub async fn a_sealed_text_of_an_order_is_replaced_and_nothing_else(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let orders = many(&ports, &make, store).await;
    let now = replace_all(&ports.sealed, &make).await;
    assert_eq!(now.len(), 24 + 2 * 49);
    let mut of_store = Vec::new();
    for (order, mut history) in orders {
        let order = resealed(order, &now);
        for entry in &mut history {
            entry.notes = now.get(&note(entry)).cloned();
        }
        assert_eq!(stored(&ports, &order).await, order);
        assert_eq!(ports.orders.history(order.store_id, &order.id).await.unwrap(), history);
        let found = ports.orders.find_by_tracking(&order.tracking_id).await.unwrap();
        assert_eq!(found, Some((order.store_id, order.id.clone())));
        if order.store_id == store {
            of_store.push(order);
        }
    }
    of_store.sort_by(|a, b| b.id.cmp(&a.id));
    eventually(of_store.clone(), || listed(&ports, store)).await;
    holds(&ports.sealed, &now).await;
    // The next write of that version is not stale.
    for order in of_store {
        let next = next_version(&order, OrderStatus::Cancelled);
        assert_eq!(update(&ports, &next, order.version).await, UpdateOutcome::Updated);
    }
}

/// A text that changed or went since it was listed is not replaced.
pub async fn a_text_of_an_order_that_moved_on_is_not_replaced(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = inserted(&ports, &make, make.full_order(store)).await;
    let id = &order.id;
    let reason = text(&ports.sealed, &format!("orders.cancel_reason:{id}")).await;
    let notes = text(&ports.sealed, &format!("orders.delivery_notes:{id}")).await;
    let name = text(&ports.sealed, &format!("orders.customer_name:{id}")).await;
    let next = Order { cancel_reason: Some(make.sealed("other")), ..next_version(&order, OrderStatus::Placed) };
    assert_eq!(update(&ports, &next, 1).await, UpdateOutcome::Updated);
    assert!(!replace(&ports.sealed, &reason, &make.sealed("late")).await);
    assert_eq!(stored(&ports, &next).await, next);
    let next = Order { cancel_reason: None, ..next_version(&next, OrderStatus::Placed) };
    assert_eq!(update(&ports, &next, 2).await, UpdateOutcome::Updated);
    assert!(!replace(&ports.sealed, &reason, &make.sealed("late")).await);
    let to = [make.sealed("Ravi"), make.sealed("at the gate")];
    assert!(replace(&ports.sealed, &name, &to[0]).await);
    assert!(replace(&ports.sealed, &notes, &to[1]).await);
    let [customer_name, delivery_notes] = to;
    let expected = Order { customer_name, delivery_notes: Some(delivery_notes), ..next };
    assert_eq!(stored(&ports, &order).await, expected);
}

/// Of sixteen replacements of one text at once one is done.
pub async fn of_sixteen_replacements_at_once_one_is_done(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let (order, mut history) = moved(&ports, &make, make.full_order(store)).await;
    let phone = text(&ports.sealed, &format!("orders.customer_phone:{}", order.id)).await;
    let customer_phone = replace_at_once(&ports.sealed, &make, &phone).await;
    let written = text(&ports.sealed, &note(&history[2])).await;
    history[2].notes = Some(replace_at_once(&ports.sealed, &make, &written).await);
    assert_eq!(stored(&ports, &order).await, Order { customer_phone, ..order.clone() });
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), history);
}
