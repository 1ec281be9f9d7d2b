//! Gives each distinct value a small number.
//!
//! Stores, program counters, calls in flight and whole states are all kept once and named by their
//! number, so that a state is a handful of words and looking one up is cheap in a debug build too.
//! An open-addressed table of our own because the standard map keeps a second copy of each key and
//! is slow when compiled without optimisation, which is how this check runs most often.

use std::hash::{Hash, Hasher};

const EMPTY: u64 = u64::MAX;

/// Numbers values in the order in which they are first seen.
pub(super) struct Interner<T> {
    items: Vec<T>,
    /// Upper half: hash of the item; lower half: its number. A power of two long.
    slots: Vec<u64>,
}

impl<T: Copy + Eq + Hash> Interner<T> {
    pub(super) fn new() -> Self {
        Self { items: Vec::new(), slots: vec![EMPTY; 64] }
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn get(&self, number: usize) -> T {
        self.items[number]
    }

    /// The number of `item`, and whether it was not seen before.
    pub(super) fn intern(&mut self, item: T) -> (usize, bool) {
        let mut mixer = Mixer(0);
        item.hash(&mut mixer);
        let hash = mixer.finish() >> 32;
        let mask = self.slots.len() - 1;
        let mut place = hash as usize & mask;
        loop {
            let slot = self.slots[place];
            if slot == EMPTY {
                break;
            }
            let number = (slot & 0xffff_ffff) as usize;
            if slot >> 32 == hash && self.items[number] == item {
                return (number, false);
            }
            place = (place + 1) & mask;
        }
        let number = self.items.len();
        assert!(number < 0xffff_ffff, "numbers have 32 bits");
        self.slots[place] = hash << 32 | number as u64;
        self.items.push(item);
        if self.items.len() * 2 > self.slots.len() {
            self.grow();
        }
        (number, true)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; mask + 1]);
        for slot in old {
            if slot != EMPTY {
                let mut place = (slot >> 32) as usize & mask;
                while self.slots[place] != EMPTY {
                    place = (place + 1) & mask;
                }
                self.slots[place] = slot;
            }
        }
    }
}

/// A multiply-and-rotate hash: nobody attacks this table, so speed decides.
struct Mixer(u64);

impl Mixer {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        // The multiplication mixes upwards only: bring the low bits up once more.
        (self.0 ^ self.0 >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.word(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.word(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.word(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.word(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.word(value as u64);
    }
}
