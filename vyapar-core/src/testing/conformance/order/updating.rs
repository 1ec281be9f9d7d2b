//! Update: by compare-and-set, whole or not at all.

use chrono::TimeDelta;

use super::super::support::{at_once, audited};
use super::{find, insert, inserted, next_version, setup, stored, update};
use crate::money::Money;
use crate::order::{
    AbandonOutcome, Effect, InsertOutcome, Order, OrderSlot, OrderStatus, OrderUpdate, PaymentStatus, PendingEffect,
};
use crate::quantity::Quantity;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

/// All that may change of an order changes: filled, and emptied again.
pub async fn an_update_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let bare = inserted(&ports, &make, make.order(store)).await;
    let full = make.full_order(store);
    // What never changes is taken from the order that is there.
    let keep = |order: Order, version| Order {
        id: bare.id.clone(),
        order_number: bare.order_number.clone(),
        tracking_id: bare.tracking_id.clone(),
        customer_id: bare.customer_id,
        customer_name: bare.customer_name.clone(),
        customer_phone: bare.customer_phone.clone(),
        delivery_address: bare.delivery_address.clone(),
        delivery_notes: bare.delivery_notes.clone(),
        customer_note: bare.customer_note.clone(),
        place_of_supply: bare.place_of_supply.clone(),
        fulfilment: bare.fulfilment,
        payment_method: bare.payment_method,
        hold: bare.hold.clone(),
        fingerprint: bare.fingerprint,
        channel: bare.channel,
        language: bare.language.clone(),
        created_at: bare.created_at,
        items: bare.items.clone(),
        version,
        ..order
    };
    let mut filled = keep(full, 2);
    filled.items[0].quantity = Quantity::from_thousandths(1).unwrap();
    filled.items[0].total_amount = Money::from_paise(3).unwrap();
    filled.items[0].discount_amount = Money::from_paise(7).unwrap();
    filled.items[0].tax.taxable = Money::from_paise(3).unwrap();
    assert_eq!(update(&ports, &filled, 1).await, UpdateOutcome::Updated);
    assert_eq!(stored(&ports, &filled).await, filled);
    let emptied = Order { version: 3, ..bare.clone() };
    assert_eq!(update(&ports, &emptied, 2).await, UpdateOutcome::Updated);
    assert_eq!(stored(&ports, &emptied).await, emptied);
}

/// An update of another version than the stored one changes nothing: not the order, not its
/// history, not the audit log.
pub async fn a_stale_update_changes_nothing(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let first = make.new_order(&make.order(store));
    assert_eq!(insert(&ports, &first).await, InsertOutcome::Inserted);
    let second = next_version(&first.order, OrderStatus::Confirmed);
    let history = make.history(&second);
    let audit = make.new_order(&second).audit;
    let change =
        OrderUpdate { order: second.clone(), expected: 1, history: Some(history.clone()), audit: Some(audit.clone()) };
    assert_eq!(ports.orders.update(store, change).await.unwrap(), UpdateOutcome::Updated);
    for expected in [0, 1, 3, 9] {
        let late = Order { version: expected + 1, ..next_version(&second, OrderStatus::Cancelled) };
        let change = OrderUpdate {
            expected,
            history: Some(make.history(&late)),
            audit: Some(make.new_order(&late).audit),
            order: late,
        };
        assert_eq!(ports.orders.update(store, change).await.unwrap(), UpdateOutcome::Stale);
    }
    assert_eq!(stored(&ports, &second).await, second);
    assert_eq!(ports.orders.history(store, &second.id).await.unwrap(), [first.history, history]);
    audited(&ports.audit, &[&first.audit, &audit]).await;
}

/// What is absent, abandoned, or another store's is stale, and stays what it is.
pub async fn an_update_of_what_is_not_there_is_stale(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let absent = make.order(store);
    let abandoned = make.order(store);
    let outcome = ports.orders.abandon(store, &abandoned.id, make.now()).await.unwrap();
    assert_eq!(outcome, AbandonOutcome::Abandoned);
    for order in [&absent, &abandoned] {
        for expected in [0, 1] {
            let change = Order { version: expected + 1, ..order.clone() };
            assert_eq!(update(&ports, &change, expected).await, UpdateOutcome::Stale);
        }
        assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), []);
    }
    assert_eq!(find(&ports, &absent).await, OrderSlot::Absent);
    assert_eq!(find(&ports, &abandoned).await, OrderSlot::Abandoned);
}

/// Of sixteen updates of one version at once exactly one is stored, with its own history.
pub async fn of_sixteen_updates_at_once_one_is_stored(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let mut order = inserted(&ports, &make, make.order(store)).await;
    for round in 2..=5 {
        let changes: Vec<_> = (0..16_u32)
            .map(|task| {
                let order = Order { failures: task, ..next_version(&order, OrderStatus::Confirmed) };
                OrderUpdate { history: Some(make.history(&order)), order, expected: round - 1, audit: None }
            })
            .collect();
        let outcomes = at_once(changes.iter().cloned().map(|change| {
            let ports = ports.clone();
            async move { ports.orders.update(store, change).await.unwrap() }
        }))
        .await;
        let won: Vec<_> =
            changes.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == UpdateOutcome::Updated).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert_eq!(stored(&ports, &order).await, won[0].0.order);
        order = won[0].0.order.clone();
        let history = ports.orders.history(store, &order.id).await.unwrap();
        assert_eq!((history.len() as u64, history.last()), (round, won[0].0.history.as_ref()));
    }
}

/// History rows are appended by the moves that carry one and come oldest first, by version.
pub async fn history_is_appended_in_order(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let first = make.new_order(&make.order(store));
    assert_eq!(insert(&ports, &first).await, InsertOutcome::Inserted);
    let (mut order, mut expected) = (first.order, vec![first.history]);
    for version in 2..=14 {
        order = Order { version, ..next_version(&order, OrderStatus::ALL[(version % 7) as usize]) };
        // Clocks of several hosts disagree; the version decides.
        order.updated_at = make.now() - TimeDelta::seconds(i64::try_from(version).unwrap());
        let history = (version % 3 != 0).then(|| make.history(&order));
        expected.extend(history.clone());
        let change = OrderUpdate { order: order.clone(), expected: version - 1, history, audit: None };
        assert_eq!(ports.orders.update(store, change).await.unwrap(), UpdateOutcome::Updated);
    }
    assert_eq!(ports.orders.history(store, &order.id).await.unwrap(), expected);
    assert_eq!(ports.orders.history(store, &make.order_id()).await.unwrap(), []);
}

/// Effects of every kind are stored with the change that asks for them, in their order, and
/// cleared by another.
pub async fn every_effect_is_stored_and_cleared(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let mut order = inserted(&ports, &make, make.order(store)).await;
    let every = make.every_effect();
    let kinds: Vec<Effect> = every.iter().map(|pending| pending.effect.clone()).collect();
    let mut steps: Vec<Vec<PendingEffect>> = every.iter().map(|effect| vec![effect.clone()]).collect();
    let none_left = Effect::AmendStock { targets: Vec::new() };
    steps.push(vec![PendingEffect { version: u64::from(u32::MAX), effect: none_left }]);
    let mut reversed = every;
    reversed.reverse();
    steps.extend([reversed.clone(), reversed[2..4].to_vec(), Vec::new()]);
    assert_eq!(kinds.len(), 6);
    for effects in steps {
        let recover_at = (!effects.is_empty()).then(|| make.now() + TimeDelta::microseconds(1));
        order = Order { effects, recover_at, ..next_version(&order, OrderStatus::Placed) };
        assert_eq!(update(&ports, &order, order.version - 1).await, UpdateOutcome::Updated);
        assert_eq!(stored(&ports, &order).await, order);
    }
}

/// Which payment pays an order is decided once, whoever comes at the same time.
pub async fn one_of_two_payments_pays_an_order(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let order = inserted(&ports, &make, make.order(store)).await;
    let changes: Vec<_> = (0..2)
        .map(|_| Order {
            paid_by: Some(make.payment_id()),
            payment_status: PaymentStatus::Paid,
            ..next_version(&order, OrderStatus::Placed)
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|order| {
        let ports = ports.clone();
        async move { update(&ports, &order, 1).await }
    }))
    .await;
    let winner = outcomes.iter().position(|outcome| *outcome == UpdateOutcome::Updated).unwrap();
    assert_eq!(outcomes[1 - winner], UpdateOutcome::Stale);
    assert_eq!(stored(&ports, &order).await.paid_by, changes[winner].paid_by);
}
