//! What a service takes from its surroundings: time, randomness, keys.
//!
//! Nothing else in core reads a clock or a random number, so a test that fixes the `Env`
//! fixes everything.

use std::fmt;
use std::sync::Arc;

use chrono::SubsecRound;
use uuid::Uuid;

use crate::id::{OrderId, TrackingId};
use crate::secret::{Blind, Cipher, Sealed, SecretError};
use crate::time::{Clock, SystemClock, Timestamp};

/// Where random bytes come from; they must be fit for keys and nonces.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::panic, reason = "without randomness no nonce may be used: going on would leak")]
    fn fill(&self, buffer: &mut [u8]) {
        if let Err(error) = getrandom::fill(buffer) {
            panic!("the system's random source failed: {error}");
        }
    }
}

/// Time, randomness and keys, shared by all services of one host.
#[derive(Clone)]
pub struct Env {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    cipher: Arc<dyn Cipher>,
}

impl Env {
    /// The machine's clock and random source, with the host's keys.
    #[must_use]
    pub fn system(cipher: Arc<dyn Cipher>) -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemEntropy), cipher)
    }

    /// An environment of the given parts.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, cipher: Arc<dyn Cipher>) -> Self {
        Self { clock, entropy, cipher }
    }

    /// The current instant, to the microsecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now().trunc_subsecs(6)
    }

    /// A fresh UUIDv7: 48 bits of milliseconds, 74 random bits (RFC 9562).
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0_u8; 10];
        self.entropy.fill(&mut bytes);
        let millis = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    /// A fresh order id.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        OrderId::from_uuid(self.uuid())
    }

    /// A fresh tracking id; its insert decides whether it is free.
    #[must_use]
    pub fn tracking_id(&self) -> TrackingId {
        let mut bits = [0_u8; 6];
        self.entropy.fill(&mut bits);
        TrackingId::from_bits(bits)
    }

    /// Seals `plain` for `context` (`table.column:row`): it opens only there.
    ///
    /// # Errors
    /// [`SecretError`] when the cipher has no usable key.
    pub fn seal(&self, context: &str, plain: &str) -> Result<Sealed, SecretError> {
        let mut nonce = [0_u8; 12];
        self.entropy.fill(&mut nonce);
        self.cipher.seal(context, plain, nonce)
    }

    /// Opens what was sealed for `context`.
    ///
    /// # Errors
    /// [`SecretError`] for an unknown key, another context or a changed text.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<String, SecretError> {
        self.cipher.open(context, sealed)
    }

    /// Whether a sealed text is under the current key.
    #[must_use]
    pub fn is_current(&self, sealed: &Sealed) -> bool {
        self.cipher.is_current(sealed)
    }

    /// The blind index of `parts` under `label`: by the current key first, then by each one
    /// that look-ups still have to try.
    #[must_use]
    pub fn blind(&self, label: &str, parts: &[&[u8]]) -> Vec<Blind> {
        self.cipher.blind(label, parts)
    }

    /// Fresh random bytes.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// The keyed hash of `parts` under `label`: equal only for equal parts.
    #[must_use]
    pub fn mac(&self, label: &str, parts: &[&[u8]]) -> Blind {
        self.cipher.mac(label, parts)
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}
