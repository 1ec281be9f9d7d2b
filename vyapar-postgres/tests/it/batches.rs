//! `vyapar.reserve` answers a batch over several stores as if its requests came one by one.

use sqlx::{Executor, Row};
use vyapar_core::testing::{Fixtures, run};
use vyapar_core::{PageRequest, Quantity, StockUnit};

use crate::database::TestDatabase;

/// (store, product, quantity) of each line.
type Lines<'a> = &'a [(usize, usize, i32)];

#[test]
fn each_request_is_decided_on_what_the_ones_before_it_left() {
    run(async {
        let database = TestDatabase::create().await;
        let stock = database.postgres().ports().stock;
        let fixtures = Fixtures::here();
        let (stores, products) = ([fixtures.store_id(), fixtures.store_id()], fixtures.product_ids(3));
        // Products 0 and 1 are the first store's, 2 the second one's: 3 of each.
        for (product, store) in products.iter().zip([stores[0], stores[0], stores[1]]) {
            stock.ledger.open(store, *product, StockUnit::Piece, fixtures.now()).await.unwrap();
            stock.ledger.change(store, fixtures.purchase(&[*product], Quantity::units(3))).await.unwrap();
        }
        let requests: [Lines<'_>; 6] = [
            &[(0, 0, 2)],
            &[(0, 0, 2), (0, 1, 1)],
            &[(1, 2, 3)],
            &[(0, 0, 1), (0, 1, 3)],
            &[(1, 2, 1)],
            // Another store's product is not there.
            &[(0, 2, 1)],
        ];
        let mut named: Vec<(usize, usize)> = requests.iter().flat_map(|r| r.iter().map(|l| (l.1, l.0))).collect();
        named.sort_unstable();
        named.dedup();
        let lines: Vec<_> = (1_i32..).zip(requests).flat_map(|(n, r)| r.iter().map(move |line| (n, *line))).collect();
        let place = |line: (usize, usize, i32)| named.iter().position(|at| *at == (line.1, line.0)).unwrap() as i32 + 1;
        let store_of = |request: &Lines<'_>| stores[request[0].0].as_uuid();
        let rows = sqlx::query(
            "select request, outcome, line, available::text
               from vyapar.reserve($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::numeric[], 5000)
              order by request, line",
        )
        .bind(requests.iter().map(store_of).collect::<Vec<_>>())
        .bind(requests.map(|_| fixtures.reservation_id().as_uuid()))
        .bind([1; 6])
        .bind(requests.map(|_| fixtures.order_id().to_string()))
        .bind(requests.map(|_| vec![7_u8; 32]))
        .bind([fixtures.now() + chrono::TimeDelta::minutes(2); 6])
        .bind([None::<uuid::Uuid>; 6])
        .bind([fixtures.now(); 6])
        .bind(named.iter().map(|(product, _)| products[*product].as_uuid()).collect::<Vec<_>>())
        .bind(named.iter().map(|(_, store)| stores[*store].as_uuid()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(n, _)| *n).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| place(*line)).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, line)| line.2).collect::<Vec<_>>())
        .fetch_all(database.pool())
        .await
        .unwrap();
        let answers: Vec<(i32, String, Option<i32>, Option<String>)> =
            rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
        let held = |n| (n, "held".to_owned(), None, None);
        let short = |n, line, available: &str| (n, "short".to_owned(), Some(line), Some(available.to_owned()));
        let expected = [held(1), short(2, 2, "1.000"), held(3), held(4), short(5, 7, "0.000"), short(6, 8, "0")];
        assert_eq!(answers, expected);

        let page = stock.ledger.movements(stores[0], products[0], PageRequest::default()).await.unwrap();
        let ledger: Vec<_> = page.items.iter().map(|m| (m.seq, m.balance_after.thousandths() / 1000)).collect();
        assert_eq!(ledger, [(3, 0), (2, 1), (1, 3)]);
        for store in stores {
            let verified = stock.ledger.verify(store).await.unwrap();
            assert!(verified.is_clean(), "{verified:?}");
        }
        let left: i64 = database.pool().fetch_one("select count(*) from vyapar.reservations").await.unwrap().get(0);
        assert_eq!(left, 3, "who got nothing leaves nothing");
    });
}
