//! Customers with their addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::customer::{
    CreditOutcome, CreditedOrder, Customer, CustomerAddress, CustomerRepository, CustomerTotals,
};
use vyapar_core::secret::{SealedText, SealedTexts};
use vyapar_core::store::UpdateOutcome;
use vyapar_core::system::AuditEntry;
use vyapar_core::{
    AddressId, AllStores, Cursor, CustomerId, OrderId, Page, PageRequest, RepositoryError, RepositoryErrorKind, Sealed,
    Stored, Timestamp,
};

use crate::lock::{read, write};
use crate::sealed::{Column, column, exchange, page_of};
use crate::system::AuditTrail;
use crate::{Set, count};

#[derive(Default)]
struct Rows {
    by_id: BTreeMap<CustomerId, Customer>,
    /// Customers with addresses that wait for coordinates, by the longest due one.
    geocoding: BTreeSet<(Timestamp, CustomerId)>,
    /// Orders that count.
    credited: Set<(CustomerId, OrderId)>,
}

/// When the longest due address of a customer is due.
fn due(customer: &Customer) -> Option<(Timestamp, CustomerId)> {
    let due = customer.addresses.iter().filter_map(|address| address.geocoding).map(|waits| waits.due).min();
    Some((due?, customer.id))
}

impl Rows {
    fn put(&mut self, customer: Customer) {
        if let Some(old) = self.by_id.get(&customer.id).and_then(due) {
            self.geocoding.remove(&old);
        }
        self.geocoding.extend(due(&customer));
        self.by_id.insert(customer.id, customer);
    }
}

/// All of them under one lock.
pub(crate) struct Customers {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl Customers {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

#[async_trait]
impl CustomerRepository for Customers {
    async fn insert(&self, customer: Customer, audit: AuditEntry) -> Stored<bool> {
        let mut rows = write(&self.rows);
        if rows.by_id.contains_key(&customer.id) {
            return Ok(false);
        }
        rows.put(Customer { totals: CustomerTotals::ZERO, ..customer });
        self.audit.record(audit);
        Ok(true)
    }

    async fn get(&self, id: CustomerId) -> Stored<Option<Customer>> {
        Ok(read(&self.rows).by_id.get(&id).cloned())
    }

    async fn update(&self, customer: Customer, expected: u64, audit: AuditEntry) -> Stored<UpdateOutcome> {
        let mut rows = write(&self.rows);
        let Some(row) = rows.by_id.get(&customer.id).filter(|row| row.version == expected) else {
            return Ok(UpdateOutcome::Stale);
        };
        let version = expected.saturating_add(1);
        let customer = Customer { version, totals: row.totals, created_at: row.created_at, ..customer };
        rows.put(customer);
        self.audit.record(audit);
        Ok(UpdateOutcome::Updated)
    }

    async fn credit(&self, id: CustomerId, order: CreditedOrder) -> Stored<CreditOutcome> {
        let mut rows = write(&self.rows);
        let rows = &mut *rows;
        let Some(customer) = rows.by_id.get_mut(&id) else { return Ok(CreditOutcome::NoCustomer) };
        let key = (id, order.order_id);
        if rows.credited.contains(&key) {
            return Ok(CreditOutcome::Already);
        }
        let totals = &mut customer.totals;
        let spent = totals.total_spent.plus(order.spent);
        totals.total_spent = spent.map_err(|error| {
            RepositoryError::new(RepositoryErrorKind::Backend, "adding to a customer's total").with_source(error)
        })?;
        totals.total_orders = totals.total_orders.saturating_add(1);
        totals.loyalty_points = totals.loyalty_points.saturating_add(order.points);
        rows.credited.insert(key);
        Ok(CreditOutcome::Credited)
    }

    async fn geocode_due(&self, _all: AllStores, now: Timestamp, limit: u32) -> Stored<Vec<Customer>> {
        let rows = read(&self.rows);
        let due = rows.geocoding.iter().take_while(|(due, _)| *due <= now).take(count(limit));
        Ok(due.filter_map(|(_, id)| rows.by_id.get(id)).cloned().collect())
    }
}

/// The columns of `customer_addresses` that hold a sealed text.
const COLUMNS: [Column<CustomerAddress>; 3] = [
    column("address_line1", |row| Some(&row.address_line1), |row| Some(&mut row.address_line1)),
    column("address_line2", |row| row.address_line2.as_ref(), |row| row.address_line2.as_mut()),
    column("landmark", |row| row.landmark.as_ref(), |row| row.landmark.as_mut()),
];

/// Name of the list, in its cursors.
const LIST: &str = "sealed_customers";

#[async_trait]
impl SealedTexts for Customers {
    async fn list(&self, _all: AllStores, page: PageRequest) -> Stored<Page<SealedText>> {
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(cursor.parse_position::<CustomerId>(LIST)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let texts = rows.by_id.range((after, Bound::Unbounded)).map(|(id, customer)| {
            let texts = customer.addresses.iter().flat_map(|address| {
                let at = address.id;
                let text = move |column: &Column<CustomerAddress>| {
                    column.text(address, "customer_addresses", at, format!("{} {id} {at}", column.name))
                };
                COLUMNS.iter().filter_map(text)
            });
            (id, texts.collect())
        });
        Ok(page_of(texts, page.limit(), |id| Cursor::new(LIST, id.to_string())))
    }

    async fn replace(&self, _all: AllStores, text: SealedText, to: Sealed) -> Stored<bool> {
        let mut parts = text.locator.splitn(3, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (name, customer, address) = (part(), part().parse::<CustomerId>(), part().parse::<AddressId>());
        let (Ok(customer), Ok(address)) = (customer, address) else { return Ok(false) };
        let mut rows = write(&self.rows);
        let customer = rows.by_id.get_mut(&customer);
        let address = customer.and_then(|customer| customer.addresses.iter_mut().find(|known| known.id == address));
        Ok(address.is_some_and(|address| exchange(&COLUMNS, address, name, &text.sealed, to)))
    }
}
