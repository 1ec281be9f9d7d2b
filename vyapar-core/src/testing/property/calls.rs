//! Operations as calls of the ports, in stores that no one else uses.

use chrono::TimeDelta;
use uuid::Uuid;

use super::ops::{FOREIGN, KEYS, Line, Op, PRODUCTS, Slot, unit_of};
use crate::env::{Entropy, SystemEntropy};
use crate::error::{RepositoryErrorKind, Stored};
use crate::id::{OperationId, OrderId, ProductId, ReservationId, StoreId, UserId};
use crate::inventory::{
    Amend, AmendOutcome, ChangeKind, ChangeLine, ChangeOutcome, CommitOutcome, Delta, DispatchOutcome, GiveBack,
    GiveBackLine, GiveBackOutcome, Hold, ReleaseCause, ReleaseOutcome, Reservation, Reserve, ReserveOutcome,
    StockChange, StockLevel, StockPorts,
};
use crate::page::AllStores;
use crate::quantity::{Quantity, QuantityDelta, StockUnit};
use crate::secret::Blind;
use crate::time::Timestamp;

/// The ids that the small numbers of operations stand for.
pub struct World {
    base: u128,
}

/// What an id is of, in the bits above its number.
#[derive(Clone, Copy)]
enum Kind {
    Store = 1,
    Product = 2,
    Reservation = 3,
    Order = 4,
    Operation = 5,
    User = 6,
}

/// Most of recovery's list that a check reads.
const SWEEP: u32 = 1_000;

impl World {
    /// Stores that nobody else has.
    #[must_use]
    pub fn fresh() -> Self {
        let mut bytes = [0_u8; 16];
        SystemEntropy.fill(&mut bytes);
        Self { base: u128::from_be_bytes(bytes) & !0xffff_ffff }
    }

    fn id(&self, kind: Kind, number: u32) -> Uuid {
        Uuid::from_u128(self.base | ((kind as u128) << 24) | u128::from(number))
    }

    fn store(&self, store: u8) -> StoreId {
        StoreId::from_uuid(self.id(Kind::Store, u32::from(store % 2)))
    }

    fn product(&self, store: u8, product: u8) -> ProductId {
        let (store, product) = if product == FOREIGN { (store + 1, 0) } else { (store, product) };
        ProductId::from_uuid(self.id(Kind::Product, u32::from(store % 2) * 16 + u32::from(product)))
    }

    fn operation(&self, operation: u8) -> OperationId {
        OperationId::from_uuid(self.id(Kind::Operation, u32::from(operation)))
    }

    fn user(&self) -> UserId {
        UserId::from_uuid(self.id(Kind::User, 0))
    }

    fn hold(&self, store: u8, slot: Slot) -> Hold {
        let Slot { key, attempt, stray } = slot;
        let key = u32::from(store % 2) * 16 + u32::from(key);
        let order = (u32::from(stray) << 16) | (attempt << 8) | key;
        Hold {
            id: ReservationId::from_uuid(self.id(Kind::Reservation, key)),
            attempt,
            order_id: OrderId::from_uuid(self.id(Kind::Order, order)),
        }
    }

    /// Lines by product id, as services hand them over.
    fn lines(&self, store: u8, lines: &[Line]) -> Vec<(ProductId, Quantity)> {
        let quantity = |line: &Line| Quantity::from_thousandths(line.thousandths).unwrap_or_default();
        let mut lines: Vec<_> = lines.iter().map(|line| (self.product(store, line.product), quantity(line))).collect();
        lines.sort_by_key(|(product, _)| *product);
        lines
    }

    /// Both stores.
    #[must_use]
    pub fn stores(&self) -> [StoreId; 2] {
        [self.store(0), self.store(1)]
    }

    /// Every store with each of its products, by id.
    pub(super) fn products(&self) -> impl Iterator<Item = (StoreId, ProductId)> {
        (0..2)
            .flat_map(move |store| (0..PRODUCTS).map(move |product| (self.store(store), self.product(store, product))))
    }

    /// Every store with each key a reservation may have, by id.
    pub(super) fn reservations(&self) -> impl Iterator<Item = (StoreId, ReservationId)> {
        let slot = |key| Slot { key, attempt: 1, stray: false };
        (0..2).flat_map(move |store| (0..KEYS).map(move |key| (self.store(store), self.hold(store, slot(key)).id)))
    }

    /// The levels of both stores, by product id.
    pub(super) async fn levels(&self, stock: &StockPorts) -> Stored<Vec<StockLevel>> {
        let mut levels = Vec::new();
        for store in self.stores() {
            // A store is asked for the other's products too, which must not come.
            let products: Vec<ProductId> = self.products().map(|(_, product)| product).collect();
            levels.extend(stock.ledger.levels(store, &products).await?);
        }
        levels.sort_by_key(|level| level.product_id);
        Ok(levels)
    }

    /// The operations with their number and their call, each a little later than the last.
    pub(super) fn calls<'a>(&'a self, ops: &'a [Op]) -> impl Iterator<Item = (usize, &'a Op, Call)> {
        let start = Timestamp::UNIX_EPOCH + TimeDelta::days(20_454);
        ops.iter().enumerate().scan(start, move |now, (step, op)| {
            let waited = if let Op::Wait(seconds) = op { i64::from(*seconds) } else { 0 };
            *now += TimeDelta::seconds(waited) + TimeDelta::milliseconds(1);
            Some((step, op, self.call(op, *now)))
        })
    }

    fn call(&self, op: &Op, now: Timestamp) -> Call {
        let later = |millis: u16| now + TimeDelta::milliseconds(i64::from(millis));
        match op {
            Op::Open(store, product) => {
                Call::Open(self.store(*store), self.product(*store, *product), unit_of(*product), now)
            }
            Op::Change(store, operation, kind, lines) => {
                let delta =
                    |line: &Line| Delta::By(QuantityDelta::from_thousandths(line.thousandths).unwrap_or_default());
                Call::Change(self.store(*store), self.change(*store, *operation, *kind, lines, delta, now))
            }
            Op::Count(store, operation, lines) => {
                let delta =
                    |line: &Line| Delta::Counted(Quantity::from_thousandths(line.thousandths).unwrap_or_default());
                let kind = ChangeKind::Adjustment;
                Call::Change(self.store(*store), self.change(*store, *operation, kind, lines, delta, now))
            }
            Op::Reserve(store, slot, lines, window) => Call::Reserve(
                self.store(*store),
                Reserve {
                    hold: self.hold(*store, *slot),
                    fingerprint: Blind::from_bytes([slot.key; 32]),
                    lines: self.lines(*store, lines),
                    due: later(*window),
                    performed_by: (slot.key == 0).then(|| self.user()),
                    now,
                },
            ),
            Op::Commit(store, slot) => Call::Commit(self.store(*store), self.hold(*store, *slot), now),
            Op::Release(store, slot, cause) => Call::Release(self.store(*store), self.hold(*store, *slot), *cause, now),
            Op::Dispatch(store, slot) => Call::Dispatch(self.store(*store), self.hold(*store, *slot), now),
            Op::Amend(store, slot, revision, targets) => Call::Amend(
                self.store(*store),
                Amend {
                    hold: self.hold(*store, *slot),
                    revision: *revision,
                    targets: self.lines(*store, targets),
                    performed_by: (slot.key == 1).then(|| self.user()),
                    now,
                },
            ),
            Op::GiveBack(store, slot, operation, lines, sellable) => {
                let line = |(product_id, quantity)| GiveBackLine { product_id, quantity, sellable: *sellable };
                Call::GiveBack(
                    self.store(*store),
                    GiveBack {
                        hold: self.hold(*store, *slot),
                        operation: self.operation(*operation + 150),
                        lines: self.lines(*store, lines).into_iter().map(line).collect(),
                        reason: (!sellable).then(|| "torn".to_owned()),
                        performed_by: Some(self.user()),
                        now,
                    },
                )
            }
            Op::Close(store, slot) => Call::Close(self.store(*store), self.hold(*store, *slot), now),
            Op::Defer(store, slot, millis, failures) => {
                Call::Defer(self.store(*store), self.hold(*store, *slot), later(*millis), *failures)
            }
            Op::Due | Op::Wait(_) => Call::Due(self.stores(), now),
        }
    }

    fn change(
        &self,
        store: u8,
        operation: u8,
        kind: ChangeKind,
        lines: &[Line],
        delta: impl Fn(&Line) -> Delta,
        now: Timestamp,
    ) -> StockChange {
        let line = |line: &Line| ChangeLine { product_id: self.product(store, line.product), delta: delta(line) };
        StockChange {
            operation: self.operation(operation),
            kind,
            lines: lines.iter().map(line).collect(),
            reason: operation.is_multiple_of(2).then(|| format!("reason {operation}")),
            performed_by: operation.is_multiple_of(3).then(|| self.user()),
            now,
        }
    }
}

/// A call of a stock port.
#[derive(Debug, Clone)]
pub enum Call {
    /// `StockLedger::open`.
    Open(StoreId, ProductId, StockUnit, Timestamp),
    /// `StockLedger::change`.
    Change(StoreId, StockChange),
    /// `Reservations::reserve`.
    Reserve(StoreId, Reserve),
    /// `Reservations::commit`.
    Commit(StoreId, Hold, Timestamp),
    /// `Reservations::release`.
    Release(StoreId, Hold, ReleaseCause, Timestamp),
    /// `Reservations::dispatch`.
    Dispatch(StoreId, Hold, Timestamp),
    /// `Reservations::amend`.
    Amend(StoreId, Amend),
    /// `Reservations::give_back`.
    GiveBack(StoreId, GiveBack),
    /// `Reservations::close`.
    Close(StoreId, Hold, Timestamp),
    /// `ReservationQueue::defer`.
    Defer(StoreId, Hold, Timestamp, u32),
    /// `ReservationQueue::due`, of these stores.
    Due([StoreId; 2], Timestamp),
}

/// What a call answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done, with nothing to say.
    Done,
    /// Of a change.
    Change(ChangeOutcome),
    /// Of a reserve.
    Reserve(ReserveOutcome),
    /// Of a commit.
    Commit(CommitOutcome),
    /// Of a release.
    Release(ReleaseOutcome),
    /// Of a dispatch.
    Dispatch(DispatchOutcome),
    /// Of an amendment.
    Amend(AmendOutcome),
    /// Of goods given back.
    GiveBack(GiveBackOutcome),
    /// Of recovery's list: by `recover_at`, then store and id.
    Due(Vec<Reservation>),
    /// An error.
    Refused(RepositoryErrorKind),
}

/// The reservation without what has no meaning any more: `recover_at` of a closed one.
pub(super) fn settled(mut reservation: Reservation) -> Reservation {
    if !reservation.open {
        reservation.recover_at = Timestamp::UNIX_EPOCH;
    }
    reservation
}

impl Call {
    /// Makes the call.
    pub(super) async fn perform(&self, stock: &StockPorts, world: &World) -> Answer {
        let answered = self.clone().ask(stock, world).await;
        answered.unwrap_or_else(|error| Answer::Refused(error.kind().clone()))
    }

    async fn ask(self, stock: &StockPorts, world: &World) -> Stored<Answer> {
        let StockPorts { ledger, reservations, queue } = stock;
        Ok(match self {
            Self::Open(store, product, unit, now) => {
                ledger.open(store, product, unit, now).await?;
                Answer::Done
            }
            Self::Change(store, change) => Answer::Change(ledger.change(store, change).await?),
            Self::Reserve(store, request) => Answer::Reserve(match reservations.reserve(store, request).await? {
                ReserveOutcome::Taken(taken) => ReserveOutcome::Taken(settled(taken)),
                other => other,
            }),
            Self::Commit(store, hold, now) => Answer::Commit(reservations.commit(store, hold, now).await?),
            Self::Release(store, hold, cause, now) => {
                Answer::Release(reservations.release(store, hold, cause, now).await?)
            }
            Self::Dispatch(store, hold, now) => Answer::Dispatch(reservations.dispatch(store, hold, now).await?),
            Self::Amend(store, request) => Answer::Amend(reservations.amend(store, request).await?),
            Self::GiveBack(store, request) => Answer::GiveBack(reservations.give_back(store, request).await?),
            Self::Close(store, hold, now) => {
                reservations.close(store, hold, now).await?;
                Answer::Done
            }
            Self::Defer(store, hold, recover_at, failures) => {
                queue.defer(store, hold, recover_at, failures).await?;
                Answer::Done
            }
            Self::Due(_, now) => {
                let stores = world.stores();
                let mut due = queue.due(AllStores, now, SWEEP).await?;
                due.retain(|reservation| stores.contains(&reservation.store_id));
                due.sort_by_key(|it| (it.recover_at, it.store_id, it.hold.id));
                Answer::Due(due)
            }
        })
    }
}
