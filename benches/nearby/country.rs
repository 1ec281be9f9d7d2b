//! A country of shops: most stand close together in large cities, the rest in many small towns.

use vyapar::geo::{Bearing, Coordinates, Radius};
use vyapar::store::{BusinessHours, DayHours, Rating, Store, StoreProfile, StoreStatus, StoreType};
use vyapar::testing::{Fixtures, SeededEntropy};
use vyapar::{StoreId, Timestamp};

use crate::Outcome;

/// Roughly where a large city lies, and its share of all shops in thousandths.
const CITIES: [(f64, f64, u64); 20] = [
    (28.65, 77.2, 110),
    (19.1, 72.9, 100),
    (12.95, 77.6, 70),
    (22.55, 88.35, 70),
    (13.05, 80.25, 55),
    (17.4, 78.5, 55),
    (23.0, 72.6, 45),
    (18.5, 73.85, 40),
    (21.2, 72.85, 35),
    (26.9, 75.8, 25),
    (26.85, 80.95, 25),
    (26.45, 80.35, 20),
    (21.15, 79.1, 18),
    (22.7, 75.85, 18),
    (23.25, 77.4, 15),
    (25.6, 85.1, 15),
    (17.7, 83.3, 13),
    (11.0, 76.95, 12),
    (10.0, 76.3, 12),
    (26.15, 91.75, 7),
];
/// How far shops lie from the middle of a large city and of a town, in km (standard deviation).
const CITY_KM: f64 = 9.0;
const TOWN_KM: f64 = 1.5;
/// Towns besides the cities.
const TOWNS: u64 = 2_000;

/// What a search asks of a shop, and little else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Coordinates,
    pub(crate) store_type: StoreType,
    pub(crate) rating: Rating,
    pub(crate) delivers_km: u32,
}

/// Draws shops and customers.
pub(crate) struct Country {
    random: SeededEntropy,
    towns: Vec<(f64, f64)>,
}

impl Country {
    pub(crate) fn new(seed: u64) -> Self {
        let random = SeededEntropy::new(seed);
        let town = |_| (10.0 + 18.0 * unit(&random), 73.0 + 14.0 * unit(&random));
        Self { towns: (0..TOWNS).map(town).collect(), random }
    }

    /// A point where shops are; customers are there too.
    pub(crate) fn point(&self) -> Outcome<Coordinates> {
        let mut share = self.random.below(1_000);
        for (latitude, longitude, thousandths) in CITIES {
            if share < thousandths {
                return self.around(latitude, longitude, CITY_KM);
            }
            share -= thousandths;
        }
        let at = usize::try_from(self.random.below(TOWNS))?;
        let (latitude, longitude) = *self.towns.get(at).ok_or("a town")?;
        self.around(latitude, longitude, TOWN_KM)
    }

    /// A point at a normally distributed distance to the north and to the east.
    fn around(&self, latitude: f64, longitude: f64, km: f64) -> Outcome<Coordinates> {
        // Box and Muller: the distance of two normal variables together, in any direction.
        let distance = km * (-2.0 * (1.0 - unit(&self.random)).ln()).sqrt();
        let bearing = Bearing::from_degrees(360.0 * unit(&self.random))?;
        Ok(Coordinates::new(latitude, longitude)?.destination(bearing, Radius::from_km(distance)?))
    }

    pub(crate) fn place(&self) -> Outcome<Place> {
        let kind = usize::try_from(self.random.below(9))?;
        let count = self.random.below(40);
        // Means from 3 to 5 stars, a few without any review.
        let sum = 3 * count + self.random.below(2 * count + 1);
        Ok(Place {
            at: self.point()?,
            store_type: *StoreType::ALL.get(kind).ok_or("a type")?,
            rating: Rating { sum, count },
            delivers_km: u32::try_from(1 + self.random.below(8))?,
        })
    }
}

/// 0 up to but without 1.
fn unit(random: &SeededEntropy) -> f64 {
    let [high, low] = [32, 0].map(|shift| (random.next() >> shift) as u32);
    (f64::from(high >> 6) * 134_217_728.0 + f64::from(low >> 5)) / 9_007_199_254_740_992.0
}

/// Makes stores as a host has them, out of places.
pub(crate) struct Stores {
    like: Store,
}

impl Stores {
    pub(crate) fn new() -> Outcome<Self> {
        let store = Fixtures::seeded(1).store();
        let business_hours = BusinessHours::daily(&"09:00-13:00, 17:00-21:30".parse::<DayHours>()?);
        let profile = StoreProfile {
            store_name: "Shri Annapurna Kirana Stores".to_owned(),
            address: "Shop 4, Shanti Complex, Station Road, near the bus stand".to_owned(),
            business_hours,
            ..store.profile
        };
        Ok(Self { like: Store { profile, status: StoreStatus::Active, verified: true, ..store } })
    }

    pub(crate) fn store(&self, number: u32, place: &Place) -> Outcome<Store> {
        let mut store = Store { id: id(number), slug: format!("shop-{number}").parse()?, ..self.like.clone() };
        store.profile.coordinates = Some(place.at);
        store.profile.store_type = place.store_type;
        store.profile.delivery_radius_km = place.delivers_km.into();
        store.rating = place.rating;
        Ok(store)
    }

    pub(crate) const fn now(&self) -> Timestamp {
        self.like.created_at
    }
}

/// Ids grow as shops register, and end in noise, as UUIDv7 do.
pub(crate) fn id(number: u32) -> StoreId {
    let noise = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 64;
    StoreId::from_uuid(uuid::Uuid::from_u128(u128::from(number) << 80 | noise))
}
