//! Searching stores nearby, and asking one whether it delivers.

use futures_util::future::OptionFuture;

use super::StoreService;
use crate::actor::Actor;
use crate::customer::CustomerAddress;
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::geo::geocoder::{GeocodeError, GeocodeQuery, PlaceQuery, medoid};
use crate::geo::{Coordinates, Radius};
use crate::id::{AddressId, StoreId};
use crate::india::PinCode;
use crate::money::Money;
use crate::page::{AllStores, Cursor, PageRequest};
use crate::secret::SecretError;
use crate::store::{
    DeliveryCheck, NearbyPosition, NearbyQuery, NearbyStore, StoreError, StoreFilter, StoreStatus, StoreType,
};

/// Furthest that stores are searched, in km: as far as one can deliver.
pub const MAX_SEARCH_KM: f64 = 500.0;
/// Stores of a PIN code that say where it is.
const STORES_OF_A_PIN: u32 = 50;
/// How many stores one call looks at, at most, when it leaves out closed ones.
const MOST_LOOKED_AT: usize = 2_000;
/// Name of the list, in cursors of the service.
const LIST: &str = "stores nearby";

/// From where to search.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// A point, as a phone knows it.
    Point(Coordinates),
    /// One of the caller's own saved addresses; one without coordinates counts as its PIN code.
    Address(AddressId),
    /// A PIN code.
    Pin(PinCode),
    /// A landmark or another place by its name: up to 200 characters, its city up to 80.
    Place(PlaceQuery),
}

/// Which stores. Every given condition must hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NearbyFilter {
    /// Only of this type.
    pub store_type: Option<StoreType>,
    /// Only rated at least so many tenths of a star, 0 to 50; unrated stores pass only 0.
    pub min_rating: u8,
    /// Only stores that deliver to where the search begins.
    pub delivers: bool,
    /// Only stores that are open now.
    pub open_now: bool,
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearby {
    /// From where.
    pub origin: Origin,
    /// How far: at most [`MAX_SEARCH_KM`].
    pub radius: Radius,
    /// Which stores.
    pub filter: NearbyFilter,
    /// Which part of the list.
    pub page: PageRequest,
}

/// How the point was found that a search began at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CentreSource {
    /// It was given.
    Given,
    /// It is the address's own.
    Address,
    /// From stores in that PIN code.
    Stores,
    /// From the geocoder, now or earlier.
    Geocoder,
    /// It is the same as on the page before.
    Cursor,
}

/// A part of the stores nearby.
#[derive(Debug, Clone, PartialEq)]
pub struct NearbyPage {
    /// Where the search began.
    pub centre: Coordinates,
    /// How that was found.
    pub source: CentreSource,
    /// The stores, nearest first, then by id.
    pub items: Vec<NearbyStore>,
    /// Where the next page begins; `None` at the end. A page of open stores may be short, even
    /// empty, and still have a next one, when the stores around are closed.
    pub next: Option<Cursor>,
}

/// Why a search found no beginning.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NearbyError {
    /// The geocoder does not know the place.
    #[error("the place is not known")]
    UnknownPlace,
    /// Nothing stored says where it is, and the host has no geocoder.
    #[error("where that is is not known, and there is no geocoder to ask")]
    NoGeocoder,
    /// The geocoder failed; whether the same search may work later, [`GeocodeError::is_retryable`]
    /// says.
    #[error(transparent)]
    Geocoder(#[from] GeocodeError),
    /// No such address of the caller.
    #[error("no address `{0}`")]
    NoAddress(AddressId),
    /// Further than one may search.
    #[error("a search within {0} km, at most {MAX_SEARCH_KM} are allowed")]
    TooWide(f64),
    /// A text that is too long.
    #[error("{field} has at most {max} characters, this one has {length}")]
    Text {
        /// Which text.
        field: &'static str,
        /// Most characters.
        max: usize,
        /// How many it has.
        length: usize,
    },
    /// A rating that no store can have.
    #[error("a rating of at least {0} tenths of a star, at most 50 are possible")]
    Rating(u8),
    /// Storage did not do its part.
    #[error(transparent)]
    Storage(#[from] RepositoryError),
    /// An address could not be opened.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl StoreService {
    /// Active stores near a place, nearest first.
    ///
    /// A PIN code is where its stores are; failing that, and for landmarks, where the geocoder
    /// says, now or up to 30 days ago (callers who ask for the same at once make one call). The
    /// pages of one list all begin at the point that the first one found.
    ///
    /// # Errors
    /// Every [`NearbyError`].
    pub async fn nearby(&self, actor: &Actor, search: Nearby) -> Result<NearbyPage, NearbyError> {
        let Nearby { origin, radius, filter, page } = search;
        if radius.km() > MAX_SEARCH_KM {
            return Err(NearbyError::TooWide(radius.km()));
        }
        if filter.min_rating > 50 {
            return Err(NearbyError::Rating(filter.min_rating));
        }
        let begun: Option<Begun> = page.cursor().map(|cursor| cursor.parse_position(LIST)).transpose()?;
        let (centre, source, after) = match begun {
            Some(Begun { centre, after }) => (centre, CentreSource::Cursor, Some(after)),
            None => {
                let (centre, source) = self.centre(actor, origin).await?;
                (centre, source, None)
            }
        };
        let NearbyFilter { store_type, min_rating, delivers, open_now } = filter;
        let query = NearbyQuery { centre, radius, store_type, min_rating, delivers };
        let (items, after) = self.search(query, open_now, page.limit(), after).await?;
        let next = after.map(|after| Cursor::new(LIST, Begun { centre, after }.to_string()));
        Ok(NearbyPage { centre, source, items, next })
    }

    /// Up to `limit` stores, and where the rest begins.
    async fn search(
        &self,
        query: NearbyQuery,
        open_now: bool,
        limit: u32,
        mut after: Option<NearbyPosition>,
    ) -> Result<(Vec<NearbyStore>, Option<NearbyPosition>), NearbyError> {
        let search = &self.context.ports.store.search;
        let now = self.context.env.now();
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        // Where closed stores are left out, one page of the port is seldom enough.
        let size = if open_now { limit.saturating_mul(2).max(50) } else { limit };
        let (mut items, mut looked_at) = (Vec::new(), 0);
        loop {
            let page = PageRequest::first(size);
            let page = match after {
                Some(after) => page.after(after.cursor()),
                None => page,
            };
            let found = search.nearby(AllStores, query, page).await?;
            for store in found.items {
                if items.len() == wanted {
                    // It is left for the next page.
                    return Ok((items, after));
                }
                looked_at += 1;
                after = Some(store.position());
                if !open_now || store.store.profile.business_hours.is_open(now) {
                    items.push(store);
                }
            }
            if found.next.is_none() {
                return Ok((items, None));
            }
            if items.len() == wanted || looked_at >= MOST_LOOKED_AT {
                return Ok((items, after));
            }
        }
    }

    async fn centre(&self, actor: &Actor, origin: Origin) -> Result<(Coordinates, CentreSource), NearbyError> {
        match origin {
            Origin::Point(point) => Ok((point, CentreSource::Given)),
            Origin::Address(id) => {
                let address = self.own_address(actor, id).await?.ok_or(NearbyError::NoAddress(id))?;
                match address.coordinates {
                    Some(point) => Ok((point, CentreSource::Address)),
                    None => self.centre_of_pin(address.pincode).await,
                }
            }
            Origin::Pin(pin) => self.centre_of_pin(pin).await,
            Origin::Place(place) => {
                let city = place.city.as_deref().unwrap_or_default();
                for (field, text, max) in [("place", place.text.as_str(), 200), ("city", city, 80)] {
                    let length = text.chars().count();
                    if length > max {
                        return Err(NearbyError::Text { field, max, length });
                    }
                }
                self.ask(GeocodeQuery::Place(place)).await
            }
        }
    }

    async fn own_address(&self, actor: &Actor, id: AddressId) -> Result<Option<CustomerAddress>, NearbyError> {
        let customers = &self.context.ports.customer.customers;
        let customer = OptionFuture::from(actor.as_customer().map(|own| customers.get(own))).await;
        Ok(customer.transpose()?.flatten().and_then(|customer| customer.address(id).cloned()))
    }

    /// The middle of the PIN code's active stores, which the platform has let in: a store that
    /// is not cannot move a PIN code, nor can one whose coordinates look wrong.
    async fn centre_of_pin(&self, pin: PinCode) -> Result<(Coordinates, CentreSource), NearbyError> {
        let filter = StoreFilter { status: Some(StoreStatus::Active), pincode: Some(pin.clone()) };
        let page = PageRequest::first(STORES_OF_A_PIN);
        let stores = self.context.ports.store.stores.list(AllStores, filter, page).await?;
        let points = stores.items.iter().filter_map(|store| store.profile.coordinates);
        let points: Vec<_> = points.filter(|point| point.warning().is_none()).collect();
        match medoid(&points) {
            Some(point) => Ok((point, CentreSource::Stores)),
            None => self.ask(GeocodeQuery::Pin(pin)).await,
        }
    }

    async fn ask(&self, query: GeocodeQuery) -> Result<(Coordinates, CentreSource), NearbyError> {
        let lookups = self.context.geocoder.as_ref().ok_or(NearbyError::NoGeocoder)?;
        let hit = lookups.locate(&self.context.env, query).await?.ok_or(NearbyError::UnknownPlace)?;
        Ok((hit.coordinates, CentreSource::Geocoder))
    }

    /// Whether a store delivers to a point now, a basket of that price if one is named, with
    /// everything that speaks against it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a store that the caller may not see; storage.
    pub async fn check_delivery(
        &self,
        actor: &Actor,
        id: StoreId,
        to: Option<Coordinates>,
        subtotal: Option<Money>,
    ) -> Result<DeliveryCheck, StoreError> {
        Ok(self.get(actor, id).await?.check_delivery(to, subtotal, self.context.env.now()))
    }
}

/// What a cursor of the service carries: where the search began, and the last store looked at.
struct Begun {
    centre: Coordinates,
    after: NearbyPosition,
}

impl std::fmt::Display for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (latitude, longitude) = (self.centre.latitude().to_bits(), self.centre.longitude().to_bits());
        write!(f, "{latitude:x} {longitude:x} {}", self.after)
    }
}

impl std::str::FromStr for Begun {
    type Err = RepositoryErrorKind;
    fn from_str(s: &str) -> Result<Self, RepositoryErrorKind> {
        let parse = || {
            let mut parts = s.splitn(3, ' ');
            let mut degrees = || u64::from_str_radix(parts.next()?, 16).ok().map(f64::from_bits);
            let centre = Coordinates::new(degrees()?, degrees()?).ok()?;
            Some(Self { centre, after: parts.next()?.parse().ok()? })
        };
        parse().ok_or(RepositoryErrorKind::InvalidCursor)
    }
}
