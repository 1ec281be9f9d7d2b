//! Identity: `UserRepository`, `SessionRepository`, `OtpRepository`, `LoginAttemptRepository`,
//! `SealedTexts`.

pub mod attempts;
pub mod contacts;
pub mod otps;
pub mod sealed;
pub mod sessions;
pub mod users;

use crate::error::RepositoryErrorKind;
use crate::id::UserId;
use crate::identity::{IdentityPorts, User};
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

/// The unit, and fixtures of the calling line.
#[track_caller]
fn setup(bench: &Bench) -> (IdentityPorts, Fixtures) {
    (bench.ports.identity.clone(), Fixtures::here())
}

const fn taken(constraint: &'static str) -> RepositoryErrorKind {
    RepositoryErrorKind::AlreadyExists { constraint }
}

/// An entry about that user.
fn audit(make: &Fixtures, user: UserId) -> AuditEntry {
    make.audit(None, "user.change", "user", &user.to_string())
}

/// The user, inserted.
async fn inserted(ports: &IdentityPorts, make: &Fixtures, user: User) -> User {
    ports.users.insert(user.clone(), audit(make, user.id)).await.unwrap();
    user
}

async fn get(ports: &IdentityPorts, id: UserId) -> Option<User> {
    ports.users.get(id).await.unwrap()
}

/// The promises of this area, by group.
#[doc(hidden)]
#[macro_export]
macro_rules! __identity_promises {
    ($then:ident) => {
        $crate::$then! { identity
            users [
                a_user_reads_back_exactly
                ids_of_users_are_unique
                an_update_of_a_user_replaces_all_that_may_change
                a_stale_update_of_a_user_changes_nothing
                of_sixteen_updates_of_a_user_at_once_one_is_stored
                users_come_by_id_page_by_page
                users_refuse_cursors_they_did_not_give_out
            ]
            contacts [
                a_user_is_found_by_any_hash_of_his_contact
                the_first_hash_that_is_found_wins
                a_contact_belongs_to_one_user
                an_update_takes_no_contact_of_another_user
                a_contact_that_is_given_up_is_free_at_once
                hashes_come_and_go_while_index_keys_rotate
                a_phone_wanted_by_sixteen_new_users_goes_to_one
                an_address_wanted_by_sixteen_users_goes_to_one
            ]
            sessions [
                a_session_reads_back_exactly
                starting_a_session_notes_the_login
                only_an_active_user_of_that_epoch_starts_a_session
                logins_and_updates_at_once_lose_nothing
                a_session_is_touched_forwards_only
                a_session_is_revoked_once_and_by_its_user
                of_sixteen_revocations_at_once_one_counts
                a_users_sessions_come_newest_first_page_by_page
                only_expired_sessions_are_swept
                sessions_refuse_cursors_they_did_not_give_out
            ]
            otps [
                a_book_of_codes_reads_back_exactly
                a_book_of_codes_is_replaced_whole
                a_stale_save_of_codes_changes_nothing
                of_sixteen_first_books_at_once_one_is_stored
                of_sixteen_saves_of_codes_at_once_one_is_stored
                codes_are_rows_that_outlive_their_place_in_the_book
                only_old_codes_and_books_are_swept
            ]
            attempts [
                failed_sign_ins_read_back_exactly
                a_stale_save_of_failed_sign_ins_changes_nothing
                of_sixteen_first_failures_at_once_one_is_stored
                of_sixteen_failures_of_one_version_one_is_stored
                only_old_failures_are_swept
            ]
            sealed [
                every_sealed_text_of_users_is_listed_once
                a_sealed_text_of_a_user_is_replaced_and_nothing_else
                a_text_of_a_user_that_moved_on_is_not_replaced
                of_sixteen_replacements_at_once_one_is_done
            ]
        }
    };
}
