//! Stores, addresses and searches as a host's users meet them: through the services.
//!
//! These promises need all units, of which any may come from another adapter.

pub mod locating;
pub mod nearby;
pub mod profiles;
pub mod registering;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __town_promises {
    ($then:ident) => {
        $crate::$then! { town
            registering [
                namesakes_get_readable_names_of_their_own
                what_no_store_can_be_is_refused_and_writes_nothing
                no_backend_meets_a_text_that_it_cannot_store
                a_profile_changes_from_the_version_that_was_read
                the_platform_verifies_a_store
                reviews_count_beside_changes_of_the_profile
            ]
            locating [
                a_registration_asks_once_and_keeps_the_answer
                a_geocoder_that_fails_costs_no_store
                a_geocoder_that_fails_costs_no_address
                without_a_geocoder_addresses_wait_for_one
                a_used_up_quota_ends_the_run
                a_store_that_moves_is_asked_for_anew
                a_store_that_moves_while_it_is_asked_for_keeps_its_turn
            ]
            nearby [
                a_pin_code_is_where_its_stores_are
                one_call_answers_all_who_ask_for_a_landmark
                a_search_begins_at_ones_own_addresses_only
                open_stores_are_found_beyond_closed_ones
                pages_begin_where_the_first_one_did
                what_delivers_here_is_what_checking_says
                searches_that_cannot_be_are_refused
            ]
            profiles [
                a_profile_begins_with_the_account
                a_profile_that_somebody_else_began_gets_its_account
                an_address_is_kept_once_and_one_is_the_default
                what_no_address_can_be_is_refused
                changes_at_once_lose_nothing
                preferred_stores_are_kept_once
                an_erased_account_keeps_no_address
            ]
        }
    };
}
