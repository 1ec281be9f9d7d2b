//! Tokens that people carry: an id, and a secret that is stored only as its keyed hash.

use std::fmt;

use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::env::Env;
use crate::secret::Blind;

/// A token in the clear: shown once to whom it belongs, hidden in `Debug`.
///
/// Its text is 32 hexadecimal digits of the id, a dot, 64 of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// The text to send.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A fresh token of `id`, and the hash that is stored for it.
pub(crate) fn mint(env: &Env, label: &str, id: Uuid) -> (Token, Blind) {
    let secret = env.random::<32>();
    let text = format!("{}.{}", id.simple(), hex(&secret));
    (Token(Zeroizing::new(text)), env.mac(label, &[id.as_bytes(), &secret]))
}

/// The id of a token and the hash that must be stored for it; none for what is no token.
pub(crate) fn read(env: &Env, label: &str, text: &str) -> Option<(Uuid, Blind)> {
    let (id, secret) = text.trim().split_once('.')?;
    let is_hex = |part: &str, len| part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex(id, 32) || !is_hex(secret, 64) {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (to, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *to = u8::from_str_radix(secret.get(at..at + 2)?, 16).ok()?;
    }
    let id = Uuid::try_parse(id).ok()?;
    Some((id, env.mac(label, &[id.as_bytes(), &bytes])))
}

/// Whether two hashes are the same, in the same time whatever they are.
pub(crate) fn same(a: &Blind, b: &Blind) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEnv;

    #[test]
    fn a_token_is_recognised_whole_and_under_its_label_only() {
        let env = TestEnv::new(1).env;
        let id = Uuid::from_u128(7);
        let (token, hash) = mint(&env, "sessions", id);
        let (found, of) = read(&env, "sessions", token.as_str()).unwrap();
        assert_eq!(found, id);
        assert!(same(&of, &hash));
        assert!(!same(&read(&env, "invitations", token.as_str()).unwrap().1, &hash));
        for at in 0..token.as_str().len() {
            let mut text = token.as_str().to_owned();
            let other = if &text[at..=at] == "0" { "1" } else { "0" };
            text.replace_range(at..=at, other);
            let read = read(&env, "sessions", &text);
            assert!(read.is_none_or(|(found, of)| found != id || !same(&of, &hash)), "changed at {at}");
        }
        for bad in ["", ".", "x.y", &token.as_str()[1..], &format!("{}0", token.as_str()), "é.é"] {
            assert!(read(&env, "sessions", bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
