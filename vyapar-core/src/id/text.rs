//! Text of a fixed length.

use std::fmt;

/// ASCII text of exactly `N` characters, in place: an order carries its id in a dozen places
/// (hold, history, indexes), and copying or comparing it must not go to the heap each time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    /// The text of these `N` characters, which the caller has checked.
    pub(super) fn of(bytes: impl Iterator<Item = u8>) -> Self {
        let mut text = [b'0'; N];
        for (to, from) in text.iter_mut().zip(bytes) {
            *to = from;
        }
        Self(text)
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.into_iter()
    }

    /// Looks through the bytes again, which is cheap, because this crate has no unsafe code.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
