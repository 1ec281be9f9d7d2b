//! Failed sign-ins.

use chrono::TimeDelta;

use super::super::support::{at_once, swept};
use super::setup;
use crate::identity::{IdentityPorts, LoginAttempts};
use crate::secret::Blind;
use crate::store::UpdateOutcome;
use crate::testing::Bench;

/// Stores them where the version before is stored.
async fn save(ports: &IdentityPorts, attempts: &LoginAttempts) -> UpdateOutcome {
    ports.attempts.save(attempts.clone(), attempts.version - 1).await.unwrap()
}

async fn saved(ports: &IdentityPorts, attempts: LoginAttempts) -> LoginAttempts {
    assert_eq!(save(ports, &attempts).await, UpdateOutcome::Updated);
    attempts
}

async fn get(ports: &IdentityPorts, key: Blind) -> Option<LoginAttempts> {
    ports.attempts.get(key).await.unwrap()
}

/// Failed sign-ins read back exactly, whatever changes of them, each key for itself.
pub async fn failed_sign_ins_read_back_exactly(bench: &Bench) {
    let (ports, make) = setup(bench);
    let other = saved(&ports, make.login_attempts()).await;
    let first = saved(&ports, make.login_attempts()).await;
    assert_eq!(get(&ports, first.key).await.as_ref(), Some(&first));
    let locked = LoginAttempts {
        failures: u32::MAX >> 1,
        locked_until: Some(make.now() + TimeDelta::microseconds(3_600_000_001)),
        updated_at: make.now() + TimeDelta::microseconds(1),
        version: 2,
        ..first
    };
    let mut cleared = locked.clone();
    cleared.clear(make.now());
    for attempts in [locked, cleared] {
        let attempts = saved(&ports, attempts).await;
        assert_eq!(get(&ports, attempts.key).await, Some(attempts));
    }
    assert_eq!(get(&ports, other.key).await, Some(other));
    assert_eq!(get(&ports, make.blind()).await, None);
}

/// A save of another version than the stored one changes nothing.
pub async fn a_stale_save_of_failed_sign_ins_changes_nothing(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = saved(&ports, make.login_attempts()).await;
    let second = saved(&ports, LoginAttempts { failures: 2, version: 2, ..first.clone() }).await;
    for expected in [0, 1, 3, 9] {
        let late = LoginAttempts { failures: 0, version: expected + 1, ..first.clone() };
        assert_eq!(ports.attempts.save(late, expected).await.unwrap(), UpdateOutcome::Stale);
    }
    let absent = LoginAttempts { version: 2, ..make.login_attempts() };
    assert_eq!(save(&ports, &absent).await, UpdateOutcome::Stale);
    assert_eq!(get(&ports, absent.key).await, None);
    assert_eq!(get(&ports, first.key).await, Some(second));
}

/// Sixteen saves of one version at once: one is stored.
async fn race(ports: &IdentityPorts, before: &LoginAttempts) {
    let saves: Vec<_> =
        (0..16).map(|failures| LoginAttempts { failures, version: before.version + 1, ..before.clone() }).collect();
    let outcomes = at_once(saves.iter().cloned().map(|attempts| {
        let (ports, expected) = (ports.clone(), before.version);
        async move { ports.attempts.save(attempts, expected).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = saves.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    assert_eq!(get(ports, before.key).await.as_ref(), Some(won[0].0));
}

/// Of sixteen first failures of one key at once exactly one is stored.
pub async fn of_sixteen_first_failures_at_once_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    race(&ports, &LoginAttempts::none(make.blind(), make.now())).await;
}

/// Of sixteen failures counted on one version at once exactly one is stored: no number of
/// callers gets more tries than one.
pub async fn of_sixteen_failures_of_one_version_one_is_stored(bench: &Bench) {
    let (ports, make) = setup(bench);
    let first = saved(&ports, make.login_attempts()).await;
    race(&ports, &first).await;
}

/// A sweep removes what was not changed since the instant, so many at a time, and nothing
/// else; a key that is gone starts anew.
pub async fn only_old_failures_are_swept(bench: &Bench) {
    let (ports, make) = setup(bench);
    let (now, micro) = (make.now(), TimeDelta::microseconds(1));
    let (mut old, mut kept) = (Vec::new(), Vec::new());
    for at in 0..11 {
        let ago = TimeDelta::hours(at);
        let locked_until = (at % 2 == 0).then_some(now + ago);
        let before = LoginAttempts { updated_at: now - ago - micro, locked_until, ..make.login_attempts() };
        old.push(saved(&ports, before).await);
        kept.push(saved(&ports, LoginAttempts { updated_at: now + ago, ..make.login_attempts() }).await);
    }
    // Changed again in time.
    let changed = saved(&ports, LoginAttempts { updated_at: now - micro, ..make.login_attempts() }).await;
    kept.push(saved(&ports, LoginAttempts { updated_at: now, version: 2, ..changed }).await);
    swept(11, 4, |limit| ports.attempts.sweep(now, limit)).await;
    for attempts in &old {
        assert_eq!(get(&ports, attempts.key).await, None);
    }
    for attempts in &kept {
        assert_eq!(get(&ports, attempts.key).await.as_ref(), Some(attempts));
    }
    let again = LoginAttempts { key: old[0].key, ..make.login_attempts() };
    assert_eq!(save(&ports, &LoginAttempts { version: 2, ..again.clone() }).await, UpdateOutcome::Stale);
    assert_eq!(save(&ports, &again).await, UpdateOutcome::Updated);
    assert_eq!(get(&ports, again.key).await, Some(again));
}
