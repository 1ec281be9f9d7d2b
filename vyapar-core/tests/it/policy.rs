//! The table of methods and what they require is whole: every public method of every service
//! that takes an actor has a row, and every row is asked for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use vyapar_core::access::policy::METHODS;

/// Where services are, and what the table calls them.
const SERVICES: [(&str, &str); 8] = [
    ("identity/service", "identity"),
    ("access/service", "access"),
    ("store/service", "stores"),
    ("customer/service", "customers"),
    ("store/staff.rs", "staff"),
    ("inventory/service", "inventory"),
    ("order/service", "orders"),
    ("system/service.rs", "audit"),
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.flat_map(|entry| files(&entry.unwrap().path())).collect()
}

/// The names of public methods that take an actor.
fn methods(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for start in ["    pub async fn ", "    pub fn "] {
        for part in text.split(start).skip(1) {
            let signature = part.split('{').next().unwrap();
            if signature.contains("actor: &Actor") {
                found.push(signature.split(['(', '<']).next().unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_public_method_has_its_row() {
    let mut written = BTreeSet::new();
    for (path, service) in SERVICES {
        for file in files(&source().join(path)) {
            let text = std::fs::read_to_string(&file).unwrap();
            written.extend(methods(&text).into_iter().map(|name| format!("{service}.{name}")));
        }
    }
    written.extend(
        methods(&std::fs::read_to_string(source().join("reseal.rs")).unwrap())
            .into_iter()
            .map(|name| format!("secrets.{name}")),
    );
    // The one that makes actors takes none; a list has one row with a store and one without.
    written.insert("identity.authenticate".to_owned());
    written.insert("audit.list_of_store".to_owned());
    let listed: BTreeSet<_> = METHODS.iter().map(|rule| rule.method.to_owned()).collect();
    assert!(written.len() > 80, "{written:?}");
    let differ: Vec<_> = written.symmetric_difference(&listed).collect();
    assert!(differ.is_empty(), "in the table or in a service, but not in both: {differ:?}");
}

#[test]
fn no_other_file_has_methods_that_take_an_actor() {
    for file in files(&source()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let here = file.strip_prefix(source()).unwrap();
        let known = SERVICES.iter().any(|(path, _)| here.starts_with(path)) || here.starts_with("reseal.rs");
        if !(known || here.starts_with("testing")) {
            // (`by` of an audit draft says who did something; it decides nothing.)
            let others: Vec<_> = methods(&text).into_iter().filter(|name| name != "by").collect();
            assert!(others.is_empty(), "{}: {others:?}", here.display());
        }
    }
}

/// A row that nobody asks for protects nothing.
#[test]
fn every_row_is_asked_for() {
    let mut text = String::new();
    for (path, _) in SERVICES {
        for file in files(&source().join(path)) {
            text.push_str(&std::fs::read_to_string(file).unwrap());
        }
    }
    text.push_str(&std::fs::read_to_string(source().join("reseal.rs")).unwrap());
    let table = std::fs::read_to_string(source().join("access/policy.rs")).unwrap();
    for line in table.lines().filter(|line| line.starts_with("    ") && line.contains(" = \"")) {
        let name = line.trim().split(' ').next().unwrap();
        // Signing in by what one shows is the check itself.
        if name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && name != "IDENTITY_AUTHENTICATE" {
            let public =
                ["STORES_GET", "STORES_FIND", "STORES_LIST", "STORES_NEARBY", "STORES_CHECK_DELIVERY"].contains(&name);
            assert!(public || text.contains(&format!("policy::{name}")), "{name}");
        }
    }
}
