//! One-time codes, and how many of them a phone may get and try.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::id::OtpId;
use crate::secret::{Blind, Sealed};
use crate::text_enum::text_enum;
use crate::time::Timestamp;

text_enum! {
    /// What a code is for (`otp_verifications.purpose`).
    OtpPurpose ("purpose of a one-time code") {
        /// Signing in.
        Login = "login",
        /// Proving that a number is one's own.
        Verification = "verification",
        /// Setting a new password.
        PasswordReset = "password_reset",
    }
}

/// How long a code counts.
pub const CODE_VALID: TimeDelta = TimeDelta::minutes(10);
/// How long its row is kept.
pub const CODE_KEPT: TimeDelta = TimeDelta::hours(24);
/// How soon another code may be sent.
pub const RESEND_AFTER: TimeDelta = TimeDelta::seconds(30);
/// How many codes a phone gets within [`SEND_WINDOW`], whatever they are for.
pub const MAX_SENDS: usize = 5;
/// The time in which [`MAX_SENDS`] are counted, and the one in which [`MAX_TRIES`] are.
pub const SEND_WINDOW: TimeDelta = TimeDelta::hours(1);
/// How many codes may be tried for one phone and purpose within [`SEND_WINDOW`], over all
/// codes sent in it.
pub const MAX_TRIES: u32 = 5;

/// One code that was sent (`otp_verifications`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Otp {
    /// Its id.
    pub id: OtpId,
    /// The number it was sent to, sealed.
    pub phone: Sealed,
    /// The keyed hash of id and code (`otp_code`).
    pub code_hash: Blind,
    /// What it is for.
    pub purpose: OtpPurpose,
    /// How often it was tried.
    pub attempts: u32,
    /// Until when it counts.
    pub expires_at: Timestamp,
    /// Whether it was used.
    pub verified: bool,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// The tries of one purpose within a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtpTries {
    /// What the codes are for.
    pub purpose: OtpPurpose,
    /// When the first of them was tried.
    pub since: Timestamp,
    /// How many were.
    pub count: u32,
}

/// What is known of a phone's codes: the one record that sending and trying go through, so
/// that neither can be done more often than allowed, and no code twice, however many callers
/// there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtpBook {
    /// The keyed hash of the phone.
    pub phone: Blind,
    /// When codes were sent within the last [`SEND_WINDOW`], oldest first.
    pub sends: Vec<Timestamp>,
    /// Tries, at most one entry a purpose.
    pub tries: Vec<OtpTries>,
    /// The newest code of each purpose, for [`CODE_KEPT`].
    pub codes: Vec<Otp>,
    /// The version that the next write must name; 0 before the first.
    pub version: u64,
    /// When it last changed; [`CODE_KEPT`] later it may be removed.
    pub updated_at: Timestamp,
}

/// Why no code is sent, or none is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtpLimit {
    /// Too soon after the last one, or too many within the window.
    Send {
        /// When the next may be sent.
        at: Timestamp,
    },
    /// Too many tries within the window.
    Try {
        /// When the next may be made.
        at: Timestamp,
    },
}

impl OtpBook {
    /// The book of a phone that never got a code.
    #[must_use]
    pub const fn empty(phone: Blind, now: Timestamp) -> Self {
        Self { phone, sends: Vec::new(), tries: Vec::new(), codes: Vec::new(), version: 0, updated_at: now }
    }

    /// Notes that `code` is sent at `now` in the place of any earlier one of its purpose.
    ///
    /// # Errors
    /// [`OtpLimit::Send`]: nothing was noted.
    pub fn send(&mut self, code: Otp, now: Timestamp) -> Result<(), OtpLimit> {
        self.sends.retain(|at| *at + SEND_WINDOW > now);
        if let Some(last) = self.sends.last().filter(|last| **last + RESEND_AFTER > now) {
            return Err(OtpLimit::Send { at: *last + RESEND_AFTER });
        }
        if let Some(first) = self.sends.first().filter(|_| self.sends.len() >= MAX_SENDS) {
            return Err(OtpLimit::Send { at: *first + SEND_WINDOW });
        }
        self.sends.push(now);
        self.codes.retain(|known| known.purpose != code.purpose);
        self.codes.push(code);
        self.touch(now);
        Ok(())
    }

    /// Notes one try of the newest code of `purpose`; the code is then compared with what
    /// `is_right` says. A right one is used up by it.
    ///
    /// Wrong, expired, used and never sent answer alike: `false`.
    ///
    /// # Errors
    /// [`OtpLimit::Try`]: nothing was noted and nothing compared.
    pub fn attempt(
        &mut self,
        purpose: OtpPurpose,
        now: Timestamp,
        is_right: impl FnOnce(&Otp) -> bool,
    ) -> Result<bool, OtpLimit> {
        self.tries.retain(|tries| tries.since + SEND_WINDOW > now);
        let tries = match self.tries.iter_mut().find(|tries| tries.purpose == purpose) {
            Some(tries) if tries.count >= MAX_TRIES => return Err(OtpLimit::Try { at: tries.since + SEND_WINDOW }),
            Some(tries) => tries,
            None => {
                self.tries.push(OtpTries { purpose, since: now, count: 0 });
                match self.tries.last_mut() {
                    Some(tries) => tries,
                    None => return Ok(false),
                }
            }
        };
        tries.count = tries.count.saturating_add(1);
        self.touch(now);
        let Some(code) = self.codes.iter_mut().find(|code| code.purpose == purpose) else {
            return Ok(false);
        };
        code.attempts = code.attempts.saturating_add(1);
        let counts = !code.verified && now < code.expires_at;
        // Compared also when it does not count, so that the time taken tells nothing.
        let right = is_right(code) && counts;
        if right {
            code.verified = true;
            self.tries.retain(|tries| tries.purpose != purpose);
        }
        Ok(right)
    }

    /// Every save writes all codes, so what a sweep has removed is left out here, or it would return.
    fn touch(&mut self, now: Timestamp) {
        self.codes.retain(|code| code.created_at + CODE_KEPT > now);
        self.version = self.version.saturating_add(1);
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_775_025_000 + seconds, 0).unwrap()
    }

    fn code(purpose: OtpPurpose, now: Timestamp) -> Otp {
        Otp {
            id: OtpId::from_uuid(Uuid::nil()),
            phone: Sealed::from_bytes(vec![1]),
            code_hash: Blind::from_bytes([1; 32]),
            purpose,
            attempts: 0,
            expires_at: now + CODE_VALID,
            verified: false,
            created_at: now,
        }
    }

    #[test]
    fn five_an_hour_thirty_seconds_apart_whatever_for() {
        let mut book = OtpBook::empty(Blind::from_bytes([0; 32]), at(0));
        for n in 0..5_i64 {
            let purpose = if n % 2 == 0 { OtpPurpose::Login } else { OtpPurpose::PasswordReset };
            book.send(code(purpose, at(n * 30)), at(n * 30)).unwrap();
            if n < 4 {
                let early = book.clone().send(code(purpose, at(n * 30 + 29)), at(n * 30 + 29));
                assert_eq!(early, Err(OtpLimit::Send { at: at(n * 30 + 30) }));
            }
        }
        let sixth = book.send(code(OtpPurpose::Login, at(600)), at(600));
        assert_eq!(sixth, Err(OtpLimit::Send { at: at(3600) }));
        book.send(code(OtpPurpose::Login, at(3600)), at(3600)).unwrap();
        assert_eq!(book.codes.len(), 2, "the newest of each purpose");
    }

    #[test]
    fn no_code_is_kept_longer_than_a_day() {
        let mut book = OtpBook::empty(Blind::from_bytes([0; 32]), at(0));
        book.send(code(OtpPurpose::Verification, at(0)), at(0)).unwrap();
        let day = 24 * 3600;
        book.send(code(OtpPurpose::Login, at(day - 1)), at(day - 1)).unwrap();
        assert_eq!(book.codes.len(), 2);
        assert_eq!(book.attempt(OtpPurpose::Login, at(day), |_| true), Ok(true));
        assert_eq!(book.codes.iter().map(|code| code.purpose).collect::<Vec<_>>(), [OtpPurpose::Login]);
    }

    #[test]
    fn five_tries_a_window_over_all_codes_sent_in_it() {
        let mut book = OtpBook::empty(Blind::from_bytes([0; 32]), at(0));
        book.send(code(OtpPurpose::Login, at(0)), at(0)).unwrap();
        for n in 0..3 {
            assert_eq!(book.attempt(OtpPurpose::Login, at(n), |_| false), Ok(false));
        }
        book.send(code(OtpPurpose::Login, at(60)), at(60)).unwrap();
        for n in 60..62 {
            assert_eq!(book.attempt(OtpPurpose::Login, at(n), |_| false), Ok(false));
        }
        let sixth = book.attempt(OtpPurpose::Login, at(63), |_| panic!("compared"));
        assert_eq!(sixth, Err(OtpLimit::Try { at: at(3600) }));
        assert_eq!(book.attempt(OtpPurpose::Verification, at(63), |_| true), Ok(false), "none was sent for it");
        assert_eq!(book.attempt(OtpPurpose::Login, at(3600), |_| true), Ok(false), "expired by then");
    }

    #[test]
    fn a_code_counts_once_and_ten_minutes() {
        let mut book = OtpBook::empty(Blind::from_bytes([0; 32]), at(0));
        book.send(code(OtpPurpose::Login, at(0)), at(0)).unwrap();
        let mut late = book.clone();
        assert_eq!(late.attempt(OtpPurpose::Login, at(600), |_| true), Ok(false));
        assert_eq!(book.attempt(OtpPurpose::Login, at(599), |_| true), Ok(true));
        assert_eq!(book.attempt(OtpPurpose::Login, at(599), |_| true), Ok(false), "used");
    }
}
