//! Payments (`payments`), each with its refunds (`refunds`), and what recovery looks at among
//! them.

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use uuid::Uuid;
use vyapar_core::error::readable;
use vyapar_core::money::MoneyError;
use vyapar_core::page::AllStores;
use vyapar_core::payment::{Payment, PaymentInsert, PaymentQueue, PaymentRepository, Refund};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{OrderId, ParseError, PaymentId, RefundId, StoreId, Stored, Timestamp};

use crate::database::{Database, Scope};
use crate::encode::{bigint, decimal, integer, time, with_room};
use crate::row::Fields;
use crate::{error, system};

/// Most payments of an order that one call gives.
const MAX_PAYMENTS: i32 = 200;

pub(crate) struct Payments(pub(crate) Database);

#[async_trait]
impl PaymentRepository for Payments {
    async fn insert(&self, store: StoreId, payment: Payment, audit: AuditEntry) -> Stored<PaymentInsert> {
        if payment.store_id != store {
            return Err(error::foreign("inserting a payment"));
        }
        let function = sqlx::query("select vyapar.insert_payment($1, $2, $3, $4)")
            .bind(encode(store, &payment)?)
            .bind(encode_refunds(store, &payment))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let inserted = self.0.call_one(function, "inserting a payment").await?;
        Ok(if inserted { PaymentInsert::Inserted } else { PaymentInsert::AlreadyThere })
    }

    async fn get(&self, store: StoreId, id: PaymentId) -> Stored<Option<Payment>> {
        let function = sqlx::query("select (f.found).*, f.refunds from vyapar.find_payment($1, $2, $3) f")
            .bind(store.as_uuid())
            .bind(id.as_uuid())
            .bind(self.0.lock_timeout());
        self.0.ask(function, "reading a payment").await?.first().map(decode).transpose()
    }

    async fn update(
        &self,
        store: StoreId,
        payment: Payment,
        expected: u64,
        audit: Option<AuditEntry>,
    ) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_payment($1, $2, $3, $4, $5)")
            .bind(encode(store, &payment)?)
            .bind(encode_refunds(store, &payment))
            .bind(bigint(expected))
            .bind(audit.map(|entry| system::encode(&entry)))
            .bind(self.0.lock_timeout());
        let updated = self.0.call_one(function, "updating a payment").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn list_by_order(&self, store: StoreId, order: &OrderId) -> Stored<Vec<Payment>> {
        let function =
            sqlx::query("select (f.found).*, f.refunds from vyapar.find_payments_of_order($1, $2, $3, $4) f")
                .bind(store.as_uuid())
                .bind(order.as_str())
                .bind(MAX_PAYMENTS)
                .bind(self.0.lock_timeout());
        self.0.ask(function, "listing an order's payments").await?.iter().map(decode).collect()
    }
}

#[async_trait]
impl PaymentQueue for Payments {
    async fn due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Payment>> {
        let query = sqlx::query(
            "select p.*, vyapar.refunds_of(p.store_id, p.id) as refunds from vyapar.payments p where recover_at <= $1 order by recover_at, store_id, id limit $2",
        )
        .bind(now)
        .bind(with_room(limit));
        self.read(query, limit, "listing due payments").await
    }

    async fn stuck(&self, _: AllStores, failures: u32, limit: u32) -> Stored<Vec<Payment>> {
        let query = sqlx::query(
            "select p.*, vyapar.refunds_of(p.store_id, p.id) as refunds from vyapar.payments p where failures >= $1 and recover_at is not null
              order by recover_at, store_id, id limit $2",
        )
        .bind(integer(failures))
        .bind(i64::from(limit));
        self.read(query, limit, "listing stuck payments").await
    }
}

impl Payments {
    async fn read(
        &self,
        query: Query<'_, sqlx::Postgres, PgArguments>,
        limit: u32,
        context: &'static str,
    ) -> Stored<Vec<Payment>> {
        let mut reader = self.0.reader(Scope::AllStores, context).await?;
        let found = reader.rows(query).await?;
        reader.finish().await?;
        readable(found.iter().map(decode), limit)
    }
}

fn encode(store: StoreId, payment: &Payment) -> Stored<Value> {
    let returned =
        payment.returned().map_err(|e| error::corrupt("refunds", "amount", &payment.id.to_string()).with_source(e))?;
    let causes: Vec<&str> = payment.refunds.iter().map(|refund| refund.cause.as_str()).collect();
    Ok(json!({
        "id": payment.id,
        "store_id": store,
        "order_id": payment.order_id.as_str(),
        "amount": decimal(payment.amount),
        "method": payment.method.as_str(),
        "status": payment.status.as_str(),
        "transaction_id": payment.transaction_id,
        "gateway_response": payment.gateway_response,
        "refund_amount": decimal(returned),
        "refund_reason": (!causes.is_empty()).then(|| causes.join(", ")),
        "applied": payment.applied,
        "recover_at": payment.recover_at.map(time),
        "failures": payment.failures,
        "version": payment.version,
        "created_at": time(payment.created_at),
        "updated_at": time(payment.updated_at),
    }))
}

fn encode_refunds(store: StoreId, payment: &Payment) -> Value {
    let refund = |(position, refund): (i32, &Refund)| {
        json!({
            "id": refund.id,
            "store_id": store,
            "payment_id": payment.id,
            "position": position,
            "cause": refund.cause,
            "amount": decimal(refund.amount),
            "status": refund.status.as_str(),
            "created_at": time(refund.created_at),
        })
    };
    (1..).zip(&payment.refunds).map(refund).collect()
}

fn decode(row: &PgRow) -> Stored<Payment> {
    let fields = Fields::of(row, "payments", "id");
    let Json(refunds) = fields.get::<Json<Vec<RefundRow>>>("refunds")?;
    Ok(Payment {
        id: PaymentId::from_uuid(fields.get("id")?),
        store_id: StoreId::from_uuid(fields.get("store_id")?),
        order_id: fields.parse("order_id")?,
        amount: fields.decimal("amount")?,
        method: fields.parse("method")?,
        status: fields.parse("status")?,
        transaction_id: fields.get("transaction_id")?,
        gateway_response: fields.get("gateway_response")?,
        refunds: refunds.into_iter().map(|refund| refund.decode(&fields)).collect::<Stored<_>>()?,
        applied: fields.get("applied")?,
        recover_at: fields.get("recover_at")?,
        failures: fields.small_count("failures")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}

/// A row of `refunds` as `vyapar.refunds_of` gives it.
#[derive(Debug, Deserialize)]
struct RefundRow {
    id: Uuid,
    cause: String,
    amount: Decimal,
    status: String,
    created_at: Timestamp,
}

impl RefundRow {
    fn decode(self, payment: &Fields<'_>) -> Stored<Refund> {
        Ok(Refund {
            id: RefundId::from_uuid(self.id),
            cause: self.cause,
            amount: self.amount.try_into().map_err(|e: MoneyError| payment.corrupt("refunds").with_source(e))?,
            status: self.status.parse().map_err(|e: ParseError| payment.corrupt("refunds").with_source(e))?,
            created_at: self.created_at,
        })
    }
}
