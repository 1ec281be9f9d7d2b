//! A town with people in it, and what they do all day: for tests through the services.

mod day;
mod map;

pub use day::{BusyTown, PERSONAL, busy_town};
pub(crate) use map::TownMap;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::access::RoleId;
use crate::actor::{Actor, RequestContext};
use crate::contact::{PersonalText, Phone};
use crate::customer::{AddressType, NewAddress};
use crate::env::Env;
use crate::id::{StoreId, UserId};
use crate::identity::{Bcrypt, OtpPurpose, OtpSender, PasswordHasher, SendError};
use crate::page::{Page, PageRequest};
use crate::ports::Ports;
use crate::store::{NewStore, StoreContact, StoreProfile, StoreStatus};
use crate::system::{AuditEntry, AuditFilter};
use crate::testing::{Bench, Fixtures};
use crate::vyapar::Vyapar;

/// A sender that remembers what it sent.
#[derive(Debug, Default)]
pub struct Codes(Mutex<Vec<(Phone, OtpPurpose, String)>>);

impl Codes {
    /// The newest code sent to that phone for that purpose.
    ///
    /// # Panics
    /// Where none was sent.
    #[must_use]
    pub fn last(&self, phone: &Phone, purpose: OtpPurpose) -> String {
        let sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sent.iter().rev().find(|(to, of, _)| to == phone && *of == purpose);
        found.map(|(.., code)| code.clone()).unwrap()
    }

    /// How many codes were sent.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

#[async_trait]
impl OtpSender for Codes {
    async fn send(&self, phone: &Phone, code: &str, purpose: OtpPurpose) -> Result<(), SendError> {
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push((phone.clone(), purpose, code.to_owned()));
        Ok(())
    }
}

/// Somebody with an account and a session.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) phone: Phone,
    pub(crate) token: String,
    pub(crate) actor: Actor,
}

pub(crate) struct Town {
    pub(crate) make: Fixtures,
    pub(crate) ports: Ports,
    pub(crate) codes: Arc<Codes>,
    pub(crate) hasher: Arc<dyn PasswordHasher>,
    pub(crate) map: Arc<TownMap>,
    pub(crate) vyapar: Vyapar,
    pub(crate) host: Actor,
    phones: AtomicU32,
}

impl Town {
    /// A town whose permissions and roles are seeded.
    pub(crate) async fn open(bench: &Bench, make: Fixtures) -> Self {
        let (codes, hasher) = (Arc::new(Codes::default()), Arc::new(Bcrypt::new(4, 2)));
        let ports = bench.ports.clone();
        let mut town = Self {
            vyapar: Vyapar::builder(ports.clone(), make.env().clone()).build(),
            host: Actor::system("test"),
            phones: AtomicU32::new(0),
            ports,
            codes,
            hasher,
            map: Arc::default(),
            make,
        };
        town.vyapar = town.with_env(town.make.env().clone());
        town.vyapar.access().seed(&town.host).await.unwrap();
        town
    }

    /// The same town with other keys or another clock.
    pub(crate) fn with_env(&self, env: Env) -> Vyapar {
        self.assembled(self.ports.clone(), env)
    }

    /// The same town behind other ports.
    pub(crate) fn over(&self, ports: Ports) -> Vyapar {
        self.assembled(ports, self.make.env().clone())
    }

    fn assembled(&self, ports: Ports, env: Env) -> Vyapar {
        Vyapar::builder(ports, env)
            .passwords(Arc::clone(&self.hasher))
            .otp_sender(Arc::<Codes>::clone(&self.codes))
            .geocoder(Arc::<TownMap>::clone(&self.map))
            .build()
    }

    /// A mobile that nobody has yet.
    pub(crate) fn phone(&self) -> Phone {
        let n = self.phones.fetch_add(1, Ordering::SeqCst);
        format!("98{:08}", 10_000_000 + n).parse().unwrap()
    }

    pub(crate) fn request() -> RequestContext {
        RequestContext { ip_address: Some("203.0.113.9".to_owned()), user_agent: Some("test/1".to_owned()) }
    }

    pub(crate) fn stranger() -> Actor {
        Actor::anonymous().via(Self::request())
    }

    pub(crate) fn name(text: &str) -> PersonalText {
        PersonalText::parse("name", text, 120).unwrap()
    }

    /// Somebody who signs in by code, and gets an account by it.
    pub(crate) async fn person(&self) -> Person {
        let phone = self.phone();
        let token = self.sign_in(&phone, Some("Asha Kulkarni")).await;
        let actor = self.actor(&token).await;
        Person { id: actor.user().unwrap(), phone, token, actor }
    }

    /// Signs in by code; the token.
    pub(crate) async fn sign_in(&self, phone: &Phone, name: Option<&str>) -> String {
        let identity = self.vyapar.identity();
        identity.request_code(&Self::stranger(), phone, OtpPurpose::Login).await.unwrap();
        let code = self.codes.last(phone, OtpPurpose::Login);
        let name = name.map(Self::name);
        let signed_in = identity.sign_in_with_code(&Self::stranger(), phone, &code, name.as_ref(), Some("Pixel")).await;
        signed_in.unwrap().token.as_str().to_owned()
    }

    /// Who shows the token, as things stand now.
    pub(crate) async fn actor(&self, token: &str) -> Actor {
        self.vyapar.identity().authenticate(token, Self::request()).await.unwrap()
    }

    /// The same person as things stand now.
    pub(crate) async fn again(&self, person: &Person) -> Person {
        Person { actor: self.actor(&person.token).await, ..person.clone() }
    }

    /// The first super admin.
    pub(crate) async fn super_admin(&self) -> Person {
        let person = self.person().await;
        self.vyapar.access().bootstrap(&self.host, person.id).await.unwrap();
        self.again(&person).await
    }

    /// Somebody with a role, given by `by`.
    pub(crate) async fn with_role(&self, by: &Person, role: &RoleId) -> Person {
        let person = self.person().await;
        self.vyapar.access().assign_role(&by.actor, person.id, role, None).await.unwrap();
        self.again(&person).await
    }

    pub(crate) fn new_store(&self) -> NewStore {
        let profile = StoreProfile { gstin: None, state: "24".parse().unwrap(), ..self.make.store().profile };
        let contact = StoreContact {
            owner_name: Self::name("Asha Kulkarni"),
            phone: "98765 43210".parse().unwrap(),
            email: None,
            whatsapp_number: None,
        };
        NewStore { profile, contact, owner: None }
    }

    pub(crate) fn new_address(&self) -> NewAddress {
        NewAddress {
            address_type: AddressType::Home,
            line1: Self::name("17B Neelkanth Towers"),
            line2: None,
            landmark: Some(Self::name("Hanuman Mandir")),
            city: "Ahmedabad".to_owned(),
            state: "24".parse().unwrap(),
            pincode: "380001".parse().unwrap(),
            coordinates: None,
            make_default: false,
        }
    }

    /// A store of somebody's, let in by the host; and he as its owner.
    pub(crate) async fn store_of(&self, person: &Person) -> (StoreId, Person) {
        let stores = self.vyapar.stores();
        let store = stores.register(&person.actor, self.new_store()).await.unwrap().id;
        stores.set_status(&self.host, store, StoreStatus::Active).await.unwrap();
        (store, self.again(person).await)
    }

    /// All audit entries that match, newest first.
    pub(crate) async fn audit(&self, filter: AuditFilter) -> Vec<AuditEntry> {
        let mut found = Vec::new();
        let mut page = PageRequest::first(PageRequest::MAX);
        loop {
            let Page { items, next } = self.vyapar.audit().list(&self.host, filter.clone(), page).await.unwrap();
            found.extend(items);
            match next {
                Some(next) => page = PageRequest::first(PageRequest::MAX).after(next),
                None => return found,
            }
        }
    }
}
