//! Customers: `CustomerRepository`, `SealedTexts`.

pub mod credits;
pub mod customers;
pub mod sealed;
pub mod waiting;

use crate::customer::{Customer, CustomerPorts};
use crate::id::CustomerId;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

#[track_caller]
fn setup(bench: &Bench) -> (CustomerPorts, Fixtures) {
    (bench.ports.customer.clone(), Fixtures::here())
}

fn audit(make: &Fixtures, customer: &Customer) -> AuditEntry {
    make.audit(None, "customer.change", "customer", &customer.id.to_string())
}

/// The customer, inserted.
async fn inserted(ports: &CustomerPorts, make: &Fixtures, customer: Customer) -> Customer {
    assert!(ports.customers.insert(customer.clone(), audit(make, &customer)).await.unwrap());
    customer
}

async fn get(ports: &CustomerPorts, id: CustomerId) -> Option<Customer> {
    ports.customers.get(id).await.unwrap()
}

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __customer_promises {
    ($then:ident) => {
        $crate::$then! { customer
            customers [
                a_customer_reads_back_exactly
                a_customer_who_is_there_stays_as_he_is
                of_thirty_two_inserts_of_a_customer_one_is_stored
                an_update_of_a_customer_replaces_all_that_may_change
                a_stale_update_of_a_customer_changes_nothing
                of_sixteen_updates_of_a_customer_at_once_one_is_stored
                addresses_are_stored_as_a_whole
                customers_share_no_addresses
            ]
            credits [
                an_order_is_credited_once
                orders_credited_at_once_add_up
                credits_and_changes_at_once_lose_nothing
                nobody_there_is_credited_nothing
            ]
            waiting [
                addresses_that_wait_come_when_they_are_due
            ]
            sealed [
                every_sealed_text_of_addresses_is_listed_once
                a_sealed_text_of_an_address_is_replaced_and_nothing_else
                a_text_of_an_address_that_moved_on_is_not_replaced
                of_sixteen_replacements_of_an_address_at_once_one_is_done
            ]
        }
    };
}
