//! Sessions.

use chrono::TimeDelta;

use super::super::support::{all_pages, at_once, audited, eventually, refuses_foreign_cursors, swept};
use super::{get, inserted, setup};
use crate::id::UserId;
use crate::identity::{ContactKind, IdentityPorts, Session, StartOutcome, User};
use crate::page::PageRequest;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

fn audit(make: &Fixtures, session: &Session) -> AuditEntry {
    make.audit(None, "session.start", "session", &session.id.to_string())
}

async fn started(ports: &IdentityPorts, make: &Fixtures, session: Session) -> Session {
    let outcome = ports.sessions.start(session.clone(), audit(make, &session)).await.unwrap();
    assert_eq!(outcome, StartOutcome::Started);
    session
}

async fn found(ports: &IdentityPorts, session: &Session) -> Option<Session> {
    ports.sessions.get(session.id).await.unwrap()
}

/// The user's sessions are these, newest first.
async fn has(ports: &IdentityPorts, user: UserId, mut sessions: Vec<Session>) {
    sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
    eventually(sessions, || all_pages(50, |page| ports.sessions.list_by_user(user, page))).await;
}

/// A session with every field filled, and one with nothing optional, read back exactly, each
/// with its audit entry.
pub async fn a_session_reads_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let active = User { is_active: true, ..make.full_user() };
    for user in [active, make.user()] {
        let user = inserted(&ports, &make, user).await;
        for session in [make.full_session(&user), make.session(&user)] {
            let entry = audit(&make, &session);
            let outcome = ports.sessions.start(session.clone(), entry.clone()).await.unwrap();
            assert_eq!(outcome, StartOutcome::Started);
            assert_eq!(found(&ports, &session).await, Some(session));
            audited(&ports.audit, &[&entry]).await;
        }
    }
    assert_eq!(found(&ports, &make.session(&make.user())).await, None);
}

/// A session that starts is its user's last login, which makes no new version of him.
pub async fn starting_a_session_notes_the_login(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    let other = inserted(&ports, &make, make.user()).await;
    for _ in 0..3 {
        let now = make.clock().advance(TimeDelta::microseconds(61_000_001));
        started(&ports, &make, make.session(&user)).await;
        let expected = User { last_login: Some(now), ..user.clone() };
        assert_eq!(get(&ports, user.id).await.as_ref(), Some(&expected));
        let phone = &user.phone.as_ref().unwrap().lookups;
        let by_phone = ports.users.find(ContactKind::Phone, phone).await.unwrap();
        assert_eq!(by_phone, Some(expected));
    }
    assert_eq!(get(&ports, other.id).await, Some(other));
}

/// No session starts for who is unknown or may not sign in, or of another epoch than the
/// user's, older or newer; nothing is written.
pub async fn only_an_active_user_of_that_epoch_starts_a_session(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, User { session_epoch: 7, ..make.user() }).await;
    let inactive = inserted(&ports, &make, User { is_active: false, ..make.user() }).await;
    let refused = async |session: Session| {
        let outcome = ports.sessions.start(session.clone(), audit(&make, &session)).await.unwrap();
        assert_eq!((outcome, found(&ports, &session).await), (StartOutcome::Refused, None));
        // An entry of its own shows that the refused one left none.
        let entry = audit(&make, &session);
        ports.audit.append(entry.clone()).await.unwrap();
        audited(&ports.audit, &[&entry]).await;
    };
    for epoch in [0, 6, 8] {
        refused(Session { epoch, ..make.session(&user) }).await;
    }
    refused(make.session(&inactive)).await;
    refused(make.session(&make.user())).await;
    for user in [&user, &inactive] {
        assert_eq!(get(&ports, user.id).await.as_ref(), Some(user));
        has(&ports, user.id, Vec::new()).await;
    }
    let first = started(&ports, &make, make.session(&user)).await;
    // The epoch moves on, and back nothing goes.
    let next = User { session_epoch: 8, version: 2, ..user.clone() };
    assert_eq!(ports.users.update(next.clone(), 1, None).await.unwrap(), UpdateOutcome::Updated);
    refused(make.session(&user)).await;
    let second = started(&ports, &make, make.session(&next)).await;
    let gone = User { is_active: false, version: 3, ..next };
    assert_eq!(ports.users.update(gone.clone(), 2, None).await.unwrap(), UpdateOutcome::Updated);
    refused(make.session(&gone)).await;
    // Those that started before are stored as they are.
    has(&ports, user.id, vec![first, second]).await;
}

/// A login and an update of one user at once both happen, and neither undoes the other.
pub async fn logins_and_updates_at_once_lose_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let mut user = inserted(&ports, &make, make.user()).await;
    for _ in 0..12 {
        let now = make.clock().advance(TimeDelta::seconds(1));
        let session = make.session(&user);
        let next = User { full_name: Some(make.sealed("Asha")), version: user.version + 1, ..user.clone() };
        let answers = at_once([true, false].map(|is_login| {
            let (ports, session, next, entry) = (ports.clone(), session.clone(), next.clone(), audit(&make, &session));
            async move {
                if is_login {
                    ports.sessions.start(session, entry).await.unwrap() == StartOutcome::Started
                } else {
                    let expected = next.version - 1;
                    ports.users.update(next, expected, None).await.unwrap() == UpdateOutcome::Updated
                }
            }
        }))
        .await;
        assert_eq!(answers, [true, true]);
        user = User { last_login: Some(now), ..next };
        assert_eq!(get(&ports, user.id).await.as_ref(), Some(&user));
        assert_eq!(found(&ports, &session).await, Some(session));
    }
}

/// A session's last use moves forwards only, and nothing else of it moves; an absent session
/// is not made.
pub async fn a_session_is_touched_forwards_only(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    let session = started(&ports, &make, make.session(&user)).await;
    let at = |micros| make.now() + TimeDelta::microseconds(micros);
    for (micros, expected) in
        [(-1, 0), (600_000_001, 600_000_001), (600_000_000, 600_000_001), (700_000_000, 700_000_000)]
    {
        ports.sessions.touch(session.id, at(micros)).await.unwrap();
        let expected = Session { last_seen: at(expected), ..session.clone() };
        assert_eq!(found(&ports, &session).await, Some(expected));
    }
    let absent = make.session(&user);
    ports.sessions.touch(absent.id, at(1)).await.unwrap();
    assert_eq!(found(&ports, &absent).await, None);
    has(&ports, user.id, vec![Session { last_seen: at(700_000_000), ..session }]).await;
}

/// A session is revoked once, and by its own user only; one that is over, or absent, is not.
pub async fn a_session_is_revoked_once_and_by_its_user(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    let other = inserted(&ports, &make, make.user()).await;
    let session = make.session(&user);
    let first = audit(&make, &session);
    ports.sessions.start(session.clone(), first.clone()).await.unwrap();
    let kept = started(&ports, &make, make.session(&user)).await;
    let revoke = async |user: UserId, session: &Session| {
        ports.sessions.revoke(user, session.id, make.now(), audit(&make, session)).await.unwrap()
    };
    assert!(!revoke(other.id, &session).await);
    assert_eq!(found(&ports, &session).await.as_ref(), Some(&session));
    let now = make.clock().advance(TimeDelta::microseconds(7));
    let entry = audit(&make, &session);
    assert!(ports.sessions.revoke(user.id, session.id, now, entry.clone()).await.unwrap());
    let revoked = Session { revoked_at: Some(now), ..session };
    assert_eq!(found(&ports, &revoked).await.as_ref(), Some(&revoked));
    make.clock().advance(TimeDelta::seconds(1));
    assert!(!revoke(user.id, &revoked).await);
    assert_eq!(found(&ports, &revoked).await.as_ref(), Some(&revoked));
    audited(&ports.audit, &[&first, &entry]).await;

    let over = Session { expires_at: make.now(), ..make.session(&user) };
    let last = audit(&make, &over);
    ports.sessions.start(over.clone(), last.clone()).await.unwrap();
    assert!(!revoke(user.id, &over).await);
    audited(&ports.audit, &[&last]).await;
    let absent = make.session(&user);
    assert!(!revoke(user.id, &absent).await);
    assert_eq!(found(&ports, &absent).await, None);
    assert_eq!(found(&ports, &kept).await, Some(kept));
}

/// Of sixteen revocations of one session at once exactly one counts, and only it is audited.
pub async fn of_sixteen_revocations_at_once_one_counts(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    let session = make.session(&user);
    let first = audit(&make, &session);
    ports.sessions.start(session.clone(), first.clone()).await.unwrap();
    let calls: Vec<_> = (1..=16).map(|at| (make.now() + TimeDelta::seconds(at), audit(&make, &session))).collect();
    let answers = at_once(calls.iter().cloned().map(|(now, entry)| {
        let (ports, user, id) = (ports.clone(), user.id, session.id);
        async move { ports.sessions.revoke(user, id, now, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = calls.iter().zip(&answers).filter(|(_, was_open)| **was_open).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    let (now, entry) = won[0].0;
    assert_eq!(found(&ports, &session).await, Some(Session { revoked_at: Some(*now), ..session }));
    audited(&ports.audit, &[&first, entry]).await;
}

/// A user's sessions come newest first, page by page, each once, as they are now; nobody
/// else's do.
pub async fn a_users_sessions_come_newest_first_page_by_page(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    let other = inserted(&ports, &make, make.user()).await;
    let theirs = started(&ports, &make, make.session(&other)).await;
    let mut sessions = Vec::new();
    for at in 0..17 {
        make.clock().advance(TimeDelta::milliseconds(at % 3));
        let plain = make.session(&user);
        sessions.push(Session { revoked_at: (at % 4 == 0).then(|| make.now()), ..plain });
    }
    for session in make.shuffled(sessions.clone()) {
        started(&ports, &make, session).await;
    }
    let now = make.now();
    assert!(ports.sessions.revoke(user.id, sessions[3].id, now, audit(&make, &sessions[3])).await.unwrap());
    sessions[3].revoked_at = Some(now);
    sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
    for limit in [1, 4, 17, 200] {
        let read = || all_pages(limit, |page| ports.sessions.list_by_user(user.id, page));
        eventually(sessions.clone(), read).await;
    }
    let page = ports.sessions.list_by_user(user.id, PageRequest::first(17)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (17, None), "a full last page has no next");
    has(&ports, other.id, vec![theirs]).await;
    has(&ports, make.user_id(), Vec::new()).await;
}

/// A sweep removes sessions that expired before the instant, so many at a time, and no
/// others, revoked or not.
pub async fn only_expired_sessions_are_swept(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (now, micro) = (make.now(), TimeDelta::microseconds(1));
    let mut users = Vec::new();
    for _ in 0..2 {
        users.push(inserted(&ports, &make, make.user()).await);
    }
    let (mut expired, mut kept) = (Vec::new(), [Vec::new(), Vec::new()]);
    for at in 0..14 {
        let (ago, user) = (TimeDelta::days(i64::try_from(at).unwrap()), &users[at % 2]);
        let revoked_at = (at % 3 == 0).then_some(now);
        let over = Session { expires_at: now - ago - micro, revoked_at, ..make.session(user) };
        expired.push(started(&ports, &make, over).await);
        let open = Session { expires_at: now + ago, revoked_at, ..make.session(user) };
        kept[at % 2].push(started(&ports, &make, open).await);
    }
    swept(14, 4, |limit| ports.sessions.sweep(now, limit)).await;
    for session in &expired {
        assert_eq!(found(&ports, session).await, None);
    }
    for (user, kept) in users.iter().zip(kept) {
        for session in &kept {
            assert_eq!(found(&ports, session).await.as_ref(), Some(session));
        }
        has(&ports, user.id, kept).await;
        assert_eq!(get(&ports, user.id).await.unwrap().last_login, Some(now));
    }
}

/// Cursors of other lists and malformed positions are refused.
pub async fn sessions_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make) = setup(bench);
    let user = inserted(&ports, &make, make.user()).await;
    started(&ports, &make, make.session(&user)).await;
    refuses_foreign_cursors("sessions", |page| ports.sessions.list_by_user(user.id, page)).await;
}
