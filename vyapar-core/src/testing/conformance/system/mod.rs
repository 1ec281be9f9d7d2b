//! The audit log: `AuditLog`.

pub mod log;

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __system_promises {
    ($then:ident) => {
        $crate::$then! { system
            log [
                an_entry_reads_back_exactly
                an_entry_is_appended_once
                entries_come_newest_first_page_by_page
                the_feed_gives_every_entry_once_while_writers_run
                a_cursor_of_the_feed_stays_good
                the_list_refuses_cursors_it_did_not_give_out
                the_feed_refuses_cursors_it_did_not_give_out
            ]
        }
    };
}
