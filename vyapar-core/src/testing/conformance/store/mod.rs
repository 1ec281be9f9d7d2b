//! Stores: `StoreRepository`.

pub mod stores;

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
        }
    };
}
