//! What other areas' services ask of customers: beginning a profile, crediting an order, erasing.

use crate::actor::Actor;
use crate::customer::{CreditOutcome, CreditedOrder, Customer, CustomerError};
use crate::error::Stored;
use crate::id::{CustomerId, UserId};
use crate::store::UpdateOutcome;
use crate::vyapar::Context;

use super::ROUNDS;

impl Context {
    /// Begins a customer's profile, if he has none. Its account is the caller's, where he is the
    /// customer.
    pub(crate) async fn begin_customer(&self, actor: &Actor, id: CustomerId) -> Stored<()> {
        let user = actor.user().filter(|_| actor.as_customer() == Some(id));
        self.begin_customer_of(actor, id, user).await
    }

    async fn begin_customer_of(&self, actor: &Actor, id: CustomerId, user: Option<UserId>) -> Stored<()> {
        let now = self.env.now();
        let mut audit = self.customer_entry(actor, id, "customer.begin", None, now);
        // Who signs up is nobody yet when he does.
        audit.user_id = audit.user_id.or(user);
        self.ports.customer.customers.insert(Customer::new(id, user, now), audit).await?;
        self.met.insert(id);
        Ok(())
    }

    /// The same for a customer who just ordered. A failure is not his: the profile begins when he
    /// next asks for it, or when the order is delivered.
    pub(crate) async fn meet(&self, actor: &Actor, id: CustomerId) {
        if !self.met.contains(id)
            && let Err(error) = self.begin_customer(actor, id).await
        {
            tracing::warn!(customer = %id, %error, "a profile was not begun");
        }
    }

    /// The same for who just signed up.
    pub(crate) async fn meet_user(&self, actor: &Actor, user: UserId) {
        let id = CustomerId::of(user);
        if let Err(error) = self.begin_customer_of(actor, id, Some(user)).await {
            tracing::warn!(customer = %id, %error, "a profile was not begun");
        }
    }

    /// Adds a delivered order to its customer's totals, once.
    pub(crate) async fn credit(&self, actor: &Actor, id: CustomerId, order: CreditedOrder) -> Stored<()> {
        let customers = &self.ports.customer.customers;
        if customers.credit(id, order.clone()).await? == CreditOutcome::NoCustomer {
            self.begin_customer(actor, id).await?;
            customers.credit(id, order).await?;
        }
        Ok(())
    }

    /// Takes everything personal out of a customer's profile, for good. One that never was is begun
    /// for that, so that a call under way cannot begin it later; one that is erased stays as it is.
    pub(crate) async fn erase_customer(&self, actor: &Actor, id: CustomerId) -> Result<(), CustomerError> {
        let customers = &self.ports.customer.customers;
        for _ in 0..ROUNDS {
            let now = self.env.now();
            let Some(known) = customers.get(id).await? else {
                self.begin_customer_of(actor, id, None).await?;
                continue;
            };
            if known.erased_at.is_some() {
                return Ok(());
            }
            let mut next = known.clone();
            next.erase(now);
            (next.version, next.updated_at) = (known.version + 1, now);
            let audit = self.customer_entry(actor, id, "customer.erase", None, now);
            if customers.update(next, known.version, audit).await? == UpdateOutcome::Updated {
                return Ok(());
            }
        }
        Err(CustomerError::Concurrent)
    }
}
