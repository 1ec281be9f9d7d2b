//! Sessions, and what ends them.

use chrono::TimeDelta;

use crate::access::{RoleId, Scope, known};
use crate::identity::{IdentityError, Login, OtpPurpose};
use crate::page::PageRequest;
use crate::testing::town::Town;
use crate::testing::{Bench, Fixtures};

const PASSWORD: &str = "correct horse battery";

/// Listed, revoked one by one or all at once, over after thirty days.
pub async fn a_token_is_worth_what_its_session_is(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    town.make.clock().advance(TimeDelta::minutes(1));
    let phone = town.sign_in(&person.phone, None).await;
    let on_phone = town.actor(&phone).await;
    let list = async || {
        let mut ids: Vec<_> = identity
            .sessions(&on_phone, PageRequest::default())
            .await
            .map(|page| page.items.into_iter().map(|session| session.id).collect())
            .unwrap();
        ids.sort();
        ids
    };
    let mut both = vec![person.actor.session().unwrap(), on_phone.session().unwrap()];
    both.sort();
    // Lists may lag.
    for _ in 0..1000 {
        if list().await == both {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(list().await, both);
    let stranger = town.person().await;
    assert!(!identity.revoke_session(&stranger.actor, both[0]).await.unwrap(), "another's session");
    assert!(identity.revoke_session(&on_phone, person.actor.session().unwrap()).await.unwrap());
    assert!(!identity.revoke_session(&on_phone, person.actor.session().unwrap()).await.unwrap());
    let gone = identity.authenticate(&person.token, Town::request()).await;
    assert!(matches!(gone, Err(IdentityError::BadToken)), "{gone:?}");
    town.actor(&phone).await;
    identity.sign_out_everywhere(&on_phone).await.unwrap();
    assert!(identity.authenticate(&phone, Town::request()).await.is_err());
    town.make.clock().advance(TimeDelta::minutes(1));
    let last = town.sign_in(&person.phone, None).await;
    town.make.clock().advance(TimeDelta::days(30) - TimeDelta::microseconds(1));
    town.actor(&last).await;
    town.make.clock().advance(TimeDelta::microseconds(1));
    assert!(identity.authenticate(&last, Town::request()).await.is_err(), "thirty days");
}

/// Any change of a token makes it none.
pub async fn tampered_tokens_are_worth_nothing(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (one, two) = (town.person().await, town.person().await);
    let (id, secret) = one.token.split_once('.').unwrap();
    let (other, _) = two.token.split_once('.').unwrap();
    let mut flipped = one.token.clone().into_bytes();
    let last = flipped.last_mut().unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    let flipped = String::from_utf8(flipped).unwrap();
    let swapped = format!("{other}.{secret}");
    let upper = one.token.to_uppercase();
    for bad in ["", ".", id, secret, &flipped, &swapped, &upper, &"a".repeat(100_000), "'; drop table sessions; --"] {
        let answer = town.vyapar.identity().authenticate(bad, Town::request()).await;
        let same = upper == one.token && bad == upper;
        assert!(same || matches!(answer, Err(IdentityError::BadToken)), "{bad}: {answer:?}");
    }
    town.actor(&one.token).await;
}

/// A change of password needs the old one and ends every session, the asking one too.
pub async fn another_password_ends_every_session(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    identity.change_password(&person.actor, "", PASSWORD).await.unwrap();
    assert!(identity.authenticate(&person.token, Town::request()).await.is_err());
    let login = Login::Phone(person.phone.clone());
    let signed_in = identity.sign_in(&Town::stranger(), &login, PASSWORD, None).await.unwrap();
    let actor = town.actor(signed_in.token.as_str()).await;
    let wrong = identity.change_password(&actor, "something else", "another password").await;
    assert!(matches!(wrong, Err(IdentityError::WrongCredentials)), "{wrong:?}");
    town.actor(signed_in.token.as_str()).await;
    identity.change_password(&actor, PASSWORD, "another password").await.unwrap();
    assert!(identity.authenticate(signed_in.token.as_str(), Town::request()).await.is_err());
    assert!(identity.sign_in(&Town::stranger(), &login, PASSWORD, None).await.is_err());
    identity.sign_in(&Town::stranger(), &login, "another password", None).await.unwrap();
}

/// A reset by code; a password that cannot be does not use the code up.
pub async fn a_reset_needs_a_code_and_ends_every_session(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::PasswordReset).await.unwrap();
    let code = town.codes.last(&person.phone, OtpPurpose::PasswordReset);
    let short = identity.reset_password(&Town::stranger(), &person.phone, &code, "short").await;
    assert!(matches!(short, Err(IdentityError::Password(_))), "{short:?}");
    let login = identity.sign_in_with_code(&Town::stranger(), &person.phone, &code, None, None).await;
    assert!(matches!(login, Err(IdentityError::WrongCode)), "a code is for what it was sent for: {login:?}");
    identity.reset_password(&Town::stranger(), &person.phone, &code, PASSWORD).await.unwrap();
    assert!(identity.authenticate(&person.token, Town::request()).await.is_err());
    let again = identity.reset_password(&Town::stranger(), &person.phone, &code, PASSWORD).await;
    assert!(matches!(again, Err(IdentityError::WrongCode)), "{again:?}");
    identity.sign_in(&Town::stranger(), &Login::Phone(person.phone), PASSWORD, None).await.unwrap();
}

/// Deactivated: no session, no sign-in, no permission, no part in a store; and back again.
pub async fn an_account_that_ends_takes_all_with_it(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (identity, access) = (town.vyapar.identity(), town.vyapar.access());
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss, &RoleId::ADMIN).await;
    let now = town.make.now();
    assert!(admin.actor.holds(&known::USER_READ, now));
    let above = identity.deactivate(&admin.actor, boss.id).await;
    assert!(matches!(above, Err(IdentityError::NotAbove)), "{above:?}");
    identity.deactivate(&boss.actor, admin.id).await.unwrap();
    identity.deactivate(&boss.actor, admin.id).await.unwrap();
    assert!(identity.authenticate(&admin.token, Town::request()).await.is_err());
    let effective = access.effective(&town.host, admin.id).await.unwrap();
    assert!(!effective.allows(&known::USER_READ, Scope::Platform, now));
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.request_code(&Town::stranger(), &admin.phone, OtpPurpose::Login).await.unwrap();
    let code = town.codes.last(&admin.phone, OtpPurpose::Login);
    let closed = identity.sign_in_with_code(&Town::stranger(), &admin.phone, &code, None, None).await;
    assert!(matches!(closed, Err(IdentityError::Deactivated)), "{closed:?}");
    let taken = town.vyapar.identity();
    let new = crate::identity::NewUser {
        full_name: Town::name("Somebody else"),
        email: None,
        phone: Some(admin.phone.clone()),
        password: Some(PASSWORD.to_owned()),
        kind: crate::identity::AccountKind::Customer,
    };
    let taken = taken.register(&Town::stranger(), new).await;
    assert!(matches!(taken, Err(IdentityError::Taken(_))), "a deleted account keeps its phone: {taken:?}");
    identity.reactivate(&boss.actor, admin.id).await.unwrap();
    assert!(access.effective(&town.host, admin.id).await.unwrap().allows(&known::USER_READ, Scope::Platform, now));
    assert!(identity.authenticate(&admin.token, Town::request()).await.is_err(), "old sessions stay over");
}

/// Erased: name, phone, address and password are gone, and the number is free.
pub async fn an_erased_account_loses_its_contacts_and_others_may_have_them(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    identity.erase(&person.actor, person.id).await.unwrap();
    let bare = identity.profile(&town.host, person.id).await.unwrap();
    assert_eq!((bare.full_name, bare.phone, bare.email, bare.is_active), (None, None, None, false));
    assert!(identity.authenticate(&person.token, Town::request()).await.is_err());
    let back = identity.reactivate(&town.host, person.id).await;
    assert!(matches!(back, Err(IdentityError::NotFound(_))), "{back:?}");
    town.make.clock().advance(TimeDelta::minutes(1));
    let other = town.sign_in(&person.phone, Some("Somebody else")).await;
    assert_ne!(town.actor(&other).await.user(), Some(person.id));
}
