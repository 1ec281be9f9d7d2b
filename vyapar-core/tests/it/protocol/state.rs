//! A whole state, in a few words.

/// Program counters are side by side in one word.
pub(super) const PC_BITS: usize = 10;
pub(super) const MAX_ACTORS: usize = 6;

/// Where everything stands. The numbers are those of [`World`](super::world::World).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    pub(super) store: u32,
    /// Whether time has gone on so far that every hold is due.
    pub(super) due: bool,
    pub(super) pcs: Pcs,
    /// Sent, not answered, and perhaps still to land.
    pub(super) under_way: u64,
}

/// Where each actor stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct Pcs(u64);

impl Pcs {
    pub(super) fn get(self, actor: usize) -> usize {
        (self.0 >> (actor * PC_BITS)) as usize & ((1 << PC_BITS) - 1)
    }

    pub(super) fn with(self, actor: usize, pc: usize) -> Self {
        let changed = (self.get(actor) ^ pc) as u64;
        Self(self.0 ^ changed << (actor * PC_BITS))
    }
}
