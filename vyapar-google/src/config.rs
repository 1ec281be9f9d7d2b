//! Settings of the client, checked before anything is sent.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use zeroize::Zeroizing;

/// Where the service is.
const SERVICE: &str = "https://maps.googleapis.com/maps/api/geocode/json";

/// Why settings were refused. No text repeats what was given: it may hold the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key that is empty or has characters that no key has.
    #[error("an API key is 1 to 200 letters, digits, dashes or underscores")]
    Key,
    /// A base URL that is no URL, has a query or user, or would send the key in clear.
    #[error("a base URL is https without query and user; plain http goes to this machine only")]
    BaseUrl,
    /// A proxy's URL that cannot be used.
    #[error("this proxy URL cannot be used")]
    Proxy,
    /// A time limit of zero, or none that ends.
    #[error("a time limit is more than zero and at most ten minutes")]
    TimeLimit,
    /// An answer's largest size that no answer fits into.
    #[error("the largest answer is 1 KiB to 64 MiB")]
    BodyLimit,
    /// The HTTP client or its TLS part could not be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(&'static str),
}

/// How to reach the service. Made with the key; everything else has a default.
///
/// ```
/// use std::time::Duration;
/// use vyapar_google::{ConfigError, GoogleConfig};
///
/// let config = GoogleConfig::new("AIzaNotARealKey")?.attempt_timeout(Duration::from_secs(3)).retries(1);
/// assert!(!format!("{config:?}").contains("AIza"));
/// assert_eq!(GoogleConfig::new("two words").err(), Some(ConfigError::Key));
/// // Plain HTTP would show the key to everybody on the way.
/// let plain = GoogleConfig::new("AIzaNotARealKey")?.base_url("http://maps.example.in/geocode/json");
/// assert_eq!(plain.err(), Some(ConfigError::BaseUrl));
/// # Ok::<(), ConfigError>(())
/// ```
#[derive(Clone)]
pub struct GoogleConfig {
    pub(crate) key: Zeroizing<String>,
    pub(crate) base_url: Url,
    pub(crate) proxy: Option<Url>,
    pub(crate) connect_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) retries: u32,
    pub(crate) first_pause: Duration,
    pub(crate) longest_pause: Duration,
    pub(crate) body_limit: usize,
}

impl GoogleConfig {
    /// The defaults: 2 s to connect, 5 s an attempt, 2 repetitions after pauses of about 0.2 s
    /// and 0.4 s, answers of at most 1 MiB. A question then ends within 16 s.
    ///
    /// # Errors
    /// [`ConfigError::Key`].
    pub fn new(key: impl Into<String>) -> Result<Self, ConfigError> {
        let key = Zeroizing::new(key.into());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !(1..=200).contains(&key.len()) || !key.bytes().all(plain) {
            return Err(ConfigError::Key);
        }
        Ok(Self {
            key,
            base_url: Url::parse(SERVICE).map_err(|_| ConfigError::BaseUrl)?,
            proxy: None,
            connect_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(5),
            retries: 2,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(2),
            body_limit: 1 << 20,
        })
    }

    /// Another address of the service: a gateway of one's own, or a server in a test.
    ///
    /// # Errors
    /// [`ConfigError::BaseUrl`] for anything but https; http to this machine is accepted.
    pub fn base_url(mut self, url: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(url).map_err(|_| ConfigError::BaseUrl)?;
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let safe = url.scheme() == "https" || url.scheme() == "http" && here;
        if !safe || !bare || url.password().is_some() || !url.has_host() {
            return Err(ConfigError::BaseUrl);
        }
        self.base_url = url;
        Ok(self)
    }

    /// A proxy to go through (`http://proxy.example.in:3128`).
    ///
    /// # Errors
    /// [`ConfigError::Proxy`] for what is no http or https URL.
    pub fn proxy(mut self, url: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(url).map_err(|_| ConfigError::Proxy)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ConfigError::Proxy);
        }
        self.proxy = Some(url);
        Ok(self)
    }

    /// How long a connection may take.
    #[must_use]
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long one attempt may take, from the connection to the last byte.
    #[must_use]
    pub const fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout = limit;
        self
    }

    /// How often to ask again after a failure that may pass; 0 asks once. More than 10 is 10.
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = if retries > 10 { 10 } else { retries };
        self
    }

    /// The pause before the first repetition, and the longest one: each is twice the one before,
    /// and between a half and all of that is taken at random.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.first_pause = first;
        self.longest_pause = longest;
        self
    }

    /// The most bytes that an answer may have.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let longest = Duration::from_secs(600);
        let ends = |limit: Duration| !limit.is_zero() && limit <= longest;
        if !ends(self.connect_timeout) || !ends(self.attempt_timeout) || self.longest_pause > longest {
            return Err(ConfigError::TimeLimit);
        }
        if !(1 << 10..=64 << 20).contains(&self.body_limit) {
            return Err(ConfigError::BodyLimit);
        }
        Ok(())
    }
}

impl fmt::Debug for GoogleConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may have a password in it.
        f.debug_struct("GoogleConfig")
            .field("base_url", &self.base_url.as_str())
            .field("proxy", &self.proxy.is_some())
            .field("connect_timeout", &self.connect_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("retries", &self.retries)
            .field("body_limit", &self.body_limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> GoogleConfig {
        GoogleConfig::new("AIzaKey_-9").unwrap()
    }

    #[test]
    fn where_the_key_may_go() {
        for good in
            ["https://maps.example.in/json", "http://127.0.0.1:9/", "http://localhost:9/x", "http://[::1]:9/", SERVICE]
        {
            assert!(config().base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://maps.googleapis.com/maps/api/geocode/json",
            "http://127.0.0.1.example.in/",
            "https://maps.example.in/json?key=x",
            "https://maps.example.in/json#x",
            "https://user@maps.example.in/",
            "https://:secret@maps.example.in/",
            "file:///etc/passwd",
            "maps.example.in",
            "",
        ] {
            assert_eq!(config().base_url(bad).err(), Some(ConfigError::BaseUrl), "{bad}");
        }
        assert!(config().proxy("http://proxy.example.in:3128").is_ok());
        for bad in ["socks5://proxy.example.in", "proxy", ""] {
            assert_eq!(config().proxy(bad).err(), Some(ConfigError::Proxy), "{bad}");
        }
    }

    #[test]
    fn limits_that_limit() {
        assert_eq!(config().check(), Ok(()));
        assert_eq!(config().attempt_timeout(Duration::ZERO).check(), Err(ConfigError::TimeLimit));
        assert_eq!(config().connect_timeout(Duration::MAX).check(), Err(ConfigError::TimeLimit));
        assert_eq!(config().pauses(Duration::ZERO, Duration::MAX).check(), Err(ConfigError::TimeLimit));
        assert_eq!(config().body_limit(usize::MAX).check(), Err(ConfigError::BodyLimit));
        assert_eq!(config().retries(u32::MAX).retries, 10);
        for bad in ["", "a b", "schlüssel", "x\n", &"x".repeat(201)] {
            assert_eq!(GoogleConfig::new(bad).err(), Some(ConfigError::Key), "{bad}");
        }
    }
}
