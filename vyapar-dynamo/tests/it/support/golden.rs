//! Comparing with what is pinned in `tests/it/golden/`.

use std::collections::HashMap;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

/// Writes what was found over what was pinned, for a change of format that is meant.
const BLESS: &str = "VYAPAR_BLESS";

/// Fails when `found` is not what `golden/{name}.json` pins.
pub fn check(name: &str, found: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/golden/{name}.json"));
    let text = format!("{found:#}\n");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, text).expect("the golden file is written");
        return;
    }
    let pinned = std::fs::read_to_string(&path).expect("the golden file is there");
    assert!(
        pinned == text,
        "{name} differs from what is stored in the field already; if it is meant, write a migration note, set \
         {BLESS}=1 and run again.\npinned: {pinned}\nfound: {text}"
    );
}

/// An item in the protocol's own JSON, attributes by name.
pub fn item(item: &HashMap<String, AttributeValue>) -> Value {
    let mut sorted: Vec<_> = item.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    Value::Object(sorted.into_iter().map(|(name, of)| (name.clone(), value(of))).collect::<Map<_, _>>())
}

fn value(of: &AttributeValue) -> Value {
    match of {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(value).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": item(map) }),
        // Sealed bytes and keyed hashes: their length says enough.
        AttributeValue::B(bytes) => json!({ "B": format!("{} bytes", bytes.as_ref().len()) }),
        other => panic!("{other:?} is a type this adapter does not write"),
    }
}
