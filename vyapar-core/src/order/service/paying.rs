//! Paying for an order, and getting money back.

use super::{OrderService, PaymentStart};
use crate::access::policy::{self, Rule};
use crate::actor::{Actor, Decision, Subject};
use crate::id::{OrderId, PaymentId, RefundId, StoreId};
use crate::order::{OrderError, basket};
use crate::payment::{ChargeState, Payment};
use crate::text::cleaned;

impl OrderService {
    /// Begins to pay an order online, or answers the attempt under way; after a failed one, a
    /// new one.
    ///
    /// # Errors
    /// [`OrderError::NotReady`] for an order that is cancelled or paid on delivery;
    /// [`OrderError::Gateway`]; storage.
    pub async fn pay(&self, actor: &Actor, store: StoreId, id: &OrderId) -> Result<PaymentStart, OrderError> {
        let order = self.order(actor, &policy::ORDERS_PAY, store, id).await?;
        if !order.payment_method.is_online() {
            return Err(OrderError::NotReady("it is paid on delivery"));
        }
        if order.status.is_final() {
            return Err(OrderError::NotReady("it is closed"));
        }
        self.saga.begin_payment(actor, &order).await
    }

    /// Records what the gateway says of a payment, and books it: on its order, or as money
    /// owed back when the order is gone or paid by another attempt. May be repeated and come
    /// in any order. The host calls it with verified events only.
    ///
    /// # Errors
    /// [`OrderError::Forbidden`] for anyone but the host; [`OrderError::NoPayment`]; storage.
    pub async fn payment_event(
        &self,
        actor: &Actor,
        store: StoreId,
        payment: PaymentId,
        state: &ChargeState,
    ) -> Result<Payment, OrderError> {
        if !self.context.allows(actor, &policy::ORDERS_PAYMENT_EVENT) {
            return Err(OrderError::Forbidden("report what a gateway said"));
        }
        self.saga.record(actor, store, payment, state).await
    }

    /// The order's payments and their refunds, oldest first: attempts online, the cash that was
    /// taken at delivery.
    ///
    /// # Errors
    /// [`OrderError::NotFound`]; storage.
    pub async fn payments(&self, actor: &Actor, store: StoreId, id: &OrderId) -> Result<Vec<Payment>, OrderError> {
        self.order(actor, &policy::ORDERS_PAYMENTS, store, id).await?;
        Ok(self.context.ports.payment.payments.list_by_order(store, id).await?)
    }

    /// Has the gateway asked once more for the refunds of a payment that it refused
    /// ([`stuck`](Self::stuck) lists them). It may refuse them again; those it makes are made once.
    ///
    /// # Errors
    /// [`OrderError::NoPayment`], [`OrderError::NoGateway`]; [`OrderError::NoStore`],
    /// [`OrderError::Forbidden`]; storage.
    pub async fn retry_refunds(
        &self,
        actor: &Actor,
        store: StoreId,
        payment: PaymentId,
    ) -> Result<Payment, OrderError> {
        self.check_refunds(actor, &policy::ORDERS_RETRY_REFUNDS, store)?;
        self.saga.retry_refunds(actor, store, payment).await
    }

    /// Notes that a refund which the gateway refused was made some other way, with a reference
    /// (1 to 100 characters, such as a bank's) for the audit log. Noting it again changes nothing.
    ///
    /// # Errors
    /// [`OrderError::NoPayment`], [`OrderError::NoRefund`], [`OrderError::NotReady`] while the
    /// gateway may still make it, [`OrderError::Text`]; [`OrderError::NoStore`],
    /// [`OrderError::Forbidden`]; storage.
    pub async fn settle_refund(
        &self,
        actor: &Actor,
        store: StoreId,
        payment: PaymentId,
        refund: RefundId,
        reference: &str,
    ) -> Result<Payment, OrderError> {
        self.check_refunds(actor, &policy::ORDERS_SETTLE_REFUND, store)?;
        let reference = cleaned(reference.trim(), usize::MAX);
        basket::text("reference", &reference, 1, 100)?;
        self.saga.settle_refund(actor, store, payment, refund, &reference).await
    }

    fn check_refunds(&self, actor: &Actor, rule: &Rule, store: StoreId) -> Result<(), OrderError> {
        match self.context.decide(actor, rule, Subject::store(store)) {
            Decision::Allowed => Ok(()),
            Decision::Refused => Err(OrderError::Forbidden("see to the store's refunds")),
            Decision::Hidden => Err(OrderError::NoStore(store)),
        }
    }
}
