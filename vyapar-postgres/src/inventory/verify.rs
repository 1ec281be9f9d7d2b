//! Checking what must always hold, over a whole store, on one consistent state.

use uuid::Uuid;
use vyapar_core::inventory::{Divergence, Verification};
use vyapar_core::{ProductId, QuantityDelta, ReservationId, StoreId, Stored};

use crate::database::{Database, Scope};
use crate::row::Fields;

const COUNTS: &str = "
    select (select count(*) from vyapar.stock_levels where store_id = $1) as products,
           (select count(*) from vyapar.stock_movements where store_id = $1) as movements,
           (select count(*) from vyapar.reservations where store_id = $1) as reservations";

/// Products whose movements do not sum to their level, or hold other than their level says.
const SUMS: &str = "
    with moved as (
        select store_product_id, sum(quantity) as quantity from vyapar.stock_movements
         where store_id = $1 group by store_product_id
    ), held as (
        select l.product as store_product_id, sum(l.quantity) as quantity
          from vyapar.reservations r, unnest(r.product_ids, r.quantities) as l(product, quantity)
         where r.store_id = $1 and r.state in ('held', 'committed') group by l.product
    )
    select l.store_product_id, l.current_stock, l.reserved_stock, coalesce(m.quantity, 0) as moved,
           coalesce(h.quantity, 0) as held
      from vyapar.stock_levels l
      left join moved m using (store_product_id)
      left join held h using (store_product_id)
     where l.store_id = $1
       and (l.current_stock <> coalesce(m.quantity, 0) or l.reserved_stock <> coalesce(h.quantity, 0))
     order by l.store_product_id";

/// The first movement of each product that does not follow from the one before it.
const BALANCES: &str = "
    select store_product_id, min(seq) as seq
      from (select store_product_id, seq, quantity, balance_after,
                   lag(balance_after, 1, 0) over w as balance_before, lag(seq, 1, 0) over w as seq_before
              from vyapar.stock_movements where store_id = $1
            window w as (partition by store_product_id order by seq)) m
     where balance_after <> balance_before + quantity or seq <> seq_before + 1
     group by store_product_id order by store_product_id";

const UNKNOWN: &str = "
    select r.id, r.order_id, l.product
      from vyapar.reservations r, unnest(r.product_ids, r.quantities) as l(product, quantity)
     where r.store_id = $1 and r.state in ('held', 'committed') and l.quantity > 0
       and not exists (select from vyapar.stock_levels s where s.store_id = $1 and s.store_product_id = l.product)
     order by r.id, l.product";

/// How many deadlines one of its statements may take: it reads every movement the store ever had, and
/// who asks for that waits for it.
const PATIENCE: u32 = 60;

pub(super) async fn verify(database: &Database, store: StoreId) -> Stored<Verification> {
    let id: Uuid = store.as_uuid();
    let mut reader = database.reader_within(Scope::Store(store), "verifying stock", PATIENCE).await?;
    let counts = reader.rows(sqlx::query(COUNTS).bind(id)).await?;
    let sums = reader.rows(sqlx::query(SUMS).bind(id)).await?;
    let balances = reader.rows(sqlx::query(BALANCES).bind(id)).await?;
    let unknown = reader.rows(sqlx::query(UNKNOWN).bind(id)).await?;
    reader.finish().await?;

    let mut divergences = Vec::new();
    for row in &sums {
        let fields = Fields::of(row, "stock_levels", "store_product_id");
        let product_id = ProductId::from_uuid(fields.get("store_product_id")?);
        let (moved, current) = (fields.decimal::<QuantityDelta>("moved")?, fields.decimal("current_stock")?);
        if moved.applied_to(vyapar_core::Quantity::ZERO) != Ok(Some(current)) {
            divergences.push(Divergence::Ledger { product_id, movements: moved, current });
        }
        let (held, reserved) = (fields.decimal("held")?, fields.decimal("reserved_stock")?);
        if held != reserved {
            divergences.push(Divergence::Reserved { product_id, held, reserved });
        }
    }
    for row in &balances {
        let fields = Fields::of(row, "stock_movements", "store_product_id");
        let product_id = ProductId::from_uuid(fields.get("store_product_id")?);
        divergences.push(Divergence::Balance { product_id, seq: fields.count("seq")? });
    }
    for row in &unknown {
        let fields = Fields::of(row, "reservations", "id");
        divergences.push(Divergence::Unknown {
            reservation_id: ReservationId::from_uuid(fields.get("id")?),
            order_id: fields.parse("order_id")?,
            product_id: ProductId::from_uuid(fields.get("product")?),
        });
    }
    let counts = counts.first().map(|row| Fields::of(row, "stock_levels", ""));
    let count = |column| counts.map_or(Ok(0), |fields: Fields<'_>| fields.count(column));
    Ok(Verification {
        store_id: store,
        products: count("products")?,
        movements: count("movements")?,
        reservations: count("reservations")?,
        divergences,
    })
}
