//! Stores: `StoreRepository`, `StoreCounters`, `StoreSearch`, `StoreUserRepository`,
//! `InvitationRepository`, `SealedTexts`.

pub mod counters;
pub mod invitations;
pub mod members;
pub mod nearby;
pub mod owners;
pub mod sealed;
pub mod stores;
pub mod waiting;

use crate::id::StoreId;
use crate::store::{StorePorts, StoreUser};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// The unit, fixtures of the calling line, and a store that nobody owns.
#[track_caller]
fn shop(bench: &Bench) -> impl Future<Output = (StorePorts, Fixtures, StoreId)> {
    let (ports, make) = (bench.ports.store.clone(), Fixtures::here());
    async move {
        let store = another_shop(&ports, &make).await;
        (ports, make, store)
    }
}

/// Another store that nobody owns.
async fn another_shop(ports: &StorePorts, make: &Fixtures) -> StoreId {
    let store = make.store();
    let entry = make.audit(Some(store.id), "store.register", "store", &store.id.to_string());
    ports.stores.insert(store.clone(), None, entry).await.unwrap();
    store.id
}

/// An entry about the user's part in his store.
fn audit(make: &Fixtures, member: &StoreUser) -> AuditEntry {
    make.audit(Some(member.store_id), "staff.change", "store_user", &member.id.to_string())
}

/// The member, inserted.
async fn hired(ports: &StorePorts, make: &Fixtures, member: StoreUser) -> StoreUser {
    assert!(ports.members.insert(member.store_id, member.clone(), audit(make, &member)).await.unwrap());
    member
}

/// The row of the member's user in his store.
async fn found(ports: &StorePorts, member: &StoreUser) -> Option<StoreUser> {
    ports.members.get(member.store_id, member.user_id).await.unwrap()
}

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_promises {
    ($then:ident) => {
        $crate::$then! { store
            stores [
                a_store_reads_back_exactly
                every_kind_of_store_is_stored
                ids_and_slugs_of_stores_are_unique
                a_slug_wanted_by_sixteen_stores_goes_to_one
                an_update_of_a_store_replaces_all_that_may_change
                a_stale_update_of_a_store_changes_nothing
                of_sixteen_updates_of_a_store_at_once_one_is_stored
                stores_come_by_id_page_by_page
                stores_refuse_cursors_they_did_not_give_out
            ]
            counters [
                an_order_counts_once
                orders_at_once_all_count
                changes_and_counts_at_once_lose_nothing
                a_review_counts_as_of_its_highest_revision
                reviews_at_once_all_count
            ]
            nearby [
                the_nearest_come_first_and_the_edge_is_within
                stores_at_one_place_come_by_id
                only_active_stores_with_coordinates_are_found
                a_store_is_found_as_it_is_now
                every_filter_counts_alone_and_together
                pages_of_any_size_give_the_whole_list
                what_happens_between_two_pages_shifts_nothing
                over_the_antimeridian_and_the_poles
                any_search_finds_what_a_full_search_finds
                searches_refuse_cursors_they_did_not_give_out
            ]
            waiting [
                stores_that_wait_come_when_they_are_due
            ]
            members [
                a_member_reads_back_exactly
                a_user_has_one_row_a_store
                of_sixteen_inserts_of_one_user_one_makes_the_member
                an_update_of_a_member_replaces_all_that_may_change
                a_stale_update_of_a_member_changes_nothing
                of_sixteen_updates_of_a_member_at_once_one_is_stored
                members_come_by_user_page_by_page
                a_users_stores_are_those_where_he_is_active
                a_user_works_in_two_hundred_stores
                another_store_reaches_no_member
                members_refuse_cursors_they_did_not_give_out
            ]
            owners [
                a_store_and_its_first_owner_are_one_write
                the_last_owner_stays
                every_way_to_become_an_owner_counts
                of_two_owners_who_remove_each_other_one_stays
                of_sixteen_owners_who_leave_at_once_one_stays
            ]
            invitations [
                an_invitation_reads_back_exactly
                an_invitation_inserted_again_stays_as_it_is
                a_stores_invitations_come_newest_first_page_by_page
                accepting_makes_a_member
                who_left_comes_back_under_his_row
                an_active_member_accepts_nothing
                only_an_open_invitation_is_accepted
                an_invitation_is_withdrawn_once
                of_sixteen_users_who_accept_at_once_one_is_in
                a_user_who_accepts_sixteen_times_at_once_is_in_once
                of_sixteen_invitations_accepted_by_one_user_one_is_used
                of_accepting_and_withdrawing_at_once_one_side_has_it
                invitations_refuse_cursors_they_did_not_give_out
            ]
            sealed [
                every_sealed_text_of_stores_is_listed_once
                a_sealed_text_of_a_store_is_replaced_and_nothing_else
                a_text_of_a_store_that_moved_on_is_not_replaced
                of_sixteen_replacements_at_once_one_is_done
            ]
        }
    };
}
