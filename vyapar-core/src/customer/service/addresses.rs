//! A customer's addresses.

use serde_json::json;

use super::{CustomerService, place};
use crate::access::policy;
use crate::actor::Actor;
use crate::contact::PersonalText;
use crate::customer::{AddressType, Customer, CustomerAddress, CustomerError, MAX_ADDRESSES};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::geo::Coordinates;
use crate::geo::geocoder::{AddressQuery, Asked, GeocodedPending};
use crate::id::{AddressId, CustomerId};
use crate::india::{PinCode, StateCode};
use crate::order::DeliveryAddress;
use crate::page::AllStores;
use crate::secret::Sealed;
use crate::store::UpdateOutcome;
use crate::text::has_control;
use crate::vyapar::Context;

/// Most customers one run asks for.
const MOST_AT_ONCE: u32 = 1000;

/// An address to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAddress {
    /// What it is to the customer.
    pub address_type: AddressType,
    /// House, street: 1 to 200 characters.
    pub line1: PersonalText,
    /// Area: up to 200 characters.
    pub line2: Option<PersonalText>,
    /// A landmark nearby: up to 200 characters.
    pub landmark: Option<PersonalText>,
    /// City: 1 to 80 characters.
    pub city: String,
    /// State: the place of supply.
    pub state: StateCode,
    /// PIN code.
    pub pincode: PinCode,
    /// Where it is, if the customer's phone said so; otherwise the geocoder is asked.
    pub coordinates: Option<Coordinates>,
    /// Whether orders go there from now on unless another address is named.
    pub make_default: bool,
}

/// One of a customer's addresses, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct AddressView {
    /// Its id: what an order names.
    pub id: AddressId,
    /// What it is to the customer.
    pub address_type: AddressType,
    /// The address, with its coordinates once they are known.
    pub address: DeliveryAddress,
    /// Whether orders go there unless another is named.
    pub is_default: bool,
}

impl CustomerService {
    /// Keeps an address: a new one, or in the place of one of the caller's own. An address that
    /// he has already, word for word, is not kept twice. Its coordinates, unless given or known,
    /// are asked of the geocoder; one that fails, or none, costs no address.
    ///
    /// # Errors
    /// [`CustomerError::Text`], [`CustomerError::TooMany`], [`CustomerError::NoAddress`]; as
    /// [`profile`](Self::profile).
    pub async fn save_address(
        &self,
        actor: &Actor,
        id: Option<AddressId>,
        new: NewAddress,
    ) -> Result<AddressView, CustomerError> {
        let customer = self.own(actor, &policy::CUSTOMERS_SAVE_ADDRESS)?;
        check(&new)?;
        let known = self.load(actor, customer).await?;
        let named = id.is_some();
        let kept = match id {
            Some(id) => Some(known.address(id).ok_or(CustomerError::NoAddress(id))?.clone()),
            None => self.same(&known, &new)?,
        };
        // Decided again when it is written; here so that a refusal costs no question.
        if kept.is_none() && known.addresses.len() >= MAX_ADDRESSES {
            return Err(CustomerError::TooMany { what: "addresses", max: MAX_ADDRESSES });
        }
        let id = kept.as_ref().map_or_else(|| AddressId::from_uuid(self.context.env.uuid()), |kept| kept.id);
        let (env, now) = (&self.context.env, self.context.env.now());
        let seal = |column: &str, text: &PersonalText| env.seal(&place(id, column), text.as_str());
        let unmoved = match &kept {
            Some(kept) => {
                kept.coordinates.filter(|_| self.context.open_address(kept).is_ok_and(|view| view.is_at(&new)))
            }
            None => None,
        };
        let (coordinates, geocoding) = match new.coordinates.or(unmoved) {
            Some(point) => (Some(point), None),
            None => self
                .context
                .ask_for(query(&new.line1, new.landmark.as_ref(), &new.city, &new.state, &new.pincode), 0)
                .await
                .stored(),
        };
        let address = CustomerAddress {
            id,
            address_type: new.address_type,
            address_line1: seal("address_line1", &new.line1)?,
            address_line2: new.line2.as_ref().map(|line| seal("address_line2", line)).transpose()?,
            landmark: new.landmark.as_ref().map(|landmark| seal("landmark", landmark)).transpose()?,
            city: new.city.trim().to_owned(),
            state: new.state.clone(),
            pincode: new.pincode.clone(),
            coordinates,
            geocoding,
            is_default: new.make_default,
            created_at: kept.map_or(now, |kept| kept.created_at),
            updated_at: now,
        };
        let values = json!({ "address": id, "address_type": address.address_type, "located": coordinates.is_some() });
        let fresh = known.address(id).is_none();
        let changed = self
            .change(actor, customer, ("customer.save_address", values), |customer, _| {
                // Another device may have forgotten it a moment ago, or kept the same.
                if named && customer.address(id).is_none() {
                    return Err(CustomerError::NoAddress(id));
                }
                match fresh.then(|| self.same(customer, &new)).transpose()?.flatten() {
                    Some(kept) if new.make_default => {
                        customer.set_default(kept.id);
                        Ok(())
                    }
                    Some(_) => Ok(()),
                    None => customer.put_address(address.clone()),
                }
            })
            .await?;
        let kept = match changed.address(id) {
            Some(kept) => Some(kept.clone()),
            None => self.same(&changed, &new)?,
        };
        self.context.open_address(&kept.ok_or(CustomerError::NoAddress(id))?)
    }

    /// The address of the customer that says the same, word for word.
    fn same(&self, customer: &Customer, new: &NewAddress) -> Result<Option<CustomerAddress>, CustomerError> {
        for address in &customer.addresses {
            if self.context.open_address(address)?.is_at(new) {
                return Ok(Some(address.clone()));
            }
        }
        Ok(None)
    }

    /// Forgets an address; orders keep the copy they were placed with. Of those left the newest
    /// becomes the default if that was it. Forgetting one that is not there does nothing.
    ///
    /// # Errors
    /// As [`profile`](Self::profile).
    pub async fn remove_address(&self, actor: &Actor, id: AddressId) -> Result<(), CustomerError> {
        let customer = self.own(actor, &policy::CUSTOMERS_REMOVE_ADDRESS)?;
        let what = ("customer.remove_address", json!({ "address": id }));
        self.change(actor, customer, what, |customer, _| {
            customer.remove_address(id);
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Makes one of the caller's addresses the one that orders go to unless another is named.
    ///
    /// # Errors
    /// [`CustomerError::NoAddress`]; as [`profile`](Self::profile).
    pub async fn set_default_address(&self, actor: &Actor, id: AddressId) -> Result<(), CustomerError> {
        let customer = self.own(actor, &policy::CUSTOMERS_SET_DEFAULT_ADDRESS)?;
        let what = ("customer.default_address", json!({ "address": id }));
        self.change(actor, customer, what, |customer, _| {
            if customer.set_default(id) { Ok(()) } else { Err(CustomerError::NoAddress(id)) }
        })
        .await?;
        Ok(())
    }

    /// Asks once more for the coordinates of addresses for which a geocoder failed, or was
    /// missing, and whose turn has come, of at most `limit` (1 to 1000) customers. As
    /// [`StoreService::geocode_pending`](crate::store::StoreService::geocode_pending) does for
    /// stores.
    ///
    /// # Errors
    /// [`CustomerError::Forbidden`] for anyone but the platform; [`CustomerError::NoGeocoder`];
    /// storage.
    pub async fn geocode_pending(&self, actor: &Actor, limit: u32) -> Result<GeocodedPending, CustomerError> {
        if !self.context.allows(actor, &policy::CUSTOMERS_GEOCODE_PENDING) {
            return Err(CustomerError::Forbidden("ask for coordinates"));
        }
        if self.context.geocoder.is_none() {
            return Err(CustomerError::NoGeocoder);
        }
        let customers = &self.context.ports.customer.customers;
        let now = self.context.env.now();
        let mut done = GeocodedPending::default();
        for customer in customers.geocode_due(AllStores, now, limit.clamp(1, MOST_AT_ONCE)).await? {
            if !self.locate_due(actor, customer, &mut done).await? {
                break;
            }
        }
        Ok(done)
    }

    /// Asks for a customer's due addresses and stores the answers; says whether to go on. Where
    /// he changed meanwhile, his address may have too: it keeps its turn.
    async fn locate_due(
        &self,
        actor: &Actor,
        customer: Customer,
        done: &mut GeocodedPending,
    ) -> Result<bool, CustomerError> {
        let env = &self.context.env;
        let (mut next, mut answers) = (customer.clone(), Vec::new());
        for address in &mut next.addresses {
            let Some(geocoding) = address.geocoding.filter(|geocoding| geocoding.due <= env.now()) else { continue };
            let asked = match self.context.open_address(address) {
                Ok(AddressView { address: at, .. }) => {
                    let query = query(&at.line1, at.landmark.as_ref(), &at.city, &at.state, &at.pincode);
                    self.context.ask_for(query, geocoding.failures).await
                }
                // What cannot be opened cannot be asked for here and now: another node may have the
                // key already. Whoever rotates keys is told of what nobody can open.
                Err(_) => Asked::unasked(env.now(), geocoding.failures),
            };
            let known = address.coordinates;
            (address.coordinates, address.geocoding) = asked.stored();
            address.coordinates = address.coordinates.or(known);
            answers.push(asked);
            if !asked.goes_on() {
                break;
            }
        }
        let now = env.now();
        (next.version, next.updated_at) = (customer.version + 1, now);
        let audit = self.context.customer_entry(actor, customer.id, "customer.geocode", None, now);
        let stored = self.context.ports.customer.customers.update(next, customer.version, audit).await?;
        answers.iter().for_each(|asked| done.count(*asked, stored == UpdateOutcome::Updated));
        Ok(answers.iter().all(|asked| asked.goes_on()))
    }
}

impl AddressView {
    /// Whether it says the same place in the same words.
    fn is_at(&self, new: &NewAddress) -> bool {
        let at = &self.address;
        (&at.line1, &at.line2, &at.landmark) == (&new.line1, &new.line2, &new.landmark)
            && (at.city.as_str(), &at.state, &at.pincode) == (new.city.trim(), &new.state, &new.pincode)
    }
}

impl Context {
    /// The address, opened.
    pub(crate) fn open_address(&self, address: &CustomerAddress) -> Result<AddressView, CustomerError> {
        let open = |column: &'static str, sealed: &Sealed| -> Result<PersonalText, CustomerError> {
            let text = self.env.open(&place(address.id, column), sealed)?;
            PersonalText::parse(column, &text, usize::MAX).map_err(|_| corrupt(column))
        };
        let optional = |column: &'static str, sealed: &Option<Sealed>| {
            sealed.as_ref().map(|sealed| open(column, sealed)).transpose()
        };
        Ok(AddressView {
            id: address.id,
            address_type: address.address_type,
            address: DeliveryAddress {
                line1: open("address_line1", &address.address_line1)?,
                line2: optional("address_line2", &address.address_line2)?,
                landmark: optional("landmark", &address.landmark)?,
                city: address.city.clone(),
                state: address.state.clone(),
                pincode: address.pincode.clone(),
                coordinates: address.coordinates,
            },
            is_default: address.is_default,
        })
    }

    /// One of a customer's saved addresses, opened.
    pub(crate) async fn saved_address(
        &self,
        customer: CustomerId,
        id: AddressId,
    ) -> Result<Option<DeliveryAddress>, CustomerError> {
        let found = self.ports.customer.customers.get(customer).await?;
        let address = found.as_ref().and_then(|customer| customer.address(id));
        Ok(address.map(|address| self.open_address(address)).transpose()?.map(|view| view.address))
    }
}

/// What is asked of the geocoder: the landmark helps where houses have no numbers.
fn query(
    line1: &PersonalText,
    landmark: Option<&PersonalText>,
    city: &str,
    state: &StateCode,
    pincode: &PinCode,
) -> AddressQuery {
    let street = match landmark {
        Some(landmark) => format!("{}, {}", line1.as_str(), landmark.as_str()),
        None => line1.as_str().to_owned(),
    };
    let street = PersonalText::parse("street", &street, usize::MAX).unwrap_or_else(|_| line1.clone());
    AddressQuery { street, city: city.to_owned(), state: Some(state.clone()), pincode: pincode.clone() }
}

fn check(new: &NewAddress) -> Result<(), CustomerError> {
    let lines = [("line1", Some(&new.line1)), ("line2", new.line2.as_ref()), ("landmark", new.landmark.as_ref())];
    for (field, text) in lines {
        let length = text.map_or(1, |text| text.as_str().chars().count());
        if length == 0 || length > 200 {
            return Err(CustomerError::Text { field, max: 200, length });
        }
    }
    let length = new.city.trim().chars().count();
    if length == 0 || length > 80 {
        return Err(CustomerError::Text { field: "city", max: 80, length });
    }
    if has_control(&new.city) {
        return Err(CustomerError::Control { field: "city" });
    }
    Ok(())
}

fn corrupt(column: &str) -> CustomerError {
    RepositoryError::new(RepositoryErrorKind::Corrupt, format!("customer_addresses.{column}")).into()
}
