//! One-time codes.

use chrono::TimeDelta;

use super::super::support::{at_once, audited, eventually, swept};
use super::setup;
use crate::identity::{IdentityPorts, Otp, OtpBook, OtpPurpose};
use crate::secret::Blind;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};
use crate::time::Timestamp;

fn audit(make: &Fixtures, book: &OtpBook) -> AuditEntry {
    make.audit(None, "otp.send", "phone", &book.phone.to_uuid().to_string())
}

/// Stores the book where the version before it is stored.
async fn save(ports: &IdentityPorts, book: &OtpBook) -> UpdateOutcome {
    ports.otps.save(book.clone(), book.version - 1, None).await.unwrap()
}

async fn saved(ports: &IdentityPorts, book: OtpBook) -> OtpBook {
    assert_eq!(save(ports, &book).await, UpdateOutcome::Updated);
    book
}

async fn get(ports: &IdentityPorts, phone: Blind) -> Option<OtpBook> {
    ports.otps.get(phone).await.unwrap()
}

/// A first book whose one code was sent, and which was last changed, at `at`.
fn book_of(make: &Fixtures, at: Timestamp) -> OtpBook {
    let code = Otp { created_at: at, ..make.otp(OtpPurpose::Login) };
    OtpBook { codes: vec![code], sends: vec![at], updated_at: at, ..make.otp_book() }
}

/// A book with everything, one of a first code, and one that is empty, read back exactly, with
/// their audit entry, if they have one.
pub async fn a_book_of_codes_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let empty = OtpBook { version: 1, ..OtpBook::empty(make.blind(), make.now()) };
    for book in [make.full_otp_book(), make.otp_book(), empty] {
        let entry = audit(&make, &book);
        let outcome = ports.otps.save(book.clone(), 0, Some(entry.clone())).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        assert_eq!(get(&ports, book.phone).await, Some(book));
        audited(&ports.audit, &[&entry]).await;
    }
    let book = saved(&ports, make.full_otp_book()).await;
    assert_eq!(get(&ports, book.phone).await, Some(book));
    assert_eq!(get(&ports, make.blind()).await, None);
}

/// Another save replaces the whole book, tries and use of its codes included; other books stay.
pub async fn a_book_of_codes_is_replaced_whole(bench: &Bench) {
    let (ports, make) = setup(bench);
    let other = saved(&ports, make.full_otp_book()).await;
    let first = make.otp_book();
    let mut entries = vec![audit(&make, &first)];
    ports.otps.save(first.clone(), 0, Some(entries[0].clone())).await.unwrap();
    let mut tried = first.clone();
    assert_eq!(tried.attempt(OtpPurpose::Login, make.now(), |_| true), Ok(true));
    let filled = OtpBook { phone: first.phone, version: 3, ..make.full_otp_book() };
    let emptied = OtpBook { version: 4, ..OtpBook::empty(first.phone, make.now()) };
    for book in [tried, filled, emptied] {
        let entry = (book.version % 2 == 0).then(|| audit(&make, &first));
        let outcome = ports.otps.save(book.clone(), book.version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        assert_eq!(get(&ports, first.phone).await, Some(book));
        entries.extend(entry);
    }
    audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    assert_eq!(get(&ports, other.phone).await, Some(other));
}

/// A save of another version than the stored one changes nothing: neither the book, nor rows
/// of codes, nor the audit log.
pub async fn a_stale_save_of_codes_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.otp_book();
    let entry = audit(&make, &first);
    ports.otps.save(first.clone(), 0, Some(entry.clone())).await.unwrap();
    let second = saved(&ports, OtpBook { version: 2, ..first.clone() }).await;
    for expected in [0, 1, 3, 9] {
        let late = OtpBook { phone: first.phone, version: expected + 1, ..make.full_otp_book() };
        let outcome = ports.otps.save(late, expected, Some(audit(&make, &first))).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    let absent = OtpBook { version: 2, ..make.otp_book() };
    assert_eq!(save(&ports, &absent).await, UpdateOutcome::Stale);
    assert_eq!(get(&ports, absent.phone).await, None);
    assert_eq!(get(&ports, first.phone).await, Some(second));
    audited(&ports.audit, &[&entry]).await;
    swept(1, 50, |limit| ports.otps.sweep(make.now() + TimeDelta::days(1), limit)).await;
}

/// Sixteen saves of one version at once: one is stored, with its own code and audit entry.
async fn race(ports: &IdentityPorts, make: &Fixtures, before: &OtpBook, entries: &[&AuditEntry]) {
    let saves: Vec<_> = (0..16)
        .map(|_| {
            let codes = vec![make.otp(OtpPurpose::PasswordReset)];
            (OtpBook { codes, version: before.version + 1, ..before.clone() }, audit(make, before))
        })
        .collect();
    let outcomes = at_once(saves.iter().cloned().map(|(book, entry)| {
        let (ports, expected) = (ports.clone(), before.version);
        async move { ports.otps.save(book, expected, Some(entry)).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = saves.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (book, entry) = won[0].0;
    assert_eq!(get(ports, before.phone).await.as_ref(), Some(book));
    let mut entries = entries.to_vec();
    entries.push(entry);
    audited(&ports.audit, &entries).await;
    // The codes of the others are no rows.
    let count = u32::try_from(before.codes.len()).unwrap() + 1;
    swept(count, 50, |limit| ports.otps.sweep(make.now() + TimeDelta::days(1), limit)).await;
}

/// Of sixteen first books of one phone at once exactly one is stored.
pub async fn of_sixteen_first_books_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    race(&ports, &make, &OtpBook::empty(make.blind(), make.now()), &[]).await;
}

/// Of sixteen saves of one version of a book at once exactly one is stored: a code is used
/// once, whoever tries it.
pub async fn of_sixteen_saves_of_codes_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = make.otp_book();
    let entry = audit(&make, &first);
    ports.otps.save(first.clone(), 0, Some(entry.clone())).await.unwrap();
    race(&ports, &make, &first, &[&entry]).await;
}

/// Each code is a row, also after its book had another one in its place.
pub async fn codes_are_rows_that_outlive_their_place_in_the_book(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut book = saved(&ports, make.full_otp_book()).await;
    // The same codes again are the same rows.
    book = saved(&ports, OtpBook { version: 2, ..book }).await;
    for version in 3..6 {
        book = saved(&ports, OtpBook { codes: vec![make.otp(OtpPurpose::Login)], version, ..book }).await;
    }
    assert_eq!(get(&ports, book.phone).await, Some(book));
    swept(6, 4, |limit| ports.otps.sweep(make.now() + TimeDelta::days(1), limit)).await;
}

/// A sweep removes rows of codes made before the instant and books not changed since, so many
/// at a time, and no others; a phone whose book is gone starts anew.
pub async fn only_old_codes_and_books_are_swept(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (now, micro) = (make.now(), TimeDelta::microseconds(1));
    let (mut old, mut kept) = (Vec::new(), Vec::new());
    for at in 0..11 {
        let ago = TimeDelta::hours(at);
        old.push(saved(&ports, book_of(&make, now - ago - micro)).await);
        kept.push(saved(&ports, book_of(&make, now + ago)).await);
    }
    // Its code is old, but it was tried since: the row goes, the book stays whole.
    let tried = book_of(&make, now - micro);
    kept.push(saved(&ports, OtpBook { updated_at: now, ..tried }).await);
    swept(12, 4, |limit| ports.otps.sweep(now, limit)).await;
    for book in &old {
        let read = async || {
            ports.otps.sweep(now, 4).await?;
            ports.otps.get(book.phone).await
        };
        eventually(None, read).await;
    }
    for book in &kept {
        assert_eq!(get(&ports, book.phone).await.as_ref(), Some(book));
    }
    let again = OtpBook { phone: old[0].phone, ..book_of(&make, now) };
    assert_eq!(save(&ports, &OtpBook { version: 2, ..again.clone() }).await, UpdateOutcome::Stale);
    assert_eq!(save(&ports, &again).await, UpdateOutcome::Updated);
    assert_eq!(get(&ports, again.phone).await, Some(again));
    swept(12, 5, |limit| ports.otps.sweep(now + TimeDelta::days(1), limit)).await;
}
