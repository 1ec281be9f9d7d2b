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

/// The operating system's random source, asked each time.
///
/// Nothing is kept between calls, neither bytes nor a generator's state, so threads, children of
/// a fork and copies of a virtual machine never give out the same. (A generator of each thread's,
/// as `rand` has it, does not notice a fork.)
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

    /// A fresh UUIDv7 (RFC 9562, method 3): 48 bits of milliseconds, 12 of the fraction of one, 62
    /// random bits. Ids that one process makes are in the order of their making, to a quarter of
    /// a microsecond.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        uuid_of(self.clock.now(), self.random())
    }

    /// Ids and nonces for one piece of work at `now`, drawn together.
    pub(crate) fn draw(&self, now: Timestamp) -> Draw<'_> {
        Draw { env: self, now, bytes: [0; DRAWN], used: DRAWN }
    }

    /// A fresh order id.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        OrderId::from_uuid(self.uuid())
    }

    /// A fresh tracking id; its insert decides whether it is free.
    #[must_use]
    pub fn tracking_id(&self) -> TrackingId {
        TrackingId::from_bits(self.random())
    }

    /// Seals `plain` for `context` (`table.column:row`): it opens only there.
    ///
    /// # Errors
    /// [`SecretError`] when the cipher has no usable key.
    pub fn seal(&self, context: &str, plain: &str) -> Result<Sealed, SecretError> {
        self.cipher.seal(context, plain, self.random())
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

/// Random bytes taken at a time: an order of three lines without notes needs 90, with a delivery 102.
const DRAWN: usize = 112;

/// Randomness for one piece of work that needs many ids and nonces, such as the making of an
/// order: asking the system once for all costs a fifth of asking for each.
///
/// It is no generator and has no seed: each byte comes from the [`Entropy`] and is given out
/// once. It lives on the stack of one synchronous call, and what is left over goes with it. So
/// no process keeps bytes that a fork or a copy of the machine could hand out a second time,
/// which a buffer or a generator of each thread's would: a nonce used twice gives texts away.
pub(crate) struct Draw<'a> {
    env: &'a Env,
    now: Timestamp,
    bytes: [u8; DRAWN],
    /// How many of them are gone.
    used: usize,
}

impl Draw<'_> {
    /// When the work is done.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if let Some(bytes) = self.bytes.get(self.used..).and_then(|left| left.first_chunk()) {
            self.used += N;
            return *bytes;
        }
        [0; N].map(|_: u8| {
            loop {
                if let Some(byte) = self.bytes.get(self.used) {
                    self.used += 1;
                    return *byte;
                }
                self.env.entropy.fill(&mut self.bytes);
                self.used = 0;
            }
        })
    }

    /// As [`Env::uuid`], at the time of the work.
    pub(crate) fn uuid(&mut self) -> Uuid {
        uuid_of(self.now, self.take())
    }

    /// As [`Env::order_id`].
    pub(crate) fn order_id(&mut self) -> OrderId {
        OrderId::from_uuid(self.uuid())
    }

    /// As [`Env::tracking_id`].
    pub(crate) fn tracking_id(&mut self) -> TrackingId {
        TrackingId::from_bits(self.take())
    }

    /// As [`Env::seal`].
    pub(crate) fn seal(&mut self, context: &str, plain: &str) -> Result<Sealed, SecretError> {
        let nonce = self.take();
        self.env.cipher.seal(context, plain, nonce)
    }
}

fn uuid_of(now: Timestamp, mut random: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    // How many 4096ths of this millisecond are over.
    let fraction = now.timestamp_subsec_nanos() % 1_000_000 * 4096 / 1_000_000;
    let [.., high, low] = fraction.to_be_bytes();
    (random[0], random[1]) = (high, low);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::testing::test_keys;

    /// Counts instead: two bytes a number.
    #[derive(Default)]
    struct Counting {
        fills: AtomicU64,
        next: AtomicU64,
    }

    impl Entropy for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            self.fills.fetch_add(1, Ordering::Relaxed);
            for pair in buffer.chunks_mut(2) {
                let number = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                pair.iter_mut().rev().zip(number.into_iter().rev()).for_each(|(to, from)| *to = from);
            }
        }
    }

    fn env(entropy: Arc<dyn Entropy>) -> Env {
        Env::new(Arc::new(SystemClock), entropy, Arc::new(test_keys()))
    }

    #[test]
    fn a_draw_gives_every_byte_of_the_source_once_and_in_order() {
        let source = Arc::new(Counting::default());
        let env = env(Arc::clone(&source) as _);
        let mut draw = env.draw(env.now());
        assert_eq!(source.fills.load(Ordering::Relaxed), 0, "nothing is asked for before it is needed");
        // 29 bytes a round and 112 a filling have no common divisor, so each size comes to cross the
        // end of one, in each of its places.
        let mut given = Vec::new();
        for _ in 0..DRAWN {
            given.extend(draw.take::<10>());
            given.extend(draw.take::<12>());
            given.extend(draw.take::<7>());
        }
        let expected: Vec<u8> = (0..1_624_u16).flat_map(u16::to_be_bytes).collect();
        assert_eq!(given, expected);
        assert_eq!(source.fills.load(Ordering::Relaxed), 29);
    }

    #[test]
    fn two_draws_share_no_bytes() {
        let env = env(Arc::new(Counting::default()));
        let (mut one, mut two) = (env.draw(env.now()), env.draw(env.now()));
        let given: HashSet<[u8; 10]> = (0..40).flat_map(|_| [one.take(), two.take()]).collect();
        assert_eq!(given.len(), 80);
    }

    #[test]
    fn what_is_drawn_is_what_the_environment_gives() {
        let env = env(Arc::new(SystemEntropy));
        let now = env.now();
        let mut draw = env.draw(now);
        let id = draw.uuid();
        assert_eq!(id.get_version_num(), 7);
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds * 1000 + u64::from(nanos) / 1_000_000, u64::try_from(now.timestamp_millis()).unwrap());
        let sealed = draw.seal("orders.customer_name:1", "Ravi").unwrap();
        assert_eq!(env.open("orders.customer_name:1", &sealed).unwrap(), "Ravi");
    }

    #[test]
    fn ids_are_in_the_order_of_their_making() {
        let start: Timestamp = "2026-04-01T12:00:00.998999Z".parse().unwrap();
        let times = (0..4000).map(|step| start + chrono::TimeDelta::nanoseconds(step * 250));
        let ids: Vec<_> = times
            .map(|now| {
                uuid_of(now, {
                    let mut bytes = [0; 10];
                    SystemEntropy.fill(&mut bytes);
                    bytes
                })
            })
            .collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "an id sorts before one that was made earlier");
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn no_id_and_no_nonce_comes_twice_from_many_threads() {
        const EACH: usize = 5_000;
        let env = env(Arc::new(SystemEntropy));
        let work = || {
            let mut made = Vec::new();
            while made.len() < EACH {
                let mut draw = env.draw(env.now());
                made.extend((0..20).map(|_| draw.take::<12>()));
            }
            made
        };
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(made.iter().collect::<HashSet<_>>().len(), 4 * EACH);
    }
}
