//! Stores (`stores`), what adds up in them (`store_order_counts`, `store_ratings`), where they are
//! (`store_points`), who works in them (`store_users`), who was asked to (`store_invitations`), and
//! their sealed texts.

mod counters;
mod invitations;
mod members;
mod nearby;
mod sealed;
mod stores;

use std::sync::Arc;

pub(crate) use stores::read;

use crate::catalogue::Catalogue;
use crate::database::Database;
use crate::gather::Lane;

/// All of the area's repositories.
pub(crate) struct Stores {
    pub(crate) database: Database,
    pub(crate) catalogue: Arc<Lane<Catalogue>>,
}
