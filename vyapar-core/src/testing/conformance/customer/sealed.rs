//! The sealed texts of addresses.

use super::super::sealing::{Texts, holds, replace, replace_all, replace_at_once, text};
use super::{audit, get, inserted, setup};
use crate::customer::{Customer, CustomerAddress, CustomerPorts};
use crate::store::UpdateOutcome;
use crate::testing::{Bench, Fixtures};

fn context(column: &str, address: &CustomerAddress) -> String {
    format!("customer_addresses.{column}:{}", address.id)
}

/// The texts of a customer, by their contexts.
fn texts(customer: &Customer) -> Texts {
    let of = |address: &CustomerAddress| {
        let all = [
            ("address_line1", Some(address.address_line1.clone())),
            ("address_line2", address.address_line2.clone()),
            ("landmark", address.landmark.clone()),
        ];
        let there = all.into_iter().filter_map(|(column, sealed)| Some((column, sealed?)));
        there.map(|(column, sealed)| (context(column, address), sealed)).collect::<Vec<_>>()
    };
    customer.addresses.iter().flat_map(of).collect()
}

/// Customers with several addresses, with one, and with none.
async fn many(ports: &CustomerPorts, make: &Fixtures) -> Vec<Customer> {
    let mut customers = Vec::new();
    for at in 0..9 {
        let mut customer = if at % 3 == 0 { make.full_customer() } else { make.customer() };
        if at % 3 == 1 {
            customer.put_address(make.full_address()).unwrap();
        }
        customers.push(inserted(ports, make, customer).await);
    }
    customers
}

/// Under its context, as it is now; those of removed addresses are not.
pub async fn every_sealed_text_of_addresses_is_listed_once(bench: &Bench) {
    let (ports, make) = setup(bench);
    holds(&ports.sealed, &Texts::new()).await;
    let mut customers = many(&ports, &make).await;
    let gone = customers[0].addresses[2].id;
    customers[0].remove_address(gone);
    customers[0].addresses[0].landmark = Some(make.sealed("the temple"));
    customers[0].version = 2;
    let update = ports.customers.update(customers[0].clone(), 1, audit(&make, &customers[0]));
    assert_eq!(update.await.unwrap(), UpdateOutcome::Updated);
    let expected: Texts = customers.iter().flat_map(texts).collect();
    assert_eq!(expected.len(), 3 * 5 + 3 * 3);
    holds(&ports.sealed, &expected).await;
}

/// The next write of that version is not stale.
pub async fn a_sealed_text_of_an_address_is_replaced_and_nothing_else(bench: &Bench) {
    let (ports, make) = setup(bench);
    let customers = many(&ports, &make).await;
    let now = replace_all(&ports.sealed, &make).await;
    assert_eq!(now.len(), 3 * 5 + 3 * 3);
    for mut customer in customers {
        for address in &mut customer.addresses {
            let of = |column: &str| now.get(&context(column, address)).cloned();
            let (line1, line2, landmark) = (of("address_line1").unwrap(), of("address_line2"), of("landmark"));
            (address.address_line1, address.address_line2, address.landmark) = (line1, line2, landmark);
        }
        assert_eq!(get(&ports, customer.id).await.as_ref(), Some(&customer));
        customer.version = 2;
        let outcome = ports.customers.update(customer.clone(), 1, audit(&make, &customer)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
    }
    holds(&ports.sealed, &now).await;
}

/// Changed, gone with its address, or gone with its customer's erasure.
pub async fn a_text_of_an_address_that_moved_on_is_not_replaced(bench: &Bench) {
    let (ports, make) = setup(bench);
    let customers = many(&ports, &make).await;
    let (mut one, mut erased) = (customers[0].clone(), customers[3].clone());
    let port = &ports.sealed;
    let changed = text(port, &context("address_line1", &one.addresses[0])).await;
    let removed = text(port, &context("address_line1", &one.addresses[2])).await;
    let stays = text(port, &context("landmark", &one.addresses[1])).await;
    let emptied = text(port, &context("address_line2", &erased.addresses[1])).await;
    one.addresses[0].address_line1 = make.sealed("2 New Lane");
    let gone = one.addresses[2].id;
    one.remove_address(gone);
    erased.erase(make.now());
    for next in [&mut one, &mut erased] {
        next.version = 2;
        let outcome = ports.customers.update(Customer::clone(next), 1, audit(&make, next)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
    }
    for text in [&changed, &removed, &emptied] {
        assert!(!replace(port, text, &make.sealed("late")).await, "{}", text.context);
    }
    assert_eq!(get(&ports, one.id).await.as_ref(), Some(&one));
    assert_eq!(get(&ports, erased.id).await.as_ref(), Some(&erased));
    let to = make.sealed("the mosque");
    assert!(replace(port, &stays, &to).await);
    one.addresses[1].landmark = Some(to);
    assert_eq!(get(&ports, one.id).await, Some(one));
}

/// And that one stands there.
pub async fn of_sixteen_replacements_of_an_address_at_once_one_is_done(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut customer = many(&ports, &make).await[0].clone();
    let line = text(&ports.sealed, &context("address_line1", &customer.addresses[1])).await;
    customer.addresses[1].address_line1 = replace_at_once(&ports.sealed, &make, &line).await;
    assert_eq!(get(&ports, customer.id).await, Some(customer));
}
