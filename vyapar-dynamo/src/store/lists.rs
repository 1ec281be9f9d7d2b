//! Lists of stores, of members, and of invitations.

use std::cmp::Reverse;

use vyapar_core::error::Stored;
use vyapar_core::id::{InvitationId, StoreId, UserId};
use vyapar_core::store::{Invitation, Store, StoreFilter, StoreUser};
use vyapar_core::time::Timestamp;

use super::codec::read_store;
use super::people::{read_invitation, read_member};
use crate::db::Query;
use crate::expression::Expression;
use crate::item::{Attributes, Row, text};
use crate::keys;
use crate::listing::{Listed, of_index};
use crate::tables::{STORE_INVITATIONS, STORE_USERS, STORES, TableDefinition};

/// The names of the lists that their cursors belong to.
pub(super) const STORE_LIST: &str = "stores";
pub(super) const MEMBER_LIST: &str = "members";
pub(super) const INVITATION_LIST: &str = "invitations";

/// Stores, by id. Those of a PIN code are few, so they are found by it and the status is for what
/// was read; else they are listed by status.
pub(super) struct StoresBy(pub(super) StoreFilter);

impl Listed for StoresBy {
    type Position = StoreId;
    type Thing = Store;
    const TABLE: &'static TableDefinition = &STORES;
    const DOING: &'static str = "listing stores";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&StoreId>) -> Vec<Query> {
        let list = |index, attribute, of| {
            let key = match after {
                None => Expression::new(format!("#{attribute} = :of")),
                Some(id) => Expression::new(format!("#{attribute} = :of AND #id > :after")).value(":after", text(id)),
            };
            of_index(&STORES, index, key.value(":of", of))
        };
        match &self.0.pincode {
            Some(pincode) => vec![list("pincode-index", "pincode", text(pincode))],
            None => keys::stores_lists(self.0.status).map(|of| list("list-index", "list_key", of)).collect(),
        }
    }

    fn position(&self, found: &Attributes) -> Stored<StoreId> {
        Row::new(STORES.name, found).parse("id")
    }

    fn id(&self, position: &StoreId) -> String {
        position.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(StoreId, Store)>> {
        let store = read_store(item)?;
        let belongs = self.0.status.is_none_or(|status| store.status == status)
            && self.0.pincode.as_ref().is_none_or(|pincode| store.profile.pincode == *pincode);
        Ok(belongs.then_some((store.id, store)).into_iter().collect())
    }
}

/// Stores that wait for their coordinates and are due, the longest due first.
pub(super) struct Geocoding {
    pub(super) due: Timestamp,
}

impl Listed for Geocoding {
    /// The index's own sort key, which ends with the id.
    type Position = String;
    type Thing = Store;
    const TABLE: &'static TableDefinition = &STORES;
    const DOING: &'static str = "listing stores that wait for their coordinates";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&String>) -> Vec<Query> {
        let until = text(keys::geocode_until(self.due));
        let key = |shard: String| {
            let key = match after {
                None => Expression::new("#geocode_shard = :of AND #geocode_at < :until"),
                // What is longer by a character is the first that follows.
                Some(after) => Expression::new("#geocode_shard = :of AND #geocode_at BETWEEN :from AND :until")
                    .value(":from", text(format_args!("{after} "))),
            };
            of_index(&STORES, "geocode-index", key.value(":of", text(shard)).value(":until", until.clone()))
        };
        keys::shards().map(key).collect()
    }

    fn position(&self, found: &Attributes) -> Stored<String> {
        Row::new(STORES.name, found).string("geocode_at")
    }

    fn id(&self, position: &String) -> String {
        position.rsplit('#').next().unwrap_or_default().to_owned()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(String, Store)>> {
        let store = read_store(item)?;
        let due = store.geocoding.filter(|waits| waits.due <= self.due);
        Ok(due.map(|waits| (keys::geocode_at(waits.due, store.id), store)).into_iter().collect())
    }
}

/// A store's members, by user.
pub(super) struct MembersOf(pub(super) StoreId);

impl Listed for MembersOf {
    type Position = UserId;
    type Thing = StoreUser;
    const TABLE: &'static TableDefinition = &STORE_USERS;
    const DOING: &'static str = "listing a store's members";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&UserId>) -> Vec<Query> {
        let key = match after {
            None => Expression::new("#store_id = :of"),
            Some(user) => Expression::new("#store_id = :of AND #user_id > :after").value(":after", text(user)),
        };
        vec![of_index(&STORE_USERS, "store_id-index", key.value(":of", text(self.0)))]
    }

    fn position(&self, found: &Attributes) -> Stored<UserId> {
        Row::new(STORE_USERS.name, found).parse("user_id")
    }

    fn id(&self, position: &UserId) -> String {
        position.to_string()
    }

    fn key(&self, id: String) -> Attributes {
        Attributes::from([("user_id".to_owned(), text(id)), ("store_id".to_owned(), text(self.0))])
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(UserId, StoreUser)>> {
        let member = read_member(item)?;
        Ok(vec![(member.user_id, member)])
    }
}

/// A store's invitations, newest first.
pub(super) struct InvitationsOf(pub(super) StoreId);

impl Listed for InvitationsOf {
    type Position = Reverse<InvitationId>;
    type Thing = Invitation;
    const TABLE: &'static TableDefinition = &STORE_INVITATIONS;
    const DOING: &'static str = "listing a store's invitations";
    const WHOLE: bool = false;

    fn queries(&self, after: Option<&Reverse<InvitationId>>) -> Vec<Query> {
        let key = match after {
            None => Expression::new("#store_id = :of"),
            Some(Reverse(id)) => Expression::new("#store_id = :of AND #id < :before").value(":before", text(id)),
        };
        let key = key.value(":of", text(self.0));
        vec![Query { newest_first: true, ..of_index(&STORE_INVITATIONS, "store_id-index", key) }]
    }

    fn position(&self, found: &Attributes) -> Stored<Reverse<InvitationId>> {
        Row::new(STORE_INVITATIONS.name, found).parse("id").map(Reverse)
    }

    fn id(&self, Reverse(id): &Reverse<InvitationId>) -> String {
        id.to_string()
    }

    fn read(&self, item: &Attributes) -> Stored<Vec<(Reverse<InvitationId>, Invitation)>> {
        let invitation = read_invitation(item)?;
        Ok(vec![(Reverse(invitation.id), invitation)])
    }
}
