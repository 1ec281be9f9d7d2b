//! What one writes by hand: a tree of points, and no tree at all.

use rstar::RTree;
use rstar::primitives::GeomWithData;
use vyapar::geo::{Coordinates, EARTH_RADIUS_KM};

use vyapar::store::PublicStore;

use crate::Outcome;
use crate::country::{Place, Stores};

type Point = GeomWithData<[f64; 3], u32>;

fn on_sphere(at: Coordinates) -> [f64; 3] {
    let (latitude, longitude) = (at.latitude().to_radians(), at.longitude().to_radians());
    let (sin, cos) = latitude.sin_cos();
    [cos * longitude.cos(), cos * longitude.sin(), sin]
}

fn squared_chord(km: f64) -> f64 {
    (2.0 * (km / (2.0 * EARTH_RADIUS_KM)).sin()).powi(2)
}

fn km(squared_chord: f64) -> f64 {
    2.0 * EARTH_RADIUS_KM * (squared_chord.sqrt() / 2.0).asin()
}

/// A shop by its number, and how far it is.
pub(crate) type Near = (u32, f64);

/// An R-tree over points of the unit sphere, and what is asked of shops in an array beside it.
pub(crate) struct Tree {
    tree: RTree<Point>,
    places: Vec<Place>,
}

impl Tree {
    /// Built at once, which makes a better tree than adding one shop after the other.
    pub(crate) fn new(places: &[Place]) -> Self {
        let points = (0..).zip(places).map(|(number, place)| Point::new(on_sphere(place.at), number)).collect();
        Self { tree: RTree::bulk_load(points), places: places.to_vec() }
    }

    /// The same, one shop after the other, as a system grows that runs.
    pub(crate) fn grown(places: &[Place]) -> Self {
        let mut tree = RTree::new();
        for (number, place) in (0..).zip(places) {
            tree.insert(Point::new(on_sphere(place.at), number));
        }
        Self { tree, places: places.to_vec() }
    }

    /// `take` shops that pass, nearest first, after `skip` of them.
    pub(crate) fn nearest(
        &self,
        centre: Coordinates,
        radius_km: f64,
        (skip, take): (usize, usize),
        passes: impl Fn(&Place, f64) -> bool,
    ) -> Vec<Near> {
        let furthest = squared_chord(radius_km);
        self.tree
            .nearest_neighbor_iter_with_distance_2(&on_sphere(centre))
            .take_while(|(_, squared)| *squared <= furthest)
            .map(|(point, squared)| (point.data, km(squared)))
            .filter(|(number, km)| self.place(*number).is_some_and(|place| passes(place, *km)))
            .skip(skip)
            .take(take)
            .collect()
    }

    pub(crate) fn place(&self, number: u32) -> Option<&Place> {
        self.places.get(usize::try_from(number).ok()?)
    }

    /// Moves a shop.
    pub(crate) fn move_to(&mut self, number: u32, to: Coordinates) {
        let place = usize::try_from(number).ok().and_then(|at| self.places.get_mut(at));
        let Some(place) = place else { return };
        self.tree.remove(&Point::new(on_sphere(place.at), number));
        self.tree.insert(Point::new(on_sphere(to), number));
        place.at = to;
    }
}

/// The shops as everyone may see them, by number.
pub(crate) struct Shops(Vec<PublicStore>);

impl Shops {
    pub(crate) fn new(places: &[Place]) -> Outcome<Self> {
        let made = Stores::new()?;
        let shop = |(number, place)| Ok(made.store(number, place)?.into());
        Ok(Self((0..).zip(places).map(shop).collect::<Outcome<_>>()?))
    }

    /// What whoever asked is given: it must not change under him.
    pub(crate) fn copies(&self, near: &[Near]) -> Vec<(PublicStore, f64)> {
        let shop = |number: u32| usize::try_from(number).ok().and_then(|at| self.0.get(at)).cloned();
        near.iter().filter_map(|(number, km)| Some((shop(*number)?, *km))).collect()
    }
}

/// Every shop looked at, by an array of points.
pub(crate) struct Array(Vec<[f64; 3]>);

impl Array {
    pub(crate) fn new(places: &[Place]) -> Self {
        Self(places.iter().map(|place| on_sphere(place.at)).collect())
    }

    pub(crate) fn nearest(&self, centre: Coordinates, radius_km: f64, take: usize) -> Vec<Near> {
        let ([x, y, z], furthest) = (on_sphere(centre), squared_chord(radius_km));
        let mut near: Vec<_> = (0..)
            .zip(&self.0)
            .map(|(number, [px, py, pz])| (number, (px - x).powi(2) + (py - y).powi(2) + (pz - z).powi(2)))
            .filter(|(_, squared)| *squared <= furthest)
            .collect();
        if near.len() > take {
            near.select_nth_unstable_by(take, |a, b| a.1.total_cmp(&b.1));
            near.truncate(take);
        }
        near.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
        near.into_iter().map(|(number, squared)| (number, km(squared))).collect()
    }
}
