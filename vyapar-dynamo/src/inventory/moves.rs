//! The moves of a reservation: commit, release, dispatch, amend, close.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use vyapar_core::error::Stored;
use vyapar_core::id::{ProductId, ReservationId, StoreId};
use vyapar_core::inventory::{
    Amend, AmendOutcome, CommitOutcome, DispatchOutcome, GiveBack, GiveBackOutcome, Hold, MovementType, ReleaseCause,
    ReleaseOutcome, Reservation, ReservationLine, ReservationState, Reservations, Reserve, ReserveOutcome, ShortLine,
};
use vyapar_core::quantity::Quantity;
use vyapar_core::time::Timestamp;

use super::books::{Books, Why};
use super::codec::ReservationItem;
use super::hold::replaceable;
use super::waiting::Ask;
use super::{DynamoStock, within_limit};
use crate::expression::Expression;
use crate::item::{number, text, time};
use crate::keys;
use crate::retry::Patience;
use crate::tables::RESERVATIONS;

#[async_trait]
impl Reservations for DynamoStock {
    async fn reserve(&self, store: StoreId, request: Reserve) -> Stored<ReserveOutcome> {
        self.hold(store, request).await
    }

    async fn find(&self, store: StoreId, id: ReservationId) -> Stored<Option<Reservation>> {
        let found = self.read_one(store, id, &mut self.db.patience()).await?;
        Ok(found.map(|item| item.reservation))
    }

    async fn commit(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<CommitOutcome> {
        let mut patience = self.db.patience();
        loop {
            let Some(item) = self.read_one(store, hold.id, &mut patience).await? else {
                return Ok(CommitOutcome::Lost);
            };
            let stored = &item.reservation;
            if stored.hold != hold {
                return Ok(CommitOutcome::Lost);
            }
            let holding = match stored.state {
                ReservationState::Committed | ReservationState::Dispatched => return Ok(CommitOutcome::Committed),
                ReservationState::Released => return Ok(CommitOutcome::Lost),
                ReservationState::Held => keys::holding(ReservationState::Committed, stored.due),
            };
            // No level changes, so this is a write of one item: no transaction, no turn.
            let change = Expression::new(
                "SET #state = :committed, #open = :no, #updated_at = :now, #version = :next, #holding = :holding \
                 REMOVE #recover_shard",
            )
            .value(":committed", text(ReservationState::Committed))
            .value(":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
            .value(":now", time(now))
            .value(":next", number(item.version + 1))
            .value(":holding", holding.unwrap_or_else(|| text(ReservationState::Committed)));
            let key = keys::reservation(store, hold.id);
            let condition = Expression::new("#version = :version").value(":version", number(item.version));
            if self.db.set(&RESERVATIONS, key, &change, &condition, &mut patience, "committing a hold").await? {
                return Ok(CommitOutcome::Committed);
            }
            patience.check("the reservation kept changing")?;
        }
    }

    async fn release(&self, store: StoreId, hold: Hold, cause: ReleaseCause, now: Timestamp) -> Stored<ReleaseOutcome> {
        self.give_up(store, &hold, cause, now, &mut self.db.patience()).await
    }

    async fn dispatch(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<DispatchOutcome> {
        let id = hold.id;
        let decide = move |books: &mut Books| dispatched(&hold, now, books);
        self.step(store, id, BTreeSet::new(), &mut self.db.patience(), decide).await
    }

    async fn amend(&self, store: StoreId, request: Amend) -> Stored<AmendOutcome> {
        let targets: BTreeMap<ProductId, Quantity> = request.targets.iter().copied().collect();
        let (id, products) = (request.hold.id, targets.keys().copied().collect());
        let decide = move |books: &mut Books| amended(&request, &targets, books);
        self.step(store, id, products, &mut self.db.patience(), decide).await
    }

    async fn give_back(&self, store: StoreId, request: GiveBack) -> Stored<GiveBackOutcome> {
        self.take_back(store, request).await
    }

    async fn close(&self, store: StoreId, hold: Hold, now: Timestamp) -> Stored<()> {
        let change =
            Expression::new("SET #open = :no, #updated_at = :now, #version = #version + :one REMOVE #recover_shard")
                .value(":no", aws_sdk_dynamodb::types::AttributeValue::Bool(false))
                .value(":now", time(now))
                .value(":one", number(1));
        let condition =
            Expression::new("#attempt = :attempt AND #order_id = :order AND #state = :released AND #open = :yes")
                .value(":attempt", number(hold.attempt))
                .value(":order", text(&hold.order_id))
                .value(":released", text(ReservationState::Released))
                .value(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true));
        let key = keys::reservation(store, hold.id);
        // Refused means that there is nothing to close, or that it is closed.
        let patience = &mut self.db.patience();
        self.db.set(&RESERVATIONS, key, &change, &condition, patience, "closing a reservation").await.map(|_| ())
    }
}

impl DynamoStock {
    /// Releases a hold; within the patience of whoever needs its stock.
    pub(super) async fn give_up(
        &self,
        store: StoreId,
        hold: &Hold,
        cause: ReleaseCause,
        now: Timestamp,
        patience: &mut Patience,
    ) -> Stored<ReleaseOutcome> {
        let (id, hold) = (hold.id, hold.clone());
        let decide = move |books: &mut Books| released(&hold, cause, now, books);
        self.step(store, id, BTreeSet::new(), patience, decide).await
    }

    /// Lets `decide` move a reservation, with the levels of its products and of `more` in
    /// the books.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        store: StoreId,
        id: ReservationId,
        more: BTreeSet<ProductId>,
        patience: &mut Patience,
        decide: impl Fn(&mut Books) -> Stored<T> + Clone + Send + Sync + 'static,
    ) -> Stored<T> {
        let mut products = more;
        products.extend(products_of(self.read_one(store, id, patience).await?.as_ref()));
        loop {
            let known = products.clone();
            let ask = Ask {
                store,
                reservation: Some(id),
                operation: None,
                products: products.clone(),
                fresh: false,
                sells: false,
            };
            let decide = decide.clone();
            let decided = self.gatherer.ask(ask, patience, move |books| {
                // Amended since it was read: it has products whose levels are not in the books.
                let now = products_of(books.reservation(id));
                if now.is_subset(&known) { decide(books).map(Ok) } else { Ok(Err(now)) }
            });
            match decided.await? {
                Ok(answer) => return Ok(answer),
                Err(now) => products.extend(now),
            }
            patience.check("the reservation kept changing")?;
        }
    }
}

fn products_of(item: Option<&ReservationItem>) -> BTreeSet<ProductId> {
    item.into_iter().flat_map(|item| item.reservation.lines.iter().map(|line| line.product_id)).collect()
}

/// The reservation, if it is this attempt's.
pub(super) fn of_hold(books: &Books, hold: &Hold) -> Option<ReservationItem> {
    books.reservation(hold.id).filter(|item| item.reservation.hold == *hold).cloned()
}

fn dispatched(hold: &Hold, now: Timestamp, books: &mut Books) -> Stored<DispatchOutcome> {
    let Some(mut item) = of_hold(books, hold) else { return Ok(DispatchOutcome::NotCommitted) };
    match item.reservation.state {
        ReservationState::Committed => {}
        ReservationState::Dispatched => return Ok(DispatchOutcome::Dispatched),
        ReservationState::Held | ReservationState::Released => return Ok(DispatchOutcome::NotCommitted),
    }
    for line in item.reservation.lines.iter().filter(|line| !line.quantity.is_zero()) {
        books.unhold(line.product_id, line.quantity, now)?;
    }
    item.reservation.state = ReservationState::Dispatched;
    item.reservation.updated_at = now;
    books.put(item);
    Ok(DispatchOutcome::Dispatched)
}

fn released(hold: &Hold, cause: ReleaseCause, now: Timestamp, books: &mut Books) -> Stored<ReleaseOutcome> {
    let undone = cause == ReleaseCause::Undone;
    let why = Why::order(&hold.order_id, None, now);
    let mut item = match books.reservation(hold.id) {
        Some(item) if item.reservation.hold == *hold => item.clone(),
        Some(item) if !undone || !replaceable(&item.reservation, hold) => return Ok(ReleaseOutcome::Other),
        None if !undone => return Ok(ReleaseOutcome::Other),
        Some(_) | None => {
            books.put(tombstone(books.store(), hold, now));
            return Ok(ReleaseOutcome::Released);
        }
    };
    let reservation = &mut item.reservation;
    match reservation.state {
        ReservationState::Dispatched | ReservationState::Committed if undone => return Ok(ReleaseOutcome::Committed),
        ReservationState::Dispatched => return Ok(ReleaseOutcome::Dispatched),
        ReservationState::Released if undone || !reservation.open => return Ok(ReleaseOutcome::Released),
        // Cancelled: all that is left to do is to close it.
        ReservationState::Released => {}
        ReservationState::Held | ReservationState::Committed => {
            for line in reservation.lines.iter().filter(|line| !line.quantity.is_zero()) {
                books.book(line.product_id, MovementType::Return, line.quantity.inward(), &why)?;
                books.unhold(line.product_id, line.quantity, now)?;
            }
            reservation.state = ReservationState::Released;
            reservation.recover_at = now;
        }
    }
    reservation.open = undone;
    reservation.updated_at = now;
    books.put(item);
    Ok(ReleaseOutcome::Released)
}

/// What keeps a reserve that arrives late from holding stock nobody will ever release.
fn tombstone(store: StoreId, hold: &Hold, now: Timestamp) -> ReservationItem {
    ReservationItem {
        reservation: Reservation {
            store_id: store,
            hold: hold.clone(),
            fingerprint: None,
            state: ReservationState::Released,
            open: true,
            lines: Vec::new(),
            revision: 0,
            due: now,
            recover_at: now,
            failures: 0,
            created_at: now,
            updated_at: now,
        },
        version: 0,
        given_back_by: BTreeSet::new(),
    }
}

fn amended(request: &Amend, targets: &BTreeMap<ProductId, Quantity>, books: &mut Books) -> Stored<AmendOutcome> {
    let Some(mut item) = of_hold(books, &request.hold) else { return Ok(AmendOutcome::NotHolding) };
    if !item.reservation.state.holds_stock() {
        return Ok(AmendOutcome::NotHolding);
    }
    if request.revision <= item.reservation.revision {
        return Ok(AmendOutcome::Amended);
    }
    let lines = &mut item.reservation.lines;
    for (product, target) in targets {
        if !target.is_zero() && !lines.iter().any(|line| line.product_id == *product) {
            lines.push(ReservationLine { product_id: *product, quantity: Quantity::ZERO, given_back: Quantity::ZERO });
        }
    }
    lines.sort_unstable_by_key(|line| line.product_id);
    let short: Vec<ShortLine> = lines
        .iter()
        .filter_map(|line| {
            let product_id = line.product_id;
            let requested = targets.get(&product_id)?.minus(line.quantity).filter(|more| !more.is_zero())?;
            let available = books.free(product_id);
            (!books.has(product_id, requested)).then_some(ShortLine { product_id, requested, available })
        })
        .collect();
    if !short.is_empty() {
        return Ok(AmendOutcome::Short(short));
    }
    // An amendment may drop as many products as it adds.
    within_limit(lines.len())?;
    let why = Why::order(&request.hold.order_id, request.performed_by, request.now);
    for line in lines.iter_mut() {
        let target = targets.get(&line.product_id).copied().unwrap_or(Quantity::ZERO);
        if let Some(more) = target.minus(line.quantity).filter(|more| !more.is_zero()) {
            books.book(line.product_id, MovementType::Sale, more.outward(), &why)?;
            books.hold(line.product_id, more, &why)?;
        } else if let Some(less) = line.quantity.minus(target).filter(|less| !less.is_zero()) {
            books.book(line.product_id, MovementType::Return, less.inward(), &why)?;
            books.unhold(line.product_id, less, request.now)?;
        }
        line.quantity = target;
    }
    item.reservation.revision = request.revision;
    item.reservation.updated_at = request.now;
    books.put(item);
    Ok(AmendOutcome::Amended)
}
