//! What was asked for on the command line.

use chrono::{DateTime, Utc};
use vyapar::Timestamp;
use vyapar::geo::{Coordinates, Radius};
use vyapar::india::PinCode;
use vyapar::store::{MAX_SEARCH_KM, NearbyFilter, StoreType};

pub(crate) const USAGE: &str = "\
Which shops are near?

  cargo run --example nearby_stores -- [options]

  --pin 110001           from a PIN code of examples/data/localities.csv (this is the default)
  --at 28.6139,77.2090   from a point: latitude, longitude
  --radius-km 5          how far, at most 500
  --limit 20             how many to show, 1 to 1000
  --type grocery         only shops of a type: grocery, pharmacy, produce, bakery, dairy, meat,
                         stationery, hardware or general
  --open-now             only shops that are open
  --delivers             only shops that deliver to where the search begins
  --min-rating 4.2       only shops with at least so many stars, 0 to 5, one decimal
  --now 2026-11-25T21:30:00+05:30
                         the time to take for now; fixed unless given, so that two runs agree";

/// A Wednesday evening: some shops are closed, some are about to be, some just opened.
const NOW: &str = "2026-11-25T21:30:00+05:30";
/// The largest `--limit`.
const MOST: usize = 1_000;

pub(crate) enum Where {
    Pin(PinCode),
    At(Coordinates),
}

pub(crate) struct Search {
    pub(crate) from: Where,
    pub(crate) radius: Radius,
    pub(crate) limit: usize,
    pub(crate) filter: NearbyFilter,
    pub(crate) now: Timestamp,
}

pub(crate) enum Asked {
    Search(Box<Search>),
    Help,
}

/// The options as text, each at most once.
#[derive(Default)]
struct Given(Vec<(String, String)>);

impl Given {
    /// What an option was given, parsed; `None` where it was not.
    fn get<T>(&self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
        let given = self.0.iter().find(|(option, _)| option == name);
        let parsed = given.map(|(_, value)| parse(value).map_err(|why| format!("`{name} {value}`: {why}")));
        parsed.transpose()
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(option, _)| option == name)
    }
}

/// Splits the arguments into options and values.
fn split(mut arguments: impl Iterator<Item = String>) -> Result<Option<Given>, String> {
    let mut given = Given::default();
    while let Some(argument) = arguments.next() {
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let value = match (name.as_str(), inline) {
            ("--help" | "-h", _) => return Ok(None),
            ("--open-now" | "--delivers", None) => String::new(),
            ("--open-now" | "--delivers", Some(value)) => {
                return Err(format!("`{name}={value}`: this option takes no value"));
            }
            ("--pin" | "--at" | "--radius-km" | "--limit" | "--type" | "--min-rating" | "--now", inline) => {
                inline.or_else(|| arguments.next()).ok_or_else(|| format!("`{name}` needs a value"))?
            }
            (unknown, _) => return Err(format!("`{unknown}` is no option")),
        };
        if given.has(&name) {
            return Err(format!("`{name}` is given twice"));
        }
        given.0.push((name, value));
    }
    Ok(Some(given))
}

/// Reads the arguments; an error says which one is wrong, its value, and why.
pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Result<Asked, String> {
    let Some(given) = split(arguments)? else { return Ok(Asked::Help) };
    let pin = given.get("--pin", |text| text.parse::<PinCode>().map_err(|why| why.to_string()))?;
    let at = given.get("--at", |text| text.parse::<Coordinates>().map_err(|why| why.to_string()))?;
    let from = match (pin, at) {
        (Some(_), Some(_)) => return Err("`--pin` and `--at` both say where; give one".to_owned()),
        (Some(pin), None) => Where::Pin(pin),
        (None, Some(at)) => Where::At(at),
        (None, None) => Where::Pin("110001".parse().map_err(|why| format!("{why}"))?),
    };
    let radius = given.get("--radius-km", radius)?.map_or_else(|| radius("5"), Ok)?;
    let now = given.get("--now", instant)?.map_or_else(|| instant(NOW), Ok)?;
    let filter = NearbyFilter {
        store_type: given.get("--type", store_type)?,
        min_rating: given.get("--min-rating", tenths)?.unwrap_or(0),
        delivers: given.has("--delivers"),
        open_now: given.has("--open-now"),
    };
    let limit = given.get("--limit", limit)?.unwrap_or(20);
    Ok(Asked::Search(Box::new(Search { from, radius, limit, filter, now })))
}

fn radius(text: &str) -> Result<Radius, String> {
    let km = text.parse::<f64>().map_err(|_| "not a number of km".to_owned())?;
    match Radius::from_km(km) {
        Ok(radius) if km > MAX_SEARCH_KM => Err(format!("{} km is too far, at most {MAX_SEARCH_KM}", radius.km())),
        radius => radius.map_err(|why| why.to_string()),
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed.map(|at| at.with_timezone(&Utc)).map_err(|why| format!("not a time such as {NOW} ({why})"))
}

fn store_type(text: &str) -> Result<StoreType, String> {
    let known = || StoreType::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
    text.parse().map_err(|_| format!("not a type of shop; there are {}", known()))
}

fn limit(text: &str) -> Result<usize, String> {
    let parsed = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    parsed.ok_or_else(|| format!("not a number from 1 to {MOST}"))
}

/// Stars with at most one decimal, in tenths: the search compares exactly.
fn tenths(text: &str) -> Result<u8, String> {
    let digit = |part: &str| (part.len() == 1).then(|| part.parse::<u8>().ok())?;
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let tenths = digit(whole).zip(digit(tenth)).map(|(whole, tenth)| whole * 10 + tenth);
    tenths.filter(|tenths| *tenths <= 50).ok_or_else(|| "not a number of stars, 0 to 5, such as 4.2".to_owned())
}

impl Search {
    /// The conditions as the heading says them.
    pub(crate) fn conditions(&self) -> String {
        let NearbyFilter { store_type, min_rating, delivers, open_now } = self.filter;
        let (stars, tenths) = (min_rating / 10, min_rating % 10);
        let conditions = [
            store_type.map(|wanted| format!(", only {wanted}")),
            (min_rating > 0).then(|| format!(", at least {stars}.{tenths} stars")),
            delivers.then(|| ", delivering there".to_owned()),
            open_now.then(|| ", open".to_owned()),
        ];
        conditions.into_iter().flatten().collect()
    }
}
