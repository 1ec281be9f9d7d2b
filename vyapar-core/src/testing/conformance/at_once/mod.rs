//! Placing in one write: `PlaceAtOnce`, for adapters that have both stock and orders.

pub mod changing;
pub mod placing;

mod market;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __at_once_promises {
    ($then:ident) => {
        $crate::$then! { at_once
            placing [
                an_order_is_placed_whole_at_once
                a_short_order_leaves_nothing_at_all
                a_known_key_or_order_is_taken
                a_free_key_is_placed_under_its_next_attempt
                a_taken_tracking_id_leaves_nothing_at_all
                what_is_due_goes_to_who_places_at_once
                sixty_four_buyers_at_once_and_one_unit
                callers_of_one_key_place_one_order
                of_placing_and_abandoning_at_once_one_side_has_it
                buyers_at_once_and_in_steps_never_oversell
            ]
            changing [
                an_order_by_what_stands_is_placed
                an_order_by_what_has_changed_leaves_nothing_at_all
                a_change_is_told_first
                each_caller_has_a_basis_of_its_own
                what_came_after_a_change_is_never_sold_by_what_was_before
            ]
        }
    };
}
