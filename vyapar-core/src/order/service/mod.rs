//! Use cases of orders: placing, reading, recovering; `moving` has the moves, `paying` the money.

mod moving;
mod paying;

use std::sync::Arc;

use super::basket::Basket;
use super::saga::{Recovered, Saga, Stuck};
use super::{Order, OrderContact, OrderError, OrderFilter, OrderSlot, PlaceOrder, StatusEntry};
use crate::access::policy::{self, Rule};
use crate::actor::{Actor, Decision, Subject};
use crate::contact::{PersonalText, Phone};
use crate::error::{RepositoryError, RepositoryErrorKind};
use crate::id::{OrderId, PaymentId, StoreId, TrackingId};
use crate::money::Money;
use crate::page::{Page, PageRequest};
use crate::payment::ChargeStarted;
use crate::secret::Sealed;
use crate::vyapar::Context;

/// Most entries of each kind one run of recovery works on.
const MOST_AT_ONCE: u32 = 1000;

/// An order as placed, or as found under the same idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The order as it stands now: one that was placed earlier may be cancelled by now, because it
    /// was not paid in time or was called off. Look at its status; another order needs another key.
    pub order: Order,
    /// Whether an earlier call placed it.
    pub replayed: bool,
    /// How to pay it, if it is to be paid online, is not yet, and is not cancelled.
    pub payment: Option<PaymentStart>,
}

/// A payment begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentStart {
    /// The attempt.
    pub payment_id: PaymentId,
    /// How much.
    pub amount: Money,
    /// What the gateway said; `None` when this attempt has succeeded already.
    pub started: Option<ChargeStarted>,
}

/// One row of an order's history, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRow {
    /// The row as stored.
    pub entry: StatusEntry,
    /// Its notes.
    pub notes: Option<String>,
}

/// Placing orders, moving them along, calling them off, recovering after a crash.
///
/// Dropping the future of any method here is like a crash: nothing is lost, and calling it
/// again (or [`recover`](Self::recover)) goes on from where it stopped.
#[derive(Clone)]
pub struct OrderService {
    context: Arc<Context>,
    saga: Saga,
}

impl OrderService {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { saga: Saga::new(Arc::clone(&context)), context }
    }

    /// Places an order: all of it or nothing.
    ///
    /// Idempotent by `idempotency_key`: the same request is the same order, however often and
    /// from however many callers at once it is sent. Refusals are not remembered.
    ///
    /// # Errors
    /// Every [`OrderError`]. Refusals (bad input, no stock with *all* short lines, another price…)
    /// wrote nothing. After `Storage`, `Gateway`, `InProgress` and `OutcomeUnknown`, send the
    /// same request with the same key again. (After `Gateway` the order stands, unpaid, and holds
    /// its stock for as long as any unpaid order; another key would hold it twice.)
    pub async fn place(&self, actor: &Actor, request: PlaceOrder) -> Result<Placed, OrderError> {
        let subject = Subject::order(request.store_id, request.customer_id);
        if !self.context.decide(actor, &policy::ORDERS_PLACE, subject).is_allowed() {
            return Err(OrderError::Forbidden("place an order for this customer"));
        }
        let customer = request.customer_id;
        let basket = Basket::of(request, &self.context.env)?;
        let placed = self.saga.place(actor, &basket).await?;
        self.context.meet(actor, customer).await;
        Ok(placed)
    }

    /// The order, for its customer and those who work for its store.
    ///
    /// # Errors
    /// [`OrderError::NotFound`]; storage.
    pub async fn get(&self, actor: &Actor, store: StoreId, id: &OrderId) -> Result<Order, OrderError> {
        self.order(actor, &policy::ORDERS_GET, store, id).await
    }

    /// The order, if the table allows that method on it.
    async fn order(&self, actor: &Actor, rule: &Rule, store: StoreId, id: &OrderId) -> Result<Order, OrderError> {
        match self.context.ports.order.orders.find(store, id).await? {
            OrderSlot::Order(order) => {
                self.check_access(actor, rule, &order)?;
                Ok(*order)
            }
            _ => Err(OrderError::NotFound(id.clone())),
        }
    }

    fn check_access(&self, actor: &Actor, rule: &Rule, order: &Order) -> Result<(), OrderError> {
        match self.context.decide(actor, rule, Subject::order(order.store_id, order.customer_id)) {
            Decision::Allowed => Ok(()),
            Decision::Refused => Err(OrderError::Forbidden("handle the store's orders")),
            Decision::Hidden => Err(OrderError::NotFound(order.id.clone())),
        }
    }

    /// The order of that tracking id, if the actor may see it.
    ///
    /// # Errors
    /// Storage.
    pub async fn track(&self, actor: &Actor, tracking: &TrackingId) -> Result<Option<Order>, OrderError> {
        let Some((store, id)) = self.context.ports.order.orders.find_by_tracking(tracking).await? else {
            return Ok(None);
        };
        match self.order(actor, &policy::ORDERS_TRACK, store, &id).await {
            Err(OrderError::NotFound(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Orders of a store, newest first; for those who work for it.
    ///
    /// # Errors
    /// [`OrderError::NoStore`]; storage; a cursor of another list.
    pub async fn list(
        &self,
        actor: &Actor,
        store: StoreId,
        filter: OrderFilter,
        page: PageRequest,
    ) -> Result<Page<Order>, OrderError> {
        match self.context.decide(actor, &policy::ORDERS_LIST, Subject::store(store)) {
            Decision::Allowed => {}
            Decision::Refused => return Err(OrderError::Forbidden("see the store's orders")),
            Decision::Hidden => return Err(OrderError::NoStore(store)),
        }
        Ok(self.context.ports.order.orders.list(store, filter, page).await?)
    }

    /// The customer's own orders in every store, newest first.
    ///
    /// # Errors
    /// [`OrderError::Forbidden`] for anyone who is no customer; storage.
    pub async fn mine(&self, actor: &Actor, page: PageRequest) -> Result<Page<Order>, OrderError> {
        let customer = actor.as_customer().filter(|_| self.context.allows(actor, &policy::ORDERS_MINE));
        let customer = customer.ok_or(OrderError::Forbidden("have orders of one's own"))?;
        Ok(self.context.ports.order.orders.list_by_customer(customer, page).await?)
    }

    /// The order's history, oldest first.
    ///
    /// # Errors
    /// [`OrderError::NotFound`]; storage.
    pub async fn history(&self, actor: &Actor, store: StoreId, id: &OrderId) -> Result<Vec<HistoryRow>, OrderError> {
        self.order(actor, &policy::ORDERS_HISTORY, store, id).await?;
        let rows = self.context.ports.order.orders.history(store, id).await?;
        rows.into_iter()
            .map(|entry| {
                let place = crate::order::note_at(id, entry.version);
                let notes = entry.notes.as_ref().map(|sealed| self.context.env.open(&place, sealed)).transpose()?;
                Ok(HistoryRow { entry, notes })
            })
            .collect()
    }

    /// Who ordered and where it goes, opened.
    ///
    /// # Errors
    /// [`OrderError::NotFound`] for an actor who may not see the order; [`OrderError::Secret`].
    pub fn contact(&self, actor: &Actor, order: &Order) -> Result<OrderContact, OrderError> {
        self.check_access(actor, &policy::ORDERS_CONTACT, order)?;
        let open = |column: &'static str, sealed: &Sealed| -> Result<String, OrderError> {
            Ok(self.context.env.open(&crate::order::sealed_at(&order.id, column), sealed)?)
        };
        let text = |column: &'static str, sealed: &Sealed| -> Result<PersonalText, OrderError> {
            PersonalText::parse(column, &open(column, sealed)?, usize::MAX).map_err(|_| corrupt(column))
        };
        let optional = |column: &'static str, sealed: &Option<Sealed>| {
            sealed.as_ref().map(|sealed| text(column, sealed)).transpose()
        };
        let phone: Phone =
            open("customer_phone", &order.customer_phone)?.parse().map_err(|_| corrupt("customer_phone"))?;
        let address = match &order.delivery_address {
            Some(sealed) => {
                let json = open("delivery_address", sealed)?;
                Some(serde_json::from_str(&json).map_err(|_| corrupt("delivery_address"))?)
            }
            None => None,
        };
        let mut line_notes = Vec::new();
        for item in &order.items {
            if let Some(sealed) = &item.notes {
                let note = self.context.env.open(&crate::order::line_note_at(item.id), sealed)?;
                let note = PersonalText::parse("notes", &note, usize::MAX).map_err(|_| corrupt("items.notes"))?;
                line_notes.push((item.id, note));
            }
        }
        Ok(OrderContact {
            line_notes,
            customer_name: text("customer_name", &order.customer_name)?,
            customer_phone: phone,
            delivery_address: address,
            delivery_notes: optional("delivery_notes", &order.delivery_notes)?,
            customer_note: optional("customer_note", &order.customer_note)?,
            cancel_reason: optional("cancel_reason", &order.cancel_reason)?,
        })
    }

    /// Works once through what crashes, lost answers and expired holds left behind: at most
    /// `limit` reservations, orders and payments each (1 to 1000). The host calls it every few
    /// seconds; several nodes may at once. An entry that fails moves its own turn back.
    ///
    /// # Errors
    /// [`OrderError::Forbidden`] for anyone but the platform; storage, when a list could not be
    /// read (what is on the other lists was worked on all the same).
    pub async fn recover(&self, actor: &Actor, limit: u32) -> Result<Recovered, OrderError> {
        self.check_operator(actor, &policy::ORDERS_RECOVER)?;
        self.saga.recover(limit.clamp(1, MOST_AT_ONCE)).await
    }

    /// What recovery failed on ten times, or found to contradict itself: for a person.
    ///
    /// # Errors
    /// [`OrderError::Forbidden`] for anyone but the platform; storage.
    pub async fn stuck(&self, actor: &Actor, limit: u32) -> Result<Vec<Stuck>, OrderError> {
        self.check_operator(actor, &policy::ORDERS_STUCK)?;
        self.saga.stuck(limit.clamp(1, MOST_AT_ONCE)).await
    }

    fn check_operator(&self, actor: &Actor, rule: &Rule) -> Result<(), OrderError> {
        if self.context.allows(actor, rule) { Ok(()) } else { Err(OrderError::Forbidden("recover orders")) }
    }
}

fn corrupt(column: &str) -> OrderError {
    RepositoryError::new(RepositoryErrorKind::Corrupt, format!("orders.{column}")).into()
}
