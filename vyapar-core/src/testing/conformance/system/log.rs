//! The audit log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, eventually, refusal, refuses_foreign_cursors};
use crate::error::RepositoryErrorKind;
use crate::id::AuditId;
use crate::page::{Cursor, PageRequest};
use crate::system::{AuditEntry, AuditFilter, AuditLog};
use crate::testing::{Bench, Fixtures};

#[track_caller]
fn setup(bench: &Bench) -> (Arc<dyn AuditLog>, Fixtures) {
    (Arc::clone(&bench.ports.system.audit), Fixtures::here())
}

fn newest_first(mut entries: Vec<AuditEntry>) -> Vec<AuditEntry> {
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    entries
}

/// How long the feed may stand still while entries are missing.
const SOON: Duration = Duration::from_secs(30);

/// Follows the feed until it has given `count` entries, and then to where it gives no more. Entries
/// that were written must come soon; a feed that has passed them will never give them.
async fn follow(
    log: &Arc<dyn AuditLog>,
    mut after: Option<Cursor>,
    limit: u32,
    count: usize,
) -> (Vec<AuditEntry>, Cursor) {
    let mut entries = Vec::new();
    let mut grew = tokio::time::Instant::now();
    loop {
        let page = log.feed(after, limit).await.unwrap();
        assert!(page.entries.len() <= limit as usize, "{} entries, at most {limit} asked for", page.entries.len());
        let at_end = page.entries.is_empty();
        entries.extend(page.entries);
        let next: Cursor = page.next.to_string().parse().unwrap();
        if at_end && entries.len() >= count {
            return (entries, next);
        }
        if !at_end {
            grew = tokio::time::Instant::now();
        }
        assert!(
            grew.elapsed() < SOON,
            "the feed stands still at {} of {count} entries: was an entry written before the cursor?",
            entries.len()
        );
        if at_end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        after = Some(next);
    }
}

/// An entry with every field filled, and one with nothing optional, read back exactly, in
/// the list and in the feed.
pub async fn an_entry_reads_back_exactly(bench: &Bench) {
    let (log, make) = setup(bench);
    let entries = vec![
        make.audit(Some(make.store_id()), "order.place", "order", "ord_#|, 'x' ॐ"),
        make.bare_audit(),
        AuditEntry {
            store_id: None,
            created_at: make.now() - TimeDelta::microseconds(1),
            ..make.audit(None, "a", "b", "c")
        },
    ];
    for entry in &entries {
        log.append(entry.clone()).await.unwrap();
    }
    let read = || all_pages(50, |page| log.list(AuditFilter::default(), page));
    eventually(newest_first(entries.clone()), read).await;
    let (fed, _) = follow(&log, None, 50, 3).await;
    assert_eq!(newest_first(fed), newest_first(entries));
}

/// An entry appended again, changed or not, by one caller or sixteen at once, stands once and
/// as it was.
pub async fn an_entry_is_appended_once(bench: &Bench) {
    let (log, make) = setup(bench);
    let entry = make.audit(Some(make.store_id()), "login.refused", "user", "u1");
    log.append(entry.clone()).await.unwrap();
    let changed = AuditEntry { id: entry.id, ..make.bare_audit() };
    for again in [entry.clone(), changed] {
        log.append(again).await.unwrap();
    }
    let other = make.bare_audit();
    let answers = at_once((0..16).map(|_| {
        let (log, other) = (Arc::clone(&log), other.clone());
        async move { log.append(other).await }
    }));
    answers.await.into_iter().for_each(|answer| answer.unwrap());
    let expected = newest_first(vec![entry.clone(), other]);
    eventually(expected.clone(), || all_pages(50, |page| log.list(AuditFilter::default(), page))).await;
    let (fed, _) = follow(&log, None, 1, 2).await;
    assert_eq!(newest_first(fed), expected);
    // Not under what a later append said either.
    let all = AuditFilter { store_id: entry.store_id, ..AuditFilter::default() };
    eventually(vec![entry], || all_pages(50, |page| log.list(all.clone(), page))).await;
}

/// Entries come newest id first, page by page, each once, by store, thing, person and time. What
/// they say of their time follows another clock, so that neither order is taken for the other.
pub async fn entries_come_newest_first_page_by_page(bench: &Bench) {
    let (log, make) = setup(bench);
    let (stores, users) = ([make.store_id(), make.store_id()], [make.user_id(), make.user_id(), make.user_id()]);
    let start = make.now();
    let mut entries = Vec::new();
    for at in 0..24 {
        make.clock().advance(TimeDelta::milliseconds(1));
        let now = start + TimeDelta::milliseconds(i64::try_from(at * 7 % 24).unwrap() + 1);
        // Store, thing and person vary independently, so that no filter implies another.
        let store = (at % 5 != 4).then_some(stores[at / 2 % 2]);
        let kind = ["order", "payment"][at % 2];
        let entry = make.audit(store, "x.y", kind, ["1", "2", "3"][at % 3]);
        entries.push(AuditEntry { user_id: (at % 4 != 3).then_some(users[at / 3 % 3]), created_at: now, ..entry });
    }
    for entry in make.shuffled(entries.clone()) {
        log.append(entry).await.unwrap();
    }
    let at = |millis| Some(start + TimeDelta::milliseconds(millis));
    let thing = |kind: &str, id: &str| Some((kind.to_owned(), id.to_owned()));
    let all = AuditFilter::default;
    let filters = [
        all(),
        AuditFilter { store_id: Some(stores[0]), ..all() },
        AuditFilter { entity: thing("order", "2"), ..all() },
        AuditFilter { entity: thing("order", "missing"), ..all() },
        AuditFilter { user_id: Some(users[1]), ..all() },
        AuditFilter { from: at(5), ..all() },
        AuditFilter { until: at(5), ..all() },
        AuditFilter { from: at(5), until: at(6), ..all() },
        AuditFilter { from: at(6), until: at(6), ..all() },
        AuditFilter { store_id: Some(stores[1]), from: at(3), until: at(20), ..all() },
        AuditFilter { store_id: Some(stores[0]), entity: thing("order", "1"), ..all() },
        AuditFilter { user_id: Some(users[0]), entity: thing("order", "1"), ..all() },
        AuditFilter { store_id: Some(stores[0]), user_id: Some(users[0]), entity: thing("order", "1"), ..all() },
        AuditFilter { user_id: Some(make.user_id()), ..all() },
    ];
    let mut sizes = Vec::new();
    for filter in filters {
        let matching = |entry: &AuditEntry| {
            filter.store_id.is_none_or(|store| entry.store_id == Some(store))
                && filter.entity.as_ref().is_none_or(|(kind, id)| (&entry.entity_type, &entry.entity_id) == (kind, id))
                && filter.user_id.is_none_or(|user| entry.user_id == Some(user))
                && filter.from.is_none_or(|from| entry.created_at >= from)
                && filter.until.is_none_or(|until| entry.created_at < until)
        };
        let expected = newest_first(entries.iter().filter(|entry| matching(entry)).cloned().collect());
        sizes.push(expected.len());
        for limit in [1, 5, 24, 200] {
            eventually(expected.clone(), || all_pages(limit, |page| log.list(filter.clone(), page))).await;
        }
    }
    assert_eq!(sizes, [24, 10, 4, 0, 7, 20, 4, 1, 0, 7, 2, 2, 1, 0]);
}

/// The feed gives every entry exactly once to whoever follows it from the start while eight
/// writers run, and to whoever comes later.
pub async fn the_feed_gives_every_entry_once_while_writers_run(bench: &Bench) {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let (log, make) = setup(bench);
    let followers: Vec<_> = [1, 7, 100]
        .into_iter()
        .map(|limit| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { follow(&log, None, limit, WRITERS * EACH).await.0 })
        })
        .collect();
    let tasks = (0..WRITERS).map(|writer| {
        let (log, make) = (Arc::clone(&log), make.clone());
        async move {
            let mut written = Vec::new();
            for at in 0..EACH {
                // Their clocks disagree, so ids do not come in the order of time either.
                make.clock().advance(TimeDelta::milliseconds(if (writer + at) % 2 == 0 { 3 } else { -2 }));
                let entry = make.audit(None, "feed", "writer", &writer.to_string());
                log.append(entry.clone()).await.unwrap();
                written.push(entry.id);
            }
            written
        }
    });
    let written: BTreeSet<AuditId> = at_once(tasks).await.into_iter().flatten().collect();
    assert_eq!(written.len(), WRITERS * EACH);
    let mut orders = Vec::new();
    for follower in followers {
        orders.push(follower.await.unwrap());
    }
    orders.push(follow(&log, None, 33, WRITERS * EACH).await.0);
    for order in &orders {
        let ids: BTreeSet<AuditId> = order.iter().map(|entry| entry.id).collect();
        assert_eq!((order.len(), &ids), (written.len(), &written), "each once");
        assert_eq!(order, &orders[0], "the feed has one order");
    }
}

/// A cursor of the feed stays good: what follows it is what was written after it, whenever
/// and however often it is used.
pub async fn a_cursor_of_the_feed_stays_good(bench: &Bench) {
    let (log, make) = setup(bench);
    let append = async |count: usize| {
        let mut entries = Vec::new();
        for _ in 0..count {
            // The clock goes back: the feed's order is its own.
            make.clock().advance(TimeDelta::seconds(-1));
            let entry = make.audit(None, "feed", "x", "y");
            log.append(entry.clone()).await.unwrap();
            entries.push(entry);
        }
        entries
    };
    // An empty feed has a cursor too.
    let (none, start) = follow(&log, None, 5, 0).await;
    assert_eq!(none, []);
    let first = append(6).await;
    let (fed, middle) = follow(&log, Some(start.clone()), 4, 6).await;
    assert_eq!(newest_first(fed), newest_first(first.clone()));
    let second = append(5).await;
    for limit in [1, 3, 200] {
        let (fed, _) = follow(&log, Some(middle.clone()), limit, 5).await;
        assert_eq!(newest_first(fed), newest_first(second.clone()), "by {limit}");
        let (fed, _) = follow(&log, Some(start.clone()), limit, 11).await;
        assert_eq!(newest_first(fed[..6].to_vec()), newest_first(first.clone()));
        assert_eq!(newest_first(fed[6..].to_vec()), newest_first(second.clone()));
    }
}

/// The list refuses cursors it did not give out, the feed's among them.
pub async fn the_list_refuses_cursors_it_did_not_give_out(bench: &Bench) {
    let (log, make) = setup(bench);
    let entry = make.audit(Some(make.store_id()), "a", "b", "c");
    log.append(entry.clone()).await.unwrap();
    refuses_foreign_cursors("audit", |page| log.list(AuditFilter::default(), page)).await;
    let narrow = AuditFilter { store_id: entry.store_id, ..AuditFilter::default() };
    refuses_foreign_cursors("audit", |page| log.list(narrow.clone(), page)).await;
    let (_, next) = follow(&log, None, 5, 1).await;
    let kind = refusal(log.list(AuditFilter::default(), PageRequest::first(5).after(next)).await);
    assert_eq!(kind, RepositoryErrorKind::InvalidCursor);
}

/// The feed refuses cursors it did not give out, the list's among them.
pub async fn the_feed_refuses_cursors_it_did_not_give_out(bench: &Bench) {
    let (log, make) = setup(bench);
    for _ in 0..2 {
        log.append(make.bare_audit()).await.unwrap();
    }
    let feed = async |page: PageRequest| {
        let page = log.feed(page.cursor().cloned(), page.limit()).await?;
        Ok(crate::Page { items: page.entries, next: Some(page.next) })
    };
    refuses_foreign_cursors("feed", &feed).await;
    let page = log.list(AuditFilter::default(), PageRequest::first(1)).await.unwrap();
    let kind = refusal(log.feed(page.next, 5).await);
    assert_eq!(kind, RepositoryErrorKind::InvalidCursor);
}
