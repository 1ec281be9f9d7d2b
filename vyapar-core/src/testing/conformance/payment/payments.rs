//! Payments.

use chrono::TimeDelta;

use super::super::support::{at_once, audited, eventually};
use crate::id::{OrderId, StoreId};
use crate::page::AllStores;
use crate::payment::{AttemptStatus, Payment, PaymentInsert, PaymentMethodKind, PaymentPorts, Refund, RefundStatus};
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// The unit, fixtures of the calling line, a store and an order of it.
#[track_caller]
fn setup(bench: &Bench) -> (PaymentPorts, Fixtures, StoreId, OrderId) {
    let make = Fixtures::here();
    let (store, order) = (make.store_id(), make.order_id());
    (bench.ports.payment.clone(), make, store, order)
}

fn audit(make: &Fixtures, payment: &Payment) -> AuditEntry {
    make.audit(Some(payment.store_id), "payment.update", "payment", &payment.id.to_string())
}

async fn inserted(ports: &PaymentPorts, make: &Fixtures, payment: Payment) -> Payment {
    let outcome = ports.payments.insert(payment.store_id, payment.clone(), audit(make, &payment)).await.unwrap();
    assert_eq!(outcome, PaymentInsert::Inserted);
    payment
}

async fn get(ports: &PaymentPorts, payment: &Payment) -> Option<Payment> {
    ports.payments.get(payment.store_id, payment.id).await.unwrap()
}

/// Stores the payment where the version before it is stored.
async fn update(ports: &PaymentPorts, payment: &Payment) -> UpdateOutcome {
    ports.payments.update(payment.store_id, payment.clone(), payment.version - 1, None).await.unwrap()
}

/// A payment with every field filled, and one with nothing optional, read back exactly, each
/// with its audit entry.
pub async fn a_payment_reads_back_exactly(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    for payment in [make.full_payment(store, &order), make.payment(store, &order)] {
        let entry = audit(&make, &payment);
        let outcome = ports.payments.insert(store, payment.clone(), entry.clone()).await.unwrap();
        assert_eq!(outcome, PaymentInsert::Inserted);
        assert_eq!(get(&ports, &payment).await, Some(payment));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, &make.payment(store, &order)).await, None);
    for (at, method) in PaymentMethodKind::ALL.iter().enumerate() {
        let status = AttemptStatus::ALL[at % 4];
        let payment = Payment { method: *method, status, ..make.payment(store, &order) };
        let payment = inserted(&ports, &make, payment).await;
        assert_eq!(get(&ports, &payment).await, Some(payment));
    }
}

/// A payment inserted again, changed or not, is there already; nothing is written.
pub async fn a_payment_is_inserted_once(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let payment = make.payment(store, &order);
    let entry = audit(&make, &payment);
    ports.payments.insert(store, payment.clone(), entry.clone()).await.unwrap();
    let changed = Payment { id: payment.id, ..make.full_payment(store, &order) };
    for again in [payment.clone(), changed] {
        let outcome = ports.payments.insert(store, again, audit(&make, &payment)).await.unwrap();
        assert_eq!(outcome, PaymentInsert::AlreadyThere);
    }
    assert_eq!(get(&ports, &payment).await, Some(payment));
    audited(&ports.audit, &[&entry]).await;
}

/// Sixteen callers inserting one payment at once insert it once.
pub async fn a_payment_inserted_by_sixteen_callers_is_inserted_once(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let payment = make.full_payment(store, &order);
    let outcomes = at_once((0..16).map(|_| {
        let (ports, payment, entry) = (ports.clone(), payment.clone(), audit(&make, &payment));
        async move { ports.payments.insert(store, payment, entry).await.unwrap() }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == PaymentInsert::Inserted).count(), 1, "{outcomes:?}");
    assert_eq!(ports.payments.list_by_order(store, &order).await.unwrap(), [payment]);
}

/// An update replaces all that may change: refunds are added and change their status.
pub async fn an_update_of_a_payment_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let bare = make.payment(store, &order);
    let first = audit(&make, &bare);
    ports.payments.insert(store, bare.clone(), first.clone()).await.unwrap();
    let full = make.full_payment(store, &order);
    let filled = Payment {
        id: bare.id,
        amount: bare.amount,
        method: bare.method,
        created_at: bare.created_at,
        refunds: full.refunds[..1].to_vec(),
        version: 2,
        ..full.clone()
    };
    let entry = audit(&make, &bare);
    let outcome = ports.payments.update(store, filled.clone(), 1, Some(entry.clone())).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Updated);
    assert_eq!(get(&ports, &bare).await.as_ref(), Some(&filled));

    let mut refunds = full.refunds;
    refunds[0].status = RefundStatus::Failed;
    let more = Payment { refunds, version: 3, status: AttemptStatus::Refunded, ..filled };
    assert_eq!(update(&ports, &more).await, UpdateOutcome::Updated);
    assert_eq!(get(&ports, &bare).await.as_ref(), Some(&more));
    let emptied = Payment {
        transaction_id: None,
        gateway_response: None,
        recover_at: None,
        failures: 0,
        applied: false,
        version: 4,
        ..more
    };
    assert_eq!(update(&ports, &emptied).await, UpdateOutcome::Updated);
    assert_eq!(get(&ports, &bare).await, Some(emptied));
    audited(&ports.audit, &[&first, &entry]).await;
}

/// An update of another version, or of an absent payment, changes nothing: neither the
/// payment, nor its refunds, nor the audit log.
pub async fn a_stale_update_of_a_payment_changes_nothing(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let payment = make.payment(store, &order);
    let entry = audit(&make, &payment);
    ports.payments.insert(store, payment.clone(), entry.clone()).await.unwrap();
    let refunds = make.full_payment(store, &order).refunds;
    for expected in [0, 2, 3] {
        let next = Payment {
            status: AttemptStatus::Success,
            refunds: refunds.clone(),
            version: expected + 1,
            ..payment.clone()
        };
        let outcome = ports.payments.update(store, next, expected, Some(audit(&make, &payment))).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    let absent = make.payment(store, &order);
    assert_eq!(update(&ports, &Payment { version: 2, ..absent.clone() }).await, UpdateOutcome::Stale);
    assert_eq!(get(&ports, &absent).await, None);
    assert_eq!(get(&ports, &payment).await, Some(payment));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored: refunds never sum to
/// more than one caller decided.
pub async fn of_sixteen_updates_of_a_payment_at_once_one_is_stored(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let payment = Payment { status: AttemptStatus::Success, ..make.payment(store, &order) };
    let payment = inserted(&ports, &make, payment).await;
    let changes: Vec<_> = (0..16)
        .map(|at| {
            let (id, cause, amount) = (make.refund_id(), format!("amended:{at}"), payment.amount);
            let refund = Refund { id, cause, amount, status: RefundStatus::Requested, created_at: make.now() };
            Payment { refunds: vec![refund], version: 2, ..payment.clone() }
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|payment| {
        let ports = ports.clone();
        async move { update(&ports, &payment).await }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert_eq!(get(&ports, &payment).await.as_ref(), Some(won[0].0));
}

/// An order's payments come oldest first, whole; those of other orders and stores do not.
pub async fn an_orders_payments_come_oldest_first(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let mut payments = Vec::new();
    for at in 0..7 {
        make.clock().advance(TimeDelta::milliseconds(at % 2));
        payments.push(if at % 2 == 0 { make.payment(store, &order) } else { make.full_payment(store, &order) });
    }
    payments.push(make.payment(store, &make.order_id()));
    payments.push(make.payment(make.store_id(), &order));
    for payment in make.shuffled(payments.clone()) {
        inserted(&ports, &make, payment).await;
    }
    payments.retain(|payment| payment.store_id == store && payment.order_id == order);
    payments.sort_by_key(|payment| payment.id);
    assert_eq!(ports.payments.list_by_order(store, &order).await.unwrap(), payments);
    assert_eq!(ports.payments.list_by_order(store, &make.order_id()).await.unwrap(), []);
}

/// A payment of another store is absent: neither read, listed nor changed there.
pub async fn another_store_reaches_no_payment(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let payment = inserted(&ports, &make, make.full_payment(store, &order)).await;
    let other = make.store_id();
    assert_eq!(ports.payments.get(other, payment.id).await.unwrap(), None);
    assert_eq!(ports.payments.list_by_order(other, &order).await.unwrap(), []);
    let next = Payment { store_id: other, version: 2, status: AttemptStatus::Failed, ..payment.clone() };
    assert_eq!(update(&ports, &next).await, UpdateOutcome::Stale);
    assert_eq!(ports.payments.get(other, payment.id).await.unwrap(), None);
    assert_eq!(get(&ports, &payment).await, Some(payment));
}

/// Due are exactly the payments whose time of recovery has come, over all stores, oldest
/// first.
pub async fn due_are_payments_whose_time_has_come(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let now = make.now();
    let with = |seconds: Option<i64>, store| Payment {
        recover_at: seconds.map(|seconds| now + TimeDelta::seconds(seconds)),
        ..make.payment(store, &order)
    };
    inserted(&ports, &make, with(None, store)).await;
    let third = inserted(&ports, &make, with(Some(30), store)).await;
    let first = inserted(&ports, &make, with(Some(10), make.store_id())).await;
    let full = make.full_payment(store, &order);
    let second = Payment { recover_at: Some(now + TimeDelta::seconds(20)), ..full };
    let second = inserted(&ports, &make, second).await;
    let due = |seconds, limit| ports.queue.due(AllStores, now + TimeDelta::seconds(seconds), limit);
    eventually(vec![first.clone(), second.clone(), third.clone()], || due(30, 50)).await;
    eventually(vec![first.clone(), second.clone()], || due(30, 2)).await;
    eventually(vec![first.clone(), second.clone()], || due(29, 50)).await;
    eventually(vec![first.clone()], || due(10, 50)).await;
    eventually(Vec::new(), || due(9, 50)).await;
    let cleared = Payment { recover_at: None, status: AttemptStatus::Failed, version: 2, ..first };
    let later = Payment { recover_at: Some(now + TimeDelta::seconds(60)), failures: 1, version: 2, ..second };
    for payment in [&cleared, &later] {
        assert_eq!(update(&ports, payment).await, UpdateOutcome::Updated);
    }
    eventually(vec![third.clone()], || due(59, 50)).await;
    eventually(vec![third, later], || due(60, 50)).await;
}

/// Stuck are payments with something to recover on which it failed so often or more.
pub async fn stuck_are_payments_that_failed_often(bench: &Bench) {
    let (ports, make, store, order) = setup(bench);
    let far = make.now() + TimeDelta::days(30);
    let with = |failures| Payment { failures, recover_at: Some(far), ..make.payment(store, &order) };
    let nine = inserted(&ports, &make, with(9)).await;
    let ten = inserted(&ports, &make, with(10)).await;
    let many = inserted(&ports, &make, Payment { store_id: make.store_id(), ..with(4_000) }).await;
    let finished = Payment { status: AttemptStatus::Failed, recover_at: None, ..with(99) };
    inserted(&ports, &make, finished).await;
    let stuck = async |failures| {
        let mut found = ports.queue.stuck(AllStores, failures, 50).await?;
        found.sort_by_key(|payment| payment.id);
        Ok(found)
    };
    let sorted = |mut payments: Vec<Payment>| {
        payments.sort_by_key(|payment| payment.id);
        payments
    };
    eventually(sorted(vec![ten.clone(), many.clone()]), || stuck(10)).await;
    eventually(sorted(vec![nine, ten.clone(), many.clone()]), || stuck(9)).await;
    eventually(1, || async { Ok(ports.queue.stuck(AllStores, 9, 1).await?.len()) }).await;
    let done = Payment { status: AttemptStatus::Failed, recover_at: None, failures: 0, version: 2, ..many };
    assert_eq!(update(&ports, &done).await, UpdateOutcome::Updated);
    eventually(vec![ten], || stuck(10)).await;
}
