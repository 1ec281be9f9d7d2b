//! Creating tables, and printing them.

use vyapar_core::testing::run;
use vyapar_dynamo::TableNames;
use vyapar_dynamo::tables::{KeyAttribute, TABLES, TableDefinition, cloud_formation, create_tables};

use crate::support::bench::{Fresh, fresh};
use crate::support::golden;

#[test]
fn creating_again_changes_nothing() {
    run(async {
        let Fresh { dynamo, client, names, server: _server } = fresh().await;
        dynamo.create_tables().await.unwrap();
        for table in TABLES {
            let found = client.describe_table().table_name(names.of(table)).send().await.unwrap().table.unwrap();
            assert_eq!(found.global_secondary_indexes().len(), table.indexes.len());
        }
    });
}

#[test]
fn expired_items_go_from_a_table_with_ttl() {
    run(async {
        let Fresh { client, names, server, .. } = fresh().await;
        let codes = TableDefinition {
            name: "codes",
            partition_key: ("id", KeyAttribute::Text),
            sort_key: None,
            indexes: &[],
            ttl: Some("ttl"),
        };
        // Twice: enabling what is enabled is no error.
        create_tables(&client, &names, &[codes]).await.unwrap();
        create_tables(&client, &names, &[codes]).await.unwrap();
        let ttl = client.describe_time_to_live().table_name(names.of(&codes)).send().await.unwrap();
        assert_eq!(ttl.time_to_live_description.unwrap().attribute_name.as_deref(), Some("ttl"));
        if let Some(swept) = server.sweep_ttl() {
            assert_eq!(swept, 0);
        }
    });
}

#[test]
fn the_printed_definitions_are_pinned() {
    golden::check("tables", &cloud_formation(&TableNames::new("vyaparai", "prod")));
}
