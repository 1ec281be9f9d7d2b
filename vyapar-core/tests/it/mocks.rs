//! Services over mocked ports: what they call, and what they do not.

use std::sync::Arc;

use vyapar_core::order::{OrderError, OrderFilter};
use vyapar_core::store::{StoreError, StoreStatus};
use vyapar_core::testing::mocks::{MockOrderRepository, MockStoreRepository, untouched};
use vyapar_core::testing::{Fixtures, TestEnv};
use vyapar_core::{Actor, Page, PageRequest, RepositoryError, RepositoryErrorKind, StoreRole, Vyapar};

#[tokio::test]
async fn a_stranger_is_turned_away_before_any_port_is_called() {
    let (env, fixtures) = (TestEnv::new(1), Fixtures::here());
    let vyapar = Vyapar::builder(untouched(), env.env.clone()).build();
    let (store, product) = (fixtures.store_id(), fixtures.product_id());
    let elsewhere = Actor::member(fixtures.user_id(), [(fixtures.store_id(), StoreRole::Owner)]);
    let inventory = vyapar.inventory();
    assert!(inventory.product(&elsewhere, store, product).await.is_err());
    assert!(inventory.verify(&elsewhere, store).await.is_err());
    assert!(inventory.receive(&elsewhere, store, fixtures.operation(), &[]).await.is_err());
    let list = vyapar.orders().list(&elsewhere, store, OrderFilter::default(), PageRequest::default()).await;
    assert!(matches!(list, Err(OrderError::NoStore(id)) if id == store));
    assert!(vyapar.orders().recover(&elsewhere, 10).await.is_err());
    let staff = Actor::member(fixtures.user_id(), [(store, StoreRole::Staff)]);
    assert!(inventory.receive(&staff, store, fixtures.operation(), &[]).await.is_err(), "staff do not change stock");
}

#[tokio::test]
async fn a_status_that_keeps_changing_ends_in_a_plain_error() {
    let (env, fixtures) = (TestEnv::new(1), Fixtures::here());
    let store = vyapar_core::store::Store { status: StoreStatus::Active, ..fixtures.store() };
    let mut stores = MockStoreRepository::new();
    let found = store.clone();
    stores.expect_get().times(5).returning(move |_| Ok(Some(found.clone())));
    stores.expect_update().times(5).returning(|_, _, _| Ok(vyapar_core::store::UpdateOutcome::Stale));
    let mut ports = untouched();
    ports.store.stores = Arc::new(stores);
    let vyapar = Vyapar::builder(ports, env.env.clone()).build();
    let owner = Actor::member(fixtures.user_id(), [(store.id, StoreRole::Owner)]);
    let answer = vyapar.stores().set_status(&owner, store.id, StoreStatus::Inactive).await;
    assert!(matches!(answer, Err(StoreError::Concurrent)), "{answer:?}");
}

#[tokio::test]
async fn an_error_of_storage_reaches_the_caller_with_its_kind() {
    let (env, fixtures) = (TestEnv::new(1), Fixtures::here());
    let mut orders = MockOrderRepository::new();
    orders
        .expect_list_by_customer()
        .times(1)
        .return_once(|_, _| Err(RepositoryError::new(RepositoryErrorKind::Busy, "test")));
    orders.expect_list_by_customer().returning(|_, _| Ok(Page { items: Vec::new(), next: None }));
    let mut ports = untouched();
    ports.order.orders = Arc::new(orders);
    let vyapar = Vyapar::builder(ports, env.env.clone()).build();
    let customer = Actor::customer(fixtures.customer_id(), None);
    match vyapar.orders().mine(&customer, PageRequest::default()).await {
        Err(OrderError::Storage(error)) => assert!(error.is_retryable()),
        other => panic!("{other:?}"),
    }
    assert!(vyapar.orders().mine(&customer, PageRequest::default()).await.expect("now it answers").items.is_empty());
}
