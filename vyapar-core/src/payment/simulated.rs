//! A gateway for development and tests: captures what it is told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Charge, ChargeStarted, ChargeState, GatewayError, PaymentGateway, RefundRequest};
use crate::id::{PaymentId, RefundId};
use crate::money::Money;

/// A gateway in memory. It moves no money: never use it for real orders.
#[derive(Debug, Default)]
pub struct SimulatedGateway {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    charges: BTreeMap<PaymentId, (Money, ChargeState)>,
    refunds: BTreeMap<RefundId, (PaymentId, Money)>,
    away: bool,
    refusing: bool,
}

impl SimulatedGateway {
    /// A gateway that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the customer pay, also after the payment had failed (a late capture). Answers
    /// what the gateway would report.
    pub fn capture(&self, payment: PaymentId) -> ChargeState {
        let captured = ChargeState::Captured { transaction_id: format!("sim_{payment}"), response: None };
        if let Some((_, state)) = self.lock().charges.get_mut(&payment) {
            *state = captured.clone();
        }
        captured
    }

    /// Lets a payment fail that is not captured.
    pub fn fail(&self, payment: PaymentId) -> ChargeState {
        if let Some((_, state @ ChargeState::Pending)) = self.lock().charges.get_mut(&payment) {
            *state = ChargeState::Failed;
        }
        ChargeState::Failed
    }

    /// Takes the gateway off the network, or brings it back.
    pub fn set_away(&self, away: bool) {
        self.lock().away = away;
    }

    /// Has it refuse refunds, as one does whose balance is empty, or make them again.
    pub fn set_refusing(&self, refusing: bool) {
        self.lock().refusing = refusing;
    }

    /// What was given back of a payment, over all refunds.
    #[must_use]
    pub fn refunded(&self, payment: PaymentId) -> Money {
        let paise = self.lock().refunds.values().filter(|(of, _)| *of == payment).map(|(_, m)| m.paise()).sum();
        Money::from_paise(paise).unwrap_or(Money::MAX)
    }

    fn reach(&self) -> Result<MutexGuard<'_, Inner>, GatewayError> {
        let inner = self.lock();
        if inner.away { Err(GatewayError::Unavailable("it is away".to_owned())) } else { Ok(inner) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl PaymentGateway for SimulatedGateway {
    async fn charge(&self, charge: Charge) -> Result<ChargeStarted, GatewayError> {
        self.reach()?.charges.entry(charge.payment_id).or_insert((charge.amount, ChargeState::Pending));
        Ok(ChargeStarted { transaction_id: format!("sim_{}", charge.payment_id), pay_url: None })
    }

    async fn state(&self, payment: PaymentId) -> Result<ChargeState, GatewayError> {
        Ok(self.reach()?.charges.get(&payment).map_or(ChargeState::Failed, |(_, state)| state.clone()))
    }

    async fn refund(&self, request: RefundRequest) -> Result<(), GatewayError> {
        let mut inner = self.reach()?;
        if inner.refusing {
            return Err(GatewayError::Refused("its balance is empty".to_owned()));
        }
        let captured = match inner.charges.get(&request.payment_id) {
            Some((amount, ChargeState::Captured { .. })) => *amount,
            _ => return Err(GatewayError::Refused("nothing was captured".to_owned())),
        };
        let others = inner
            .refunds
            .iter()
            .filter(|(id, (of, _))| *of == request.payment_id && **id != request.refund_id)
            .map(|(_, (_, amount))| amount.paise())
            .sum::<i64>();
        if others + request.amount.paise() > captured.paise() {
            return Err(GatewayError::Refused("more than was captured".to_owned()));
        }
        inner.refunds.insert(request.refund_id, (request.payment_id, request.amount));
        Ok(())
    }
}
