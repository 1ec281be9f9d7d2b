//! Stock levels, movements and holds: `StockLedger`, `Reservations`, `ReservationQueue`.

pub mod amending;
pub mod changes;
pub mod moving;
pub mod racing;
pub mod reading;
pub mod recovering;
pub mod reserving;
pub mod returning;
pub mod storm;
pub mod tenancy;

pub(in super::super) mod shop;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __stock_promises {
    ($then:ident) => {
        $crate::$then! { stock
            changes [
                opening_again_changes_nothing
                opening_at_once_opens_once
                a_change_meets_no_hold_that_has_run_out
                a_change_moves_stock_and_leaves_its_movements
                an_operation_is_applied_once
                an_operation_sent_sixteen_times_at_once_is_applied_once
                a_short_change_touches_nothing_and_tells_all_short_lines
                a_count_sets_what_is_on_hand
                a_count_below_what_is_held_names_the_orders
                a_count_below_what_is_held_names_at_most_twenty_orders
                a_change_of_unopened_stock_touches_nothing
                a_level_never_passes_the_largest_quantity
                what_is_held_can_always_go_back
                a_change_takes_49_products_and_not_50
            ]
            reading [
                levels_leave_out_foreign_and_unopened_products
                levels_of_200_products_and_not_of_201
                movements_come_newest_first_page_by_page
                movements_of_foreign_products_are_absent
                movements_refuse_cursors_they_did_not_give_out
                verify_counts_what_it_checked
                the_books_add_up_after_every_move
            ]
            reserving [
                a_reserve_holds_all_its_lines
                a_short_basket_holds_nothing_and_tells_all_short_lines
                a_repeated_reserve_holds_once
                a_taken_key_answers_with_its_reservation
                a_reserve_of_a_hold_that_moved_on_is_taken
                a_basket_has_49_products_and_not_50
                live_holds_and_earlier_allocations_decide_together
                an_expired_hold_frees_its_stock_when_it_is_due
                only_holds_that_are_due_are_freed
                a_tombstone_refuses_a_late_reserve
                only_a_closed_release_can_be_replaced_and_only_by_a_higher_attempt
            ]
            moving [
                a_commit_holds_without_a_time_limit
                a_hold_past_its_time_can_be_committed_until_it_is_freed
                a_commit_of_what_is_not_held_is_lost
                an_undone_hold_gives_its_stock_back_once
                an_undo_reaches_only_its_own_hold
                a_tombstone_may_replace_a_closed_release
                a_cancelled_order_releases_from_held_committed_and_released
                a_cancelled_order_releases_nothing_else
                a_dispatch_takes_goods_out_of_what_is_held_once
                only_a_committed_hold_can_be_dispatched
                only_a_released_hold_can_be_closed
            ]
            amending [
                an_amendment_sets_what_is_held
                an_amendment_of_an_older_revision_changes_nothing
                a_short_amendment_changes_nothing_and_tells_all_short_lines
                only_what_holds_can_be_amended
                amended_quantities_are_what_is_released_and_dispatched
                an_amendment_takes_49_products_and_not_50
                amendments_never_make_more_than_49_lines
                amendments_at_once_end_at_the_highest_revision
            ]
            returning [
                goods_that_come_back_are_booked
                goods_come_back_once_per_operation
                goods_come_back_once_when_sent_sixteen_times_at_once
                no_more_comes_back_than_went_out
                no_more_comes_back_than_went_out_at_once
                goods_that_no_longer_fit_do_not_come_back
                only_dispatched_goods_come_back
            ]
            recovering [
                due_are_open_reservations_whose_time_has_come
                what_is_done_with_is_due_no_more
                a_deferred_hold_still_frees_its_stock_in_time
                only_an_open_hold_of_this_attempt_is_deferred
                stuck_are_open_reservations_that_failed_often
            ]
            tenancy [
                another_store_moves_no_hold
                another_store_reaches_no_stock
                the_same_ids_in_two_stores_are_two_things
            ]
            racing [
                sixty_four_buyers_and_one_unit
                more_buyers_than_units_sell_every_unit_once
                one_reserve_sent_by_thirty_two_callers_holds_once
                one_key_for_sixteen_orders_holds_one
                baskets_in_opposite_order_never_deadlock
                disjoint_baskets_are_all_held
                a_thousand_times_ten_grams_empty_ten_kilograms
                a_hold_released_by_many_at_once_is_released_once
                a_hold_that_expires_while_it_is_undone_is_released_once
                of_a_commit_and_an_undo_at_once_one_wins
                goods_leave_once_or_go_back
            ]
            storm [
                the_books_add_up_after_a_storm
            ]
        }
    };
}
