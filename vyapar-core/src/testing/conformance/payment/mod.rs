//! Payments: `PaymentRepository`, `PaymentQueue`.

pub mod payments;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __payment_promises {
    ($then:ident) => {
        $crate::$then! { payment
            payments [
                a_payment_reads_back_exactly
                a_payment_is_inserted_once
                a_payment_inserted_by_sixteen_callers_is_inserted_once
                an_update_of_a_payment_replaces_all_that_may_change
                a_stale_update_of_a_payment_changes_nothing
                of_sixteen_updates_of_a_payment_at_once_one_is_stored
                an_orders_payments_come_oldest_first
                another_store_reaches_no_payment
                due_are_payments_whose_time_has_come
                stuck_are_payments_that_failed_often
            ]
        }
    };
}
