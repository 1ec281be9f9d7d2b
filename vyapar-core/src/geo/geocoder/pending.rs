//! What is stored with an address until its point is known, and what becomes of it.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{GeocodeError, GeocodeHit};
use crate::geo::Coordinates;
use crate::time::Timestamp;

/// That a stored address still waits for its coordinates, because a geocoder failed or none was
/// there to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeocodingDue {
    /// When to ask again.
    pub due: Timestamp,
    /// How often asking failed.
    pub failures: u32,
}

impl GeocodingDue {
    /// After `failures` earlier failures, one more: 5 minutes, doubling, at most a day; or as
    /// long as the service asked for, if that is longer.
    #[must_use]
    pub fn after(now: Timestamp, failures: u32, error: GeocodeError) -> Self {
        let minutes = 5_i64.saturating_mul(1 << failures.min(9)).min(24 * 60);
        let asked = match error {
            GeocodeError::QuotaExceeded { retry_after: Some(wait) } => TimeDelta::from_std(wait).ok(),
            _ => None,
        };
        // A service that asks for months is not believed.
        let wait = asked.unwrap_or_default().min(TimeDelta::days(7)).max(TimeDelta::minutes(minutes));
        Self { due: now + wait, failures: failures.saturating_add(1) }
    }

    /// To be asked as soon as there is somebody to ask.
    #[must_use]
    pub const fn at_once(now: Timestamp) -> Self {
        Self { due: now, failures: 0 }
    }
}

/// What one run over waiting addresses did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GeocodedPending {
    /// Addresses that have their coordinates now.
    pub located: usize,
    /// Addresses that the geocoder does not know: not asked for again until they change.
    pub unknown: usize,
    /// Addresses for which it failed again: asked for later.
    pub failed: usize,
    /// Addresses that changed while they were asked for: they keep their turn.
    pub changed: usize,
    /// Why the run ended early, if it did: the quota is used up or the key denied, so that
    /// asking on would help nobody.
    pub stopped: Option<GeocodeError>,
}

/// What asking for one address came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Asked {
    At(Coordinates),
    Unknown,
    Failed(GeocodeError, GeocodingDue),
    NoGeocoder(GeocodingDue),
}

impl Asked {
    pub(crate) fn of(answer: Result<Option<GeocodeHit>, GeocodeError>, now: Timestamp, failures: u32) -> Self {
        match answer {
            Ok(Some(hit)) => Self::At(hit.coordinates),
            // Asking the same again does not help.
            Ok(None) | Err(GeocodeError::InvalidQuery) => Self::Unknown,
            Err(error) => Self::Failed(error, GeocodingDue::after(now, failures, error)),
        }
    }

    /// Where the question itself could not be read: its turn comes again.
    pub(crate) fn unasked(now: Timestamp, failures: u32) -> Self {
        let error = GeocodeError::Unavailable;
        Self::Failed(error, GeocodingDue::after(now, failures, error))
    }

    /// What is stored of it.
    pub(crate) const fn stored(self) -> (Option<Coordinates>, Option<GeocodingDue>) {
        match self {
            Self::At(coordinates) => (Some(coordinates), None),
            Self::Unknown => (None, None),
            Self::Failed(_, due) | Self::NoGeocoder(due) => (None, Some(due)),
        }
    }

    /// Whether asking for others is of any use after it.
    pub(crate) const fn goes_on(self) -> bool {
        !matches!(
            self,
            Self::NoGeocoder(_) | Self::Failed(GeocodeError::QuotaExceeded { .. } | GeocodeError::Denied, _)
        )
    }
}

impl GeocodedPending {
    /// Counts one answer, which was stored or came too late.
    pub(crate) const fn count(&mut self, asked: Asked, stored: bool) {
        match asked {
            Asked::NoGeocoder(_) => {}
            _ if !stored => self.changed += 1,
            Asked::At(_) => self.located += 1,
            Asked::Unknown => self.unknown += 1,
            Asked::Failed(..) => self.failed += 1,
        }
        if let Asked::Failed(error, _) = asked
            && !asked.goes_on()
        {
            self.stopped = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn waits_grow_and_end_at_a_day() {
        let now = Timestamp::UNIX_EPOCH;
        let minutes = |failures, error| (GeocodingDue::after(now, failures, error).due - now).num_minutes();
        let waits = [0, 1, 2, 8, 9, u32::MAX].map(|failures| minutes(failures, GeocodeError::TimedOut));
        assert_eq!(waits, [5, 10, 20, 1280, 1440, 1440]);
        let quota = |secs| GeocodeError::QuotaExceeded { retry_after: Some(Duration::from_secs(secs)) };
        assert_eq!([minutes(0, quota(60)), minutes(0, quota(7200)), minutes(0, quota(u64::MAX))], [5, 120, 5]);
        assert_eq!(GeocodingDue::after(now, u32::MAX, GeocodeError::Denied).failures, u32::MAX);
    }
}
