//! Searches around a point among all post offices, against another library's answers.
//!
//! The sets lie beside the repository (`../shared/data`); without them the test says so and
//! passes.

use std::collections::{BTreeMap, BTreeSet};

use vyapar_core::geo::geohash::{Geohash, Precision, cover};
use vyapar_core::geo::{BoundingBox, Coordinates, Radius};

use crate::contacts::shared;
use crate::identifiers::post_offices;

/// The radius that the other library takes the earth to have.
const SPHERE_KM: f64 = 6_371.0;

#[derive(serde::Deserialize)]
struct Query {
    lat: f64,
    lon: f64,
    radius_km: f64,
    expected: Vec<(String, String, f64)>,
}

struct Office<'a> {
    pin: &'a str,
    name: &'a str,
    at: Coordinates,
}

/// Those with coordinates that are not marked as suspect, as the other library takes them.
fn offices(text: &str) -> Vec<Office<'_>> {
    let office = |line| {
        let cells: Vec<&str> = str::split(line, '\t').collect();
        let [pin, name, _, _, _, _, latitude, longitude, quality] = cells[..] else { panic!("{line}") };
        let at = Coordinates::new(latitude.parse().ok()?, longitude.parse().ok()?).ok()?;
        (quality != "suspect").then_some(Office { pin, name, at })
    };
    text.lines().skip(1).filter_map(office).collect()
}

/// Who is near, by whole metres: order among equals is free.
fn answer(of: impl Iterator<Item = (String, String, f64)>) -> BTreeSet<(u64, String, String)> {
    of.map(|(pin, name, km)| ((km * 1_000.0).round() as u64, pin, name)).collect()
}

#[test]
fn boxes_and_cells_find_what_a_full_search_finds() {
    let (Some(text), Some(queries)) = (post_offices(), shared("geodesic/nearby_post_offices_expected.jsonl")) else {
        return;
    };
    let offices = offices(&text);
    // As a store without geometry has them: by the text of a cell, and sorted.
    let fine = Precision::new(7).unwrap();
    let mut by_cell = BTreeMap::<String, Vec<&Office<'_>>>::new();
    for office in &offices {
        by_cell.entry(Geohash::encode(office.at, fine).to_string()).or_default().push(office);
    }
    let (mut count, mut found, mut boxed, mut celled) = (0, 0, 0, 0);
    for line in queries.lines() {
        let query: Query = serde_json::from_str(line).unwrap();
        let centre = Coordinates::new(query.lat, query.lon).unwrap();
        let near = |office: &&Office<'_>| centre.distance_on_sphere(office.at, SPHERE_KM) <= query.radius_km;
        let named = |office: &Office<'_>| {
            let km = centre.distance_on_sphere(office.at, SPHERE_KM);
            (office.pin.to_owned(), office.name.to_owned(), km)
        };
        let expected = answer(query.expected.clone().into_iter());

        // A sphere that is smaller by 1.4 millionths makes distances smaller: the box must be larger.
        let radius = Radius::from_km(query.radius_km * 1.000_01).unwrap();
        let bounds = BoundingBox::of_circle(centre, radius);
        let inside: Vec<_> = offices.iter().filter(|office| bounds.contains(office.at)).collect();
        boxed += inside.len();
        assert_eq!(answer(inside.into_iter().filter(near).map(named)), expected, "box around {centre:?}");

        let cells = cover(centre, radius, 16, fine).unwrap();
        let keys = cells.iter().map(Geohash::to_string);
        let inside: Vec<_> = keys
            .flat_map(|key| by_cell.range(key.clone()..).take_while(move |(cell, _)| cell.starts_with(&key)))
            .flat_map(|(_, offices)| offices)
            .copied()
            .collect();
        celled += inside.len();
        assert_eq!(answer(inside.into_iter().filter(near).map(named)), expected, "cells around {centre:?}");

        count += 1;
        found += expected.len();
    }
    println!("{found} found, of {boxed} in boxes and {celled} in cells");
    assert_eq!(count, 150);
    assert!(found < boxed && boxed < celled, "{found} {boxed} {celled}");
}
