//! Time: instants in UTC, business days in India.

use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// An instant in UTC, to the microsecond (the finest that every backend keeps).
pub type Timestamp = DateTime<Utc>;

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The current instant; callers get it through [`Env::now`](crate::Env::now), which cuts
    /// it to microseconds.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Utc::now()
    }
}

/// India's offset from UTC in seconds: +5:30, no summer time.
const IST_SECONDS: i32 = 19_800;

fn ist() -> FixedOffset {
    FixedOffset::east_opt(IST_SECONDS).unwrap_or_else(|| chrono::Offset::fix(&Utc))
}

/// The business day (Asia/Kolkata) that an instant belongs to.
#[must_use]
pub fn ist_date(at: Timestamp) -> NaiveDate {
    in_ist(at).date_naive()
}

/// An instant as clocks in India show it.
#[must_use]
pub fn in_ist(at: Timestamp) -> DateTime<FixedOffset> {
    at.with_timezone(&ist())
}

/// The instant at which a business day (Asia/Kolkata) begins.
#[must_use]
pub fn ist_midnight(day: NaiveDate) -> Timestamp {
    day.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(IST_SECONDS))
}

/// An Indian financial year: 1 April to 31 March, named by the year it begins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FinancialYear(i32);

impl FinancialYear {
    /// The financial year that a business day lies in.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self(if day.month() >= 4 { day.year() } else { day.year() - 1 })
    }

    /// The calendar year it begins in.
    #[must_use]
    pub const fn first_year(self) -> i32 {
        self.0
    }
}

impl fmt::Display for FinancialYear {
    /// As people write it: `2026-27`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.0, (self.0 + 1).rem_euclid(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn business_days_turn_at_half_past_six_in_the_evening_utc() {
        let before: Timestamp = "2026-03-31T18:29:59Z".parse().unwrap();
        let after: Timestamp = "2026-03-31T18:30:00Z".parse().unwrap();
        assert_eq!(FinancialYear::of(ist_date(before)).to_string(), "2025-26");
        assert_eq!(FinancialYear::of(ist_date(after)).to_string(), "2026-27");
        assert_eq!(ist_midnight(ist_date(after)), after);
        assert_eq!(FinancialYear::of(NaiveDate::from_ymd_opt(1999, 5, 1).unwrap()).to_string(), "1999-00");
    }
}
