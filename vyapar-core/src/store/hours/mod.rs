//! When a store is open (`stores.business_hours`).

mod day;

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

pub use self::day::{DayHours, OpenInterval, TimeOfDay};
use crate::time::{Timestamp, ist_date, ist_midnight};

/// Most intervals of one day.
pub const MAX_INTERVALS: usize = 6;
/// Most dated exceptions of one store.
pub const MAX_EXCEPTIONS: usize = 100;
/// How many days ahead an opening or a closing is looked for.
const HORIZON_DAYS: u64 = 366;
const DAY: u16 = 24 * 60;

/// Why opening hours were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoursError {
    /// Not a time of day as `HH:MM`, `00:00` to `24:00`.
    #[error("`{0}` is not a time of day (00:00 to 24:00)")]
    Time(String),
    /// A shop opens before midnight; only closing may be at 24:00.
    #[error("a shop cannot open at 24:00; that is 00:00 of the next day")]
    OpensAtMidnight,
    /// An interval without length, or without end.
    #[error("opening and closing are both at {0}; all day is 00:00 to 24:00")]
    Empty(TimeOfDay),
    /// Two intervals of one day share time.
    #[error("{0} and {1} of one day overlap")]
    Overlap(OpenInterval, OpenInterval),
    /// More than [`MAX_INTERVALS`] intervals in a day, or [`MAX_EXCEPTIONS`] exceptions.
    #[error("{count} {what}, at most {max} are kept")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
}

/// When a store is open, in India's time: a week, and dates that differ from it.
///
/// An interval belongs to the day it opens on, so a night that begins on Saturday at 20:00 and
/// ends at 02:00 is Saturday's, and a Sunday that is closed does not cut it short. An exception
/// takes the place of its date's hours.
///
/// As JSON: weekdays in lower case, a missing one is closed.
///
/// ```
/// use vyapar_core::store::BusinessHours;
///
/// let hours: BusinessHours = serde_json::from_str(r#"{
///     "monday":   [{"open": "09:00", "close": "13:00"}, {"open": "17:00", "close": "21:30"}],
///     "saturday": [{"open": "20:00", "close": "02:00"}],
///     "exceptions": {"2026-11-09": []}
/// }"#)?;
/// let open = |at: &str| hours.is_open(at.parse().unwrap());
/// assert!(open("2026-11-16T11:00:00+05:30") && !open("2026-11-16T13:00:00+05:30"));
/// assert!(open("2026-11-15T01:59:00+05:30"), "Saturday's night");
/// assert!(!open("2026-11-09T11:00:00+05:30"), "a Monday that is a holiday");
/// let holiday = "2026-11-09T11:00:00+05:30".parse()?;
/// assert_eq!(hours.opens_at(holiday), Some("2026-11-14T20:00:00+05:30".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct BusinessHours {
    /// Monday first.
    week: [DayHours; 7],
    exceptions: BTreeMap<NaiveDate, DayHours>,
}

/// The stored form.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    monday: DayHours,
    tuesday: DayHours,
    wednesday: DayHours,
    thursday: DayHours,
    friday: DayHours,
    saturday: DayHours,
    sunday: DayHours,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    exceptions: BTreeMap<NaiveDate, DayHours>,
}

impl BusinessHours {
    /// Open day and night.
    #[must_use]
    pub fn always() -> Self {
        Self::daily(&DayHours::all_day())
    }

    /// The same hours every day.
    #[must_use]
    pub fn daily(day: &DayHours) -> Self {
        Self::weekly(std::array::from_fn(|_| day.clone()))
    }

    /// These hours, Monday first.
    #[must_use]
    pub const fn weekly(week: [DayHours; 7]) -> Self {
        Self { week, exceptions: BTreeMap::new() }
    }

    /// The same but for one weekday.
    #[must_use]
    pub fn on(mut self, weekday: Weekday, day: DayHours) -> Self {
        if let Some(known) = self.week.get_mut(index(weekday)) {
            *known = day;
        }
        self
    }

    /// The same but for one date.
    ///
    /// # Errors
    /// [`HoursError::TooMany`].
    pub fn except(mut self, date: NaiveDate, day: DayHours) -> Result<Self, HoursError> {
        self.exceptions.insert(date, day);
        self.bounded()
    }

    /// The same without the exceptions of dates before `date`.
    #[must_use]
    pub fn without_exceptions_before(mut self, date: NaiveDate) -> Self {
        self.exceptions = self.exceptions.split_off(&date);
        self
    }

    fn bounded(self) -> Result<Self, HoursError> {
        let (count, max) = (self.exceptions.len(), MAX_EXCEPTIONS);
        if count > max { Err(HoursError::TooMany { what: "dated exceptions", count, max }) } else { Ok(self) }
    }

    /// The hours of a date.
    #[must_use]
    pub fn of(&self, date: NaiveDate) -> &[OpenInterval] {
        let exception = self.exceptions.get(&date);
        exception.or_else(|| self.week.get(index(date.weekday()))).map_or(&[], DayHours::intervals)
    }

    /// The dates that differ from the week.
    #[must_use]
    pub const fn exceptions(&self) -> &BTreeMap<NaiveDate, DayHours> {
        &self.exceptions
    }

    /// Whether no weekday and no date has hours.
    #[must_use]
    pub fn is_never_open(&self) -> bool {
        self.week.iter().chain(self.exceptions.values()).all(|day| day.intervals().is_empty())
    }

    /// Whether the store is open at an instant: from the minute it opens, not at the minute it
    /// closes.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.end_of_interval(at).is_some()
    }

    /// When the store closes next, if it is open: where one interval begins as another ends, it
    /// stays open. `None` when it is closed, or does not close within a year.
    #[must_use]
    pub fn closes_at(&self, at: Timestamp) -> Option<Timestamp> {
        let horizon = at.checked_add_days(Days::new(HORIZON_DAYS))?;
        let mut end = self.end_of_interval(at)?;
        while let Some(later) = self.end_of_interval(end) {
            if later > horizon {
                return None;
            }
            end = later;
        }
        Some(end)
    }

    /// When the store is open next: `at` itself if it is open then. `None` when it does not open
    /// within a year.
    #[must_use]
    pub fn opens_at(&self, at: Timestamp) -> Option<Timestamp> {
        if self.is_open(at) {
            return Some(at);
        }
        let first = ist_date(at);
        (0..=HORIZON_DAYS)
            .filter_map(|days| first.checked_add_days(Days::new(days)))
            .flat_map(|date| self.of(date).iter().map(move |interval| instant(date, interval.start())))
            .find(|opening| *opening > at)
    }

    /// The latest end of the intervals that contain an instant.
    fn end_of_interval(&self, at: Timestamp) -> Option<Timestamp> {
        let today = ist_date(at);
        let days = [today.pred_opt(), Some(today)];
        days.into_iter()
            .flatten()
            .flat_map(|date| self.of(date).iter().map(move |interval| (date, *interval)))
            .map(|(date, interval)| (instant(date, interval.start()), instant(date, interval.end())))
            .filter(|(open, close)| *open <= at && at < *close)
            .map(|(_, close)| close)
            .max()
    }
}

const fn index(weekday: Weekday) -> usize {
    weekday.num_days_from_monday() as usize
}

fn instant(date: NaiveDate, minutes: u16) -> Timestamp {
    ist_midnight(date) + TimeDelta::minutes(i64::from(minutes))
}

impl TryFrom<Written> for BusinessHours {
    type Error = HoursError;
    fn try_from(w: Written) -> Result<Self, HoursError> {
        let week = [w.monday, w.tuesday, w.wednesday, w.thursday, w.friday, w.saturday, w.sunday];
        Self { week, exceptions: w.exceptions }.bounded()
    }
}
impl From<BusinessHours> for Written {
    fn from(hours: BusinessHours) -> Self {
        let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] = hours.week;
        Self { monday, tuesday, wednesday, thursday, friday, saturday, sunday, exceptions: hours.exceptions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        format!("{text}+05:30").parse().unwrap()
    }

    #[test]
    fn what_is_refused() {
        for bad in ["", "9", "24:01", "09:60", "9:5", "-1:00", "+9:00", "09:00:00", "१०:००"] {
            assert_eq!(bad.parse::<TimeOfDay>(), Err(HoursError::Time(bad.to_owned())), "{bad}");
        }
        assert_eq!("9:05".parse::<TimeOfDay>().unwrap().to_string(), "09:05");
        assert_eq!("24:00-01:00".parse::<OpenInterval>(), Err(HoursError::OpensAtMidnight));
        assert!(matches!("09:00-09:00".parse::<OpenInterval>(), Err(HoursError::Empty(_))));
        let overlap = "09:00-13:00, 12:59-14:00".parse::<DayHours>().unwrap_err();
        assert_eq!(overlap.to_string(), "09:00 to 13:00 and 12:59 to 14:00 of one day overlap");
        assert!("20:00-02:00, 21:00-22:00".parse::<DayHours>().is_err(), "the night goes on");
        assert!("09:00-13:00,13:00-14:00".parse::<DayHours>().is_ok(), "one begins as the other ends");
        let many = ["00:00-01:00"; 7].join(",");
        assert!(matches!(many.parse::<DayHours>(), Err(HoursError::TooMany { count: 7, max: 6, .. })));
        let mut hours = BusinessHours::always();
        let first = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        for day in 0..100 {
            hours = hours.except(first + Days::new(day), DayHours::closed()).unwrap();
        }
        assert!(hours.clone().except(first + Days::new(100), DayHours::closed()).is_err());
        assert_eq!(hours.without_exceptions_before(first + Days::new(40)).exceptions().len(), 60);
        assert!(serde_json::from_str::<BusinessHours>(r#"{"someday":[]}"#).is_err());
    }

    #[test]
    fn nights_belong_to_the_day_they_begin_on() {
        let night: DayHours = "20:00-02:00".parse().unwrap();
        let saturday = BusinessHours::daily(&DayHours::closed()).on(Weekday::Sat, night);
        assert!(saturday.is_open(at("2026-11-14T20:00:00")));
        assert!(saturday.is_open(at("2026-11-15T01:59:59")));
        assert!(!saturday.is_open(at("2026-11-15T02:00:00")));
        assert!(!saturday.is_open(at("2026-11-14T01:00:00")), "Friday was closed");
        assert_eq!(saturday.closes_at(at("2026-11-14T23:00:00")), Some(at("2026-11-15T02:00:00")));
        assert_eq!(saturday.opens_at(at("2026-11-15T02:00:00")), Some(at("2026-11-21T20:00:00")));
        let holiday = NaiveDate::from_ymd_opt(2026, 11, 14).unwrap();
        let off = saturday.except(holiday, DayHours::closed()).unwrap();
        assert!(!off.is_open(at("2026-11-15T01:00:00")));
        assert_eq!(off.opens_at(at("2026-11-14T00:00:00")), Some(at("2026-11-21T20:00:00")));
    }

    #[test]
    fn touching_intervals_are_one_opening() {
        let always = BusinessHours::always();
        assert_eq!(always.closes_at(at("2026-11-14T12:00:00")), None);
        assert_eq!(always.opens_at(at("2026-11-14T12:00:00")), Some(at("2026-11-14T12:00:00")));
        let closing = always.except(NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(), DayHours::closed()).unwrap();
        assert_eq!(closing.closes_at(at("2026-11-14T12:00:00")), Some(at("2026-11-20T00:00:00")));
        let never = BusinessHours::daily(&DayHours::closed());
        assert_eq!(
            (never.closes_at(at("2026-11-14T12:00:00")), never.opens_at(at("2026-11-14T12:00:00"))),
            (None, None)
        );
    }

    fn day() -> impl Strategy<Value = DayHours> {
        proptest::collection::vec((0..DAY, 1..=DAY), 0..4).prop_map(|pairs| {
            let mut day = DayHours::closed();
            for (open, close) in pairs {
                if let Ok(interval) = OpenInterval::new(TimeOfDay(open), TimeOfDay(close)) {
                    let more = DayHours::new(day.intervals().iter().copied().chain([interval]));
                    day = more.unwrap_or(day);
                }
            }
            day
        })
    }

    proptest! {
        #[test]
        fn openings_and_closings_agree_with_the_minute(
            week in proptest::array::uniform7(day()), exception in day(), on in 0_u64..8, minute in 0_i64..8 * 1440,
        ) {
            let monday = NaiveDate::from_ymd_opt(2026, 11, 16).unwrap();
            let hours = BusinessHours::weekly(week).except(monday + Days::new(on), exception).unwrap();
            let back = serde_json::from_str(&serde_json::to_string(&hours).unwrap()).unwrap();
            prop_assert_eq!(&hours, &back);
            let at = ist_midnight(monday) + TimeDelta::minutes(minute);
            // Minute by minute: from here to the answer it is all open, or all closed.
            let minutes = |from: Timestamp, to: Timestamp| (0..(to - from).num_minutes()).map(move |m| from + TimeDelta::minutes(m));
            if hours.is_open(at) {
                if let Some(end) = hours.closes_at(at) {
                    prop_assert!(!hours.is_open(end));
                    prop_assert!(minutes(at, end.min(at + TimeDelta::days(9))).all(|m| hours.is_open(m)));
                }
            } else if let Some(opening) = hours.opens_at(at) {
                prop_assert!(hours.is_open(opening));
                prop_assert!(minutes(at, opening.min(at + TimeDelta::days(9))).all(|m| !hours.is_open(m)));
            } else {
                prop_assert!(minutes(at, at + TimeDelta::days(9)).all(|m| !hours.is_open(m)));
            }
        }
    }
}
