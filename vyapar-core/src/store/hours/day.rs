//! The hours of one day.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{DAY, HoursError, MAX_INTERVALS};

/// A time of day in India, to the minute: `00:00` to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(pub(super) u16);

impl FromStr for TimeOfDay {
    type Err = HoursError;
    fn from_str(s: &str) -> Result<Self, HoursError> {
        let number = |part: &str| -> Option<u16> {
            ((1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let parse = || {
            let (hour, minute) = s.trim().split_once(':')?;
            let (hour, minute) = (number(hour)?, number(minute).filter(|_| minute.len() == 2)?);
            let minutes = hour * 60 + minute;
            (minute < 60 && minutes <= DAY).then_some(Self(minutes))
        };
        parse().ok_or_else(|| HoursError::Time(s.chars().take(16).collect()))
    }
}
impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}
impl TryFrom<String> for TimeOfDay {
    type Error = HoursError;
    fn try_from(s: String) -> Result<Self, HoursError> {
        s.parse()
    }
}
impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// From opening to closing. A closing that is not after the opening is on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Times", into = "Times")]
pub struct OpenInterval {
    open: TimeOfDay,
    close: TimeOfDay,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    open: TimeOfDay,
    close: TimeOfDay,
}

impl OpenInterval {
    /// From `open` to `close`.
    ///
    /// # Errors
    /// [`HoursError::OpensAtMidnight`], [`HoursError::Empty`].
    pub fn new(open: TimeOfDay, close: TimeOfDay) -> Result<Self, HoursError> {
        if open.0 == DAY {
            return Err(HoursError::OpensAtMidnight);
        }
        if open == close {
            return Err(HoursError::Empty(open));
        }
        Ok(Self { open, close })
    }

    /// When it opens.
    #[must_use]
    pub const fn open(self) -> TimeOfDay {
        self.open
    }

    /// When it closes: on the next day unless after [`open`](Self::open).
    #[must_use]
    pub const fn close(self) -> TimeOfDay {
        self.close
    }

    /// Its beginning in minutes after midnight.
    pub(super) const fn start(self) -> u16 {
        self.open.0
    }

    /// Its end in minutes after the midnight of the day it opens on.
    pub(super) const fn end(self) -> u16 {
        if self.close.0 > self.open.0 { self.close.0 } else { self.close.0 + DAY }
    }
}

impl TryFrom<Times> for OpenInterval {
    type Error = HoursError;
    fn try_from(times: Times) -> Result<Self, HoursError> {
        Self::new(times.open, times.close)
    }
}
impl From<OpenInterval> for Times {
    fn from(interval: OpenInterval) -> Self {
        Self { open: interval.open, close: interval.close }
    }
}
impl fmt::Display for OpenInterval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.open, self.close)
    }
}
impl FromStr for OpenInterval {
    type Err = HoursError;
    /// `09:00-13:00`.
    fn from_str(s: &str) -> Result<Self, HoursError> {
        let (open, close) = s.split_once('-').ok_or_else(|| HoursError::Time(s.chars().take(16).collect()))?;
        Self::new(open.parse()?, close.parse()?)
    }
}

/// The hours of one day, by opening; none when it is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<OpenInterval>", into = "Vec<OpenInterval>")]
pub struct DayHours(Vec<OpenInterval>);

impl DayHours {
    /// A day on which the store stays closed.
    #[must_use]
    pub const fn closed() -> Self {
        Self(Vec::new())
    }

    /// Midnight to midnight.
    #[must_use]
    pub fn all_day() -> Self {
        Self(vec![OpenInterval { open: TimeOfDay(0), close: TimeOfDay(DAY) }])
    }

    /// A day with these intervals, in any order.
    ///
    /// # Errors
    /// [`HoursError::Overlap`], [`HoursError::TooMany`].
    pub fn new(intervals: impl IntoIterator<Item = OpenInterval>) -> Result<Self, HoursError> {
        let mut intervals: Vec<_> = intervals.into_iter().collect();
        if intervals.len() > MAX_INTERVALS {
            let (count, max) = (intervals.len(), MAX_INTERVALS);
            return Err(HoursError::TooMany { what: "intervals in a day", count, max });
        }
        intervals.sort_by_key(|interval| interval.open);
        for pair in intervals.windows(2) {
            if let [first, second] = pair
                && second.open.0 < first.end()
            {
                return Err(HoursError::Overlap(*first, *second));
            }
        }
        Ok(Self(intervals))
    }

    /// Its intervals, by opening.
    #[must_use]
    pub fn intervals(&self) -> &[OpenInterval] {
        &self.0
    }
}

impl TryFrom<Vec<OpenInterval>> for DayHours {
    type Error = HoursError;
    fn try_from(intervals: Vec<OpenInterval>) -> Result<Self, HoursError> {
        Self::new(intervals)
    }
}
impl From<DayHours> for Vec<OpenInterval> {
    fn from(day: DayHours) -> Self {
        day.0
    }
}
impl FromStr for DayHours {
    type Err = HoursError;
    /// `09:00-13:00, 17:00-21:30`; nothing, or `closed`, is a closed day.
    fn from_str(s: &str) -> Result<Self, HoursError> {
        match s.trim() {
            "" | "closed" => Ok(Self::closed()),
            text => Self::new(text.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?),
        }
    }
}
