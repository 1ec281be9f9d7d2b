//! Pauses between attempts.

use std::time::Duration;

use crate::config::GoogleConfig;

/// The pause before repetition `repetition` (the first is 0): doubling, bounded, and a random
/// half taken off so that many callers do not come back at once.
pub(crate) fn pause(config: &GoogleConfig, repetition: u32) -> Duration {
    let factor = 1_u32.checked_shl(repetition).unwrap_or(u32::MAX);
    let full = config.first_pause.saturating_mul(factor).min(config.longest_pause);
    full.mul_f64(0.5 + 0.5 * random())
}

/// 0 to 1. A system without randomness gets no jitter, which is no reason to fail.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_millis(350));
        let config = GoogleConfig::new("key").unwrap().pauses(first, longest);
        for (repetition, full) in [(0, 100), (1, 200), (2, 350), (31, 350), (40, 350)] {
            let full = Duration::from_millis(full);
            let pauses: Vec<_> = (0..20).map(|_| pause(&config, repetition)).collect();
            assert!(pauses.iter().all(|pause| (full / 2..=full).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
    }
}
