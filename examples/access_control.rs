//! Who may do what: accounts, codes and passwords, roles and their hierarchy, a store's staff,
//! and why somebody may or may not.
//!
//! `cargo run --example access_control` needs nothing installed.

#![allow(clippy::expect_used, reason = "an example that cannot go on has failed")]

use std::error::Error;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use vyapar::access::{
    Capabilities, Capability, CapabilityChanges, Effect, Grant, Reason, RoleId, Scope, known, policy,
};
use vyapar::contact::{PersonalText, Phone};
use vyapar::identity::{Bcrypt, Login, OtpPurpose, OtpSender, SendError};
use vyapar::memory::Memory;
use vyapar::store::{BusinessHours, Invite, NewStore, StoreContact, StoreProfile, StoreStatus, StoreType};
use vyapar::system::AuditFilter;
use vyapar::{Actor, Env, KeyRing, Money, PageRequest, RequestContext, SecretKey, StoreId, StoreRole, UserId, Vyapar};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Stands for the host's SMS service: codes arrive where the example can read them.
#[derive(Default)]
struct Phones(Mutex<Vec<(Phone, String)>>);

#[async_trait::async_trait]
impl OtpSender for Phones {
    async fn send(&self, phone: &Phone, code: &str, _: OtpPurpose) -> Result<(), SendError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((phone.clone(), code.to_owned()));
        Ok(())
    }
}

struct Town {
    vyapar: Vyapar,
    phones: Arc<Phones>,
    host: Actor,
}

#[derive(Clone)]
struct Person {
    name: &'static str,
    id: UserId,
    phone: Phone,
    token: String,
}

impl Town {
    /// Signs in by a code; who has no account gets one.
    async fn sign_in(&self, name: &'static str, phone: &str) -> Outcome<Person> {
        let (identity, phone) = (self.vyapar.identity(), phone.parse::<Phone>()?);
        let stranger = Actor::anonymous().via(request());
        identity.request_code(&stranger, &phone, OtpPurpose::Login).await?;
        let code = self.phones.0.lock().unwrap_or_else(PoisonError::into_inner).last().expect("a code").1.clone();
        let full_name = PersonalText::parse("full_name", name, 120)?;
        let signed_in = identity.sign_in_with_code(&stranger, &phone, &code, Some(&full_name), Some("Pixel 9")).await?;
        println!(
            "{name:<8} signs in by code to {phone:?}: {}",
            if signed_in.is_new { "a new account" } else { "known" }
        );
        let token = signed_in.token.as_str().to_owned();
        Ok(Person { name, id: signed_in.session.user_id, phone, token })
    }

    /// What each request of a host begins with.
    async fn actor(&self, person: &Person) -> Outcome<Actor> {
        Ok(self.vyapar.identity().authenticate(&person.token, request()).await?)
    }
}

fn request() -> RequestContext {
    RequestContext { ip_address: Some("203.0.113.7".to_owned()), user_agent: Some("example/1".to_owned()) }
}

/// Prints what was answered; whether that was meant to go through is part of the example.
fn show<T, E: Display>(what: &str, meant: bool, answer: Result<T, E>) -> Outcome {
    let went = answer.is_ok();
    match answer {
        Ok(_) => println!("   yes  {what}"),
        Err(error) => println!("   no   {what}: {error}"),
    }
    if went == meant { Ok(()) } else { Err(format!("{what}: meant to go {meant}, went {went}").into()) }
}

#[tokio::main]
async fn main() -> Outcome {
    let keys = KeyRing::new(1, &SecretKey::new([7; 32]), &SecretKey::new([8; 32]));
    let phones = Arc::new(Phones::default());
    let vyapar = Vyapar::builder(Memory::new().ports(), Env::system(Arc::new(keys)))
        .otp_sender(Arc::<Phones>::clone(&phones))
        .passwords(Arc::new(Bcrypt::new(8, 2)))
        .build();
    let town = Town { vyapar, phones, host: Actor::system("example") };
    town.vyapar.access().seed(&town.host).await?;

    println!("-- Accounts");
    let asha = town.sign_in("Asha", "98200 11111").await?;
    let ravi = town.sign_in("Ravi", "+91 98200-22222").await?;
    let meena = town.sign_in("Meena", "098200 33333").await?;
    let thief = town.sign_in("Thief", "9820044444").await?;
    passwords(&town, &ravi).await?;
    platform(&town, &asha, &ravi, &thief).await?;
    store(&town, &asha, &meena, &ravi, &thief).await?;
    trail(&town, &ravi).await
}

/// A wrong password and an unknown number answer alike, and both lock.
async fn passwords(town: &Town, ravi: &Person) -> Outcome {
    println!("\n-- Passwords");
    let identity = town.vyapar.identity();
    let stranger = Actor::anonymous().via(request());
    let short = identity.change_password(&town.actor(ravi).await?, "", "short").await;
    show("set the password `short`", false, short)?;
    identity.change_password(&town.actor(ravi).await?, "", "a long enough one").await?;
    show("show the token from before the change", false, town.actor(ravi).await)?;
    for (whose, phone) in [("Ravi's", ravi.phone.clone()), ("nobody's", "9820099999".parse()?)] {
        for _ in 0..5 {
            let wrong = identity.sign_in(&stranger, &Login::Phone(phone.clone()), "a wrong one", None).await;
            drop(wrong);
        }
        let sixth = identity.sign_in(&stranger, &Login::Phone(phone), "a wrong one", None).await;
        show(&format!("try a sixth password on {whose} number"), false, sixth)?;
    }
    Ok(())
}

/// The hierarchy: level and permissions both count.
async fn platform(town: &Town, asha: &Person, ravi: &Person, thief: &Person) -> Outcome {
    println!("\n-- The platform");
    let access = town.vyapar.access();
    access.bootstrap(&town.host, asha.id).await?;
    show("make a second first super admin", false, access.bootstrap(&town.host, thief.id).await)?;
    let asha = town.actor(asha).await?;
    show("Asha makes Ravi an admin", true, access.assign_role(&asha, ravi.id, &RoleId::ADMIN, None).await)?;
    let by_ravi = access.actor_of(&town.host, ravi.id).await?;
    show(
        "Ravi makes himself super admin",
        false,
        access.assign_role(&by_ravi, ravi.id, &RoleId::SUPER_ADMIN, None).await,
    )?;
    show("Ravi makes Thief an admin too", false, access.assign_role(&by_ravi, thief.id, &RoleId::ADMIN, None).await)?;
    show("Ravi makes Thief a viewer", true, access.assign_role(&by_ravi, thief.id, &RoleId::VIEWER, None).await)?;
    show("Asha resigns", false, access.revoke_role(&asha, asha.user().expect("Asha"), &RoleId::SUPER_ADMIN).await)?;
    let deny = Grant { permission: known::USER_READ, scope: Scope::Platform, expires_at: None };
    access.set_override(&asha, ravi.id, deny, Effect::Deny).await?;
    show("Ravi, denied it, lists users", false, {
        let ravi = access.actor_of(&town.host, ravi.id).await?;
        town.vyapar.identity().list(&ravi, Default::default(), PageRequest::default()).await
    })?;
    let why = access.explain(&asha, ravi.id, &known::USER_READ).await?;
    println!("   why may Ravi not {}?", why.permission);
    for reason in why.reasons {
        match reason {
            Reason::AllowedBy { role: Some(role), .. } => println!("        {role} allows it"),
            Reason::DeniedBy(row) => println!("        {} denies it, and a denial wins", row.assignment_type),
            other => println!("        {other:?}"),
        }
    }
    Ok(())
}

/// A store's own people.
async fn store(town: &Town, asha: &Person, meena: &Person, ravi: &Person, thief: &Person) -> Outcome {
    println!("\n-- A store");
    let (stores, staff) = (town.vyapar.stores(), town.vyapar.staff());
    let id = stores.register(&town.actor(meena).await?, kirana()?).await?.id;
    let owner = town.actor(meena).await?;
    show("Meena lets her own store in", false, stores.set_status(&owner, id, StoreStatus::Active).await)?;
    let asha = town.actor(asha).await?;
    show("Asha lets it in", true, stores.set_status(&asha, id, StoreStatus::Active).await)?;
    let permissions =
        CapabilityChanges { granted: Capabilities::NONE.with(Capability::StockAdjust), denied: Capabilities::NONE };
    let invite = Invite { contact: Login::Phone(thief.phone.clone()), role: StoreRole::Staff, permissions };
    let invited = staff.invite(&owner, id, invite).await?;
    let by_ravi = town.vyapar.access().actor_of(&town.host, ravi.id).await?;
    show("Ravi uses an invitation sent to another", false, staff.accept(&by_ravi, invited.token.as_str()).await)?;
    let helper = town.actor(thief).await?;
    show("he it was sent to joins", true, staff.accept(&helper, invited.token.as_str()).await)?;
    let helper = town.actor(thief).await?;
    can(&helper, id);
    let raise = staff.change(&helper, id, thief.id, StoreRole::Owner, CapabilityChanges::default()).await;
    show("he makes himself owner", false, raise)?;
    show("the last owner leaves", false, staff.leave(&owner, id).await)?;
    show("Meena removes him", true, staff.remove(&owner, id, thief.id).await)?;
    let helper = town.actor(thief).await?;
    let looks = town.vyapar.inventory().products(&helper, id, Default::default(), PageRequest::default()).await;
    show(&format!("{} looks at the stock once more", thief.name), false, looks)
}

/// What the table allows somebody in a store.
fn can(actor: &Actor, store: StoreId) {
    let now = vyapar::time::Clock::now(&vyapar::time::SystemClock);
    let subject = vyapar::Subject::store(store);
    let may: Vec<_> = policy::METHODS
        .iter()
        .filter(|rule| matches!(rule.needs, policy::Needs::Store { .. }))
        .filter(|rule| actor.decide(rule, subject, now).is_allowed())
        .map(|rule| rule.method)
        .collect();
    println!("        in the store he may: {}", may.join(", "));
}

/// What is left of it in the audit log.
async fn trail(town: &Town, ravi: &Person) -> Outcome {
    println!("\n-- The audit log, about Ravi, newest first");
    let filter = AuditFilter { entity: Some(("user".to_owned(), ravi.id.to_string())), ..AuditFilter::default() };
    let page = town.vyapar.audit().list(&town.host, filter, PageRequest::first(8)).await?;
    for entry in page.items {
        let by = entry.user_id.map_or("the host".to_owned(), |user| {
            if user == ravi.id { "himself".to_owned() } else { "another".to_owned() }
        });
        println!("   {:<24} by {by:<9} {}", entry.action, entry.new_values.unwrap_or_default());
    }
    Ok(())
}

fn kirana() -> Outcome<NewStore> {
    let profile = StoreProfile {
        store_name: "Meena Kirana".to_owned(),
        store_type: StoreType::Grocery,
        address: "4 Station Road".to_owned(),
        city: "Surat".to_owned(),
        state: "24".parse()?,
        pincode: "395003".parse()?,
        coordinates: None,
        gstin: None,
        business_hours: BusinessHours::always(),
        delivery_radius_km: "3".parse()?,
        min_order_amount: Money::ZERO,
        delivery_fee: Money::ZERO,
        preparation_minutes: 20,
        accepts_online_payment: false,
    };
    let contact = StoreContact {
        owner_name: PersonalText::parse("owner_name", "Meena", 120)?,
        phone: "98200 33333".parse()?,
        email: None,
        whatsapp_number: None,
    };
    Ok(NewStore { profile, contact, owner: None })
}
