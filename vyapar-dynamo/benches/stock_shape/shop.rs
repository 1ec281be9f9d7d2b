//! The adapter as it ships: V.

use aws_sdk_dynamodb::Client;
use vyapar_core::inventory::{MAX_LINES, ReserveOutcome, StockPorts};
use vyapar_core::testing::Fixtures;
use vyapar_core::{ProductId, Quantity, StockUnit, StoreId};
use vyapar_dynamo::{Dynamo, TableNames};

use crate::shapes::Lines;

/// The adapter, with a store of its own.
pub struct Shop {
    stock: StockPorts,
    make: Fixtures,
    store: StoreId,
    products: Vec<ProductId>,
}

impl Shop {
    pub async fn open(client: &Client, products: usize) -> Self {
        let dynamo = Dynamo::new(client.clone(), TableNames::new("bench", "v"));
        let (stock, make) = (dynamo.stock(), Fixtures::seeded(1));
        let (store, products) = (make.store_id(), make.product_ids(products));
        if !products.is_empty() {
            dynamo.create_tables().await.expect("tables are created");
        }
        for some in products.chunks(MAX_LINES) {
            for product in some {
                stock.ledger.open(store, *product, StockUnit::Piece, make.now()).await.expect("it opens");
            }
            let change = make.purchase(some, Quantity::units(100_000_000));
            stock.ledger.change(store, change).await.expect("goods are received");
        }
        Self { stock, make, store, products }
    }

    pub async fn reserve(&self, lines: &Lines) {
        let lines: Vec<_> = lines.iter().map(|p| (self.products[*p], Quantity::units(1))).collect();
        let request = self.make.reserve(&lines);
        let answer = self.stock.reservations.reserve(self.store, request).await;
        assert_eq!(answer.expect("it is decided"), ReserveOutcome::Held);
    }
}
