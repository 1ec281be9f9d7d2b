//! Expressions of the protocol.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::item::Attributes;

/// An expression with its values.
///
/// Every attribute in it is written `#name`, so that no reserved word of the protocol's long
/// list is ever in the way; the names are read off the text.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    text: String,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), values: HashMap::new() }
    }

    /// The change of an item to a new state: each of the `mutable` attributes is set, or
    /// removed where the state has none. `also` is one more clause of the `SET`.
    pub(crate) fn to_state(mut state: Attributes, mutable: &[&str], also: Option<&str>) -> Self {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut values = HashMap::new();
        for name in mutable {
            match state.remove(*name) {
                Some(value) => {
                    set.push(format!("#{name} = :{name}"));
                    values.insert(format!(":{name}"), value);
                }
                None => remove.push(format!("#{name}")),
            }
        }
        set.extend(also.map(str::to_owned));
        let mut text = format!("SET {}", set.join(", "));
        if !remove.is_empty() {
            text.push_str(" REMOVE ");
            text.push_str(&remove.join(", "));
        }
        Self { text, values }
    }

    /// Gives `:name` its value.
    pub(crate) fn value(mut self, name: &str, value: AttributeValue) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// The condition that always holds; also the expression that a request does not have.
    pub(crate) fn always() -> Self {
        Self::new("")
    }

    pub(crate) fn text(&self) -> String {
        self.text.clone()
    }

    /// The text, unless it is empty: the service refuses an empty expression.
    pub(crate) fn given(&self) -> Option<String> {
        (!self.text.is_empty()).then(|| self.text.clone())
    }
}

/// The names and values of a request's expressions together; `None` where there are none,
/// because the service refuses an empty map.
pub(crate) struct Substitutions {
    pub(crate) names: Option<HashMap<String, String>>,
    pub(crate) values: Option<HashMap<String, AttributeValue>>,
}

impl Substitutions {
    pub(crate) fn of<'a>(expressions: impl IntoIterator<Item = &'a Expression>) -> Self {
        let mut names = HashMap::new();
        let mut values = HashMap::new();
        for expression in expressions {
            names.extend(names_in(&expression.text).map(|name| (format!("#{name}"), name.to_owned())));
            values.extend(expression.values.clone());
        }
        Self { names: (!names.is_empty()).then_some(names), values: (!values.is_empty()).then_some(values) }
    }
}

/// What follows each `#`.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('#').skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_off_the_text() {
        let names: Vec<_> = names_in("attribute_not_exists(#store_id) OR (#open = :no AND #attempt < :n)").collect();
        assert_eq!(names, ["store_id", "open", "attempt"]);
        assert!(Substitutions::of([&Expression::new("")]).names.is_none());
    }
}
