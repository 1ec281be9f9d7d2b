//! Nothing personal lies in the clear in any table, whatever attribute it could be in.

use aws_sdk_dynamodb::types::AttributeValue;
use vyapar_core::testing::town::{PERSONAL, busy_town};
use vyapar_core::testing::{Bench, Fixtures, run};
use vyapar_dynamo::tables::TABLES;

use crate::support::bench;

/// Every text, number and run of bytes of a value.
fn spill(value: &AttributeValue, into: &mut Vec<u8>) {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => into.extend_from_slice(text.as_bytes()),
        AttributeValue::B(bytes) => into.extend_from_slice(bytes.as_ref()),
        AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => {
            texts.iter().for_each(|text| into.extend_from_slice(text.as_bytes()));
        }
        AttributeValue::Bs(all) => all.iter().for_each(|bytes| into.extend_from_slice(bytes.as_ref())),
        AttributeValue::L(all) => all.iter().for_each(|value| spill(value, into)),
        AttributeValue::M(all) => all.iter().for_each(|(name, value)| {
            into.extend_from_slice(name.as_bytes());
            spill(value, into);
        }),
        _ => {}
    }
    into.push(b'\n');
}

#[test]
fn raw_tables_hold_nothing_personal() {
    run(async {
        let fresh = bench::fresh().await;
        busy_town(&Bench::new(bench::ports(&fresh.dynamo)), Fixtures::here()).await;
        let mut raw = Vec::new();
        for table in TABLES {
            let mut pages = fresh.client.scan().table_name(fresh.names.of(table)).into_paginator().items().send();
            let mut items = 0;
            while let Some(item) = pages.next().await {
                item.unwrap().iter().for_each(|(name, value)| {
                    raw.extend_from_slice(name.as_bytes());
                    spill(value, &mut raw);
                });
                items += 1;
            }
            assert!(items > 0, "{} was not used", table.name);
        }
        let holds = |needle: &str| raw.windows(needle.len()).any(|part| part == needle.as_bytes());
        assert!(holds("ROLE_VIEWER") && holds("order.place"), "what is not personal is there");
        for needle in PERSONAL {
            assert!(!holds(needle), "{needle} is stored in the clear");
        }
    });
}
