//! Trying again: full jitter, and an end.
//!
//! The SDK retries neither a transaction cancelled by a conflict nor one cancelled by
//! throttling, so that is done here. Everything a call tries shares one deadline.

use std::time::Duration;

use tokio::time::Instant;
use vyapar_core::error::{RepositoryError, RepositoryErrorKind};

use crate::error::Failure;

/// The longest first pause; it doubles with each try.
const FIRST: Duration = Duration::from_millis(4);
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(160);

/// How long a call may go on trying.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    deadline: Instant,
    tries: u32,
}

impl Patience {
    /// Ends `limit` from now.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, tries: 0 }
    }

    /// When it ends.
    pub(crate) const fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Ends a call that tried again and again while others wrote in between: nothing of it
    /// was written.
    pub(crate) fn check(&self, doing: &'static str) -> Result<(), RepositoryError> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(RepositoryError::new(RepositoryErrorKind::Busy, doing))
    }

    /// Waits before the next try, or gives `failure` back when there is no time for one.
    pub(crate) async fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        if matches!(failure, Failure::Refused(_) | Failure::Fatal(_)) {
            return Err(failure);
        }
        let wait = self.next();
        if Instant::now() + wait >= self.deadline {
            return Err(failure);
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The pause before the next try: anything up to a bound that doubles, so that callers
    /// who met each other once do not meet again.
    fn next(&mut self) -> Duration {
        let bound = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        bound.mul_f64(fraction())
    }
}

/// A request's token, 32 hexadecimal digits. Random, because two processes must never mint
/// the same one.
pub(crate) fn token() -> Result<String, RepositoryError> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| {
        RepositoryError::new(RepositoryErrorKind::Backend, "random bytes for a request token")
            .with_source(error.to_string())
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A random byte, for choices where any will do.
pub(crate) fn random() -> u8 {
    let mut byte = [0_u8];
    // Without randomness, always the same choice.
    let _ = getrandom::fill(&mut byte);
    let [byte] = byte;
    byte
}

/// A random number in 0 to 1; without randomness the whole pause, which is only slower.
fn fraction() -> f64 {
    let mut bytes = [0_u8; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_failure_it_was_given() {
        let mut patience = Patience::new(Duration::from_millis(500));
        let started = Instant::now();
        let failure = loop {
            if let Err(failure) = patience.pause(Failure::Throttled("full".into())).await {
                break failure;
            }
        };
        assert!(matches!(failure, Failure::Throttled(_)));
        assert!(started.elapsed() < Duration::from_millis(500));
        assert!(patience.pause(Failure::Fatal("wrong".into())).await.is_err());
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let mut patience = Patience::new(Duration::from_secs(1));
        assert!(patience.next() <= FIRST);
        assert!((0..20).all(|_| patience.next() <= LONGEST));
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
