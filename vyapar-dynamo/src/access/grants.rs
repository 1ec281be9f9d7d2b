//! What users were given.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::TransactWriteItem;
use vyapar_core::access::{Assignment, GrantOutcome, GrantRepository, GrantTarget, Grants, Guard, MAX_ASSIGNMENTS};
use vyapar_core::error::{RepositoryError, RepositoryErrorKind, Stored};
use vyapar_core::id::UserId;
use vyapar_core::page::{Page, PageRequest};
use vyapar_core::system::AuditEntry;

use super::DynamoAccess;
use super::codec::{assignment_item, grants_item, read_grants, read_leftover};
use crate::db::{MAX_ACTIONS, Written};
use crate::expression::Expression;
use crate::item::{Attributes, ItemBuilder, number};
use crate::keys;
use crate::retry::Patience;
use crate::tables::USER_PERMISSIONS;

const SAVING: &str = "saving what a user was given";

#[async_trait]
impl GrantRepository for DynamoAccess {
    async fn of_user(&self, user: UserId) -> Stored<Option<Grants>> {
        let found = self.grants(user, &mut self.db.patience()).await?;
        found.as_ref().map(read_grants).transpose()
    }

    async fn save(&self, grants: Grants, expected: u64, guard: Guard, audit: AuditEntry) -> Stored<GrantOutcome> {
        if grants.assignments.len() > MAX_ASSIGNMENTS {
            let what = RepositoryErrorKind::LimitExceeded { what: "assignments", max: MAX_ASSIGNMENTS as u64 };
            return Err(RepositoryError::new(what, SAVING));
        }
        let user = grants.user_id;
        let mut patience = self.db.patience();
        // What has to change beside it follows from what stands there; that it still does is
        // what the transaction insists on.
        let found = self.grants(user, &mut patience).await?;
        let stored = found.as_ref().map(read_grants).transpose()?.unwrap_or_else(|| Grants::none(user));
        if stored.version != expected {
            return Ok(GrantOutcome::Stale);
        }
        let leftover = found.as_ref().map(read_leftover).transpose()?.unwrap_or_default();
        // The new state's version follows from the one it replaces.
        let grants = Grants { version: expected + 1, ..grants };
        let mut rows = self.rows(&stored, leftover, &grants)?;
        // All that is new fits beside the grants, the guard and the audit entry; what is gone
        // may have to wait.
        let later = rows.gone.split_off(rows.gone.len().min(MAX_ACTIONS - 3 - rows.new.len()));
        let unchanged = match expected {
            0 => Expression::new("attribute_not_exists(#assignment_id)"),
            _ => version_is(expected),
        };
        let mut actions = vec![self.db.put(&USER_PERMISSIONS, grants_item(&grants, &later), &unchanged)?];
        actions.extend(self.guarded(guard)?);
        actions.extend(rows.new);
        actions.extend(self.without(&rows.gone)?);
        let refusals = match self.audit.write(&actions, Some(&audit), &mut patience, SAVING).await? {
            Written::Done => {
                self.clear(&grants, &later, &mut patience).await;
                return Ok(GrantOutcome::Saved);
            }
            Written::Refused(refusals) => refusals,
        };
        if refusals.at(0).is_some() {
            return Ok(GrantOutcome::Stale);
        }
        // The guard refused it. Whether the version would have, too, is not known where
        // another transaction was in the way of the grants: versions only grow, so one that
        // still stands stood then.
        let found = self.grants(user, &mut patience).await?;
        let version = found.as_ref().map(read_grants).transpose()?.map_or(0, |grants| grants.version);
        Ok(if version == expected { GrantOutcome::Guarded } else { GrantOutcome::Stale })
    }

    async fn holders(&self, target: &GrantTarget, page: PageRequest) -> Stored<Page<Assignment>> {
        self.holders_of(target, page).await
    }
}

/// What becomes of the items of single assignments.
struct Rows {
    new: Vec<TransactWriteItem>,
    /// The ids of those to remove.
    gone: Vec<String>,
}

impl DynamoAccess {
    async fn grants(&self, user: UserId, patience: &mut Patience) -> Stored<Option<Attributes>> {
        self.db.get(&USER_PERMISSIONS, keys::grants(user), patience, "reading what a user was given").await
    }

    /// The action on the number of super admins, as [`Guard::applied_to`] has it; none where
    /// nothing changes, so that ordinary grants never meet each other.
    fn guarded(&self, guard: Guard) -> Stored<Option<TransactWriteItem>> {
        let one = |expression: &str| Expression::new(expression).value(":one", number(1));
        let (change, condition) = match guard {
            Guard::Keep => return Ok(None),
            Guard::First => {
                let none = Expression::new("attribute_not_exists(#count) OR #count = :none").value(":none", number(0));
                let first = ItemBuilder::new().extend(keys::super_admins()).with("count", number(1)).build();
                return self.db.put(&USER_PERMISSIONS, first, &none).map(Some);
            }
            Guard::Add => (one("ADD #count :one"), Expression::always()),
            Guard::Remove => (one("SET #count = #count - :one"), Expression::new("#count > :one")),
        };
        self.db.update(&USER_PERMISSIONS, keys::super_admins(), &change, &condition).map(Some)
    }

    /// What makes the items of single assignments what the new state says. Nothing is asked of
    /// what stands there: TTL may have removed it.
    fn rows(&self, before: &Grants, leftover: &[String], after: &Grants) -> Stored<Rows> {
        let (before, after) = (by_id(before), by_id(after));
        let mut new = Vec::new();
        for (id, given) in after.iter().filter(|(id, given)| before.get(*id) != Some(*given)) {
            new.push(self.db.put(&USER_PERMISSIONS, assignment_item(id, given), &Expression::always())?);
        }
        let known: BTreeSet<_> = before.keys().chain(leftover).collect();
        Ok(Rows { new, gone: known.into_iter().filter(|id| !after.contains_key(*id)).cloned().collect() })
    }

    fn without(&self, gone: &[String]) -> Stored<Vec<TransactWriteItem>> {
        let any = Expression::always();
        gone.iter().map(|id| self.db.delete(&USER_PERMISSIONS, keys::assignment(id), &any)).collect()
    }

    /// Removes items that did not fit into the transaction that made them useless. They mislead
    /// nobody, because the grants decide, and the next save would remove them: so this may fail.
    async fn clear(&self, grants: &Grants, leftover: &[String], patience: &mut Patience) {
        if leftover.is_empty() || leftover.len() >= MAX_ACTIONS {
            return;
        }
        let cleared = async {
            let change = Expression::new("REMOVE #leftover");
            let unchanged = version_is(grants.version);
            let mut actions =
                vec![self.db.update(&USER_PERMISSIONS, keys::grants(grants.user_id), &change, &unchanged)?];
            actions.extend(self.without(leftover)?);
            self.db.transact(actions, patience, "removing assignments that are gone").await
        };
        if let Err(error) = cleared.await {
            tracing::debug!(%error, "assignments that are gone are left for the next save");
        }
    }
}

fn version_is(version: u64) -> Expression {
    Expression::new("#version = :expected").value(":expected", number(version))
}

/// Assignments by their ids, each said to be the user's whose grants they are.
fn by_id(grants: &Grants) -> BTreeMap<String, Assignment> {
    let own = grants.assignments.iter().map(|given| Assignment { user_id: grants.user_id, ..given.clone() });
    own.map(|given| (given.assignment_id(), given)).collect()
}
