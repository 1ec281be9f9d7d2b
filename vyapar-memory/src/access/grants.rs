//! What users were given.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, RwLock};

use async_trait::async_trait;
use vyapar_core::access::{
    Assignment, AssignmentType, GrantOutcome, GrantRepository, GrantTarget, Grants, Guard, MAX_ASSIGNMENTS,
};
use vyapar_core::system::AuditEntry;
use vyapar_core::{Cursor, Page, PageRequest, Stored, UserId};

use crate::lock::{read, write};
use crate::system::AuditTrail;
use crate::{Map, limited, one_more};

/// The place of a holder in the list of them: types sort by their stored names.
type Holder = (UserId, &'static str);

fn holder(user: UserId, given: &Assignment) -> Holder {
    (user, given.assignment_type.as_str())
}

#[derive(Default)]
struct Rows {
    by_user: Map<UserId, Grants>,
    holders: Map<GrantTarget, BTreeMap<Holder, Assignment>>,
    super_admins: u64,
}

impl Rows {
    /// Stores a user's grants in place of those he had.
    fn put(&mut self, grants: Grants) {
        let user = grants.user_id;
        for given in self.by_user.get(&user).into_iter().flat_map(|before| &before.assignments) {
            if let Some(holders) = self.holders.get_mut(&given.target) {
                holders.remove(&holder(user, given));
            }
        }
        for given in &grants.assignments {
            let holders = self.holders.entry(given.target.clone()).or_default();
            holders.insert(holder(user, given), given.clone());
        }
        self.by_user.insert(user, grants);
    }
}

/// All grants, under one lock: the number of super admins goes across users.
pub(crate) struct AllGrants {
    rows: RwLock<Rows>,
    audit: Arc<AuditTrail>,
}

impl AllGrants {
    pub(crate) fn new(audit: Arc<AuditTrail>) -> Self {
        Self { rows: RwLock::default(), audit }
    }
}

/// Name of the list of holders, in its cursors.
const LIST: &str = "holders";

/// The key that the list goes on after.
fn position(cursor: &Cursor) -> Stored<Holder> {
    let (user, kind) = cursor.position(LIST)?.split_once(' ').unwrap_or_default();
    // Parsed through cursors again, so that a malformed part is refused as a malformed cursor.
    let kind: AssignmentType = Cursor::new(LIST, kind).parse_position(LIST)?;
    Ok((Cursor::new(LIST, user).parse_position(LIST)?, kind.as_str()))
}

#[async_trait]
impl GrantRepository for AllGrants {
    async fn of_user(&self, user: UserId) -> Stored<Option<Grants>> {
        Ok(read(&self.rows).by_user.get(&user).cloned())
    }

    async fn save(&self, grants: Grants, expected: u64, guard: Guard, audit: AuditEntry) -> Stored<GrantOutcome> {
        limited("assignments", grants.assignments.len(), MAX_ASSIGNMENTS)?;
        let mut rows = write(&self.rows);
        if rows.by_user.get(&grants.user_id).map_or(0, |stored| stored.version) != expected {
            return Ok(GrantOutcome::Stale);
        }
        let Some(super_admins) = guard.applied_to(rows.super_admins) else { return Ok(GrantOutcome::Guarded) };
        rows.super_admins = super_admins;
        rows.put(Grants { version: expected.saturating_add(1), ..grants });
        self.audit.record(audit);
        Ok(GrantOutcome::Saved)
    }

    async fn holders(&self, target: &GrantTarget, page: PageRequest) -> Stored<Page<Assignment>> {
        let after = match page.cursor() {
            Some(cursor) => Bound::Excluded(position(cursor)?),
            None => Bound::Unbounded,
        };
        let rows = read(&self.rows);
        let holders = rows.holders.get(target).into_iter();
        let items = holders
            .flat_map(|holders| holders.range((after, Bound::Unbounded)))
            .map(|(_, given)| given.clone())
            .take(one_more(page.limit()))
            .collect();
        Ok(Page::of(items, page.limit(), |last: &Assignment| {
            Cursor::new(LIST, format!("{} {}", last.user_id, last.assignment_type))
        }))
    }
}
