//! Registering stores and changing them.

use crate::actor::RequestContext;
use crate::id::ReviewId;
use crate::identity::OtpPurpose;
use crate::inventory::{ChangeKind, Delta, InventoryError, ProductFilter, ProductPrice};
use crate::page::PageRequest;
use crate::quantity::Quantity;
use crate::store::{
    BusinessHours, DayHours, NewStore, Rating, ReviewRating, Stars, StoreContact, StoreError, StoreFilter,
    StoreProfile, StoreStatus, StoreWarning, UpdateStore,
};
use crate::system::AuditFilter;
use crate::testing::conformance::support::{at_once, eventually};
use crate::testing::town::Town;
use crate::testing::{Bench, Fixtures};

fn named(town: &Town, name: &str, city: &str) -> NewStore {
    let mut new = town.new_store();
    (new.profile.store_name, new.profile.city) = (name.to_owned(), city.to_owned());
    new
}

/// The name, then the name with the city, then with letters of chance; all at once too.
pub async fn namesakes_get_readable_names_of_their_own(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let stores = town.vyapar.stores();
    let register = |new| async { stores.register(&town.host, new).await.unwrap() };
    let first = register(named(&town, "  Gupta's Kirana ", "Surat")).await;
    assert_eq!((first.slug.as_str(), first.profile.store_name.as_str()), ("guptas-kirana", "Gupta's Kirana"));
    let second = register(named(&town, "Gupta's Kirana", "Surat")).await;
    assert_eq!(second.slug.as_str(), "guptas-kirana-surat");
    let others = (0..12).map(|_| {
        let (vyapar, host, new) = (town.vyapar.clone(), town.host.clone(), named(&town, "Guptas Kirana", "Surat"));
        async move { vyapar.stores().register(&host, new).await.unwrap() }
    });
    let mut slugs: Vec<_> = at_once(others).await.into_iter().map(|store| store.slug).collect();
    slugs.extend([first.slug.clone(), second.slug]);
    slugs.sort();
    slugs.dedup();
    assert_eq!(slugs.len(), 14);
    assert!(slugs.iter().all(|slug| slug.as_str().starts_with("guptas-kirana")), "{slugs:?}");
    let found = stores.find(&town.host, &first.slug).await.unwrap();
    assert_eq!(found.map(|store| store.id), Some(first.id));
}

/// U+0000 is no text to PostgreSQL, and no backend takes texts of any length: what people enter is
/// refused, what devices say is cleaned.
pub async fn no_backend_meets_a_text_that_it_cannot_store(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let (stores, goods) = (town.vyapar.stores(), town.vyapar.inventory());
    let named = stores.register(&town.host, named(&town, "Gupta\0", "Surat")).await.unwrap_err();
    assert_eq!(named.to_string(), "store_name has a control character in it");
    let mut address = town.new_address();
    address.city = "Su\0rat".to_owned();
    let saved = town.vyapar.customers().save_address(&owner.actor, None, address).await.unwrap_err();
    assert_eq!(saved.to_string(), "city has a control character in it");
    let mut details = town.make.product(store).details;
    details.product_name = "Salt\0".to_owned();
    let added = goods.add_product(&owner.actor, store, details.clone()).await;
    assert!(matches!(added, Err(InventoryError::Malformed(_))), "{added:?}");
    details.product_name = "Salt".to_owned();
    let product = goods.add_product(&owner.actor, store, details).await.unwrap().id;
    let filter = ProductFilter { status: None, barcode: Some("89\0".to_owned()) };
    let found = goods.products(&owner.actor, store, filter, PageRequest::default()).await.unwrap();
    assert!(found.items.is_empty());
    goods.receive(&owner.actor, store, town.make.operation(), &[(product, Quantity::units(5))]).await.unwrap();
    let lost = [(product, Delta::By(Quantity::units(1).outward()))];
    for reason in ["torn\0".to_owned(), "x".repeat(501)] {
        let operation = town.make.operation();
        let answer = goods.adjust(&owner.actor, store, operation, ChangeKind::Damage, &lost, Some(reason)).await;
        assert!(matches!(answer, Err(InventoryError::Malformed(_))), "{answer:?}");
    }
    let (operation, reason) = (town.make.operation(), Some("x".repeat(500)));
    let user_agent = Some(format!("app\0 {}", "9".repeat(100_000)));
    let from = owner.actor.clone().via(RequestContext { ip_address: Some("::1\0".to_owned()), user_agent });
    goods.adjust(&from, store, operation, ChangeKind::Damage, &lost, reason).await.unwrap();
    let price = ProductPrice::new("30".parse().unwrap(), "29".parse().unwrap()).unwrap();
    goods.set_price(&from, store, product, price).await.unwrap();
    let phone = town.phone();
    town.vyapar.identity().request_code(&from, &phone, OtpPurpose::Login).await.unwrap();
    let code = town.codes.last(&phone, OtpPurpose::Login);
    let identity = town.vyapar.identity();
    let name = Town::name("Asha");
    identity.sign_in_with_code(&from, &phone, &code, Some(&name), Some("phone\0\n of Asha")).await.unwrap();
}

/// Every refusal names the value; nothing is stored. What is only unusual is told before.
pub async fn what_no_store_can_be_is_refused_and_writes_nothing(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let stores = town.vyapar.stores();
    let refused = |change: fn(&mut StoreProfile), text: &'static str| {
        let mut new = town.new_store();
        change(&mut new.profile);
        let town = &town;
        async move {
            let error = stores.register(&town.host, new).await.unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    };
    refused(|p| p.store_name = " ".to_owned(), "store_name needs 1 to 120 characters, this one has 0").await;
    refused(|p| p.address = "x".repeat(401), "address needs 1 to 400 characters, this one has 401").await;
    refused(|p| p.city = String::new(), "city needs 1 to 80 characters, this one has 0").await;
    let radius = "delivery_radius_km is `-1`, which is not 0 to 500 km, two decimals";
    refused(|p| p.delivery_radius_km = "-1".parse().unwrap(), radius).await;
    let radius = "delivery_radius_km is `2.505`, which is not 0 to 500 km, two decimals";
    refused(|p| p.delivery_radius_km = "2.505".parse().unwrap(), radius).await;
    let least = "min_order_amount is `-0.01`, which is not ₹0 to ₹10,00,000";
    refused(|p| p.min_order_amount = "-0.01".parse().unwrap(), least).await;
    let fee = "delivery_fee is `1000000.01`, which is not ₹0 to ₹10,00,000";
    refused(|p| p.delivery_fee = "1000000.01".parse().unwrap(), fee).await;
    let minutes = "preparation_minutes is `10081`, which is not 0 to 10080 (a week)";
    refused(|p| p.preparation_minutes = 10_081, minutes).await;
    let gstin = "GSTIN `24AAQCA8719H1ZC` is not of the store's state 27";
    refused(|p| (p.gstin, p.state) = ("24AAQCA8719H1ZC".parse().ok(), "27".parse().unwrap()), gstin).await;
    let all = stores.list(&town.host, StoreFilter::default(), PageRequest::default()).await.unwrap();
    assert!(all.items.is_empty());

    let mut unusual = town.new_store().profile;
    unusual.pincode = "411004".parse().unwrap();
    unusual.coordinates = crate::geo::Coordinates::new(72.8, 21.2).ok();
    unusual.business_hours = BusinessHours::daily(&DayHours::closed());
    unusual.delivery_radius_km = 0.into();
    let warnings = unusual.warnings();
    assert!(
        matches!(
            warnings.as_slice(),
            [
                StoreWarning::PinCode { .. },
                StoreWarning::Coordinates(_),
                StoreWarning::NeverOpen,
                StoreWarning::NoDelivery
            ]
        ),
        "{warnings:?}"
    );
    stores.register(&town.host, NewStore { profile: unusual, ..town.new_store() }).await.unwrap();
}

/// Of two who read the same version one is told that the other was faster; a change whose answer
/// was lost may be repeated; how to reach the store changes with it and opens.
pub async fn a_profile_changes_from_the_version_that_was_read(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (id, owner) = town.store_of(&town.person().await).await;
    let stores = town.vyapar.stores();
    let read = stores.get(&owner.actor, id).await.unwrap();
    let hours = BusinessHours::daily(&"08:00-22:00".parse().unwrap());
    let contact = StoreContact {
        owner_name: Town::name("Asha Kulkarni"),
        phone: "0261 245 6789".parse().unwrap(),
        email: Some(Town::name("dukaan.malik@example.in")),
        whatsapp_number: None,
    };
    let profile = StoreProfile { business_hours: hours, min_order_amount: "99".parse().unwrap(), ..read.profile };
    let change = UpdateStore { version: read.version, profile, contact: Some(contact.clone()) };
    let changed = stores.update(&owner.actor, id, change.clone()).await.unwrap();
    assert_eq!((&changed.profile, changed.version), (&change.profile, read.version + 1));
    assert_eq!(stores.get(&owner.actor, id).await.unwrap(), changed);
    assert_eq!(stores.contact(&owner.actor, &changed).unwrap(), contact);
    assert_eq!(stores.update(&owner.actor, id, change.clone()).await.unwrap(), changed, "the same again");
    let other = StoreProfile { preparation_minutes: 7, ..change.profile.clone() };
    let late = stores.update(&owner.actor, id, UpdateStore { profile: other, ..change.clone() }).await;
    assert!(matches!(late, Err(StoreError::Changed { expected: 2, stored: 3 })), "{late:?}");
    let races = (0_u32..16).map(|minutes| {
        let profile = StoreProfile { preparation_minutes: 100 + minutes, ..change.profile.clone() };
        let change = UpdateStore { version: changed.version, profile, contact: None };
        let (vyapar, owner) = (town.vyapar.clone(), owner.actor.clone());
        async move { vyapar.stores().update(&owner, id, change).await }
    });
    let won: Vec<_> = at_once(races).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(stores.get(&owner.actor, id).await.unwrap(), won[0]);
    assert_eq!(stores.contact(&owner.actor, &won[0]).unwrap(), contact, "what is not named stays");
    // What a long forgotten call wanted may be so again: that call is no retry.
    let back = UpdateStore { version: won[0].version, ..change.clone() };
    let back = stores.update(&owner.actor, id, back).await.unwrap();
    let old = stores.update(&owner.actor, id, change).await;
    assert!(matches!(old, Err(StoreError::Changed { expected: 2, stored: 5 })), "{old:?}");
    assert_eq!(stores.get(&owner.actor, id).await.unwrap(), back);
    let filter = AuditFilter { entity: Some(("store".to_owned(), id.to_string())), ..AuditFilter::default() };
    eventually(3, || async {
        let page = town.ports.store.audit.list(filter.clone(), PageRequest::default()).await?;
        Ok(page.items.iter().filter(|entry| entry.action == "store.update").count())
    })
    .await;
}

/// It lets a waiting store in, once; a store that closed meanwhile stays closed.
pub async fn the_platform_verifies_a_store(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let stores = town.vyapar.stores();
    let waiting = stores.register(&person.actor, town.new_store()).await.unwrap();
    assert_eq!((waiting.status, waiting.verified), (StoreStatus::PendingVerification, false));
    let owner = town.again(&person).await.actor;
    let own = stores.verify(&owner, waiting.id).await;
    assert!(matches!(own, Err(StoreError::Forbidden(_))), "{own:?}");
    let verified = stores.verify(&town.host, waiting.id).await.unwrap();
    assert_eq!((verified.status, verified.verified), (StoreStatus::Active, true));
    assert_eq!(stores.verify(&town.host, waiting.id).await.unwrap(), verified);
    let closed = stores.register(&person.actor, town.new_store()).await.unwrap();
    let owner = town.again(&person).await.actor;
    stores.set_status(&owner, closed.id, StoreStatus::Inactive).await.unwrap();
    let verified = stores.verify(&town.host, closed.id).await.unwrap();
    assert_eq!((verified.status, verified.verified), (StoreStatus::Inactive, true));
    stores.set_status(&owner, closed.id, StoreStatus::Active).await.unwrap();
    let unknown = stores.verify(&town.host, town.make.store_id()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound(_))), "{unknown:?}");
}

/// Reviews and profile changes at the same time: none is lost, and the mean is exact.
pub async fn reviews_count_beside_changes_of_the_profile(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (id, owner) = town.store_of(&town.person().await).await;
    let tasks = (0_u8..24).map(|n| {
        let (vyapar, host, owner) = (town.vyapar.clone(), town.host.clone(), owner.actor.clone());
        let review_id = ReviewId::from_uuid(town.make.uuid());
        async move {
            if n % 3 == 0 {
                let read = vyapar.stores().get(&owner, id).await.unwrap();
                let profile = StoreProfile { preparation_minutes: u32::from(n), ..read.profile };
                let change = UpdateStore { version: read.version, profile, contact: None };
                let changed = vyapar.stores().update(&owner, id, change).await;
                assert!(matches!(changed, Ok(_) | Err(StoreError::Changed { .. } | StoreError::Concurrent)));
            } else {
                for (revision, stars) in [(1, 1), (2, n % 5 + 1), (1, 3)] {
                    let review = ReviewRating { review_id, revision, stars: Stars::new(stars).ok() };
                    vyapar.stores().rate(&host, id, review).await.unwrap();
                }
            }
        }
    });
    at_once(tasks).await;
    let given = (0_u64..24).filter(|n| n % 3 != 0).map(|n| n % 5 + 1);
    let expected = Rating { sum: given.clone().sum(), count: 16 };
    assert_eq!(town.vyapar.stores().get(&owner.actor, id).await.unwrap().rating, expected);
    assert_eq!(expected.mean(), Some(3.into()));
}
