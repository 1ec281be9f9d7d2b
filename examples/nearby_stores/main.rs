//! Which shops are near, open, and deliver here: several hundred shops around real PIN codes,
//! and a customer who looks for one.
//!
//! `cargo run --example nearby_stores -- --pin 110001 --radius-km 5` needs nothing installed;
//! `--help` lists the options. Whatever is found is compared with a look at every single shop.

mod arguments;
mod full_search;
mod localities;
mod shops;
mod table;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use arguments::{Asked, Search, Where};
use localities::Localities;
use vyapar::memory::Memory;
use vyapar::store::{CentreSource, Nearby, NearbyError, NearbyStore, Origin};
use vyapar::testing::{ManualClock, SeededEntropy};
use vyapar::time::in_ist;
use vyapar::{Actor, Env, KeyRing, PageRequest, SecretKey, Vyapar};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How many stores one page brings; small, so that a search needs some.
const PAGE: u32 = 10;

#[tokio::main]
async fn main() -> ExitCode {
    let search = match arguments::read(std::env::args().skip(1)) {
        Ok(Asked::Search(search)) => *search,
        Ok(Asked::Help) => {
            println!("{}", arguments::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(wrong) => return refuse(&wrong),
    };
    match run(&search).await {
        Ok(Ending::Answered { report, agrees }) => {
            // Whoever reads it may stop early (`| head`); that is no failure.
            let _ = std::io::stdout().write_all(report.as_bytes());
            if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Ok(Ending::Refused(why)) => refuse(&why),
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}\n(--help lists the options)");
    ExitCode::from(2)
}

enum Ending {
    Answered {
        /// What to print.
        report: String,
        /// Whether the search found what looking at every shop finds.
        agrees: bool,
    },
    /// The question has no answer.
    Refused(String),
}

async fn run(search: &Search) -> Outcome<Ending> {
    let localities = Localities::read()?;
    // A host takes the machine's time and randomness, and its keys from where it keeps secrets.
    let entropy = SeededEntropy::new(2026);
    let keys = KeyRing::new(1, &SecretKey::new([7; 32]), &SecretKey::new([9; 32]));
    let env = Env::new(Arc::new(ManualClock::at(search.now)), Arc::new(entropy.clone()), Arc::new(keys));
    let vyapar = Vyapar::builder(Memory::new().ports(), env).geocoder(Arc::new(localities.pins.clone())).build();
    let opened = shops::open(&vyapar, &localities, &entropy).await?;
    let found = match find(&vyapar, search).await {
        Ok(found) => found,
        Err(NearbyError::UnknownPlace) => return Ok(Ending::Refused(localities.unknown(&search.from))),
        Err(error) => return Err(error.into()),
    };

    let mut report = format!("{opened}\n\n{}", heading(search, &localities, &found));
    let shown = found.stores.iter().take(search.limit);
    report += &table::table(&table::rows(&vyapar, shown, found.centre, search.now).await?);
    let (all, pages) = (found.stores.len(), found.pages);
    match all.saturating_sub(search.limit) {
        0 if all == 0 => writeln!(report, "No shop is as you want it; a larger --radius-km finds more.")?,
        0 => writeln!(report, "\n{all} found, in {pages} page(s).")?,
        more => writeln!(report, "\n{all} found, in {pages} page(s); --limit {all} shows {more} more.")?,
    }

    let expected = full_search::all(&vyapar, search, found.centre).await?;
    let differences = full_search::differences(&expected.near, &found.stores);
    let agrees = differences.is_empty();
    if agrees {
        writeln!(report, "The same as a look at each of {} shops, in the same order.", expected.looked_at)?;
    } else {
        writeln!(report, "NOT THE SAME as a look at each of {} shops:", expected.looked_at)?;
        differences.iter().try_for_each(|difference| writeln!(report, "   {difference}"))?;
    }
    Ok(Ending::Answered { report, agrees })
}

/// What was searched, and where the search began.
fn heading(search: &Search, localities: &Localities, found: &Found) -> String {
    let place = match &search.from {
        Where::Pin(pin) => localities.describe(pin),
        Where::At(point) => format!("{}, {}", point.latitude(), point.longitude()),
    };
    let (km, conditions) = (search.radius.km(), search.conditions());
    let now = in_ist(search.now).format("%a %d %b %Y, %H:%M");
    let (latitude, longitude) = (found.centre.latitude(), found.centre.longitude());
    let said_by = said_by(found.source);
    format!(
        "Shops within {km} km of {place}{conditions} on {now}\n\
         The search begins at {latitude:.5}, {longitude:.5}: {said_by}\n\n"
    )
}

struct Found {
    centre: vyapar::geo::Coordinates,
    source: CentreSource,
    stores: Vec<NearbyStore>,
    pages: usize,
}

/// Everything the search finds, page by page, as a stranger sees it.
async fn find(vyapar: &Vyapar, search: &Search) -> Result<Found, NearbyError> {
    let stranger = Actor::anonymous();
    let ask = |page| {
        let origin = match &search.from {
            Where::Pin(pin) => Origin::Pin(pin.clone()),
            Where::At(point) => Origin::Point(*point),
        };
        Nearby { origin, radius: search.radius, filter: search.filter, page }
    };
    let first = vyapar.stores().nearby(&stranger, ask(PageRequest::first(PAGE))).await?;
    let mut found = Found { centre: first.centre, source: first.source, stores: first.items, pages: 1 };
    let mut next = first.next;
    while let Some(cursor) = next {
        let page = vyapar.stores().nearby(&stranger, ask(PageRequest::first(PAGE).after(cursor))).await?;
        found.stores.extend(page.items);
        found.pages += 1;
        next = page.next;
    }
    Ok(found)
}

const fn said_by(source: CentreSource) -> &'static str {
    match source {
        CentreSource::Given => "as given",
        CentreSource::Address => "the address",
        CentreSource::Stores => "the middle one of the shops in that PIN code",
        CentreSource::Geocoder => "what the geocoder says of that PIN code, where no shop is",
        CentreSource::Cursor => "as on the page before",
    }
}
