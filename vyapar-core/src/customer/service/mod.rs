//! Use cases of customers: profiles here, `addresses` keeps addresses, `keeping` is what other
//! areas' services ask for.

mod addresses;
mod keeping;

use std::sync::Arc;

use serde_json::json;

pub use addresses::{AddressView, NewAddress};

use super::{Customer, CustomerError, CustomerTotals};
use crate::access::policy::{self, Rule};
use crate::actor::Actor;
use crate::id::{AddressId, CustomerId, StoreId, UserId};
use crate::store::UpdateOutcome;
use crate::system::{AuditDraft, AuditEntry};
use crate::time::Timestamp;
use crate::vyapar::Context;

/// How often a write that met another writer is decided anew.
const ROUNDS: usize = 8;

/// A customer's profile, with his addresses opened.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerProfile {
    /// Its id.
    pub id: CustomerId,
    /// Stores he likes, the newest last.
    pub preferred_stores: Vec<StoreId>,
    /// His addresses, the oldest first.
    pub addresses: Vec<AddressView>,
    /// Orders delivered, what he paid for them, the points they gave.
    pub totals: CustomerTotals,
    /// When he first came.
    pub created_at: Timestamp,
}

impl CustomerProfile {
    /// Where orders go unless another address is named.
    #[must_use]
    pub fn default_address(&self) -> Option<&AddressView> {
        self.addresses.iter().find(|address| address.is_default)
    }
}

/// Profiles of customers: addresses, preferred stores, what adds up.
///
/// A profile begins with the customer's registration or first order, or when he first asks here.
/// Methods without a customer's id are about the caller's own.
#[derive(Clone)]
pub struct CustomerService {
    context: Arc<Context>,
}

impl CustomerService {
    pub(crate) const fn new(context: Arc<Context>) -> Self {
        Self { context }
    }

    /// The caller's own profile.
    ///
    /// # Errors
    /// [`CustomerError::Forbidden`] for anyone who is no customer; [`CustomerError::NotFound`] for
    /// an erased one; storage.
    pub async fn profile(&self, actor: &Actor) -> Result<CustomerProfile, CustomerError> {
        let id = self.own(actor, &policy::CUSTOMERS_PROFILE)?;
        let customer = self.load(actor, id).await?;
        self.open(&customer)
    }

    /// A customer's profile, for who may read accounts.
    ///
    /// # Errors
    /// [`CustomerError::Forbidden`], [`CustomerError::NotFound`]; storage.
    pub async fn get(&self, actor: &Actor, id: CustomerId) -> Result<CustomerProfile, CustomerError> {
        if !self.context.allows(actor, &policy::CUSTOMERS_GET) {
            return Err(CustomerError::Forbidden("see customers' profiles"));
        }
        let found = self.context.ports.customer.customers.get(id).await?;
        let customer = found.filter(|customer| customer.erased_at.is_none());
        self.open(&customer.ok_or(CustomerError::NotFound(id))?)
    }

    /// Adds a store to the caller's preferred ones, or takes it out. Repeating it does nothing.
    ///
    /// # Errors
    /// [`CustomerError::TooMany`]; [`CustomerError::NoStore`] for a store that is not there or not
    /// active; as [`profile`](Self::profile).
    pub async fn prefer(
        &self,
        actor: &Actor,
        store: StoreId,
        preferred: bool,
    ) -> Result<CustomerProfile, CustomerError> {
        let id = self.own(actor, &policy::CUSTOMERS_PREFER)?;
        if preferred {
            let found = self.context.ports.store.stores.get(store).await?;
            let active = found.is_some_and(|store| store.status == crate::store::StoreStatus::Active);
            if !active {
                return Err(CustomerError::NoStore(store));
            }
        }
        let values = json!({ "store": store, "preferred": preferred });
        let customer = self
            .change(actor, id, ("customer.prefer", values), |customer, _| {
                if preferred {
                    customer.prefer(store)?;
                } else {
                    customer.preferred_stores.retain(|known| *known != store);
                }
                Ok(())
            })
            .await?;
        self.open(&customer)
    }

    /// The caller's own customer id.
    fn own(&self, actor: &Actor, rule: &Rule) -> Result<CustomerId, CustomerError> {
        let own = actor.as_customer().filter(|_| self.context.allows(actor, rule));
        own.ok_or(CustomerError::Forbidden("have a profile of one's own"))
    }

    /// The customer, begun if need be.
    async fn load(&self, actor: &Actor, id: CustomerId) -> Result<Customer, CustomerError> {
        let customers = &self.context.ports.customer.customers;
        let found = match customers.get(id).await? {
            Some(found) => Some(found),
            None => {
                self.context.begin_customer(actor, id).await?;
                customers.get(id).await?
            }
        };
        let found = found.filter(|customer| customer.erased_at.is_none()).ok_or(CustomerError::NotFound(id))?;
        match actor.user().filter(|_| found.user_id.is_none() && actor.as_customer() == Some(id)) {
            Some(user) => Ok(self.claim(actor, found, user).await),
            None => Ok(found),
        }
    }

    /// Gives a profile that somebody else's order began to its customer's account. Where another
    /// writer is faster, or storage fails, it waits for the next time.
    async fn claim(&self, actor: &Actor, customer: Customer, user: UserId) -> Customer {
        let now = self.context.env.now();
        let mut next = customer.clone();
        (next.user_id, next.version, next.updated_at) = (Some(user), customer.version + 1, now);
        let audit = self.context.customer_entry(actor, customer.id, "customer.claim", None, now);
        match self.context.ports.customer.customers.update(next.clone(), customer.version, audit).await {
            Ok(UpdateOutcome::Updated) => next,
            Ok(UpdateOutcome::Stale) => customer,
            Err(error) => {
                tracing::warn!(customer = %customer.id, %error, "a profile was not given to its account");
                customer
            }
        }
    }

    /// Changes a customer by compare-and-set, deciding anew as often as another writer was
    /// faster. What comes out as it went in is not written.
    async fn change(
        &self,
        actor: &Actor,
        id: CustomerId,
        (action, values): (&'static str, serde_json::Value),
        change: impl Fn(&mut Customer, Timestamp) -> Result<(), CustomerError>,
    ) -> Result<Customer, CustomerError> {
        for _ in 0..ROUNDS {
            let known = self.load(actor, id).await?;
            let now = self.context.env.now();
            let mut next = known.clone();
            change(&mut next, now)?;
            if next == known {
                return Ok(known);
            }
            (next.version, next.updated_at) = (known.version + 1, now);
            let audit = self.context.customer_entry(actor, id, action, Some(values.clone()), now);
            let customers = &self.context.ports.customer.customers;
            match customers.update(next.clone(), known.version, audit).await? {
                UpdateOutcome::Updated => return Ok(next),
                UpdateOutcome::Stale => {}
            }
        }
        Err(CustomerError::Concurrent)
    }

    fn open(&self, customer: &Customer) -> Result<CustomerProfile, CustomerError> {
        let addresses = customer.addresses.iter().map(|address| self.context.open_address(address));
        Ok(CustomerProfile {
            id: customer.id,
            preferred_stores: customer.preferred_stores.clone(),
            addresses: addresses.collect::<Result<_, _>>()?,
            totals: customer.totals,
            created_at: customer.created_at,
        })
    }
}

impl Context {
    /// What the audit log says of a customer's change: never what is in an address.
    pub(super) fn customer_entry(
        &self,
        actor: &Actor,
        id: CustomerId,
        action: &'static str,
        new_values: Option<serde_json::Value>,
        now: Timestamp,
    ) -> AuditEntry {
        let entity_id = id.to_string();
        AuditDraft { store_id: None, action, entity_type: "customer", entity_id, old_values: None, new_values }
            .by(actor, &self.env, now)
    }
}

/// Where an address's sealed text belongs.
fn place(id: AddressId, column: &str) -> String {
    format!("customer_addresses.{column}:{id}")
}
