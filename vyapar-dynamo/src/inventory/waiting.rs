//! The calls that wait for their turn, and which of them go together.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use tokio::runtime::{Handle, Id};
use vyapar_core::error::{RepositoryError, Stored};
use vyapar_core::id::{OperationId, ProductId, ReservationId, StoreId};

use super::books::Books;
use super::codec::SALES_OF_AN_ITEM;
use crate::db::MAX_ACTIONS;
use crate::retry::Patience;

/// What a call reads and may write.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) store: StoreId,
    pub(crate) reservation: Option<ReservationId>,
    pub(crate) operation: Option<OperationId>,
    pub(crate) products: BTreeSet<ProductId>,
    /// Whether the reservation is most likely not there yet: then it is not read first.
    pub(crate) fresh: bool,
    /// Whether all it books are sales to an order, which share an item with those beside them.
    pub(crate) sells: bool,
}

/// Something that only one group at a time may read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Product(StoreId, ProductId),
    Reservation(StoreId, ReservationId),
    Operation(StoreId, OperationId),
}

impl Ask {
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        let products = self.products.iter().map(|product| Key::Product(self.store, *product));
        let reservation = self.reservation.map(|id| Key::Reservation(self.store, id));
        products.chain(reservation).chain(self.operation.map(|id| Key::Operation(self.store, id)))
    }
}

/// Gives a decided call its answer, once what was decided is stored.
pub(super) type Deliver = Box<dyn FnOnce() + Send>;

/// Makes something of the books, and of what it made an answer.
pub(super) type Decide = Box<dyn Fn(&mut Books) -> Stored<Deliver> + Send + Sync>;

/// A call on its way.
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) ask: Ask,
    pub(super) patience: Patience,
    pub(super) decide: Decide,
    pub(super) fail: Box<dyn Fn(RepositoryError) + Send + Sync>,
    /// Where its caller waits.
    pub(super) runtime: Handle,
    /// Whether he still does, and so keeps that runtime going.
    pub(super) listens: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Calls that go into one transaction.
#[derive(Default)]
pub(super) struct Group {
    pub(super) keys: HashSet<Key>,
    pub(super) actions: usize,
    pub(super) jobs: Vec<Job>,
    /// How many sales the last item of movements of each product has; 0 where it takes none.
    sales: HashMap<ProductId, usize>,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) jobs: VecDeque<Job>,
    pub(super) busy: HashSet<Key>,
}

impl Waiting {
    /// Puts calls back that never began, each before all that arrived after it.
    pub(super) fn put_back(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            let place = self.jobs.partition_point(|other| other.number < job.number);
            self.jobs.insert(place, job);
        }
    }

    /// A runtime on which somebody waits.
    pub(super) fn runtime(&self) -> Option<Handle> {
        self.jobs.iter().find(|job| (job.listens)()).map(|job| job.runtime.clone())
    }

    /// Takes out of the queue the calls whose runtime has stopped.
    pub(super) fn leave_with(&mut self, stopped: Id) -> Vec<Job> {
        let (gone, left) = std::mem::take(&mut self.jobs).into_iter().partition(|job| job.runtime.id() == stopped);
        self.jobs = left;
        Vec::from(gone)
    }

    /// Takes out of the queue what can go now, in groups that share nothing. What cannot go
    /// keeps its place, and nothing overtakes it for what it wants.
    /// Unless they `share`, each is a group of its own.
    pub(super) fn group(&mut self, share: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut blocked: HashSet<Key> = HashSet::new();
        let mut left = VecDeque::new();
        for job in self.jobs.drain(..) {
            let keys: HashSet<Key> = job.ask.keys().collect();
            let free = keys.iter().all(|key| !self.busy.contains(key) && !blocked.contains(key));
            let mut sharing = groups.iter_mut().filter(|group| !group.keys.is_disjoint(&keys));
            match (free, sharing.next(), sharing.next()) {
                (true, None, _) => {
                    let mut group = Group::default();
                    group.join(job, keys);
                    groups.push(group);
                }
                (true, Some(group), None) if share && group.actions + group.cost(&job.ask) <= MAX_ACTIONS => {
                    group.join(job, keys);
                }
                _ => {
                    blocked.extend(keys);
                    left.push_back(job);
                }
            }
        }
        self.jobs = left;
        groups
    }
}

impl Group {
    /// How many actions a call adds at most: its own item, and for each product the level where
    /// it is new, and a movement where that does not go into the item before it.
    ///
    /// A call that is refused in the end leaves its movement out, which never makes more items.
    fn cost(&self, ask: &Ask) -> usize {
        let of_product = |product: &ProductId| match self.sales.get(product) {
            None => 2,
            Some(sales) => usize::from(!ask.sells || !(1..SALES_OF_AN_ITEM).contains(sales)),
        };
        1 + ask.products.iter().map(of_product).sum::<usize>()
    }

    fn join(&mut self, job: Job, keys: HashSet<Key>) {
        self.actions += self.cost(&job.ask);
        for product in &job.ask.products {
            let sales = self.sales.entry(*product).or_default();
            *sales = if job.ask.sells { *sales % SALES_OF_AN_ITEM + 1 } else { 0 };
        }
        self.keys.extend(keys);
        self.jobs.push(job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use proptest::prelude::*;
    use vyapar_core::id::MovementId;
    use vyapar_core::inventory::{Movement, MovementType, Reference};
    use vyapar_core::quantity::{Quantity, QuantityDelta};

    use crate::inventory::books::items;

    fn product(n: u128) -> ProductId {
        ProductId::from_uuid(uuid::Uuid::from_u128(n))
    }

    fn job(number: u64, store: u128, products: &[u128]) -> Job {
        Job {
            number,
            ask: Ask {
                store: StoreId::from_uuid(uuid::Uuid::from_u128(store)),
                reservation: Some(ReservationId::from_uuid(uuid::Uuid::from_u128(u128::from(number)))),
                operation: None,
                products: products.iter().copied().map(product).collect(),
                fresh: true,
                sells: true,
            },
            patience: Patience::new(Duration::from_secs(1)),
            decide: Box::new(|_| Ok(Box::new(|| {}))),
            fail: Box::new(|_| {}),
            runtime: Handle::current(),
            listens: Box::new(|| true),
        }
    }

    /// One that books something else than a sale.
    fn other(number: u64, store: u128, products: &[u128]) -> Job {
        let job = job(number, store, products);
        Job { ask: Ask { sells: false, ..job.ask }, ..job }
    }

    fn groups(waiting: &mut Waiting) -> Vec<Vec<u64>> {
        let groups = waiting.group(true);
        groups.iter().map(|group| group.jobs.iter().map(|job| job.number).collect()).collect()
    }

    fn first(waiting: &mut Waiting) -> Option<(usize, usize)> {
        waiting.group(true).first().map(|group| (group.jobs.len(), group.actions))
    }

    #[tokio::test]
    async fn what_shares_a_product_goes_together_and_nothing_overtakes() {
        let mut waiting = Waiting::default();
        waiting.jobs.extend([job(1, 1, &[1]), job(2, 1, &[2]), job(3, 1, &[1]), job(4, 2, &[1])]);
        // 5 would join two groups and waits; 6 wants what 5 waits for, and must not overtake it.
        waiting.jobs.extend([job(5, 1, &[1, 2]), job(6, 1, &[2])]);
        assert_eq!(groups(&mut waiting), [vec![1, 3], vec![2], vec![4]]);
        assert_eq!(waiting.jobs.iter().map(|job| job.number).collect::<Vec<_>>(), [5, 6]);
        assert_eq!(groups(&mut waiting), [vec![5, 6]]);
    }

    #[tokio::test]
    async fn a_group_fits_a_transaction() {
        let mut waiting = Waiting::default();
        waiting.jobs.extend((0..120).map(|n| job(n, 1, &[1])));
        // 93 reservations, 6 items of movements and a level.
        assert_eq!(first(&mut waiting), Some((93, 100)));
        assert_eq!(waiting.jobs.len(), 27);
        let mut waiting = Waiting::default();
        waiting.jobs.extend((0..60).map(|n| other(n, 1, &[1])));
        // 49 reservations, 49 movements and a level.
        assert_eq!(first(&mut waiting), Some((49, 99)));
        let mut waiting = Waiting::default();
        // What is no sale ends the item before it, and begins none.
        waiting.jobs.extend([job(1, 1, &[1]), job(2, 1, &[1]), other(3, 1, &[1]), job(4, 1, &[1]), job(5, 1, &[1])]);
        assert_eq!(first(&mut waiting), Some((5, 5 + 1 + 3)));
    }

    /// What a call of a product books: a sale, a change by hand, or nothing, because it was refused.
    #[derive(Debug, Clone, Copy)]
    enum Books {
        Sale,
        SaleOfAnAmendment,
        Change,
        Refused { sells: bool },
    }

    fn books() -> impl Strategy<Value = Books> {
        prop_oneof![
            6 => Just(Books::Sale),
            1 => Just(Books::SaleOfAnAmendment),
            1 => Just(Books::Change),
            1 => any::<bool>().prop_map(|sells| Books::Refused { sells }),
        ]
    }

    fn movement(product_id: ProductId, seq: u64, by_hand: bool) -> Movement {
        let (movement_type, reference_type) = match by_hand {
            true => (MovementType::Adjustment, Reference::Manual),
            false => (MovementType::Sale, Reference::Order),
        };
        Movement {
            id: MovementId::of(product_id, seq),
            product_id,
            seq,
            movement_type,
            quantity: QuantityDelta::ZERO,
            balance_after: Quantity::ZERO,
            reference_type,
            reference_id: String::new(),
            reason: None,
            performed_by: None,
            created_at: chrono::DateTime::UNIX_EPOCH,
        }
    }

    proptest! {
        /// Whoever is refused in the end, a transaction has no more actions than were counted.
        #[test]
        fn no_transaction_is_longer_than_was_counted(calls in prop::collection::vec((0..3_u128, books()), 0..90)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let _inside = runtime.enter();
            let mut group = Group::default();
            let mut booked = Vec::new();
            let mut own = 0;
            for (number, (of, what)) in (0..).zip(&calls) {
                let sells = matches!(what, Books::Sale | Books::Refused { sells: true });
                let job = if sells { job(number, 1, &[*of]) } else { other(number, 1, &[*of]) };
                let keys = job.ask.keys().collect();
                group.join(job, keys);
                if !matches!(what, Books::Refused { .. }) {
                    own += 1;
                    booked.push(movement(product(*of), number, matches!(what, Books::Change)));
                }
            }
            let levels: BTreeSet<ProductId> = booked.iter().map(|movement| movement.product_id).collect();
            let stored = items(&booked);
            prop_assert!(own + levels.len() + stored.len() <= group.actions);
            prop_assert!(stored.iter().all(|item| item.len() <= SALES_OF_AN_ITEM));
            prop_assert_eq!(stored.iter().map(Vec::len).sum::<usize>(), booked.len());
        }
    }
}
