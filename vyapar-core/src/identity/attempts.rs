//! Failed sign-ins, and how long they lock.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::secret::Blind;
use crate::time::Timestamp;

/// How many wrong passwords in a row are free.
pub const FREE_FAILURES: u32 = 5;
/// How long the first one beyond that locks; each further one doubles it.
pub const FIRST_LOCK: TimeDelta = TimeDelta::seconds(30);
/// The longest lock.
pub const LONGEST_LOCK: TimeDelta = TimeDelta::hours(1);
/// After this long without a try all is forgotten.
pub const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);

/// Sign-ins tried under one e-mail address or phone, whether an account has it or not: so a
/// lock tells nobody which accounts exist.
///
/// A try is counted *before* the password is compared and taken back when it was right, so
/// that no number of callers at once gets more tries than one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAttempts {
    /// The keyed hash of the address or phone.
    pub key: Blind,
    /// Tries since the last right one.
    pub failures: u32,
    /// Until when none is allowed.
    pub locked_until: Option<Timestamp>,
    /// When it last changed; [`FORGOTTEN_AFTER`] later it may be removed.
    pub updated_at: Timestamp,
    /// The version that the next write must name; 0 before the first.
    pub version: u64,
}

impl LoginAttempts {
    /// None so far.
    #[must_use]
    pub const fn none(key: Blind, now: Timestamp) -> Self {
        Self { key, failures: 0, locked_until: None, updated_at: now, version: 0 }
    }

    /// Counts one try at `now`.
    ///
    /// # Errors
    /// Until when the key is locked: nothing was counted.
    pub fn count(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        if self.updated_at + FORGOTTEN_AFTER <= now {
            (self.failures, self.locked_until) = (0, None);
        }
        if let Some(until) = self.locked_until.filter(|until| now < *until) {
            return Err(until);
        }
        self.failures = self.failures.saturating_add(1);
        let beyond = self.failures.checked_sub(FREE_FAILURES);
        self.locked_until = beyond.map(|beyond| now + (FIRST_LOCK * (1 << beyond.min(10))).min(LONGEST_LOCK));
        self.touch(now);
        Ok(())
    }

    /// The password was right: nothing is held against the key any more.
    pub const fn clear(&mut self, now: Timestamp) {
        (self.failures, self.locked_until) = (0, None);
        self.touch(now);
    }

    const fn touch(&mut self, now: Timestamp) {
        self.version = self.version.saturating_add(1);
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_grow_from_half_a_minute_to_an_hour() {
        let mut now = chrono::DateTime::from_timestamp(1_775_025_000, 0).unwrap();
        let mut attempts = LoginAttempts::none(Blind::from_bytes([0; 32]), now);
        let mut locks = Vec::new();
        for _ in 0..14 {
            attempts.count(now).unwrap();
            if let Some(until) = attempts.locked_until {
                assert_eq!(attempts.clone().count(until - TimeDelta::seconds(1)), Err(until));
                locks.push((until - now).num_seconds());
                now = until;
            }
        }
        assert_eq!(locks, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
        attempts.clear(now);
        assert_eq!((attempts.failures, attempts.locked_until), (0, None));
        for _ in 0..5 {
            attempts.count(now).unwrap();
        }
        attempts.count(now + FORGOTTEN_AFTER).unwrap();
        assert_eq!(attempts.failures, 1, "forgotten after a day");
    }
}
