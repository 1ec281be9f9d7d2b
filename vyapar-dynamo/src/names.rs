//! How tables are called.

use crate::tables::TableDefinition;

/// The names of the tables: `{app}-{table}-{stage}` unless the host wants another pattern.
///
/// `TableNames::new("vyaparai", "prod")` calls the orders `vyaparai-orders-prod`, as the data
/// dictionary does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    app: String,
    stage: String,
    pattern: String,
}

impl TableNames {
    /// The names of `app` in `stage`.
    #[must_use]
    pub fn new(app: impl Into<String>, stage: impl Into<String>) -> Self {
        Self { app: app.into(), stage: stage.into(), pattern: "{app}-{table}-{stage}".to_owned() }
    }

    /// The same with another pattern, in which `{app}`, `{table}` and `{stage}` are replaced.
    /// A pattern without `{table}` calls all tables the same, and creating them will fail.
    #[must_use]
    pub fn with_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = pattern.into();
        self
    }

    /// The name of a table.
    #[must_use]
    pub fn of(&self, table: &TableDefinition) -> String {
        self.pattern.replace("{app}", &self.app).replace("{table}", table.name).replace("{stage}", &self.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ORDERS;

    #[test]
    fn names_follow_the_pattern() {
        let names = TableNames::new("vyaparai", "prod");
        assert_eq!(names.of(&ORDERS), "vyaparai-orders-prod");
        assert_eq!(names.with_pattern("{stage}.{table}").of(&ORDERS), "prod.orders");
    }
}
