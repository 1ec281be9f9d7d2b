//! Products: `ProductRepository`.

pub mod products;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __product_promises {
    ($then:ident) => {
        $crate::$then! { product
            products [
                a_product_reads_back_exactly
                ids_and_skus_of_products_are_unique
                a_sku_wanted_by_sixteen_products_goes_to_one
                many_products_are_read_at_once
                an_update_of_a_product_replaces_all_that_may_change
                a_refused_update_of_a_product_changes_nothing
                of_sixteen_updates_of_a_product_at_once_one_is_stored
                products_come_by_id_page_by_page
                products_refuse_cursors_they_did_not_give_out
                another_store_reaches_no_product
            ]
        }
    };
}
