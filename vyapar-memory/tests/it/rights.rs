//! Rules of accounts, rights and staff that are easy to break: what comes between two writes, what
//! was given before, what lasts longer than who gave it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use vyapar_core::access::{
    AccessError, AssignmentType, Capabilities, Capability, CapabilityChanges, Effect, Grant, Level, NewRole,
    Permission, PermissionAction, PermissionCategory, PermissionId, PermissionStatus, RoleId, Scope, known,
};
use vyapar_core::contact::{Email, PersonalText, Phone};
use vyapar_core::env::SystemEntropy;
use vyapar_core::id::{StoreId, UserId};
use vyapar_core::identity::{
    AccountKind, Bcrypt, ContactKind, HashError, IdentityError, Login, NewUser, OtpPurpose, Password, PasswordHash,
    PasswordHasher, ProfileChange, User, UserFilter, UserRepository,
};
use vyapar_core::store::{
    Invite, MAX_MEMBERSHIPS, MemberOutcome, NewStore, StoreContact, StoreError, StoreProfile, StoreStatus, StoreUser,
    StoreUserRepository, UpdateOutcome,
};
use vyapar_core::system::AuditEntry;
use vyapar_core::testing::Fixtures;
use vyapar_core::testing::town::Codes;
use vyapar_core::{
    Actor, Blind, Env, KeyRing, Page, PageRequest, Ports, RequestContext, SecretKey, StoreRole, Stored, Timestamp,
    Vyapar,
};
use vyapar_memory::Memory;

const DAY: Duration = Duration::from_secs(86_400);
const PASSWORD: &str = "correct horse battery";
const NONE: CapabilityChanges = CapabilityChanges { granted: Capabilities::NONE, denied: Capabilities::NONE };

struct Town {
    make: Fixtures,
    ports: Ports,
    codes: Arc<Codes>,
    vyapar: Vyapar,
    host: Actor,
    phones: AtomicU32,
}

#[derive(Clone)]
struct Person {
    id: UserId,
    phone: Phone,
    token: String,
    actor: Actor,
}

fn stranger() -> Actor {
    Actor::anonymous()
}

fn name(text: &str) -> PersonalText {
    PersonalText::parse("name", text, 120).unwrap()
}

fn granted(all: &[Capability]) -> CapabilityChanges {
    CapabilityChanges { granted: all.iter().copied().collect(), denied: Capabilities::NONE }
}

fn grant(permission: &PermissionId, scope: Scope) -> Grant {
    Grant { permission: permission.clone(), scope, expires_at: None }
}

impl Town {
    async fn open(make: Fixtures) -> Self {
        let (ports, codes) = (Memory::new().ports(), Arc::new(Codes::default()));
        let vyapar = Self::over(&ports, make.env().clone(), &codes);
        let host = Actor::system("test");
        vyapar.access().seed(&host).await.unwrap();
        Self { make, ports, codes, vyapar, host, phones: AtomicU32::new(0) }
    }

    fn over(ports: &Ports, env: Env, codes: &Arc<Codes>) -> Vyapar {
        let codes = Arc::<Codes>::clone(codes);
        Vyapar::builder(ports.clone(), env).passwords(Arc::new(Bcrypt::new(4, 1))).otp_sender(codes).build()
    }

    /// The same town with other ports.
    fn with(&self, ports: &Ports) -> Vyapar {
        Self::over(ports, self.make.env().clone(), &self.codes)
    }

    fn wait(&self, seconds: u64) {
        self.make.clock().set(self.make.now() + Duration::from_secs(seconds));
    }

    fn phone(&self) -> Phone {
        let n = self.phones.fetch_add(1, Ordering::SeqCst);
        format!("98{:08}", 10_000_000 + n).parse().unwrap()
    }

    async fn code(&self, phone: &Phone, purpose: OtpPurpose) -> String {
        self.wait(31);
        self.vyapar.identity().request_code(&stranger(), phone, purpose).await.unwrap();
        self.codes.last(phone, purpose)
    }

    async fn actor(&self, token: &str) -> Actor {
        self.vyapar.identity().authenticate(token, RequestContext::default()).await.unwrap()
    }

    async fn person(&self) -> Person {
        let phone = self.phone();
        let code = self.code(&phone, OtpPurpose::Login).await;
        let identity = self.vyapar.identity();
        let new = name("Asha");
        let signed_in = identity.sign_in_with_code(&stranger(), &phone, &code, Some(&new), None).await.unwrap();
        let token = signed_in.token.as_str().to_owned();
        let actor = self.actor(&token).await;
        Person { id: actor.user().unwrap(), phone, token, actor }
    }

    async fn again(&self, person: &Person) -> Person {
        Person { actor: self.actor(&person.token).await, ..person.clone() }
    }

    async fn super_admin(&self) -> Person {
        let person = self.person().await;
        self.vyapar.access().bootstrap(&self.host, person.id).await.unwrap();
        self.again(&person).await
    }

    async fn with_role(&self, by: &Actor, role: &RoleId, until: Option<Timestamp>) -> Person {
        let person = self.person().await;
        self.vyapar.access().assign_role(by, person.id, role, until).await.unwrap();
        self.again(&person).await
    }

    /// A role of the platform, and somebody who has it.
    async fn helper(&self, boss: &Person, level: u8, permissions: &[PermissionId]) -> Person {
        let id: RoleId = format!("ROLE_HELPER_{level}").parse().unwrap();
        let new = NewRole {
            id: id.clone(),
            name: "Helper".to_owned(),
            description: "For a test".to_owned(),
            permissions: permissions.iter().cloned().collect(),
            level: Level::new(level).unwrap(),
            scope: Scope::Platform,
        };
        self.vyapar.access().add_role(&boss.actor, new).await.unwrap();
        self.with_role(&boss.actor, &id, None).await
    }

    fn registration(&self) -> NewStore {
        let profile = StoreProfile { gstin: None, state: "24".parse().unwrap(), ..self.make.store().profile };
        let contact = StoreContact {
            owner_name: name("Asha Patel"),
            phone: "98765 43210".parse().unwrap(),
            email: None,
            whatsapp_number: None,
        };
        NewStore { profile, contact, owner: None }
    }

    async fn store_of(&self, person: &Person) -> (StoreId, Person) {
        let store = self.vyapar.stores().register(&person.actor, self.registration()).await.unwrap().id;
        self.vyapar.stores().set_status(&self.host, store, StoreStatus::Active).await.unwrap();
        (store, self.again(person).await)
    }

    /// The token of an invitation of that person.
    async fn invited(
        &self,
        by: &Person,
        store: StoreId,
        person: &Person,
        role: StoreRole,
        permissions: CapabilityChanges,
    ) -> String {
        let invite = Invite { contact: Login::Phone(person.phone.clone()), role, permissions };
        self.vyapar.staff().invite(&by.actor, store, invite).await.unwrap().token.as_str().to_owned()
    }

    async fn joined(&self, by: &Person, store: StoreId, role: StoreRole, permissions: CapabilityChanges) -> Person {
        let person = self.person().await;
        let token = self.invited(by, store, &person, role, permissions).await;
        self.vyapar.staff().accept(&person.actor, &token).await.unwrap();
        self.again(&person).await
    }

    async fn member(&self, store: StoreId, user: UserId) -> Option<StoreUser> {
        self.ports.store.members.get(store, user).await.unwrap()
    }
}

type Step = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What somebody else does at a moment that matters: once.
#[derive(Default)]
struct Meanwhile(Mutex<Option<Step>>);

impl Meanwhile {
    fn set(&self, step: impl Future<Output = ()> + Send + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::pin(step));
    }

    async fn happen(&self) {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(step) = step {
            step.await;
        }
    }
}

/// Members, with somebody who is faster before an update in `store`.
struct Members {
    inner: Arc<dyn StoreUserRepository>,
    store: StoreId,
    before_update: Meanwhile,
}

#[async_trait]
impl StoreUserRepository for Members {
    async fn insert(&self, store: StoreId, member: StoreUser, audit: AuditEntry) -> Stored<bool> {
        self.inner.insert(store, member, audit).await
    }
    async fn get(&self, store: StoreId, user: UserId) -> Stored<Option<StoreUser>> {
        self.inner.get(store, user).await
    }
    async fn update(
        &self,
        store: StoreId,
        member: StoreUser,
        expected: u64,
        audit: AuditEntry,
    ) -> Stored<MemberOutcome> {
        if store == self.store {
            self.before_update.happen().await;
        }
        self.inner.update(store, member, expected, audit).await
    }
    async fn list(&self, store: StoreId, page: PageRequest) -> Stored<Page<StoreUser>> {
        self.inner.list(store, page).await
    }
    async fn list_by_user(&self, user: UserId) -> Stored<Vec<StoreUser>> {
        self.inner.list_by_user(user).await
    }
}

/// Accounts, with somebody who is faster before one is added, or after one was changed.
struct Users {
    inner: Arc<dyn UserRepository>,
    before_insert: Meanwhile,
    after_update: Meanwhile,
}

impl Users {
    fn over(ports: &Ports) -> Arc<Self> {
        let inner = Arc::clone(&ports.identity.users);
        Arc::new(Self { inner, before_insert: Meanwhile::default(), after_update: Meanwhile::default() })
    }
}

#[async_trait]
impl UserRepository for Users {
    async fn insert(&self, user: User, audit: AuditEntry) -> Stored<()> {
        self.before_insert.happen().await;
        self.inner.insert(user, audit).await
    }
    async fn get(&self, id: UserId) -> Stored<Option<User>> {
        self.inner.get(id).await
    }
    async fn find(&self, kind: ContactKind, lookups: &[Blind]) -> Stored<Option<User>> {
        self.inner.find(kind, lookups).await
    }
    async fn update(&self, user: User, expected: u64, audit: Option<AuditEntry>) -> Stored<UpdateOutcome> {
        let outcome = self.inner.update(user, expected, audit).await;
        self.after_update.happen().await;
        outcome
    }
    async fn list(&self, filter: UserFilter, page: PageRequest) -> Stored<Page<User>> {
        self.inner.list(filter, page).await
    }
}

// ---- stores -------------------------------------------------------------------------------

/// Only the platform lets a store in.

#[tokio::test]
async fn a_store_does_not_let_itself_in() {
    let town = Town::open(Fixtures::here()).await;
    let person = town.person().await;
    let stores = town.vyapar.stores();
    let store = stores.register(&person.actor, town.registration()).await.unwrap().id;
    let owner = town.again(&person).await.actor;
    assert!(matches!(stores.set_status(&owner, store, StoreStatus::Active).await, Err(StoreError::Forbidden(_))));
    stores.set_status(&owner, store, StoreStatus::Inactive).await.unwrap();
    let opened = stores.set_status(&owner, store, StoreStatus::Active).await;
    assert!(matches!(opened, Err(StoreError::Forbidden(_))), "{opened:?}");
    assert!(stores.get(&stranger(), store).await.is_err(), "an unverified store is public");
}

/// The last owner of a store cannot be denied (DOMAIN section 3).

#[tokio::test]
async fn a_last_owner_is_denied_nothing() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let denied = CapabilityChanges { granted: Capabilities::NONE, denied: Capabilities::ALL };
    let answer = town.vyapar.staff().change(&owner.actor, store, owner.id, StoreRole::Owner, denied).await;
    assert!(answer.is_err(), "{answer:?}");
    let owner = town.again(&owner).await;
    town.vyapar.staff().change(&owner.actor, store, owner.id, StoreRole::Owner, NONE).await.unwrap();
}

/// Who is removed stays out until somebody takes him back.

#[tokio::test]
async fn an_invitation_from_before_a_removal_does_not_count() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let person = town.person().await;
    let first = town.invited(&owner, store, &person, StoreRole::Staff, NONE).await;
    let second = town.invited(&owner, store, &person, StoreRole::Staff, NONE).await;
    let staff = town.vyapar.staff();
    staff.accept(&person.actor, &first).await.unwrap();
    town.wait(60);
    staff.remove(&owner.actor, store, person.id).await.unwrap();
    let back = staff.accept(&town.again(&person).await.actor, &second).await;
    assert!(matches!(back, Err(StoreError::NoInvitation)), "{back:?}");
}

/// What somebody may hand out ends with his part in the store.

#[tokio::test]
async fn invitations_by_who_was_removed_do_not_count() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let manager = town.joined(&owner, store, StoreRole::Manager, granted(&[Capability::StaffManage])).await;
    let second = town.person().await;
    let rights = granted(&[Capability::StockAdjust, Capability::PaymentRefund]);
    let token = town.invited(&manager, store, &second, StoreRole::Staff, rights).await;
    town.vyapar.staff().remove(&owner.actor, store, manager.id).await.unwrap();
    let back = town.vyapar.staff().accept(&second.actor, &token).await;
    assert!(matches!(back, Err(StoreError::NoInvitation)), "{back:?}");
}

/// A member with `staff.manage` handles those below his own role.

#[tokio::test]
async fn only_who_could_invite_withdraws() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let helper = town.joined(&owner, store, StoreRole::Staff, granted(&[Capability::StaffManage])).await;
    let invite = Invite { contact: Login::Phone(town.phone()), role: StoreRole::Owner, permissions: NONE };
    let invited = town.vyapar.staff().invite(&owner.actor, store, invite).await.unwrap();
    let withdrawn = town.vyapar.staff().withdraw(&helper.actor, store, invited.invitation.id).await;
    assert!(matches!(withdrawn, Err(StoreError::NotYours(_))), "{withdrawn:?}");
}

/// A refused deactivation leaves all as it was, and what others did meanwhile too.

#[tokio::test]
async fn a_refused_deactivation_does_not_undo_a_removal() {
    let town = Town::open(Fixtures::here()).await;
    let (job, boss) = town.store_of(&town.person().await).await;
    let member = town.joined(&boss, job, StoreRole::Staff, NONE).await;
    town.wait(60);
    let (own, member) = town.store_of(&member).await;
    assert!(job < own);
    let members = Arc::new(Members {
        inner: Arc::clone(&town.ports.store.members),
        store: own,
        before_update: Default::default(),
    });
    let (vyapar, actor, user) = (town.vyapar.clone(), boss.actor.clone(), member.id);
    members.before_update.set(async move {
        let removed = vyapar.staff().remove(&actor, job, user).await.unwrap();
        assert!(!removed.is_active);
    });
    let mut ports = town.ports.clone();
    ports.store.members = members;
    let refused = town.with(&ports).identity().deactivate(&member.actor, member.id).await;
    assert!(matches!(refused, Err(IdentityError::Store(StoreError::LastOwner))), "{refused:?}");
    assert!(!town.member(job, member.id).await.unwrap().is_active, "the removed member is back");
}

/// A deactivated account has no part in a store; and no store has only such an owner.

#[tokio::test]
async fn nobody_is_taken_back_whose_account_is_closed_meanwhile() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let member = town.joined(&owner, store, StoreRole::Staff, NONE).await;
    town.vyapar.staff().remove(&owner.actor, store, member.id).await.unwrap();
    let members =
        Arc::new(Members { inner: Arc::clone(&town.ports.store.members), store, before_update: Default::default() });
    let (vyapar, actor, user) = (town.vyapar.clone(), member.actor.clone(), member.id);
    members.before_update.set(async move { vyapar.identity().deactivate(&actor, user).await.unwrap() });
    let mut ports = town.ports.clone();
    ports.store.members = members;
    let staff = town.with(&ports);
    let _ = staff.staff().change(&owner.actor, store, member.id, StoreRole::Owner, NONE).await;
    assert!(!town.member(store, member.id).await.unwrap().is_active, "a closed account works in the store");
    // With it as the other owner, the real one can leave, and nobody owns the store.
    let left = town.vyapar.staff().leave(&owner.actor, store).await;
    assert!(matches!(left, Err(StoreError::LastOwner)), "{left:?}");
}

/// Rights can be taken from a member however many stores he works in.

#[tokio::test]
async fn a_member_of_very_many_stores_can_be_changed() {
    let town = Town::open(Fixtures::here()).await;
    let (store, owner) = town.store_of(&town.person().await).await;
    let manager = town.joined(&owner, store, StoreRole::Manager, NONE).await;
    for _ in 1..MAX_MEMBERSHIPS {
        town.vyapar.stores().register(&manager.actor, town.registration()).await.unwrap();
    }
    let lowered = town.vyapar.staff().change(&owner.actor, store, manager.id, StoreRole::Staff, NONE).await;
    assert!(lowered.is_ok(), "{lowered:?}");
}

/// An invitation counts seven days, also while keys rotate.

#[tokio::test]
async fn an_invitation_outlives_an_index_key() {
    let town = Town::open(Fixtures::here()).await;
    let ring = || KeyRing::new(1, &SecretKey::new([0x11; 32]), &SecretKey::new([0x22; 32]));
    let under = |ring: KeyRing| {
        let clock = Arc::new(town.make.clock().clone());
        Town::over(&town.ports, Env::new(clock, Arc::new(SystemEntropy), Arc::new(ring)), &town.codes)
    };
    let (store, owner) = town.store_of(&town.person().await).await;
    let person = town.person().await;
    let token = town.invited(&owner, store, &person, StoreRole::Staff, NONE).await;
    let new = || ring().with_index_key(&SecretKey::new([0x44; 32]));
    for vyapar in [under(new()), under(new().without_old_index_keys())] {
        let mut position = Some(Default::default());
        while let Some(at) = position {
            position = vyapar.secrets().reseal(&town.host, at, 50).await.unwrap().next;
        }
    }
    let joined = under(new().without_old_index_keys()).staff().accept(&person.actor, &token).await;
    assert!(joined.is_ok(), "{joined:?}");
}

// ---- accounts -----------------------------------------------------------------------------

/// Whoever changes another account must stand above it: above what it had, where it is closed.

#[tokio::test]
async fn a_closed_account_keeps_its_rank() {
    let town = Town::open(Fixtures::here()).await;
    let boss = town.super_admin().await;
    let other = town.with_role(&boss.actor, &RoleId::SUPER_ADMIN, None).await;
    let admin = town.with_role(&boss.actor, &RoleId::ADMIN, None).await;
    let identity = town.vyapar.identity();
    identity.deactivate(&boss.actor, other.id).await.unwrap();
    let email: Email = "somebody.else@example.in".parse().unwrap();
    let change = ProfileChange { full_name: None, email: Some(email) };
    let changed = identity.update_profile(&admin.actor, other.id, change).await;
    assert!(matches!(changed, Err(IdentityError::NotAbove)), "{changed:?}");
    let erased = identity.erase(&admin.actor, other.id).await;
    assert!(matches!(erased, Err(IdentityError::NotAbove)), "{erased:?}");
    identity.reactivate(&boss.actor, other.id).await.unwrap();
}

/// Erased is erased.

#[tokio::test]
async fn an_erased_account_takes_nothing_more() {
    let town = Town::open(Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let person = town.person().await;
    let code = town.code(&person.phone, OtpPurpose::Verification).await;
    identity.erase(&person.actor, person.id).await.unwrap();
    let email: Email = "asha@example.in".parse().unwrap();
    let change = || ProfileChange { full_name: Some(name("Asha")), email: Some(email.clone()) };
    // (His app sent these a moment before.)
    let _ = identity.update_profile(&person.actor, person.id, change()).await;
    let _ = identity.verify_phone(&person.actor, &person.phone, &code).await;
    let _ = identity.update_profile(&town.host, person.id, change()).await;
    let _ = identity.erase(&town.host, person.id).await;
    let bare = identity.profile(&town.host, person.id).await.unwrap();
    assert_eq!((bare.full_name, bare.email, bare.phone), (None, None, None));
}

/// An erased account is closed, whoever takes it back meanwhile.

#[tokio::test]
async fn an_account_that_is_erased_is_closed() {
    let town = Town::open(Fixtures::here()).await;
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss.actor, &RoleId::ADMIN, None).await;
    let users = Users::over(&town.ports);
    let (vyapar, actor, user) = (town.vyapar.clone(), boss.actor.clone(), admin.id);
    users.after_update.set(async move { vyapar.identity().reactivate(&actor, user).await.unwrap() });
    let mut ports = town.ports.clone();
    ports.identity.users = users;
    let erased = town.with(&ports).identity().erase(&town.host, admin.id).await;
    let account = town.ports.identity.users.get(admin.id).await.unwrap().unwrap();
    assert!(erased.is_err() || !account.is_active, "erased, and active");
}

/// The last super admin can sign in.

#[tokio::test]
async fn a_closed_account_is_no_super_admin() {
    let town = Town::open(Fixtures::here()).await;
    let boss = town.super_admin().await;
    let other = town.with_role(&boss.actor, &RoleId::SUPER_ADMIN, None).await;
    town.vyapar.identity().deactivate(&boss.actor, other.id).await.unwrap();
    let users = Users::over(&town.ports);
    let (vyapar, actor, user) = (town.vyapar.clone(), boss.actor.clone(), other.id);
    users.after_update.set(async move { vyapar.identity().deactivate(&actor, user).await.unwrap() });
    let mut ports = town.ports.clone();
    ports.identity.users = users;
    let _ = town.with(&ports).identity().reactivate(&boss.actor, other.id).await;
    assert!(!town.ports.identity.users.get(other.id).await.unwrap().unwrap().is_active);
    let gone = town.vyapar.access().revoke_role(&boss.actor, boss.id, &RoleId::SUPER_ADMIN).await;
    assert!(matches!(gone, Err(AccessError::LastSuperAdmin)), "{gone:?}");
}

/// Whoever held a number without proof holds nothing of it once somebody proves it his.

#[tokio::test]
async fn proof_of_a_number_ends_also_what_was_set_a_moment_ago() {
    let town = Town::open(Fixtures::here()).await;
    let phone = town.phone();
    let code = town.code(&phone, OtpPurpose::Login).await;
    let users = Users::over(&town.ports);
    let (vyapar, squatted) = (town.vyapar.clone(), phone.clone());
    users.before_insert.set(async move {
        let new = NewUser {
            full_name: name("Somebody else"),
            email: None,
            phone: Some(squatted),
            password: Some(PASSWORD.to_owned()),
            kind: AccountKind::Customer,
        };
        vyapar.identity().register(&stranger(), new).await.unwrap();
    });
    let mut ports = town.ports.clone();
    ports.identity.users = users;
    let vyapar = town.with(&ports);
    let signed_in = vyapar.identity().sign_in_with_code(&stranger(), &phone, &code, Some(&name("Asha")), None).await;
    let squatter = town.vyapar.identity().sign_in(&stranger(), &Login::Phone(phone), PASSWORD, None).await;
    assert!(matches!(squatter, Err(IdentityError::WrongCredentials)), "the squatter is in: {squatter:?}");
    assert!(!signed_in.unwrap().is_new, "the account was made by somebody else's call");
}

/// bcrypt with too many before.
struct Busy(Bcrypt, AtomicU32);

#[async_trait]
impl PasswordHasher for Busy {
    async fn hash(&self, password: Password) -> Result<PasswordHash, HashError> {
        self.0.hash(password).await
    }
    async fn verify(&self, password: Password, hash: Option<PasswordHash>) -> Result<bool, HashError> {
        if self.1.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Err(HashError::Busy);
        }
        self.0.verify(password, hash).await
    }
}

/// Wrong passwords lock, and nothing else.

#[tokio::test]
async fn a_try_that_was_not_compared_does_not_count() {
    let town = Town::open(Fixtures::here()).await;
    let hasher = Arc::new(Busy(Bcrypt::new(4, 1), AtomicU32::new(5)));
    let vyapar = Vyapar::builder(town.ports.clone(), town.make.env().clone()).passwords(hasher).build();
    let phone = town.phone();
    let new = NewUser {
        full_name: name("Asha"),
        email: None,
        phone: Some(phone.clone()),
        password: Some(PASSWORD.to_owned()),
        kind: AccountKind::Customer,
    };
    vyapar.identity().register(&stranger(), new).await.unwrap();
    let login = Login::Phone(phone);
    for _ in 0..5 {
        let busy = vyapar.identity().sign_in(&stranger(), &login, PASSWORD, None).await;
        assert!(matches!(busy, Err(IdentityError::Hash(HashError::Busy))), "{busy:?}");
    }
    let signed_in = vyapar.identity().sign_in(&stranger(), &login, PASSWORD, None).await;
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

/// A number belongs to who proves it.

#[tokio::test]
async fn a_claim_without_proof_gives_way_to_one_with_it() {
    let town = Town::open(Fixtures::here()).await;
    let identity = town.vyapar.identity();
    let (person, number) = (town.person().await, town.phone());
    let squat = NewUser {
        full_name: name("Somebody else"),
        email: None,
        phone: Some(number.clone()),
        password: Some(PASSWORD.to_owned()),
        kind: AccountKind::Customer,
    };
    identity.register(&stranger(), squat).await.unwrap();
    let code = town.code(&number, OtpPurpose::Verification).await;
    let proved = identity.verify_phone(&person.actor, &number, &code).await;
    assert!(proved.is_ok(), "{proved:?}");
}

// ---- permissions --------------------------------------------------------------------------

/// Nobody hands out more than he has, nor for longer.

#[tokio::test]
async fn nobody_hands_out_for_longer_than_he_has() {
    let town = Town::open(Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let day = town.make.now() + DAY;
    let guest = town.with_role(&boss.actor, &RoleId::SUPER_ADMIN, Some(day)).await;
    let raised = access.assign_role(&guest.actor, guest.id, &RoleId::SUPER_ADMIN, None).await;
    let admin = town.with_role(&boss.actor, &RoleId::ADMIN, Some(day)).await;
    let friend = town.person().await;
    let given = access.assign_role(&admin.actor, friend.id, &RoleId::CATALOG_EDITOR, None).await;
    let permission = access.grant(&admin.actor, friend.id, grant(&known::USER_READ, Scope::Platform)).await;
    assert!(raised.is_err(), "a guest made himself permanent");
    assert!(given.is_err() && permission.is_err(), "{given:?} {permission:?}");
}

/// Taking a denial away hands out what it denied, everywhere.

#[tokio::test]
async fn a_denial_is_lifted_only_by_who_has_the_permission_everywhere() {
    let town = Town::open(Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let giver = town.helper(&boss, 15, &[known::USER_ASSIGN_PERMISSIONS]).await;
    access.grant(&boss.actor, giver.id, grant(&known::PRODUCT_UPDATE, Scope::Stores)).await.unwrap();
    let giver = town.again(&giver).await;
    let editor = town.person().await;
    access.grant(&boss.actor, editor.id, grant(&known::PRODUCT_UPDATE, Scope::Platform)).await.unwrap();
    let everywhere = grant(&known::PRODUCT_UPDATE, Scope::Platform);
    access.set_override(&boss.actor, editor.id, everywhere, Effect::Deny).await.unwrap();
    let revoked = access.revoke(&giver.actor, editor.id, &known::PRODUCT_UPDATE, AssignmentType::Override).await;
    assert!(matches!(revoked, Err(AccessError::NotHeld(_))), "{revoked:?}");
    let soon = town.make.now() + Duration::from_secs(1);
    let here = |expires_at| Grant { expires_at, ..grant(&known::PRODUCT_UPDATE, Scope::Stores) };
    let allowed = access.set_override(&giver.actor, editor.id, here(None), Effect::Allow).await;
    let shortened = access.set_override(&giver.actor, editor.id, here(Some(soon)), Effect::Deny).await;
    let effective = access.effective(&town.host, editor.id).await.unwrap();
    assert!(!effective.allows_everywhere(&known::PRODUCT_UPDATE, soon), "{allowed:?} {shortened:?}");
}

/// Whoever changes something in access is judged by what storage says of him at that moment.

#[tokio::test]
async fn permissions_are_changed_by_who_still_may() {
    let town = Town::open(Fixtures::here()).await;
    let access = town.vyapar.access();
    let boss = town.super_admin().await;
    let admin = town.with_role(&boss.actor, &RoleId::ADMIN, None).await;
    access.revoke_role(&boss.actor, admin.id, &RoleId::ADMIN).await.unwrap();
    let now = town.make.now();
    let id: PermissionId = "PERM_LOYALTY_AWARD".parse().unwrap();
    let new = Permission {
        id: id.clone(),
        name: "Award points".to_owned(),
        description: "Gives points".to_owned(),
        category: PermissionCategory::UserManagement,
        resource: "customers".to_owned(),
        action: PermissionAction::Update,
        status: PermissionStatus::Active,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let added = access.add_permission(&admin.actor, new).await;
    let ended = access.set_permission_status(&admin.actor, &id, PermissionStatus::Deprecated).await;
    assert!(matches!(added, Err(AccessError::Forbidden(_))), "{added:?}");
    assert!(matches!(ended, Err(AccessError::Forbidden(_))), "{ended:?}");
}

/// What has ended makes room.

#[tokio::test]
async fn ended_assignments_make_room_for_others() {
    let town = Town::open(Fixtures::here()).await;
    let access = town.vyapar.access();
    let (person, soon) = (town.person().await, town.make.now() + Duration::from_secs(3600));
    for n in 0..64_u32 {
        let id: RoleId = format!("ROLE_SEASON_{n}").parse().unwrap();
        let new = NewRole {
            id: id.clone(),
            name: "Season".to_owned(),
            description: "For a test".to_owned(),
            permissions: Default::default(),
            level: Level::new(90).unwrap(),
            scope: Scope::Stores,
        };
        access.add_role(&town.host, new).await.unwrap();
        access.assign_role(&town.host, person.id, &id, Some(soon)).await.unwrap();
    }
    town.make.clock().set(soon);
    let more = access.assign_role(&town.host, person.id, &RoleId::VIEWER, None).await;
    assert!(more.is_ok(), "{more:?}");
}
