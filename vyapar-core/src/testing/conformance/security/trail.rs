//! What critical operations leave behind, and what they do not.

use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use serde_json::json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::identity::{Login, OtpPurpose, UserFilter};
use crate::page::{AllStores, PageRequest};
use crate::system::AuditFilter;
use crate::testing::town::{PERSONAL, Town, busy_town};
use crate::testing::{Bench, Fixtures};

/// What the town's day must have left behind; `system` in the documentation explains each.
const ACTIONS: [&str; 33] = [
    "customer.begin",
    "customer.erase",
    "customer.prefer",
    "customer.save_address",
    "access.bootstrap",
    "access.grant",
    "access.revoke",
    "order.cancel",
    "order.place",
    "order.status",
    "otp.failed",
    "otp.request",
    "otp.verify",
    "permission.add",
    "product.add",
    "product.price",
    "role.add",
    "role.delete",
    "role.update",
    "session.revoke",
    "session.revoke_all",
    "staff.change",
    "staff.invite",
    "staff.join",
    "staff.remove",
    "store.register",
    "store.status",
    "user.change_password",
    "user.deactivate",
    "user.erase",
    "user.register",
    "user.sign_in",
    "user.sign_in_failed",
];

/// Each with who did it, to what, from where; and readable by entity and by user.
pub async fn every_critical_operation_leaves_its_entry(bench: &Bench) {
    let scene = busy_town(bench, Fixtures::here()).await;
    let town = &scene.town;
    let all = town.audit(AuditFilter::default()).await;
    let left: BTreeSet<_> = all.iter().map(|entry| entry.action.as_str()).collect();
    let missing: Vec<_> = ACTIONS.iter().filter(|action| !left.contains(*action)).collect();
    assert!(missing.is_empty(), "{missing:?} left no entry, these did: {left:?}");
    for entry in &all {
        // The host has no account, and who fails to sign in has not shown one.
        let by_host = entry.request.ip_address.is_none();
        let unknown = entry.action.starts_with("otp.") || entry.action == "user.sign_in_failed";
        assert!(entry.user_id.is_some() || by_host || unknown, "{entry:?}");
    }
    let by_user = AuditFilter { user_id: Some(scene.owner.id), ..AuditFilter::default() };
    let of_owner = town.audit(by_user).await;
    assert!(of_owner.iter().any(|entry| entry.action == "product.price"), "{of_owner:?}");
    assert!(of_owner.iter().all(|entry| entry.user_id == Some(scene.owner.id)));
    assert!(of_owner.iter().any(|entry| entry.request.ip_address.as_deref() == Some("203.0.113.9")));
    let of_order =
        AuditFilter { entity: Some(("order".to_owned(), scene.order.to_string())), ..AuditFilter::default() };
    // (Entries of one millisecond come in any order.)
    let mut actions: Vec<_> = town.audit(of_order).await.into_iter().map(|entry| entry.action).collect();
    actions.sort();
    assert_eq!(actions, ["order.place", "order.status", "order.status"]);
    let text = serde_json::to_string(&all).unwrap();
    for needle in PERSONAL {
        assert!(!text.contains(needle), "{needle} is in the audit log");
    }
}

/// All that ports read back after a day, as text, and the bytes of all that is sealed: names,
/// numbers, addresses, notes and passwords are in none of it. (Adapters also look into their
/// raw storage.)
pub async fn nothing_personal_is_stored_in_the_clear(bench: &Bench) {
    let scene = busy_town(bench, Fixtures::here()).await;
    let (town, ports) = (&scene.town, &scene.town.ports);
    let page = || PageRequest::first(PageRequest::MAX);
    let mut stored = Vec::new();
    let users = ports.identity.users.list(UserFilter::default(), page()).await.unwrap().items;
    assert!(users.len() >= 6, "{}", users.len());
    let mut keep = |what: serde_json::Value| stored.extend(what.to_string().into_bytes());
    for user in &users {
        keep(json!(user));
        keep(json!(ports.identity.sessions.list_by_user(user.id, page()).await.unwrap().items));
        keep(json!(ports.access.grants.of_user(user.id).await.unwrap()));
        keep(json!(ports.store.members.list_by_user(user.id).await.unwrap()));
    }
    keep(json!(ports.store.stores.list(AllStores, Default::default(), page()).await.unwrap().items));
    keep(json!(ports.store.invitations.list(scene.store, page()).await.unwrap().items));
    keep(json!(ports.product.products.list(scene.store, Default::default(), page()).await.unwrap().items));
    keep(json!(ports.order.orders.list(scene.store, Default::default(), page()).await.unwrap().items));
    keep(json!(ports.order.orders.history(scene.store, &scene.order).await.unwrap()));
    keep(json!(town.audit(AuditFilter::default()).await));
    let phone = scene.customer.phone.as_str().as_bytes();
    let book = town.make.env().blind("otp_verifications.phone", &[phone])[0];
    let book = ports.identity.otps.get(book).await.unwrap().unwrap();
    keep(json!(book));
    for code in &book.codes {
        stored.extend_from_slice(code.phone.as_bytes());
    }
    for unit in [&ports.identity.sealed, &ports.store.sealed, &ports.order.sealed] {
        let texts = unit.list(AllStores, page()).await.unwrap().items;
        assert!(!texts.is_empty());
        for text in texts {
            stored.extend_from_slice(text.context.as_bytes());
            stored.extend_from_slice(text.sealed.as_bytes());
        }
    }
    let holds = |needle: &str| stored.windows(needle.len()).any(|part| part == needle.as_bytes());
    assert!(holds("Sharma Kirana"), "what is public is there");
    for needle in PERSONAL {
        assert!(!holds(needle), "{needle} is stored in the clear");
    }
}

/// Writes all spans, events and fields into a text.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<String>>);

impl Capture {
    fn note(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(format!("{} {}", metadata.target(), metadata.name()));
        record(&mut line);
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(&line.0);
        text.push('\n');
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata(), |line| event.record(line));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A whole day is traced, all that it touched is printed, and what goes wrong is: no phone,
/// name, address, code, password or token is in any of it.
pub async fn nothing_personal_is_in_debug_errors_or_traces(bench: &Bench) {
    let capture = Capture::default();
    let guard = tracing::subscriber::set_default(capture.clone());
    tracing::info!("captured");
    let scene = busy_town(bench, Fixtures::here()).await;
    let town = &scene.town;
    let identity = town.vyapar.identity();
    let mut text = String::new();
    let mut print = |what: &dyn Debug| writeln!(text, "{what:?}").unwrap();
    print(&scene.customer.actor);
    print(&identity.profile(&town.host, scene.customer.id).await);
    print(&town.ports.identity.users.get(scene.customer.id).await);
    let order = town.vyapar.orders().get(&town.host, scene.store, &scene.order).await.unwrap();
    print(&town.vyapar.orders().contact(&town.host, &order));
    print(&order);
    let store = town.vyapar.stores().get(&town.host, scene.store).await.unwrap();
    print(&town.vyapar.stores().contact(&town.host, &store));
    let login = Login::Phone(scene.customer.phone.clone());
    print(&login);
    let secret = "correct horse battery";
    for answer in [
        identity.sign_in(&Town::stranger(), &login, secret, None).await.map(drop),
        identity.sign_in_with_code(&Town::stranger(), &scene.customer.phone, "271828", None, None).await.map(drop),
        identity.verify_email(&Town::stranger(), "00000000000000000000000000000000.deadbeef").await.map(drop),
    ] {
        let error = answer.unwrap_err();
        print(&error);
        print(&error.to_string());
    }
    print(&"98765x43210".parse::<Login>());
    print(&"asha.kulkarni@".parse::<Login>());
    town.make.clock().advance(TimeDelta::minutes(1));
    identity.request_code(&Town::stranger(), &scene.customer.phone, OtpPurpose::Login).await.unwrap();
    let code = town.codes.last(&scene.customer.phone, OtpPurpose::Login);
    let signed_in = identity.sign_in_with_code(&Town::stranger(), &scene.customer.phone, &code, None, None).await;
    let signed_in = signed_in.unwrap();
    print(&signed_in);
    drop(guard);
    text.push_str(&capture.0.lock().unwrap_or_else(PoisonError::into_inner));
    assert!(text.contains("captured"), "traces were captured");
    let (_, token) = signed_in.token.as_str().split_once('.').unwrap();
    let own = [secret, token, "asha.kulkarni", scene.customer.phone.as_str()];
    for needle in PERSONAL.iter().copied().chain(own) {
        assert!(!text.contains(needle), "{needle} in {text}");
    }
    let national = scene.customer.phone.as_str().strip_prefix("+91").unwrap();
    assert!(!text.contains(national), "{text}");
}
