//! The customer and his addresses.

use serde::{Deserialize, Serialize};

use super::CustomerError;
use crate::geo::Coordinates;
use crate::geo::geocoder::GeocodingDue;
use crate::id::{AddressId, CustomerId, OrderId, StoreId, UserId};
use crate::india::{PinCode, StateCode};
use crate::money::Money;
use crate::secret::Sealed;
use crate::text_enum::text_enum;
use crate::time::Timestamp;

/// Most addresses one customer keeps.
pub const MAX_ADDRESSES: usize = 30;
/// Most stores one customer prefers.
pub const MAX_PREFERRED: usize = 100;

text_enum! {
    /// What an address is to its customer (`customer_addresses.address_type`).
    AddressType ("address type") {
        /// Where he lives.
        Home = "home",
        /// Where he works.
        Work = "work",
        /// Any other.
        Other = "other",
    }
}

/// A delivery address as ports carry it (`customer_addresses`): street and landmark are sealed.
/// City, state, PIN code and coordinates are not, because the spec searches by them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerAddress {
    /// Its id.
    pub id: AddressId,
    /// What it is to the customer.
    pub address_type: AddressType,
    /// House, street; sealed.
    pub address_line1: Sealed,
    /// Area; sealed.
    pub address_line2: Option<Sealed>,
    /// A landmark nearby; sealed.
    pub landmark: Option<Sealed>,
    /// City.
    pub city: String,
    /// State: the place of supply.
    pub state: StateCode,
    /// PIN code.
    pub pincode: PinCode,
    /// Where it is, once geocoded or given.
    pub coordinates: Option<Coordinates>,
    /// When to ask for its coordinates again; `None` when they are known, given up or not asked for.
    pub geocoding: Option<GeocodingDue>,
    /// Whether orders go there unless another is named. One of a customer's addresses is.
    pub is_default: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What adds up in a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerTotals {
    /// Points collected.
    pub loyalty_points: u64,
    /// Orders delivered.
    pub total_orders: u64,
    /// What he paid for them.
    pub total_spent: Money,
}

impl CustomerTotals {
    /// Nothing yet.
    pub const ZERO: Self = Self { loyalty_points: 0, total_orders: 0, total_spent: Money::ZERO };
}

/// What a delivered order adds to a customer's totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditedOrder {
    /// The order; each counts once.
    pub order_id: OrderId,
    /// Where it was placed.
    pub store_id: StoreId,
    /// What was paid for it.
    pub spent: Money,
    /// The points it gave.
    pub points: u64,
    /// When.
    pub now: Timestamp,
}

/// A customer as ports carry him (`customers`), with his addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// Its id; for a user account, [`CustomerId::of`] it.
    pub id: CustomerId,
    /// The account, if there is one.
    pub user_id: Option<UserId>,
    /// Stores he likes, the newest last; each once.
    pub preferred_stores: Vec<StoreId>,
    /// His addresses, the oldest first; one of them is the default.
    pub addresses: Vec<CustomerAddress>,
    /// What adds up; kept by [`CustomerRepository::credit`](super::CustomerRepository::credit) alone.
    pub totals: CustomerTotals,
    /// When the account behind it was erased; nothing personal is left then.
    pub erased_at: Option<Timestamp>,
    /// The version that the next write must name; 1 at first.
    pub version: u64,
    /// When he first came.
    pub created_at: Timestamp,
    /// When his profile last changed.
    pub updated_at: Timestamp,
}

impl Customer {
    /// A customer who just came.
    #[must_use]
    pub const fn new(id: CustomerId, user_id: Option<UserId>, now: Timestamp) -> Self {
        Self {
            id,
            user_id,
            preferred_stores: Vec::new(),
            addresses: Vec::new(),
            totals: CustomerTotals::ZERO,
            erased_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// One of his addresses.
    #[must_use]
    pub fn address(&self, id: AddressId) -> Option<&CustomerAddress> {
        self.addresses.iter().find(|address| address.id == id)
    }

    /// Where orders go unless another address is named (`customers.default_address`).
    #[must_use]
    pub fn default_address(&self) -> Option<&CustomerAddress> {
        self.addresses.iter().find(|address| address.is_default)
    }

    /// Adds an address, or puts it in the place of the one with its id. It becomes the default if
    /// it says so or is the only one; the default stays one until another is.
    ///
    /// # Errors
    /// [`CustomerError::TooMany`] beyond [`MAX_ADDRESSES`].
    pub fn put_address(&mut self, mut address: CustomerAddress) -> Result<(), CustomerError> {
        let (id, wants) = (address.id, address.is_default);
        let count = self.addresses.len();
        if let Some(known) = self.addresses.iter_mut().find(|known| known.id == id) {
            address.is_default = known.is_default;
            *known = address;
        } else if count < MAX_ADDRESSES {
            address.is_default = false;
            self.addresses.push(address);
        } else {
            return Err(CustomerError::TooMany { what: "addresses", max: MAX_ADDRESSES });
        }
        if wants || self.default_address().is_none() {
            self.set_default(id);
        }
        Ok(())
    }

    /// Makes an address the default; says whether there is such an address.
    pub fn set_default(&mut self, id: AddressId) -> bool {
        if self.address(id).is_none() {
            return false;
        }
        for address in &mut self.addresses {
            address.is_default = address.id == id;
        }
        true
    }

    /// Removes an address; says whether it was there. Of those left the newest becomes the
    /// default, if that was the default.
    pub fn remove_address(&mut self, id: AddressId) -> bool {
        let before = self.addresses.len();
        self.addresses.retain(|address| address.id != id);
        if self.default_address().is_none()
            && let Some(newest) = self.addresses.last().map(|address| address.id)
        {
            self.set_default(newest);
        }
        self.addresses.len() < before
    }

    /// Adds a preferred store; says whether it was new.
    ///
    /// # Errors
    /// [`CustomerError::TooMany`] beyond [`MAX_PREFERRED`].
    pub fn prefer(&mut self, store: StoreId) -> Result<bool, CustomerError> {
        if self.preferred_stores.contains(&store) {
            return Ok(false);
        }
        if self.preferred_stores.len() >= MAX_PREFERRED {
            return Err(CustomerError::TooMany { what: "preferred stores", max: MAX_PREFERRED });
        }
        self.preferred_stores.push(store);
        Ok(true)
    }

    /// Takes everything personal out, for good. The totals stay: they say nothing of whom.
    pub fn erase(&mut self, now: Timestamp) {
        self.user_id = None;
        self.preferred_stores.clear();
        self.addresses.clear();
        self.erased_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn address(id: u8, is_default: bool) -> CustomerAddress {
        let now = Timestamp::UNIX_EPOCH;
        CustomerAddress {
            id: AddressId::from_uuid(Uuid::from_u128(id.into())),
            address_type: AddressType::Home,
            address_line1: Sealed::from_bytes(vec![id]),
            address_line2: None,
            landmark: None,
            city: "Surat".to_owned(),
            state: "24".parse().unwrap(),
            pincode: "395003".parse().unwrap(),
            coordinates: None,
            geocoding: None,
            is_default,
            created_at: now,
            updated_at: now,
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(u8, bool),
        Default(u8),
        Remove(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..40, any::<bool>()).prop_map(|(id, default)| Step::Put(id, default)),
            (0_u8..40).prop_map(Step::Default),
            (0_u8..40).prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn one_address_is_the_default_as_long_as_there_are_any(steps in proptest::collection::vec(step(), 0..120)) {
            let id = CustomerId::from_uuid(Uuid::nil());
            let mut customer = Customer::new(id, None, Timestamp::UNIX_EPOCH);
            for step in steps {
                let before = customer.clone();
                match step {
                    Step::Put(id, default) => {
                        let put = customer.put_address(address(id, default));
                        let address = customer.address(AddressId::from_uuid(Uuid::from_u128(id.into())));
                        prop_assert_eq!(put.is_ok(), address.is_some());
                        if put.is_err() {
                            prop_assert_eq!(&before, &customer, "a refusal changes nothing");
                        } else if default {
                            prop_assert!(address.unwrap().is_default);
                        }
                    }
                    Step::Default(id) => {
                        let id = AddressId::from_uuid(Uuid::from_u128(id.into()));
                        prop_assert_eq!(customer.set_default(id), before.address(id).is_some());
                    }
                    Step::Remove(id) => {
                        let id = AddressId::from_uuid(Uuid::from_u128(id.into()));
                        prop_assert_eq!(customer.remove_address(id), before.address(id).is_some());
                        prop_assert!(customer.address(id).is_none());
                    }
                }
                let defaults = customer.addresses.iter().filter(|address| address.is_default).count();
                prop_assert_eq!(defaults, usize::from(!customer.addresses.is_empty()));
                prop_assert!(customer.addresses.len() <= MAX_ADDRESSES);
            }
        }
    }

    #[test]
    fn stores_are_preferred_once_and_not_without_end() {
        let mut customer = Customer::new(CustomerId::from_uuid(Uuid::nil()), None, Timestamp::UNIX_EPOCH);
        for n in 0..100 {
            assert!(customer.prefer(StoreId::from_uuid(Uuid::from_u128(n))).unwrap());
        }
        assert!(!customer.prefer(StoreId::from_uuid(Uuid::from_u128(7))).unwrap());
        let refused = customer.prefer(StoreId::from_uuid(Uuid::from_u128(100))).unwrap_err();
        assert_eq!(refused.to_string(), "at most 100 preferred stores are kept");
    }
}
