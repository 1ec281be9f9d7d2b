//! Code is cut by area, and an area has the same name in every crate.

use std::path::{Path, PathBuf};

/// Areas, and the crates beside core that must have them. DynamoDB has the units that the
/// spec puts there.
const AREAS: [(&str, &[&str]); 9] = [
    ("identity", &["memory", "postgres", "dynamo"]),
    ("access", &["memory", "postgres", "dynamo"]),
    ("store", &["memory", "postgres", "dynamo"]),
    ("customer", &["memory", "postgres"]),
    ("inventory", &["memory", "postgres", "dynamo"]),
    ("pricing", &[]),
    ("order", &["memory", "postgres", "dynamo"]),
    ("payment", &["memory", "postgres"]),
    ("system", &["memory", "postgres", "dynamo"]),
];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_path_buf()
}

fn has(folder: &Path, area: &str) -> bool {
    folder.join(area).is_dir() || folder.join(format!("{area}.rs")).is_file()
}

#[test]
fn every_area_is_where_it_should_be() {
    let root = workspace();
    for (area, adapters) in AREAS {
        assert!(has(&root.join("vyapar-core/src"), area), "core has no area `{area}`");
        for adapter in adapters {
            assert!(has(&root.join(format!("vyapar-{adapter}/src")), area), "vyapar-{adapter} has no area `{area}`");
        }
        let sql = std::fs::read_dir(root.join("vyapar-postgres/migrations")).expect("migrations");
        let named =
            sql.filter_map(Result::ok).any(|file| file.file_name().to_string_lossy().contains(&format!("_{area}_")));
        assert!(!adapters.contains(&"postgres") || named, "no migration of `{area}`");
    }
}

#[test]
fn core_depends_on_no_runtime_database_or_http() {
    let manifest = std::fs::read_to_string(workspace().join("vyapar-core/Cargo.toml")).expect("a manifest");
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|rest| rest.split("\n[").next());
    for line in dependencies.expect("dependencies").lines() {
        for banned in ["sqlx", "aws", "hyper", "reqwest", "axum"] {
            assert!(!line.starts_with(banned), "core depends on {line}");
        }
        assert!(!line.starts_with("tokio") || line.contains("optional"), "core depends on a runtime: {line}");
    }
}
