//! Passwords and codes.

use chrono::TimeDelta;

use crate::contact::{Email, Phone};
use crate::identity::{AccountKind, IdentityError, Login, MAX_TRIES, NewUser, OtpPurpose, UserFilter};
use crate::page::PageRequest;
use crate::testing::conformance::support::at_once;
use crate::testing::town::Town;
use crate::testing::{Bench, Fixtures};

const RIGHT: &str = "correct horse battery";
const WRONG: &str = "incorrect horse battery";

fn new_user(phone: Option<Phone>, email: Option<&str>) -> NewUser {
    let (full_name, kind) = (Town::name("Asha Kulkarni"), AccountKind::Customer);
    let email = email.map(|email| email.parse().unwrap());
    NewUser { full_name, email, phone, password: Some(RIGHT.to_owned()), kind }
}

/// Unknown and wrong are one answer, are counted the same, and are locked the same.
pub async fn an_unknown_account_answers_as_a_wrong_password_does(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let (known, unknown) = (town.phone(), town.phone());
    identity.register(&Town::stranger(), new_user(Some(known.clone()), None)).await.unwrap();
    let mut answers = Vec::new();
    for phone in [known.clone(), unknown] {
        let login = Login::Phone(phone);
        let mut of = Vec::new();
        for _ in 0..6 {
            let answer = identity.sign_in(&Town::stranger(), &login, WRONG, None).await;
            of.push(answer.map(|_| ()).unwrap_err().to_string());
        }
        answers.push(of);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0][4].contains("wrong") && answers[0][5].contains("too many"), "{answers:?}");
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.sign_in(&Town::stranger(), &Login::Phone(known), RIGHT, Some("Pixel")).await.unwrap();
}

/// Each wrong password beyond the free ones doubles the lock; a right one ends it.
pub async fn wrong_passwords_lock_for_a_growing_time(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    identity.register(&Town::stranger(), new_user(None, Some("Asha@example.in"))).await.unwrap();
    let login: Login = "asha@EXAMPLE.in".parse().unwrap();
    let mut locks = Vec::new();
    for _ in 0..8 {
        let answer = identity.sign_in(&Town::stranger(), &login, WRONG, None).await;
        assert!(matches!(answer, Err(IdentityError::WrongCredentials)), "{answer:?}");
        if let Err(IdentityError::Locked(until)) = identity.sign_in(&Town::stranger(), &login, RIGHT, None).await {
            locks.push((until - town.make.now()).num_seconds());
            town.make.clock().set(until);
        } else {
            // The right one was let in: start anew with as many free tries.
            assert!(locks.is_empty());
            for _ in 0..4 {
                identity.sign_in(&Town::stranger(), &login, WRONG, None).await.unwrap_err();
            }
        }
    }
    assert_eq!(locks, [30, 60, 120, 240, 480, 960, 1920], "the right password does not pass a lock");
    identity.sign_in(&Town::stranger(), &login, RIGHT, None).await.unwrap();
    let again = identity.sign_in(&Town::stranger(), &login, WRONG, None).await;
    assert!(matches!(again, Err(IdentityError::WrongCredentials)), "{again:?}");
    identity.sign_in(&Town::stranger(), &login, RIGHT, None).await.unwrap();
}

/// Tries are counted before anything is compared.
pub async fn sixty_four_guesses_at_once_get_no_more_tries_than_one_guesser(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let phone = town.phone();
    town.vyapar.identity().register(&Town::stranger(), new_user(Some(phone.clone()), None)).await.unwrap();
    let answers = at_once((0..64).map(|_| {
        let (identity, login) = (town.vyapar.identity().clone(), Login::Phone(phone.clone()));
        async move { identity.sign_in(&Town::stranger(), &login, WRONG, None).await.map(|_| ()).unwrap_err() }
    }))
    .await;
    let compared = answers.iter().filter(|error| matches!(error, IdentityError::WrongCredentials)).count();
    assert!((1..=5).contains(&compared), "{compared} were compared");
    for error in &answers {
        let fine = match error {
            IdentityError::WrongCredentials | IdentityError::Locked(_) => true,
            IdentityError::Storage(error) => error.is_retryable(),
            _ => false,
        };
        assert!(fine, "{error:?}");
    }
}

/// 32 devices with one right code: one is signed in.
pub async fn a_code_counts_once_however_many_use_it_at_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    town.make.clock().advance(TimeDelta::minutes(1));
    let identity = town.vyapar.identity();
    identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::Login).await.unwrap();
    let code = town.codes.last(&person.phone, OtpPurpose::Login);
    let answers = at_once((0..32).map(|_| {
        let (identity, phone, code) = (identity.clone(), person.phone.clone(), code.clone());
        async move { identity.sign_in_with_code(&Town::stranger(), &phone, &code, None, None).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let other = identity.sign_in_with_code(&Town::stranger(), &person.phone, &code, None, None).await;
    assert!(matches!(other, Err(IdentityError::WrongCode | IdentityError::Locked(_))), "{other:?}");
}

/// Thirty seconds apart, five an hour, for all purposes together; nothing is sent beyond.
pub async fn codes_are_limited_whatever_they_are_for(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (identity, phone) = (town.vyapar.identity(), town.phone());
    let start = town.make.now();
    let purposes = [OtpPurpose::Login, OtpPurpose::PasswordReset, OtpPurpose::Verification];
    for n in 0..5 {
        identity.request_code(&Town::stranger(), &phone, purposes[n % 3]).await.unwrap();
        let soon = identity.request_code(&Town::stranger(), &phone, purposes[(n + 1) % 3]).await;
        assert!(matches!(soon, Err(IdentityError::CodeSentLately(_))), "{soon:?}");
        town.make.clock().advance(TimeDelta::seconds(30));
    }
    let sixth = identity.request_code(&Town::stranger(), &phone, OtpPurpose::Login).await;
    assert!(matches!(sixth, Err(IdentityError::CodeSentLately(at)) if at == start + TimeDelta::hours(1)), "{sixth:?}");
    assert_eq!(town.codes.count(), 5);
    let landline = identity.request_code(&Town::stranger(), &"011 2345 6789".parse().unwrap(), OtpPurpose::Login).await;
    assert!(matches!(landline, Err(IdentityError::NotAMobile)));
    town.make.clock().set(start + TimeDelta::hours(1));
    let asked = at_once((0..16).map(|_| {
        let (identity, phone) = (identity.clone(), phone.clone());
        async move { identity.request_code(&Town::stranger(), &phone, OtpPurpose::Login).await.is_ok() }
    }))
    .await;
    assert_eq!(asked.into_iter().filter(|sent| *sent).count(), 1, "of sixteen at once one is sent");
    assert_eq!(town.codes.count(), 6);
}

/// Another code does not bring new tries, and the right one comes too late after the last.
pub async fn guessed_codes_run_out_over_all_codes_sent(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let person = town.person().await;
    let identity = town.vyapar.identity();
    let mut tries = 0;
    'guessing: loop {
        town.make.clock().advance(TimeDelta::seconds(31));
        identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::Login).await.unwrap();
        let right = town.codes.last(&person.phone, OtpPurpose::Login);
        for guess in ["000000", "000001", "000002"] {
            let guess = if guess == right { "000003" } else { guess };
            match identity.sign_in_with_code(&Town::stranger(), &person.phone, guess, None, None).await {
                Err(IdentityError::WrongCode) => tries += 1,
                Err(IdentityError::Locked(_)) => break 'guessing,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(tries, MAX_TRIES);
    let right = town.codes.last(&person.phone, OtpPurpose::Login);
    let late = identity.sign_in_with_code(&Town::stranger(), &person.phone, &right, None, None).await;
    assert!(matches!(late, Err(IdentityError::Locked(_))), "{late:?}");
    for text in ["", "12345", "1234567", "۱۲۳۴۵۶", "12345a", &"9".repeat(10_000)] {
        let other = town.phone();
        let answer = identity.sign_in_with_code(&Town::stranger(), &other, text, None, None).await;
        assert!(matches!(answer, Err(IdentityError::WrongCode)), "{text}: {answer:?}");
    }
}

/// Two devices that sign up with one number at once have one account.
pub async fn a_code_makes_an_account_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (identity, phone) = (town.vyapar.identity(), town.phone());
    identity.request_code(&Town::stranger(), &phone, OtpPurpose::Login).await.unwrap();
    let code = town.codes.last(&phone, OtpPurpose::Login);
    let none = identity.sign_in_with_code(&Town::stranger(), &phone, &code, None, None).await;
    assert!(matches!(none, Err(IdentityError::NoAccount)), "{none:?}");
    town.make.clock().advance(TimeDelta::minutes(1));
    let first = town.sign_in(&phone, Some("Asha")).await;
    town.make.clock().advance(TimeDelta::minutes(1));
    let second = town.sign_in(&phone, Some("Somebody else")).await;
    let (first, second) = (town.actor(&first).await, town.actor(&second).await);
    assert_eq!(first.user(), second.user());
    let profile = identity.profile(&first, first.user().unwrap()).await.unwrap();
    assert_eq!((profile.full_name.unwrap().as_str(), profile.phone_verified), ("Asha", true));
}

/// Whoever signed up with another's number keeps nothing of it once that other proves it his.
pub async fn proof_of_a_number_ends_what_was_set_without_it(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let (identity, phone) = (town.vyapar.identity(), town.phone());
    identity.register(&Town::stranger(), new_user(Some(phone.clone()), None)).await.unwrap();
    let login = Login::Phone(phone.clone());
    let squatter = identity.sign_in(&Town::stranger(), &login, RIGHT, None).await.unwrap();
    let owner = town.sign_in(&phone, None).await;
    let squatting = identity.authenticate(squatter.token.as_str(), Town::request()).await;
    assert!(matches!(squatting, Err(IdentityError::BadToken)), "{squatting:?}");
    let back = identity.sign_in(&Town::stranger(), &login, RIGHT, None).await;
    assert!(matches!(back, Err(IdentityError::WrongCredentials)), "{back:?}");
    let owner = town.actor(&owner).await;
    // The owner sets his own, and it stays when he signs in by code again.
    identity.change_password(&owner, "", WRONG).await.unwrap();
    town.make.clock().advance(TimeDelta::minutes(1));
    town.sign_in(&phone, None).await;
    identity.sign_in(&Town::stranger(), &login, WRONG, None).await.unwrap();
}

/// A number that was only typed, in an account with a verified address, opens that account to
/// nobody; and who proves it on his own account has it.
pub async fn a_number_that_was_only_typed_opens_no_account(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let (mistyped, later) = (town.phone(), town.phone());
    let mut owners = Vec::new();
    for (phone, email) in [(&mistyped, "asha@example.in"), (&later, "ravi@example.in")] {
        let new = new_user(Some(phone.clone()), Some(email));
        let id = identity.register(&Town::stranger(), new).await.unwrap().id;
        let login: Login = email.parse().unwrap();
        let session = identity.sign_in(&Town::stranger(), &login, RIGHT, None).await.unwrap();
        let actor = town.actor(session.token.as_str()).await;
        let link = identity.email_link(&actor).await.unwrap().token;
        identity.verify_email(&Town::stranger(), link.as_str()).await.unwrap();
        owners.push((id, session.token, login));
    }
    let other = town.actor(&town.sign_in(&mistyped, Some("Somebody else")).await).await;
    assert_ne!(other.user(), Some(owners[0].0));
    let profile = identity.profile(&town.host, owners[0].0).await.unwrap();
    assert_eq!((profile.phone, profile.email_verified, profile.has_password), (None, true, true));
    town.actor(owners[0].1.as_str()).await;
    // The other way: he proves it within his own account.
    let person = town.person().await;
    identity.request_code(&Town::stranger(), &later, OtpPurpose::Verification).await.unwrap();
    let code = town.codes.last(&later, OtpPurpose::Verification);
    identity.verify_phone(&person.actor, &later, &code).await.unwrap();
    let profile = identity.profile(&person.actor, person.id).await.unwrap();
    assert_eq!((profile.phone, profile.phone_verified), (Some(later), true));
    identity.sign_in(&Town::stranger(), &owners[1].2, RIGHT, None).await.unwrap();
    // A number that is proved stays with whom it is.
    town.make.clock().advance(TimeDelta::minutes(1));
    let second = town.person().await;
    identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::Verification).await.unwrap();
    let code = town.codes.last(&person.phone, OtpPurpose::Verification);
    let freed = identity.verify_phone(&second.actor, &person.phone, &code).await;
    assert!(freed.is_ok(), "his former number is free: {freed:?}");
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.request_code(&Town::stranger(), &person.phone, OtpPurpose::Verification).await.unwrap();
    let code = town.codes.last(&person.phone, OtpPurpose::Verification);
    let taken = identity.verify_phone(&person.actor, &person.phone, &code).await;
    assert!(matches!(taken, Err(IdentityError::Taken(_))), "{taken:?}");
}

/// One number, one account; one address, one account; whatever shape they are written in.
pub async fn phones_and_addresses_are_unique_in_every_shape(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let phone = town.phone();
    let bare = phone.as_str().strip_prefix("+91").unwrap();
    identity.register(&Town::stranger(), new_user(Some(phone.clone()), Some("Asha@Example.in"))).await.unwrap();
    for shape in [bare.to_owned(), format!("0{bare}"), format!("0091-{bare}"), format!("+91 {bare}")] {
        let again = identity.register(&Town::stranger(), new_user(Some(shape.parse().unwrap()), None)).await;
        assert!(matches!(again, Err(IdentityError::Taken(crate::identity::ContactKind::Phone))), "{shape}: {again:?}");
    }
    for shape in [" asha@example.IN ", "ASHA@EXAMPLE.IN"] {
        let again = identity.register(&Town::stranger(), new_user(None, Some(shape))).await;
        assert!(matches!(again, Err(IdentityError::Taken(crate::identity::ContactKind::Email))), "{shape}: {again:?}");
        let found = identity.find(&town.host, &shape.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(found.phone.as_ref(), Some(&phone));
    }
    let other = town.phone();
    let answers = at_once((0..16).map(|_| {
        let (identity, new) = (identity.clone(), new_user(Some(other.clone()), None));
        async move { identity.register(&Town::stranger(), new).await.is_ok() }
    }))
    .await;
    assert_eq!(answers.into_iter().filter(|made| *made).count(), 1);
    let neither = identity.register(&Town::stranger(), new_user(None, None)).await;
    assert!(matches!(neither, Err(IdentityError::NoContact)));
}

/// Links count once, for 24 hours, and an older one not at all.
pub async fn an_address_is_verified_by_the_newest_link_once(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    let none = identity.email_link(&person.actor).await;
    assert!(matches!(none, Err(IdentityError::NoContact)), "{none:?}");
    let email: Email = "asha@example.in".parse().unwrap();
    let change = crate::identity::ProfileChange { email: Some(email), ..Default::default() };
    identity.update_profile(&person.actor, person.id, change).await.unwrap();
    let older = identity.email_link(&person.actor).await.unwrap().token;
    let newer = identity.email_link(&person.actor).await.unwrap().token;
    let verify = async |link: &str| identity.verify_email(&Town::stranger(), link).await;
    for bad in ["", "x", older.as_str(), &newer.as_str().replace('.', ""), &format!("{}0", newer.as_str())] {
        assert!(matches!(verify(bad).await, Err(IdentityError::BadToken)), "{bad}");
    }
    assert_eq!(verify(newer.as_str()).await.unwrap(), person.id);
    assert!(identity.profile(&person.actor, person.id).await.unwrap().email_verified);
    assert!(matches!(verify(newer.as_str()).await, Err(IdentityError::BadToken)), "used");
    let late = identity.email_link(&person.actor).await.unwrap().token;
    town.make.clock().advance(TimeDelta::hours(24));
    assert!(matches!(verify(late.as_str()).await, Err(IdentityError::BadToken)), "expired");
    let other = crate::identity::ProfileChange { email: "other@example.in".parse().ok(), ..Default::default() };
    let profile = identity.update_profile(&person.actor, person.id, other).await.unwrap();
    assert!(!profile.email_verified, "another address is verified anew");
}

/// Passwords that cannot be, names that cannot be, kinds that nobody gives himself.
pub async fn what_cannot_be_is_refused_and_writes_nothing(bench: &Bench) {
    let town = Town::open(bench, Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let with = |password: &str| NewUser { password: Some(password.to_owned()), ..new_user(Some(town.phone()), None) };
    for password in ["", "1234567", &"x".repeat(73), "with\0zero byte"] {
        let answer = identity.register(&Town::stranger(), with(password)).await;
        assert!(matches!(answer, Err(IdentityError::Password(_))), "{password}: {answer:?}");
    }
    let admin = NewUser { kind: AccountKind::Admin, ..with(RIGHT) };
    let answer = identity.register(&Town::stranger(), admin.clone()).await;
    assert!(matches!(answer, Err(IdentityError::Forbidden(_))), "{answer:?}");
    let login = Login::Phone(town.phone());
    for password in ["", &"x".repeat(73)] {
        let answer = identity.sign_in(&Town::stranger(), &login, password, None).await;
        assert!(matches!(answer, Err(IdentityError::Password(_))), "{answer:?}");
    }
    let all = identity.list(&town.host, UserFilter::default(), PageRequest::default()).await.unwrap();
    assert!(all.items.is_empty());
    identity.create(&town.host, admin).await.unwrap();
}
