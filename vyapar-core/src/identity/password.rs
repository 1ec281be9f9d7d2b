//! Passwords, and the threads that hash them.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use futures_channel::oneshot;
use zeroize::Zeroizing;

use super::{HashError, PasswordHash, PasswordHasher};
use crate::env::{Entropy, SystemEntropy};

/// Fewest characters of a password.
pub const MIN_PASSWORD: usize = 8;
/// Most bytes of a password: bcrypt sees no more, so more is refused instead of cut.
pub const MAX_PASSWORD_BYTES: usize = 72;

/// A password in the clear: hidden in `Debug`, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password needs at least {MIN_PASSWORD} characters, this one has {0}")]
    TooShort(usize),
    /// Too long.
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes in UTF-8, this one has {0}")]
    TooLong(usize),
    /// A zero byte, which ends a password for bcrypt.
    #[error("a password cannot contain a zero byte")]
    ZeroByte,
}

impl Password {
    /// A password to set: at least [`MIN_PASSWORD`] characters, at most [`MAX_PASSWORD_BYTES`]
    /// bytes.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        let length = text.chars().count();
        if length < MIN_PASSWORD {
            return Err(PasswordError::TooShort(length));
        }
        Self::offered(text)
    }

    /// A password to sign in with: one that could never have been set is refused the same way,
    /// but a short one is only wrong.
    ///
    /// # Errors
    /// [`PasswordError`], never [`PasswordError::TooShort`] but for an empty one.
    pub fn offered(text: &str) -> Result<Self, PasswordError> {
        match text.len() {
            0 => Err(PasswordError::TooShort(0)),
            length if length > MAX_PASSWORD_BYTES => Err(PasswordError::TooLong(length)),
            _ if text.contains('\0') => Err(PasswordError::ZeroByte),
            _ => Ok(Self(Zeroizing::new(text.to_owned()))),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// How many sign-ins may wait for a thread before [`HashError::Busy`].
const QUEUE: usize = 256;

/// bcrypt on threads of its own, which are started with the first password and end when the
/// last clone of it is dropped.
#[derive(Clone)]
pub struct Bcrypt {
    cost: u32,
    jobs: SyncSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Bcrypt {
    /// The cost unless another is asked for: about a quarter of a second a password on the
    /// machines of 2026.
    pub const COST: u32 = 12;

    /// bcrypt with 2^`cost` rounds (4 to 31; what is outside is brought into it) on `threads`
    /// threads (at least one).
    ///
    /// # Panics
    /// Where the system has no thread left to start.
    #[must_use]
    #[expect(clippy::expect_used, reason = "at start-up: a host without a thread left cannot go on")]
    pub fn new(cost: u32, threads: usize) -> Self {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            let work = move || {
                while let Some(job) = next(&queue) {
                    job()
                }
            };
            std::thread::Builder::new().name("vyapar-bcrypt".to_owned()).spawn(work).expect("a thread to hash on");
        }
        Self { cost: cost.clamp(4, 31), jobs }
    }

    /// The one a host gets unless it hands in another: [`COST`](Self::COST), two threads.
    /// Nothing is started before its first use.
    #[must_use]
    pub fn default_lazy() -> Arc<dyn PasswordHasher> {
        Arc::new(Lazy(OnceLock::new()))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Who asked may have gone away.
            if !answer.is_canceled() {
                let _ = answer.send(work());
            }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => HashError::Busy,
            TrySendError::Disconnected(_) => HashError::Failed("its threads are gone".into()),
        })?;
        answered.await.map_err(|gone| HashError::Failed(gone.into()))?.map_err(|error| HashError::Failed(error.into()))
    }
}

/// The next job; none when all who could send one are gone.
fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl fmt::Debug for Bcrypt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bcrypt").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[async_trait]
impl PasswordHasher for Bcrypt {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        let cost = self.cost;
        self.run(move || {
            let mut salt = [0; 16];
            SystemEntropy.fill(&mut salt);
            let parts = bcrypt::hash_with_salt(password.as_str(), cost, salt)?;
            Ok(PasswordHash::new(parts.to_string()))
        })
        .await
    }

    async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, HashError> {
        let cost = self.cost;
        self.run(move || match hash {
            Some(hash) => bcrypt::verify(password.as_str(), hash.as_str()),
            None => bcrypt::hash_with_salt(password.as_str(), cost, [0; 16]).map(|_| false),
        })
        .await
    }
}

/// [`Bcrypt`] from its first use on.
struct Lazy(OnceLock<Bcrypt>);

impl Lazy {
    fn get(&self) -> &Bcrypt {
        self.0.get_or_init(|| Bcrypt::new(Bcrypt::COST, 2))
    }
}

#[async_trait]
impl PasswordHasher for Lazy {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.get().hash(password).await
    }

    async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, HashError> {
        self.get().verify(password, hash).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    #[tokio::test]
    async fn hashes_verify_and_are_never_the_same_twice() {
        let bcrypt = Bcrypt::new(4, 2);
        let password = Password::new("correct horse").unwrap();
        let (one, two) = (bcrypt.hash(password.clone()).await.unwrap(), bcrypt.hash(password.clone()).await.unwrap());
        assert_ne!(one, two);
        assert!(one.as_str().starts_with("$2"));
        assert!(bcrypt.verify(password.clone(), Some(two)).await.unwrap());
        assert!(!bcrypt.verify(Password::new("wrong horse").unwrap(), Some(one)).await.unwrap());
        assert!(!bcrypt.verify(password.clone(), None).await.unwrap());
        let broken = bcrypt.verify(password, Some(PasswordHash::new("x".to_owned()))).await;
        assert!(matches!(broken, Err(HashError::Failed(_))), "{broken:?}");
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_who_goes_away_costs_nothing() {
        let bcrypt = Bcrypt::new(4, 1);
        let password = Password::new("correct horse").unwrap();
        let all = join_all((0..QUEUE + 300).map(|_| bcrypt.hash(password.clone()))).await;
        let busy = all.iter().filter(|answer| matches!(answer, Err(HashError::Busy))).count();
        assert!(busy > 0 && busy < all.len(), "{busy}");
    }

    #[test]
    fn what_bcrypt_would_cut_is_refused() {
        assert_eq!(Password::new(""), Err(PasswordError::TooShort(0)));
        assert_eq!(Password::new("1234567"), Err(PasswordError::TooShort(7)));
        assert_eq!(Password::new(&"क".repeat(25)), Err(PasswordError::TooLong(75)));
        assert_eq!(Password::new("12345678\0"), Err(PasswordError::ZeroByte));
        assert!(Password::new(&"x".repeat(72)).is_ok());
        assert!(Password::offered("short").is_ok());
        assert_eq!(format!("{:?}", Password::new("correct horse").unwrap()), "Password(…)");
    }
}
