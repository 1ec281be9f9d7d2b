//! Where active stores are: an R-tree over points of the unit sphere.
//!
//! In three dimensions the straight line through the earth (the chord) grows with the way over it,
//! so what is nearest in the tree is nearest over the earth, and neither the poles nor the
//! antimeridian are anything special.
//!
//! Beside its point the tree keeps what a search asks of a store: who does not match costs no look
//! at the store itself.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use rstar::{AABB, ParentNode, RStarInsertionStrategy, RTree, RTreeNode, RTreeObject, RTreeParams};
use rust_decimal::prelude::ToPrimitive;
use vyapar_core::geo::{Coordinates, EARTH_RADIUS_KM, HALF_EARTH_KM};
use vyapar_core::store::{NearbyQuery, Rating, Store, StoreStatus, StoreType};

use super::shelf::Place;

/// How much two ways to compute one distance differ, in chords of the unit sphere: about 6 mm,
/// far above what rounding does.
const TOLERANCE: f64 = 1e-9;

type Point = [f64; 3];

/// The chord of two points that are so many km apart over the earth; nothing is further away than
/// half around it.
pub(super) fn chord(distance_km: f64) -> f64 {
    2.0 * (distance_km.min(HALF_EARTH_KM) / (2.0 * EARTH_RADIUS_KM)).sin()
}

fn on_sphere(at: Coordinates) -> Point {
    let (latitude, longitude) = (at.latitude().to_radians(), at.longitude().to_radians());
    let (sin, cos) = latitude.sin_cos();
    [cos * longitude.cos(), cos * longitude.sin(), sin]
}

/// A store in the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spot {
    point: Point,
    pub(super) place: Place,
    /// The chord of its delivery radius; below every chord where it has none.
    reach: f64,
    store_type: StoreType,
    /// The most tenths of a star that its rating is at least.
    tenths: u8,
}

impl RTreeObject for Spot {
    type Envelope = AABB<Point>;
    fn envelope(&self) -> Self::Envelope {
        AABB::from_point(self.point)
    }
}

/// Whether a store is found, as far as the tree can tell.
pub(super) enum Verdict {
    Yes,
    No,
    /// So near to an edge that only exact distances tell.
    Close,
}

fn tenths(rating: Rating) -> u8 {
    (1..=u8::MAX).rev().find(|tenths| rating.at_least(*tenths)).unwrap_or(0)
}

impl Spot {
    /// What is found of a store: only active ones with coordinates.
    pub(super) fn of(store: &Store, place: Place) -> Option<Self> {
        let at = store.profile.coordinates.filter(|_| store.status == StoreStatus::Active)?;
        let reach = store.profile.delivery_radius_km.to_f64().map_or(f64::NEG_INFINITY, chord);
        let (store_type, tenths) = (store.profile.store_type, tenths(store.rating));
        Some(Self { point: on_sphere(at), place, reach, store_type, tenths })
    }

    /// What the query says of it at that distance.
    fn judge(&self, query: &NearbyQuery, ring: Ring, chord: f64) -> Verdict {
        if query.store_type.is_some_and(|wanted| wanted != self.store_type) || self.tenths < query.min_rating {
            return Verdict::No;
        }
        let furthest = if query.delivers { ring.to.min(self.reach) } else { ring.to };
        if chord < ring.from - TOLERANCE || chord > furthest + TOLERANCE {
            Verdict::No
        } else if chord > ring.from + TOLERANCE && chord < furthest - TOLERANCE {
            Verdict::Yes
        } else {
            Verdict::Close
        }
    }
}

/// Between which chords to look, the edges included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ring {
    pub(super) from: f64,
    pub(super) to: f64,
}

/// Wider branches than the tree's own (6): the fewer of them lie in other places of memory, the less
/// a search waits for it. Of 6, 12, 16 and 24 the last searched fastest, and writes about as fast.
struct Wide;

impl RTreeParams for Wide {
    const MIN_SIZE: usize = 8;
    const MAX_SIZE: usize = 24;
    const REINSERTION_COUNT: usize = 7;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

/// The points of active stores.
#[derive(Default)]
pub(super) struct PointIndex(RTree<Spot, Wide>);

impl PointIndex {
    /// Puts a store where it is now, in place of where it was.
    pub(super) fn replace(&mut self, old: Option<Spot>, new: Option<Spot>) {
        match (old, new) {
            (Some(old), Some(new)) if old.point == new.point => {
                let mut there = self.0.locate_in_envelope_mut(&old.envelope());
                if let Some(spot) = there.find(|spot| spot.place == new.place) {
                    *spot = new;
                }
            }
            (old, new) => {
                if let Some(old) = old {
                    self.0.remove(&old);
                }
                if let Some(new) = new {
                    self.0.insert(new);
                }
            }
        }
    }

    /// Stores in the ring that match, in no order, among them the nearest `wanted`: each that is
    /// not surely further away than `wanted` others. `closely` tells of those near an edge.
    pub(super) fn nearest(
        &self,
        query: &NearbyQuery,
        ring: Ring,
        wanted: usize,
        closely: impl Fn(Place) -> bool,
    ) -> impl Iterator<Item = Place> {
        let centre = on_sphere(query.centre);
        let mut found = Vec::with_capacity(2 * wanted);
        let mut best = Best::new(wanted, ring.to);
        let mut waiting = BinaryHeap::from([Waiting { from: 0.0, node: self.0.root() }]);
        while let Some(Waiting { from, node }) = waiting.pop() {
            if from > best.furthest() {
                break;
            }
            for child in node.children() {
                match child {
                    RTreeNode::Leaf(spot) => {
                        let chord = spot.envelope().distance_2(&centre).sqrt();
                        if chord > best.furthest() {
                            continue;
                        }
                        let matches = match spot.judge(query, ring, chord) {
                            Verdict::Yes => true,
                            Verdict::No => false,
                            Verdict::Close => closely(spot.place),
                        };
                        if matches {
                            best.add(chord);
                            found.push((spot.place, chord));
                        }
                    }
                    RTreeNode::Parent(node) => {
                        let envelope = node.envelope();
                        let from = envelope.distance_2(&centre).sqrt();
                        if from <= best.furthest() && furthest_corner(&envelope, &centre) >= ring.from - TOLERANCE {
                            waiting.push(Waiting { from, node });
                        }
                    }
                }
            }
        }
        let furthest = best.furthest();
        found.into_iter().filter(move |(_, chord)| *chord <= furthest).map(|(place, _)| place)
    }
}

/// How far the corner of a box is that is furthest away.
fn furthest_corner(envelope: &AABB<Point>, from: &Point) -> f64 {
    let corners = envelope.lower().into_iter().zip(envelope.upper());
    let squares = corners.zip(from).map(|((low, high), at)| (at - low).abs().max((high - at).abs()).powi(2));
    squares.sum::<f64>().sqrt()
}

/// The smallest so many chords, the largest of them first.
struct Best {
    wanted: usize,
    /// As bits: of numbers that are not negative, those order like the numbers.
    chords: BinaryHeap<u64>,
    edge: f64,
}

impl Best {
    fn new(wanted: usize, edge: f64) -> Self {
        Self { wanted, chords: BinaryHeap::with_capacity(wanted + 1), edge }
    }

    fn add(&mut self, chord: f64) {
        self.chords.push(chord.to_bits());
        if self.chords.len() > self.wanted {
            self.chords.pop();
        }
    }

    /// What is further away is not among them: distances are computed here with other rounding
    /// than elsewhere, so a little more is than is needed.
    fn furthest(&self) -> f64 {
        let full = self.chords.len() >= self.wanted;
        let furthest = self.chords.peek().filter(|_| full).map_or(self.edge, |bits| f64::from_bits(*bits));
        furthest + TOLERANCE
    }
}

/// A part of the tree that is not looked at yet, and how far away it begins.
struct Waiting<'a> {
    from: f64,
    node: &'a ParentNode<Spot>,
}

impl Ord for Waiting<'_> {
    /// The nearest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.from.total_cmp(&self.from)
    }
}
impl PartialOrd for Waiting<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Waiting<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Waiting<'_> {}
