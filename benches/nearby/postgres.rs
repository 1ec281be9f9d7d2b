//! The same on PostgreSQL, beside the shortest statement that gives out the nearest stores.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgPool};
use vyapar::geo::Coordinates;
use vyapar::postgres::Postgres;
use vyapar::store::{NearbyQuery, StoreSearch, StoreType};
use vyapar::{AllStores, PageRequest};

use crate::country::{Place, Stores, id};
use crate::plain::Tree;
use crate::{FEW, Outcome, PAGE, deep_pages, fill, page, query, rounds, row, same};

/// Customers, one after the other.
const CENTRES: usize = 100;
/// Rows a statement of the fill.
const CHUNK: usize = 50_000;

/// Stores like the first, elsewhere; without the trigger that keeps their points one by one.
const FILL: &str = "
insert into vyapar.stores
select (jsonb_populate_record(t.s, jsonb_build_object(
           'id', p.id, 'store_id', 'shop-' || p.n, 'latitude', p.latitude, 'longitude', p.longitude,
           'store_type', p.store_type, 'delivery_radius_km', p.delivers_km,
           'rating_sum', p.rating_sum, 'rating_count', p.rating_count))).*
  from unnest($1::bigint[], $2::uuid[], $3::float8[], $4::float8[], $5::varchar[], $6::bigint[], $7::bigint[],
              $8::bigint[])
           p(n, id, latitude, longitude, store_type, delivers_km, rating_sum, rating_count),
       (select s from vyapar.stores s where store_id = 'shop-0') t";

/// What the trigger would have kept, all at once.
const POINTS: &str = "
insert into vyapar.store_points
select s.id, vyapar.on_map(s.latitude, s.longitude), s.latitude, s.longitude, s.store_type, s.delivery_radius_km,
       s.rating_sum, s.rating_count
  from vyapar.stores s where s.store_id <> 'shop-0'";

/// The nearest on the map, which is nearly the nearest on earth, of anyone's; no radius, no rule.
const BY_HAND: &str = "
select s.* from (select store_id from vyapar.store_points
                  order by place <-> vyapar.on_map($1, $2) limit $3) near
  join vyapar.stores s on s.id = near.store_id";

/// A database, made anew; it stays for a look.
async fn database(url: &str) -> Outcome<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let (name, mut admin) = ("vyapar_bench_nearby", options.connect().await?);
    for command in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
        admin.execute(AssertSqlSafe(command)).await?;
    }
    let pool = PgPoolOptions::new().max_connections(4).test_before_acquire(false);
    Ok(pool.connect_with(options.database(name)).await?)
}

async fn fill_by_sql(pool: &PgPool, places: &[Place]) -> Outcome {
    pool.execute("alter table vyapar.stores disable trigger store_point").await?;
    let numbered: Vec<_> = (0_u32..).zip(places).skip(1).collect();
    for chunk in numbered.chunks(CHUNK) {
        sqlx::query(FILL)
            .bind(chunk.iter().map(|(number, _)| i64::from(*number)).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(number, _)| id(*number).as_uuid()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(_, place)| place.at.latitude()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(_, place)| place.at.longitude()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(_, place)| place.store_type.to_string()).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(_, place)| i64::from(place.delivers_km)).collect::<Vec<_>>())
            .bind(chunk.iter().map(|(_, place)| i64::try_from(place.rating.sum)).collect::<Result<Vec<_>, _>>()?)
            .bind(chunk.iter().map(|(_, place)| i64::try_from(place.rating.count)).collect::<Result<Vec<_>, _>>()?)
            .execute(pool)
            .await?;
    }
    pool.execute("alter table vyapar.stores enable trigger store_point").await?;
    pool.execute(POINTS).await?;
    pool.execute("vacuum (analyze) vyapar.stores, vyapar.store_points").await?;
    Ok(())
}

pub(crate) async fn rows(url: &str, tree: &Tree, places: &[Place], centres: &[Coordinates]) -> Outcome {
    let pool = database(url).await?;
    let postgres = Postgres::from_pool(pool.clone());
    postgres.migrate().await?;
    let ports = postgres.ports();
    fill(&*ports.store.stores, &Stores::new()?, places.get(..1).ok_or("a place")?).await?;
    let started = Instant::now();
    fill_by_sql(&pool, places).await?;
    let (seconds, search) = (started.elapsed().as_secs_f64(), ports.store.search);
    println!("\n{} stores written by SQL in {seconds:.0} s\n", places.len());

    println!("| what | PostgreSQL, `Arc<dyn StoreSearch>`, one caller | reference in the same run | ratio |");
    println!("|---|---|---|---|");
    let centres = centres.get(..CENTRES).ok_or("customers")?;
    let kinds = [
        (5.0, "", None, 0, false),
        (25.0, "", None, 0, false),
        (25.0, " of one type, with 4.5 stars, that deliver", Some(StoreType::Pharmacy), 45, true),
    ];
    for (km, name, store_type, min_rating, delivers) in kinds {
        let query =
            |centre| -> Outcome<_> { Ok(NearbyQuery { store_type, min_rating, delivers, ..query(centre, km)? }) };
        let passes = |place: &Place, km: f64| {
            store_type.is_none_or(|wanted| wanted == place.store_type)
                && place.rating.at_least(min_rating)
                && (!delivers || km <= f64::from(place.delivers_km))
        };
        for centre in centres.iter().take(FEW) {
            let near = tree.nearest(*centre, km, (0, usize::try_from(PAGE)?), passes);
            same(&page(&search, query(*centre)?).await?, &near)?;
        }
        let ours = async || -> Outcome {
            for centre in centres {
                black_box(page(&search, query(*centre)?).await?);
            }
            Ok(())
        };
        let measured = rounds(ours, async || by_hand(&pool, centres).await).await?;
        let what = format!("the nearest {PAGE} within {km} km{name}");
        row(&what, "the nearest on the map by index, one statement", measured, centres.len());
    }
    deep(&search, &pool, tree, centres).await
}

async fn by_hand(pool: &PgPool, centres: &[Coordinates]) -> Outcome {
    for centre in centres {
        let statement = sqlx::query(BY_HAND).bind(centre.latitude()).bind(centre.longitude()).bind(i64::from(PAGE));
        black_box(statement.fetch_all(pool).await?);
    }
    Ok(())
}

async fn deep(search: &Arc<dyn StoreSearch>, pool: &PgPool, tree: &Tree, centres: &[Coordinates]) -> Outcome {
    let km = 25.0;
    let pages = deep_pages(tree, centres, km)?;
    let take = usize::try_from(PAGE)?;
    for (centre, request) in pages.iter().take(FEW) {
        let found = search.nearby(AllStores, query(*centre, km)?, request.clone()).await?.items;
        same(&found, &tree.nearest(*centre, km, (49 * take, take), |_, _| true))?;
    }
    let ours = async || -> Outcome {
        for (centre, request) in &pages {
            let request: PageRequest = request.clone();
            black_box(search.nearby(AllStores, query(*centre, km)?, request).await?);
        }
        Ok(())
    };
    let first: Vec<_> = pages.iter().map(|(centre, _)| *centre).collect();
    let measured = rounds(ours, async || by_hand(pool, &first).await).await?;
    row(&format!("page 50, {PAGE} a page, within {km} km"), "the same statement, page 1", measured, pages.len());
    Ok(())
}
