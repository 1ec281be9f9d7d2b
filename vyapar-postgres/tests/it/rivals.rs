//! Many callers at once: each gets an answer of its port, none an error of locks or
//! serialisation, and what must stay stays.

use std::future::Future;

use vyapar_core::access::{GrantOutcome, Grants, Guard};
use vyapar_core::customer::{CreditOutcome, CreditedOrder};
use vyapar_core::identity::{ContactKind, User};
use vyapar_core::store::{MemberOutcome, Rating, ReviewRating, Stars, StoreUser};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{Ports, RepositoryErrorKind, ReviewId};

use crate::database::TestDatabase;

const MANY: usize = 64;

/// All of them on tasks of their own.
async fn at_once<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = calls.into_iter().map(|call| tokio::spawn(call)).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn setup() -> (TestDatabase, Ports, Fixtures) {
    let database = TestDatabase::create().await;
    let ports = database.postgres().ports();
    (database, ports, Fixtures::here())
}

#[test]
fn users_who_exchange_contacts_in_a_ring_wait_for_nobody_in_a_circle() {
    run(async {
        let (_database, ports, make) = setup().await;
        let users: Vec<User> = (0..MANY).map(|_| User { phone: Some(make.full_contact()), ..make.user() }).collect();
        for user in &users {
            ports.identity.users.insert(user.clone(), make.bare_audit()).await.unwrap();
        }
        let next = users.iter().cycle().skip(1);
        let moves: Vec<_> = users
            .iter()
            .zip(next)
            .map(|(user, next)| {
                // The neighbour's, in the opposite order, so that rivals meet from both ends.
                let mut phone = next.phone.clone().unwrap();
                phone.lookups.reverse();
                (User { phone: Some(phone), version: 2, ..user.clone() }, make.bare_audit())
            })
            .collect();
        let answers = at_once(moves.into_iter().map(|(user, audit)| {
            let ports = ports.clone();
            async move { ports.identity.users.update(user, 1, Some(audit)).await }
        }))
        .await;
        for refused in answers.into_iter().filter_map(Result::err) {
            assert_eq!(
                *refused.kind(),
                RepositoryErrorKind::AlreadyExists { constraint: "users.phone" },
                "{refused:?}"
            );
        }
        // Whoever has a contact is found by all of it.
        for user in &users {
            let user = ports.identity.users.get(user.id).await.unwrap().unwrap();
            for hash in &user.phone.as_ref().unwrap().lookups {
                assert_eq!(
                    ports.identity.users.find(ContactKind::Phone, &[*hash]).await.unwrap().as_ref(),
                    Some(&user)
                );
            }
        }
    });
}

#[test]
fn of_many_owners_who_go_one_stays() {
    run(async {
        let (_database, ports, make) = setup().await;
        let store = make.store();
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        let owners: Vec<StoreUser> = (0..MANY).map(|_| make.owner(store.id)).collect();
        for owner in &owners {
            assert!(ports.store.members.insert(store.id, owner.clone(), make.bare_audit()).await.unwrap());
        }
        let audits: Vec<_> = owners.iter().map(|_| make.bare_audit()).collect();
        let answers = at_once(owners.into_iter().zip(audits).map(|(owner, audit)| {
            let ports = ports.clone();
            let gone = StoreUser { is_active: false, version: 2, ..owner };
            async move { ports.store.members.update(store.id, gone, 1, audit).await.unwrap() }
        }))
        .await;
        let stayed = answers.iter().filter(|answer| **answer == MemberOutcome::LastOwner).count();
        let went = answers.iter().filter(|answer| **answer == MemberOutcome::Updated).count();
        assert_eq!((stayed, went), (1, MANY - 1));
    });
}

#[test]
fn of_many_who_count_one_does() {
    run(async {
        let (_database, ports, make) = setup().await;
        let (store, customer) = (make.store(), make.customer());
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        ports.customer.customers.insert(customer.clone(), make.bare_audit()).await.unwrap();
        let orders: Vec<CreditedOrder> = (0..4).map(|_| make.credited("12.50".parse().unwrap(), 3)).collect();
        let counted = at_once(orders.iter().cycle().take(MANY).cloned().map(|order| {
            let (ports, store, customer) = (ports.clone(), store.id, customer.id);
            async move {
                let counted = ports.store.counters.count_order(store, &order.order_id).await.unwrap();
                (counted, ports.customer.customers.credit(customer, order).await.unwrap())
            }
        }))
        .await;
        assert_eq!(counted.iter().filter(|(counted, _)| *counted).count(), 4);
        assert_eq!(counted.iter().filter(|(_, outcome)| *outcome == CreditOutcome::Credited).count(), 4);
        assert_eq!(ports.store.stores.get(store.id).await.unwrap().unwrap().total_orders, 4);
        let totals = ports.customer.customers.get(customer.id).await.unwrap().unwrap().totals;
        assert_eq!((totals.total_orders, totals.loyalty_points), (4, 12));
        assert_eq!(totals.total_spent, "50".parse().unwrap());
    });
}

#[test]
fn of_many_revisions_of_a_review_the_last_counts() {
    run(async {
        let (database, ports, make) = setup().await;
        let store = make.store();
        ports.store.stores.insert(store.clone(), None, make.bare_audit()).await.unwrap();
        let reviews: Vec<ReviewId> = (0..4).map(|_| ReviewId::from_uuid(make.uuid())).collect();
        let revisions = reviews.iter().flat_map(|review_id| {
            (1..=16_u64).map(|revision| {
                // The last of the first review withdraws it; those of the others give 5, 5 and 4.
                let stars = match (*review_id == reviews[0], revision) {
                    (true, 16) => None,
                    (false, 16) if *review_id == reviews[3] => Some(4),
                    (_, 16) => Some(5),
                    (_, revision) => Some(1 + u8::try_from(revision % 5).unwrap()),
                };
                let stars = stars.map(|stars| Stars::new(stars).unwrap());
                ReviewRating { review_id: *review_id, revision, stars }
            })
        });
        let answers = at_once(make.shuffled(revisions).into_iter().map(|review| {
            let (ports, store) = (ports.clone(), store.id);
            async move { (review.revision, ports.store.counters.rate(store, review).await.unwrap()) }
        }))
        .await;
        assert_eq!(answers.iter().filter(|(revision, counted)| *revision == 16 && *counted).count(), 4);
        let rated = ports.store.stores.get(store.id).await.unwrap().unwrap();
        assert_eq!(rated.rating, Rating { sum: 14, count: 3 });
        assert_eq!((rated.version, rated.updated_at), (store.version, store.updated_at));
        let shown: String =
            sqlx::query_scalar("select rating::text from vyapar.stores").fetch_one(database.pool()).await.unwrap();
        assert_eq!(shown, "4.67");
    });
}

#[test]
fn of_many_super_admins_who_go_one_stays() {
    run(async {
        let (_database, ports, make) = setup().await;
        let admins: Vec<Grants> = (0..MANY).map(|_| make.super_admin()).collect();
        // All are made at once; each is the first to ask, and then one more.
        let made = at_once(admins.iter().cloned().map(|admin| (admin, make.bare_audit(), make.bare_audit())).map(
            |(admin, audit, again)| {
                let ports = ports.clone();
                async move {
                    match ports.access.grants.save(admin.clone(), 0, Guard::First, audit).await.unwrap() {
                        GrantOutcome::Guarded => ports.access.grants.save(admin, 0, Guard::Add, again).await.unwrap(),
                        outcome => {
                            assert_eq!(outcome, GrantOutcome::Saved);
                            GrantOutcome::Stale
                        }
                    }
                }
            },
        ))
        .await;
        assert_eq!(made.iter().filter(|outcome| **outcome == GrantOutcome::Stale).count(), 1, "one was the first");
        let answers = at_once(admins.into_iter().map(|admin| (admin, make.bare_audit())).map(|(admin, audit)| {
            let ports = ports.clone();
            let none = Grants { assignments: Vec::new(), version: 2, ..admin };
            async move { ports.access.grants.save(none, 1, Guard::Remove, audit).await.unwrap() }
        }))
        .await;
        let stayed = answers.iter().filter(|answer| **answer == GrantOutcome::Guarded).count();
        let went = answers.iter().filter(|answer| **answer == GrantOutcome::Saved).count();
        assert_eq!((stayed, went), (1, MANY - 1));
    });
}
