//! A geocoder without a network: the points of PIN codes, from rows that the host brings.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{GeocodeError, GeocodeHit, GeocodePrecision, GeocodeQuery, Geocoder};
use crate::geo::{Coordinates, CoordinatesWarning};
use crate::india::PinCode;

/// Most points of one PIN code that are weighed against each other; the largest PIN of the
/// public directory has about 150. Their number squared is the work.
pub const MAX_POINTS_PER_PIN: usize = 1_000;

/// One row of a table of post offices or PIN codes, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinRow<'a> {
    /// The PIN code.
    pub pincode: &'a str,
    /// Degrees north.
    pub latitude: &'a str,
    /// Degrees east.
    pub longitude: &'a str,
}

/// Why a row was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum PinRowError {
    /// No PIN code.
    #[error("this is no PIN code")]
    PinCode,
    /// Latitude or longitude is blank.
    #[error("a coordinate is missing")]
    Missing,
    /// Latitude or longitude is no number.
    #[error("a coordinate is not a number")]
    NotANumber,
    /// Not on earth.
    #[error("the coordinates are not on earth")]
    OffEarth,
    /// 0,0 for "unknown".
    #[error("the coordinates are 0,0")]
    NullIsland,
    /// Latitude and longitude are probably exchanged. Not repaired: the source should be.
    #[error("latitude and longitude are exchanged")]
    Swapped,
    /// Not in India, where every PIN code is.
    #[error("the coordinates are outside India")]
    OutsideIndia,
    /// The PIN code has [`MAX_POINTS_PER_PIN`] points already.
    #[error("the PIN code has {MAX_POINTS_PER_PIN} points already")]
    TooMany,
}

/// A row that was left out, by its place among the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedPinRow {
    /// Which row, the first is 0.
    pub row: usize,
    /// Why.
    pub reason: PinRowError,
}

/// A table, and what did not get in.
#[derive(Debug, Clone, PartialEq)]
pub struct PinTableLoad {
    /// What got in.
    pub table: PinTable,
    /// What did not, in the order of the rows.
    pub refused: Vec<RefusedPinRow>,
}

/// Points of PIN codes; a [`Geocoder`] for PIN codes, and for addresses by their PIN code.
///
/// Of several points of one PIN code (post offices, villages) the table keeps the medoid: the
/// one whose distances to the others sum to the least, the earlier row of equals. It is a real
/// place and, unlike the mean, it does not move when one office of the directory lies in another
/// state, which some do.
///
/// ```
/// use vyapar_core::geo::geocoder::{PinRow, PinRowError, PinTable};
///
/// let row = |pincode, latitude, longitude| PinRow { pincode, latitude, longitude };
/// let load = PinTable::load([
///     row("110001", "28.6268", "77.2066"),
///     row("110001", "28.6226", "77.2127"),
///     row("110001", "28.6287", "77.2339"),
///     row("110002", "77.2468", "28.6352"), // exchanged
///     row("11000", "28.6", "77.2"),
/// ]);
/// let reasons: Vec<_> = load.refused.iter().map(|refused| (refused.row, refused.reason)).collect();
/// assert_eq!(reasons, [(3, PinRowError::Swapped), (4, PinRowError::PinCode)]);
///
/// let point = load.table.get(&"110001".parse()?).expect("the second of three is in the middle");
/// assert_eq!(point.latitude(), 28.6226);
/// assert_eq!(load.table.get(&"110002".parse()?), None);
/// # Ok::<(), vyapar_core::ParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PinTable {
    points: BTreeMap<PinCode, Coordinates>,
}

fn number(text: &str) -> Result<f64, PinRowError> {
    match text.trim() {
        "" => Err(PinRowError::Missing),
        text => text.parse().map_err(|_| PinRowError::NotANumber),
    }
}

fn point(row: &PinRow<'_>) -> Result<(PinCode, Coordinates), PinRowError> {
    let pincode = row.pincode.parse().map_err(|_| PinRowError::PinCode)?;
    let (latitude, longitude) = (number(row.latitude)?, number(row.longitude)?);
    let point = Coordinates::new(latitude, longitude).map_err(|_| PinRowError::OffEarth)?;
    match point.warning() {
        None => Ok((pincode, point)),
        Some(CoordinatesWarning::NullIsland) => Err(PinRowError::NullIsland),
        Some(CoordinatesWarning::ProbablySwapped) => Err(PinRowError::Swapped),
        Some(CoordinatesWarning::OutsideIndia) => Err(PinRowError::OutsideIndia),
    }
}

/// The point with the least sum of distances to the others; the earlier of equals.
pub(crate) fn medoid(points: &[Coordinates]) -> Option<Coordinates> {
    let total = |from: &Coordinates| points.iter().map(|to| from.distance_km(*to)).sum::<f64>();
    points.iter().map(|point| (total(point), *point)).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, point)| point)
}

impl PinTable {
    /// A table of these rows. A row that cannot be used is reported and never stops the others.
    pub fn load<'a>(rows: impl IntoIterator<Item = PinRow<'a>>) -> PinTableLoad {
        let mut all = BTreeMap::<PinCode, Vec<Coordinates>>::new();
        let mut refused = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            let added = point(&row).and_then(|(pincode, point)| {
                let points = all.entry(pincode).or_default();
                if points.len() >= MAX_POINTS_PER_PIN {
                    return Err(PinRowError::TooMany);
                }
                points.push(point);
                Ok(())
            });
            if let Err(reason) = added {
                refused.push(RefusedPinRow { row: at, reason });
            }
        }
        let points = all.into_iter().filter_map(|(pin, points)| Some((pin, medoid(&points)?))).collect();
        PinTableLoad { table: Self { points }, refused }
    }

    /// The point of a PIN code.
    #[must_use]
    pub fn get(&self, pincode: &PinCode) -> Option<Coordinates> {
        self.points.get(pincode).copied()
    }

    /// How many PIN codes it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether it knows none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}

#[async_trait]
impl Geocoder for PinTable {
    /// Never fails. A landmark is not known here. An address is found by its PIN code only, and
    /// marked as partial: the street was not looked at.
    async fn locate(&self, query: &GeocodeQuery) -> Result<Option<GeocodeHit>, GeocodeError> {
        let (pincode, partial) = match query {
            GeocodeQuery::Pin(pincode) => (pincode, false),
            GeocodeQuery::Address(address) => (&address.pincode, true),
            GeocodeQuery::Place(_) => return Ok(None),
        };
        let hit = |coordinates| GeocodeHit { coordinates, precision: GeocodePrecision::Area, partial };
        Ok(self.get(pincode).map(hit))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AddressQuery, PlaceQuery};
    use super::*;
    use crate::contact::PersonalText;

    fn row<'a>(pincode: &'a str, latitude: &'a str, longitude: &'a str) -> PinRow<'a> {
        PinRow { pincode, latitude, longitude }
    }

    #[test]
    fn every_reason_is_reported_and_stops_nothing() {
        let load = PinTable::load([
            row("०", "28.6", "77.2"),
            row("110001", " ", "77.2"),
            row("110001", "28.6", "east"),
            row("110001", "NaN", "77.2"),
            row("110001", "128.6", "77.2"),
            row("110001", "0", "0.0"),
            row("110001", "77.2", "28.6"),
            row("110001", "48.8", "2.3"),
            row("110 001", "28.6", "77.2"),
        ]);
        let reasons: Vec<_> = load.refused.iter().map(|refused| refused.reason).collect();
        use PinRowError::*;
        assert_eq!(
            reasons,
            [PinCode, Missing, NotANumber, OffEarth, OffEarth, NullIsland, Swapped, OutsideIndia],
            "in the order of the rows"
        );
        assert_eq!(load.table.len(), 1);
    }

    #[test]
    fn one_far_office_moves_nothing() {
        let near = ["19.00", "19.01", "19.02"].map(|latitude| row("400001", latitude, "72.80"));
        let load = PinTable::load(near.into_iter().chain([row("400001", "28.60", "77.20")]));
        assert_eq!(load.table.get(&"400001".parse().unwrap()).unwrap().latitude(), 19.01);
    }

    #[test]
    fn the_work_for_one_pin_code_is_bounded() {
        let load = PinTable::load(std::iter::repeat_n(row("400001", "19", "72.8"), MAX_POINTS_PER_PIN + 2));
        assert_eq!(load.refused.len(), 2);
        assert_eq!(load.refused[1], RefusedPinRow { row: MAX_POINTS_PER_PIN + 1, reason: PinRowError::TooMany });
    }

    #[tokio::test]
    async fn answers_by_pin_code_only() {
        let table = PinTable::load([row("395003", "21.19", "72.83")]).table;
        let text = PersonalText::parse("street", "Chowk Bazar", 200).unwrap();
        let address = |pincode: &str| {
            GeocodeQuery::Address(AddressQuery {
                street: text.clone(),
                city: "Surat".to_owned(),
                state: None,
                pincode: pincode.parse().unwrap(),
            })
        };
        let by_pin = table.locate(&GeocodeQuery::Pin("395003".parse().unwrap())).await.unwrap().unwrap();
        assert_eq!((by_pin.precision, by_pin.partial), (GeocodePrecision::Area, false));
        let by_address = table.locate(&address("395003")).await.unwrap().unwrap();
        assert_eq!((by_address.coordinates, by_address.partial), (by_pin.coordinates, true));
        assert_eq!(table.locate(&address("395004")).await, Ok(None));
        let place = GeocodeQuery::Place(PlaceQuery { text, city: None, state: None });
        assert_eq!(table.locate(&place).await, Ok(None));
    }
}
