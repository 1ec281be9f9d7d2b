//! A deterministic environment: a clock that only moves when told, randomness from a seed,
//! keys that never change.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta};

use crate::env::{Entropy, Env};
use crate::secret::{KeyRing, SecretKey};
use crate::time::{Clock, Timestamp};

/// A clock that stands still until it is set or advanced; its clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// Where a clock stands at first: 1 April 2026, 12:00 in India.
    pub const START: Timestamp = match DateTime::from_timestamp(1_775_025_000, 0) {
        Some(start) => start,
        None => DateTime::UNIX_EPOCH,
    };

    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.timestamp_micros())))
    }

    /// Sets it, forwards or back.
    pub fn set(&self, to: Timestamp) {
        self.0.store(to.timestamp_micros(), Ordering::SeqCst);
    }

    /// Moves it and says what it shows now.
    pub fn advance(&self, by: TimeDelta) -> Timestamp {
        let micros = by.num_microseconds().unwrap_or(0);
        instant(self.0.fetch_add(micros, Ordering::SeqCst).saturating_add(micros))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(Self::START)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        instant(self.0.load(Ordering::SeqCst))
    }
}

fn instant(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).unwrap_or(ManualClock::START)
}

/// Bytes that follow from a seed (SplitMix64); its clones draw from the same stream.
///
/// For tests only: everything it makes can be foretold.
#[derive(Debug, Clone)]
pub struct SeededEntropy(Arc<AtomicU64>);

impl SeededEntropy {
    /// The stream of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// The next number of the stream.
    #[must_use]
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number of the stream, brought below `bound` (0 for a bound of 0).
    #[must_use]
    pub fn below(&self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            for (to, from) in chunk.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
    }
}

/// Keys that every test knows.
#[must_use]
pub fn test_keys() -> KeyRing {
    KeyRing::new(1, &SecretKey::new([0x11; 32]), &SecretKey::new([0x22; 32]))
}

/// An [`Env`] whose time and randomness the test holds in its hands.
#[derive(Debug, Clone)]
pub struct TestEnv {
    /// What services take.
    pub env: Env,
    /// Its clock.
    pub clock: ManualClock,
    /// Its randomness.
    pub entropy: SeededEntropy,
}

impl TestEnv {
    /// The environment of `seed`, at [`ManualClock::START`].
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let (clock, entropy) = (ManualClock::default(), SeededEntropy::new(seed));
        let env = Env::new(Arc::new(clock.clone()), Arc::new(entropy.clone()), Arc::new(test_keys()));
        Self { env, clock, entropy }
    }

    /// What the clock shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.env.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_things() {
        let (one, two, other) = (TestEnv::new(7), TestEnv::new(7), TestEnv::new(8));
        let id = one.env.order_id();
        assert_eq!(two.env.order_id(), id);
        assert_ne!(other.env.order_id(), id);
        assert_ne!(one.env.order_id(), id);
    }

    #[test]
    fn time_moves_only_when_told() {
        let test = TestEnv::new(1);
        assert_eq!(test.now().to_rfc3339(), "2026-04-01T06:30:00+00:00");
        let later = test.clock.clone().advance(TimeDelta::microseconds(3));
        assert_eq!((test.now(), test.now() - ManualClock::START), (later, TimeDelta::microseconds(3)));
        test.clock.set(ManualClock::START);
        assert_eq!(test.now(), ManualClock::START);
    }
}
