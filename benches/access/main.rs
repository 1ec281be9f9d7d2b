//! What access control costs a request: a check for an actor at hand, and an actor built from
//! storage.
//!
//! `cargo bench --bench access` prints, beside each measurement, a reference taken in the same
//! run: the look-up of the permission's text in a `HashSet<String>` for a check, and the four
//! reads that an actor is made of, without making one, for building it.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has failed"
)]

use std::collections::HashSet;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError};

use criterion::{Criterion, criterion_group, criterion_main};
use vyapar::access::{Effective, Grants, RoleId, known, policy, seed};
use vyapar::contact::{PersonalText, Phone};
use vyapar::identity::{OtpPurpose, OtpSender, SendError};
use vyapar::memory::Memory;
use vyapar::store::{BusinessHours, NewStore, StoreContact, StoreProfile, StoreStatus, StoreType};
use vyapar::testing::TestEnv;
use vyapar::{Actor, Money, Ports, RequestContext, SessionId, StoreId, Subject, UserId, Vyapar};

#[derive(Default)]
struct Codes(Mutex<String>);

#[async_trait::async_trait]
impl OtpSender for Codes {
    async fn send(&self, _: &Phone, code: &str, _: OtpPurpose) -> Result<(), SendError> {
        code.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// Somebody with a role, three stores and a session.
struct Somebody {
    vyapar: Vyapar,
    ports: Ports,
    test: TestEnv,
    user: UserId,
    session: SessionId,
    token: String,
    store: StoreId,
}

fn store(name: &str) -> NewStore {
    let profile = StoreProfile {
        store_name: name.to_owned(),
        store_type: StoreType::Grocery,
        address: "4 Station Road".to_owned(),
        city: "Surat".to_owned(),
        state: "24".parse().expect("a state"),
        pincode: "395003".parse().expect("a PIN code"),
        coordinates: None,
        gstin: None,
        business_hours: BusinessHours::always(),
        delivery_radius_km: "3".parse().expect("a radius"),
        min_order_amount: Money::ZERO,
        delivery_fee: Money::ZERO,
        preparation_minutes: 20,
        accepts_online_payment: false,
    };
    let contact = StoreContact {
        owner_name: PersonalText::parse("owner_name", "Meena", 120).expect("a name"),
        phone: "98200 33333".parse().expect("a phone"),
        email: None,
        whatsapp_number: None,
    };
    NewStore { profile, contact, owner: None }
}

async fn somebody(role: &RoleId) -> Somebody {
    let (ports, test, codes) = (Memory::new().ports(), TestEnv::new(7), Arc::new(Codes::default()));
    let vyapar = Vyapar::builder(ports.clone(), test.env.clone()).otp_sender(Arc::<Codes>::clone(&codes)).build();
    let host = Actor::system("bench");
    vyapar.access().seed(&host).await.expect("seeded");
    let phone: Phone = "98200 33333".parse().expect("a phone");
    let name = PersonalText::parse("full_name", "Meena", 120).expect("a name");
    let identity = vyapar.identity();
    identity.request_code(&Actor::anonymous(), &phone, OtpPurpose::Login).await.expect("a code");
    let code = codes.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let signed_in = identity.sign_in_with_code(&Actor::anonymous(), &phone, &code, Some(&name), None).await;
    let signed_in = signed_in.expect("signed in");
    let user = signed_in.session.user_id;
    vyapar.access().assign_role(&host, user, role, None).await.expect("a role");
    let owner = vyapar.access().actor_of(&host, user).await.expect("an actor");
    let mut stores = Vec::new();
    for name in ["One", "Two", "Three"] {
        let id = vyapar.stores().register(&owner, store(name)).await.expect("a store").id;
        vyapar.stores().set_status(&host, id, StoreStatus::Active).await.expect("let in");
        stores.push(id);
    }
    let token = signed_in.token.as_str().to_owned();
    Somebody { vyapar, ports, test, user, session: signed_in.session.id, token, store: stores[2] }
}

fn check(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let somebody = runtime.block_on(somebody(&RoleId::ADMIN));
    let actor = runtime.block_on(somebody.vyapar.identity().authenticate(&somebody.token, RequestContext::default()));
    let (actor, now) = (actor.expect("an actor"), somebody.test.now());
    let mut group = criterion.benchmark_group("check");
    let texts: HashSet<String> = seed::permissions(now).into_iter().map(|known| known.id.to_string()).collect();
    group.bench_function("reference: one look-up in a HashSet<String>", |bencher| {
        bencher.iter(|| black_box(&texts).contains(black_box(known::PRODUCT_UPDATE.as_str())));
    });
    let own = Subject::store(somebody.store);
    group.bench_function("a capability in one's own store", |bencher| {
        bencher.iter(|| black_box(&actor).decide(black_box(&policy::ORDERS_LIST), black_box(own), now));
    });
    group.bench_function("a permission of the platform", |bencher| {
        bencher.iter(|| black_box(&actor).decide(black_box(&policy::IDENTITY_LIST), Subject::NONE, now));
    });
    let other = Subject::store(StoreId::from_uuid(uuid::Uuid::from_u128(1)));
    group.bench_function("a refusal: another's store", |bencher| {
        bencher.iter(|| black_box(&actor).decide(black_box(&policy::STAFF_INVITE), black_box(other), now));
    });
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for role in [RoleId::ADMIN, RoleId::SUPER_ADMIN] {
        let somebody = runtime.block_on(somebody(&role));
        let mut group = criterion.benchmark_group(format!("build an actor, {role}"));
        group.bench_function("evaluate what was given", |bencher| {
            let grants: Grants =
                runtime.block_on(somebody.ports.access.grants.of_user(somebody.user)).expect("grants").expect("some");
            let now = somebody.test.now();
            let (roles, permissions) = (seed::roles(now), seed::permissions(now));
            bencher.iter(|| Effective::of(black_box(&grants), black_box(&roles), black_box(&permissions)));
        });
        let reads = async || {
            let ports = &somebody.ports;
            let session = ports.identity.sessions.get(somebody.session).await.expect("read");
            let user = ports.identity.users.get(somebody.user).await.expect("read");
            let rows = ports.store.members.list_by_user(somebody.user).await.expect("read");
            let grants = ports.access.grants.of_user(somebody.user).await.expect("read");
            (session, user, rows, grants)
        };
        group.bench_function("reference: its four reads from memory", |bencher| {
            bencher.iter(|| runtime.block_on(reads()));
        });
        group.bench_function("authenticate a token, from memory", |bencher| {
            let authenticate = || somebody.vyapar.identity().authenticate(&somebody.token, RequestContext::default());
            bencher.iter(|| runtime.block_on(authenticate()).expect("an actor"));
        });
        group.finish();
    }
}

criterion_group!(benches, check, build);
criterion_main!(benches);
