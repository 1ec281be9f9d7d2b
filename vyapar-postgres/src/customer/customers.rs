//! Customers with their addresses, and what is credited to them.

use async_trait::async_trait;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;
use vyapar_core::customer::{
    CreditOutcome, CreditedOrder, Customer, CustomerAddress, CustomerRepository, CustomerTotals, MAX_ADDRESSES,
};
use vyapar_core::geo::Coordinates;
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{AddressId, AllStores, CustomerId, StoreId, Stored, Timestamp, UserId};

use super::Customers;
use crate::encode::{bigint, bytes, place, sealed_opt, time};
use crate::row::Fields;
use crate::{error, system};

#[async_trait]
impl CustomerRepository for Customers {
    async fn insert(&self, customer: Customer, audit: AuditEntry) -> Stored<bool> {
        let function = sqlx::query("select vyapar.insert_customer($1, $2, $3, $4)")
            .bind(encode(&customer))
            .bind(encode_addresses(&customer))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        self.0.call_one(function, "inserting a customer").await
    }

    async fn get(&self, id: CustomerId) -> Stored<Option<Customer>> {
        let function = sqlx::query(FIND).bind(id.as_uuid()).bind(self.0.lock_timeout());
        Ok(self.find(function, "reading a customer").await?.pop())
    }

    async fn update(&self, customer: Customer, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let function = sqlx::query("select vyapar.update_customer($1, $2, $3, $4, $5)")
            .bind(encode(&customer))
            .bind(encode_addresses(&customer))
            .bind(bigint(expected))
            .bind(system::encode(&audit))
            .bind(self.0.lock_timeout());
        let updated = self.0.call_one(function, "updating a customer").await?;
        Ok(if updated { UpdateOutcome::Updated } else { UpdateOutcome::Stale })
    }

    async fn credit(&self, id: CustomerId, order: CreditedOrder) -> Stored<CreditOutcome> {
        let function = sqlx::query("select vyapar.credit_customer($1, $2, $3, $4, $5, $6, $7)")
            .bind(id.as_uuid())
            .bind(order.order_id.as_str())
            .bind(order.store_id.as_uuid())
            .bind(Decimal::from(order.spent))
            .bind(bigint(order.points))
            .bind(order.now)
            .bind(self.0.lock_timeout());
        let outcome: String = self.0.call_one(function, "crediting an order to a customer").await?;
        match outcome.as_str() {
            "credited" => Ok(CreditOutcome::Credited),
            "already" => Ok(CreditOutcome::Already),
            "no_customer" => Ok(CreditOutcome::NoCustomer),
            _ => Err(error::unclear("credit_customer")),
        }
    }

    async fn geocode_due(&self, _: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Customer>> {
        let limit = i64::from(limit);
        let addresses = i64::try_from(MAX_ADDRESSES).unwrap_or(i64::MAX).saturating_mul(limit);
        let function = sqlx::query(FIND_DUE).bind(now).bind(limit).bind(addresses).bind(self.0.lock_timeout());
        self.find(function, "listing customers to geocode").await
    }
}

/// The columns that the functions' rows have: those of a customer, or those of an address.
macro_rules! rows_of {
    ($function:literal) => {
        concat!(
            "select (f.customer).id as c_id, (f.customer).user_id as c_user_id,
                    (f.customer).preferred_stores as c_preferred_stores,
                    (f.customer).loyalty_points as c_loyalty_points, (f.customer).total_orders as c_total_orders,
                    (f.customer).total_spent as c_total_spent, (f.customer).erased_at as c_erased_at,
                    (f.customer).version as c_version, (f.customer).created_at as c_created_at,
                    (f.customer).updated_at as c_updated_at, (f.address).*
               from ",
            $function,
            " f"
        )
    };
}
const FIND: &str = rows_of!("vyapar.find_customer($1, $2)");
const FIND_DUE: &str = rows_of!("vyapar.find_customers_to_geocode($1, $2, $3, $4)");

impl Customers {
    /// Customers with their addresses, in the order of the rows.
    async fn find(
        &self,
        function: Query<'_, sqlx::Postgres, PgArguments>,
        context: &'static str,
    ) -> Stored<Vec<Customer>> {
        let mut customers: Vec<Customer> = Vec::new();
        for row in &self.0.ask(function, context).await? {
            let fields = Fields::prefixed(row, "customers", "id", "c_");
            if fields.get::<Option<Uuid>>("id")?.is_some() {
                customers.push(decode(fields)?);
            } else {
                let fields = Fields::of(row, "customer_addresses", "id");
                let owner = CustomerId::from_uuid(fields.get("customer_id")?);
                if let Some(customer) = customers.iter_mut().find(|customer| customer.id == owner) {
                    customer.addresses.push(decode_address(fields)?);
                }
            }
        }
        Ok(customers)
    }
}

/// The customer without his addresses and totals.
fn encode(customer: &Customer) -> Value {
    json!({
        "id": customer.id,
        "user_id": customer.user_id,
        "preferred_stores": customer.preferred_stores,
        "default_address": customer.default_address().map(|address| address.id),
        "erased_at": customer.erased_at.map(time),
        "version": customer.version,
        "created_at": time(customer.created_at),
        "updated_at": time(customer.updated_at),
    })
}

fn encode_addresses(customer: &Customer) -> Value {
    let row = |(position, address): (usize, &CustomerAddress)| {
        json!({
            "id": address.id,
            "customer_id": customer.id,
            "position": place(position),
            "address_type": address.address_type.as_str(),
            "address_line1": bytes(address.address_line1.as_bytes()),
            "address_line2": sealed_opt(address.address_line2.as_ref()),
            "city": address.city,
            "state": address.state.as_str(),
            "pincode": address.pincode.as_str(),
            "landmark": sealed_opt(address.landmark.as_ref()),
            "latitude": address.coordinates.map(Coordinates::latitude),
            "longitude": address.coordinates.map(Coordinates::longitude),
            "geocoding_due": address.geocoding.map(|geocoding| time(geocoding.due)),
            "geocoding_failures": address.geocoding.map(|geocoding| geocoding.failures),
            "is_default": address.is_default,
            "created_at": time(address.created_at),
            "updated_at": time(address.updated_at),
        })
    };
    customer.addresses.iter().enumerate().map(row).collect()
}

fn decode(fields: Fields<'_>) -> Stored<Customer> {
    let preferred: Vec<Uuid> = fields.get("preferred_stores")?;
    Ok(Customer {
        id: CustomerId::from_uuid(fields.get("id")?),
        user_id: fields.get::<Option<Uuid>>("user_id")?.map(UserId::from_uuid),
        preferred_stores: preferred.into_iter().map(StoreId::from_uuid).collect(),
        addresses: Vec::new(),
        totals: CustomerTotals {
            loyalty_points: fields.count("loyalty_points")?,
            total_orders: fields.count("total_orders")?,
            total_spent: fields.decimal("total_spent")?,
        },
        erased_at: fields.get("erased_at")?,
        version: fields.count("version")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}

fn decode_address(fields: Fields<'_>) -> Stored<CustomerAddress> {
    Ok(CustomerAddress {
        id: AddressId::from_uuid(fields.get("id")?),
        address_type: fields.parse("address_type")?,
        address_line1: fields.sealed("address_line1")?,
        address_line2: fields.sealed_opt("address_line2")?,
        landmark: fields.sealed_opt("landmark")?,
        city: fields.get("city")?,
        state: fields.parse("state")?,
        pincode: fields.parse("pincode")?,
        coordinates: fields.coordinates()?,
        geocoding: fields.geocoding()?,
        is_default: fields.get("is_default")?,
        created_at: fields.get("created_at")?,
        updated_at: fields.get("updated_at")?,
    })
}
