//! Orders: `OrderRepository`, `OrderQueue`, `SealedTexts`.

pub mod inserting;
pub mod listing;
pub mod sealed;
pub mod updating;

use super::support::all_pages;
use crate::order::{InsertOutcome, NewOrder, Order, OrderFilter, OrderPorts, OrderSlot, OrderStatus, OrderUpdate};
use crate::store::UpdateOutcome;
use crate::testing::{Bench, Fixtures};
use crate::{StoreId, Stored};

/// The unit, fixtures of the calling line, a store.
#[track_caller]
fn setup(bench: &Bench) -> (OrderPorts, Fixtures, StoreId) {
    let make = Fixtures::here();
    let store = make.store_id();
    (bench.ports.order.clone(), make, store)
}

async fn insert(ports: &OrderPorts, new: &NewOrder) -> InsertOutcome {
    ports.orders.insert(new.order.store_id, new.clone()).await.unwrap()
}

/// The order, inserted.
async fn inserted(ports: &OrderPorts, make: &Fixtures, order: Order) -> Order {
    assert_eq!(insert(ports, &make.new_order(&order)).await, InsertOutcome::Inserted);
    order
}

async fn find(ports: &OrderPorts, order: &Order) -> OrderSlot {
    ports.orders.find(order.store_id, &order.id).await.unwrap()
}

/// What stands in the order's place, which must be an order.
async fn stored(ports: &OrderPorts, order: &Order) -> Order {
    match find(ports, order).await {
        OrderSlot::Order(found) => *found,
        other => panic!("{other:?} instead of an order"),
    }
}

/// The order one version on, in another status.
fn next_version(order: &Order, status: OrderStatus) -> Order {
    Order { status, version: order.version + 1, ..order.clone() }
}

/// Stores the order where `expected` is stored, without history or audit.
async fn update(ports: &OrderPorts, order: &Order, expected: u64) -> UpdateOutcome {
    let change = OrderUpdate { order: order.clone(), expected, history: None, audit: None };
    ports.orders.update(order.store_id, change).await.unwrap()
}

/// All orders of a store.
async fn listed(ports: &OrderPorts, store: StoreId) -> Stored<Vec<Order>> {
    all_pages(50, |page| ports.orders.list(store, OrderFilter::default(), page)).await
}

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __order_promises {
    ($then:ident) => {
        $crate::$then! { order
            inserting [
                a_full_order_reads_back_exactly
                a_bare_order_reads_back_exactly
                an_order_is_inserted_once
                an_order_inserted_by_thirty_two_callers_is_inserted_once
                a_tracking_id_belongs_to_one_order
                a_tracking_id_wanted_by_sixteen_orders_goes_to_one
                an_abandoned_order_is_never_inserted
                an_inserted_order_is_never_abandoned
                of_insert_and_abandon_at_once_one_side_has_it
            ]
            updating [
                an_update_replaces_all_that_may_change
                a_stale_update_changes_nothing
                an_update_of_what_is_not_there_is_stale
                of_sixteen_updates_at_once_one_is_stored
                history_is_appended_in_order
                every_effect_is_stored_and_cleared
                one_of_two_payments_pays_an_order
            ]
            listing [
                a_stores_orders_come_newest_first_page_by_page
                an_order_is_listed_under_its_present_status
                a_customers_orders_cross_stores
                order_lists_refuse_cursors_they_did_not_give_out
                a_tracking_id_leads_to_its_order
                another_store_reaches_no_order
                due_are_orders_whose_time_has_come
                stuck_are_orders_that_failed_often
            ]
            sealed [
                every_sealed_text_of_orders_is_listed_once
                a_sealed_text_of_an_order_is_replaced_and_nothing_else
                a_text_of_an_order_that_moved_on_is_not_replaced
                of_sixteen_replacements_at_once_one_is_done
            ]
        }
    };
}
