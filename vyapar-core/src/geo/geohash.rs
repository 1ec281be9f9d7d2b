//! Geohashes: cells of the earth as short texts, where a longer text is a smaller cell inside.
//!
//! For storage that can only ask for keys or prefixes of keys: a point is stored under the hash
//! of its cell, and a search asks for each of the cells that [`cover`] a circle.
//!
//! Every step is monotonic in latitude and in longitude, with the same arithmetic for a point
//! and for the edges of a box, so a point inside a box is always in one of the box's cells.

use std::fmt;
use std::str::FromStr;

use super::{BoundingBox, Coordinates, Radius};
use crate::error::ParseError;

/// The digits: 0 to 9 and the letters without a, i, l and o.
const DIGITS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// Most characters: a cell of 3.7 cm by 1.9 cm, and 30 bits of each angle.
const MAX_PRECISION: u8 = 12;

/// How many characters a geohash has, 1 to 12. Cells are about 4,900 km wide at the equator at
/// 1, 156 km at 3, 4.9 km at 5, 153 m at 7.
///
/// ```
/// use vyapar_core::geo::geohash::Precision;
/// assert_eq!(Precision::new(6)?.characters(), 6);
/// assert!(Precision::new(0).is_err() && Precision::new(13).is_err());
/// # Ok::<(), vyapar_core::geo::geohash::PrecisionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Precision(u8);

/// A geohash cannot have so many characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a geohash has 1 to 12 characters, not {0}")]
pub struct PrecisionError(pub u8);

impl Precision {
    /// The finest: 12 characters.
    pub const MAX: Self = Self(MAX_PRECISION);

    /// `characters` characters.
    ///
    /// # Errors
    /// [`PrecisionError`] outside 1 to 12.
    pub const fn new(characters: u8) -> Result<Self, PrecisionError> {
        if characters >= 1 && characters <= MAX_PRECISION {
            Ok(Self(characters))
        } else {
            Err(PrecisionError(characters))
        }
    }

    /// How many characters.
    #[must_use]
    pub const fn characters(self) -> u8 {
        self.0
    }

    /// Bits of longitude and of latitude: they alternate, longitude first.
    const fn bits(self) -> (u32, u32) {
        let all = self.0 as u32 * 5;
        (all.div_ceil(2), all / 2)
    }
}

/// A cell of the earth; ordered and stored as its text.
///
/// ```
/// use vyapar_core::geo::Coordinates;
/// use vyapar_core::geo::geohash::{Geohash, Precision};
///
/// let point = Coordinates::new(57.64911, 10.40744).unwrap();
/// let hash = Geohash::encode(point, Precision::new(11).unwrap());
/// assert_eq!(hash.to_string(), "u4pruydqqvj");
/// assert!(hash.cell().contains(point));
/// assert_eq!("U4PRUYDQQVJ".parse(), Ok(hash), "capitals are read");
/// assert!("u4pruydqqva".parse::<Geohash>().is_err(), "no digit is an a");
/// assert!("".parse::<Geohash>().is_err() && "0000000000000".parse::<Geohash>().is_err(), "1 to 12");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geohash {
    /// Column from west, row from south.
    x: u32,
    y: u32,
    precision: Precision,
}

/// Which of 2^`bits` equal parts of `low..low + width` a value is in; the last one takes the end.
fn part(value: f64, low: f64, width: f64, bits: u32) -> u32 {
    let parts = f64::from(1_u32 << bits);
    // From 0 to 2^30, and the cast saturates.
    ((((value - low) / width) * parts) as u32).min((1 << bits) - 1)
}

fn edge(part: u32, low: f64, width: f64, bits: u32) -> f64 {
    low + width * (f64::from(part) / f64::from(1_u32 << bits))
}

impl Geohash {
    /// The cell that a point is in.
    #[must_use]
    pub fn encode(point: Coordinates, precision: Precision) -> Self {
        let (x_bits, y_bits) = precision.bits();
        Self {
            x: part(point.longitude(), -180.0, 360.0, x_bits),
            y: part(point.latitude(), -90.0, 180.0, y_bits),
            precision,
        }
    }

    /// How many characters it has.
    #[must_use]
    pub const fn precision(self) -> Precision {
        self.precision
    }

    /// Its edges. A point on an edge belongs to the cell in the north or east of it.
    #[must_use]
    pub fn cell(self) -> BoundingBox {
        let (x_bits, y_bits) = self.precision.bits();
        let latitude = |y| edge(y, -90.0, 180.0, y_bits);
        let longitude = |x| edge(x, -180.0, 360.0, x_bits);
        BoundingBox::cell(latitude(self.y), latitude(self.y + 1), longitude(self.x), longitude(self.x + 1))
    }

    /// The middle of the cell.
    #[must_use]
    pub fn centre(self) -> Coordinates {
        self.cell().middle()
    }

    /// The cells that touch it, from the south-west to the north-east: eight, or five at a pole,
    /// where nothing lies beyond; round the earth at the antimeridian.
    #[must_use]
    pub fn neighbours(self) -> Vec<Self> {
        let (x_bits, y_bits) = self.precision.bits();
        let columns = 1_u32 << x_bits;
        let mut cells = Vec::with_capacity(8);
        for y in self.y.saturating_sub(1)..=(self.y + 1).min((1 << y_bits) - 1) {
            for step in [columns - 1, 0, 1] {
                let x = (self.x + step) % columns;
                if (x, y) != (self.x, self.y) {
                    cells.push(Self { x, y, ..self });
                }
            }
        }
        cells
    }
}

impl fmt::Display for Geohash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u32::from(self.precision.0) * 5;
        let (x_bits, y_bits) = self.precision.bits();
        // Bits alternate from the top, longitude first.
        let bit = |at: u32| match at % 2 {
            0 => self.x >> (x_bits - 1 - at / 2) & 1,
            _ => self.y >> (y_bits - 1 - at / 2) & 1,
        };
        let text: String = (0..bits)
            .step_by(5)
            .map(|at| (at..at + 5).fold(0, |digit, at| digit << 1 | bit(at)))
            .filter_map(|digit| DIGITS.get(digit as usize))
            .map(|digit| char::from(*digit))
            .collect();
        f.pad(&text)
    }
}

impl fmt::Debug for Geohash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Geohash({self})")
    }
}

impl FromStr for Geohash {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let error = || ParseError::new("geohash of 1 to 12 characters", s);
        let precision = u8::try_from(s.len()).ok().and_then(|length| Precision::new(length).ok()).ok_or_else(error)?;
        let (mut x, mut y) = (0, 0);
        for (at, character) in s.bytes().enumerate() {
            let digit = DIGITS.iter().position(|digit| *digit == character.to_ascii_lowercase()).ok_or_else(error)?;
            for bit in 0..5 {
                let value = u32::from(digit & (16 >> bit) != 0);
                if (at * 5 + bit).is_multiple_of(2) { x = x << 1 | value } else { y = y << 1 | value }
            }
        }
        Ok(Self { x, y, precision })
    }
}

impl PartialOrd for Geohash {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Geohash {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

/// A circle needs more cells than the caller allows, even of the largest size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circle needs {needed} cells of the largest size, more than {max}")]
pub struct CoverError {
    /// Cells of one character that it needs, 32 at most.
    pub needed: u64,
    /// How many the caller allowed.
    pub max: u64,
}

/// At most `max` cells of one size that hold every point of a circle (and, since they cover its
/// box, some more: filter by distance). The cells are as small as `max` and `finest` allow, in
/// order and without repeats. `max` of 4 is enough for every circle that is small and away from
/// the poles; 32 always is.
///
/// ```
/// use vyapar_core::geo::geohash::{Geohash, Precision, cover};
/// use vyapar_core::geo::{Coordinates, Radius};
///
/// let delhi = Coordinates::new(28.6139, 77.2090).unwrap();
/// let cells = cover(delhi, Radius::from_km(5.0).unwrap(), 9, Precision::new(6).unwrap())?;
/// assert!(cells.len() <= 9);
/// assert!(cells.contains(&Geohash::encode(delhi, cells[0].precision())));
/// # Ok::<(), vyapar_core::geo::geohash::CoverError>(())
/// ```
///
/// # Errors
/// [`CoverError`] if even cells of one character are more than `max`.
pub fn cover(centre: Coordinates, radius: Radius, max: usize, finest: Precision) -> Result<Vec<Geohash>, CoverError> {
    let max = max as u64;
    let bounds = BoundingBox::of_circle(centre, radius);
    let mut needed = 0;
    for precision in (1..=finest.0).rev().map(Precision) {
        let grid = Grid::over(&bounds, precision);
        needed = grid.count();
        if needed <= max {
            return Ok(grid.cells(precision));
        }
    }
    Err(CoverError { needed, max })
}

/// Rows, and columns in one or two ranges that do not overlap.
struct Grid {
    rows: (u32, u32),
    columns: Vec<(u32, u32)>,
}

impl Grid {
    fn over(bounds: &BoundingBox, precision: Precision) -> Self {
        let (x_bits, y_bits) = precision.bits();
        let row = |latitude| part(latitude, -90.0, 180.0, y_bits);
        let column = |longitude| part(longitude, -180.0, 360.0, x_bits);
        let mut columns: Vec<(u32, u32)> =
            bounds.longitudes().iter().map(|range| (column(range.west()), column(range.east()))).collect();
        columns.sort_unstable();
        // Two ranges of longitude may end and begin in the same large cell.
        if let [(from, to), (also_from, also_to)] = columns[..]
            && also_from <= to
        {
            columns = vec![(from, to.max(also_to))];
        }
        Self { rows: (row(bounds.south()), row(bounds.north())), columns }
    }

    fn count(&self) -> u64 {
        let length = |(from, to): (u32, u32)| u64::from(to - from) + 1;
        length(self.rows) * self.columns.iter().copied().map(length).sum::<u64>()
    }

    fn cells(&self, precision: Precision) -> Vec<Geohash> {
        let columns = || self.columns.iter().flat_map(|(from, to)| *from..=*to);
        let mut cells: Vec<_> =
            (self.rows.0..=self.rows.1).flat_map(|y| columns().map(move |x| Geohash { x, y, precision })).collect();
        cells.sort_by_cached_key(Geohash::to_string);
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(text: &str) -> Geohash {
        text.parse().unwrap()
    }

    #[test]
    fn published_cells() {
        let ezs42 = hash("ezs42").cell();
        assert!((ezs42.south() - 42.583).abs() < 1e-3 && (ezs42.north() - 42.627).abs() < 1e-3, "{ezs42:?}");
        assert!((ezs42.longitudes()[0].west() + 5.625).abs() < 1e-3, "{ezs42:?}");
        for (latitude, longitude, text) in [
            (42.605, -5.603, "ezs42"),
            (57.64911, 10.40744, "u4pruydqqvj"),
            (-25.382_708, -49.265_506, "6gkzwgjzn820"),
            (0.0, 0.0, "s00000000000"),
            (90.0, 180.0, "zzzzzzzzzzzz"),
            (-90.0, -180.0, "000000000000"),
        ] {
            let point = Coordinates::new(latitude, longitude).unwrap();
            let precision = Precision::new(u8::try_from(text.len()).unwrap()).unwrap();
            assert_eq!(Geohash::encode(point, precision).to_string(), text);
            assert_eq!(hash(text).to_string(), text);
        }
    }

    #[test]
    fn neighbours_that_are_published_and_those_at_the_edges() {
        let texts = |of: &str| hash(of).neighbours().iter().map(Geohash::to_string).collect::<Vec<_>>();
        assert_eq!(texts("dqcjq"), ["dqcjj", "dqcjn", "dqcjp", "dqcjm", "dqcjr", "dqcjt", "dqcjw", "dqcjx"]);
        assert_eq!(texts("z").len(), 5, "the top row");
        assert!(texts("z").contains(&"b".to_owned()), "round the earth: {:?}", texts("z"));
    }

    #[test]
    fn a_bound_that_cannot_be_met_says_what_would_do() {
        let centre = Coordinates::new(0.0, 0.0).unwrap();
        let far = Radius::from_km(super::super::HALF_EARTH_KM).unwrap();
        assert_eq!(cover(centre, far, 31, Precision::MAX), Err(CoverError { needed: 32, max: 31 }));
        assert_eq!(cover(centre, far, 32, Precision::MAX).unwrap().len(), 32);
        assert!(cover(centre, Radius::from_km(1.0).unwrap(), 0, Precision::MAX).is_err());
    }
}
