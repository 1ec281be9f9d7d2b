//! The order saga over all units of a bundle: placing, moves, money, faults at every step,
//! clients in each other's way.

pub mod faults;
pub mod money;
pub mod moving;
pub mod placing;
pub mod racing;
pub mod serving;

mod market;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __saga_promises {
    ($then:ident) => {
        $crate::$then! { saga
            placing [
                an_order_is_placed_whole
                the_same_request_is_the_same_order
                a_key_used_for_another_request_is_refused
                lines_of_one_product_are_summed
                refusals_write_nothing
                all_short_lines_are_told
                what_another_node_changed_counts_for_the_next_order
                an_edited_product_counts_for_the_next_order
                what_runs_out_is_listed
                known_goods_are_not_read_again
                thirty_two_calls_of_one_key_with_one_unit_left_place_one_order
                sixty_four_buyers_and_one_unit
                an_expired_hold_goes_to_the_next_buyer
                foreign_orders_are_absent
                orders_are_found_by_store_customer_and_tracking_id
            ]
            serving [
                a_saved_address_is_where_the_goods_go
                a_closed_store_takes_no_orders
                a_delivery_has_a_smallest_amount
                a_first_order_begins_a_profile
                a_delivered_order_adds_up_once
            ]
            moving [
                an_order_goes_its_way_and_leaves_its_history
                every_move_outside_the_table_leaves_no_trace
                an_order_is_confirmed_only_with_committed_stock
                cancelling_undoes_placing
                goods_that_left_come_back_as_returns
                goods_leave_once_however_often_delivery_is_tried
                parts_are_cancelled_exactly
                what_is_left_of_an_order_could_have_been_ordered
                cancelling_and_dispatching_at_once_has_one_winner
            ]
            money [
                a_payment_pays_its_order_once
                an_unpaid_order_gives_its_stock_back
                a_success_that_nobody_reported_is_found_by_recovery
                money_for_a_cancelled_order_goes_back
                the_second_of_two_successes_goes_back
                a_late_capture_that_nobody_reported_is_found
                a_failure_never_overwrites_a_success
                parts_of_a_paid_order_are_refunded_to_the_paisa
                a_gateway_that_is_away_is_asked_again
                a_refused_refund_is_made_in_the_end
                cash_is_recorded_at_delivery
                nothing_is_not_paid_online
                of_a_gateways_answer_only_known_fields_are_kept
            ]
            faults [
                placing_for_cash_survives_every_fault
                placing_by_memory_survives_every_fault
                placing_what_has_changed_survives_every_fault
                placing_online_survives_every_fault
                a_payment_survives_every_fault
                cancelling_survives_every_fault
                cancelling_a_paid_order_survives_every_fault
                confirming_and_dispatching_survive_every_fault
                delivering_survives_every_fault
                cancelling_after_dispatch_survives_every_fault
                reducing_survives_every_fault
                recovery_survives_every_fault
                an_order_insert_that_fails_is_undone
                an_undo_spares_what_another_caller_completed
                a_caller_that_vanishes_at_any_poll_leaves_nothing_behind
                an_entry_that_fails_starves_no_other
                what_contradicts_itself_is_listed_and_not_repaired
            ]
            racing [
                callers_of_one_key_and_recovery_agree
                buyers_cancellers_and_recovery_never_oversell
                faults_at_random_among_many_callers
            ]
        }
    };
}
