//! Points, circles and cells: properties that hold everywhere, and published distances.
//!
//! The sets lie beside the repository (`../shared/data`); without them the tests that need them
//! say so and pass.

use std::sync::Arc;

use proptest::prelude::*;
use vyapar_core::geo::geocoder::{GeocodeError, GeocodeHit, GeocodePrecision, GeocodeQuery, Geocoder, MockGeocoder};
use vyapar_core::geo::geohash::{Geohash, Precision, cover};
use vyapar_core::geo::{Bearing, BoundingBox, Coordinates, EARTH_RADIUS_KM, HALF_EARTH_KM, Radius};

use crate::contacts::shared;

fn at(latitude: f64, longitude: f64) -> Coordinates {
    Coordinates::new(latitude, longitude).unwrap()
}

/// Anywhere, and often where formulas break: poles, equator, antimeridian, and a hair beside them.
fn anywhere() -> impl Strategy<Value = Coordinates> {
    let hair = prop_oneof![Just(0.0), Just(1e-12), Just(1e-9), Just(1e-6), Just(1e-3), 0.0..2.0];
    let latitude = prop_oneof![
        3 => -90.0..=90.0,
        1 => hair.clone().prop_map(|hair| 90.0 - hair),
        1 => hair.clone().prop_map(|hair| hair - 90.0),
        1 => hair.clone(),
    ];
    let longitude = prop_oneof![
        3 => -180.0..=180.0,
        1 => hair.clone().prop_map(|hair| 180.0 - hair),
        1 => hair.clone().prop_map(|hair| hair - 180.0),
        1 => hair,
    ];
    (latitude, longitude).prop_map(|(latitude, longitude)| at(latitude, longitude))
}

fn radius() -> impl Strategy<Value = Radius> {
    prop_oneof![
        1 => Just(0.0),
        2 => 0.0..0.001,
        4 => 0.0..50.0,
        2 => 0.0..2_000.0,
        2 => 0.0..HALF_EARTH_KM,
        1 => Just(HALF_EARTH_KM / 2.0),
        1 => Just(HALF_EARTH_KM),
    ]
    .prop_map(|km| Radius::from_km(km).unwrap())
}

fn bearing() -> impl Strategy<Value = Bearing> {
    prop_oneof![4 => 0.0..360.0, 1 => prop::sample::select(vec![0.0, 90.0, 180.0, 270.0, 359.999_999_999])]
        .prop_map(|degrees| Bearing::from_degrees(degrees).unwrap())
}

/// A point of the circle, often on its very edge; none if rounding put it outside.
fn within(centre: Coordinates, radius: Radius, bearing: Bearing, part: f64) -> Option<Coordinates> {
    let point = centre.destination(bearing, Radius::from_km(radius.km() * part).unwrap());
    (centre.distance_km(point) <= radius.km()).then_some(point)
}

fn part() -> impl Strategy<Value = f64> {
    prop_oneof![3 => 0.0..1.0, 1 => Just(1.0), 1 => Just(1.0 - 1e-12)]
}

/// Distances near the other side of the earth are known to some centimetres only: the sine of
/// half the angle is flat there.
const TOLERANCE_KM: f64 = 1e-3;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

    #[test]
    fn every_point_of_a_circle_is_in_its_box(
        centre in anywhere(), radius in radius(), bearing in bearing(), part in part(), any in anywhere()
    ) {
        let bounds = BoundingBox::of_circle(centre, radius);
        let near = (centre.distance_km(any) <= radius.km()).then_some(any);
        for point in within(centre, radius, bearing, part).into_iter().chain(near).chain([centre]) {
            prop_assert!(bounds.contains(point), "{centre:?} {radius:?} {point:?} {bounds:?}");
        }
        let ranges = bounds.longitudes();
        prop_assert!(ranges.iter().all(|range| range.west() <= range.east()), "{ranges:?}");
        prop_assert!(ranges.iter().map(|range| range.east() - range.west()).sum::<f64>() <= 360.0 + 1e-6);
        prop_assert!(-90.0 <= bounds.south() && bounds.south() <= bounds.north() && bounds.north() <= 90.0);
    }

    #[test]
    fn a_box_is_not_much_larger_than_its_circle(
        latitude in -60.0..60.0, longitude in -180.0..=180.0, km in 0.1..100.0
    ) {
        let (centre, radius) = (at(latitude, longitude), Radius::from_km(km).unwrap());
        let bounds = BoundingBox::of_circle(centre, radius);
        let edge = Radius::from_km(km + 0.000_01).unwrap();
        for degrees in [0.0, 180.0] {
            prop_assert!(!bounds.contains(centre.destination(Bearing::from_degrees(degrees).unwrap(), edge)));
        }
        let width: f64 = bounds.longitudes().iter().map(|range| range.east() - range.west()).sum();
        let at_centre = 2.0 * (km / EARTH_RADIUS_KM / latitude.to_radians().cos()).to_degrees();
        prop_assert!(width < at_centre * 1.01 + 1e-6, "{width} against {at_centre}");
    }

    #[test]
    fn a_destination_is_at_its_distance_in_its_direction(
        from in anywhere(), bearing in bearing(), distance in radius()
    ) {
        let there = from.destination(bearing, distance);
        prop_assert!((from.distance_km(there) - distance.km()).abs() < TOLERANCE_KM, "{there:?}");
        // A direction means nothing from a pole, over no distance, or to the other side.
        let km = distance.km();
        if from.latitude().abs() < 89.0 && (0.01..HALF_EARTH_KM - 100.0).contains(&km) {
            let turned = (from.initial_bearing(there).degrees() - bearing.degrees()).abs();
            prop_assert!(turned.min(360.0 - turned) < 1e-6, "{turned}");
        }
    }

    #[test]
    fn distance_is_a_metric(a in anywhere(), b in anywhere(), c in anywhere()) {
        let ab = a.distance_km(b);
        prop_assert!((0.0..=HALF_EARTH_KM).contains(&ab), "{ab}");
        prop_assert!((ab - b.distance_km(a)).abs() <= 1e-9);
        prop_assert_eq!(a.distance_km(a), 0.0);
        prop_assert!(ab <= a.distance_km(c) + c.distance_km(b) + TOLERANCE_KM);
    }

    #[test]
    fn covering_cells_hold_every_point_of_the_circle(
        centre in anywhere(), radius in radius(), bearing in bearing(), part in part(), any in anywhere(),
        max in prop::sample::select(vec![4_usize, 9, 32, 100]), finest in 1_u8..=12
    ) {
        let Ok(cells) = cover(centre, radius, max, Precision::new(finest).unwrap()) else {
            prop_assert!(max < 32, "32 cells are the whole earth");
            return Ok(());
        };
        prop_assert!((1..=max).contains(&cells.len()));
        prop_assert!(cells.is_sorted() && cells.windows(2).all(|pair| pair[0] != pair[1]));
        let precision = cells[0].precision();
        prop_assert!(cells.iter().all(|cell| cell.precision() == precision));
        let near = (centre.distance_km(any) <= radius.km()).then_some(any);
        for point in within(centre, radius, bearing, part).into_iter().chain(near).chain([centre]) {
            let cell = Geohash::encode(point, precision);
            prop_assert!(cells.contains(&cell), "{centre:?} {radius:?} {point:?} {cell} {cells:?}");
        }
    }

    #[test]
    fn four_cells_cover_a_town_anywhere_but_at_the_poles(
        latitude in -80.0..80.0, longitude in -180.0..=180.0, km in 0.0..20.0
    ) {
        let cells = cover(at(latitude, longitude), Radius::from_km(km).unwrap(), 4, Precision::MAX).unwrap();
        prop_assert!(cells.len() <= 4);
    }

    #[test]
    fn a_cell_holds_its_point_and_leads_back(point in anywhere(), length in 1_u8..=12) {
        let precision = Precision::new(length).unwrap();
        let hash = Geohash::encode(point, precision);
        prop_assert!(hash.cell().contains(point), "{hash} {:?}", hash.cell());
        prop_assert_eq!(Geohash::encode(hash.centre(), precision), hash);
        let text = hash.to_string();
        prop_assert_eq!(text.len(), usize::from(length));
        prop_assert_eq!(text.parse(), Ok(hash));
        // A shorter one is the same text, cut.
        let shorter = Geohash::encode(point, Precision::new(1 + length / 2).unwrap()).to_string();
        prop_assert!(text.starts_with(&shorter[..shorter.len().min(text.len())]));
        let neighbours = hash.neighbours();
        prop_assert!(neighbours.len() == 8 || neighbours.len() == 5, "{neighbours:?}");
        prop_assert!(neighbours.iter().all(|near| near.neighbours().contains(&hash)));
    }

    #[test]
    fn a_geohash_never_panics(text in "[0-9a-zA-Zé]{0,14}") {
        if let Ok(hash) = text.parse::<Geohash>() {
            prop_assert_eq!(hash.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn coordinates_as_text_never_panic(a in -91.0..91.0, b in -181.0..181.0, noise in "\\PC{0,20}") {
        let parsed = format!("({a}, {b})").parse::<Coordinates>();
        let tiny = format!("{a}{b}").contains('e');
        prop_assert!(tiny || parsed.is_ok() == Coordinates::new(a, b).is_ok());
        let _ = noise.parse::<Coordinates>();
    }
}

#[tokio::test]
async fn a_host_can_mock_the_geocoder() {
    let hit = GeocodeHit { coordinates: at(21.19, 72.83), precision: GeocodePrecision::Area, partial: false };
    let mut mock = MockGeocoder::new();
    mock.expect_locate().times(1).returning(move |query| match query {
        GeocodeQuery::Pin(_) => Ok(Some(hit)),
        _ => Err(GeocodeError::Unavailable),
    });
    let port: Arc<dyn Geocoder> = Arc::new(mock);
    assert_eq!(port.locate(&GeocodeQuery::Pin("395003".parse().unwrap())).await, Ok(Some(hit)));
}

fn number(text: &str) -> f64 {
    text.trim().parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn published_haversine_values() {
    let Some(text) = shared("geodesic/haversine_vectors.csv") else { return };
    let mut count = 0;
    for row in text.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        let [source, radius, lat1, lon1, lat2, lon2, expected, ..] = cells[..] else { panic!("{row}") };
        count += 1;
        let (from, to) = (at(number(lat1), number(lon1)), at(number(lat2), number(lon2)));
        let metres = from.distance_on_sphere(to, number(radius));
        // One source rounds to the metre, another puts points into cells of about half a metre.
        let tolerance = match source {
            _ if source.starts_with("chrisveness") => 0.5,
            _ if source.starts_with("redis") => 0.5,
            _ => 5e-6,
        };
        assert!((metres - number(expected)).abs() <= tolerance, "{source}: {metres} for {expected}");
        if number(radius) == EARTH_RADIUS_KM * 1_000.0 {
            assert!((from.distance_km(to) * 1_000.0 - metres).abs() < 1e-6);
        }
    }
    assert_eq!(count, 10);
}

#[test]
fn distances_on_the_ellipsoid_are_near() {
    let Some(text) = shared("geodesic/GeodTest-100.dat") else { return };
    let (mut count, mut worst) = (0, 0.0_f64);
    for row in text.lines() {
        let cells: Vec<_> = row.split_whitespace().map(number).collect();
        let longitude = |degrees: f64| if degrees > 180.0 { degrees - 360.0 } else { degrees };
        let (from, to) = (at(cells[0], longitude(cells[1])), at(cells[3], longitude(cells[4])));
        let off = (from.distance_km(to) * 1_000.0 - cells[6]).abs() / cells[6];
        assert!(off <= 0.006, "{row}: off by {off}");
        worst = worst.max(off);
        count += 1;
    }
    println!("off by {:.3} % at most", worst * 100.0);
    assert_eq!(count, 70);
}

#[test]
fn distances_of_post_offices_by_another_library() {
    let Some(text) = shared("geodesic/post_office_pairs_geographiclib.csv") else { return };
    let mut count = 0;
    for row in text.lines().skip(1) {
        // Names of offices hold commas and quotes; the numbers around them do not.
        let cells = split_quoted(row);
        let [_, _, lat1, lon1, _, _, lat2, lon2, sphere, ellipsoid] = &cells[..] else { panic!("{row}") };
        let metres = at(number(lat1), number(lon1)).distance_km(at(number(lat2), number(lon2))) * 1_000.0;
        assert!((metres - number(sphere)).abs() <= 1e-3, "{row}: {metres}");
        assert!((metres - number(ellipsoid)).abs() <= 0.006 * number(ellipsoid), "{row}: {metres}");
        count += 1;
    }
    assert_eq!(count, 2_000);
}

/// Cells of a CSV row; quotes may enclose commas.
pub(crate) fn split_quoted(row: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in row.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}
