//! What adds up in a customer.

use super::super::support::at_once;
use super::{audit, get, inserted, setup};
use crate::customer::{CreditOutcome, CreditedOrder, Customer, CustomerTotals};
use crate::money::Money;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

fn rupees(text: &str) -> Money {
    text.parse().unwrap()
}

/// However many repeat it at the same time, and later, with whichever amounts.
pub async fn an_order_is_credited_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    let customer = inserted(&ports, &make, make.full_customer()).await;
    let order = make.credited(rupees("99999.99"), 1_000);
    let tasks = (0..32).map(|_| {
        let (ports, order, id) = (ports.clone(), order.clone(), customer.id);
        async move { ports.customers.credit(id, order).await.unwrap() }
    });
    let answers = at_once(tasks).await;
    assert_eq!(answers.iter().filter(|answer| **answer == CreditOutcome::Credited).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| *answer != CreditOutcome::NoCustomer), "{answers:?}");
    let again = CreditedOrder { spent: rupees("1"), points: 5, store_id: make.store_id(), ..order.clone() };
    assert_eq!(ports.customers.credit(customer.id, again).await.unwrap(), CreditOutcome::Already);
    let totals = CustomerTotals { loyalty_points: 1_000, total_orders: 1, total_spent: order.spent };
    let expected = Customer { totals, ..customer };
    assert_eq!(get(&ports, expected.id).await.as_ref(), Some(&expected), "neither version nor time change");
    // The same order of another customer is another credit: ids of orders are the store's business.
    let other = inserted(&ports, &make, make.customer()).await;
    assert_eq!(ports.customers.credit(other.id, order).await.unwrap(), CreditOutcome::Credited);
    assert_eq!(get(&ports, expected.id).await, Some(expected));
}

/// To the paisa; an order of nothing counts too.
pub async fn orders_credited_at_once_add_up(bench: &Bench) {
    let (ports, make) = setup(bench);
    let customer = inserted(&ports, &make, make.customer()).await;
    let orders: Vec<_> =
        (0_i64..40).map(|n| make.credited(Money::from_paise(n * 101).unwrap(), n.unsigned_abs())).collect();
    let tasks = orders.into_iter().flat_map(|order| [order.clone(), order]).map(|order| {
        let (ports, id) = (ports.clone(), customer.id);
        async move { ports.customers.credit(id, order).await.unwrap() }
    });
    let answers = at_once(tasks).await;
    assert_eq!(answers.iter().filter(|answer| **answer == CreditOutcome::Credited).count(), 40, "{answers:?}");
    let total_spent = Money::from_paise((0..40).map(|n| n * 101).sum()).unwrap();
    let totals = CustomerTotals { loyalty_points: (0..40).sum(), total_orders: 40, total_spent };
    assert_eq!(get(&ports, customer.id).await.unwrap().totals, totals);
}

/// A change of the profile that read older totals does not undo the newer ones.
pub async fn credits_and_changes_at_once_lose_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let customer = inserted(&ports, &make, make.full_customer()).await;
    let tasks = (0_u64..24).map(|n| {
        let (ports, make, id) = (ports.clone(), make.clone(), customer.id);
        async move {
            if n % 3 > 0 {
                let order = make.credited(rupees("2.50"), 2);
                assert_eq!(ports.customers.credit(id, order).await.unwrap(), CreditOutcome::Credited);
                return 0;
            }
            let mut changed = 0;
            for _ in 0..4 {
                let mut known = ports.customers.get(id).await.unwrap().unwrap();
                known.addresses.rotate_left(1);
                let next = Customer { version: known.version + 1, ..known.clone() };
                let outcome = ports.customers.update(next, known.version, audit(&make, &known)).await.unwrap();
                changed += u64::from(outcome == UpdateOutcome::Updated);
            }
            changed
        }
    });
    let changed: u64 = at_once(tasks).await.into_iter().sum();
    let stored = get(&ports, customer.id).await.unwrap();
    let totals = CustomerTotals { loyalty_points: 32, total_orders: 16, total_spent: rupees("40") };
    assert_eq!((stored.version, stored.totals), (1 + changed, totals));
}

/// And is not there afterwards; once he is, the order counts.
pub async fn nobody_there_is_credited_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (customer, order) = (make.customer(), make.credited(rupees("10"), 1));
    assert_eq!(ports.customers.credit(customer.id, order.clone()).await.unwrap(), CreditOutcome::NoCustomer);
    assert_eq!(get(&ports, customer.id).await, None);
    let customer = inserted(&ports, &make, customer).await;
    assert_eq!(ports.customers.credit(customer.id, order).await.unwrap(), CreditOutcome::Credited);
    assert_eq!(get(&ports, customer.id).await.unwrap().totals.total_orders, 1);
}
