//! Who may do what, through the services: signing in, granting, staff, attacks, keys.
//!
//! These promises need all units, of which any may come from another adapter.

pub mod attacks;
pub mod ending;
pub mod granting;
pub mod keys;
pub mod sessions;
pub mod signing_in;
pub mod staffing;
pub mod trail;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __security_promises {
    ($then:ident) => {
        $crate::$then! { security
            signing_in [
                an_unknown_account_answers_as_a_wrong_password_does
                wrong_passwords_lock_for_a_growing_time
                sixty_four_guesses_at_once_get_no_more_tries_than_one_guesser
                a_code_counts_once_however_many_use_it_at_once
                codes_are_limited_whatever_they_are_for
                guessed_codes_run_out_over_all_codes_sent
                a_code_makes_an_account_once
                proof_of_a_number_ends_what_was_set_without_it
                a_number_that_was_only_typed_opens_no_account
                phones_and_addresses_are_unique_in_every_shape
                an_address_is_verified_by_the_newest_link_once
                what_cannot_be_is_refused_and_writes_nothing
            ]
            sessions [
                a_token_is_worth_what_its_session_is
                tampered_tokens_are_worth_nothing
                another_password_ends_every_session
                a_reset_needs_a_code_and_ends_every_session
                an_account_that_ends_takes_all_with_it
                an_erased_account_loses_its_contacts_and_others_may_have_them
            ]
            ending [
                a_deactivation_that_goes_wrong_is_finished_by_repeating_it
                an_invitation_that_goes_wrong_is_accepted_by_repeating_it
            ]
            granting [
                seeding_twice_is_seeding_once
                the_first_super_admin_is_made_once
                nobody_hands_out_what_he_does_not_hold_or_stand_above
                nobody_raises_himself
                grants_count_until_they_end_and_a_denial_wins
                the_last_super_admin_stays
                two_super_admins_who_end_each_other_leave_one
                roles_change_for_those_who_have_them_and_deleted_ones_never_return
                who_hands_out_is_judged_by_what_is_stored
                an_explanation_names_the_rows
            ]
            staffing [
                who_registers_a_store_owns_it
                an_invitation_makes_whom_it_was_sent_to_a_member_once
                nobody_hands_out_more_of_a_store_than_he_has
                an_invitation_is_worth_what_who_sent_it_still_has
                a_store_keeps_an_owner
                who_is_removed_can_do_nothing_more
            ]
            attacks [
                every_method_refuses_whom_the_table_refuses
                every_method_asks_for_what_its_row_says
                public_and_own_rows_are_for_those_who_may_see_them
                a_member_who_manages_no_orders_is_only_a_customer_of_his_own
            ]
            keys [
                rotated_keys_open_and_find_all_that_was_stored
                nobody_signs_up_twice_while_keys_rotate
                a_text_that_was_changed_or_moved_is_not_opened
            ]
            trail [
                every_critical_operation_leaves_its_entry
                nothing_personal_is_stored_in_the_clear
                nothing_personal_is_in_debug_errors_or_traces
            ]
        }
    };
}
