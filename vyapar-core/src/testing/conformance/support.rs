//! What promises are checked with.

use std::fmt::Debug;
use std::time::Duration;

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::time::Instant;

use crate::error::{RepositoryErrorKind, Stored};
use crate::page::{Cursor, Page, PageRequest};
use crate::system::{AuditEntry, AuditFilter, AuditLog};

/// How long an index may lag behind a write.
const LAG: Duration = Duration::from_secs(30);

/// Starts the tasks at one moment and gives their answers in the tasks' order.
pub(crate) async fn at_once<T, F>(tasks: impl IntoIterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<F> = tasks.into_iter().collect();
    let barrier = Arc::new(Barrier::new(tasks.len()));
    let running: Vec<_> = tasks
        .into_iter()
        .map(|task| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(async move {
                barrier.wait().await;
                // The last one to arrive would keep the others waiting behind it on its worker:
                // two tasks that never wait again would run one after the other.
                tokio::task::yield_now().await;
                task.await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(running.len());
    for task in running {
        match task.await {
            Ok(answer) => answers.push(answer),
            Err(failure) => std::panic::resume_unwind(failure.into_panic()),
        }
    }
    answers
}

/// Reads until the value is `expected`: what an index answers may lag behind writes.
#[track_caller]
pub(crate) fn eventually<T, F>(expected: T, mut read: impl FnMut() -> F) -> impl Future<Output = ()>
where
    T: PartialEq + Debug,
    F: Future<Output = Stored<T>>,
{
    let caller = std::panic::Location::caller();
    async move {
        let end = Instant::now() + LAG;
        loop {
            let found = read().await.unwrap();
            if found == expected {
                return;
            }
            if Instant::now() > end {
                panic!("{caller}: still\n{found:#?}\ninstead of\n{expected:#?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Sweeps, at most `limit` rows at a time, until `count` rows are gone, and then finds no more.
pub(crate) async fn swept<F>(count: u32, limit: u32, mut sweep: impl FnMut(u32) -> F)
where
    F: Future<Output = Stored<u32>>,
{
    let (mut gone, end) = (0, Instant::now() + LAG);
    while gone < count {
        let now = sweep(limit).await.unwrap();
        assert!(now <= limit, "{now} rows, at most {limit} asked for");
        gone += now;
        assert!(Instant::now() < end, "{gone} rows instead of {count}");
    }
    assert_eq!((gone, sweep(limit).await.unwrap()), (count, 0));
}

/// All items of a list, `limit` at a time; every cursor travels as text, as it does for hosts.
pub(crate) async fn all_pages<T, F>(limit: u32, mut list: impl FnMut(PageRequest) -> F) -> Stored<Vec<T>>
where
    F: Future<Output = Stored<Page<T>>>,
{
    let mut items = Vec::new();
    let mut request = PageRequest::first(limit);
    for _ in 0..1_000 {
        let page = list(request).await?;
        assert!(page.items.len() <= limit as usize, "{} items on a page of {limit}", page.items.len());
        items.extend(page.items);
        match page.next {
            Some(next) => request = PageRequest::first(limit).after(next.to_string().parse().unwrap()),
            None => return Ok(items),
        }
    }
    panic!("a list of {} items that does not end", items.len());
}

/// What was refused, by kind; panics with what was answered instead.
#[track_caller]
pub(crate) fn refusal<T: Debug>(answer: Stored<T>) -> RepositoryErrorKind {
    match answer {
        Ok(answer) => panic!("not refused: {answer:?}"),
        Err(error) => error.kind().clone(),
    }
}

/// `list` refuses cursors of other lists, and positions it never gave out.
pub(crate) async fn refuses_foreign_cursors<T, F>(name: &str, mut list: impl FnMut(PageRequest) -> F)
where
    T: Debug,
    F: Future<Output = Stored<Page<T>>>,
{
    const LISTS: [&str; 15] = [
        "nearby",
        "users",
        "sessions",
        "permissions",
        "roles",
        "holders",
        "stores",
        "members",
        "invitations",
        "products",
        "movements",
        "orders",
        "customer_orders",
        "audit",
        "feed",
    ];
    assert!(LISTS.contains(&name));
    for other in LISTS.iter().filter(|other| **other != name) {
        let kind = refusal(list(PageRequest::first(5).after(Cursor::new(other, "1"))).await);
        assert_eq!(kind, RepositoryErrorKind::InvalidCursor, "a cursor of `{other}`");
    }
    for position in ["", "☃", "'; drop table orders; --"] {
        let kind = refusal(list(PageRequest::first(5).after(Cursor::new(name, position))).await);
        assert_eq!(kind, RepositoryErrorKind::InvalidCursor, "position {position:?}");
    }
}

/// The entries about one thing, newest first.
async fn entries(log: &Arc<dyn AuditLog>, like: &AuditEntry) -> Stored<Vec<AuditEntry>> {
    let entity = Some((like.entity_type.clone(), like.entity_id.clone()));
    all_pages(50, |page| log.list(AuditFilter { entity: entity.clone(), ..AuditFilter::default() }, page)).await
}

/// The log has exactly these entries about the thing that the first is about.
#[track_caller]
pub(crate) fn audited<'a>(log: &'a Arc<dyn AuditLog>, expected: &[&'a AuditEntry]) -> impl Future<Output = ()> + 'a {
    let like = expected[0];
    let mut expected: Vec<AuditEntry> = expected.iter().map(|entry| (*entry).clone()).collect();
    expected.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    eventually(expected, move || entries(log, like))
}
