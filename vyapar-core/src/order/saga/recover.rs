//! What is left to do after a crash. Safe on several nodes at once, and beside live callers.

use super::{STUCK_AFTER, Saga, backoff};
use crate::actor::Actor;
use crate::inventory::{CommitOutcome, ReleaseCause, Reservation, ReservationState};
use crate::order::{AbandonOutcome, Order, OrderError, OrderSlot, OrderStatus};
use crate::page::AllStores;
use crate::payment::{AttemptStatus, Payment};

/// Most steps one reservation takes from any state to closed; more means that others change
/// it all the time, and it is left for the next run.
const STEPS: usize = 6;

/// What one run of recovery did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Reservations brought to an end.
    pub reservations: u32,
    /// Orders whose effects were finished.
    pub orders: u32,
    /// Payments that were looked at.
    pub payments: u32,
    /// Entries that failed and moved back; they never keep others from their turn.
    pub failed: u32,
}

impl Recovered {
    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn count(&mut self, outcome: Result<(), OrderError>, what: &str, of: fn(&mut Self) -> &mut u32) {
        match outcome {
            Ok(()) => *of(self) += 1,
            Err(error) => {
                tracing::warn!(what, %error, "recovery failed and will try again");
                self.failed += 1;
            }
        }
    }
}

/// Something that recovery could not bring to an end: a person must look.
#[derive(Debug, Clone, PartialEq)]
pub enum Stuck {
    /// A reservation.
    Reservation(Box<Reservation>),
    /// An order with effects that fail.
    Order(Box<Order>),
    /// A payment.
    Payment(Box<Payment>),
}

/// Whether a reservation needs another step.
enum Next {
    Again,
    Finished,
}

impl Saga {
    /// Works once through what is due: at most `limit` reservations, orders and payments each.
    pub(in crate::order) async fn recover(&self, limit: u32) -> Result<Recovered, OrderError> {
        let ports = &self.context.ports;
        let mut done = Recovered::default();
        // A unit that is away keeps no other from its turn.
        let reservations = ports.stock.queue.due(AllStores, self.now(), limit).await;
        for reservation in reservations.as_deref().unwrap_or_default() {
            let outcome = self.recover_or_defer(reservation).await;
            done.count(outcome, "reservation", |done| &mut done.reservations);
        }
        let mut away = reservations.err();
        match ports.order.queue.due(AllStores, self.now(), limit).await {
            Ok(orders) => {
                for order in orders {
                    let outcome = self.recover_order(order).await;
                    done.count(outcome, "order", |done| &mut done.orders);
                }
            }
            Err(error) => away = Some(error),
        }
        match ports.payment.queue.due(AllStores, self.now(), limit).await {
            Ok(payments) => {
                for payment in payments {
                    let outcome = self.recover_payment(payment).await;
                    done.count(outcome, "payment", |done| &mut done.payments);
                }
            }
            Err(error) => away = Some(error),
        }
        match away {
            Some(error) => Err(error.into()),
            None => Ok(done),
        }
    }

    /// What failed ten times, or contradicts itself.
    pub(in crate::order) async fn stuck(&self, limit: u32) -> Result<Vec<Stuck>, OrderError> {
        let ports = &self.context.ports;
        let reservations = ports.stock.queue.stuck(AllStores, STUCK_AFTER, limit).await?;
        let orders = ports.order.queue.stuck(AllStores, STUCK_AFTER, limit).await?;
        let payments = ports.payment.queue.stuck(AllStores, STUCK_AFTER, limit).await?;
        let reservations = reservations.into_iter().map(|found| Stuck::Reservation(Box::new(found)));
        let orders = orders.into_iter().map(|found| Stuck::Order(Box::new(found)));
        let payments = payments.into_iter().map(|found| Stuck::Payment(Box::new(found)));
        Ok(reservations.chain(orders).chain(payments).collect())
    }

    async fn recover_or_defer(&self, reservation: &Reservation) -> Result<(), OrderError> {
        let Err(error) = self.recover_reservation(reservation).await else {
            return Ok(());
        };
        let failures = match error {
            OrderError::Inconsistent(_) => STUCK_AFTER,
            _ => reservation.failures.saturating_add(1),
        };
        let at = backoff(self.now(), failures);
        let queue = &self.context.ports.stock.queue;
        queue.defer(reservation.store_id, reservation.hold.clone(), at, failures).await?;
        Err(error)
    }

    /// Brings an open reservation that is due or released to an end.
    pub(super) async fn recover_reservation(&self, reservation: &Reservation) -> Result<(), OrderError> {
        let reservations = &self.context.ports.stock.reservations;
        let mut current = reservation.clone();
        for _ in 0..STEPS {
            if !current.open {
                return Ok(());
            }
            if matches!(self.one_step(&current).await?, Next::Finished) {
                return Ok(());
            }
            match reservations.find(current.store_id, current.hold.id).await? {
                Some(found) if found.hold == current.hold => current = found,
                _ => return Ok(()),
            }
        }
        Err(OrderError::Concurrent)
    }

    async fn one_step(&self, current: &Reservation) -> Result<Next, OrderError> {
        let orders = &self.context.ports.order.orders;
        match orders.find(current.store_id, &current.hold.order_id).await? {
            OrderSlot::Absent => match orders.abandon(current.store_id, &current.hold.order_id, self.now()).await? {
                AbandonOutcome::Abandoned => self.release_and_close(current).await,
                AbandonOutcome::Exists(_) => Ok(Next::Again),
            },
            OrderSlot::Abandoned => self.release_and_close(current).await,
            OrderSlot::Order(order) => match order.status {
                // The cancelling write stored the release as an effect; performing it here
                // too is the same.
                OrderStatus::Cancelled => self.release_and_close(current).await,
                OrderStatus::Placed => self.step_of_placed(current, *order).await,
                _ => {
                    // Confirming needs a committed hold, which is not open. Look again: the
                    // reservation may have been read before, the order after that.
                    let again = self.context.ports.stock.reservations.find(current.store_id, current.hold.id).await?;
                    match again {
                        Some(found) if found.hold == current.hold && found.open => {
                            Err(OrderError::Inconsistent(order.id))
                        }
                        _ => Ok(Next::Finished),
                    }
                }
            },
        }
    }

    async fn step_of_placed(&self, current: &Reservation, order: Order) -> Result<Next, OrderError> {
        let reservations = &self.context.ports.stock.reservations;
        if current.state == ReservationState::Released {
            self.cancel_lost(order).await?;
            reservations.close(current.store_id, current.hold.clone(), self.now()).await?;
            return Ok(Next::Finished);
        }
        if !order.payment_method.is_online() || self.is_paid(&order).await? {
            return match reservations.commit(current.store_id, current.hold.clone(), self.now()).await? {
                CommitOutcome::Committed => Ok(Next::Finished),
                CommitOutcome::Lost => Ok(Next::Again),
            };
        }
        reservations.release(current.store_id, current.hold.clone(), ReleaseCause::Undone, self.now()).await?;
        Ok(Next::Again)
    }

    /// Whether any attempt at the order succeeded. Attempts still pending are asked about
    /// first: the gateway's event may be late, and the hold is about to go.
    async fn is_paid(&self, order: &Order) -> Result<bool, OrderError> {
        let payments = &self.context.ports.payment.payments;
        let attempts = payments.list_by_order(order.store_id, &order.id).await?;
        if let Some(gateway) = &self.context.gateway {
            for attempt in attempts.iter().filter(|attempt| attempt.status == AttemptStatus::Pending) {
                // A gateway that does not answer keeps nobody's stock; a success that comes
                // later is paid back.
                if let Ok(state) = gateway.state(attempt.id).await {
                    self.record(&Actor::system("recover"), order.store_id, attempt.id, &state).await?;
                }
            }
        }
        let attempts = payments.list_by_order(order.store_id, &order.id).await?;
        Ok(attempts.iter().any(|attempt| attempt.status == AttemptStatus::Success))
    }

    async fn release_and_close(&self, current: &Reservation) -> Result<Next, OrderError> {
        let reservations = &self.context.ports.stock.reservations;
        reservations.release(current.store_id, current.hold.clone(), ReleaseCause::Undone, self.now()).await?;
        reservations.close(current.store_id, current.hold.clone(), self.now()).await?;
        Ok(Next::Finished)
    }
}
