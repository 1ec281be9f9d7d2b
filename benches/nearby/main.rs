//! The search for stores nearby, among 1,000,000.
//!
//! `cargo bench --bench nearby` prints, beside each measurement, a reference taken in the same
//! run: a plain R-tree with the least code that answers the question, and an array of points
//! that is looked at from end to end. That all find the same is checked on the way.
//!
//! `VYAPAR_BENCH_STORES` is how many stores there are. With `--features postgres` and
//! `VYAPAR_BENCH_POSTGRES_URL` (a login that may create databases) PostgreSQL is measured too.

mod country;
mod plain;
#[cfg(feature = "postgres")]
mod postgres;

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use country::{Country, Place, Stores, id};
use plain::{Array, Near, Shops, Tree};
use vyapar::geo::{Coordinates, Radius};
use vyapar::memory::Memory;
use vyapar::store::{
    NearbyPosition, NearbyQuery, NearbyStore, Store, StoreRepository, StoreSearch, StoreType, UpdateOutcome,
};
use vyapar::testing::Fixtures;
use vyapar::{AllStores, PageRequest, Stored};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Stores of a page.
const PAGE: u32 = 20;
/// Customers who look for a shop, one after the other.
const CENTRES: usize = 400;
/// Customers, where every single shop is looked at.
const FEW: usize = 20;
/// Rounds of a row: adapter and reference in turn.
const ROUNDS: usize = 7;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let count = std::env::var("VYAPAR_BENCH_STORES").ok().map(|text| text.parse()).transpose()?;
    let country = Country::new(26);
    let places = (0..count.unwrap_or(1_000_000)).map(|_| country.place()).collect::<Outcome<Vec<_>>>()?;
    let centres = (0..CENTRES).map(|_| country.point()).collect::<Outcome<Vec<_>>>()?;

    let before = resident();
    let started = Instant::now();
    let memory = Memory::new();
    fill(&*memory.ports().store.stores, &Stores::new()?, &places).await?;
    let (filled, after) = (started.elapsed(), resident());
    println!("{} stores written in {:.1} s", places.len(), filled.as_secs_f64());
    if let Some(bytes) = before.zip(after).map(|(before, after)| after.saturating_sub(before)) {
        let each = bytes / u64::try_from(places.len().max(1))?;
        println!("they take {} MB, {each} bytes each, with their audit entries", bytes >> 20);
    }
    let shops = Shops::new(&places)?;
    let started = Instant::now();
    let (tree, array) = (Tree::grown(&places), Array::new(&places));
    println!("the plain tree took {:.1} s\n", started.elapsed().as_secs_f64());

    println!("| what | memory, `Arc<dyn StoreSearch>` | reference in the same run | ratio |");
    println!("|---|---|---|---|");
    let search = memory.ports().store.search;
    let references = References { loaded: Tree::new(&places), tree, array, shops };
    nearest(&search, &references, &centres).await?;
    filtered(&search, &references, &centres).await?;
    deep(&search, &references, &centres).await?;
    moving(&memory, Tree::grown(&places), &places, &country).await?;
    #[cfg(feature = "postgres")]
    match std::env::var("VYAPAR_BENCH_POSTGRES_URL") {
        Ok(url) => postgres::rows(&url, &references.tree, &places, &centres).await?,
        Err(_) => println!("| PostgreSQL | not measured: VYAPAR_BENCH_POSTGRES_URL is not set | | |"),
    }
    Ok(())
}

async fn fill(stores: &dyn StoreRepository, made: &Stores, places: &[Place]) -> Outcome {
    let audit = Fixtures::seeded(2);
    for (number, place) in (0..).zip(places) {
        stores.insert(made.store(number, place)?, None, audit.bare_audit()).await?;
    }
    Ok(())
}

/// One row: the medians of both, and of the ratios of each round.
fn row(what: &str, reference: &str, mut rounds: Vec<(Duration, Duration)>, each: usize) {
    let middle = rounds.len() / 2;
    let micros = |of: fn(&(Duration, Duration)) -> Duration, rounds: &mut [(Duration, Duration)]| {
        rounds.sort_by_key(of);
        rounds.get(middle).map(of).unwrap_or_default().as_secs_f64() * 1e6 / each as f64
    };
    let (ours, theirs) = (micros(|pair| pair.0, &mut rounds), micros(|pair| pair.1, &mut rounds));
    let mut ratios: Vec<_> = rounds.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(middle).copied().unwrap_or(f64::NAN);
    println!("| {what} | {ours:.1} µs | {reference}, {theirs:.1} µs | {ratio:.2} x |");
}

/// The time of everything in `work`, by turns with that in `reference`.
async fn rounds(
    mut work: impl AsyncFnMut() -> Outcome,
    mut reference: impl AsyncFnMut() -> Outcome,
) -> Outcome<Vec<(Duration, Duration)>> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        work().await?;
        let ours = started.elapsed();
        let started = Instant::now();
        reference().await?;
        rounds.push((ours, started.elapsed()));
    }
    Ok(rounds)
}

fn query(centre: Coordinates, km: f64) -> Outcome<NearbyQuery> {
    Ok(NearbyQuery::within(centre, Radius::from_km(km)?))
}

async fn page(search: &Arc<dyn StoreSearch>, query: NearbyQuery) -> Stored<Vec<NearbyStore>> {
    Ok(search.nearby(AllStores, query, PageRequest::first(PAGE)).await?.items)
}

/// The references answer numbers and distances only: the same shops, as far away but for rounding.
fn same(found: &[NearbyStore], near: &[Near]) -> Outcome {
    let equal = |(found, (number, km)): (&NearbyStore, &Near)| {
        found.store.id == id(*number) && (found.distance_km - km).abs() < 1e-6
    };
    if found.len() == near.len() && found.iter().zip(near).all(equal) {
        return Ok(());
    }
    Err(format!("{} found, {} expected, or others", found.len(), near.len()).into())
}

/// Finds what is near, and drops it.
type Reference<'a> = dyn Fn(Coordinates) + 'a;

struct References {
    /// Made of one point after the other, as the adapter's.
    tree: Tree,
    /// Made of all points at once.
    loaded: Tree,
    array: Array,
    shops: Shops,
}

async fn nearest(search: &Arc<dyn StoreSearch>, references: &References, centres: &[Coordinates]) -> Outcome {
    let References { tree, loaded, array, shops } = references;
    let take = usize::try_from(PAGE)?;
    let few = centres.get(..FEW).ok_or("customers")?;
    for km in [5.0, 25.0] {
        let what = format!("the nearest {PAGE} within {km} km");
        for centre in few {
            let found = page(search, query(*centre, km)?).await?;
            same(&found, &tree.nearest(*centre, km, (0, take), |_, _| true))?;
            same(&found, &array.nearest(*centre, km, take))?;
        }
        let numbers = |tree: &Tree, centre| tree.nearest(centre, km, (0, take), |_, _| true);
        let copies = |centre| drop(black_box(shops.copies(&numbers(tree, centre))));
        let grown = |centre| drop(black_box(numbers(tree, centre)));
        let built = |centre| drop(black_box(numbers(loaded, centre)));
        let every = |centre| drop(black_box(array.nearest(centre, km, take)));
        let rows: [(&str, &[Coordinates], &Reference<'_>); 4] = [
            ("a plain R-tree, the shops copied", centres, &copies),
            ("a plain R-tree, numbers and distances only", centres, &grown),
            ("the same, built at once", centres, &built),
            ("every point looked at, numbers and distances only", few, &every),
        ];
        for (name, centres, reference) in rows {
            let ours = async || -> Outcome {
                for centre in centres {
                    black_box(page(search, query(*centre, km)?).await?);
                }
                Ok(())
            };
            let theirs = async || -> Outcome {
                centres.iter().copied().for_each(reference);
                Ok(())
            };
            row(&what, name, rounds(ours, theirs).await?, centres.len());
        }
    }
    Ok(())
}

async fn filtered(search: &Arc<dyn StoreSearch>, references: &References, centres: &[Coordinates]) -> Outcome {
    let References { tree, shops, .. } = references;
    let (take, km) = (usize::try_from(PAGE)?, 25.0);
    let kinds = [
        ("of one type of nine", Some(StoreType::Pharmacy), 0, false),
        ("with 4.5 stars", None, 45, false),
        ("that deliver", None, 0, true),
        ("of one type, with 4.5 stars, that deliver", Some(StoreType::Pharmacy), 45, true),
    ];
    for (name, store_type, min_rating, delivers) in kinds {
        let query =
            |centre| -> Outcome<_> { Ok(NearbyQuery { store_type, min_rating, delivers, ..query(centre, km)? }) };
        let passes = |place: &Place, km: f64| {
            store_type.is_none_or(|wanted| wanted == place.store_type)
                && place.rating.at_least(min_rating)
                && (!delivers || km <= f64::from(place.delivers_km))
        };
        for centre in centres.iter().take(FEW) {
            same(&page(search, query(*centre)?).await?, &tree.nearest(*centre, km, (0, take), passes))?;
        }
        let ours = async || -> Outcome {
            for centre in centres {
                black_box(page(search, query(*centre)?).await?);
            }
            Ok(())
        };
        let theirs = async || -> Outcome {
            for centre in centres {
                black_box(shops.copies(&tree.nearest(*centre, km, (0, take), passes)));
            }
            Ok(())
        };
        let what = format!("the nearest {PAGE} within {km} km {name}");
        row(&what, "a plain R-tree, an array of facts, the shops copied", rounds(ours, theirs).await?, centres.len());
    }
    Ok(())
}

/// Page 50, by the cursor that page 49 gives out.
fn deep_pages(tree: &Tree, centres: &[Coordinates], km: f64) -> Outcome<Vec<(Coordinates, PageRequest)>> {
    let (skip, mut pages) = (49 * usize::try_from(PAGE)?, Vec::new());
    for centre in centres {
        // Where there are fewer, far from everything, there is no such page.
        let Some((number, _)) = tree.nearest(*centre, km, (skip - 1, 1), |_, _| true).pop() else { continue };
        let at = tree.place(number).ok_or("a place")?.at;
        let last = NearbyPosition { distance_km: centre.distance_km(at), id: id(number) };
        pages.push((*centre, PageRequest::first(PAGE).after(last.cursor())));
    }
    Ok(pages)
}

async fn deep(search: &Arc<dyn StoreSearch>, references: &References, centres: &[Coordinates]) -> Outcome {
    let References { tree, shops, .. } = references;
    let (take, km) = (usize::try_from(PAGE)?, 25.0);
    let skip = 49 * take;
    let pages = deep_pages(tree, centres, km)?;
    for (centre, request) in pages.iter().take(FEW) {
        let found = search.nearby(AllStores, query(*centre, km)?, request.clone()).await?.items;
        same(&found, &tree.nearest(*centre, km, (skip, take), |_, _| true))?;
    }
    let ours = async || -> Outcome {
        for (centre, request) in &pages {
            black_box(search.nearby(AllStores, query(*centre, km)?, request.clone()).await?);
        }
        Ok(())
    };
    let theirs = async || -> Outcome {
        for (centre, _) in &pages {
            black_box(shops.copies(&tree.nearest(*centre, km, (skip, take), |_, _| true)));
        }
        Ok(())
    };
    let what = format!("page 50, {PAGE} a page, within {km} km");
    row(&what, "a plain R-tree that skips, the shops copied", rounds(ours, theirs).await?, pages.len());
    Ok(())
}

/// A shop moves somewhere else, and back by the next round.
async fn moving(memory: &Memory, mut tree: Tree, places: &[Place], country: &Country) -> Outcome {
    let (stores, made, audit) = (memory.ports().store.stores, Stores::new()?, Fixtures::seeded(3));
    let step = (places.len() / CENTRES).max(1);
    let mut movers = Vec::new();
    for (number, place) in (0..).zip(places).step_by(step) {
        movers.push((number, place.at, country.point()?, made.store(number, place)?));
    }
    // Whatever a caller makes is made before: a store and an audit entry a move.
    let mut writes = Vec::new();
    for round in 1..=u64::try_from(ROUNDS)? {
        for (_, from, to, store) in &movers {
            let mut store = Store { version: round + 1, updated_at: made.now(), ..store.clone() };
            store.profile.coordinates = Some(if round % 2 == 1 { *to } else { *from });
            writes.push((store, round, audit.bare_audit()));
        }
    }
    let mut writes = writes.into_iter();
    let ours = async || -> Outcome {
        for (store, version, audit) in writes.by_ref().take(movers.len()) {
            if stores.update(store, version, audit).await? != UpdateOutcome::Updated {
                return Err("a store did not move".into());
            }
        }
        Ok(())
    };
    let mut moves = 0;
    let theirs = async || -> Outcome {
        moves += 1;
        for (number, from, to, _) in &movers {
            tree.move_to(*number, if moves % 2 == 1 { *to } else { *from });
        }
        Ok(())
    };
    row("move a store", "a plain R-tree: out and in", rounds(ours, theirs).await?, movers.len());
    Ok(())
}

/// Bytes of memory that the process holds, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}
