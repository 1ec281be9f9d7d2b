//! Insert and abandon: whole or not at all, once, and never both.

use super::super::support::{at_once, audited, eventually};
use super::{find, insert, listed, setup, stored};
use crate::order::{AbandonOutcome, InsertOutcome, NewOrder, Order, OrderSlot};
use crate::testing::Bench;

/// An order with every field filled, 49 lines and every effect reads back exactly as it was
/// written, with its history and its audit entry.
pub async fn a_full_order_reads_back_exactly(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = make.full_order(store);
    let new = make.new_order(&order);
    assert_eq!(insert(&ports, &new).await, InsertOutcome::Inserted);
    assert_eq!(stored(&ports, &order).await, order);
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), [new.history]);
    audited(&ports.audit, &[&new.audit]).await;
    eventually(vec![order.clone()], || listed(&ports, store)).await;
}

/// An order with nothing optional reads back exactly: what is absent stays absent.
pub async fn a_bare_order_reads_back_exactly(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = make.order(store);
    let mut new = make.new_order(&order);
    (new.history.changed_by, new.history.notes) = (None, None);
    new.audit = crate::system::AuditEntry { entity_id: order.id.to_string(), ..make.bare_audit() };
    assert_eq!(insert(&ports, &new).await, InsertOutcome::Inserted);
    assert_eq!(stored(&ports, &order).await, order);
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), [new.history]);
    audited(&ports.audit, &[&new.audit]).await;
}

/// An order inserted again, changed or not, is there already; nothing is written.
pub async fn an_order_is_inserted_once(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = make.order(store);
    let new = make.new_order(&order);
    assert_eq!(insert(&ports, &new).await, InsertOutcome::Inserted);
    let changed = Order { id: order.id.clone(), ..make.full_order(store) };
    for order in [order.clone(), changed] {
        let again = NewOrder { order, history: make.history(&new.order), audit: make.new_order(&new.order).audit };
        assert_eq!(insert(&ports, &again).await, InsertOutcome::AlreadyThere);
    }
    assert_eq!(stored(&ports, &order).await, order);
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), [new.history]);
    audited(&ports.audit, &[&new.audit]).await;
}

/// Thirty-two callers inserting one order at once insert it once.
pub async fn an_order_inserted_by_thirty_two_callers_is_inserted_once(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let new = make.new_order(&make.full_order(store));
    let outcomes = at_once((0..32).map(|_| {
        let (ports, new) = (ports.clone(), new.clone());
        async move { insert(&ports, &new).await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == InsertOutcome::Inserted).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == InsertOutcome::AlreadyThere).count(), 31);
    assert_eq!(stored(&ports, &new.order).await, new.order);
    assert_eq!(ports.orders.history(store, &new.order.id).await.unwrap(), std::slice::from_ref(&new.history));
    audited(&ports.audit, &[&new.audit]).await;
}

/// A tracking id belongs to one order over all stores; whoever comes second writes nothing
/// and may come again with another.
pub async fn a_tracking_id_belongs_to_one_order(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let first = make.order(store);
    assert_eq!(insert(&ports, &make.new_order(&first)).await, InsertOutcome::Inserted);
    for store in [store, make.store_id()] {
        let second = Order { tracking_id: first.tracking_id.clone(), ..make.order(store) };
        let new = make.new_order(&second);
        assert_eq!(insert(&ports, &new).await, InsertOutcome::TrackingIdTaken);
        assert_eq!(find(&ports, &second).await, OrderSlot::Absent);
        assert_eq!(ports.orders.history(store, &second.id).await.unwrap(), []);
        let second = Order { tracking_id: make.tracking_id(), ..second };
        let next = make.new_order(&second);
        assert_eq!(insert(&ports, &next).await, InsertOutcome::Inserted);
        assert_eq!(ports.orders.history(store, &second.id).await.unwrap(), [next.history]);
        audited(&ports.audit, &[&next.audit]).await;
    }
    let found = ports.orders.find_by_tracking(&first.tracking_id).await.unwrap();
    assert_eq!(found, Some((store, first.id)));
}

/// Sixteen orders with one tracking id at once: one gets it.
pub async fn a_tracking_id_wanted_by_sixteen_orders_goes_to_one(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let tracking_id = make.tracking_id();
    let orders: Vec<_> = (0..16).map(|_| Order { tracking_id: tracking_id.clone(), ..make.order(store) }).collect();
    let outcomes = at_once(orders.iter().map(|order| {
        let (ports, new) = (ports.clone(), make.new_order(order));
        async move { insert(&ports, &new).await }
    }))
    .await;
    assert_eq!(
        outcomes.iter().filter(|outcome| **outcome == InsertOutcome::TrackingIdTaken).count(),
        15,
        "{outcomes:?}"
    );
    for (order, outcome) in orders.into_iter().zip(outcomes) {
        let expected = if outcome == InsertOutcome::Inserted {
            assert_eq!(ports.orders.find_by_tracking(&tracking_id).await.unwrap(), Some((store, order.id.clone())));
            OrderSlot::Order(Box::new(order.clone()))
        } else {
            OrderSlot::Absent
        };
        assert_eq!(find(&ports, &order).await, expected);
    }
}

/// An abandoned id is never inserted: the marker stands, and is all that stands.
pub async fn an_abandoned_order_is_never_inserted(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = Order { recover_at: Some(make.now()), failures: 50, ..make.full_order(store) };
    assert_eq!(find(&ports, &order).await, OrderSlot::Absent);
    for _ in 0..2 {
        assert_eq!(ports.orders.abandon(store, &order.id, make.now()).await.unwrap(), AbandonOutcome::Abandoned);
    }
    let new = make.new_order(&order);
    for _ in 0..2 {
        assert_eq!(insert(&ports, &new).await, InsertOutcome::Abandoned);
        assert_eq!(find(&ports, &order).await, OrderSlot::Abandoned);
    }
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), []);
    assert_eq!(ports.orders.find_by_tracking(&order.tracking_id).await.unwrap(), None);
    // What is written afterwards is listed; the abandoned one still is not.
    let next = Order {
        tracking_id: order.tracking_id.clone(),
        customer_id: order.customer_id,
        effects: order.effects.clone(),
        recover_at: order.recover_at,
        failures: 50,
        ..make.order(store)
    };
    let accepted = make.new_order(&next);
    assert_eq!(insert(&ports, &accepted).await, InsertOutcome::Inserted);
    eventually(vec![next.clone()], || listed(&ports, store)).await;
    let all = crate::AllStores;
    eventually(vec![next.clone()], || ports.queue.due(all, make.now(), 50)).await;
    eventually(vec![next.clone()], || ports.queue.stuck(all, 1, 50)).await;
    let log = crate::system::AuditFilter { store_id: Some(store), ..Default::default() };
    eventually(vec![accepted.audit], || async {
        Ok(ports.audit.list(log.clone(), crate::PageRequest::default()).await?.items)
    })
    .await;
}

/// An order that is there is not abandoned: it is given instead, untouched.
pub async fn an_inserted_order_is_never_abandoned(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = make.full_order(store);
    insert(&ports, &make.new_order(&order)).await;
    for _ in 0..2 {
        let outcome = ports.orders.abandon(store, &order.id, make.now()).await.unwrap();
        assert_eq!(outcome, AbandonOutcome::Exists(Box::new(order.clone())));
    }
    assert_eq!(stored(&ports, &order).await, order);
}

/// Sixteen callers at once, half inserting and half abandoning one order: one side has it,
/// and every caller is told which.
pub async fn of_insert_and_abandon_at_once_one_side_has_it(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    for round in 0..16 {
        let new = make.new_order(&make.order(store));
        let tasks = (0..16).map(|task| {
            let (ports, new, now) = (ports.clone(), new.clone(), make.now());
            async move {
                // Whether this caller was told that the order is there.
                if (task + round) % 2 == 0 {
                    match insert(&ports, &new).await {
                        InsertOutcome::Inserted | InsertOutcome::AlreadyThere => true,
                        InsertOutcome::Abandoned => false,
                        InsertOutcome::TrackingIdTaken => panic!("nobody else has it"),
                    }
                } else {
                    match ports.orders.abandon(store, &new.order.id, now).await.unwrap() {
                        AbandonOutcome::Exists(found) => *found == new.order,
                        AbandonOutcome::Abandoned => false,
                    }
                }
            }
        });
        let told = at_once(tasks).await;
        match find(&ports, &new.order).await {
            OrderSlot::Order(found) => {
                assert_eq!((*found, told), (new.order.clone(), vec![true; 16]));
                assert_eq!(ports.orders.history(store, &new.order.id).await.unwrap(), [new.history]);
            }
            OrderSlot::Abandoned => {
                assert_eq!(told, vec![false; 16]);
                assert_eq!(ports.orders.history(store, &new.order.id).await.unwrap(), []);
                assert_eq!(ports.orders.find_by_tracking(&new.order.tracking_id).await.unwrap(), None);
            }
            OrderSlot::Absent => panic!("neither"),
        }
    }
}
