//! The actions a transaction is made of.

use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use vyapar_core::error::Stored;

use super::Db;
use crate::expression::{Expression, Substitutions};
use crate::item::Attributes;
use crate::tables::{TableDefinition, incomplete};

impl Db {
    /// The action that writes a whole item.
    pub(crate) fn put(
        &self,
        table: &TableDefinition,
        item: Attributes,
        condition: &Expression,
    ) -> Stored<TransactWriteItem> {
        let with = Substitutions::of([condition]);
        let put = Put::builder()
            .table_name(self.names.of(table))
            .set_item(Some(item))
            .set_condition_expression(condition.given())
            .set_expression_attribute_names(with.names)
            .set_expression_attribute_values(with.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The action that writes an item where there is none, in as few words as there are: a
    /// transaction may carry a hundred, and each word is written, signed, sent and read. Nothing
    /// is told of what stands in its place, and the key is named as it is, so it must be none of
    /// the protocol's reserved words (no word with an underscore is).
    pub(crate) fn put_new(&self, table: &TableDefinition, item: Attributes) -> Stored<TransactWriteItem> {
        let (key, _) = table.partition_key;
        let put = Put::builder()
            .table_name(self.names.of(table))
            .set_item(Some(item))
            .condition_expression(format!("attribute_not_exists({key})"))
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The action that changes an item.
    pub(crate) fn update(
        &self,
        table: &TableDefinition,
        key: Attributes,
        change: &Expression,
        condition: &Expression,
    ) -> Stored<TransactWriteItem> {
        let with = Substitutions::of([change, condition]);
        let update = Update::builder()
            .table_name(self.names.of(table))
            .set_key(Some(key))
            .update_expression(change.text())
            .set_condition_expression(condition.given())
            .set_expression_attribute_names(with.names)
            .set_expression_attribute_values(with.values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The action that only insists on something.
    pub(crate) fn check(
        &self,
        table: &TableDefinition,
        key: Attributes,
        condition: &Expression,
    ) -> Stored<TransactWriteItem> {
        let with = Substitutions::of([condition]);
        let check = ConditionCheck::builder()
            .table_name(self.names.of(table))
            .set_key(Some(key))
            .condition_expression(condition.text())
            .set_expression_attribute_names(with.names)
            .set_expression_attribute_values(with.values)
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The action that removes an item.
    pub(crate) fn delete(
        &self,
        table: &TableDefinition,
        key: Attributes,
        condition: &Expression,
    ) -> Stored<TransactWriteItem> {
        let with = Substitutions::of([condition]);
        let delete = Delete::builder()
            .table_name(self.names.of(table))
            .set_key(Some(key))
            .set_condition_expression(condition.given())
            .set_expression_attribute_names(with.names)
            .set_expression_attribute_values(with.values)
            .build()
            .map_err(incomplete)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}
