use super::*;
use std::time::Duration;
use uuid::Uuid;

type Answers = Vec<oneshot::Receiver<Stored<()>>>;

fn level(product: u128) -> Key {
    Key::Level(StoreId::from_uuid(Uuid::nil()), ProductId::from_uuid(Uuid::from_u128(product)))
}

fn reservation(id: u128) -> Key {
    Key::Reservation(StoreId::from_uuid(Uuid::nil()), ReservationId::from_uuid(Uuid::from_u128(id)))
}

/// A queue of calls, each with its reservation and its products.
fn queue(calls: &[(u128, &[u128])]) -> (Queue<u128, ()>, Answers) {
    let mut queue = Queue::default();
    let mut answers = Vec::new();
    for (id, products) in calls {
        let (reply, answer) = oneshot::channel();
        let keys = products.iter().copied().map(level).chain([reservation(*id)]).collect();
        queue.push(*id, keys, products.len(), Instant::now() + Duration::from_secs(5), reply, false);
        answers.push(answer);
    }
    (queue, answers)
}

/// The one call of a batch met a row that somebody else has locked, and comes back.
fn met_locked(queue: &mut Queue<u128, ()>, mut batch: Batch<u128, ()>, row: Key) {
    let mut job = batch.jobs.pop().unwrap();
    job.wait = Some(row);
    queue.free(&batch.keys);
    queue.put_back(vec![job]);
}

fn ids(batch: Option<&Batch<u128, ()>>) -> Vec<u128> {
    batch.into_iter().flat_map(|batch| batch.jobs.iter().map(|job| job.ask)).collect()
}

#[tokio::test]
async fn batches_under_way_share_no_row_and_nothing_overtakes() {
    let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[1]), (3, &[3])]);
    let first = queue.next(2, false);
    assert_eq!(ids(first.as_ref()), [1, 2]);
    let (reply, _answer) = oneshot::channel();
    queue.push(4, vec![level(2), level(4), reservation(4)], 2, Instant::now(), reply, false);
    let (reply, _answer) = oneshot::channel();
    queue.push(5, vec![level(4), reservation(5)], 1, Instant::now(), reply, false);
    // 4 wants what the first batch has; 5 wants what 4 wants.
    assert_eq!(ids(queue.next(9, false).as_ref()), [3]);
    queue.free(&first.unwrap().keys);
    assert_eq!(ids(queue.next(9, false).as_ref()), [4, 5]);
}

#[tokio::test]
async fn batches_that_take_levels_last_share_them_and_nothing_else() {
    let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[1]), (2, &[3]), (3, &[3])]);
    let first = queue.next(1, true).unwrap();
    // The second 2 wants the reservation of the first, and 3 the product of the second.
    let second = queue.next(9, true).unwrap();
    assert_eq!((ids(Some(&first)), ids(Some(&second))), (vec![1], vec![2]));
    assert!(queue.next(9, true).is_none());
    let (reply, _answer) = oneshot::channel();
    let (_, free) = queue.push(4, vec![level(1), reservation(4)], 1, Instant::now(), reply, true);
    assert!(free);
    // One that takes levels first waits for both.
    assert!(queue.next(9, false).is_none());
    queue.free(&first.keys);
    assert!(queue.next(9, false).is_none());
    queue.free(&second.keys);
    assert_eq!(ids(queue.next(9, false).as_ref()), [2, 3, 4]);
}

#[tokio::test]
async fn calls_that_share_a_level_stay_behind_where_most_do_not() {
    let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1, 5]), (3, &[5]), (4, &[4]), (5, &[6]), (6, &[1])]);
    let first = queue.next(1, true).unwrap();
    // 2 and 6 want what the first batch has, and nothing overtakes 2: half go apart.
    let second = queue.next(9, true).unwrap();
    assert_eq!(ids(Some(&second)), [4, 5]);
    queue.free(&first.keys);
    assert_eq!(ids(queue.next(9, true).as_ref()), [2, 3, 6]);
}

#[tokio::test]
async fn calls_share_a_level_where_most_do() {
    let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1]), (3, &[1]), (4, &[4])]);
    queue.next(1, true).unwrap();
    assert_eq!(ids(queue.next(9, true).as_ref()), [2, 3, 4]);
}

#[tokio::test]
async fn calls_share_a_level_where_all_others_come_after_one_that_does() {
    let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1, 5]), (3, &[5]), (4, &[5])]);
    queue.next(1, true).unwrap();
    assert_eq!(ids(queue.next(9, true).as_ref()), [2, 3, 4]);
}

#[tokio::test]
async fn a_call_that_stayed_behind_often_goes_along() {
    let (mut queue, mut answers) = queue(&[(1, &[1]), (2, &[1])]);
    queue.next(1, true).unwrap();
    for number in 0..4 {
        let (reply, answer) = oneshot::channel();
        answers.push(answer);
        queue.push(10 + number, vec![level(10 + number)], 1, Instant::now(), reply, true);
        assert_eq!(ids(queue.next(9, true).as_ref()), [10 + number]);
    }
    let (reply, answer) = oneshot::channel();
    answers.push(answer);
    queue.push(20, vec![level(20)], 1, Instant::now(), reply, true);
    assert_eq!(ids(queue.next(9, true).as_ref()), [2, 20]);
}

#[tokio::test]
async fn a_level_that_a_call_waits_for_is_shared_no_longer() {
    let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1])]);
    let first = queue.next(1, true).unwrap();
    let second = queue.next(1, true).unwrap();
    met_locked(&mut queue, first, level(1));
    let (reply, _answer) = oneshot::channel();
    queue.push(3, vec![level(1), reservation(3)], 1, Instant::now(), reply, true);
    // Batches that go on sharing the level would keep the call waiting for ever.
    assert!(queue.next(9, true).is_none());
    queue.free(&second.keys);
    assert_eq!(ids(queue.next_waiting(9).as_ref()), [1, 3]);
}

#[tokio::test]
async fn a_call_that_waits_keeps_others_from_sharing_what_it_wants_besides() {
    let (mut queue, _answers) = queue(&[(1, &[1, 9]), (2, &[9]), (3, &[9])]);
    let first = queue.next(1, true).unwrap();
    let second = queue.next(1, true).unwrap();
    met_locked(&mut queue, first, level(1));
    assert!(queue.next_waiting(9).is_none(), "9 is in the second batch");
    assert!(queue.next(9, true).is_none(), "3 would keep 1 from its turn");
    queue.free(&second.keys);
    assert_eq!(ids(queue.next_waiting(9).as_ref()), [1]);
}

#[tokio::test]
async fn a_row_that_cannot_be_waited_for_yet_keeps_nobody_from_another_one() {
    let (mut queue, _answers) = queue(&[(1, &[1, 9]), (2, &[9]), (3, &[3])]);
    let first = queue.next(1, true).unwrap();
    let second = queue.next(1, true).unwrap();
    let third = queue.next(9, true).unwrap();
    for (mut batch, row) in [(first, 1), (third, 3)] {
        let mut job = batch.jobs.pop().unwrap();
        job.wait = Some(level(row));
        queue.free(&batch.keys);
        queue.put_back(vec![job]);
    }
    assert_eq!(ids(queue.next_waiting(9).as_ref()), [3], "1 wants what the second batch has");
    queue.free(&second.keys);
    assert_eq!(ids(queue.next_waiting(9).as_ref()), [1]);
}

#[tokio::test]
async fn a_reservation_is_once_in_a_batch() {
    let (mut queue, _answers) = queue(&[(7, &[1]), (7, &[1]), (8, &[1])]);
    // 8 wants the product that the second 7 waits for.
    let first = queue.next(9, false).unwrap();
    assert_eq!(first.jobs.len(), 1);
    assert!(queue.next(9, false).is_none());
    queue.free(&first.keys);
    assert_eq!(ids(queue.next(9, false).as_ref()), [7, 8]);
}

#[tokio::test]
async fn who_needs_a_row_of_somebody_else_waits_beside_the_others() {
    let (mut queue, _answers) = queue(&[(1, &[1, 2]), (2, &[2])]);
    let first = queue.next(1, false).unwrap();
    met_locked(&mut queue, first, level(1));
    let (reply, _answer) = oneshot::channel();
    queue.push(3, vec![level(1), reservation(3)], 1, Instant::now(), reply, false);
    let waiting = queue.next_waiting(9).unwrap();
    assert_eq!((ids(Some(&waiting)), waiting.wait.clone()), (vec![1, 3], Some(level(1))));
    // One batch waits for a row, and the other product is free.
    assert!(queue.next_waiting(9).is_none());
    let (reply, _answer) = oneshot::channel();
    queue.push(4, vec![level(1), level(5), reservation(4)], 2, Instant::now(), reply, false);
    let (reply, _answer) = oneshot::channel();
    queue.push(5, vec![level(5), reservation(5)], 1, Instant::now(), reply, false);
    assert_eq!(ids(queue.next(9, false).as_ref()), [2, 5]);
    queue.free(&waiting.keys);
    assert!(queue.next(9, false).is_none(), "4 wants what the last batch has");
}

#[tokio::test]
async fn whoever_went_away_is_left_out() {
    let (mut queue, mut answers) = queue(&[(1, &[1]), (2, &[1])]);
    drop(answers.remove(0));
    assert_eq!(ids(queue.next(9, false).as_ref()), [2]);
    assert!(!queue.leave(1));
}

#[tokio::test(start_paused = true)]
async fn another_writer_starts_for_a_crowd_or_beside_a_slow_one() {
    let calls: Vec<(u128, &[u128])> = (1..=15).map(|id| (id, &[1][..])).collect();
    let (mut queue, mut answers) = queue(&calls);
    assert!(queue.has_room(2), "nobody is at work");
    let since = queue.start();
    assert!(!queue.has_room(2), "the one at work is quick");
    let (reply, answer) = oneshot::channel();
    answers.push(answer);
    queue.push(16, vec![level(1)], 1, Instant::now(), reply, true);
    assert!(queue.has_room(2) && !queue.has_room(1), "sixteen are a crowd");
    assert!(queue.leave(16));
    assert!(!queue.has_room_beside_slow(2), "the one at work is quick");
    tokio::time::sleep(SLOW).await;
    assert!(queue.has_room_beside_slow(2) && !queue.has_room_beside_slow(1), "it may take for ever");
    assert!(!queue.has_room(2), "whoever comes gives it a moment");
    let since = queue.go_on(since);
    assert!(!queue.has_room_beside_slow(2), "it has begun another batch");
    queue.done(since);
    assert!(queue.has_room(1));
}

#[tokio::test(start_paused = true)]
async fn a_writer_leaves_a_few_calls_to_the_other_that_has_what_they_want() {
    let (mut queue, _answers) = queue(&[(1, &[1]), (2, &[1]), (3, &[1]), (4, &[4]), (5, &[5])]);
    let mine = queue.start();
    assert!(!queue.is_left_to_others(mine, 9), "there is no other");
    let other = queue.start();
    let first = queue.next(1, true).unwrap();
    assert!(!queue.is_left_to_others(mine, 9), "half of them want nothing that the other has");
    assert!(queue.leave(5));
    assert!(queue.is_left_to_others(mine, 9));
    queue.free(&first.keys);
    assert!(!queue.is_left_to_others(mine, 9), "the other has nothing");
    queue.next(1, true).unwrap();
    assert!(queue.leave(4));
    assert!(queue.is_left_to_others(mine, 9));
    tokio::time::sleep(SLOW).await;
    let mine = queue.go_on(mine);
    assert!(!queue.is_left_to_others(mine, 9), "the other is slow");
    queue.done(other);
}

#[tokio::test(start_paused = true)]
async fn many_calls_are_left_to_nobody() {
    let calls: Vec<(u128, &[u128])> = (1..=13).map(|id| (id, &[1][..])).collect();
    let (mut queue, _answers) = queue(&calls);
    let (mine, _other) = (queue.start(), queue.start());
    queue.next(1, true).unwrap();
    assert!(!queue.is_left_to_others(mine, 9));
    assert!(queue.leave(13));
    assert!(queue.is_left_to_others(mine, 9));
}
