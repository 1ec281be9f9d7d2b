//! Operations as plain data, and how they are drawn.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use crate::inventory::{ChangeKind, ReleaseCause};
use crate::quantity::{Quantity, StockUnit};

/// One of two stores.
pub type Store = u8;

/// How many products a store has; product 4 starts unopened.
pub(super) const PRODUCTS: u8 = 5;
/// How many reservation keys a store has.
pub(super) const KEYS: u8 = 8;
/// A product number that names the *other* store's product 0.
pub(super) const FOREIGN: u8 = PRODUCTS;

/// What a product is counted in: pieces, kilograms and litres.
pub(super) const fn unit_of(product: u8) -> StockUnit {
    match product {
        2 | 3 => StockUnit::Kg,
        4 => StockUnit::Litre,
        _ => StockUnit::Piece,
    }
}

/// So much of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Which product of the store, or the other store's.
    pub product: u8,
    /// How much, in thousandths of its unit.
    pub thousandths: i64,
}

/// Which attempt of which reservation, under which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The reservation's key.
    pub key: u8,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Whether it comes with an order that is not the attempt's usual one.
    pub stray: bool,
}

/// One operation. Every operation's clock is a millisecond after the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Opens a product's stock.
    Open(Store, u8),
    /// Changes stock by so much: goods in, corrections, write-offs.
    Change(Store, u8, ChangeKind, Vec<Line>),
    /// Sets stock to a count.
    Count(Store, u8, Vec<Line>),
    /// Holds stock for so many milliseconds.
    Reserve(Store, Slot, Vec<Line>, u16),
    /// Commits a hold.
    Commit(Store, Slot),
    /// Releases a hold.
    Release(Store, Slot, ReleaseCause),
    /// Dispatches a reservation.
    Dispatch(Store, Slot),
    /// Sets a reservation's quantities, as of a revision.
    Amend(Store, Slot, u64, Vec<Line>),
    /// Books goods that came back, as an operation, sellable or not.
    GiveBack(Store, Slot, u8, Vec<Line>, bool),
    /// Closes a released reservation.
    Close(Store, Slot),
    /// Puts recovery of a reservation off by so many milliseconds, after so many failures.
    Defer(Store, Slot, u16, u32),
    /// Lists what recovery should look at.
    Due,
    /// Lets so many seconds pass.
    Wait(u8),
}

/// Quantities that make sense for the product (whole pieces, grams); mostly one or two lines.
fn lines(most: i64, signed: bool) -> BoxedStrategy<Vec<Line>> {
    let product = prop_oneof![60 => 0..4_u8, 3 => Just(4), 1 => Just(FOREIGN)];
    let low = if signed { -most } else { 1 };
    let few = btree_map(product.clone(), low..=most, 1..=2_usize);
    prop_oneof![3 => few, 1 => btree_map(product, low..=most, 3..=4_usize)].prop_map(rounded).boxed()
}

/// Most lines change one product upwards; some go both ways; a few pass all bounds.
fn changes() -> impl Strategy<Value = Vec<Line>> {
    prop_oneof![
        8 => lines(12_000, false),
        4 => lines(9_000, true),
        1 => (0..4_u8).prop_map(|product| vec![Line { product, thousandths: Quantity::MAX.thousandths() / 1000 * 1000 }]),
    ]
}

fn rounded(lines: BTreeMap<u8, i64>) -> Vec<Line> {
    let round = |(product, thousandths): (u8, i64)| match unit_of(product) {
        StockUnit::Piece => Line { product, thousandths: (thousandths + 999).div_euclid(1000) * 1000 },
        _ => Line { product, thousandths },
    };
    lines.into_iter().map(round).collect()
}

/// Changes and counts may come in any order of products.
fn any_order(lines: impl Strategy<Value = Vec<Line>>) -> impl Strategy<Value = Vec<Line>> {
    (lines, any::<bool>()).prop_map(|(mut lines, reverse)| {
        if reverse {
            lines.reverse();
        }
        lines
    })
}

/// Holds are for more than nothing; amendments, counts and changes may be zero.
fn positive(lines: impl Strategy<Value = Vec<Line>>) -> impl Strategy<Value = Vec<Line>> {
    lines.prop_map(|mut lines| {
        lines.iter_mut().for_each(|line| line.thousandths = line.thousandths.abs().max(1));
        rounded(lines.into_iter().map(|line| (line.product, line.thousandths)).collect())
    })
}

fn slot() -> impl Strategy<Value = Slot> {
    let attempt = prop_oneof![6 => Just(1), 2 => Just(2), 1 => Just(3)];
    let stray = prop::bool::weighted(0.04);
    (0..KEYS, attempt, stray).prop_map(|(key, attempt, stray)| Slot { key, attempt, stray })
}

fn kind() -> impl Strategy<Value = ChangeKind> {
    prop_oneof![
        4 => Just(ChangeKind::Purchase),
        1 => Just(ChangeKind::Adjustment),
        1 => Just(ChangeKind::Damage),
        1 => Just(ChangeKind::Expiry),
    ]
}

/// Most in one store, so that operations meet.
fn store() -> impl Strategy<Value = Store> {
    prop_oneof![4 => Just(0_u8), 1 => Just(1)]
}

fn place() -> impl Strategy<Value = (Store, Slot)> {
    (store(), slot())
}

/// A time limit in milliseconds: a few operations long, so that some are met to the instant, or
/// as long as a wait.
fn window() -> impl Strategy<Value = u16> {
    prop_oneof![1 => 0..8_u16, 2 => 0..40_000_u16]
}

fn reserve() -> impl Strategy<Value = Op> {
    let lines = positive(lines(6_000, false));
    (place(), lines, window()).prop_map(|((store, slot), lines, millis)| Op::Reserve(store, slot, lines, millis))
}

/// What may happen to a reservation once it is there.
///
/// Boxed, as all big ones are: nested by value they would not fit a test's stack.
fn next() -> BoxedStrategy<Op> {
    let cause = prop_oneof![Just(ReleaseCause::Undone), Just(ReleaseCause::Cancelled)];
    let targets = prop_oneof![4 => lines(5_000, false), 1 => lines(5_000, true)].prop_map(|mut lines| {
        lines.iter_mut().for_each(|line| line.thousandths = line.thousandths.max(0));
        lines
    });
    let back = (0..20_u8, positive(lines(2_500, false)), any::<bool>());
    prop_oneof![
        2 => reserve(),
        5 => place().prop_map(|(store, slot)| Op::Commit(store, slot)),
        3 => (place(), cause).prop_map(|((store, slot), cause)| Op::Release(store, slot, cause)),
        3 => place().prop_map(|(store, slot)| Op::Dispatch(store, slot)),
        4 => (place(), 0..8_u64, targets)
            .prop_map(|((store, slot), revision, targets)| Op::Amend(store, slot, revision, targets)),
        3 => (place(), back)
            .prop_map(|((store, slot), (id, lines, sellable))| Op::GiveBack(store, slot, id, lines, sellable)),
        2 => place().prop_map(|(store, slot)| Op::Close(store, slot)),
        1 => (place(), window(), 0..12_u32)
            .prop_map(|((store, slot), millis, failures)| Op::Defer(store, slot, millis, failures)),
    ]
    .boxed()
}

/// Anything, to any reservation.
fn op() -> BoxedStrategy<Op> {
    prop_oneof![
        1 => (store(), 0..PRODUCTS).prop_map(|(store, product)| Op::Open(store, product)),
        6 => (store(), 0..60_u8, kind(), any_order(changes()))
            .prop_map(|(store, operation, kind, lines)| Op::Change(store, operation, kind, lines)),
        2 => (store(), 0..60_u8, any_order(lines(9_000, false)))
            .prop_map(|(store, operation, lines)| Op::Count(store, operation, lines)),
        9 => reserve(),
        9 => next(),
        1 => Just(Op::Due),
        3 => (1..60_u8).prop_map(Op::Wait),
    ]
    .boxed()
}

impl Op {
    /// The same, done to this reservation, if it is done to one.
    fn to(mut self, place: (Store, Slot)) -> Self {
        if let Self::Reserve(store, slot, ..)
        | Self::Commit(store, slot)
        | Self::Release(store, slot, _)
        | Self::Dispatch(store, slot)
        | Self::Amend(store, slot, ..)
        | Self::GiveBack(store, slot, ..)
        | Self::Close(store, slot)
        | Self::Defer(store, slot, ..) = &mut self
        {
            (*store, *slot) = place;
        }
        self
    }
}

/// One reservation and what happens to it, with other things in between.
fn fate() -> BoxedStrategy<Vec<Op>> {
    let mine = |op: Op| (op, true);
    let then = vec(prop_oneof![3 => next().prop_map(mine), 1 => op().prop_map(|op| (op, false))], 1..10_usize);
    let fate = (place(), reserve().prop_map(mine), then).prop_map(|(place, first, then)| {
        let ops = std::iter::once(first).chain(then);
        ops.map(|(op, mine)| if mine { op.to(place) } else { op }).collect()
    });
    fate.boxed()
}

/// A reservation that is sold, leaves, and comes back in parts; now and then a step is left out
/// or something else comes in between.
fn sale() -> BoxedStrategy<Vec<Op>> {
    let back = (1..20_u8, 1..=4_i64, any::<bool>());
    let skipped = prop::bool::weighted(0.1);
    let step = (skipped, proptest::option::weighted(0.2, op()));
    let sale = (place(), positive(lines(4_000, false)), vec(step, 4), vec(back, 1..4_usize)).prop_map(
        |((store, slot), lines, steps, backs)| {
            let back = |(operation, quarters, sellable)| {
                let part = |line: &Line| (line.product, line.thousandths * quarters / 4);
                let lines = lines.iter().skip(usize::from(operation) % 2).map(part).filter(|(_, part)| *part > 0);
                Op::GiveBack(store, slot, operation, rounded(lines.collect()), sellable)
            };
            let first = Op::Reserve(store, slot, lines.clone(), 30_000);
            let way = [first, Op::Commit(store, slot), Op::Wait(40), Op::Dispatch(store, slot)];
            let way = way.into_iter().zip(steps).flat_map(|(op, (skipped, other))| [(!skipped).then_some(op), other]);
            way.flatten().chain(backs.into_iter().map(back)).filter(is_something).collect()
        },
    );
    sale.boxed()
}

/// Services hand over no operation without lines.
fn is_something(op: &Op) -> bool {
    !matches!(op, Op::Change(.., lines) | Op::GiveBack(_, _, _, lines, _) if lines.is_empty())
}

/// A reservation that is given up, closed and tried anew.
fn retry() -> BoxedStrategy<Vec<Op>> {
    let cause = prop_oneof![Just(ReleaseCause::Undone), Just(ReleaseCause::Cancelled)];
    let ways = (any::<bool>(), cause, any::<bool>());
    let retry = (place(), ways, positive(lines(4_000, false)), proptest::option::weighted(0.2, op())).prop_map(
        |((store, slot), (held, cause, closed), lines, other)| {
            let again = Slot { attempt: slot.attempt + 1, ..slot };
            let first = held.then(|| Op::Reserve(store, slot, lines.clone(), 20_000));
            let close = closed.then_some(Op::Close(store, slot));
            let ops = [first, Some(Op::Release(store, slot, cause)), other, close];
            ops.into_iter().flatten().chain([Op::Reserve(store, again, lines, 20_000)]).collect()
        },
    );
    retry.boxed()
}

/// Sequences of at most `length` operations, after opening most products and filling some.
pub fn operations(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let opened = (0..2_u8).flat_map(|store| (0..PRODUCTS - 1).map(move |product| Op::Open(store, product)));
    let opened: Vec<Op> = opened.collect();
    let filled = vec((store(), lines(9_000, false)), 2..8_usize);
    let part = prop_oneof![5 => op().prop_map(|op| vec![op]), 2 => fate(), 2 => sale(), 1 => retry()];
    (filled, vec(part, 1..=length.max(1))).prop_map(move |(filled, parts)| {
        let fill = filled.into_iter().zip(100_u8..).map(|((store, mut lines), operation)| {
            lines.retain(|line| line.product < PRODUCTS - 1);
            Op::Change(store, operation, ChangeKind::Purchase, lines)
        });
        let rest = parts.into_iter().flatten().take(length);
        opened.iter().cloned().chain(fill.filter(is_something)).chain(rest).collect()
    })
}
