//! Personal data: sealed before it reaches a port, masked wherever it is printed.
//!
//! AES-256-GCM with the key's id in the text, so that keys rotate; an HMAC-SHA-256 blind
//! index where a value must be found again or compared. Adapters see neither keys nor plain
//! text.

use std::collections::BTreeMap;
use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use async_trait::async_trait;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::Stored;
use crate::page::{AllStores, Page, PageRequest};

/// A sealed text: version, key id, nonce, ciphertext and tag, in one opaque run of bytes.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// What an adapter read back from its storage.
    #[must_use]
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What an adapter stores.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A keyed hash that stands for a value: equal exactly when the values are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Blind([u8; 32]);

impl Blind {
    /// What an adapter read back from its storage.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What an adapter stores and compares.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 128 bits as a UUID (version 8, RFC 9562).
    #[must_use]
    pub fn to_uuid(self) -> uuid::Uuid {
        let mut half = [0_u8; 16];
        for (to, from) in half.iter_mut().zip(self.0) {
            *to = from;
        }
        uuid::Builder::from_custom_bytes(half).into_uuid()
    }
}

impl fmt::Debug for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, ..] = self.0;
        write!(f, "Blind({a:02x}{b:02x}…)")
    }
}

/// Why a text could not be sealed or opened. Never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No key of that id in the ring.
    #[error("no key {0} in the key ring")]
    UnknownKey(u32),
    /// The bytes are not a sealed text.
    #[error("not a sealed text")]
    Malformed,
    /// The text was changed, or sealed for another place.
    #[error("a sealed text that was changed or belongs elsewhere")]
    Tampered,
}

/// Seals, opens and hashes. A host with a key service implements it over data keys that it
/// holds in memory; it is called on hot paths and must not block.
pub trait Cipher: Send + Sync {
    /// Seals `plain` for `context` under the current key with a nonce used only once.
    ///
    /// # Errors
    /// [`SecretError::UnknownKey`] when there is no current key.
    fn seal(&self, context: &str, plain: &str, nonce: [u8; 12]) -> Result<Sealed, SecretError>;

    /// Opens what was sealed for `context`, under whichever key it names.
    ///
    /// # Errors
    /// Every [`SecretError`].
    fn open(&self, context: &str, sealed: &Sealed) -> Result<String, SecretError>;

    /// Whether a sealed text is under the current key; what is not is sealed anew by the
    /// re-encryption sweep.
    fn is_current(&self, sealed: &Sealed) -> bool;

    /// HMAC-SHA-256 of the label and the parts, each with its length before it, under a key
    /// that does not rotate: idempotency keys, codes and tokens are recognised by it.
    fn mac(&self, label: &str, parts: &[&[u8]]) -> Blind;

    /// The blind index of personal data: the same hash under the current index key, then under
    /// each older one that look-ups still have to try. Never empty.
    fn blind(&self, label: &str, parts: &[&[u8]]) -> Vec<Blind>;
}

/// 32 bytes of key, wiped when dropped.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Keys held in memory: one seals, all open; one hashes, and one or more make the blind index.
///
/// To rotate the sealing key, make a ring with the new key as current and the old one
/// [`with_old_key`](KeyRing::with_old_key), run the re-encryption sweep to its end, then drop
/// the old key. On several nodes, give the new key to all of them as an old one first: what one
/// of them seals the others must open. The index key rotates the same way
/// ([`with_index_key`](KeyRing::with_index_key)). The hashing key stays: rotating it makes
/// requests, sessions and codes that are under way unknown.
#[derive(Clone)]
pub struct KeyRing {
    current: u32,
    sealing: BTreeMap<u32, Aes256Gcm>,
    hashing: Hmac<Sha256>,
    /// The current key first.
    index: Vec<Hmac<Sha256>>,
}

/// Most index keys in use at once: each costs a look-up, and a record of each contact.
pub const MAX_INDEX_KEYS: usize = 4;

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4 + 12;

impl KeyRing {
    /// A ring with one sealing key, `current`, and the key that hashes and, until
    /// [`with_index_key`](Self::with_index_key), makes the blind index.
    #[must_use]
    pub fn new(current: u32, key: &SecretKey, hashing_key: &SecretKey) -> Self {
        let hashing = mac_of(hashing_key);
        let ring = Self { current, sealing: BTreeMap::new(), index: vec![hashing.clone()], hashing };
        ring.with_old_key(current, key)
    }

    /// Makes `key` the current key of the blind index; the ones before it are still looked
    /// under, the newest [`MAX_INDEX_KEYS`] in all.
    #[must_use]
    pub fn with_index_key(mut self, key: &SecretKey) -> Self {
        self.index.insert(0, mac_of(key));
        self.index.truncate(MAX_INDEX_KEYS);
        self
    }

    /// Forgets all keys of the blind index but the current one: when the re-encryption sweep
    /// has ended.
    #[must_use]
    pub fn without_old_index_keys(mut self) -> Self {
        self.index.truncate(1);
        self
    }

    /// Adds a key that still opens what it once sealed.
    #[must_use]
    pub fn with_old_key(mut self, id: u32, key: &SecretKey) -> Self {
        self.sealing.insert(id, Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key.0)));
        self
    }

    fn key(&self, id: u32) -> Result<&Aes256Gcm, SecretError> {
        self.sealing.get(&id).ok_or(SecretError::UnknownKey(id))
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn mac_of(key: &SecretKey) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(&*key.0).expect("any length")
}

impl Cipher for KeyRing {
    fn seal(&self, context: &str, plain: &str, nonce: [u8; 12]) -> Result<Sealed, SecretError> {
        let payload = Payload { msg: plain.as_bytes(), aad: context.as_bytes() };
        let text = self.key(self.current)?.encrypt(&Nonce::from(nonce), payload).map_err(|_| SecretError::Malformed)?;
        let mut bytes = Vec::with_capacity(HEADER + text.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.current.to_be_bytes());
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        Ok(Sealed(bytes))
    }

    fn open(&self, context: &str, sealed: &Sealed) -> Result<String, SecretError> {
        let rest = sealed.0.strip_prefix(&[VERSION]).ok_or(SecretError::Malformed)?;
        let (id, rest) = rest.split_first_chunk::<4>().ok_or(SecretError::Malformed)?;
        let (nonce, text) = rest.split_first_chunk::<12>().ok_or(SecretError::Malformed)?;
        let plain = self
            .key(u32::from_be_bytes(*id))?
            .decrypt(&Nonce::from(*nonce), Payload { msg: text, aad: context.as_bytes() })
            .map_err(|_| SecretError::Tampered)?;
        String::from_utf8(plain).map_err(|_| SecretError::Tampered)
    }

    fn is_current(&self, sealed: &Sealed) -> bool {
        let key = sealed.0.strip_prefix(&[VERSION]).and_then(|rest| rest.first_chunk::<4>());
        key.is_some_and(|id| u32::from_be_bytes(*id) == self.current)
    }

    fn mac(&self, label: &str, parts: &[&[u8]]) -> Blind {
        hash(&self.hashing, label, parts)
    }

    fn blind(&self, label: &str, parts: &[&[u8]]) -> Vec<Blind> {
        self.index.iter().map(|key| hash(key, label, parts)).collect()
    }
}

fn hash(key: &Hmac<Sha256>, label: &str, parts: &[&[u8]]) -> Blind {
    let mut mac = key.clone();
    for part in std::iter::once(&label.as_bytes()).chain(parts) {
        // The length first, so that no two lists of parts give one run of bytes.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Blind(mac.finalize().into_bytes().into())
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).field("keys", &self.sealing.len()).finish()
    }
}

/// One sealed text of a row, as the re-encryption sweep meets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedText {
    /// What it was sealed for: `table.column:row`.
    pub context: String,
    /// How its adapter finds it again; nobody else reads it.
    pub locator: String,
    /// The text.
    pub sealed: Sealed,
}

/// The sealed texts of one unit, for the re-encryption sweep.
///
/// # Contract
/// A list goes through every sealed text that was stored when it began, in pages that may hold
/// some more texts than asked for (a row is not split). Texts are replaced one by one, by
/// compare-and-set on their bytes, without a new version of their row: what they say does not
/// change.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SealedTexts: Send + Sync {
    /// Sealed texts of all rows, in an order of the adapter's own.
    async fn list(&self, all: AllStores, page: PageRequest) -> Stored<Page<SealedText>>;

    /// Stores `to` in the place of `text` where `text.sealed` still stands there; says whether
    /// it did.
    async fn replace(&self, all: AllStores, text: SealedText, to: Sealed) -> Stored<bool>;
}

/// The text with all but its last two characters covered, for logs and `Debug`.
#[must_use]
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    let shown = if count > 4 { 2 } else { 0 };
    let tail: String = text.chars().skip(count - shown).collect();
    format!("•••{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::new(7, &SecretKey::new([1; 32]), &SecretKey::new([2; 32]))
    }

    #[test]
    fn opens_only_unchanged_and_only_where_it_belongs() {
        let sealed = ring().seal("orders.customer_phone:ord_1", "+919876543210", [3; 12]).unwrap();
        assert_eq!(ring().open("orders.customer_phone:ord_1", &sealed).unwrap(), "+919876543210");
        assert_eq!(ring().open("orders.customer_phone:ord_2", &sealed), Err(SecretError::Tampered));
        for at in 5..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            *bytes.get_mut(at).unwrap() ^= 1;
            assert_eq!(
                ring().open("orders.customer_phone:ord_1", &Sealed::from_bytes(bytes)),
                Err(SecretError::Tampered)
            );
        }
        assert_eq!(ring().open("x", &Sealed::from_bytes(vec![1, 2])), Err(SecretError::Malformed));
    }

    #[test]
    fn an_old_key_still_opens_after_rotation() {
        let old = ring().seal("c", "Asha", [3; 12]).unwrap();
        let rotated = KeyRing::new(8, &SecretKey::new([9; 32]), &SecretKey::new([2; 32]));
        assert_eq!(rotated.open("c", &old), Err(SecretError::UnknownKey(7)));
        let rotated = rotated.with_old_key(7, &SecretKey::new([1; 32]));
        assert_eq!(rotated.open("c", &old).unwrap(), "Asha");
    }

    #[test]
    fn parts_never_run_together() {
        let ring = ring();
        assert_ne!(ring.mac("l", &[b"ab", b"c"]), ring.mac("l", &[b"a", b"bc"]));
        assert_ne!(ring.mac("l", &[b"a"]), ring.mac("la", &[]));
        assert_eq!(ring.mac("l", &[b"a"]), ring.mac("l", &[b"a"]));
    }

    #[test]
    fn look_ups_find_what_an_older_index_key_made() {
        let old = ring().blind("users.phone", &[b"+919876543210"]);
        assert_eq!(old.len(), 1);
        let rotating = ring().with_index_key(&SecretKey::new([5; 32]));
        let both = rotating.blind("users.phone", &[b"+919876543210"]);
        assert_eq!(both[1..], old[..], "the current one first, then the older");
        assert_ne!(both[0], old[0]);
        assert_eq!(rotating.mac("l", &[b"a"]), ring().mac("l", &[b"a"]), "idempotency keys stay");
        assert_eq!(rotating.without_old_index_keys().blind("users.phone", &[b"+919876543210"]), both[..1]);
    }

    #[test]
    fn a_text_knows_whether_its_key_is_current() {
        let old = ring().seal("c", "Asha", [3; 12]).unwrap();
        let rotated = KeyRing::new(8, &SecretKey::new([9; 32]), &SecretKey::new([2; 32]));
        assert!(ring().is_current(&old));
        assert!(!rotated.is_current(&old));
        assert!(!ring().is_current(&Sealed::from_bytes(vec![1, 2])));
    }

    #[test]
    fn nothing_personal_in_debug() {
        let sealed = ring().seal("c", "Asha", [3; 12]).unwrap();
        assert!(!format!("{sealed:?} {:?}", ring()).contains("Asha"));
        assert_eq!(masked("9876543210"), "•••10");
        assert_eq!(masked("Asha"), "•••");
    }
}
