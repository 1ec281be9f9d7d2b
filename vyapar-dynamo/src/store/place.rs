//! Where an active store stands in the indexes by place, and asking for a part of the earth.
//!
//! A store is in two indexes under one sort key, `geo_place` = `{geohash}#{type}#{delivery km}`,
//! and differs in how much of the earth shares a partition key:
//!
//! - `geo-index`, by [`CELL`] = 5 characters: 4.9 km. Searches of a town are spread over its
//!   quarters' keys, so no key carries a city; and a circle of up to some 6 km, which is what
//!   nearly every search of a dense place needs, touches 16 of them at most.
//! - `geo-wide-index`, by [`REGION`] = 1 character: 45 by 45 degrees. The whole earth is 32 keys,
//!   so the number of queries is bounded for any radius. With two characters it would be 1,024;
//!   with 5 in this index, too, 33 million. All of India shares one or two keys of it, but only
//!   searches that go further than those 6 km get here, and within a key the service splits by
//!   sort key what is busy.
//!
//! The sort key has the finest geohash, 12 characters: any coarser cell is a prefix of it, so one
//! attribute serves every radius; and it is the store's point to a few cm, so what is found in an
//! index can be put in order, and left out where it is surely too far, before anything is read.
//! Type and delivery radius follow for the same reason: "chemists", or "who delivers here", are a
//! few of many, and the others need not be read to be passed over. The rating is not in it: it
//! changes with every review, and an index is written anew whenever its key changes.

use rust_decimal::Decimal;
use vyapar_core::error::Stored;
use vyapar_core::geo::geohash::{Geohash, Precision};
use vyapar_core::id::StoreId;
use vyapar_core::store::{NearbyQuery, Store, StoreStatus, StoreType};

use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, Row, text};
use crate::listing::of_index;
use crate::tables::STORES;

/// Characters of `geo_cell`. Part of the stored format.
const CELL: usize = 5;
/// Characters of `geo_region`. Part of the stored format.
const REGION: usize = 1;

/// How far a computed distance may be from another computation of it, in km. The finest cell is
/// 4 cm from corner to corner; and between points on opposite sides of the earth, where the arc
/// sine is steep, rounding alone makes some 20 cm.
const TOLERANCE_KM: f64 = 0.001;

/// The sort key of a store, before it is text.
pub(super) struct Place {
    at: Geohash,
    store_type: StoreType,
    delivery_radius_km: Decimal,
}

impl Place {
    /// The place of a store that can be found: an active one with coordinates.
    pub(super) fn of(store: &Store) -> Option<Self> {
        let profile = &store.profile;
        let point = profile.coordinates.filter(|_| store.status == StoreStatus::Active)?;
        Some(Self {
            at: Geohash::encode(point, Precision::MAX),
            store_type: profile.store_type,
            delivery_radius_km: profile.delivery_radius_km.normalize(),
        })
    }

    /// What its item has of it.
    pub(super) fn attributes(&self) -> Attributes {
        let Self { at, store_type, delivery_radius_km } = self;
        let hash = at.to_string();
        let first = |characters| text(hash.get(..characters).unwrap_or(&hash));
        ItemBuilder::new()
            .with("geo_cell", first(CELL))
            .with("geo_region", first(REGION))
            .with("geo_place", text(format_args!("{hash}#{store_type}#{delivery_radius_km}")))
            .build()
    }
}

/// The query for all that is found in a cell.
pub(super) fn in_cell(cell: Geohash) -> Query {
    let prefix = cell.to_string();
    let (index, attribute, characters) = match prefix.len() {
        CELL.. => ("geo-index", "geo_cell", CELL),
        _ => ("geo-wide-index", "geo_region", REGION),
    };
    let key = Expression::new(format!("#{attribute} = :part AND begins_with(#geo_place, :cell)"))
        .value(":part", text(prefix.get(..characters).unwrap_or(&prefix)))
        .value(":cell", text(&prefix));
    of_index(&STORES, index, key)
}

/// A store that may be one of those looked for, by what an index has of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) id: StoreId,
    /// No nearer than this, in km.
    pub(super) from_km: f64,
    /// No further than this.
    pub(super) to_km: f64,
}

impl Candidate {
    /// What an item of an index says; `None` where it says that the store is not looked for.
    pub(super) fn read(item: &Attributes, query: &NearbyQuery) -> Stored<Option<Self>> {
        let row = Row::new(STORES.name, item);
        let mut parts = row.str("geo_place")?.split('#');
        let at: Option<Geohash> = parts.next().and_then(|hash| hash.parse().ok());
        let (store_type, delivers) = (parts.next(), parts.next().and_then(|km| km.parse::<f64>().ok()));
        let (at, delivers) = at.zip(delivers).ok_or_else(|| row.corrupt("geo_place"))?;
        let distance = query.centre.distance_km(at.centre());
        let candidate = Self { id: row.parse("id")?, from_km: distance - TOLERANCE_KM, to_km: distance + TOLERANCE_KM };
        let looked_for = candidate.from_km <= query.radius.km()
            && query.store_type.is_none_or(|wanted| store_type == Some(wanted.as_str()))
            && (!query.delivers || candidate.from_km <= delivers);
        Ok(looked_for.then_some(candidate))
    }
}
