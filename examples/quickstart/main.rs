//! The main job of vyapar, end to end: shops open, stock comes in, customers order; buyers race
//! for the last unit, an insert fails and is undone, a caller vanishes and is recovered.
//!
//! `cargo run --example quickstart` needs nothing installed. The same program runs on a real
//! database (see the README):
//! `cargo run --example quickstart --features postgres -- --backend postgres --url postgres://…`
//! `cargo run --example quickstart --features dynamo-local -- --backend dynamodb --endpoint http://…`

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "an example that cannot go on has failed")]

mod backend;
mod catalogue;
mod market;

use std::error::Error;

use market::Market;
use vyapar::order::{OrderError, OrderStatus};
use vyapar::testing::faults::Fault;
use vyapar::{Actor, Quantity};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let started = std::time::Instant::now();
    let (ports, backend) = backend::open(std::env::args().skip(1)).await?;
    println!("vyapar on {backend}\n");

    let localities = catalogue::localities()?;
    let products = catalogue::products()?;
    let market = Market::open(ports, &localities, &products).await?;
    market.print_shops();
    market.print_nearby("110001", 10.0).await?;

    orders(&market).await?;
    last_unit(&market).await?;
    failed_insert(&market).await?;
    vanished_caller(&market).await?;
    ledger(&market).await?;
    println!("\ndone in {:.2} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Forty customers order; one order goes all the way, one is cancelled.
async fn orders(market: &Market) -> Outcome {
    println!("\n-- Orders");
    let mut placed = Vec::new();
    for number in 0..40 {
        placed.push(
            market.order(number % market.shops.len(), &format!("order {number}"), &[(0, 1), (1, 2)]).await?.order,
        );
    }
    let total = vyapar::Money::sum(placed.iter().map(|order| order.totals.total))?;
    println!("{} orders placed in {} shops, ₹{total} in all", placed.len(), market.shops.len());

    let orders = market.vyapar.orders();
    let order = &placed[0];
    for item in &order.items {
        println!(
            "   {:>3} × {:<44} ₹{:>8}  (GST ₹{})",
            item.quantity,
            item.product_name,
            item.total_amount,
            item.tax.tax()?
        );
    }
    println!("   delivery ₹{}, total ₹{}  {}", order.totals.delivery_fee, order.totals.total, order.tracking_id);
    use OrderStatus::{Confirmed, Delivered, OutForDelivery, Preparing, Ready};
    for to in [Confirmed, Preparing, Ready, OutForDelivery, Delivered] {
        orders.advance(&market.staff, order.store_id, &order.id, to, None).await?;
    }
    let history = orders.history(&market.staff, order.store_id, &order.id).await?;
    let way: Vec<_> = history.iter().map(|row| row.entry.status.as_str()).collect();
    println!("   {}", way.join(" → "));
    let totals = market.vyapar.customers().get(&market.staff, order.customer_id).await?.totals;
    println!(
        "   the customer has {} order, ₹{} spent, {} points",
        totals.total_orders, totals.total_spent, totals.loyalty_points
    );

    let order = &placed[1];
    let item = &order.items[0];
    let before = market.free(order.store_id, item.product_id).await?;
    orders.cancel(&market.staff, order.store_id, &order.id, Some("customer called")).await?;
    let after = market.free(order.store_id, item.product_id).await?;
    println!("one order cancelled: {} free before, {after} after", before);
    Ok(())
}

/// 64 customers want the last unit at the same moment.
async fn last_unit(market: &Market) -> Outcome {
    println!("\n-- 64 buyers, one unit");
    let (shop, product) = market.scarce().await?;
    let buyers: Vec<_> = (0..64)
        .map(|_| {
            let (vyapar, request) = (market.vyapar.clone(), market.request(shop, "last unit", &[(product, 1)]));
            tokio::spawn(async move {
                let actor = Actor::customer(request.customer_id, None);
                vyapar.orders().place(&actor, request).await
            })
        })
        .collect();
    let (mut won, mut refused) = (Vec::new(), None);
    let mut short = 0;
    for buyer in buyers {
        match buyer.await? {
            Ok(placed) => won.push(placed.order),
            Err(error @ OrderError::InsufficientStock(_)) => {
                short += 1;
                refused = Some(error);
            }
            Err(other) => return Err(other.into()),
        }
    }
    println!("{} got it, {short} were told:", won.len());
    println!("   {}", refused.map(|error| error.to_string()).unwrap_or_default());
    Ok(())
}

/// The order cannot be written after its stock was reserved: the stock goes back at once.
async fn failed_insert(market: &Market) -> Outcome {
    println!("\n-- An order insert fails");
    let (store, product) = market.first_product();
    let before = market.free(store, product).await?;
    market.faults.plan(|call| (call.name == "orders.insert").then_some(Fault::Break));
    let Err(error) = market.order(0, "unlucky", &[(0, 3)]).await else {
        return Err("the insert did not fail".into());
    };
    let calls = market.faults.calls();
    market.faults.none();
    println!("the caller is told: {error}");
    println!("what happened: {}", calls.join(", "));
    println!("free stock: {before} before, {} after", market.free(store, product).await?);
    let again = market.order(0, "unlucky", &[(0, 3)]).await?;
    println!("the same key again: {}", again.order.status);
    Ok(())
}

/// The caller dies between writing the order and committing its stock.
async fn vanished_caller(market: &Market) -> Outcome {
    println!("\n-- A caller vanishes mid-way");
    let (store, product) = market.first_product();
    market.faults.plan(|call| (call.name == "reservations.commit").then_some(Fault::CrashBefore));
    if market.faults.run(market.order(0, "vanished", &[(0, 2)])).await.is_some() {
        return Err("the caller did not vanish".into());
    }
    market.faults.none();
    let level = market.level(store, product).await?;
    println!("the caller is gone; {} held, not yet committed", level.reserved);
    market.wait_out_holds();
    let done = market.vyapar.orders().recover(&Actor::system("scheduler"), 100).await?;
    println!("recover: {} reservation(s) brought to an end, {} failed", done.reservations, done.failed);
    let replay = market.order(0, "vanished", &[(0, 2)]).await?;
    println!(
        "asking again with the same key: {} ({})",
        replay.order.status,
        if replay.replayed { "the same order" } else { "a new one" }
    );
    Ok(())
}

/// What the ledger of one product says, and whether everything adds up.
async fn ledger(market: &Market) -> Outcome {
    let (store, product) = market.first_product();
    let view = market.vyapar.inventory().product(&market.staff, store, product).await?;
    println!("\n-- Ledger of {}", view.product.details.product_name);
    let page = vyapar::PageRequest::first(12);
    let movements = market.vyapar.inventory().movements(&market.staff, store, product, page).await?;
    for movement in movements.items.iter().rev() {
        println!(
            "   {:>3}  {:<9} {:>6} → {:>5}  {} {}",
            movement.seq,
            movement.movement_type.as_str(),
            movement.quantity.to_string(),
            movement.balance_after.to_string(),
            movement.reference_type,
            movement.reference_id
        );
    }
    println!("   free {}, held {}", view.level.current, view.level.reserved);

    let (mut movements, mut reservations, mut divergences) = (0, 0, 0);
    for shop in &market.shops {
        let report = market.vyapar.inventory().verify(&market.staff, shop.id).await?;
        movements += report.movements;
        reservations += report.reservations;
        divergences += report.divergences.len();
    }
    let verdict = if divergences == 0 { "everything adds up" } else { "THE BOOKS DO NOT ADD UP" };
    println!("\nverify(): {movements} movements, {reservations} reservations, {divergences} divergences: {verdict}");
    if market.free(store, product).await? == Quantity::ZERO {
        println!("(sold out)");
    }
    Ok(())
}
