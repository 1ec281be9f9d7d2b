//! The library as a host sees it: services over the ports it handed in.

use std::sync::Arc;

use chrono::TimeDelta;

use crate::access::AccessService;
use crate::access::policy::Rule;
use crate::actor::{Actor, Decision, Subject};
use crate::customer::{CustomerService, Met};
use crate::env::Env;
use crate::geo::geocoder::{Geocoder, Lookups};
use crate::identity::{Bcrypt, IdentityService, OtpSender, PasswordHasher};
use crate::inventory::InventoryService;
use crate::money::Money;
use crate::order::OrderService;
use crate::payment::PaymentGateway;
use crate::ports::Ports;
use crate::reseal::SecretService;
use crate::store::{StaffService, StoreService};
use crate::system::AuditService;

/// What every service holds.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) ports: Ports,
    pub(crate) env: Env,
    pub(crate) gateway: Option<Arc<dyn PaymentGateway>>,
    pub(crate) passwords: Arc<dyn PasswordHasher>,
    pub(crate) otp_sender: Option<Arc<dyn OtpSender>>,
    pub(crate) geocoder: Option<Lookups>,
    pub(crate) met: Arc<Met>,
    pub(crate) settings: Settings,
}

impl Context {
    /// What the table says of this call, now.
    pub(crate) fn decide(&self, actor: &Actor, rule: &Rule, subject: Subject) -> Decision {
        actor.decide(rule, subject, self.env.now())
    }

    /// The same for a call that is about nobody in particular.
    pub(crate) fn allows(&self, actor: &Actor, rule: &Rule) -> bool {
        self.decide(actor, rule, Subject::NONE).is_allowed()
    }
}

/// Times that a host may set; see [`VyaparBuilder`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) cod_hold: TimeDelta,
    pub(crate) online_hold: TimeDelta,
    /// In paise; none where it is not above zero.
    pub(crate) loyalty_point_per: i64,
}

/// Builds a [`Vyapar`].
#[must_use]
pub struct VyaparBuilder {
    context: Context,
}

impl VyaparBuilder {
    /// The gateway for online payments; without one, orders that need it are refused.
    pub fn gateway(mut self, gateway: Arc<dyn PaymentGateway>) -> Self {
        self.context.gateway = Some(gateway);
        self
    }

    /// What hashes passwords ([`Bcrypt`] of cost 12 on two threads of its own unless set).
    pub fn passwords(mut self, hasher: Arc<dyn PasswordHasher>) -> Self {
        self.context.passwords = hasher;
        self
    }

    /// What brings one-time codes to phones; without one, asking for a code is refused.
    pub fn otp_sender(mut self, sender: Arc<dyn OtpSender>) -> Self {
        self.context.otp_sender = Some(sender);
        self
    }

    /// What finds the coordinates of stores, addresses and landmarks; without one, they are known
    /// only where callers give them, and wait for one.
    pub fn geocoder(mut self, geocoder: Arc<dyn Geocoder>) -> Self {
        self.context.geocoder = Some(Lookups::new(geocoder));
        self
    }

    /// For how much a customer gets one loyalty point (₹100 unless set; zero or less gives none).
    /// An order gives whole points, by what was paid for it.
    pub fn loyalty_point_per(mut self, amount: Money) -> Self {
        self.context.settings.loyalty_point_per = amount.paise();
        self
    }

    /// How long stock is held for an order paid on delivery until it is complete (2 minutes
    /// unless set).
    pub fn cod_hold(mut self, window: TimeDelta) -> Self {
        self.context.settings.cod_hold = window;
        self
    }

    /// How long stock is held for an order paid online until it is paid (15 minutes unless
    /// set).
    pub fn online_hold(mut self, window: TimeDelta) -> Self {
        self.context.settings.online_hold = window;
        self
    }

    /// The library, ready.
    #[must_use]
    pub fn build(self) -> Vyapar {
        let context = Arc::new(self.context);
        Vyapar {
            identity: IdentityService::new(Arc::clone(&context)),
            access: AccessService::new(Arc::clone(&context)),
            staff: StaffService::new(Arc::clone(&context)),
            secrets: SecretService::new(Arc::clone(&context)),
            stores: StoreService::new(Arc::clone(&context)),
            customers: CustomerService::new(Arc::clone(&context)),
            inventory: InventoryService::new(Arc::clone(&context)),
            orders: OrderService::new(Arc::clone(&context)),
            audit: AuditService::new(context),
        }
    }
}

/// All services of one host. Cheap to clone. It holds no state that could be lost: only
/// answers of the geocoder, for a while, which customers have a profile, and what the last
/// orders were quoted by.
///
/// It spawns nothing and has no timer: the host calls
/// [`recover`](crate::order::OrderService::recover) from its own scheduler.
#[derive(Clone)]
pub struct Vyapar {
    identity: IdentityService,
    access: AccessService,
    staff: StaffService,
    secrets: SecretService,
    stores: StoreService,
    customers: CustomerService,
    inventory: InventoryService,
    orders: OrderService,
    audit: AuditService,
}

impl Vyapar {
    /// A library over these ports, with this time, randomness and these keys.
    pub fn builder(ports: Ports, env: Env) -> VyaparBuilder {
        let settings = Settings {
            cod_hold: TimeDelta::minutes(2),
            online_hold: TimeDelta::minutes(15),
            loyalty_point_per: 10_000,
        };
        let context = Context {
            ports,
            env,
            gateway: None,
            passwords: Bcrypt::default_lazy(),
            otp_sender: None,
            geocoder: None,
            met: Arc::default(),
            settings,
        };
        VyaparBuilder { context }
    }

    /// Accounts, signing in, sessions.
    #[must_use]
    pub const fn identity(&self) -> &IdentityService {
        &self.identity
    }

    /// Permissions, roles, who has them.
    #[must_use]
    pub const fn access(&self) -> &AccessService {
        &self.access
    }

    /// Who works in stores.
    #[must_use]
    pub const fn staff(&self) -> &StaffService {
        &self.staff
    }

    /// Keys: sealing anew what an older one sealed.
    #[must_use]
    pub const fn secrets(&self) -> &SecretService {
        &self.secrets
    }

    /// Stores.
    #[must_use]
    pub const fn stores(&self) -> &StoreService {
        &self.stores
    }

    /// Customers and their addresses.
    #[must_use]
    pub const fn customers(&self) -> &CustomerService {
        &self.customers
    }

    /// Products and their stock.
    #[must_use]
    pub const fn inventory(&self) -> &InventoryService {
        &self.inventory
    }

    /// Orders.
    #[must_use]
    pub const fn orders(&self) -> &OrderService {
        &self.orders
    }

    /// The audit log.
    #[must_use]
    pub const fn audit(&self) -> &AuditService {
        &self.audit
    }
}
