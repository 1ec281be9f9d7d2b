//! The audit feed misses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::AuditId;
use vyapar_core::system::AuditLog;
use vyapar_core::testing::{Fixtures, run};
use vyapar_dynamo::Dynamo;
use vyapar_dynamo::tables::AUDIT_LOGS;

use crate::support::bench::{Fresh, faulty, fresh};
use crate::support::faults::Faults;

/// Follows a feed to its present end, from the beginning.
async fn follow(log: &dyn AuditLog) -> Vec<AuditId> {
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = log.feed(after.clone(), 7).await.unwrap();
        seen.extend(page.entries.iter().map(|entry| entry.id));
        if page.entries.is_empty() && after.as_ref() == Some(&page.next) {
            return seen;
        }
        after = Some(page.next);
    }
}

#[test]
fn whoever_follows_sees_every_entry_once_while_others_write() {
    run(async {
        let faults = Arc::new(Faults::bad_day(11));
        let Fresh { dynamo, client, names, server: _server } = faulty(faults).await;
        // Three processes: two of them may well choose the same log.
        let others = [Dynamo::new(client.clone(), names.clone()), Dynamo::new(client, names)];
        let make = Fixtures::here();
        let mut written = BTreeSet::new();
        let mut writers = Vec::new();
        for adapter in [&dynamo, &others[0], &others[1]] {
            for _ in 0..4 {
                let entries: Vec<_> = (0..10).map(|_| make.bare_audit()).collect();
                written.extend(entries.iter().map(|entry| entry.id));
                let log = adapter.system().audit;
                writers.push(tokio::spawn(async move {
                    for entry in entries {
                        log.append(entry).await.unwrap();
                    }
                }));
            }
        }
        let done = Arc::new(AtomicBool::new(false));
        let reader = {
            let (log, done) = (dynamo.system().audit, Arc::clone(&done));
            tokio::spawn(async move {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let last_round = done.load(Ordering::SeqCst);
                    let page = log.feed(after, 9).await.unwrap();
                    let empty = page.entries.is_empty();
                    seen.extend(page.entries.iter().map(|entry| entry.id));
                    after = Some(page.next);
                    if last_round && empty {
                        return seen;
                    }
                }
            })
        };
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let seen = reader.await.unwrap();
        assert_eq!(seen.len(), written.len(), "each once");
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), written);
    });
}

/// A number taken and never used, with an entry behind it: the reader seals it, and the
/// writer that comes late with it takes another.
#[test]
fn a_gap_is_sealed_and_its_writer_moves_on() {
    run(async {
        let Fresh { dynamo, client, names, server: _server } = fresh().await;
        let make = Fixtures::here();
        let log = dynamo.system().audit;
        let first = make.bare_audit();
        log.append(first.clone()).await.unwrap();
        // Where the adapter writes, found out by looking.
        let table = names.of(&AUDIT_LOGS);
        let items = client.scan().table_name(&table).send().await.unwrap().items.unwrap();
        let stored = items.iter().find(|item| item.contains_key("id")).unwrap();
        // An entry of "another process", three numbers further on.
        let mut ahead = stored.clone();
        let later = make.bare_audit();
        ahead.insert("seq".to_owned(), AttributeValue::N("5".to_owned()));
        ahead.insert("id".to_owned(), AttributeValue::S(later.id.to_string()));
        client.put_item().table_name(&table).set_item(Some(ahead)).send().await.unwrap();

        assert_eq!(follow(&*log).await, [first.id, later.id]);
        let after_sealing = log.feed(None, 100).await.unwrap().next;
        // The adapter's next number, 2, is sealed, and so are 3 and 4, and 5 is taken.
        let last = make.bare_audit();
        log.append(last.clone()).await.unwrap();
        let page = log.feed(Some(after_sealing), 10).await.unwrap();
        assert_eq!(page.entries.iter().map(|entry| entry.id).collect::<Vec<_>>(), [last.id]);
    });
}

#[test]
fn an_appended_id_is_kept_once() {
    run(async {
        let Fresh { dynamo, server: _server, .. } = fresh().await;
        let make = Fixtures::here();
        let log = dynamo.system().audit;
        let entry = make.bare_audit();
        for _ in 0..3 {
            log.append(entry.clone()).await.unwrap();
        }
        assert_eq!(follow(&*log).await, [entry.id]);
    });
}
