//! What tables and indexes there are, and creating them.
//!
//! The same definitions create tables (tests, first use) and are printed for infrastructure
//! code, so the two cannot differ. What stands in which key is shown in `keys`.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableStatus, TimeToLiveSpecification,
};
use serde_json::{Value, json};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};

use crate::TableNames;
use crate::error::{Failure, other};
use crate::retry::Patience;

mod definitions;

pub(crate) use definitions::TTL;
pub use definitions::{
    AUDIT_LOGS, ORDERS, OTP_VERIFICATIONS, PERMISSIONS, RESERVATIONS, ROLES, SESSIONS, STOCK, STOCK_MOVEMENTS,
    STOCK_OPERATIONS, STORE_COUNTS, STORE_INVITATIONS, STORE_USERS, STORES, TABLES, USER_PERMISSIONS, USERS,
};

/// The type of a key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAttribute {
    /// `S`.
    Text,
    /// `N`.
    Number,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDefinition {
    /// The part of its name that [`TableNames`] puts in the middle.
    pub name: &'static str,
    /// Attribute and type of the partition key.
    pub partition_key: (&'static str, KeyAttribute),
    /// Attribute and type of the sort key.
    pub sort_key: Option<(&'static str, KeyAttribute)>,
    /// Global secondary indexes.
    pub indexes: &'static [IndexDefinition],
    /// The attribute (Unix seconds) after which an item is deleted some time.
    pub ttl: Option<&'static str>,
}

/// A global secondary index. It holds keys only: what is listed is read from the table
/// itself, consistently, so an index costs a write only when its own keys change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Its name.
    pub name: &'static str,
    /// Attribute and type of the partition key.
    pub partition_key: (&'static str, KeyAttribute),
    /// Attribute and type of the sort key.
    pub sort_key: (&'static str, KeyAttribute),
}

impl IndexDefinition {
    const fn by_text(name: &'static str, partition_key: &'static str, sort_key: &'static str) -> Self {
        Self { name, partition_key: (partition_key, KeyAttribute::Text), sort_key: (sort_key, KeyAttribute::Text) }
    }

    const fn by_number(name: &'static str, partition_key: &'static str, sort_key: &'static str) -> Self {
        Self { name, partition_key: (partition_key, KeyAttribute::Text), sort_key: (sort_key, KeyAttribute::Number) }
    }
}

impl KeyAttribute {
    fn scalar(self) -> ScalarAttributeType {
        match self {
            Self::Text => ScalarAttributeType::S,
            Self::Number => ScalarAttributeType::N,
        }
    }
}

impl TableDefinition {
    /// Every key attribute of the table and its indexes, each once.
    fn attributes(&self) -> Vec<(&'static str, KeyAttribute)> {
        let mut all = vec![self.partition_key];
        all.extend(self.sort_key);
        all.extend(self.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]));
        let mut once: Vec<(&str, KeyAttribute)> = Vec::new();
        for attribute in all {
            if !once.contains(&attribute) {
                once.push(attribute);
            }
        }
        once
    }

    /// The table's properties as CloudFormation's `AWS::DynamoDB::Table` spells them.
    #[must_use]
    pub fn properties(&self, names: &TableNames) -> Value {
        let schema = |partition: &str, sort: Option<&str>| {
            let mut keys = vec![json!({ "AttributeName": partition, "KeyType": "HASH" })];
            keys.extend(sort.map(|sort| json!({ "AttributeName": sort, "KeyType": "RANGE" })));
            keys
        };
        let mut properties = json!({
            "TableName": names.of(self),
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": self.attributes().iter().map(|(name, of)| {
                json!({ "AttributeName": name, "AttributeType": of.scalar().as_str() })
            }).collect::<Vec<_>>(),
            "KeySchema": schema(self.partition_key.0, self.sort_key.map(|(name, _)| name)),
        });
        if let Some(object) = properties.as_object_mut() {
            if !self.indexes.is_empty() {
                let indexes = self.indexes.iter().map(|index| {
                    json!({
                        "IndexName": index.name,
                        "KeySchema": schema(index.partition_key.0, Some(index.sort_key.0)),
                        "Projection": { "ProjectionType": "KEYS_ONLY" },
                    })
                });
                object.insert("GlobalSecondaryIndexes".to_owned(), indexes.collect());
            }
            if let Some(ttl) = self.ttl {
                object.insert("TimeToLiveSpecification".to_owned(), json!({ "AttributeName": ttl, "Enabled": true }));
            }
        }
        properties
    }
}

/// All tables as a CloudFormation template, for infrastructure code.
#[must_use]
pub fn cloud_formation(names: &TableNames) -> Value {
    let resources: serde_json::Map<String, Value> = TABLES
        .iter()
        .map(|table| {
            let resource = json!({
                "Type": "AWS::DynamoDB::Table",
                // Orders and the ledger are never deleted with a stack.
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": table.properties(names),
            });
            (logical_id(table.name), resource)
        })
        .collect();
    json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": resources })
}

/// `stock-movements` as CloudFormation wants it: `StockMovementsTable`.
fn logical_id(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.chain(["Table".to_owned()]).collect()
}

/// How long a new table may take to become usable.
const CREATION_LIMIT: Duration = Duration::from_secs(300);

/// Creates those of `definitions` that are not there yet, and waits until all can be used.
/// Safe to repeat, and to run on several nodes at once. It does not alter a table that is
/// there already.
///
/// # Errors
/// Whatever the service answers, as a [`RepositoryError`]; `Busy` when a table is not usable
/// after five minutes.
pub async fn create_tables(client: &Client, names: &TableNames, definitions: &[TableDefinition]) -> Stored<()> {
    let mut patience = Patience::new(CREATION_LIMIT);
    for table in definitions {
        create(client, &names.of(table), table, &mut patience).await?;
    }
    for table in definitions {
        wait_until_active(client, &names.of(table), &mut patience).await?;
        if let Some(ttl) = table.ttl {
            expire_by(client, &names.of(table), ttl, &mut patience).await?;
        }
    }
    Ok(())
}

async fn create(client: &Client, name: &str, table: &TableDefinition, patience: &mut Patience) -> Stored<()> {
    loop {
        let mut request = client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_key_schema(Some(key_schema(table.partition_key.0, table.sort_key.map(|(name, _)| name))?));
        for (attribute, of) in table.attributes() {
            request = request.attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(attribute)
                    .attribute_type(of.scalar())
                    .build()
                    .map_err(incomplete)?,
            );
        }
        for index in table.indexes {
            request = request.global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(index.name)
                    .set_key_schema(Some(key_schema(index.partition_key.0, Some(index.sort_key.0))?))
                    .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                    .build()
                    .map_err(incomplete)?,
            );
        }
        match request.send().await {
            Ok(_) => return Ok(()),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) => {
                return Ok(());
            }
            Err(error) => {
                patience.pause(other(error)).await.map_err(|failure| failure.of_write("creating a table"))?;
            }
        }
    }
}

async fn wait_until_active(client: &Client, name: &str, patience: &mut Patience) -> Stored<()> {
    loop {
        let failure = match client.describe_table().table_name(name).send().await {
            Ok(answer) => {
                let active = answer.table().is_some_and(|table| {
                    table.table_status() == Some(&TableStatus::Active)
                        && table
                            .global_secondary_indexes()
                            .iter()
                            .all(|index| index.index_status() == Some(&IndexStatus::Active))
                });
                if active {
                    return Ok(());
                }
                Failure::Throttled(format!("table {name} is not active yet").into())
            }
            // A table just created may not be visible yet.
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Failure::Throttled(Box::new(error))
            }
            Err(error) => other(error),
        };
        patience.pause(failure).await.map_err(|failure| failure.of_read("waiting for a table"))?;
    }
}

async fn expire_by(client: &Client, name: &str, attribute: &str, patience: &mut Patience) -> Stored<()> {
    loop {
        let specification =
            TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build().map_err(incomplete)?;
        match client.update_time_to_live().table_name(name).time_to_live_specification(specification).send().await {
            Ok(_) => return Ok(()),
            // The service refuses to enable what is enabled; other servers do not mind.
            Err(error) if format!("{error:?}").contains("already enabled") => return Ok(()),
            Err(error) => {
                patience.pause(other(error)).await.map_err(|failure| failure.of_write("enabling expiry"))?;
            }
        }
    }
}

fn key_schema(partition: &str, sort: Option<&str>) -> Stored<Vec<KeySchemaElement>> {
    [(Some(partition), KeyType::Hash), (sort, KeyType::Range)]
        .into_iter()
        .filter_map(|(name, of)| Some((name?, of)))
        .map(|(name, of)| KeySchemaElement::builder().attribute_name(name).key_type(of).build().map_err(incomplete))
        .collect()
}

/// A request whose required parts are not all there: a fault of this crate.
pub(crate) fn incomplete(error: BuildError) -> RepositoryError {
    RepositoryError::new(RepositoryErrorKind::Backend, "an incomplete request").with_source(error)
}
