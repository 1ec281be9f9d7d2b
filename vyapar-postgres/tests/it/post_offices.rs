//! The search for stores nearby at post offices of India, beside a look at every one of them.
//!
//! The post offices lie beside the repository (`../shared/data`); without them the test says so
//! and passes.

use std::path::Path;
use std::process::Command;

use vyapar_core::geo::Coordinates;
use vyapar_core::testing::full_search::agrees_with_a_full_search;
use vyapar_core::testing::{Fixtures, run};

use crate::database::TestDatabase;

/// How many of the 121,783 offices: each is a write of its own.
const OFFICES: usize = 8_000;

/// One of so many, in the file's order. Unpacked by the system's gzip.
fn post_offices() -> Option<Vec<Coordinates>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/pincodes/post_offices.tsv.gz");
    let text = match Command::new("gzip").arg("-dc").arg(&path).output() {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).ok()?,
        other => {
            println!("skipped: {} is not there, or no gzip that reads it ({other:?})", path.display());
            return None;
        }
    };
    let point = |line: &str| {
        let mut columns = line.split('\t').skip(6);
        Coordinates::new(columns.next()?.parse().ok()?, columns.next()?.parse().ok()?).ok()
    };
    let all: Vec<_> = text.lines().skip(1).filter_map(point).collect();
    assert!(all.len() > 100_000);
    Some(all.iter().step_by(all.len() / OFFICES).copied().collect())
}

#[test]
fn post_offices_are_found_as_by_a_full_search() {
    let Some(offices) = post_offices() else { return };
    run(async move {
        let database = TestDatabase::create().await;
        let store = database.postgres().ports().store;
        let found = agrees_with_a_full_search(&store, &Fixtures::here(), &offices, 200).await;
        println!("{} offices, {found} found in 200 searches and five of the whole earth", offices.len());
        assert!(found > 1_000, "{found} found are too few to tell");
    });
}
