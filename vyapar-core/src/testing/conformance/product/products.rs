//! Products.

use super::super::support::{all_pages, at_once, audited, eventually, refusal, refuses_foreign_cursors};
use crate::error::RepositoryErrorKind;
use crate::id::StoreId;
use crate::inventory::{ProductDetails, ProductFilter, ProductPorts, ProductStatus, StoreProduct};
use crate::page::PageRequest;
use crate::quantity::StockUnit;
use crate::store::UpdateOutcome;
use crate::system::AuditEntry;
use crate::testing::{Bench, Fixtures};

#[track_caller]
fn setup(bench: &Bench) -> (ProductPorts, Fixtures, StoreId) {
    let make = Fixtures::here();
    let store = make.store_id();
    (bench.ports.product.clone(), make, store)
}

fn audit(make: &Fixtures, product: &StoreProduct) -> AuditEntry {
    make.audit(Some(product.store_id), "product.update", "product", &product.id.to_string())
}

async fn inserted(ports: &ProductPorts, make: &Fixtures, product: StoreProduct) -> StoreProduct {
    ports.products.insert(product.store_id, product.clone(), audit(make, &product)).await.unwrap();
    product
}

async fn get(ports: &ProductPorts, product: &StoreProduct) -> Option<StoreProduct> {
    let mut found = ports.products.get_many(product.store_id, &[product.id]).await.unwrap();
    assert!(found.len() <= 1, "{found:?}");
    found.pop()
}

fn taken(constraint: &'static str) -> RepositoryErrorKind {
    RepositoryErrorKind::AlreadyExists { constraint }
}

/// A product with every field filled, and one with nothing optional, read back exactly, by
/// id and by SKU, each with its audit entry.
pub async fn a_product_reads_back_exactly(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    for product in [make.full_product(store), make.product(store)] {
        let entry = audit(&make, &product);
        ports.products.insert(store, product.clone(), entry.clone()).await.unwrap();
        assert_eq!(get(&ports, &product).await.as_ref(), Some(&product));
        assert_eq!(ports.products.find_by_sku(store, &product.details.sku).await.unwrap(), Some(product));
        audited(&ports.audit, &[&entry]).await;
    }
    assert_eq!(get(&ports, &make.product(store)).await, None);
    assert_eq!(ports.products.find_by_sku(store, &make.sku()).await.unwrap(), None);
    for unit in StockUnit::ALL {
        let mut product = make.product(store);
        product.details.stock_unit = *unit;
        let product = inserted(&ports, &make, product).await;
        assert_eq!(get(&ports, &product).await, Some(product));
    }
}

/// The same id, or the same SKU in the store, is refused by its constraint's name and writes
/// nothing; another store may use the SKU, and SKUs that differ in case are two.
pub async fn ids_and_skus_of_products_are_unique(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let first = make.product(store);
    let entry = audit(&make, &first);
    ports.products.insert(store, first.clone(), entry.clone()).await.unwrap();
    let same_id = StoreProduct { id: first.id, ..make.full_product(store) };
    let kind = refusal(ports.products.insert(store, same_id.clone(), audit(&make, &same_id)).await);
    assert_eq!(kind, taken("store_products.id"));
    assert_eq!(ports.products.find_by_sku(store, &same_id.details.sku).await.unwrap(), None);

    let mut same_sku = make.full_product(store);
    same_sku.details.sku = first.details.sku.clone();
    let kind = refusal(ports.products.insert(store, same_sku.clone(), audit(&make, &first)).await);
    assert_eq!(kind, taken("store_products.sku"));
    assert_eq!(get(&ports, &same_sku).await, None);
    assert_eq!(ports.products.find_by_sku(store, &first.details.sku).await.unwrap(), Some(first.clone()));

    let elsewhere = inserted(&ports, &make, StoreProduct { store_id: make.store_id(), ..same_sku.clone() }).await;
    let found = ports.products.find_by_sku(elsewhere.store_id, &first.details.sku).await.unwrap();
    assert_eq!(found.as_ref(), Some(&elsewhere));
    let mut lower = make.product(store);
    lower.details.sku = first.details.sku.as_str().to_ascii_lowercase().parse().unwrap();
    inserted(&ports, &make, lower).await;
    // What was refused with its product is free.
    let mut freed = make.product(store);
    freed.details.sku = same_id.details.sku;
    inserted(&ports, &make, freed).await;
    audited(&ports.audit, &[&entry]).await;
}

/// Sixteen products with one SKU at once: one gets it.
pub async fn a_sku_wanted_by_sixteen_products_goes_to_one(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let sku = make.sku();
    let products: Vec<_> = (0..16)
        .map(|_| {
            let mut product = make.product(store);
            product.details.sku = sku.clone();
            product
        })
        .collect();
    let answers = at_once(products.iter().cloned().map(|product| {
        let (ports, entry) = (ports.clone(), audit(&make, &product));
        async move { ports.products.insert(store, product, entry).await }
    }))
    .await;
    let mut won = Vec::new();
    for (product, answer) in products.into_iter().zip(answers) {
        match answer {
            Ok(()) => won.push(product),
            refused => {
                assert_eq!(refusal(refused), taken("store_products.sku"));
                assert_eq!(get(&ports, &product).await, None);
            }
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(ports.products.find_by_sku(store, &sku).await.unwrap().as_ref(), won.first());
}

/// Many products are read at once, absent and foreign ones left out: 200 and not 201.
pub async fn many_products_are_read_at_once(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let mut products = Vec::new();
    for at in 0..12 {
        let product = if at % 2 == 0 { make.product(store) } else { make.full_product(store) };
        products.push(inserted(&ports, &make, product).await);
    }
    let foreign = inserted(&ports, &make, make.product(make.store_id())).await;
    let mut ids: Vec<_> = products[..10].iter().map(|product| product.id).collect();
    ids.push(foreign.id);
    ids.extend(make.product_ids(189));
    let ids = make.shuffled(ids);
    let mut found = ports.products.get_many(store, &ids).await.unwrap();
    let mut expected = products[..10].to_vec();
    found.sort_by_key(|product| product.id);
    expected.sort_by_key(|product| product.id);
    assert_eq!((found, ids.len()), (expected, 200));
    assert_eq!(ports.products.get_many(store, &[]).await.unwrap(), []);
    let kind = refusal(ports.products.get_many(store, &make.product_ids(201)).await);
    assert_eq!(kind, RepositoryErrorKind::LimitExceeded { what: "ids", max: 200 });
}

/// An update replaces all that may change, its SKU included, with its audit entry.
pub async fn an_update_of_a_product_replaces_all_that_may_change(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let bare = make.product(store);
    let first = audit(&make, &bare);
    ports.products.insert(store, bare.clone(), first.clone()).await.unwrap();
    let full = make.full_product(store);
    let filled = StoreProduct {
        id: bare.id,
        created_at: bare.created_at,
        version: 2,
        details: ProductDetails { stock_unit: bare.details.stock_unit, ..full.details },
        ..full
    };
    let emptied = StoreProduct { version: 3, ..bare.clone() };
    let mut entries = vec![first];
    for product in [filled.clone(), emptied] {
        let entry = audit(&make, &bare);
        let outcome = ports.products.update(store, product.clone(), product.version - 1, entry.clone()).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Updated);
        assert_eq!(get(&ports, &bare).await.as_ref(), Some(&product));
        assert_eq!(ports.products.find_by_sku(store, &product.details.sku).await.unwrap(), Some(product));
        entries.push(entry);
    }
    audited(&ports.audit, &entries.iter().collect::<Vec<_>>()).await;
    // The SKU it gave up leads nowhere and may be taken.
    assert_eq!(ports.products.find_by_sku(store, &filled.details.sku).await.unwrap(), None);
    let mut next = make.product(store);
    next.details.sku = filled.details.sku;
    inserted(&ports, &make, next).await;
}

/// An update of another version, of an absent product, or to a taken SKU changes nothing and
/// leaves no audit.
pub async fn a_refused_update_of_a_product_changes_nothing(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let product = make.product(store);
    let entry = audit(&make, &product);
    ports.products.insert(store, product.clone(), entry.clone()).await.unwrap();
    let other = inserted(&ports, &make, make.product(store)).await;
    for expected in [0, 2, 3] {
        let next = StoreProduct { status: ProductStatus::Inactive, version: expected + 1, ..product.clone() };
        let outcome = ports.products.update(store, next, expected, audit(&make, &product)).await.unwrap();
        assert_eq!(outcome, UpdateOutcome::Stale);
    }
    let absent = make.product(store);
    let next = StoreProduct { version: 2, ..absent.clone() };
    let outcome = ports.products.update(store, next, 1, audit(&make, &product)).await.unwrap();
    assert_eq!((outcome, get(&ports, &absent).await), (UpdateOutcome::Stale, None));
    let mut next = StoreProduct { version: 2, status: ProductStatus::Inactive, ..product.clone() };
    next.details.sku = other.details.sku.clone();
    let kind = refusal(ports.products.update(store, next, 1, audit(&make, &product)).await);
    assert_eq!(kind, taken("store_products.sku"));

    assert_eq!(get(&ports, &product).await.as_ref(), Some(&product));
    assert_eq!(ports.products.find_by_sku(store, &product.details.sku).await.unwrap(), Some(product));
    assert_eq!(ports.products.find_by_sku(store, &other.details.sku).await.unwrap(), Some(other));
    audited(&ports.audit, &[&entry]).await;
}

/// Of sixteen updates of one version at once exactly one is stored, and only it is audited.
pub async fn of_sixteen_updates_of_a_product_at_once_one_is_stored(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let product = make.product(store);
    let first = audit(&make, &product);
    ports.products.insert(store, product.clone(), first.clone()).await.unwrap();
    let changes: Vec<_> = (0..16)
        .map(|at| {
            let details = ProductDetails { product_name: format!("name {at}"), ..product.details.clone() };
            (StoreProduct { details, version: 2, ..product.clone() }, audit(&make, &product))
        })
        .collect();
    let outcomes = at_once(changes.iter().cloned().map(|(product, entry)| {
        let ports = ports.clone();
        async move { ports.products.update(store, product, 1, entry).await.unwrap() }
    }))
    .await;
    let won: Vec<_> = changes.iter().zip(&outcomes).filter(|(_, o)| **o == UpdateOutcome::Updated).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let (winner, entry) = won[0].0;
    assert_eq!(get(&ports, &product).await.as_ref(), Some(winner));
    audited(&ports.audit, &[&first, entry]).await;
}

/// A store's products come by id, page by page, each once, by status and barcode or all.
pub async fn products_come_by_id_page_by_page(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let barcodes = [Some("8901058000290".to_owned()), None, Some("8901030865275".to_owned())];
    let mut products = Vec::new();
    for at in 0..20 {
        let mut product = make.product(if at == 7 { make.store_id() } else { store });
        product.details.barcode = barcodes[at % 3].clone();
        product.status = [ProductStatus::Active, ProductStatus::Discontinued][at % 2];
        products.push(inserted(&ports, &make, product).await);
    }
    products.remove(7);
    products.sort_by_key(|product| product.id);
    let filters = [
        ProductFilter::default(),
        ProductFilter { status: Some(ProductStatus::Active), barcode: None },
        ProductFilter { status: None, barcode: barcodes[0].clone() },
        ProductFilter { status: Some(ProductStatus::Discontinued), barcode: barcodes[2].clone() },
        ProductFilter { status: Some(ProductStatus::Inactive), barcode: None },
        ProductFilter { status: None, barcode: Some("0".to_owned()) },
    ];
    let mut sizes = Vec::new();
    for filter in filters {
        let matching = |product: &&StoreProduct| {
            filter.status.is_none_or(|status| product.status == status)
                && (filter.barcode.is_none() || product.details.barcode == filter.barcode)
        };
        let expected: Vec<_> = products.iter().filter(matching).cloned().collect();
        sizes.push(expected.len());
        for limit in [1, 4, 7, 200] {
            let read = || all_pages(limit, |page| ports.products.list(store, filter.clone(), page));
            eventually(expected.clone(), read).await;
        }
    }
    assert_eq!(sizes, [19, 10, 7, 3, 0, 0]);
    let page = ports.products.list(store, ProductFilter::default(), PageRequest::first(19)).await.unwrap();
    assert_eq!((page.items.len(), page.next), (19, None), "a full last page has no next");
}

/// Cursors of other lists and malformed positions are refused.
pub async fn products_refuse_cursors_they_did_not_give_out(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    inserted(&ports, &make, make.product(store)).await;
    refuses_foreign_cursors("products", |page| ports.products.list(store, ProductFilter::default(), page)).await;
}

/// A product of another store is absent: neither read, found nor changed there.
pub async fn another_store_reaches_no_product(bench: &Bench) {
    let (ports, make, store) = setup(bench);
    let product = make.product(store);
    let entry = audit(&make, &product);
    ports.products.insert(store, product.clone(), entry.clone()).await.unwrap();
    let other = make.store_id();
    assert_eq!(ports.products.get_many(other, &[product.id]).await.unwrap(), []);
    assert_eq!(ports.products.find_by_sku(other, &product.details.sku).await.unwrap(), None);
    let page = ports.products.list(other, ProductFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!((page.items, page.next), (Vec::new(), None));
    let next = StoreProduct { store_id: other, version: 2, status: ProductStatus::Inactive, ..product.clone() };
    let outcome = ports.products.update(other, next, 1, audit(&make, &product)).await.unwrap();
    assert_eq!(outcome, UpdateOutcome::Stale);
    assert_eq!(get(&ports, &product).await, Some(product));
    audited(&ports.audit, &[&entry]).await;
}
