//! Several hundred shops: made-up names at real PIN codes, opened as any host opens them.

use std::fmt;

use chrono::{NaiveDate, Weekday};
use rust_decimal::Decimal;
use vyapar::contact::PersonalText;
use vyapar::geo::{Bearing, Coordinates, Radius};
use vyapar::india::PinCode;
use vyapar::store::{
    BusinessHours, DayHours, NewStore, ReviewRating, Stars, StoreContact, StoreProfile, StoreStatus, StoreType,
};
use vyapar::testing::SeededEntropy;
use vyapar::{Actor, Money, ReviewId, Vyapar};

use crate::Outcome;
use crate::localities::{Localities, Locality};

/// Shops of one locality.
const SHOPS: usize = 30;
/// Furthest that a shop is from the post office of its PIN code, in metres.
const OFFSET_M: u64 = 3_500;
/// One shop in so many knows only its address: the geocoder says where it is.
const WITHOUT_POINT: usize = 12;
/// One in so many still waits for the platform to let it in.
const WAITING: usize = 25;
/// One in so many was closed by its owner.
const GIVEN_UP: usize = 40;
/// Here no shop has opened yet, so a search has to ask the geocoder where it is.
const NO_SHOPS: &str = "682019";

const FIRST: [&str; 16] = [
    "Anand",
    "Chandan",
    "Deepak",
    "Gulmohar",
    "Harit",
    "Kamal",
    "Lotus",
    "Madhur",
    "Nayi Subah",
    "Pragati",
    "Sagar",
    "Sandhya",
    "Shanti",
    "Suraj",
    "Tulsi",
    "Vasant",
];

/// What each type of shop calls itself, and the hours it may keep.
const TRADES: [(StoreType, &str, &[Hours]); 9] = [
    (StoreType::Grocery, "Kirana", &[Hours::Long, Hours::Split, Hours::Always]),
    (StoreType::Pharmacy, "Medical", &[Hours::Always, Hours::Long, Hours::Night]),
    (StoreType::Produce, "Sabzi", &[Hours::Early, Hours::Split]),
    (StoreType::Bakery, "Bakery", &[Hours::Long, Hours::Night]),
    (StoreType::Dairy, "Dairy", &[Hours::Early, Hours::Split]),
    (StoreType::Meat, "Meat Shop", &[Hours::ClosedWednesday, Hours::Split]),
    (StoreType::Stationery, "Book Depot", &[Hours::ClosedSunday, Hours::Holiday]),
    (StoreType::Hardware, "Hardware", &[Hours::ClosedSunday, Hours::ClosedWednesday]),
    (StoreType::General, "General Store", &[Hours::Long, Hours::Weekend, Hours::Renovating]),
];

#[derive(Clone, Copy)]
enum Hours {
    Always,
    Long,
    Split,
    Early,
    /// Begins in the evening and ends after midnight.
    Night,
    ClosedSunday,
    ClosedWednesday,
    /// Closed on the one day that is the default of `--now`.
    Holiday,
    /// Saturday and Sunday, through the night.
    Weekend,
    /// No hours until further notice.
    Renovating,
}

impl Hours {
    fn hours(self) -> Outcome<BusinessHours> {
        let daily = |day: &str| Ok(BusinessHours::daily(&day.parse::<DayHours>()?));
        match self {
            Self::Always => Ok(BusinessHours::always()),
            Self::Long => daily("08:00-22:30"),
            Self::Split => daily("09:00-13:00, 17:00-21:45"),
            Self::Early => daily("05:30-11:30, 16:00-20:00"),
            Self::Night => daily("18:00-03:00"),
            Self::ClosedSunday => Ok(daily("10:00-20:30")?.on(Weekday::Sun, DayHours::closed())),
            Self::ClosedWednesday => Ok(daily("10:00-22:00")?.on(Weekday::Wed, DayHours::closed())),
            Self::Holiday => {
                let day = NaiveDate::from_ymd_opt(2026, 11, 25).ok_or("a day")?;
                Ok(daily("09:30-22:00")?.except(day, DayHours::closed())?)
            }
            Self::Weekend => {
                let night: DayHours = "16:00-02:00".parse()?;
                Ok(daily("closed")?.on(Weekday::Sat, night.clone()).on(Weekday::Sun, night))
            }
            Self::Renovating => daily("closed"),
        }
    }
}

/// How many there are now.
#[derive(Default)]
pub(crate) struct Opened {
    registered: usize,
    active: usize,
    geocoded: usize,
    reviews: usize,
}

impl fmt::Display for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registered, active, geocoded, reviews } = self;
        write!(f, "{registered} shops registered, {geocoded} of them located by their PIN code; ")?;
        write!(f, "{active} sell; {reviews} reviews")
    }
}

/// Registers the shops, lets them in and rates them.
pub(crate) async fn open(vyapar: &Vyapar, localities: &Localities, random: &SeededEntropy) -> Outcome<Opened> {
    let (host, stores) = (Actor::system("example"), vyapar.stores());
    let nobody: PinCode = NO_SHOPS.parse()?;
    let mut opened = Opened::default();
    for locality in localities.all.iter().filter(|locality| locality.pincode != nobody) {
        for _ in 0..SHOPS {
            let number = opened.registered;
            let known = !number.is_multiple_of(WITHOUT_POINT);
            let point = known.then(|| near(locality.point, random)).transpose()?;
            let store = stores.register(&host, shop(locality, point, random)?).await?;
            opened.registered += 1;
            opened.geocoded += usize::from(point.is_none() && store.profile.coordinates.is_some());
            if number % WAITING == 1 {
                continue;
            }
            stores.verify(&host, store.id).await?;
            if number % GIVEN_UP == 2 {
                stores.set_status(&host, store.id, StoreStatus::Inactive).await?;
                continue;
            }
            opened.active += 1;
            // A shop is good or it is not: its reviews lie around the same number of stars.
            let (reviews, usual) = (random.below(14), 3 + random.below(3));
            for _ in 0..reviews {
                let stars = u8::try_from((usual + random.below(3)).saturating_sub(1).clamp(1, 5))?;
                let review_id = ReviewId::from_uuid(uuid::Uuid::from_u128(u128::from(random.next())));
                let review = ReviewRating { review_id, revision: 1, stars: Some(Stars::new(stars)?) };
                opened.reviews += usize::from(stores.rate(&host, store.id, review).await?);
            }
        }
    }
    Ok(opened)
}

fn pick<T: Copy>(of: &[T], random: &SeededEntropy) -> Outcome<T> {
    let at = usize::try_from(random.below(u64::try_from(of.len())?))?;
    Ok(*of.get(at).ok_or("nothing to pick from")?)
}

/// A point a little way off.
fn near(point: Coordinates, random: &SeededEntropy) -> Outcome<Coordinates> {
    let degrees = u16::try_from(random.below(360))?;
    let metres = u32::try_from(random.below(OFFSET_M))?;
    Ok(point.destination(Bearing::from_degrees(degrees.into())?, Radius::from_km(f64::from(metres) / 1_000.0)?))
}

fn shop(locality: &Locality, coordinates: Option<Coordinates>, random: &SeededEntropy) -> Outcome<NewStore> {
    let (store_type, trade, hours) = pick(&TRADES, random)?;
    let business_hours = pick(hours, random)?.hours()?;
    let rupees = |rupees: u64| format!("{rupees}").parse::<Money>();
    Ok(NewStore {
        profile: StoreProfile {
            store_name: format!("{} {trade}", pick(&FIRST, random)?),
            store_type,
            address: format!("{} Main Road, {}", 1 + random.below(200), locality.name),
            city: locality.city.clone(),
            state: locality.state.clone(),
            pincode: locality.pincode.clone(),
            coordinates,
            gstin: None,
            business_hours,
            delivery_radius_km: pick(&["0", "1.5", "2", "3", "4.5", "6", "10"], random)?.parse::<Decimal>()?,
            min_order_amount: rupees(50 * random.below(5))?,
            delivery_fee: rupees(10 * random.below(4))?,
            preparation_minutes: u32::try_from(5 + 5 * random.below(6))?,
            accepts_online_payment: random.below(2) == 0,
        },
        contact: StoreContact {
            owner_name: PersonalText::parse("owner_name", "Asha Sharma", 120)?,
            phone: "98765 43210".parse()?,
            email: None,
            whatsapp_number: None,
        },
        owner: None,
    })
}
