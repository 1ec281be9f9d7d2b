//! Every fault at every step: fails, is repeated, loses its answer, is late, dies.

use std::pin::Pin;
use std::task::Poll;

use chrono::TimeDelta;

use super::market::Market;
use crate::inventory::{ReleaseCause, ReservationState};
use crate::order::{Order, OrderError, OrderStatus, PaymentMethod};
use crate::quantity::Quantity;
use crate::testing::faults::Fault;
use crate::testing::{Bench, Fixtures};

type Act<'a> = Pin<Box<dyn Future<Output = Result<Order, OrderError>> + Send + 'a>>;

/// Something a client does, to which every fault happens at every step.
struct Scenario {
    /// Brings the market to where the act begins; without faults.
    before: for<'a> fn(&'a Market) -> Act<'a>,
    /// The act; with faults. It gets the order that `before` left.
    act: for<'a> fn(&'a Market, Order) -> Act<'a>,
    /// Whether the act's answer is the state to be found afterwards.
    lasting: bool,
    /// Whether cash orders are placed in steps, whatever the ports can do.
    in_steps: bool,
}

/// When a client that got no good answer asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    AtOnce,
    AfterRecovery,
}

impl Scenario {
    async fn market(&self, bench: &Bench, fixtures: &Fixtures) -> Market {
        if self.in_steps { Market::in_steps(bench, fixtures).await } else { Market::open(bench, fixtures).await }
    }

    async fn survives(&self, bench: &Bench, fixtures: &Fixtures) {
        let steps = self.steps(bench, fixtures).await;
        assert!(steps > 0);
        for number in 0..steps {
            for (at, fault) in Fault::ALL.into_iter().enumerate() {
                for (turn, retry) in [Retry::AtOnce, Retry::AfterRecovery].into_iter().enumerate() {
                    let picked = (number + at).is_multiple_of(2) && (number + at / 2 + turn).is_multiple_of(2);
                    if bench.is_exhaustive() || picked {
                        self.once(bench, fixtures, number, fault, retry).await;
                    }
                }
            }
        }
    }

    /// How many calls of storage the act makes when nothing goes wrong.
    async fn steps(&self, bench: &Bench, fixtures: &Fixtures) -> usize {
        let market = self.market(bench, fixtures).await;
        let order = (self.before)(&market).await.unwrap();
        market.faults.none();
        (self.act)(&market, order).await.unwrap();
        let steps = market.faults.calls().len();
        market.settle().await;
        market.check().await;
        steps
    }

    async fn once(&self, bench: &Bench, fixtures: &Fixtures, number: usize, fault: Fault, retry: Retry) {
        let market = self.market(bench, fixtures).await;
        let order = (self.before)(&market).await.unwrap();
        market.faults.at(number, fault);
        let told = market.faults.run((self.act)(&market, order.clone())).await;
        let calls = market.faults.calls();
        let what = format!("{fault:?} at {number} of {calls:?}, retry {retry:?}, told {told:?}");
        market.faults.none();
        let told = match (told, retry) {
            (Some(Ok(order)), _) => Some(order),
            (_, Retry::AtOnce) => (self.act)(&market, order.clone()).await.ok(),
            _ => None,
        };
        market.settle().await;
        check(&market, &what).await;
        if let Some(told) = told.filter(|_| self.lasting) {
            let now = market.calm.orders().get(&Market::host(), market.store, &told.id).await.unwrap();
            assert_eq!(now.status, told.status, "{what}: told otherwise");
        }
        if retry == Retry::AfterRecovery {
            // Whatever it answers by now: it is an answer, and it breaks nothing.
            drop((self.act)(&market, order).await);
            market.settle().await;
            check(&market, &what).await;
        }
    }
}

/// Says which fault it was before it says what is wrong.
async fn check(market: &Market, what: &str) {
    struct Say<'a>(&'a str);
    impl Drop for Say<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("{}", self.0);
            }
        }
    }
    let say = Say(what);
    market.check().await;
    drop(say);
}

fn nothing(market: &Market) -> Act<'_> {
    Box::pin(async move {
        // An order of another key, so that there is something to break.
        Ok(market.calm.orders().place(&market.buyer, market.cod("another")).await?.order)
    })
}

fn place(market: &Market, _: Order) -> Act<'_> {
    Box::pin(async move { Ok(market.vyapar.orders().place(&market.buyer, market.cod("key")).await?.order) })
}

/// An order of another key, placed by the library that will meet the faults.
fn known(market: &Market) -> Act<'_> {
    Box::pin(async move { Ok(market.vyapar.orders().place(&market.buyer, market.cod("another")).await?.order) })
}

/// The same, and then another node changes a product.
fn changed(market: &Market) -> Act<'_> {
    Box::pin(async move {
        let order = known(market).await?;
        market.reprice(0, "12").await;
        Ok(order)
    })
}

fn placed(market: &Market) -> Act<'_> {
    Box::pin(async move { Ok(market.calm.orders().place(&market.buyer, market.cod("key")).await?.order) })
}

fn online(market: &Market) -> Act<'_> {
    Box::pin(async move { Ok(market.calm.orders().place(&market.buyer, market.upi("key")).await?.order) })
}

async fn pay(market: &Market, vyapar: &crate::Vyapar, order: &Order) -> Result<Order, OrderError> {
    let payment = market.payments(&order.id).await.remove(0);
    let state = market.gateway.capture(payment.id);
    vyapar.orders().payment_event(&Market::host(), market.store, payment.id, &state).await?;
    market.calm.orders().get(&market.buyer, market.store, &order.id).await
}

fn paid(market: &Market) -> Act<'_> {
    Box::pin(async move { pay(market, &market.calm, &online(market).await?).await })
}

async fn advance(
    market: &Market,
    vyapar: &crate::Vyapar,
    order: &Order,
    to: &[OrderStatus],
) -> Result<Order, OrderError> {
    let mut order = order.clone();
    for to in to {
        order = vyapar.orders().advance(&market.owner, market.store, &order.id, *to, None).await?;
    }
    Ok(order)
}

fn ready(market: &Market) -> Act<'_> {
    use OrderStatus::{Confirmed, Preparing, Ready};
    Box::pin(async move { advance(market, &market.calm, &placed(market).await?, &[Confirmed, Preparing, Ready]).await })
}

fn on_its_way(market: &Market) -> Act<'_> {
    Box::pin(async move { advance(market, &market.calm, &ready(market).await?, &[OrderStatus::OutForDelivery]).await })
}

/// Placing an order paid on delivery.
pub async fn placing_for_cash_survives_every_fault(bench: &Bench) {
    Scenario { before: nothing, act: place, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// The same by one who has read the goods for an order before.
pub async fn placing_by_memory_survives_every_fault(bench: &Bench) {
    Scenario { before: known, act: place, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// The same where the goods have changed since.
pub async fn placing_what_has_changed_survives_every_fault(bench: &Bench) {
    Scenario { before: changed, act: place, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Placing an order paid online; nobody pays it in the end.
pub async fn placing_online_survives_every_fault(bench: &Bench) {
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> = |market, _| {
        Box::pin(async move { Ok(market.vyapar.orders().place(&market.buyer, market.upi("key")).await?.order) })
    };
    Scenario { before: nothing, act, lasting: false, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Booking what the gateway reports.
pub async fn a_payment_survives_every_fault(bench: &Bench) {
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> =
        |market, order| Box::pin(async move { pay(market, &market.vyapar, &order).await });
    Scenario { before: online, act, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

fn cancel(market: &Market, order: Order) -> Act<'_> {
    Box::pin(
        async move { market.vyapar.orders().cancel(&market.owner, market.store, &order.id, Some("not needed")).await },
    )
}

/// Cancelling an order paid on delivery.
pub async fn cancelling_survives_every_fault(bench: &Bench) {
    Scenario { before: placed, act: cancel, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Cancelling a paid order.
pub async fn cancelling_a_paid_order_survives_every_fault(bench: &Bench) {
    Scenario { before: paid, act: cancel, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// The store's moves up to the goods leaving.
pub async fn confirming_and_dispatching_survive_every_fault(bench: &Bench) {
    use OrderStatus::{Confirmed, OutForDelivery, Preparing, Ready};
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> = |market, order| {
        Box::pin(async move {
            let order = market.calm.orders().get(&market.owner, market.store, &order.id).await?;
            let all = [Confirmed, Preparing, Ready, OutForDelivery];
            let left = all.iter().position(|to| *to == order.status).map_or(0, |at| at + 1);
            advance(market, &market.vyapar, &order, &all[left..]).await
        })
    };
    Scenario { before: placed, act, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Handing the goods over: the store and the customer count the order, once.
pub async fn delivering_survives_every_fault(bench: &Bench) {
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> = |market, order| {
        Box::pin(async move { advance(market, &market.vyapar, &order, &[OrderStatus::Delivered]).await })
    };
    Scenario { before: on_its_way, act, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Cancelling an order whose goods have left.
pub async fn cancelling_after_dispatch_survives_every_fault(bench: &Bench) {
    Scenario { before: on_its_way, act: cancel, lasting: true, in_steps: false }
        .survives(bench, &Fixtures::here())
        .await;
}

/// Cancelling a part of a paid order.
pub async fn reducing_survives_every_fault(bench: &Bench) {
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> = |market, order| {
        Box::pin(async move {
            let targets = [(market.products[0], Quantity::units(1)), (market.products[1], Quantity::ZERO)];
            market.vyapar.orders().reduce(&market.buyer, market.store, &order.id, &targets).await
        })
    };
    Scenario { before: paid, act, lasting: true, in_steps: false }.survives(bench, &Fixtures::here()).await;
}

/// Recovery itself, over an order that was left half placed, one with a pending effect and
/// one with an unbooked payment.
pub async fn recovery_survives_every_fault(bench: &Bench) {
    let before: for<'a> fn(&'a Market) -> Act<'a> = |market| {
        Box::pin(async move {
            let buy = |key: &'static str, method| {
                market.faults.run(market.vyapar.orders().place(&market.buyer, market.request(key, method, &[(0, 1)])))
            };
            market.faults.plan(|call| (call.name == "orders.insert").then_some(Fault::CrashBefore));
            assert!(buy("before insert", PaymentMethod::Cod).await.is_none());
            market.faults.plan(|call| (call.name == "reservations.commit").then_some(Fault::CrashBefore));
            assert!(buy("before commit", PaymentMethod::Cod).await.is_none());
            market.faults.none();
            let order = placed(market).await?;
            let paid = online_and_unbooked(market).await?;
            market.faults.plan(|call| (call.name == "reservations.release").then_some(Fault::CrashBefore));
            assert!(market.faults.run(cancel(market, order)).await.is_none());
            market.faults.none();
            market.fixtures.clock().advance(TimeDelta::minutes(20));
            Ok(paid)
        })
    };
    let act: for<'a> fn(&'a Market, Order) -> Act<'a> = |market, order| {
        Box::pin(async move {
            market.vyapar.orders().recover(&Market::host(), 100).await?;
            market.calm.orders().get(&market.buyer, market.store, &order.id).await
        })
    };
    Scenario { before, act, lasting: false, in_steps: true }.survives(bench, &Fixtures::here()).await;
}

async fn online_and_unbooked(market: &Market) -> Result<Order, OrderError> {
    let request = market.request("unbooked", PaymentMethod::Card, &[(2, 1)]);
    let order = market.calm.orders().place(&market.buyer, request).await?.order;
    market.faults.plan(|call| (call.name == "reservations.commit").then_some(Fault::CrashBefore));
    assert!(market.faults.run(pay(market, &market.vyapar, &order)).await.is_none());
    market.faults.none();
    Ok(order)
}

/// The order's insert fails for good: its stock goes back at once, without recovery, and the
/// key is free for another try.
pub async fn an_order_insert_that_fails_is_undone(bench: &Bench) {
    let market = Market::in_steps(bench, &Fixtures::here()).await;
    let full = market.free().await;
    market.faults.plan(|call| (call.name == "orders.insert").then_some(Fault::Break));
    let error = market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap_err();
    assert!(matches!(error, OrderError::Storage(_)), "{error:?}");
    assert_eq!(market.free().await, full);
    market.check().await;
    market.faults.none();
    let placed = market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap();
    assert!(!placed.replayed);
    assert_eq!(market.reservation(&placed.order).await.unwrap().hold.attempt, 2);
    market.check().await;
}

/// The answer to an insert is lost; before its caller can undo, another caller of the same
/// key completes the order. Then it stays, and both are told the same. The first caller is
/// not polled meanwhile, once in the middle of its insert and once after it: nobody waits
/// for a caller that does not go on.
pub async fn an_undo_spares_what_another_caller_completed(bench: &Bench) {
    for within in [true, false] {
        let market = Market::in_steps(bench, &Fixtures::seeded(u64::from(within))).await;
        market.faults.plan(|call| (call.name == "orders.insert").then_some(Fault::LoseAnswer));
        let mut first = Box::pin(market.vyapar.orders().place(&market.buyer, market.cod("key")));
        let there = || {
            let calls = market.faults.calls();
            calls.last() == Some(&"orders.insert") && (within || market.faults.answered() == calls.len())
        };
        let early = std::future::poll_fn(|context| match first.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if there() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        assert!(early.await.is_none(), "placed without an insert");
        let second = market.calm.orders().place(&market.buyer, market.cod("key")).await.unwrap().order;
        let first = first.await.unwrap().order;
        let told = (&first.id, first.status, second.status);
        assert_eq!(told, (&second.id, OrderStatus::Placed, OrderStatus::Placed));
        market.settle().await;
        market.check().await;
        let now = market.calm.orders().get(&market.buyer, market.store, &second.id).await.unwrap();
        assert_eq!(now.status, OrderStatus::Placed, "told placed, cancelled all the same");
    }
}

/// The caller's future is dropped after one poll, two polls, and so on to its end.
pub async fn a_caller_that_vanishes_at_any_poll_leaves_nothing_behind(bench: &Bench) {
    let fixtures = Fixtures::here();
    for limit in 0..2_000 {
        let market = Market::open(bench, &fixtures).await;
        let answer = polls(market.vyapar.orders().place(&market.buyer, market.cod("key")), limit).await;
        let ended = answer.is_some();
        if limit % 2 == 0 {
            // Every other client comes back before recovery does.
            market.vyapar.orders().place(&market.buyer, market.cod("key")).await.unwrap();
        }
        market.settle().await;
        check(&market, &format!("dropped after {limit} polls")).await;
        if ended {
            assert!(limit > 2, "placing takes more than {limit} polls");
            return;
        }
    }
    panic!("placing never ends");
}

/// The work's answer, unless it takes more polls: then it is dropped.
async fn polls<T>(work: impl Future<Output = T>, limit: usize) -> Option<T> {
    let mut work = Box::pin(work);
    let mut left = limit;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

/// A reservation on which recovery fails every time moves its own turn back, and is listed
/// as stuck in the end; the others get their turn even one at a time.
pub async fn an_entry_that_fails_starves_no_other(bench: &Bench) {
    let market = Market::in_steps(bench, &Fixtures::here()).await;
    market.faults.plan(|call| (call.name == "orders.insert").then_some(Fault::CrashBefore));
    for key in ["poison", "other"] {
        let request = market.request(key, PaymentMethod::Cod, &[(0, 1)]);
        assert!(market.faults.run(market.vyapar.orders().place(&market.buyer, request)).await.is_none());
    }
    market.fixtures.clock().advance(TimeDelta::minutes(3));
    let host = Market::host();
    market.faults.plan(|call| (call.name == "orders.find").then_some(Fault::Fail));
    assert_eq!(market.vyapar.orders().recover(&host, 1).await.unwrap().failed, 1);
    market.faults.none();
    assert_eq!(market.vyapar.orders().recover(&host, 1).await.unwrap().reservations, 1, "the other was starved");
    assert_eq!(market.free().await[0], Quantity::units(super::market::STOCK - 1));
    // Failing every time, it is listed in the end; and it is still taken up when it can be.
    for _ in 0..12 {
        market.faults.plan(|call| (call.name == "orders.find").then_some(Fault::Fail));
        market.fixtures.clock().advance(TimeDelta::hours(2));
        market.vyapar.orders().recover(&host, 1).await.unwrap();
    }
    assert_eq!(market.calm.orders().stuck(&host, 10).await.unwrap().len(), 1);
    market.settle().await;
    market.check().await;
}

/// R released under a confirmed order cannot come from the protocol; where it is found, it
/// is listed and left alone.
pub async fn what_contradicts_itself_is_listed_and_not_repaired(bench: &Bench) {
    let market = Market::open(bench, &Fixtures::here()).await;
    let order = placed(&market).await.unwrap();
    let order = advance(&market, &market.calm, &order, &[OrderStatus::Confirmed]).await.unwrap();
    // Behind the library's back: the stock of a live order is given back, and a hold of the
    // next attempt stands under the same order.
    let reservations = &market.ports.stock.reservations;
    let now = market.fixtures.now();
    reservations.release(market.store, order.hold.clone(), ReleaseCause::Cancelled, now).await.unwrap();
    let hold = crate::inventory::Hold { attempt: order.hold.attempt + 1, ..order.hold.clone() };
    let lines = vec![(market.products[0], Quantity::units(1))];
    let request = crate::inventory::Reserve {
        hold: hold.clone(),
        fingerprint: order.fingerprint,
        lines,
        due: now + TimeDelta::minutes(2),
        performed_by: None,
        now,
    };
    reservations.reserve(market.store, request).await.unwrap();
    market.fixtures.clock().advance(TimeDelta::minutes(5));
    let done = market.calm.orders().recover(&Market::host(), 100).await.unwrap();
    assert_eq!((done.failed, done.reservations), (1, 0));
    let stuck = market.calm.orders().stuck(&Market::host(), 100).await.unwrap();
    assert_eq!(stuck.len(), 1, "{stuck:#?}");
    let held = reservations.find(market.store, hold.id).await.unwrap().unwrap();
    assert_eq!((held.hold, held.state), (hold, ReservationState::Held), "repaired by guess");
}
